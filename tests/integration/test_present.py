"""The present values of a matter with several process instances."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.queries import present
from tests.acting import PROGRAM
from tests.diagrams import process

Sessions = sessionmaker[Session]

CALLED = process('<startEvent id="s"/>', '<userTask id="inner"/>', flow="s > inner", key="called")
GIVES = '<extensionElements><camunda:in variables="all"/>{}</extensionElements>'
TAKES = '<camunda:out source="made" target="made"/>'
CALLER = process(
    '<startEvent id="s"/>', f'<callActivity id="call" calledElement="called">{GIVES.format(TAKES)}</callActivity>',
    '<userTask id="outer"/>', '<parallelGateway id="fork"/>', '<userTask id="beside"/>',
    flow="s > fork; fork > call; fork > beside; call > outer", key="caller",
)  # fmt: skip


@pytest.fixture
def matter(transaction: Sessions) -> Sessions:
    """A process that runs beside one that it has called with all its variables."""
    definitions.forget()
    with transaction.begin() as session:
        deployments.deploy(session, {"a.bpmn": CALLER, "b.bpmn": CALLED}, name="p", by=PROGRAM)
        process_instances.start(session, "caller", {"level": "low", "text": "x"}, business_key="K", by=PROGRAM)
    return transaction


def complete(session: Session, element_id: str, **variables: Any) -> None:
    user_tasks.complete(session, user_tasks.open_of(session, "K", element_id), variables, by=PROGRAM)


def test_given__is_the_caller_s_to_say(matter: Sessions) -> None:
    with matter.begin() as session:
        complete(session, "beside", level="high")

        assert present.of(session, "K") == {"level": "high", "text": "x"}


def test_changed__by_the_called_process_while_it_runs(matter: Sessions) -> None:
    with matter.begin() as session:
        inner = user_tasks.get(session, user_tasks.open_of(session, "K", "inner")).process_instance_id
        process_instances.set_variables(session, inner, {"level": "major", "made": 1}, by=PROGRAM, reason="x")

        assert present.of(session, "K") == {"level": "major", "text": "x", "made": 1}


def test_ended__the_caller_before_what_it_called(matter: Sessions) -> None:
    with matter.begin() as session:
        complete(session, "inner", level="major", made=1, own=2)
        complete(session, "outer", level="high")

        assert present.of(session, "K") == {"level": "high", "text": "x", "made": 1, "own": 2}


def test_matters__one_after_the_other_under_one_number(matter: Sessions) -> None:
    with matter.begin() as session:
        process_instances.start(session, "caller", {"level": "major"}, business_key="K", by=PROGRAM)

        assert present.of(session, "K") == {"level": "major", "text": "x"}
