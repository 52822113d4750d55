"""The topic `recall`: what is known of the records to which a process instance points."""

from __future__ import annotations

import pytest
import sqlalchemy
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, deployments
from casepath.engine.database.models import Incident, ProcessInstance
from casepath.engine.instances import process_instances
from casepath.engine.registers import records
from casepath.workers import Surroundings, Work
from casepath.workers.loop import Loop
from casepath.workers.records import recall
from tests import channels, diagrams
from tests.acting import PROGRAM

Sessions = sessionmaker[Session]


def visit(values: str = "name=guest.name, guest.phone") -> bytes:
    """A process that looks up the guest whom it is about, and what was said on earlier visits."""
    declared = {"records": "guest:guest", "facts": "said:text", "businessKeyFormat": "V{number}"}
    told = "".join(f'<camunda:property name="{name}" value="{value}"/>' for name, value in declared.items())
    mapped = f"""<extensionElements><camunda:inputOutput>
      <camunda:inputParameter name="values">{values}</camunda:inputParameter>
      <camunda:inputParameter name="earlier">guest</camunda:inputParameter>
      <camunda:outputParameter name="known">${{name}} ${{phone}}</camunda:outputParameter>
      <camunda:outputParameter name="visits">${{earlier}}</camunda:outputParameter>
    </camunda:inputOutput></extensionElements>"""
    return diagrams.process(
        f"<extensionElements><camunda:properties>{told}</camunda:properties></extensionElements>",
        diagrams.nodes("startEvent start;endEvent end"),
        f'<serviceTask id="look" camunda:type="external" camunda:topic="recall">{mapped}</serviceTask>',
        flow="start > look;look > end",
        key="visit",
    )


def come(transaction: Sessions, said: str, guest: str | None = "G00001") -> dict[str, object]:
    """Start one, and return what it knows."""
    with transaction.begin() as session:
        begun = process_instances.start(session, "visit", {"guest": guest, "said": said}, by=PROGRAM).id
    Loop(Surroundings(sessions=transaction), worker_id="w1").rest()
    with transaction.begin() as session:
        return dict(process_instances.variables(session, begun))


def keep(transaction: Sessions, content: bytes) -> None:
    with transaction.begin() as session:
        deployments.deploy(session, {**channels.REGISTER, "visit.bpmn": content}, name="x", by=PROGRAM)
        channels.guest(session, "Anna", "555-0101")
        channels.guest(session, "Bert")


def test_recall__what_stands_in_the_record_now(transaction: Sessions) -> None:
    keep(transaction, visit())
    assert come(transaction, "x")["known"] == "Anna 555-0101"

    with transaction.begin() as session:
        records.change(session, 1, {"name": "Anne", "phone": "555-0102", "agrees": True}, revision=1, by=PROGRAM)

    assert come(transaction, "x")["known"] == "Anne 555-0102"
    assert come(transaction, "x", "G00002")["known"] == "Bert "
    assert come(transaction, "x", None)["known"] == " "


def test_recall__what_was_said_before_of_the_same_record(transaction: Sessions) -> None:
    keep(transaction, visit())

    assert come(transaction, "first")["visits"] == []
    come(transaction, "of another", "G00002")
    assert come(transaction, "second")["visits"] == [{"matter": "V1", "said": "first"}]
    assert come(transaction, "")["visits"] == [{"matter": "V3", "said": "second"}, {"matter": "V1", "said": "first"}]
    assert come(transaction, "x")["visits"][:1] == [{"matter": "V4"}]  # type: ignore[index]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_recall__waits_for_nobody_who_writes(
    database_url: str, engine_database: sqlalchemy.Engine, transaction: Sessions
) -> None:
    keep(transaction, visit())
    with transaction.begin() as session:
        process_instances.start(session, "visit", {"guest": "G00001", "said": "x"}, by=PROGRAM)
    impatient = database.sessions(database.connect(database_url, patience=0.05))
    surroundings = Surroundings(sessions=impatient)
    (task,) = Loop(surroundings, worker_id="w1").topics.fetch(["recall"], 1)
    with database.sessions(engine_database).begin() as writing:
        writing.execute(select(ProcessInstance.id))

        assert recall(Work(task=task, surroundings=surroundings)).local_variables["name"] == "Anna"
    impatient.kw["bind"].dispose()


@pytest.mark.parametrize("values", ["nobody.name", "name"])
def test_recall__of_what_is_no_record_is_an_incident(transaction: Sessions, values: str) -> None:
    keep(transaction, visit(values))

    come(transaction, "x")

    with transaction.begin() as session:
        assert "of the property 'records'" in session.scalars(select(Incident.message)).one()
        assert session.scalars(select(ProcessInstance.state)).one() == "active"
