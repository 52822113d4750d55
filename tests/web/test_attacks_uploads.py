"""Hostile files with a matter and in a deployment, and what a browser makes of them."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.serving import make_server

from casepath.engine import database, history
from casepath.engine.database import models as engine_models
from casepath.engine.instances import process_instances, user_tasks
from casepath.settings import Settings
from tests import database as databases
from tests.applications import make_app
from tests.each import each
from tests.web.populated import FOLDERS, PNG, Populated
from tests.web.visitor import Visitor, text

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = b"<script>document.title = 'run'</script>"
BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;">]><a>&d;</a>"""
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@pytest.fixture
def sqlite_url(populated: tuple[Path, Populated], tmp_path: Path) -> str:
    """A database with one of everything."""
    return databases.copy_file(populated[0], tmp_path / "casepath.db")


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The application."""
    settings = Settings(data_folder=tmp_path / "kept", database_url=sqlite_url, secret_key=SecretStr("secret"))
    made = make_app(settings)
    yield made
    made.extensions["database"].dispose()


@pytest.fixture
def rows(app: Flask) -> sessionmaker[Session]:
    """Transactions on the application's database."""
    return database.sessions(app.extensions["database"])


@pytest.fixture
def there(populated: tuple[Path, Populated]) -> Populated:
    """One of everything."""
    return populated[1]


@pytest.fixture
def alice(app: Flask, there: Populated) -> Visitor:
    """Who has registered the matter."""
    return Visitor(app.test_client(), "alice")


@pytest.fixture
def owner(app: Flask, there: Populated) -> Visitor:
    """Whoever may deploy."""
    return Visitor(app.test_client(), "owner")


def attach(visitor: Visitor, there: Populated, *files: tuple[bytes, str]) -> int:
    sent = [(io.BytesIO(content), name) for content, name in files]
    return visitor.post(f"/matters/attachments/{there.key}", {"files": sent}).status_code


def deploy(visitor: Visitor, *files: tuple[bytes, str]) -> int:
    sent = [(io.BytesIO(content), name) for content, name in files]
    return visitor.post("/processes/upload", {"files": sent, "name": "hostile", "what": "x", "why": "y"}).status_code


def zip_bomb() -> bytes:
    """A small file that is 50 MB of nothing when it is unpacked."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\x00" * 50_000_000)
    return packed.getvalue()


class TestFiles:
    @pytest.mark.parametrize(
        ("content", "name"),
        [
            (PNG + SCRIPT, "photo.html"),
            (b"GIF89a/*" + SCRIPT + b"*/", "a.gif"),
            (b"\xff\xd8\xff\xe0" + SCRIPT, "a.jpg.svg"),
        ],
    )
    def test_picture__that_is_a_page_too_stays_a_picture(
        self, alice: Visitor, there: Populated, content: bytes, name: str
    ) -> None:
        assert attach(alice, there, (content, name)) == 303
        answer = alice.get(f"/matters/files/{there.sheet_id + 1}")
        assert str(answer.mimetype).startswith("image/")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")

    def test_zip_bomb__is_kept_as_it_is(self, alice: Visitor, there: Populated) -> None:
        bomb = zip_bomb()
        assert attach(alice, there, (bomb, "a.docx")) == 303
        assert alice.get(f"/matters/files/{there.sheet_id + 1}").data == bomb

    def test_large__is_refused_and_nothing_is_kept(self, alice: Visitor, there: Populated) -> None:
        before = text(alice.get(f"/matters/show/{there.key}")).count("/matters/files/")
        assert self.attach_large(alice, there, 30_000_001) == 422
        assert self.attach_large(alice, there, 33 * 1024 * 1024) == 413
        assert text(alice.get(f"/matters/show/{there.key}")).count("/matters/files/") == before

    def attach_large(self, visitor: Visitor, there: Populated, size: int) -> int:
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="%s.txt"\r\n\r\n'
        body = head % b"a" + b"x\r\n" + head % b"b" + b"x" * size + b"\r\n--x--\r\n"
        options = {"content_type": "multipart/form-data; boundary=x", "headers": {"X-CSRF-Token": "token"}}
        return visitor.client.post(f"/matters/attachments/{there.key}", data=body, **options).status_code

    @each("body", [b"--x\r\nContent-Disposition: form-data; name=\"fi", b"", b"\x00" * 100])
    @each("kind", ["multipart/form-data; boundary=x", "multipart/form-data"])
    def test_body__that_is_broken(self, alice: Visitor, there: Populated, body: bytes, kind: str) -> None:
        answer = alice.client.post(
            f"/matters/attachments/{there.key}", data=body, content_type=kind, headers={"X-CSRF-Token": "token"}
        )
        assert answer.status_code in {400, 422}

    def test_sheet__is_saved_not_shown(self, alice: Visitor, there: Populated) -> None:
        answer = alice.get(f"/matters/files/{there.sheet_id}")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
        assert "allow-scripts" not in answer.headers["Content-Security-Policy"]

    def test_values__that_were_erased_leave_every_page_readable(
        self, alice: Visitor, there: Populated, rows: sessionmaker[Session]
    ) -> None:
        with rows.begin() as session:
            process_instances.set_variables(session, there.instance_id, {"loss": 30}, by="operator", reason="更正")
            history.erase(session, there.instance_id, ["loss"], by="administrator", reason="申请")
        for page in ("show", "timeline", "timeline.csv", "verify"):
            assert alice.get(f"/matters/{page}/{there.key}").status_code == 200


class TestDeployment:
    @each(
        "content, name",
        [
            (BOMB, "a.bpmn"),
            (OUTSIDE, "a.bpmn"),
            (OUTSIDE, "a.dmn"),
            (b"", "a.bpmn"),
            (b"\x00\xff\xfe", "a.dmn"),
            (b"<a>" * 5000, "a.bpmn"),
            (b"[" * 100_000, "a.form"),
            (b'{"components": [1, null, "x"]}', "a.form"),
            (b'{"components": [{"type": {"a": 1}, "key": ["x"]}]}', "a.form"),
            (b'{"components": [{"type": "textfield", "key": "a", "validate": [1]}]}', "a.form"),
            (b'{"components": [{"type": "textfield", "key": "a", "properties": [1], "label": {"b": 1}}]}', "a.form"),
            (b'{"components": [{"type": "textfield", "key": "a", "appearance": 1, "layout": "x"}]}', "a.form"),
            (b'{"components": [{"type": "textfield", "key": "a", "layout": {"columns": "x"}}]}', "a.form"),
            (b'{"components": [{"type": "select", "key": "a", "values": {"b": 1}}]}', "a.form"),
            (b'{"components": [{"type": "group", "components": {"a": 1}}]}', "a.form"),
            (b"\xff\xfe", "a.form"),
            (b"null", "a.form"),
        ],
    )
    def test_refused__with_a_page_that_says_why(self, owner: Visitor, content: bytes, name: str) -> None:
        assert deploy(owner, (content, name)) == 422

    @each("name", ["../../a.exe", "a", "a.bpmn/", "\u202efrom", ""])
    def test_name__that_is_none_of_ours(self, owner: Visitor, name: str) -> None:
        assert deploy(owner, (b"<a/>", name)) in {422}

    def test_names__run_nothing_where_they_are_shown(self, owner: Visitor) -> None:
        hostile = "&#39;&quot;&gt;&lt;script&gt;document.title=1&lt;/script&gt;"
        diagram = (FOLDERS / "matter" / "matter.bpmn").read_text(encoding="utf-8")
        for word in ("投诉", "解决", "收到投诉", "A complaint in short."):
            diagram = diagram.replace(f'"{word}"', f'"{hostile}"').replace(f">{word}<", f">{hostile}<")
        assert deploy(owner, (diagram.encode(), "matter.bpmn")) == 303
        for page in ("/processes/", "/processes/show/matter", "/processes/deployments/", "/processes/upload"):
            assert "<script>document" not in text(owner.get(page))

    @each(
        "sent",
        [
            {"xml": "<a/>", "name": 5},
            {"xml": "<a/>", "name": ["x"]},
            {"xml": "<a/>", "name": "\ud800"},
            {"xml": BOMB.decode()},
            {"xml": OUTSIDE.decode()},
            {"xml": {"a": 1}},
            {"xml": "<a/>", "what": 5},
            {"xml": "<a/>", "why": "\ud800"},
        ],
    )
    def test_modeler__whatever_it_sends(self, owner: Visitor, sent: object) -> None:
        headers = {"X-CSRF-Token": "token", "Content-Type": "application/json"}
        owner.post("/language", {"language": "zh_CN"})
        if isinstance(sent, dict):
            sent = {"what": "x", "why": "y", **sent}
        answer = owner.client.post("/processes/modeler", data=json.dumps(sent), headers=headers)
        assert answer.status_code in {400, 422}
        assert "root:" not in text(answer)


class TestTasks:
    def test_completed__with_values_of_others_forms(
        self, alice: Visitor, there: Populated, rows: sessionmaker[Session]
    ) -> None:
        form = {"solved": "yes", "loss": "0", "assignee": "director", "state": "completed", "business_key": "x"}
        assert alice.post(f"/tasks/{there.held}/complete", form).status_code == 422
        with rows.begin() as session:
            assert user_tasks.get(session, there.held).state == "created"

    def test_completed__while_it_is_suspended_or_over(
        self, alice: Visitor, there: Populated, rows: sessionmaker[Session]
    ) -> None:
        with rows.begin() as session:
            process_instances.suspend(session, there.instance_id, by="operator", reason="x")
        for action in ("claim", "complete", "assign"):
            form = {"solved": "yes"} if action == "complete" else {"to": "bob"}
            assert alice.post(f"/tasks/{there.free}/{action}", form).status_code == 409
        with rows.begin() as session:
            process_instances.resume(session, there.instance_id, by="operator", reason="x")
            process_instances.cancel(session, there.instance_id, by="operator", reason="x")
        for action in ("claim", "complete", "assign"):
            form = {"solved": "yes"} if action == "complete" else {"to": "bob"}
            assert alice.post(f"/tasks/{there.free}/{action}", form).status_code == 409

    def test_completed__twice_at_the_same_time(
        self, app: Flask, there: Populated, rows: sessionmaker[Session]
    ) -> None:
        found: list[int] = []

        def complete() -> None:
            visitor = Visitor(app.test_client(), "alice")
            found.append(visitor.post(f"/tasks/{there.held}/complete", {"solved": "yes"}).status_code)

        threads = [Thread(target=complete) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == [303, 409, 409, 409]
        with rows.begin() as session:
            task = user_tasks.get(session, there.held)
            events = session.query(engine_models.HistoryEvent).filter_by(
                process_instance_id=task.process_instance_id, kind="user_task.completed"
            )
            assert events.count() == 1

    @pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "([a-z]+)*x"])
    def test_pattern__that_never_ends(self, owner: Visitor, alice: Visitor, there: Populated, pattern: str) -> None:
        form = json.loads((FOLDERS / "matter" / "forms" / "solve.form").read_text(encoding="utf-8"))
        form["components"].append({"type": "textfield", "key": "slow", "label": "慢", "validate": {"pattern": pattern}})
        diagram = (FOLDERS / "matter" / "matter.bpmn").read_bytes().replace(b'"done"', b'"over"')
        assert deploy(owner, (json.dumps(form).encode(), "solve.form"), (diagram, "matter.bpmn")) == 303
        answer = alice.post(f"/tasks/{there.held}/complete", {"solved": "yes", "slow": "a" * 50 + "!"})
        assert answer.status_code in {303, 422}


@pytest.mark.browser
def test_sheet__runs_no_script_in_a_browser(app: Flask, there: Populated, page: Page) -> None:
    """Even where the browser is made to show it, in a frame or from a link."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        visitor = Visitor(app.test_client(), "alice")
        visitor.get("/tasks/")
        cookie = visitor.client.get_cookie("casepath")
        assert cookie is not None
        origin = f"http://127.0.0.1:{server.port}"
        page.context.add_cookies([{"name": "casepath", "value": cookie.value, "url": origin}])
        page.goto(f"{origin}/matters/show/{there.key}")
        titles = page.evaluate(
            """async (address) => {
                const answer = await fetch(address);
                return [answer.status, answer.headers.get("Content-Disposition").split(";")[0], document.title];
            }""",
            f"/matters/files/{there.sheet_id}",
        )
        assert titles[:2] == [200, "attachment"]
        with page.expect_download() as download:
            page.evaluate("address => { location.href = address }", f"/matters/files/{there.sheet_id}")
        assert re.search(r"\.html$", download.value.suggested_filename)
        assert page.title() != "run"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
