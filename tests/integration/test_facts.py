"""Facts: the variables that a process declares, kept by every step."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, history
from casepath.engine.database.facts import declared
from casepath.engine.database.models import Fact, UserTask
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.queries import facts
from tests import diagrams, factories
from tests.acting import PROGRAM
from tests.each import each

Transaction = sessionmaker[Session]

DECLARED = (
    '<extensionElements><camunda:properties><camunda:property name="facts" value="who:text,number:text,sum:number"/>'
    "</camunda:properties></extensionElements>"
)


@pytest.fixture
def matter(transaction: Transaction) -> int:
    """A process instance that declares facts, with a task in a process that it calls."""
    main = diagrams.process(
        DECLARED, '<startEvent id="s"/>',
        '<callActivity id="c" calledElement="inner"><extensionElements>'
        '<camunda:in businessKey="#{execution.processBusinessKey}"/>'
        '<camunda:out source="sum" target="sum"/></extensionElements></callActivity><userTask id="last"/>',
        flow="s > c; c > last", key="outer",
    )  # fmt: skip
    inner = diagrams.process('<startEvent id="t"/><userTask id="ask"/>', flow="t > ask", key="inner")
    with transaction.begin() as session:
        factories.user(session, "director")
        deployments.deploy(session, {"outer.bpmn": main, "inner.bpmn": inner}, name="facts", by=PROGRAM)
        values = {"who": "Ｍüller", "number": "京A·I0123", "other": "x"}
        return process_instances.start(session, "outer", values, business_key="F-1", by=PROGRAM).id


def test_facts__are_there_after_a_step_in_their_order(transaction: Transaction, matter: int) -> None:
    with transaction.begin() as session:
        task = session.scalars(select(UserTask)).one()
        assert list(facts.of_matter(session, "F-1").items()) == [("who", "Ｍüller"), ("number", "京A·I0123")]
        assert facts.of_instances(session, [task.process_instance_id])[task.process_instance_id]["who"] == "Ｍüller"

        user_tasks.complete(session, task.id, {"sum": 7}, by=PROGRAM)
        assert dict(facts.of_matter(session, "F-1")) == {"who": "Ｍüller", "number": "京A·I0123", "sum": 7}


def test_facts__follow_their_variables(transaction: Transaction, matter: int) -> None:
    with transaction.begin() as session:
        process_instances.set_variables(session, matter, {"who": "Wang", "number": None}, by=PROGRAM, reason="mended")

        assert dict(facts.of_matter(session, "F-1")) == {"who": "Wang"}


def test_erase__takes_facts_along(transaction: Transaction, matter: int) -> None:
    with transaction.begin() as session:
        process_instances.cancel(session, matter, by=PROGRAM, reason="wrong")
        history.erase(session, matter, ["who"], by=None, reason="asked for")

        assert session.scalars(select(Fact.name)).all() == ["number"]


@each(
    "text, names",
    [("a:text, b", ("a", "b")), ("", ()), ("a,a:number", ("a",)), ("two words:text,c", ("c",)), (",,:", ())],
)
def test_declared__reads_names(text: str, names: tuple[str, ...]) -> None:
    assert declared(text) == names
