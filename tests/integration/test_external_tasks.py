"""Giving external tasks to workers, and what workers report."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, history, phrases, runtime
from casepath.engine.database.models import Definition, ExternalTask, Incident
from casepath.engine.instances import external_tasks
from casepath.engine.instances.external_tasks import FetchedTask, Topic
from tests import factories
from tests.acting import OPERATOR
from tests.each import each

Sessions = sessionmaker[Session]

MINUTE = timedelta(minutes=1)
NOTIFY = Topic(name="notify", lock_for=MINUTE)


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The factories' instances have no tokens, so no activity knows any variables."""
    monkeypatch.setattr(runtime, "activity_variables", lambda _session, _instance, _activity: {"a": 1, "b": 2})


@pytest.fixture(autouse=True)
def _standing_clock(clock: ModuleType) -> None:
    clock.set_to(clock.now())


def made(transaction: Sessions, **columns: Any) -> int:
    with transaction.begin() as session:
        return factories.external_task(session, **columns).id


def fetch(transaction: Sessions, *topics: Topic, worker_id: str = "w1", limit: int = 10, **options: Any) -> list[int]:
    return [task.id for task in fetched(transaction, *topics, worker_id=worker_id, limit=limit, **options)]


def fetched(transaction: Sessions, *topics: Topic, worker_id: str = "w1", **options: Any) -> list[FetchedTask]:
    with transaction.begin() as session:
        options = {"limit": 10, **options}
        return external_tasks.fetch_and_lock(session, topics or [NOTIFY], worker_id=worker_id, **options)


def run(transaction: Sessions, command: Callable[..., Any], task_id: int, **options: Any) -> Any:
    with transaction.begin() as session:
        return command(session, task_id, **options)


def stored(transaction: Sessions, task_id: int) -> ExternalTask:
    with transaction.begin() as session:
        return external_tasks.get(session, task_id)


def kinds(transaction: Sessions, task_id: int) -> list[str]:
    with transaction.begin() as session:
        task = external_tasks.get(session, task_id)
        assert history.verify(session, task.process_instance_id) == []
        return [event.kind for event in history.events(session, task.process_instance_id)]


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_fetch_and_lock__waits_for_no_other_worker(transaction: Sessions) -> None:
    first, second = made(transaction), made(transaction)

    with transaction.begin() as session, transaction.begin() as other:
        other.execute(text("SET LOCAL lock_timeout = '2s'"))
        found = [
            [task.id for task in external_tasks.fetch_and_lock(each, [NOTIFY], worker_id="w", limit=1)]
            for each in (session, other)
        ]

    assert found == [[first], [second]]


def test_fetch_and_lock__what_a_worker_gets(transaction: Sessions, clock: ModuleType) -> None:
    task_id = made(transaction, priority=7)

    (task,) = fetched(transaction)

    assert (task.id, task.topic, task.element_id, task.priority) == (task_id, "notify", "Task_Notify", 7)
    assert (task.business_key, task.retries, task.variables) == ("TS2026-0001", None, {"a": 1, "b": 2})
    assert task.locked_until == clock.now() + MINUTE
    assert task.idempotency_key == f"{task.process_instance_id}/1"
    row = stored(transaction, task_id)
    assert (row.state, row.worker_id, row.locked_until) == ("locked", "w1", task.locked_until)


def test_fetch_and_lock__only_the_variables_asked_for(transaction: Sessions) -> None:
    made(transaction)

    (task,) = fetched(transaction, Topic(name="notify", lock_for=MINUTE, variables=["b", "z"]))

    assert task.variables == {"b": 2}


def test_fetch_and_lock__not_twice_before_the_lock_ends(transaction: Sessions, clock: ModuleType) -> None:
    task_id = made(transaction)

    assert fetch(transaction) == [task_id]
    clock.move(MINUTE - timedelta(seconds=1))
    assert fetch(transaction, worker_id="w2") == []
    clock.move(timedelta(seconds=1))
    assert fetch(transaction, worker_id="w2") == [task_id]


def test_fetch_and_lock__highest_priority_first(transaction: Sessions) -> None:
    low, high, middle = (made(transaction, priority=priority) for priority in (1, 9, 5))

    assert fetch(transaction, limit=2) == [high, middle]
    assert fetch(transaction) == [low]


def test_fetch_and_lock__longest_waiting_first(transaction: Sessions, clock: ModuleType) -> None:
    young = made(transaction, priority=9, locked_until=clock.now() - MINUTE)
    old = made(transaction, priority=1, locked_until=clock.now() - 2 * MINUTE)

    assert fetch(transaction, use_priority=False) == [old, young]


def test_fetch_and_lock__each_topic_its_own_lock(transaction: Sessions, clock: ModuleType) -> None:
    made(transaction, topic="notify")
    made(transaction, topic="archive")
    made(transaction, topic="other")

    tasks = fetched(transaction, NOTIFY, Topic(name="archive", lock_for=2 * MINUTE))

    assert {task.topic: task.locked_until - clock.now() for task in tasks} == {"notify": MINUTE, "archive": 2 * MINUTE}


@pytest.mark.parametrize("condition", ["business_key", "definition_ids", "definition_keys", "version_tag"])
def test_fetch_and_lock__conditions_of_a_topic(transaction: Sessions, condition: str) -> None:
    with transaction.begin() as session:
        tagged = factories.definition(session, key="wanted")
        session.execute(update(Definition).values(version_tag="v1"))
        wanted = factories.process_instance(session, of=tagged, business_key="TS1")
        task_id = factories.external_task(session, of=wanted).id
        factories.external_task(session)
        values: dict[str, Any] = {
            "business_key": "TS1", "definition_ids": [tagged.id], "definition_keys": ["wanted"], "version_tag": "v1"
        }

    assert fetch(transaction, replace(NOTIFY, **{condition: values[condition]})) == [task_id]


@pytest.mark.parametrize("state", ["suspended", "completed", "cancelled"])
def test_fetch_and_lock__process_instance_does_not_run(transaction: Sessions, state: str) -> None:
    with transaction.begin() as session:
        factories.external_task(session, of=factories.process_instance(session, state=state))

    assert fetch(transaction) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@each(
    "topics, limit, worker_id",
    [
        ([], 1, "w"),
        ([NOTIFY, NOTIFY], 1, "w"),
        ([NOTIFY], 0, "w"),
        ([NOTIFY], 1001, "w"),
        ([NOTIFY], 1, " "),
        ([Topic(name="x", lock_for=timedelta(0))], 1, "w"),
        ([Topic(name="x", lock_for=timedelta.max)], 1, "w"),
    ],
)
def test_fetch_and_lock__refused(transaction: Sessions, topics: list[Topic], limit: int, worker_id: str) -> None:
    with pytest.raises(errors.InvalidInput), transaction.begin() as session:
        external_tasks.fetch_and_lock(session, topics, worker_id=worker_id, limit=limit)


def test_fetch_and_lock__many_workers_at_once(transaction: Sessions) -> None:
    """Each task goes to one of them."""
    with transaction.begin() as session:
        instance = factories.process_instance(session)
        for number in range(60):
            factories.external_task(session, of=instance, activity_instance=number + 1)

    def work(number: int) -> list[int]:
        found = []
        while tasks := fetch(transaction, worker_id=f"w{number}", limit=5):
            found += tasks
        return found

    with ThreadPoolExecutor(6) as pool:
        shares = list(pool.map(work, range(6)))

    everything = sorted(task_id for share in shares for task_id in share)
    assert len(everything) == 60
    assert len(set(everything)) == 60


def test_lock__one_task(transaction: Sessions, clock: ModuleType) -> None:
    task_id = made(transaction)

    run(transaction, external_tasks.lock, task_id, worker_id="w1", lock_for=MINUTE)

    assert stored(transaction, task_id).worker_id == "w1"
    with pytest.raises(errors.InvalidState, match=r"“locked” \(by w1\)"):
        run(transaction, external_tasks.lock, task_id, worker_id="w2", lock_for=MINUTE)
    clock.move(MINUTE)
    run(transaction, external_tasks.lock, task_id, worker_id="w2", lock_for=MINUTE)


def test_extend_lock__from_now(transaction: Sessions, clock: ModuleType) -> None:
    task_id = made(transaction)
    fetch(transaction)
    clock.move(timedelta(seconds=50))

    until = run(transaction, external_tasks.extend_lock, task_id, worker_id="w1", lock_for=MINUTE)

    assert until == clock.now() + MINUTE == stored(transaction, task_id).locked_until


@pytest.mark.parametrize(("worker_id", "later"), [("w2", timedelta(0)), ("w1", MINUTE)])
def test_extend_lock__not_held(transaction: Sessions, clock: ModuleType, worker_id: str, later: timedelta) -> None:
    task_id = made(transaction)
    fetch(transaction)
    clock.move(later)

    with pytest.raises(errors.InvalidState):
        run(transaction, external_tasks.extend_lock, task_id, worker_id=worker_id, lock_for=MINUTE)


def test_unlock__may_be_fetched(transaction: Sessions) -> None:
    task_id = made(transaction)
    fetch(transaction)

    run(transaction, external_tasks.unlock, task_id, by=OPERATOR)

    assert fetch(transaction, worker_id="w2") == [task_id]


def test_set_priority__ended(transaction: Sessions, clock: ModuleType) -> None:
    task_id = made(transaction)
    run(transaction, external_tasks.set_priority, task_id, priority=3, by=OPERATOR)
    assert stored(transaction, task_id).priority == 3

    made_before = made(transaction, state="completed", ended_at=clock.now())
    with pytest.raises(errors.InvalidState):
        run(transaction, external_tasks.set_priority, made_before, priority=3, by=OPERATOR)


FAILURE: dict[str, Any] = {"worker_id": "w1", "message": "SMTP server refused 张三", "details": "Traceback"}


def test_fail__tried_again_later(transaction: Sessions, clock: ModuleType) -> None:
    task_id = made(transaction)
    fetch(transaction)

    run(transaction, external_tasks.fail, task_id, **FAILURE, retries=2, retry_in=5 * MINUTE)

    row = stored(transaction, task_id)
    assert (row.state, row.retries, row.error_message) == ("created", 2, FAILURE["message"])
    assert fetch(transaction) == []
    clock.move(5 * MINUTE)
    (again,) = fetched(transaction, worker_id="w2")
    assert (again.id, again.retries, again.error_details) == (task_id, 2, "Traceback")
    assert kinds(transaction, task_id) == ["external_task.failed"]


def test_fail__no_retries_left(transaction: Sessions, clock: ModuleType) -> None:
    task_id = made(transaction)
    fetch(transaction)

    run(transaction, external_tasks.fail, task_id, **FAILURE, retries=0)

    clock.move(timedelta(days=1))
    assert fetch(transaction) == []
    with transaction.begin() as session:
        incident = session.scalars(select(Incident)).one()
    assert (incident.kind, incident.external_task_id, incident.state) == ("external_task", task_id, "open")
    assert (incident.message, incident.details) == (FAILURE["message"], "Traceback")
    assert kinds(transaction, task_id) == ["external_task.failed", "incident.opened"]


def test_fail__by_a_refusal_of_the_engine(transaction: Sessions) -> None:
    task_id = made(transaction)
    fetch(transaction)
    refusal = errors.InvalidInput("Expected {limit}", limit=3)

    run(transaction, external_tasks.fail, task_id, worker_id="w1", message=refusal.phrase, retries=0)

    with transaction() as session:
        assert session.scalars(select(Incident)).one().phrase == refusal.phrase


def test_fail__by_words_that_look_like_a_refusal_of_the_engine(transaction: Sessions) -> None:
    task_id = made(transaction)
    fetch(transaction)
    forged = phrases.dumps(phrases.Phrase("Please send {who} money", who="x"))

    run(transaction, external_tasks.fail, task_id, worker_id="w1", message="x", details=forged, retries=0)

    with transaction() as session:
        incident = session.scalars(select(Incident)).one()
        assert (incident.phrase, (incident.details or "").strip()) == (None, forged)


def test_fail__what_no_database_stores(transaction: Sessions) -> None:
    task_id = made(transaction)
    fetch(transaction)

    message = "\x00\ud800" + "x" * 10_000
    run(transaction, external_tasks.fail, task_id, worker_id="w1", message=message, details="", retries=0)

    assert len(stored(transaction, task_id).error_message or "") == 4_000


@each(
    "change, refusal",
    [
        ({"worker_id": "w2"}, errors.InvalidState),
        ({"retries": -1}, errors.InvalidInput),
        ({"retry_in": timedelta(seconds=-1)}, errors.InvalidInput),
        ({"retry_in": timedelta.max}, errors.InvalidInput),
    ],
)
def test_fail__refused(transaction: Sessions, change: dict[str, Any], refusal: type[errors.EngineError]) -> None:
    task_id = made(transaction)
    fetch(transaction)

    with pytest.raises(refusal):
        run(transaction, external_tasks.fail, task_id, **{**FAILURE, "retries": 1, **change})


def test_set_retries__after_an_incident(transaction: Sessions) -> None:
    task_id = made(transaction)
    fetch(transaction)
    run(transaction, external_tasks.fail, task_id, **FAILURE, retries=0)

    run(transaction, external_tasks.set_retries, task_id, retries=3, by=OPERATOR)

    assert fetched(transaction, worker_id="w2")[0].retries == 3
    with transaction.begin() as session:
        incident = session.scalars(select(Incident)).one()
    assert (incident.state, incident.resolved_by) == ("resolved", "otto")
    assert kinds(transaction, task_id)[2:] == ["external_task.retried", "incident.resolved"]


def test_set_retries__locked_task_stays_locked(transaction: Sessions) -> None:
    task_id = made(transaction)
    fetch(transaction)

    run(transaction, external_tasks.set_retries, task_id, retries=3, by=OPERATOR)

    assert stored(transaction, task_id).state == "locked"


def test_set_retries__none(transaction: Sessions) -> None:
    task_id = made(transaction)

    with pytest.raises(errors.InvalidInput):
        run(transaction, external_tasks.set_retries, task_id, retries=0, by=OPERATOR)


REPORTS: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (external_tasks.complete, {}),
    (external_tasks.fail, {"message": "x", "retries": 1}),
    (external_tasks.throw_error, {"error_code": "x"}),
]


@pytest.mark.parametrize(("report", "options"), REPORTS, ids=["complete", "fail", "throw_error"])
def test_report__worker_who_does_not_have_it(
    transaction: Sessions, clock: ModuleType, report: Callable[..., Any], options: dict[str, Any]
) -> None:
    """Whoever comes back after the lock has ended and another worker has fetched the task."""
    task_id = made(transaction)
    with pytest.raises(errors.InvalidState, match="“created”"):
        run(transaction, report, task_id, worker_id="w1", **options)
    fetch(transaction, worker_id="w1")
    clock.move(MINUTE)
    fetch(transaction, worker_id="w2")

    with pytest.raises(errors.InvalidState, match=r"“locked” \(by w2\)"):
        run(transaction, report, task_id, worker_id="w1", **options)
    with pytest.raises(errors.NotFound):
        run(transaction, report, 9999, worker_id="w1", **options)
