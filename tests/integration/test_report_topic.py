"""The topic `report`: a process asks for a report, which is kept with its matter, once."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database.models import Incident
from casepath.engine.instances import attachments, process_instances
from casepath.engine.queries import reports
from casepath.engine.queries.reports import Reckoning
from casepath.engine.time import clock
from casepath.workers import DEFAULT_LOCK, Surroundings
from casepath.workers.loop import Loop
from tests import diagrams, factories
from tests.acting import PROGRAM
from tests.each import each
from tests.integration.test_reports import MEASURED, REPORT, files

Sessions = sessionmaker[Session]
pytestmark = pytest.mark.usefixtures("clock")


def asking(period: str, report: str) -> bytes:
    """A process that asks for a report."""
    inputs = f'<camunda:inputParameter name="report">{report}</camunda:inputParameter>{period}'
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


def start(sessions: Sessions, period: str = "", report: str = "requests") -> None:
    """Start the process that asks."""
    with sessions.begin() as session:
        deployments.deploy(session, {"review.bpmn": asking(period, report)}, name="review", by=PROGRAM)
        process_instances.start(session, "review", {}, business_key="R-1", by=PROGRAM)


def run(sessions: Sessions, period: str = "", report: str = "requests") -> None:
    """Start the process that asks, and let a worker do what there is."""
    start(sessions, period, report)
    Loop(Surroundings(sessions=sessions)).rest()


def numbers(sessions: Sessions) -> list[object]:
    """How many requests the files of the matter tell, the oldest first."""
    with sessions.begin() as session:
        contents = [attachments.content(session, each.id) for each in attachments.list_of(session, "R-1")]
    return [openpyxl.load_workbook(io.BytesIO(each)).worksheets[0]["B2"].value for each in contents]


def test_report__of_the_last_month_is_kept_with_the_matter(counted: Sessions) -> None:
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


def test_report__asked_for_again_has_the_numbers_of_then(counted: Sessions) -> None:
    run(counted)
    with counted.begin() as session:
        asked = {"asked_at": datetime(2026, 11, 11, 15, tzinfo=UTC), "colour": "blue"}
        process_instances.start(session, "request", asked, by=PROGRAM)
    run(counted)

    assert numbers(counted) == [2, 3]


def test_report__a_file_of_its_name_stands_in_nobody_s_place(counted: Sessions) -> None:
    start(counted)
    with counted.begin() as session:
        attachments.add(session, "R-1", name="requests-2026-11.xlsx", content=b"of somebody", by=PROGRAM)
    Loop(Surroundings(sessions=counted)).rest()

    with counted.begin() as session:
        kept = attachments.list_of(session, "R-1")
        assert [file.name for file in kept] == ["requests-2026-11.xlsx"] * 2
        assert attachments.content(session, kept[1].id) != b"of somebody"


def test_report__is_kept_with_its_task_only(counted: Sessions) -> None:
    start(counted)
    first, second = (Loop(Surroundings(sessions=counted), worker_id=each).topics for each in ("w1", "w2"))
    (task,) = first.fetch(["report"], 1)
    clock.move(DEFAULT_LOCK)
    (again,) = second.fetch(["report"], 1)

    # The lock of the first has run out, and the second has the task.
    first.handle(task)
    assert numbers(counted) == []

    second.handle(again)
    assert numbers(counted) == [2]


def test_report__that_nobody_declared_is_an_incident_at_once(counted: Sessions) -> None:
    run(counted, report="nothing")
    with counted.begin() as session:
        messages = session.scalars(select(Incident.message)).all()

    assert ["nothing" in message for message in messages] == [True]


def test_report__keeps_nobody_from_writing(counted: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    reckon = reports.reckon

    def meanwhile(*given: Any, **more: Any) -> Reckoning:
        with counted.begin() as session:
            attachments.add(session, "R-1", name="note.txt", content=b"meanwhile", by=PROGRAM)
        return reckon(*given, **more)

    monkeypatch.setattr(reports, "reckon", meanwhile)
    run(counted)

    with counted.begin() as session:
        assert [file.name for file in attachments.list_of(session, "R-1")] == ["note.txt", "requests-2026-11.xlsx"]


def test_report__calls_rows_by_what_their_column_holds(counted: Sessions) -> None:
    columns = {"人": "who", "急": "urgent", "组": "team"}
    tables = [f"  - {{id: {by}, name: {name}, by: {by}, figures: [all]}}\n" for name, by in columns.items()]
    declared = files(REPORT + "".join(tables), MEASURED + ",team:text")
    texts = '{"variables.colour.blue": "蓝"}'.encode()
    with counted.begin() as session:
        # People and groups that are called like values of another kind.
        factories.user(session, "red")
        for key, name in (("head", "主管"), ("true", "真组"), ("blue", "蓝组")):
            factories.group(session, key).name = name
        deployments.deploy(session, {**declared, "texts.zh.json": texts}, name="requests", by=PROGRAM)
        asked = {"asked_at": datetime(2026, 11, 9, tzinfo=UTC), "colour": "blue", "who": "red", "urgent": True}
        process_instances.start(session, "request", {**asked, "team": "blue"}, by=PROGRAM)
    run(counted)

    with counted.begin() as session:
        (kept,) = attachments.list_of(session, "R-1")
        book = openpyxl.load_workbook(io.BytesIO(attachments.content(session, kept.id)))
    named = {name: {row[0] for row in book[name].iter_rows(min_row=2, values_only=True)} for name in ("颜色", *columns)}
    assert named == {
        "颜色": {"red", "蓝"},
        "人": {"Red", "尚未认定"},
        "急": {"是", "尚未认定"},
        "组": {"蓝组", "尚未认定"},
    }


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
    (NINTH, {"table": "hours", "row": "10"}, ["K-10", "K-09"]),
    (NINTH, {"table": "hours", "row": "11"}, []),
    (NINTH, {"table": "bands", "row": "1"}, []),
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
    (NINTH, {"figure": "all", "table": "hours", "row": "ten"}, "hours ten"),
    (NINTH, {"figure": "all", "table": "hours", "row": "1" * 10}, "hours 1111111111"),
    (NINTH, {"figure": "all", "table": "bands", "row": "2"}, "bands 2"),
    (NINTH, {"figure": "all", "table": "bands"}, "“bands ”"),
]


@each("since, inputs, named", MISTAKEN)
def test_count__of_what_no_report_has_is_an_incident(
    counted: Sessions, since: str, inputs: dict[str, str], named: str
) -> None:
    ask(counted, since, *inputs.items())

    with counted.begin() as session:
        messages = session.scalars(select(Incident.message).order_by(Incident.id)).all()
    assert named in messages[-1]
