"""What other systems tell: only with the token of their channel, bounded, and answered for programs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from casepath.engine import database
from casepath.engine.database.models import Attachment, Delivery
from casepath.settings import Connector, Settings
from casepath.web import uploads
from casepath.web.incoming import views
from casepath.web.incoming.rates import Rates
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import channels
from tests.applications import make_app

TOKEN = "a-token-of-at-least-32-characters"
SMS = {**channels.SMS, "setting": "sms"}
#: How a file of sound begins.
SPOKEN = b"ID3\x04"


@pytest.fixture(autouse=True)
def rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has asked yet."""
    monkeypatch.setattr(views, "RATES", Rates(5))
    monkeypatch.setattr(views, "WRONG", Rates(3))


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The application, with a channel that may tell something, and one that may not."""
    connectors = {"sms": Connector(token=SecretStr(TOKEN)), "other": Connector()}
    settings = Settings(
        data_folder=tmp_path / "kept", database_url=sqlite_url, secret_key=SecretStr("secret"), connectors=connectors
    )
    made = make_app(settings)
    sessions = database.sessions(made.extensions["database"])
    with sessions.begin() as session:
        channels.deploy(session, SMS, channels.OTHER, p=channels.sending("sms", "to=138", "text=Hello"))
        channels.send(session)
    Loop(Surroundings(sessions=sessions), worker_id="w1").rest()
    yield made
    made.extensions["database"].dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def tell(
    client: FlaskClient, kind: str = "reply", *, channel: str = "sms", token: str = TOKEN, **said: Any
) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    said = said or {"number": "a1", "address": "138", "text": "Yes"}
    return client.post(f"/incoming/{channel}/{kind}", json=said, headers=headers)


def test_take__new_then_known(client: FlaskClient) -> None:
    first, again = tell(client), tell(client)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json is not None
    assert again.json == {**first.json, "known": True}


def test_take__a_report(app: Flask, client: FlaskClient) -> None:
    with database.sessions(app.extensions["database"]).begin() as session:
        key = session.scalars(select(Delivery.idempotency_key)).one()

    answer = tell(client, "report", number="r1", delivery=key, state="failed", text="switched off")

    assert answer.status_code == 201
    with database.sessions(app.extensions["database"]).begin() as session:
        assert session.scalars(select(Delivery.state)).one() == "failed"


@pytest.mark.parametrize(
    ("channel", "token"),
    [("sms", "wrong"), ("sms", ""), ("other", TOKEN), ("other", ""), ("nobody", TOKEN)],
)
def test_take__without_its_token_nobody_learns_anything(client: FlaskClient, channel: str, token: str) -> None:
    answer = tell(client, channel=channel, token=token)

    assert answer.status_code == 401
    assert answer.json == tell(client, channel="sms", token="x").json


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{", 400), (b"[]", 400), (b"\xff", 400), (b'{"text": "no number"}', 400), (b'{"number": "1"}', 400),
     (b'{"number": "1", "text": "x", "delivery": "none"}', 404),
     (b'{"number": "1", "text": "x", "address": "139"}', 404), (b'{"number": "1", "text": "x"}', 400),
     (b"[" * 100_000, 400), (b" " * 300_000, 413)],
)  # fmt: skip
def test_take__refused(client: FlaskClient, content: bytes, status: int) -> None:
    answer = client.post("/incoming/sms/reply", data=content, headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == status


def speak(client: FlaskClient, *files: tuple[bytes, str], kind: str = "recording", **said: Any) -> TestResponse:
    message = json.dumps({"number": "c1", "address": "138", "at": "2026-11-30T10:00:00+08:00", **said})
    parts = [FileStorage(io.BytesIO(content), name) for content, name in files]
    boundary, data = encode_multipart({"message": message, "audio": parts})
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": f"multipart/form-data; boundary={boundary}"}
    return client.post(f"/incoming/sms/{kind}", data=data, headers=headers)


def test_take__a_recording_that_is_to_be_heard(app: Flask, client: FlaskClient) -> None:
    content = SPOKEN + bytes(views.MAX_BYTES)
    first, again = speak(client, (content, "call.mp3")), speak(client, (content, "call.mp3"))

    assert (first.status_code, again.status_code) == (201, 200)
    assert speak(client, (SPOKEN, "call.mp3")).status_code == 409
    with database.sessions(app.extensions["database"]).begin() as session:
        (kept,) = session.scalars(select(Attachment))
    assert (kept.name, kept.media_type, kept.size) == ("call.mp3", "audio/mpeg", len(content))


@pytest.mark.parametrize(
    ("files", "kind", "said", "status"),
    [((), "recording", {}, 400), (((SPOKEN, "1.mp3"), (SPOKEN, "2.mp3")), "recording", {}, 400),
     (((b"<html>", "call.mp3"),), "recording", {}, 400), (((b"", "call.mp3"),), "recording", {}, 400),
     (((SPOKEN + bytes(uploads.MAX_BYTES), "call.mp3"),), "recording", {}, 400),
     (((SPOKEN + bytes(4_000_000 + uploads.MAX_BYTES), "call.mp3"),), "recording", {}, 413),
     (((SPOKEN, "call.mp3"),), "recording", {"text": "x" * 300_000}, 413),
     (((SPOKEN, "call.mp3"),), "recording", {"address": "139"}, 404),
     (((SPOKEN, "call.mp3"),), "reply", {}, 400)],
)  # fmt: skip
def test_take__a_recording_that_is_refused(
    app: Flask, client: FlaskClient, files: tuple[tuple[bytes, str], ...], kind: str, said: dict[str, Any], status: int
) -> None:
    assert speak(client, *files, kind=kind, **said).status_code == status
    with database.sessions(app.extensions["database"]).begin() as session:
        assert session.scalars(select(Attachment)).all() == []


def test_take__something_else_under_a_known_number(client: FlaskClient) -> None:
    tell(client)

    answer = tell(client, number="a1", address="138", text="No")

    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["code"] == "arrival-differs"


def test_take__so_many_in_a_minute(client: FlaskClient, clock: ModuleType) -> None:
    answers = [tell(client, number=f"a{number}", address="138", text="Yes").status_code for number in range(7)]
    assert answers == [201] * 5 + [429] * 2

    clock.set_to(clock.now() + timedelta(minutes=1))

    assert tell(client, number="a9", address="138", text="Yes").status_code == 201


def test_take__who_guesses_is_stopped_for_a_while(client: FlaskClient) -> None:
    assert [tell(client, token="x").status_code for _ in range(5)] == [401] * 3 + [429] * 2
    assert tell(client).status_code == 429
