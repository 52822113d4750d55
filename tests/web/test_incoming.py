"""What other systems tell: only with the token of their channel, bounded, and answered for programs."""

from __future__ import annotations

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
from werkzeug.test import TestResponse

from casepath.engine import database
from casepath.engine.database.models import Delivery
from casepath.settings import Connector, Settings
from casepath.web.incoming import views
from casepath.web.incoming.rates import Rates
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import channels
from tests.applications import make_app

TOKEN = "a-token-of-at-least-32-characters"
SMS = {**channels.SMS, "setting": "sms"}


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
