"""Lists of tasks and matters as workbooks, read by another library than the one that writes them."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.people import identity
from casepath.web import workbooks
from casepath.web.process_instances import list_file as matters_file
from casepath.web.user_tasks import list_file
from tests import diagrams
from tests.acting import PROGRAM
from tests.web.visitor import Visitor

Rows = sessionmaker[Session]

DECLARED = (
    '<extensionElements><camunda:properties><camunda:property name="facts" '
    'value="who:text,size:integer,at:datetime,on:date"/></camunda:properties></extensionElements>'
)
DIAGRAM = diagrams.process(
    DECLARED, '<startEvent id="s"/>', '<userTask id="ask" name="Ask" camunda:candidateGroups="service"/>',
    flow="s > ask", key="p",
)  # fmt: skip
AT = datetime(2026, 12, 24, 16, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def begun(rows: Rows) -> None:
    definitions.forget()
    with rows.begin() as session:
        deployments.deploy(session, {"p.bpmn": DIAGRAM}, name="p", by=PROGRAM)
        for number, who in enumerate(["=1+1", "王建国", "@SUM"]):
            held = {"who": who, "size": number, "at": AT + timedelta(days=number), "on": AT.date()}
            instance = process_instances.start(session, "p", held, business_key=f"K-{number}", by=PROGRAM)
            task_id = user_tasks.open_of(session, str(instance.business_key), "ask")
            user_tasks.set_due(session, task_id, AT + timedelta(hours=number), by=PROGRAM)
        identity.set_language(session, "alice", "en", by=PROGRAM)


def read(visitor: Visitor, query: str, *, of: str = "tasks") -> list[tuple[Any, ...]]:
    answer = visitor.get(f"/{of}/list.xlsx?{query}")
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]
    return [tuple(cell.value for cell in row) for row in sheet.iter_rows()]


def test_list__cells_are_typed(alice: Visitor) -> None:
    query = "view=claimable&order=fact.size&" + "&".join(
        f"column={name}" for name in ("fact.who", "fact.size", "fact.at", "fact.on", "due", "priority", "who")
    )
    head, first, *_ = read(alice, query)

    local = datetime(2026, 12, 25, 0, 30)  # noqa: DTZ001 - what a cell holds has no zone
    midnight = datetime(2026, 12, 24)  # noqa: DTZ001
    assert head[:2] == ("Number", "Task")
    assert head[6:] == ("Due", "Priority", "Who")
    assert first == ("K-0", "Ask", "=1+1", 0, local, midnight, local, 50, "service")


def test_list__is_the_one_that_is_shown(alice: Visitor) -> None:
    found = read(alice, "view=claimable&fact.size=1")

    assert [row[0] for row in found] == ["Number", "K-1"]
    assert len(read(alice, "view=mine")) == 1


def test_list__goes_on_behind_each_stretch_up_to_its_limit(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_file, "AT_ONCE", 1)
    assert [row[0] for row in read(alice, "view=claimable")[1:]] == ["K-0", "K-1", "K-2"]

    monkeypatch.setattr(workbooks, "MAX_ROWS", 2)
    assert [row[0] for row in read(alice, "view=claimable")[1:]] == ["K-0", "K-1"]


def test_list__a_priority_of_zero_is_a_number(alice: Visitor, rows: Rows) -> None:
    with rows.begin() as session:
        user_tasks.set_priority(session, user_tasks.open_of(session, "K-1", "ask"), 0, by=PROGRAM)

    assert read(alice, "view=claimable&fact.size=1&column=priority")[1][2] == 0


def test_matters__cells_are_typed(alice: Visitor) -> None:
    head, newest, *_ = read(alice, "", of="matters")

    due = datetime(2026, 12, 25, 2, 30)  # noqa: DTZ001 - what a cell holds has no zone
    at = datetime(2026, 12, 27, 0, 30)  # noqa: DTZ001
    assert head == ("Number", "Process", "State", "Where it stands", "Who", "Due", "Registered", "Ended",
                    "who", "size", "at", "on")  # fmt: skip
    assert newest[:6] == ("K-2", "p", "Running", "Ask", "service", due)
    assert isinstance(newest[6], datetime)
    assert newest[7:11] == (None, "@SUM", 2, at)


def test_matters__those_of_the_list_page_by_page(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matters_file, "AT_ONCE", 1)

    assert [row[0] for row in read(alice, "state=open", of="matters")[1:]] == ["K-2", "K-1", "K-0"]
    assert [row[0] for row in read(alice, "q=K-1", of="matters")[1:]] == ["K-1"]
    assert read(alice, "watched=1", of="matters")[1:] == []
