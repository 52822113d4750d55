"""The two readings of a matter's history, its rounds, and the path of what calls other processes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.deployments import definitions
from casepath.engine.instances import external_tasks, process_instances, user_tasks
from casepath.engine.instances.external_tasks import Topic
from casepath.engine.queries import events, instances, rounds, trails
from tests import factories
from tests.acting import PROGRAM
from tests.diagrams import process

Sessions = sessionmaker[Session]

INNER = process(
    '<startEvent id="s"/>', '<userTask id="ask" camunda:candidateGroups="service"/>',
    '<exclusiveGateway id="enough" default="enough_done"/>',
    '<endEvent id="done"/>',
    flow="s > ask; ask > enough; enough > ask [${again}]; enough > done", key="inner",
)  # fmt: skip
TAKES = '<extensionElements><camunda:in variables="all"/></extensionElements>'
MIDDLE = process(
    '<startEvent id="s"/>', f'<callActivity id="call_inner" calledElement="inner">{TAKES}</callActivity>',
    flow="s > call_inner", key="middle",
)  # fmt: skip
OUTER = process(
    '<startEvent id="s"/>', f'<callActivity id="call_middle" calledElement="middle">{TAKES}</callActivity>',
    '<serviceTask id="work" camunda:type="external" camunda:topic="work"/>',
    flow="s > call_middle; call_middle > work", key="outer",
)  # fmt: skip


@pytest.fixture
def matter(transaction: Sessions) -> Sessions:
    """A process that has called one that has called one in which there is a task."""
    definitions.forget()
    files = {"a.bpmn": INNER, "b.bpmn": MIDDLE, "c.bpmn": OUTER}
    with transaction.begin() as session:
        factories.group(session, "service")
        factories.user(session, "alice", groups=["service"])
        deployments.deploy(session, files, name="p", by=PROGRAM)
        process_instances.start(session, "outer", {"given": 1}, business_key="K", by="alice")
    return transaction


def answer(session: Session, again: bool) -> None:
    user_tasks.complete(session, user_tasks.open_of(session, "K", "ask"), {"again": again}, by="alice")


def told(session: Session, limit: int = 60) -> list[str]:
    """Return the kinds of the events of people, page by page, newest first."""
    names = events.handed_in(events.changes(session, "K"))
    kinds: list[str] = []
    below = None
    while True:
        page = events.page(session, "K", below=below, limit=limit, of_people=names)
        kinds += [entry.kind for entry in page.rows]
        if page.next is None:
            return kinds
        below = page.next


@pytest.mark.parametrize("limit", [1, 2, 60])
def test_page__of_people_tells_nothing_of_what_processes_do_among_themselves(matter: Sessions, limit: int) -> None:
    with matter.begin() as session:
        answer(session, again=True)
        answer(session, again=False)
        topic = Topic(name="work", lock_for=timedelta(minutes=1))
        (task,) = external_tasks.fetch_and_lock(session, [topic], worker_id="w", limit=1)
        external_tasks.complete(session, task.id, worker_id="w")

        assert told(session, limit) == [
            "process_instance.completed", "external_task.completed", "gateway.decided", "user_task.completed",
            "gateway.decided", "user_task.completed", "process_instance.started",
        ]  # fmt: skip
        assert "call.started" in {entry.kind for entry in events.page(session, "K").rows}


def test_changes__nobody_has_given_what_a_called_process_is_given(matter: Sessions) -> None:
    with matter.begin() as session:
        (change,) = events.changes(session, "K")["given"]

        assert (change.by, change.is_registration) == ("alice", True)


def test_rounds__are_counted_where_there_are_several(matter: Sessions) -> None:
    with matter.begin() as session:
        answer(session, again=True)
        assert rounds.numbers(session, "K") == {}
        answer(session, again=True)
        assert sorted(rounds.numbers(session, "K").values()) == [1, 2]


def test_trail__leads_to_where_people_have_something_to_do(matter: Sessions) -> None:
    with matter.begin() as session:
        outer, middle, inner = instances.of_matter(session, "K")

        assert trails.trail(session, outer.id)["elements"]["call_middle"] == {
            "state": "active", "count": 1, "called": [middle.id], "work": True,
        }  # fmt: skip
        assert trails.trail(session, inner.id)["elements"]["ask"] == {"state": "active", "count": 1, "work": True}
        assert trails.trail(session, outer.id)["elements"]["s"] == {"state": "visited", "count": 1}


def test_trail__is_stuck_where_what_was_called_is_stuck(matter: Sessions) -> None:
    broken = INNER.replace(b"${again}", b"${again.nothing}")
    with matter.begin() as session:
        deployments.deploy(session, {"a.bpmn": broken}, name="p", by=PROGRAM)
        process_instances.start(session, "outer", {}, business_key="L", by="alice")
        user_tasks.complete(session, user_tasks.open_of(session, "L", "ask"), {"again": 1}, by="alice")
        outer, middle, inner = instances.of_matter(session, "L")

        found = [trails.trail(session, each.id)["elements"] for each in (outer, middle, inner)]
        states = [{key: entry["state"] for key, entry in elements.items()} for elements in found]
        assert states[0]["call_middle"] == states[1]["call_inner"] == "incident"
        assert "incident" in states[2].values()
