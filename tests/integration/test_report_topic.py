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
from tests.integration.test_reports import files

Sessions = sessionmaker[Session]
pytestmark = pytest.mark.usefixtures("clock")


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
            process_instances.start(session, "request", asked, by=PROGRAM)
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
