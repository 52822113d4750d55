"""Somebody stands in for a colleague who is away; somebody leaves; and who is told of a task that changes hands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database.models import Notification
from casepath.engine.deployments import definitions
from casepath.engine.history import organisation
from casepath.engine.instances import departures, process_instances, user_tasks
from casepath.engine.people import identity, substitutes
from casepath.engine.queries import handed_in, tasks
from casepath.engine.time import clock
from tests import factories
from tests.acting import PROGRAM
from tests.diagrams import nodes, process

Sessions = sessionmaker[Session]
DIAGRAM = process(
    '<startEvent id="S"/>', '<userTask id="A" name="核实" camunda:candidateGroups="service"/>',
    '<userTask id="B" camunda:assignee="alice"/>', nodes("userTask C"), flow="S > A; A > B; B > C",
)  # fmt: skip
#: Alice and Bob are of the group that the task is for; Nina is not; Dora hands on what is the group's.
PEOPLE = {"alice": ["service"], "bob": ["service"], "nina": ["sales"], "dora": ["directors"], "ada": ["administrator"],
          "audrey": ["auditor"]}  # fmt: skip


@pytest.fixture
def house(transaction: Sessions) -> Iterator[Sessions]:
    """A matter whose first task is for the group, the second one Alice's alone."""
    definitions.forget()
    with transaction.begin() as session:
        for key in ("service", "sales", "administrator", "auditor"):
            factories.group(session, key)
        factories.group(session, "directors", distributes=["service"])
        for username, groups in PEOPLE.items():
            factories.user(session, username, groups=groups)
        deployments.deploy(session, {"p.bpmn": DIAGRAM}, name="p", by=PROGRAM)
        process_instances.start(session, "p", business_key="K", by=PROGRAM)
    yield transaction
    clock.reset()


def task(session: Session, element_id: str = "A") -> int:
    return user_tasks.open_of(session, "K", element_id)


def appoint(session: Session, substitute: str = "nina", *, days: int = 7, by: Any = "alice") -> int:
    now = clock.now()
    period = {"begins_at": now, "ends_at": now + timedelta(days=days)}
    return substitutes.appoint(session, "alice", substitute, **period, by=by).id


def told(session: Session, username: str) -> list[str]:
    return list(session.scalars(select(Notification.subject).where(Notification.username == username)))


def last_event(session: Session, task_id: int) -> tuple[str, str | None, dict[str, Any]]:
    found = history.events(session, user_tasks.get(session, task_id).process_instance_id)
    event = [each for each in found if each.kind.startswith("user_task.") and each.kind != "user_task.created"][-1]
    return event.kind, event.by, dict(event.facts)


def verified(session: Session) -> bool:
    return list(history.verify_all(session)) == [] and organisation.verify(session) == []


def test_substitute__sees_and_does_the_task_for_the_other(house: Sessions) -> None:
    with house.begin() as session:
        task_id = task(session)
        with pytest.raises(errors.NotFound):
            user_tasks.complete(session, task_id, {}, by="nina")
        appoint(session)

        user_tasks.claim(session, task_id, by="nina")
        held = user_tasks.get(session, task_id).assignee
        claimed = last_event(session, task_id)
        user_tasks.complete(session, task_id, {}, by="nina")

        assert (held, claimed) == ("alice", ("user_task.claimed", "nina", {"for": "alice"}))
        done = user_tasks.get(session, task_id)
        assert (done.assignee, done.owner) == ("nina", "alice")
        assert last_event(session, task_id) == ("user_task.completed", "nina", {"for": "alice"})
        assert verified(session)


def test_substitute__of_what_is_the_other_s_alone(house: Sessions) -> None:
    with house.begin() as session:
        user_tasks.complete(session, task(session), {}, by="bob")
        appoint(session)
        task_id = task(session, "B")

        user_tasks.complete(session, task_id, {}, by="nina")

        assert last_event(session, task_id) == ("user_task.completed", "nina", {"for": "alice"})


def test_substitute__who_may_anyway_acts_for_himself(house: Sessions) -> None:
    with house.begin() as session:
        appoint(session, "bob")
        task_id = task(session)

        user_tasks.complete(session, task_id, {}, by="bob")

        assert last_event(session, task_id) == ("user_task.completed", "bob", {})


def test_substitute__has_them_in_the_lists(house: Sessions) -> None:
    with house.begin() as session:
        user_tasks.claim(session, task(session), by="alice")
        before = tasks.page(session, identity.person(session, "nina"), "mine").rows
        appoint(session)
        after = tasks.page(session, identity.person(session, "nina"), "mine").rows

        assert (before, [row.assignee for row in after]) == ([], ["alice"])


def test_substitute__just_within_the_period(house: Sessions) -> None:
    with house.begin() as session:
        begins_at = clock.now() + timedelta(days=1)
        substitutes.appoint(session, "alice", "nina", begins_at=begins_at, ends_at=begins_at + timedelta(days=1),
                            by="alice")  # fmt: skip
    seen = []
    for moment in (-1, 0, 86399, 86400):
        clock.set_to(begins_at + timedelta(seconds=moment))
        with house.begin() as session:
            seen.append(bool(identity.person(session, "nina").stands_in_for))

    assert seen == [False, True, True, False]


def test_substitute__is_dismissed(house: Sessions) -> None:
    with house.begin() as session:
        number = appoint(session)
        with pytest.raises(errors.Forbidden):
            substitutes.dismiss(session, number, by="bob")
        substitutes.dismiss(session, number, by="alice")

        with pytest.raises(errors.NotFound):
            user_tasks.claim(session, task(session), by="nina")
        kinds = [event.kind for event in organisation.events(session)]
        assert kinds[-2:] == ["substitute.appointed", "substitute.dismissed"]
        assert verified(session)


def test_substitute__stands_in_for_nobody_s_roles_nor_substitutes(house: Sessions) -> None:
    with house.begin() as session:
        identity.set_groups(session, "alice", ["service", "administrator"], by=PROGRAM)
        appoint(session, "bob")
        now = clock.now()
        substitutes.appoint(session, "bob", "nina", begins_at=now, ends_at=now + timedelta(days=1), by="ada")

        (absent,) = identity.person(session, "nina").stands_in_for
        assert (absent.username, absent.stands_in_for) == ("bob", ())
        (absent,) = identity.person(session, "bob").stands_in_for
        assert (absent.username, absent.groups) == ("alice", frozenset({"service"}))


@pytest.mark.parametrize(("substitute", "days"), [("alice", 1), ("audrey", 1), ("nobody", 1), ("bob", 0), ("bob", 400)])
def test_appoint__refused(house: Sessions, substitute: str, days: int) -> None:
    with house.begin() as session, pytest.raises(errors.InvalidInput):
        appoint(session, substitute, days=days)


def test_archive__says_for_whom_it_was_done(house: Sessions) -> None:
    with house.begin() as session:
        appoint(session)
        user_tasks.complete(session, task(session), {"note": "x"}, by="nina")

        (step,) = handed_in.steps(session, "K", until=clock.now())
        assert (step.by, step.acted_for) == ("nina", "alice")


def test_leaving__tasks_go_back_and_whoever_hands_on_is_told(house: Sessions) -> None:
    with house.begin() as session:
        task_id = task(session)
        user_tasks.claim(session, task_id, by="alice")

        assert departures.lock_out(session, "alice", by="ada") == 1

        left = user_tasks.get(session, task_id)
        assert (left.assignee, left.owner) == (None, None)
        assert last_event(session, task_id) == ("user_task.unclaimed", "ada", {"left": "alice"})
        assert told(session, "dora") == ["Alice has left; the task “核实” went back to those for whom it is."]
        assert user_tasks.claim(session, task_id, by="bob").assignee == "bob"
        assert verified(session)


def test_leaving__what_was_lent_goes_back_to_its_owner(house: Sessions) -> None:
    with house.begin() as session:
        task_id = task(session)
        user_tasks.claim(session, task_id, by="bob")
        user_tasks.delegate(session, task_id, "alice", by="bob")

        departures.lock_out(session, "alice", by="ada")

        assert user_tasks.get(session, task_id).assignee == "bob"
        assert told(session, "bob") == ["Alice has left; the task “核实” went back to those for whom it is."]
        assert verified(session)


def test_leaving__what_nobody_else_may_claim_is_told_to_administrators(house: Sessions) -> None:
    with house.begin() as session:
        user_tasks.complete(session, task(session), {}, by="bob")

        departures.lock_out(session, "alice", by="ada")

        assert user_tasks.get(session, task(session, "B")).assignee == "alice"
        assert len(told(session, "ada")) == 1
        assert user_tasks.assign(session, task(session, "B"), "bob", by="ada", reason="x").assignee == "bob"


def test_hands__whoever_gets_a_task_is_told_and_the_owner_when_it_comes_back(house: Sessions) -> None:
    with house.begin() as session:
        task_id = task(session)
        user_tasks.claim(session, task_id, by="alice")
        user_tasks.delegate(session, task_id, "nina", by="alice")
        lent = tasks.page(session, identity.person(session, "alice"), "mine").rows
        user_tasks.resolve(session, task_id, by="nina")
        user_tasks.assign(session, task_id, "bob", by="dora", reason="x")

        assert [(row.assignee, row.owner) for row in lent] == [("nina", "alice")]
        assert told(session, "nina") == ["Alice asks you to fill in the task “核实” and to give it back."]
        assert told(session, "alice") == [
            "Nina gave the task “核实” back to you.", "Dora handed the task “核实” on, which you had.",
        ]  # fmt: skip
        assert told(session, "bob") == ["Dora handed the task “核实” to you."]
        assert told(session, "dora") == []
