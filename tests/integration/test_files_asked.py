"""Forms that ask how many files of a kind their matter has."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.database.models import UserTask
from casepath.engine.instances import attachments, process_instances, user_tasks
from casepath.engine.queries import user_task
from tests import diagrams
from tests.acting import PROGRAM

Sessions = sessionmaker[Session]

ASKS = (
    '<extensionElements><camunda:properties><camunda:property name="files" '
    'value="photos:image/*, letters:application/pdf"/></camunda:properties></extensionElements>'
)
DIAGRAM = diagrams.process(
    '<startEvent id="Start"/><endEvent id="End"/>',
    f'<userTask id="Decide" camunda:formKey="asked">{ASKS}</userTask>',
    '<userTask id="Called" camunda:formKey="asked"/>',
    flow="Start > Decide; Decide > Called; Called > End",
)
FORM = {
    "id": "asked",
    "components": [
        {"type": "textfield", "key": "why", "label": "w", "validate": {"required": True},
         "conditional": {"hide": "=photos > 0"}},
    ],
}  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PDF = b"%PDF-1.7\n" + bytes(20)


def test_complete__asks_for_what_no_file_shows(transaction: Sessions) -> None:
    with transaction.begin() as session:
        files = {"p.bpmn": DIAGRAM, "asked.form": json.dumps(FORM).encode()}
        deployments.deploy(session, files, name="asking", by=PROGRAM)
        # A variable that is called so is no file.
        process_instances.start(session, "p", {"photos": 7}, business_key="M-1", by=PROGRAM)
        process_instances.start(session, "p", business_key="M-2", by=PROGRAM)
        attachments.add(session, "M-1", name="letter.pdf", content=PDF, by=PROGRAM)
        attachments.add(session, "M-2", name="other.png", content=PNG, by=PROGRAM)
    with transaction.begin() as session:
        task = session.scalars(select(UserTask.id).order_by(UserTask.id)).first() or 0
        before = user_task.variables(session, user_task.find(session, task))
        with pytest.raises(errors.InvalidVariables, match="why"):
            user_tasks.complete(session, task, {}, by=PROGRAM)
        attachments.add(session, "M-1", name="photo", content=PNG, by=PROGRAM)
        after = user_task.variables(session, user_task.find(session, task))
        user_tasks.complete(session, task, {}, by=PROGRAM)
        called = session.scalars(select(UserTask).where(UserTask.element_id == "Called")).one()

        # Who does not ask, does not see it; what was counted is no variable.
        assert user_task.variables(session, user_task.find(session, called.id))["photos"] == 7

    assert [(each["photos"], each["letters"]) for each in (before, after)] == [(0, 1), (1, 1)]
