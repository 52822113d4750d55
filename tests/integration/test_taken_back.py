"""What somebody does and the process cannot follow: taken back, seen by operators, and over when it is done again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history, runtime, settings
from casepath.engine.database import failures
from casepath.engine.database.models import Incident, ProcessInstance, UserTask
from casepath.engine.instances import incidents, messages, process_instances, user_tasks
from casepath.engine.queries import operations
from tests import diagrams
from tests.acting import ALICE, OLIVIA, PROGRAM

Sessions = sessionmaker[Session]
CONTENT = diagrams.process(
    '<startEvent id="Start"/><userTask id="Task" camunda:candidateGroups="service"/><userTask id="Late"/>',
    diagrams.border("On", "Task", diagrams.message()), '<task id="A"/><task id="B"/><userTask id="Next"/>',
    flow="Start > Task; Task > A; A > B; B > Next; On > Late", root=diagrams.MESSAGE,
)  # fmt: skip


@pytest.fixture
def waiting(transaction: Sessions) -> int:
    """An instance that waits for a task, behind which two elements and another task begin."""
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": CONTENT}, name="p", by=PROGRAM)
        return process_instances.start(session, "p", {}, by=ALICE).id


def complete(sessions: Sessions) -> None:
    with incidents.noting(sessions) as session:
        task = session.scalars(select(UserTask.id).where(UserTask.state == "created")).one()
        user_tasks.complete(session, task, {}, by=PROGRAM)


def report(sessions: Sessions) -> None:
    with incidents.noting(sessions) as session:
        messages.correlate(session, "order", by=PROGRAM)


def stuck(sessions: Sessions, state: str = "open") -> list[operations.IncidentRow]:
    with sessions.begin() as session:
        assert list(history.verify_all(session)) == []
        return operations.incidents(session, state=state)[0]


@pytest.mark.parametrize(("act", "limit"), [(complete, 2), (report, 0)])
def test_over_budget__is_an_incident_until_it_is_done(
    transaction: Sessions, waiting: int, monkeypatch: pytest.MonkeyPatch, act: Callable[[Sessions], None], limit: int
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(settings.current, "step_moves", limit)
        for _ in range(2):
            with pytest.raises(errors.OverBudget):
                act(transaction)

    (found,) = stuck(transaction)
    assert (found.kind, found.place.process_instance_id, found.place.element_id) == ("stuck", waiting, "Task")
    assert found.phrase is not None
    assert found.phrase.facts["limit"] == limit
    act(transaction)

    assert stuck(transaction) == []
    assert [each.id for each in stuck(transaction, "resolved")] == [found.id]
    with transaction.begin() as session:
        told = [each for each in history.events(session, waiting) if each.kind.startswith("incident")]
        where = session.get_one(Incident, found.id).activity_instance
    assert [(each.kind, each.by) for each in told] == [
        ("incident.opened", "program:test"), ("incident.resolved", None),
    ]  # fmt: skip
    assert [each.activity_instance for each in told] == [where, where]


@pytest.mark.parametrize("ended", ["message", "cancelled"])
def test_over_budget__is_over_when_the_activity_is_gone(
    transaction: Sessions, waiting: int, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(settings.current, "step_moves", 1)
        with pytest.raises(errors.OverBudget):
            complete(transaction)
    with transaction.begin() as session:
        if ended == "message":
            messages.correlate(session, "order", by=PROGRAM)
        else:
            process_instances.cancel(session, waiting, by=OLIVIA, reason="x")

    assert stuck(transaction) == []


def test_over_budget__an_operator_closes_it(
    transaction: Sessions, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(settings.current, "step_moves", 1)
        with pytest.raises(errors.OverBudget):
            complete(transaction)
        (found,) = stuck(transaction)
        with transaction.begin() as session:
            incidents.resolve(session, found.id, by=OLIVIA)

        (closed,) = stuck(transaction, "resolved")
        assert closed.resolved_by == OLIVIA.username
        with pytest.raises(errors.OverBudget):
            complete(transaction)
        assert len(stuck(transaction)) == 1


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_unforeseen__is_an_incident_without_what_it_quotes(
    transaction: Sessions, waiting: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(runtime.storage, "write_visits", failing(KeyError("13800000000")))
        with pytest.raises(KeyError):
            complete(transaction)

    (found,) = stuck(transaction)
    assert "KeyError" in found.message
    assert "13800000000" not in found.message + caplog.text
    complete(transaction)
    assert stuck(transaction) == []


@pytest.mark.parametrize(
    "error", [errors.InvalidState("move", "x", 1, "y"), OperationalError("", {}, Exception("database is locked"))]
)
def test_refused__is_no_incident(
    transaction: Sessions, waiting: int, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Nor where the database can do nothing: that passes."""
    with monkeypatch.context() as patched:
        patched.setattr(runtime.storage, "write_visits", failing(error))
        patched.setattr(failures, "absence", lambda _: "busy")
        with pytest.raises(type(error)):
            complete(transaction)

    assert stuck(transaction) == []


def test_start__leaves_nothing_but_a_line_in_the_log(
    transaction: Sessions, waiting: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(settings.current, "step_moves", 1)
        with pytest.raises(errors.OverBudget), incidents.noting(transaction) as session:
            process_instances.start(session, "p", {}, by=ALICE)

    with transaction.begin() as session:
        assert list(session.scalars(select(ProcessInstance.id))) == [waiting]
        assert list(session.scalars(select(Incident))) == []
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert line.getMessage() == "a step of a person in process p was taken back: never-waits"
