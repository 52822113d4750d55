"""Who sees which process instance and which matter."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors
from casepath.engine.database.models import ProcessInstance, UserTask, UserTaskCandidate
from casepath.engine.people import access
from casepath.engine.people.authorization import Person
from casepath.engine.time import clock
from tests import factories

Sessions = sessionmaker[Session]

KEY = "TS2026-0001"

PEOPLE = {
    "starter": Person(username="alice"),
    "assignee": Person(username="bob"),
    "owner": Person(username="olga"),
    "candidate": Person(username="carla", groups=frozenset({"service"})),
    "candidate_user": Person(username="carl"),
    "stranger": Person(username="charlie", groups=frozenset({"sales", "process_owner"})),
    "director": Person(username="dora", sees_all=True),
    "auditor": Person(username="audrey", groups=frozenset({"auditor"})),
    "operator": Person(username="otto", groups=frozenset({"operator"})),
}
INVOLVED = {"starter", "assignee", "owner", "candidate", "candidate_user"}
EVERYTHING = {"director", "auditor", "operator"}


@pytest.fixture(params=[KEY, None], ids=["matter", "no_business_key"])
def process_instance_id(request: pytest.FixtureRequest, transaction: Sessions) -> int:
    """A process instance with two tasks: one that is lent, one that may be claimed."""
    with transaction.begin() as session:
        instance = factories.process_instance(session, business_key=request.param, started_by="alice")
        factories.user_task(session, of=instance, assignee="bob", owner="olga", candidate_groups=())
        factories.user_task(session, of=instance, activity_instance=2, candidate_users=["carl"])
        other = factories.process_instance(session, business_key="TS2")
        factories.user_task(session, of=other, candidate_groups=["sales"])
        return instance.id


def seen(session: Session, process_instance_id: int) -> set[str]:
    return {role for role, person in PEOPLE.items() if sees(session, person, process_instance_id)}


def sees(session: Session, person: Person, process_instance_id: int) -> bool:
    """Whether somebody sees a process instance, of which lists and its tasks say the same."""
    try:
        found = access.process_instance(session, person, process_instance_id).id == process_instance_id
    except errors.NotFound:
        found = False
    listed = select(ProcessInstance.id).where(ProcessInstance.id == process_instance_id, access.seen_by(person))
    tasks = session.scalars(select(UserTask).where(UserTask.process_instance_id == process_instance_id))
    assert bool(session.scalar(listed)) is found
    assert {access.sees_task(session, person, task) for task in tasks} == {found}
    return found


def test_process_instance__who_sees_it(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        assert seen(session, process_instance_id) == INVOLVED | EVERYTHING


def test_process_instance__as_it_is_now(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        known = access.process_instance(session, PEOPLE["starter"], process_instance_id)
        session.connection().execute(text("UPDATE process_instances SET state = 'suspended'"))

        assert access.process_instance(session, PEOPLE["starter"], process_instance_id).state == "suspended"
        assert known.state == "suspended"


def test_process_instance__tasks_are_over(transaction: Sessions, process_instance_id: int) -> None:
    """Whoever did something may look at it later; whoever only might have done it may not."""
    with transaction.begin() as session:
        session.execute(update(UserTask).values(state="completed", ended_at=clock.now()))
        session.execute(delete(UserTaskCandidate))

        assert seen(session, process_instance_id) == {"starter", "assignee", "owner"} | EVERYTHING


def test_process_instance__missing_and_hidden_sound_alike(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        with pytest.raises(errors.NotFound) as existing:
            access.process_instance(session, PEOPLE["stranger"], process_instance_id)
        with pytest.raises(errors.NotFound) as missing:
            access.process_instance(session, PEOPLE["stranger"], 9999)

    assert existing.value.message.replace(str(process_instance_id), "9999") == missing.value.message


def test_matter__all_its_instances(transaction: Sessions) -> None:
    """A hand-over shows what came before to whoever gets it."""
    with transaction.begin() as session:
        before = factories.process_instance(session)
        after = factories.process_instance(session)
        factories.user_task(session, of=after)

        found = access.matter(session, PEOPLE["candidate"], KEY)

    assert [instance.id for instance in found] == [before.id, after.id]


@pytest.mark.parametrize("key", [KEY, "TS9999", ""])
def test_matter__stranger(transaction: Sessions, key: str) -> None:
    with transaction.begin() as session:
        factories.process_instance(session)

        with pytest.raises(errors.NotFound):
            access.matter(session, PEOPLE["stranger"], key)


@pytest.mark.parametrize("key", [KEY, "TS9999"])
def test_contributor__strangers_are_told_that_it_is_not_there(transaction: Sessions, key: str) -> None:
    with transaction.begin() as session:
        factories.process_instance(session)

        with pytest.raises(errors.NotFound):
            access.contributor(session, PEOPLE["stranger"], key)


def test_contributor__whoever_may_only_look_is_refused(transaction: Sessions) -> None:
    with transaction.begin() as session:
        factories.process_instance(session)

        assert access.contributor(session, PEOPLE["starter"], KEY).signature == "alice"
        with pytest.raises(errors.Forbidden):
            access.contributor(session, PEOPLE["auditor"], KEY)
