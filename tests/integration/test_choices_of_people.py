"""Choices of people: whoever belongs to a group now may be chosen in a form, and gets a task."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.database.models import UserTask
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.people import identity
from casepath.engine.queries import vocabulary
from tests import diagrams
from tests.acting import PROGRAM

Sessions = sessionmaker[Session]

CHOICE = {"type": "taglist", "key": "chosen", "label": "组员", "properties": {"members_of": "ward"}}
FILES = {
    "choose.form": json.dumps({"type": "default", "id": "choose", "components": [CHOICE]}).encode(),
    "p.bpmn": diagrams.process(
        '<startEvent id="Start"/>',
        '<userTask id="Choose" camunda:formKey="choose"/>',
        '<userTask id="Answer" camunda:assignee="${person}"><multiInstanceLoopCharacteristics'
        ' camunda:collection="${chosen}" camunda:elementVariable="person"/></userTask>',
        '<endEvent id="End"/>',
        flow="Start > Choose; Choose > Answer; Answer > End",
    ),
}


@pytest.fixture
def ward(transaction: Sessions) -> Sessions:
    """A ward with Nadia and Nils, where somebody has to choose."""
    with transaction.begin() as session:
        identity.add_group(session, "ward", name="病房", by=PROGRAM)
        for name in ("Nadia", "Nils"):
            identity.create_user(session, name.lower(), name=name, groups=["ward"], by=PROGRAM)
        identity.create_user(session, "stefan", name="Stefan", by=PROGRAM)
        deployments.deploy(session, FILES, name="p", by=PROGRAM)
        process_instances.start(session, "p", by=PROGRAM)
    return transaction


def choose(session: Session, *chosen: str) -> None:
    task = session.scalars(select(UserTask).where(UserTask.element_id == "Choose")).one()
    submitted: dict[str, Any] = {"chosen": list(chosen)}
    user_tasks.complete(session, task.id, submitted, by=PROGRAM)


def test_complete__each_of_the_chosen_gets_a_task(ward: Sessions) -> None:
    with ward.begin() as session:
        choose(session, "nils", "nadia")
    with ward.begin() as session:
        answering = session.scalars(select(UserTask.assignee).where(UserTask.element_id == "Answer")).all()
    assert sorted(filter(None, answering)) == ["nadia", "nils"]


@pytest.mark.parametrize("somebody", ["stefan", "nobody"])
def test_complete__only_who_belongs_to_the_group(ward: Sessions, somebody: str) -> None:
    with ward.begin() as session, pytest.raises(errors.InvalidVariables):
        choose(session, "nadia", somebody)


def test_form__follows_who_comes_and_goes(ward: Sessions) -> None:
    with ward.begin() as session:
        identity.set_active(session, "nils", False, by=PROGRAM)
        identity.set_groups(session, "stefan", ["ward"], by=PROGRAM)
    with ward.begin() as session:
        form = definitions.form(session, "choose")
        assert form is not None
        assert form.fields[0].values == ("nadia", "stefan")
        with pytest.raises(errors.InvalidVariables):
            choose(session, "nils")
        # Whoever has gone is still called by name.
        assert vocabulary.of(session, "en").values("chosen")["nils"] == "Nils"
