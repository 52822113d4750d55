"""The form for people outside: without a session, bounded, a trap for programs, and a number; it tells nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from casepath.engine import database, deployments
from casepath.engine.database.models import Arrival, ProcessInstance
from casepath.engine.instances import process_instances
from casepath.engine.people import identity
from casepath.settings import Settings
from casepath.web.incoming.rates import Rates
from casepath.web.public_forms import views
from tests import diagrams
from tests.acting import PROGRAM
from tests.applications import make_app
from tests.each import each
from tests.wards import field
from tests.web.visitor import text

Sessions = sessionmaker[Session]

NEEDED = {"validate": {"required": True, "maxLength": 30}}
FORM = {"id": "report", "type": "default", "components": [
    field("name", "姓名", "Name", **NEEDED), field("what", "事情", "What", **NEEDED),
]}  # fmt: skip
CHANNEL = {"id": "ward", "name": "告诉我们", "name_en": "Tell us", "connector": "log", "starts": {"process": "report"}}
REPORT = diagrams.process(
    '<extensionElements><camunda:properties><camunda:property name="businessKeyFormat" value="W-{number}"/>'
    "</camunda:properties></extensionElements>",
    '<startEvent id="s" camunda:formKey="report"/><userTask id="t" camunda:candidateGroups="service"/>',
    flow="s > t", key="report",
)  # fmt: skip
TYPED = {"name": "梅一", "what": "灯坏了"}


def files(channel: dict[str, Any], *more: dict[str, Any]) -> dict[str, bytes]:
    form = {**FORM, "components": [*FORM["components"], *more]}
    listed = {"channels": [channel, {**CHANNEL, "id": "closed"}]}
    return {
        "report.bpmn": REPORT, "report.form": json.dumps(form).encode(), "channels.json": json.dumps(listed).encode(),
    }  # fmt: skip


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        data_folder=tmp_path / "kept", database_url=database_url, secret_key=SecretStr("secret"), public_forms=True
    )


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The application, with a form that is open to everybody; nobody has asked yet."""
    monkeypatch.setattr(views, "TRIED", Rates(20, views.HOUR))
    monkeypatch.setattr(views, "TAKEN", Rates(3, views.HOUR))
    made = make_app(settings)
    with database.sessions(made.extensions["database"]).begin() as session:
        identity.import_people(session, {"groups": [{"key": "service", "name": "Service"}]}, by=PROGRAM)
        deployments.deploy(session, files({**CHANNEL, "public": True}), name="report", by=PROGRAM)
    yield made
    made.extensions["database"].dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def sessions(app: Flask) -> Sessions:
    return database.sessions(app.extensions["database"])


def ticket(client: FlaskClient, language: str = "zh-CN") -> str:
    page = client.get("/open/ward", headers={"Accept-Language": language})
    return str(html.fromstring(text(page)).xpath("string(//input[@name='page.ticket']/@value)"))


def send(client: FlaskClient, clock: ModuleType, **typed: str) -> TestResponse:
    shown = typed.pop("ticket", "") or ticket(client)
    clock.set_to(clock.now() + timedelta(seconds=5))
    return client.post("/open/ward", data={**TYPED, "page.ticket": shown, **typed})


def count(sessions: Sessions, model: Any = ProcessInstance) -> int:
    with sessions.begin() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_send__starts_the_process_and_tells_its_number_without_a_session(
    client: FlaskClient, sessions: Sessions, clock: ModuleType
) -> None:
    answer = send(client, clock)
    told = client.get(answer.headers["Location"])

    assert (answer.status_code, told.status_code) == (303, 200)
    assert "W-1" in text(told)
    assert [each.headers.get("Set-Cookie") for each in (answer, told, client.get("/open/ward"))] == [None] * 3
    with sessions.begin() as session:
        known = process_instances.variables(session, 1)
        instance = process_instances.get(session, 1)
    assert (known["name"], known["what"]) == ("梅一", "灯坏了")
    assert instance.started_by == "program:channel-ward"
    forged = answer.headers["Location"].replace("/received/", "/received/x")
    assert client.get(forged).status_code == 404


def test_send__twice_is_once_and_something_else_is_another(
    client: FlaskClient, sessions: Sessions, clock: ModuleType
) -> None:
    shown = ticket(client)
    numbers = [
        re.findall(r"W-\d", text(client.get(send(client, clock, ticket=shown, what=what).headers["Location"])))
        for what in ("灯坏了", "灯坏了", "门坏了")
    ]

    assert numbers == [["W-1"], ["W-1"], ["W-2"]]
    assert count(sessions) == 2


def test_send__what_does_not_fit_is_told_at_its_field(
    client: FlaskClient, sessions: Sessions, clock: ModuleType
) -> None:
    answer = send(client, clock, what="", name="x" * 31)

    assert answer.status_code == 422
    page = html.fromstring(text(answer))
    assert page.xpath("//div[contains(@class, 'field-invalid')]/@id") == ["part-name", "part-what"]
    assert page.xpath("string(//input[@name='name']/@value)") == "x" * 31
    assert count(sessions, Arrival) == 0


@pytest.mark.parametrize("how", ["trap", "too fast", "too late", "forged"])
def test_send__what_programs_send_is_not_taken(
    client: FlaskClient, sessions: Sessions, clock: ModuleType, how: str
) -> None:
    shown = ticket(client)
    after = {"too fast": timedelta(seconds=1), "too late": timedelta(hours=25)}
    clock.set_to(clock.now() + after.get(how, timedelta(minutes=1)))
    sent = {**TYPED, "page.ticket": shown + ("x" if how == "forged" else "")}
    answer = client.post("/open/ward", data=sent | ({"website": "http://x.test"} if how == "trap" else {}))

    assert answer.status_code == 422
    assert 'value="梅一"' in text(answer)
    assert count(sessions, Arrival) == 0
    # A person sends it again from the page that came back.
    again = str(html.fromstring(text(answer)).xpath("string(//input[@name='page.ticket']/@value)"))
    assert send(client, clock, ticket=again).status_code == 303


def test_send__whoever_was_too_fast_is_told_and_need_not_wait_anew(client: FlaskClient, clock: ModuleType) -> None:
    shown = ticket(client)
    clock.set_to(clock.now() + timedelta(seconds=2))
    early = client.post("/open/ward", data={**TYPED, "page.ticket": shown})
    clock.set_to(clock.now() + timedelta(seconds=1))
    again = client.post("/open/ward", data={**TYPED, "page.ticket": shown})

    assert "提交得太快" in text(early)
    assert f'value="{shown}"' in text(early)
    assert again.status_code == 303


def test_send__only_so_much_in_an_hour(
    client: FlaskClient, sessions: Sessions, clock: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [send(client, clock, what=str(number)).status_code for number in range(4)] == [303, 303, 303, 429]
    monkeypatch.setattr(views, "OF_ALL", 4)
    monkeypatch.setattr(views, "TAKEN", Rates(100, views.HOUR))
    assert [send(client, clock, what=str(number)).status_code for number in range(4, 6)] == [303, 429]
    clock.set_to(clock.now() + timedelta(hours=2))
    assert send(client, clock, what="7").status_code == 303
    assert count(sessions) == 5
    monkeypatch.setattr(views, "TRIED", Rates(1, views.HOUR))
    assert [send(client, clock, name="").status_code for _ in range(2)] == [422, 429]
    assert client.post("/open/ward", data={"what": "x" * 70_000}).status_code == 413


def test_show__in_the_language_that_is_asked_for(client: FlaskClient) -> None:
    said = [
        text(client.get(address, headers={"Accept-Language": language}))
        for address, language in (
            ("/open/ward", "en-GB"),
            ("/open/ward", "zh"),
            ("/open/ward?language=en", "zh"),
            ("/open/ward?language=x", ""),
        )
    ]

    assert ["Tell us" in each for each in said] == [True, False, True, False]
    assert all(("What" in each) is ("Tell us" in each) for each in said)


@pytest.mark.parametrize("channel", ["closed", "nobody"])
def test_show__only_what_is_opened(client: FlaskClient, channel: str) -> None:
    assert client.get(f"/open/{channel}").status_code == 404


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_show__nothing_where_the_installation_does_not_want_it(settings: Settings, app: Flask) -> None:
    made = make_app(settings.model_copy(update={"public_forms": False}))
    assert made.test_client().get("/open/ward").status_code == 404
    made.extensions["database"].dispose()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@each(
    "looking",
    [
        field("patient", "病人", "Patient", properties={"lookup": "matter"}),
        {**field("nurse", "护士", "Nurse", properties={"members_of": "nurses"}), "type": "select"},
    ],
)
def test_show__no_form_that_names_records_or_people(
    client: FlaskClient, sessions: Sessions, looking: dict[str, Any]
) -> None:
    with sessions.begin() as session:
        deployments.deploy(session, files({**CHANNEL, "public": True}, looking), name="report", by=PROGRAM)
    assert client.get("/open/ward").status_code == 404
