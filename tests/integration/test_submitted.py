"""Whoever starts, completes or reports is held to the deployed form, by the engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.database.models import UserTask
from casepath.engine.deployments import definitions
from casepath.engine.instances import messages, process_instances, user_tasks
from tests import diagrams
from tests.acting import ALICE, PROGRAM

Sessions = sessionmaker[Session]

DIAGRAM = diagrams.process(
    '<startEvent id="Start" camunda:formKey="asked"/>',
    '<userTask id="Decide" camunda:formKey="asked" camunda:candidateGroups="service"/>',
    '<userTask id="Free" camunda:candidateGroups="service"/>',
    '<endEvent id="End"/>',
    '<subProcess id="Heard" triggeredByEvent="true"><startEvent id="News" isInterrupting="false" '
    'camunda:formKey="camunda-forms:deployment:asked.form"><messageEventDefinition messageRef="News_"/></startEvent>'
    '<endEvent id="Over"/><sequenceFlow id="h" sourceRef="News" targetRef="Over"/></subProcess>',
    flow="Start > Decide; Decide > Free; Free > End",
    root='<message id="News_" name="news"/><message id="Begin_" name="begin"/>',
)
BEGINS = diagrams.process(
    '<startEvent id="Start" camunda:formKey="asked"><messageEventDefinition messageRef="Begin_"/></startEvent>',
    '<userTask id="Do"/>',
    flow="Start > Do",
    key="begins",
    root='<message id="Begin_" name="begin"/>',
)
FORM = {
    "id": "asked",
    "components": [
        {"type": "number", "key": "amount", "label": "n", "validate": {"required": True, "max": 100}},
        {"type": "checkbox", "key": "urgent", "label": "u"},
        {"type": "datetime", "key": "day", "label": "d", "subtype": "date"},
        {"type": "textfield", "key": "why", "label": "w", "conditional": {"hide": "=amount < 50"}},
    ],
}
FITS = {"amount": "60", "why": "because"}
ACCEPTED = {"amount": 60, "urgent": False, "day": None, "why": "because"}
WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"amount": "one million", "no_such_field": 1}, ["amount", "no_such_field"]),
    ({"amount": 101}, ["amount"]),
    ({}, ["amount"]),
    ({"amount": True}, ["amount"]),
    ({"amount": 60, "why": 7}, ["why"]),
    ({"amount": 60, "day": "tomorrow"}, ["day"]),
    ({"amount": 60, "urgent": "perhaps"}, ["urgent"]),
]


@pytest.fixture
def deployed(transaction: Sessions) -> Sessions:
    """Two processes with a form."""
    definitions.forget()
    files = {"p.bpmn": DIAGRAM, "b.bpmn": BEGINS, "asked.form": json.dumps(FORM).encode()}
    with transaction.begin() as session:
        deployments.deploy(session, files, name="p", by=PROGRAM)
    return transaction


def started(deployed: Sessions) -> tuple[int, int]:
    """Start the process; return its id and that of its task."""
    with deployed.begin() as session:
        instance = process_instances.start(session, "p", FITS, business_key="K", by=ALICE)
        return instance.id, user_tasks.open_of(session, "K", "Decide")


@pytest.mark.parametrize(("submitted", "fields"), WRONG, ids=[str(submitted) for submitted, _ in WRONG])
@pytest.mark.parametrize("by", [ALICE, PROGRAM], ids=["person", "program"])
def test_wrong__is_refused_at_every_door_and_nothing_happens(
    deployed: Sessions, submitted: dict[str, Any], fields: list[str], by: Any
) -> None:
    number, task_id = started(deployed)
    doors: dict[str, Callable[[Session], object]] = {
        "start": lambda session: process_instances.start(session, "p", submitted, by=by),
        "complete": lambda session: user_tasks.complete(session, task_id, submitted, by=by),
        "message": lambda session: messages.correlate(session, "news", business_key="K", variables=submitted, by=by),
        "begin": lambda session: messages.correlate(session, "begin", variables=submitted, by=by),
    }
    for name, door in doors.items():
        with deployed.begin() as session:
            with pytest.raises(errors.InvalidVariables) as refusal:
                door(session)
            assert sorted(error.field for error in refusal.value.errors) == fields, name

    with deployed.begin() as session:
        assert session.scalars(select(UserTask.state)).all() == ["created"]
        assert process_instances.variables(session, number) == ACCEPTED


@pytest.mark.parametrize(
    "submitted",
    [FITS, {"amount": 60, "why": "because"}, {"amount": Decimal("60.0"), "why": "because", "urgent": False}],
    ids=["texts", "values", "decimal"],
)
def test_fitting__typed_texts_and_values_are_the_same(deployed: Sessions, submitted: dict[str, Any]) -> None:
    with deployed.begin() as session:
        instance = process_instances.start(session, "p", submitted, by=PROGRAM)

        assert process_instances.variables(session, instance.id) == ACCEPTED


def test_hidden__is_not_taken(deployed: Sessions) -> None:
    with deployed.begin() as session:
        instance = process_instances.start(
            session, "p", {"amount": 1, "why": "because", "day": date(2026, 1, 2)}, by=PROGRAM
        )

        found = process_instances.variables(session, instance.id)
        assert found == {"amount": 1, "urgent": False, "day": date(2026, 1, 2)}


def test_complete__without_a_form_takes_what_can_be_stored(deployed: Sessions) -> None:
    _, task_id = started(deployed)
    at = datetime(2026, 1, 2, 3, tzinfo=UTC)
    with deployed.begin() as session:
        user_tasks.complete(session, task_id, {"amount": 5}, by=ALICE)
        free = user_tasks.open_of(session, "K", "Free")

    with pytest.raises(errors.InvalidInput), deployed.begin() as session:
        user_tasks.complete(session, free, {"x": object()}, by=PROGRAM)
    with deployed.begin() as session:
        user_tasks.complete(session, free, {"anything": [at]}, by=ALICE)


def test_complete__by_a_newer_form_of_a_process_that_brought_none(transaction: Sessions) -> None:
    definitions.forget()
    with transaction.begin() as session:
        deployments.deploy(session, {"asked.form": json.dumps(FORM).encode()}, name="f", by=PROGRAM)
        deployments.deploy(session, {"p.bpmn": DIAGRAM}, name="p", by=PROGRAM)
        process_instances.start(session, "p", {"amount": 100}, business_key="K", by=PROGRAM)
        stricter = json.dumps(FORM).replace('"max": 100', '"max": 10').encode()
        deployments.deploy(session, {"asked.form": stricter}, name="f", by=PROGRAM)

        with pytest.raises(errors.InvalidVariables):
            user_tasks.complete(session, user_tasks.open_of(session, "K", "Decide"), {"amount": 11}, by=PROGRAM)


#: What is asked only where the customer does not agree: by a field that says so, or by all of a task.
OBJECTION = {"type": "textfield", "key": "objection", "label": "异议", "conditional": {"hide": '=agrees != "no"'}}
AGREES = {"type": "radio", "key": "agrees", "label": "同意？",
          "values": [{"value": each, "label": each} for each in ("yes", "no")]}  # fmt: skip


@pytest.mark.parametrize("says", ["field", "task", "nobody"])
def test_complete__what_this_round_does_not_ask_is_not_answered_by_the_last_one(
    transaction: Sessions, says: str
) -> None:
    asked = OBJECTION | ({"properties": {"each_round": "true"}} if says == "field" else {})
    form = json.dumps({"type": "default", "id": "ask", "components": [AGREES, asked]}).encode()
    anew = '<extensionElements><camunda:properties><camunda:property name="each_round" value="true"/>' \
           "</camunda:properties></extensionElements>" if says == "task" else ""
    content = diagrams.process(
        f'<startEvent id="Start"/><userTask id="Ask" camunda:formKey="ask">{anew}</userTask>',
        flow="Start > Ask; Ask > Ask",
    )  # fmt: skip
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": content, "ask.form": form}, name="p", by=PROGRAM)
        number = process_instances.start(session, "p", {}, business_key="K", by=PROGRAM).id
    for round_ in ({"agrees": "no", "objection": "太慢"}, {"agrees": "yes"}):
        with transaction.begin() as session:
            user_tasks.complete(session, user_tasks.open_of(session, "K", "Ask"), round_, by=PROGRAM)

    with transaction.begin() as session:
        found = process_instances.variables(session, number)["objection"]
    assert found == ("太慢" if says == "nobody" else None)
