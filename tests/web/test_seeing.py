"""Whoever sees a matter sees everything in it, in every state; everybody else sees nothing of it; and seeing is all."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors
from casepath.engine.database.models import HistoryEvent, UserTask
from casepath.engine.instances import attachments, comments, messages, notifications, process_instances, user_tasks
from casepath.engine.instances.wordings import Wording
from casepath.engine.people import identity
from casepath.engine.people.authorization import By
from casepath.engine.queries import instances
from tests import factories
from tests.acting import PROGRAM
from tests.web import matters
from tests.web.matters import Matter
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]
Visit = Callable[[str | None], Visitor]

#: Those of `tests.web.conftest`: Alice has registered it, Bob is of the group it is for, the director sees all. And:
#: Hanna has it or had it, Fred was told of it, Sue distributes what is the group's.
MORE = {"hanna": ["service"], "fred": ["oem"], "sue": ["superiors"], "olivia": ["process_owner"]}
ALWAYS = {"alice", "fred", "director", "administrator", "auditor", "operator"}
EVERYBODY = ALWAYS | {"bob", "hanna", "sue", "stranger", "olivia"}


def hold(session: Session, matter: Matter) -> None:
    user_tasks.claim(session, matter.task_id, by="hanna")


def hand_on(session: Session, matter: Matter) -> None:
    hold(session, matter)
    user_tasks.assign(session, matter.task_id, "bob", by="hanna")


def take_away(session: Session, matter: Matter) -> None:
    hold(session, matter)
    user_tasks.assign(session, matter.task_id, "bob", by="sue", reason="krank")


def complete(session: Session, matter: Matter) -> None:
    hand_on(session, matter)
    user_tasks.complete(session, matter.task_id, {"solved": "yes", "note": None}, by="bob")


def cancel(session: Session, matter: Matter) -> None:
    hold(session, matter)
    process_instances.cancel(session, matter.id, by=PROGRAM, reason="x")


class State(NamedTuple):
    """What has become of the task, and who sees the matter then beside those who always do."""

    bring: Callable[[Session, Matter], object]
    sees: frozenset[str]


STATES = {
    "free": State(lambda session, matter: None, frozenset({"bob", "hanna", "sue"})),
    "held": State(hold, frozenset({"bob", "hanna", "sue"})),
    "handed on": State(hand_on, frozenset({"bob", "hanna", "sue"})),
    "taken away": State(take_away, frozenset({"bob", "hanna", "sue"})),
    "completed": State(complete, frozenset({"bob", "hanna"})),
    "cancelled": State(cancel, frozenset({"hanna"})),
}


@pytest.fixture
def addresses(rows: Rows, matter: Matter) -> list[str]:
    """Where the matter and everything in it can be seen."""
    with rows.begin() as session:
        for group in ("oem", "superiors"):
            factories.group(session, group, distributes=["service"] if group == "superiors" else [])
        for username, groups in MORE.items():
            factories.user(session, username, groups=groups)
        attached = attachments.add(session, matter.key, name="photo.png", content=b"x", by="alice").id
        comments.add(session, matter.key, "x", by="alice")
        notifications.notify(
            session, ["fred"], kind="notice", wording=Wording(subject="x"), business_key=matter.key,
            process_instance_id=matter.id,
        )  # fmt: skip
    return [
        f"/matters/show/{matter.key}", f"/matters/timeline/{matter.key}", f"/matters/timeline.csv/{matter.key}",
        f"/matters/verify/{matter.key}", f"/matters/instances/{matter.id}/diagram",
        f"/matters/instances/{matter.id}/path", f"/matters/files/{attached}", f"/tasks/{matter.task_id}",
    ]  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_walk__one_answer_for_everything_in_the_matter(
    rows: Rows, visit: Visit, matter: Matter, addresses: list[str], state: str
) -> None:
    """Half of those who see it try each address, and half of those who do not."""
    with rows.begin() as session:
        STATES[state].bring(session, matter)

    seeing = ALWAYS | STATES[state].sees
    first = list(STATES).index(state)
    ordered = [*sorted(seeing), *sorted(EVERYBODY - seeing)]
    answers = {
        name: {visit(name).get(address).status_code for address in addresses[(first + number) % 2 :: 2]}
        for number, name in enumerate(ordered)
    }

    assert answers == {name: {200} if name in seeing else {404} for name in EVERYBODY}


@pytest.mark.parametrize("state", STATES)
def test_walk__the_list_has_just_what_may_be_opened(
    rows: Rows, matter: Matter, addresses: list[str], state: str
) -> None:
    with rows.begin() as session:
        STATES[state].bring(session, matter)
        people = {name: identity.person(session, name) for name in EVERYBODY}
        listed = {name for name, person in people.items() if instances.page(session, person).rows}

    assert listed == ALWAYS | STATES[state].sees


def test_told__reads_and_does_nothing(rows: Rows, visit: Visit, matter: Matter, addresses: list[str]) -> None:
    fred = visit("fred")

    page = text(fred.get(f"/matters/show/{matter.key}"))
    done = {
        verb: fred.post(f"/tasks/{matter.task_id}/{verb}", {"to": "bob", "reason": "x"}).status_code
        for verb in ("claim", "assign", "delegate", "complete", "draft", "follow-up", "unclaim")
    }
    reported = fred.post(f"/matters/messages/{matter.key}", {"report.message": "withdrawn"})

    assert "message_withdrawn" not in page
    assert done == dict.fromkeys(done, 403)
    assert reported.status_code == 403


@pytest.mark.parametrize("by", ["fred", "director"])
def test_seeing__reports_nothing(rows: Rows, matter: Matter, addresses: list[str], by: By) -> None:
    with rows.begin() as session, pytest.raises(errors.Forbidden):
        messages.correlate(session, "withdrawn", business_key=matter.key, by=by)


def test_told_of_another__sees_nothing(rows: Rows, visit: Visit, matter: Matter, addresses: list[str]) -> None:
    other = matters.register(rows)

    assert visit("fred").get(f"/matters/show/{other.key}").status_code == 404


def test_auditor__changes_nothing_though_told_and_a_candidate(
    rows: Rows, visit: Visit, matter: Matter, addresses: list[str]
) -> None:
    with rows.begin() as session:
        identity.set_groups(session, "auditor", ["auditor", "service", "superiors", "administrator"], by=PROGRAM)
        notifications.notify(session, ["auditor"], kind="notice", wording=Wording(subject="x"), business_key=matter.key)
        before = session.scalars(select(HistoryEvent.id)).all()
    auditor = visit("auditor")
    sent = {"to": "bob", "reason": "x", "text": "x", "report.message": "withdrawn", "name": "x", "value": "1",
            "start_before": "review"}  # fmt: skip

    answers = [
        auditor.post(address, sent).status_code
        for address in (
            *(f"/tasks/{matter.task_id}/{verb}" for verb in
              ("claim", "unclaim", "assign", "delegate", "resolve", "follow-up", "draft", "complete")),
            *(f"/matters/instances/{matter.id}/{verb}" for verb in
              ("cancel", "suspend", "resume", "variables", "tokens")),
            f"/matters/comments/{matter.key}", f"/matters/messages/{matter.key}",
        )
    ]  # fmt: skip

    assert set(answers) == {403}
    with rows.begin() as session:
        assert session.scalars(select(HistoryEvent.id)).all() == before
        assert session.get_one(UserTask, matter.task_id).draft is None
