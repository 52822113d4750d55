"""A database that is locked, full or away: pages say so, keep what was typed, and go on when it is over."""

from __future__ import annotations

import html
import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from flask import Flask, g
from pydantic import SecretStr
from sqlalchemy import event
from werkzeug.test import TestResponse

from casepath import web
from casepath.engine import database
from casepath.settings import Settings
from tests import factories
from tests.web.visitor import Visitor, text

GROUP = {"key": "night", "name": "夜班 <i>", "name_en": ""}
ID = re.compile(r'<span class="mono">([0-9a-f]{8})</span>')


@pytest.fixture
def app(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The application, with little patience, and with a page on which the database is lost."""
    monkeypatch.setattr(web, "PATIENCE", 0.2)
    settings = Settings(data_folder=tmp_path / "kept", database_url=database_url, secret_key=SecretStr("secret"))
    made = web.create_app(settings)

    @made.post("/lose")
    def lose() -> str:
        with g.sessions.begin() as session:
            session.execute(sqlalchemy.text("SELECT pg_terminate_backend(pg_backend_pid())"))
            session.execute(sqlalchemy.text("SELECT 1"))
        return "still there"

    @made.post("/fill")
    def fill() -> str:
        with g.sessions.begin() as session:
            session.execute(sqlalchemy.text("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$"))
        return "room"

    yield made
    made.extensions["database"].dispose()


@pytest.fixture
def ada(app: Flask) -> Visitor:
    """An administrator."""
    with database.sessions(app.extensions["database"]).begin() as session:
        for key in ("administrator", "service"):
            factories.group(session, key)
        factories.user(session, "ada", groups=["administrator"])
    return Visitor(app.test_client(), "ada")


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Have somebody else write, and not end."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
    else:
        pool = database.connect(url)
        with pool.connect() as other:
            other.exec_driver_sql("LOCK TABLE groups IN EXCLUSIVE MODE")
            yield
        pool.dispose()


def assert_kept(answer: TestResponse, *, retry_after: str) -> None:
    """The page says when to try again, and has the form once more."""
    page = text(answer)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == retry_after
    assert ID.search(page)
    assert '<input type="hidden" name="name" value="夜班 &lt;i&gt;">' in page
    assert "重新提交" in page


def inputs(page: str) -> dict[str, str]:
    """What the form of a page sends again."""
    form = page[page.index("<main") : page.index("重新提交")]
    return {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}


def test_locked__the_form_is_sent_again_when_it_is_over(database_url: str, ada: Visitor) -> None:
    with locked(database_url):
        answer = ada.post("/people/groups", GROUP)
        assert_kept(answer, retry_after="5")
        assert ada.get("/people/groups").status_code == 200

    sent = inputs(text(answer))
    assert sent.items() >= {"key": "night", "name": "夜班 <i>"}.items()
    assert ada.post("/people/groups", sent).status_code == 303
    assert "夜班" in text(ada.get("/people/groups"))


def test_locked__as_json(database_url: str, ada: Visitor) -> None:
    with locked(database_url):
        answer = ada.post("/people/groups", GROUP, headers={"Accept": "application/json"})

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json is not None
    assert re.fullmatch("[0-9a-f]{8}", answer.json["id"])


def test_locked__in_english(database_url: str, ada: Visitor) -> None:
    ada.post("/language", {"language": "en"})
    with locked(database_url):
        page = text(ada.post("/people/groups", GROUP))

    assert "Too much at once" in page
    assert "Send again" in page


def test_locked__a_form_that_is_not_ours_is_not_offered_again(database_url: str, app: Flask, ada: Visitor) -> None:
    @app.before_request
    def first() -> None:
        with g.sessions.begin() as session:
            session.execute(sqlalchemy.text("UPDATE groups SET name = name"))

    app.before_request_funcs[None].insert(1, app.before_request_funcs[None].pop())
    with locked(database_url):
        answer = ada.client.post("/people/groups", data={**GROUP, "csrf_token": "another"})

    assert answer.status_code == 503
    assert "重新提交" not in text(answer)


def test_locked__the_log_names_nobody(database_url: str, ada: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    with locked(database_url), caplog.at_level(logging.INFO):
        page = text(ada.post("/people/groups", GROUP))

    found = ID.search(page)
    assert found
    assert f"{found[1]}: POST /people/groups: the database is busy" in caplog.text
    assert "夜班" not in caplog.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_full__heals(app: Flask, ada: Visitor) -> None:
    pool = app.extensions["database"]

    def limit(connection: Any, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    def widen(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA max_page_count=1073741823")

    event.listen(pool, "checkout", limit)
    answers = [ada.post("/people/groups", {**GROUP, "key": f"night{number}"}) for number in range(60)]
    event.remove(pool, "checkout", limit)
    event.listen(pool, "checkout", widen)

    full = next(answer for answer in answers if answer.status_code != 303)
    assert_kept(full, retry_after="60")
    assert "存储空间已满" in text(full)
    assert ada.post("/people/groups", inputs(text(full))).status_code == 303


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_full__on_postgresql(ada: Visitor) -> None:
    assert_kept(ada.post("/fill", GROUP), retry_after="60")


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_away__heals(ada: Visitor, database_url: str) -> None:
    assert_kept(ada.post("/lose", GROUP), retry_after="15")
    assert ada.post("/people/groups", GROUP).status_code == 303

    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
    pool = database.connect(database_url)
    with pool.connect() as connection:
        connection.exec_driver_sql(f"{others}pg_backend_pid()")
    pool.dispose()
    # Connections that were lost while nobody used them are made anew, and nobody notices.
    assert ada.get("/people/groups").status_code == 200


def test_away__from_the_start(tmp_path: Path) -> None:
    url = "postgresql://nobody:secret-7f3a@127.0.0.1:9/none"
    app = web.create_app(Settings(data_folder=tmp_path, database_url=url, secret_key=SecretStr("secret")))

    ada = Visitor(app.test_client(), "ada")
    answer = ada.get("/people/?q=王")
    forms = {"/login": ["username", "password"], "/password": ["old", "new", "again"]}
    sent = [ada.post(address, dict.fromkeys(names, "secret-8b1c")) for address, names in forms.items()]

    app.extensions["database"].dispose()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "15"
    assert "secret-7f3a" not in text(answer)
    assert "重试" in text(answer)
    # Forms can be sent again, but no page has a password in it.
    assert [(each.status_code, "secret-8b1c" in text(each)) for each in sent] == [(503, False)] * 2


def test_fault__has_an_id_that_the_log_has_too(app: Flask, ada: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    @app.get("/people/<username>/broken")
    def broken(username: str) -> str:
        try:
            raise KeyError(username)
        except KeyError as error:
            raise ValueError(f"no {username}") from error

    page = text(ada.get("/people/wangwu/broken"))
    asked = ada.get("/people/wangwu/broken", headers={"Accept": "application/json"})

    found = ID.search(page)
    assert found
    assert f"{found[1]}: GET /people/<username>/broken" in caplog.text
    assert asked.json is not None
    assert f"{asked.json['id']}: GET /people/<username>/broken" in caplog.text
    assert "builtins.ValueError" in caplog.text
    assert "builtins.KeyError" in caplog.text
    assert "in broken" in caplog.text
    assert "wangwu" not in caplog.text


def test_away__in_the_middle_of_a_request(app: Flask, ada: Visitor) -> None:
    """Who asks is known already; nothing that pages show beside is asked for."""
    away = database.sessions(database.connect("postgresql://nobody@127.0.0.1:9/none"), read_only=True)

    @app.post("/leave")
    def leave() -> str:
        g.sessions = g.readers = away
        with g.readers.begin() as session:
            session.execute(sqlalchemy.text("SELECT 1"))
        return "still there"

    assert_kept(ada.post("/leave", GROUP), retry_after="15")
