"""Who started a process, and who acts in a step, as the diagram may read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, history
from casepath.engine.deployments import definitions
from casepath.engine.instances import messages, process_instances, user_tasks
from casepath.engine.people import substitutes
from casepath.engine.people.authorization import By
from casepath.engine.time import clock
from tests import factories
from tests.acting import PROGRAM
from tests.diagrams import MESSAGE, message, nodes, process

Sessions = sessionmaker[Session]

TOLD = (
    "<extensionElements><camunda:inputOutput>"
    '<camunda:outputParameter name="asked_by">${currentUser()}</camunda:outputParameter>'
    """<camunda:outputParameter name="as">${currentGroup('head', 'service')}</camunda:outputParameter>"""
    "</camunda:inputOutput></extensionElements>"
)


@pytest.fixture
def deployed(transaction: Sessions) -> Sessions:
    """A process that remembers who started it, by hand or by a message, whose first task belongs to that one."""
    definitions.forget()
    diagram = process(
        '<startEvent id="S" camunda:initiator="first"/>',
        f'<startEvent id="M" camunda:initiator="heard">{message()}</startEvent>',
        '<userTask id="A" camunda:candidateGroups="service"'
        """ camunda:assignee="${coalesce(execution.getVariable('first'), execution.getVariable('heard'))}">"""
        f"{TOLD}</userTask>",
        nodes("userTask B"), flow="S > A; M > A; A > B", root=MESSAGE,
    )  # fmt: skip
    with transaction.begin() as session:
        factories.group(session, "service")
        for name in ("alice", "bob"):
            factories.user(session, name, groups=["service"])
        deployments.deploy(session, {"p.bpmn": diagram}, name="p", by=PROGRAM)
    return transaction


def first_task(session: Session, **started: Any) -> tuple[str | None, dict[str, Any]]:
    """Who has the first task of the instance, and its variables."""
    task = user_tasks.get(session, user_tasks.open_of(session, "K", "A"))
    return task.assignee, process_instances.variables(session, task.process_instance_id)


def test_start__whoever_starts_it(deployed: Sessions) -> None:
    with deployed.begin() as session:
        instance = process_instances.start(session, "p", business_key="K", by="alice")

        assert first_task(session) == ("alice", {"first": "alice"})
        assert list(history.verify_instance(session, instance.id)) == []


def test_start__nobody_passes_for_another(deployed: Sessions) -> None:
    with deployed.begin() as session:
        process_instances.start(session, "p", {"first": "bob"}, business_key="K", by="alice")

        assert first_task(session) == ("alice", {"first": "alice"})


@pytest.mark.parametrize(("by", "found"), [("alice", ("alice", {"heard": "alice"})), (PROGRAM, (None, {}))])
def test_start__by_a_message(deployed: Sessions, by: By, found: tuple[str | None, dict[str, str]]) -> None:
    with deployed.begin() as session:
        messages.correlate(session, "order", business_key="K", by=by)

        assert first_task(session) == found


def test_start__a_program_is_nobody(deployed: Sessions) -> None:
    with deployed.begin() as session:
        process_instances.start(session, "p", business_key="K", by=PROGRAM)

        assert first_task(session) == (None, {})


def test_current_user__whoever_completes_the_task(deployed: Sessions) -> None:
    with deployed.begin() as session:
        process_instances.start(session, "p", business_key="K", by="alice")
        task_id = user_tasks.open_of(session, "K", "A")
        user_tasks.assign(session, task_id, "bob", by="alice")
        done = user_tasks.complete(session, task_id, {}, by="bob")

        found = process_instances.variables(session, done.process_instance_id)
        assert found == {"first": "alice", "asked_by": "bob", "as": "service"}


@pytest.mark.parametrize(
    ("by", "group"), [("alice", "service"), ("carol", "head"), ("dave", "head"), ("bob", "service"), (PROGRAM, None)]
)
def test_current_group__the_first_by_whose_right_the_task_is_done(
    deployed: Sessions, by: By, group: str | None
) -> None:
    with deployed.begin() as session:
        factories.group(session, "head")
        factories.user(session, "carol", groups=["service", "head"])
        factories.user(session, "dave", groups=[])
        now = clock.now()
        substitutes.appoint(session, "carol", "dave", begins_at=now, ends_at=now + timedelta(days=7), by=PROGRAM)
        process_instances.start(session, "p", business_key="K", by=PROGRAM)
        task_id = user_tasks.open_of(session, "K", "A")
        done = user_tasks.complete(session, task_id, {}, by=by)

        assert process_instances.variables(session, done.process_instance_id)["as"] == group
