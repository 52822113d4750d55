"""What a database cannot keep is refused alike on both: at deployment, at the start, or as an incident of a step."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.database import Base
from casepath.engine.database.models import Group, Incident, NumberSequence, User, UserTask
from casepath.engine.database.statements import Statement
from casepath.engine.instances import incidents, process_instances
from casepath.workers import Result, Surroundings
from casepath.workers.loop import Loop
from tests import diagrams, factories
from tests.acting import PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]

LONG = "x" * 256
NUL = "a\x00b"
SECRET = "secret-7f3a"

CATCH = '<intermediateCatchEvent id="A"><{0}EventDefinition {0}Ref="e"/></intermediateCatchEvent>'
THROW = '<intermediateThrowEvent id="A"><{0}EventDefinition {0}Ref="e"/></intermediateThrowEvent>'
CALL = (
    '<callActivity id="A" calledElement="p"><extensionElements><camunda:in businessKey="${z}"/></extensionElements>'
    "</callActivity>"
)
#: What an expression gives becomes the value of a column.
ELEMENTS = {
    **{
        attribute: f'<userTask id="A" camunda:{attribute}="${{z}}"/>'
        for attribute in ("assignee", "candidateUsers", "candidateGroups", "formKey", "priority")
    },
    "topic": '<serviceTask id="A" camunda:type="external" camunda:topic="${z}"/>',
    "business key": CALL,
    "message that is awaited": CATCH.format("message"),
    "signal that is awaited": CATCH.format("signal"),
    "message that is sent": THROW.format("message"),
    "signal that is sent": THROW.format("signal"),
}


def deploy(transaction: Sessions, element: str, *before: str, flow: str = "S > A; A > Z", **more: str) -> None:
    content = diagrams.process(
        '<startEvent id="S"/><userTask id="Z"/>', element, *before, flow=flow,
        root='<message id="e" name="${z}"/>' if "message" in element else '<signal id="e" name="${z}"/>', **more,
    )  # fmt: skip
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": content}, name="p", by=PROGRAM)


def start(transaction: Sessions, **variables: Any) -> int:
    with transaction.begin() as session:
        return process_instances.start(session, "p", variables, by=PROGRAM).id


def open_incidents(transaction: Sessions, instance: int) -> list[tuple[str, str | None, str]]:
    with transaction.begin() as session:
        query = select(Incident).where(Incident.state == "open", Incident.process_instance_id == instance)
        rows = session.scalars(query)
        return [(row.kind, row.element_id, row.message) for row in rows]


@each("name", ELEMENTS)
@each("value", [LONG, NUL])
def test_step__what_has_no_room_is_an_incident_of_its_element(transaction: Sessions, name: str, value: str) -> None:
    deploy(transaction, ELEMENTS[name])

    instance = start(transaction, z=value)

    ((kind, element_id, message),) = open_incidents(transaction, instance)
    assert (kind, element_id) == ("execution", "A")
    if name != "priority":
        assert ("At most 255 characters" if value == LONG else "in ordinary characters") in message


@each(
    "attribute, value",
    [
        ("priority", 2**31),
        ("priority", 10**30),
        ("priority", 1e300),
        ("priority", "NaN"),
        ("priority", "inf"),
        ("dueDate", "9999-12-31T23:59:59-12:00"),
        ("dueDate", "0001-01-01T00:00:00+14:00"),
        ("dueDate", "10000-01-01T00:00:00Z"),
        ("dueDate", "P9999Y"),
        ("followUpDate", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_step__numbers_and_dates_out_of_range_are_incidents(
    transaction: Sessions, attribute: str, value: object
) -> None:
    deploy(transaction, f'<userTask id="A" camunda:{attribute}="${{z}}"/>')

    instance = start(transaction, z=value)

    assert [each[:2] for each in open_incidents(transaction, instance)] == [("execution", "A")]


def test_step__goes_on_when_the_value_is_mended(transaction: Sessions) -> None:
    deploy(transaction, ELEMENTS["assignee"])
    instance = start(transaction, z=LONG)

    with transaction.begin() as session:
        process_instances.set_variables(session, instance, {"z": "alice"}, by=PROGRAM, reason="too long")
        (incident,) = incidents.list_open(session, instance)
        incidents.resolve(session, incident.id, by=PROGRAM)

    assert open_incidents(transaction, instance) == []
    with transaction.begin() as session:
        assert session.scalars(select(UserTask.assignee)).all() == ["alice"]


def test_worker__a_result_with_which_the_engine_cannot_go_on_stands_at_the_next_element(transaction: Sessions) -> None:
    """What staff typed becomes an assignee after the work of a worker, who must not do it again and again."""
    work = '<serviceTask id="Work" camunda:type="external" camunda:topic="print"/>'
    deploy(transaction, ELEMENTS["assignee"], work, flow="S > Work; Work > A; A > Z")
    instance = start(transaction, z=LONG)

    Loop(Surroundings(sessions=transaction), handlers={"print": lambda _: Result()}, worker_id="w").rest()

    assert [each[:2] for each in open_incidents(transaction, instance)] == [("execution", "A")]
    with transaction.begin() as session:
        assert process_instances.get(session, instance).state == "active"


def test_worker__a_result_that_the_engine_refuses_is_an_incident_at_once(transaction: Sessions) -> None:
    deploy(transaction, '<serviceTask id="A" camunda:type="external" camunda:topic="print"/>')
    instance = start(transaction)
    done: list[int] = []

    def work(_: object) -> Result:
        done.append(1)
        return Result(variables={"z": "\ud800"})

    loop = Loop(Surroundings(sessions=transaction), handlers={"print": work}, worker_id="w")
    loop.rest()
    loop.rest()

    assert [each[:2] for each in open_incidents(transaction, instance)] == [("external_task", "A")]
    assert len(done) == 1


@each(
    "values",
    [{"z": "\ud800"}, {"z": float("nan")}, {"z": float("inf")}, {"z": 10**5000}],
)
def test_start__refuses_values_that_are_none(transaction: Sessions, values: dict[str, Any]) -> None:
    deploy(transaction, '<userTask id="A"/>')

    with pytest.raises(errors.InvalidInput):
        start(transaction, **values)


@each("values", [{"z": NUL}, {"z": 2**70}, {"z": datetime(9999, 12, 31, 23, tzinfo=UTC)}, {"y\x00": 1}])
def test_start__takes_values_of_any_kind(transaction: Sessions, values: dict[str, Any]) -> None:
    deploy(transaction, CATCH.format("message"))

    with transaction.begin() as session:
        instance = process_instances.start(session, "p", {"z": "paid", **values}, by=PROGRAM).id
    with transaction.begin() as session:
        found = process_instances.variables(session, instance)

    assert {name: found[name] for name in values} == values


@each("key", [LONG, NUL, "\ud800"])
def test_start__refuses_a_business_key_without_room(transaction: Sessions, key: str) -> None:
    deploy(transaction, '<userTask id="A"/>')

    with pytest.raises(errors.InvalidInput), transaction.begin() as session:
        process_instances.start(session, "p", {}, by=PROGRAM, business_key=key)


TAG = f'camunda:versionTag="{LONG}"'
FORM = b'{"id": "f", "components": []}'


@each(
    "files",
    [
        {"p.bpmn": diagrams.process('<startEvent id="S"/>', flow="", key=LONG)},
        {"p.bpmn": diagrams.process('<startEvent id="S"/>').replace(b"isExec", TAG.encode() + b" isExec")},
        {f"{LONG}.form": FORM},
        {"f.form": FORM.replace(b'"f"', f'"{LONG}"'.encode())},
        {"f.form": FORM.replace(b'"f"', b'"a\\u0000"')},
        {"f.form": FORM.replace(b'"f"', b'"\\ud800"')},
        {"a\x00.form": FORM},
    ],
)
def test_deploy__refuses_what_has_no_room(transaction: Sessions, files: dict[str, bytes]) -> None:
    with pytest.raises(errors.DeploymentRefused), transaction.begin() as session:
        deployments.deploy(session, files, name="p", by=PROGRAM)


def test_write__refuses_before_the_database_does(transaction: Sessions) -> None:
    """By the session, by a statement of SQLAlchemy, and by one of the hot path."""
    groups = Base.metadata.tables[Group.__tablename__]
    row = {"key": LONG, "name": "x", "sees_all": False, "distributes": "[]"}
    with pytest.raises(errors.InvalidInput, match="At most 255"), transaction.begin() as session:
        session.add(Group(**row))
    with pytest.raises(errors.InvalidInput, match="At most 255"), transaction.begin() as session:
        session.execute(insert(Group).values(**row))
    with pytest.raises(errors.InvalidInput, match="At most 255"), transaction.begin() as session:
        Statement(insert(groups)).change(session.connection(), row)


def test_read__what_is_looked_for_may_have_any_length(transaction: Sessions) -> None:
    with transaction.begin() as session:
        assert session.scalars(select(User.username).where(User.username == LONG)).all() == []
        assert session.scalars(select(User.username).where(User.username.in_([LONG, "x"]))).all() == []
        assert session.scalars(select(NumberSequence.name).where(NumberSequence.last == 2**40)).all() == []


def test_moments__at_the_ends_of_the_calendar(transaction: Sessions) -> None:
    ends = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
    with transaction.begin() as session:
        for number, at in enumerate(ends):
            factories.user(session, f"user{number}").created_at = at

    with transaction.begin() as session:
        assert session.scalars(select(User.created_at).order_by(User.username)).all() == ends


@each("way", ["session", "core", "statement"])
def test_log__has_no_parameters_of_statements(
    transaction: Sessions, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    groups = Base.metadata.tables[Group.__tablename__]
    row = {"key": f"{SECRET} {way}", "name": SECRET, "sees_all": False, "distributes": "[]"}
    with transaction.begin() as session:
        session.execute(insert(Group).values(**row))

    try:
        with transaction.begin() as session:
            if way == "session":
                session.add(Group(**row))
                session.flush()
            elif way == "core":
                session.execute(insert(Group).values(**row))
            else:
                Statement(insert(groups)).change(session.connection(), row)
    except DBAPIError:
        logging.getLogger("test").exception("a step failed")

    assert "a step failed" in caplog.text
    assert "IntegrityError" in caplog.text
    assert SECRET not in caplog.text
