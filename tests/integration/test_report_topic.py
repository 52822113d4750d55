"""The topic `report`: a process asks for a report, which is kept with its matter, once."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import openpyxl
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database.models import Incident
from casepath.engine.instances import attachments, process_instances
from casepath.engine.time import clock
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import diagrams
from tests.acting import PROGRAM
from tests.each import each
from tests.integration.test_reports import files

Sessions = sessionmaker[Session]


def asking(period: str) -> bytes:
    """A process that asks for the report of requests."""
    inputs = f'<camunda:inputParameter name="report">requests</camunda:inputParameter>{period}'
    task = (
        '<serviceTask id="count" camunda:type="external" camunda:topic="report"><extensionElements>'
        f"<camunda:inputOutput>{inputs}</camunda:inputOutput></extensionElements></serviceTask>"
    )
    return diagrams.process(
        '<startEvent id="s"/>', task, '<endEvent id="e"/>', flow="s > count; count > e", key="review"
    )


@pytest.fixture
def counted(transaction: Sessions) -> Sessions:
    """Two requests of November, seen from the first of December."""
    with transaction.begin() as session:
        deployments.deploy(session, files(), name="requests", by=PROGRAM)
        for day in (9, 10):
            asked = {"asked_at": datetime(2026, 11, day, 15, tzinfo=UTC), "colour": "red"}
            process_instances.start(session, "request", asked, business_key=f"K-{day:02}", by=PROGRAM)
    clock.set_to(datetime(2026, 12, 1, 14, tzinfo=UTC))
    return transaction


def run(sessions: Sessions, period: str = "") -> None:
    """Start the process that asks, and let a worker do what there is."""
    with sessions.begin() as session:
        deployments.deploy(session, {"review.bpmn": asking(period)}, name="review", by=PROGRAM)
        process_instances.start(session, "review", {}, business_key="R-1", by=PROGRAM)
    Loop(Surroundings(sessions=sessions)).rest()


def test_report__of_the_last_month_is_kept_with_the_matter(counted: Sessions) -> None:
    run(counted)
    run(counted)
    with counted.begin() as session:
        kept = attachments.list_of(session, "R-1")
        content = attachments.content(session, kept[0].id)

    assert [file.name for file in kept] == ["requests-2026-11.xlsx"]
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert [cell.value for cell in book.worksheets[0]["A"]][:3] == ["指标", "全部", "未结"]
    assert book.worksheets[0]["B1"].value == "2026年11月"
    assert book.worksheets[0]["B2"].value == 2
    assert list(book["颜色"].iter_rows(min_row=2, max_col=2, values_only=True)) == [("red", 2)]


def test_report__of_no_such_period_is_an_incident(counted: Sessions) -> None:
    run(counted, '<camunda:inputParameter name="period">soon</camunda:inputParameter>')
    with counted.begin() as session:
        assert attachments.list_of(session, "R-1") == []
        messages = session.scalars(select(Incident.message)).all()

    assert ["soon" in message for message in messages] == [True]


def counting(*inputs: tuple[str, str]) -> bytes:
    """A process that keeps how many requests are behind a number, and which."""
    given = "".join(f'<camunda:inputParameter name="{name}">{value}</camunda:inputParameter>' for name, value in inputs)
    kept = (
        '<camunda:outputParameter name="how_many">${count}</camunda:outputParameter>'
        '<camunda:outputParameter name="which">${matters}</camunda:outputParameter>'
    )
    task = (
        '<serviceTask id="ask" camunda:type="external" camunda:topic="count"><extensionElements>'
        f"<camunda:inputOutput>{given}{kept}</camunda:inputOutput></extensionElements></serviceTask>"
    )
    return diagrams.process('<startEvent id="s"/>', task, '<userTask id="u"/>', flow="s > ask; ask > u", key="review")


def ask(sessions: Sessions, since: str, *inputs: tuple[str, str]) -> dict[str, object]:
    """Ask for a number of the report of requests, and return what the process knows then."""
    file = counting(("report", "requests"), ("since", since), *inputs)
    with sessions.begin() as session:
        deployments.deploy(session, {"review.bpmn": file}, name="review", by=PROGRAM)
        asking = process_instances.start(session, "review", {}, business_key="R-1", by=PROGRAM).id
    Loop(Surroundings(sessions=sessions)).rest()
    with sessions.begin() as session:
        return process_instances.variables(session, asking)


NINTH = "${dateTime('2026-11-09T12:00:00Z')}"
TENTH = "${dateTime('2026-11-10T12:00:00Z')}"


COUNTED = [
    (NINTH, {}, ["K-10", "K-09"]),
    (TENTH, {}, ["K-10"]),
    ("${dateTime('2026-11-10T15:00:01Z')}", {}, []),
    (NINTH, {"table": "colours", "row": "red"}, ["K-10", "K-09"]),
    (NINTH, {"table": "colours", "row": "blue"}, []),
    (NINTH, {"table": "colours"}, []),
]


@each("since, inputs, expected", COUNTED)
def test_count__since_a_moment_and_of_one_row(
    counted: Sessions, since: str, inputs: dict[str, str], expected: list[str]
) -> None:
    known = ask(counted, since, ("figure", "all"), *inputs.items())

    assert (known["how_many"], known["which"]) == (len(expected), expected)


MISTAKEN = [
    ("soon", {"figure": "all"}, "soon"),
    (NINTH, {"figure": "none"}, "none"),
    (NINTH, {"figure": "all", "table": "shapes"}, "shapes"),
]


@each("since, inputs, named", MISTAKEN)
def test_count__of_what_no_report_has_is_an_incident(
    counted: Sessions, since: str, inputs: dict[str, str], named: str
) -> None:
    ask(counted, since, *inputs.items())

    with counted.begin() as session:
        messages = session.scalars(select(Incident.message).order_by(Incident.id)).all()
    assert named in messages[-1]
