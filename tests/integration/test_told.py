"""What is told of process instances beside their variables, as they go to another version or process, and at the ends
of the calendar."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database.models import Fact, RecordLink, measurements
from casepath.engine.instances import migration_plans, process_instances
from casepath.engine.time import clock
from tests import diagrams
from tests.acting import PROGRAM

Sessions = sessionmaker[Session]

BEGUN, MOVED = datetime(2026, 11, 9, 15, tzinfo=UTC), datetime(2026, 11, 10, 15, tzinfo=UTC)
TOLD = {"facts": "colour:text", "records": "owner:guest", "measured": "started:moment,colour:text,weight:number"}
VALUES = {"colour": "red", "owner": "G1", "weight": 3, "shape": "round"}


def version(session: Session, told: dict[str, str], key: str = "request") -> int:
    """Deploy a process that declares this; return the id of its new version."""
    properties = "".join(f'<camunda:property name="{name}" value="{text}"/>' for name, text in told.items())
    declared = f"<extensionElements><camunda:properties>{properties}</camunda:properties></extensionElements>"
    nodes = diagrams.nodes("startEvent s; userTask look; endEvent e")
    process = diagrams.process(declared, nodes, flow="s > look; look > e", key=key)
    return deployments.deploy(session, {f"{key}.bpmn": process}, name=key, by=PROGRAM).definitions[0].id


def moved(session: Session, before: dict[str, str], after: dict[str, str], key: str = "request") -> int:
    """Start an instance of a process that declares this and migrate it to one that declares that; return its id."""
    clock.set_to(BEGUN)
    old = version(session, before)
    number = process_instances.start(session, "request", VALUES, by=PROGRAM).id
    clock.set_to(MOVED)
    plan = migration_plans.draft(session, old, version(session, after, key))
    migration_plans.execute(session, plan, number, by=PROGRAM, reason="better")
    return number


def told(session: Session) -> tuple[list[str], list[str], list[Any]]:
    """The names of the facts, the keys to which links point, and what was measured."""
    names = session.scalars(select(Fact.name).order_by(Fact.position)).all()
    return [*names], [*session.scalars(select(RecordLink.key))], [*session.execute(select(measurements))]


def test_migrate__to_a_version_that_declares_more(transaction: Sessions) -> None:
    with transaction.begin() as session:
        moved(session, {}, TOLD)
        names, keys, (row,) = told(session)

    assert (names, keys) == (["colour"], ["G1"])
    assert (row.process, row.state, row.text_1, row.number_2) == ("request", "open", "red", 30_000)
    # It was under way before anybody measured it.
    assert row.begun_at == row.number_1 == BEGUN.timestamp()


def test_migrate__to_a_version_that_measures_its_start_as_well(transaction: Sessions) -> None:
    with transaction.begin() as session:
        moved(session, {"measured": "colour:text"}, {"measured": "colour:text,started:moment"})
        _, _, (row,) = told(session)

    assert row.begun_at == row.number_1 == BEGUN.timestamp()


def test_migrate__to_a_version_that_declares_others_in_another_order(transaction: Sessions) -> None:
    with transaction.begin() as session:
        facts, measured = "colour:text,shape:text", "colour:text,weight:number"
        after = {"facts": "shape:text,colour:text", "measured": "weight:number,shape:text"}
        moved(session, {"facts": facts, "measured": measured}, after)
        names, _, (row,) = told(session)

    assert names == ["shape", "colour"]
    assert (row.text_1, row.text_2, row.number_1) == (None, "round", 30_000)


def test_migrate__to_a_version_that_declares_nothing(transaction: Sessions) -> None:
    with transaction.begin() as session:
        moved(session, TOLD, {})

        assert told(session) == ([], [], [])


def test_migrate__to_another_process(transaction: Sessions) -> None:
    with transaction.begin() as session:
        number = moved(session, TOLD, {"facts": "shape:text", "measured": "shape:text"}, key="inquiry")
        names, keys, (row,) = told(session)

        assert (names, keys) == (["shape"], [])
        assert (row.process, row.text_1, row.number_1, row.number_2) == ("inquiry", "round", None, None)

        process_instances.cancel(session, number, by=PROGRAM, reason="done")
        assert session.execute(select(measurements.c.process, measurements.c.state)).all() == [("inquiry", "cancelled")]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_measured__at_the_ends_of_the_calendar(transaction: Sessions, zone: str) -> None:
    ends = ("0001-01-01", "0001-01-01T00:00:00", "9999-12-31", "9999-12-31T23:59:59")
    aware = map(datetime.fromisoformat, ("0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00"))
    moments = ["2026-11-09", *ends, *aware]
    calendar = f'{{"zone": "{zone}", "hours": {{"mon-fri": [["09:00", "17:00"]]}}}}'.encode()
    with transaction.begin() as session:
        deployments.deploy(session, {"calendar.json": calendar}, name="calendar", by=PROGRAM)
        version(session, {"measured": "first:moment,last:moment,wait:working(first..last),colour:text"})
        for first, last in itertools.product(moments, moments):
            process_instances.start(session, "request", {"first": first, "last": last, "colour": "red"}, by=PROGRAM)
        rows = session.execute(select(measurements.c.text_1)).all()

    assert rows == [("red",)] * len(moments) ** 2
