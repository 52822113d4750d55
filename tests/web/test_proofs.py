"""The proof of a matter as a download, its account in both languages, and the page of the keys."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.history import bundle, organisation
from casepath.engine.instances import attachments, proofs
from tests import bundles
from tests.web import matters
from tests.web.matters import Matter
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]


@pytest.fixture
def solved(rows: sessionmaker[Session], matter: Matter) -> Matter:
    """A matter that has gone on, with a file whose name is markup."""
    matters.solve(rows, matter, "no")
    with rows.begin() as session:
        attachments.add(session, matter.key, name="<img src=x onerror=alert(1)>.txt", content=b"x", by="alice")
    return matter


def test_bundle__is_downloaded_and_verifies(app: Flask, visit: Visit, solved: Matter, tmp_path: Path) -> None:
    director = visit("director")
    assert f"/matters/proof/{solved.key}" in text(director.get(f"/matters/show/{solved.key}"))

    answer = director.post(f"/matters/proof/{solved.key}")

    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert f"{solved.key}.proof.zip" in answer.headers["Content-Disposition"]
    assert answer.content_length == len(answer.data)
    path = tmp_path / "bundle.zip"
    path.write_bytes(answer.data)
    key = bundle.known(app.extensions["settings"].data_folder)[-1].text
    assert bundles.found_in_python(path, key) == []


def test_story__in_both_languages_without_scripts_and_the_same_on_another_day(
    visit: Visit, solved: Matter, clock: ModuleType
) -> None:
    def told() -> dict[str, str]:
        content = visit("director").post(f"/matters/proof/{solved.key}").data
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name).decode() for name in archive.namelist() if name.startswith("story")}

    stories = told()
    clock.move(timedelta(days=400))

    assert told() == stories
    assert 'lang="zh-CN"' in stories["story.zh-CN.html"]
    assert 'lang="en"' in stories["story.en.html"]
    assert "&lt;b&gt;备注&lt;/b&gt;" in stories["story.en.html"]
    for story in stories.values():
        assert re.search(r"<script|<img|<link|\bon\w+=[\"']|javascript:|https?://", story) is None
    assert "经过" in stories["story.zh-CN.html"]
    assert "What happened" in stories["story.en.html"]


def test_button__only_for_those_who_may(visit: Visit, matter: Matter) -> None:
    for username in ("alice", "administrator"):
        assert "/matters/proof/" not in text(visit(username).get(f"/matters/show/{matter.key}"))


def test_keys__are_shown_with_who_took_what(own_app: Flask, visit: Visit, matter: Matter) -> None:
    administrator, director = visit("administrator"), visit("director")
    assert "casepath history key" in text(administrator.get("/operations/proof"))
    director.post(f"/matters/proof/{matter.key}").close()

    page = text(administrator.get("/operations/proof"))

    folder = own_app.extensions["settings"].data_folder
    (known,) = bundle.known(folder)
    assert known.text in page
    assert known.fingerprint in page
    assert matter.key in page
    secret = (folder / "proof-key").read_text(encoding="ascii").splitlines()[1]
    assert secret not in page


def test_lost_key__is_said_and_nothing_is_on_record(
    own_app: Flask, rows: sessionmaker[Session], visit: Visit, matter: Matter, caplog: pytest.LogCaptureFixture
) -> None:
    director = visit("director")
    director.post(f"/matters/proof/{matter.key}").close()
    folder = own_app.extensions["settings"].data_folder
    secret = (folder / "proof-key").read_text(encoding="ascii").splitlines()[1]
    (folder / "proof-key").unlink()

    answer = director.post(f"/matters/proof/{matter.key}")

    assert answer.status_code == 422
    assert "无法签名：proof-key 中的密钥不见了" in text(answer)
    with rows.begin() as session:
        assert len([each for each in organisation.events(session) if each.kind == proofs.TAKEN]) == 1
    assert secret not in caplog.text
