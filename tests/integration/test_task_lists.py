"""Task lists: what is in them, their order, their pages, and the indexes that give them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors
from casepath.engine.database.models import UserTask
from casepath.engine.instances import user_tasks
from casepath.engine.instances.task_views import ORDERS, Filters, ListName
from casepath.engine.people.authorization import Person
from casepath.engine.queries import task_ranges, tasks
from casepath.engine.queries.tasks import Key, TaskRow
from casepath.engine.runtime import urgency
from casepath.engine.time import clock as engine_clock
from tests import factories
from tests.each import each

Transaction = sessionmaker[Session]

ALICE = Person(username="alice", groups=frozenset({"service", "sales"}))
DIRECTOR = Person(username="director", sees_all=True)
VIEWS: tuple[ListName, ...] = ("mine", "claimable", "all")


def many(transaction: Transaction, number: int = 60) -> None:
    """Make tasks of two groups in different hands, some without a due date, several due at the same moment."""
    chance = random.Random(7)
    with transaction.begin() as session:
        of = factories.definition(session)
        for count in range(number):
            due_at = engine_clock.now() + timedelta(hours=chance.randint(-5, 5)) if chance.random() < 0.8 else None
            groups = chance.sample(["service", "sales", "parts"], chance.randint(0, 3))
            factories.user_task(
                session,
                of=factories.process_instance(session, of=of, business_key=f"TS2026-{count:04}"),
                assignee=chance.choice([None, None, "alice", "bob"]),
                candidate_groups=groups,
                candidate_users=chance.choice([[], ["alice"], ["bob"]]),
                due_at=due_at,
            )


@pytest.fixture
def many_tasks(transaction: Transaction) -> Transaction:
    """Such tasks, of several priorities."""
    many(transaction)
    with transaction.begin() as session:
        for task in session.scalars(sqlalchemy.select(UserTask)):
            task.priority = (10, 50, 90)[task.id % 3]
    return transaction


def pages(
    session: Session, person: Person, view: ListName, filters: Filters | None = None, limit: int = 7
) -> list[int]:
    found: list[int] = []
    after: Key | None = None
    while True:
        page = tasks.page(session, person, view, filters, after=after, limit=limit)
        found += [row.id for row in page.rows]
        if page.next is None:
            return found
        after = page.next


def expected(session: Session, person: Person, view: ListName) -> list[int]:
    rows = tasks.page(session, DIRECTOR, "all", limit=1000).rows
    is_candidate = {
        row.id: person.username in row.candidate_users or not person.groups.isdisjoint(row.candidate_groups)
        for row in rows
    }
    fits = {
        "mine": [row.id for row in rows if row.assignee == person.username],
        "claimable": [row.id for row in rows if row.assignee is None and is_candidate[row.id]],
        "all": [row.id for row in rows if person.sees_all or row.assignee == person.username or is_candidate[row.id]],
    }
    return fits[view]


@pytest.mark.parametrize("person", [ALICE, DIRECTOR], ids=lambda person: person.username)
@pytest.mark.parametrize("view", VIEWS)
def test_page__all_pages_together_are_the_list(transaction: Transaction, person: Person, view: ListName) -> None:
    many(transaction)
    with transaction.begin() as session:
        found = pages(session, person, view)

        assert found == expected(session, person, view)
        assert len(found) == len(set(found))
        assert tasks.count(session, person, view) == len(found)


@each("order", [order for order in ORDERS if order])
@each("person", [ALICE, DIRECTOR])
@each("view", VIEWS)
def test_page__other_orders(many_tasks: Transaction, person: Person, view: ListName, order: str) -> None:
    by: dict[str, Callable[[TaskRow], Any]] = {
        "due": lambda row: (row.due_at or urgency.FAR_FUTURE, row.id),
        "priority": lambda row: (-row.priority, row.sort_at, row.id),
        "newest": lambda row: -row.id,
        "oldest": lambda row: row.id,
    }
    with many_tasks.begin() as session:
        found = pages(session, person, view, Filters(order=order))
        rows = {row.id: row for row in tasks.page(session, DIRECTOR, "all", limit=1000).rows}

        assert sorted(found) == sorted(expected(session, person, view))
        assert found == sorted(found, key=lambda number: by[order](rows[number]))


def test_page__other_orders_go_on_behind_a_task_that_is_done(many_tasks: Transaction) -> None:
    filters = Filters(order="newest")
    with many_tasks.begin() as session:
        everything = pages(session, DIRECTOR, "all", filters)
        first = tasks.page(session, DIRECTOR, "all", filters, limit=7)
        session.execute(sqlalchemy.update(UserTask).where(UserTask.id == first.rows[-1].id)
                        .values(state="cancelled", ended_at=engine_clock.now()))  # fmt: skip
        second = tasks.page(session, DIRECTOR, "all", filters, after=first.next, limit=7)

    assert [row.id for row in second.rows] == everything[7:14]


def test_page__is_ordered_by_due_date_without_one_last(transaction: Transaction) -> None:
    many(transaction)
    with transaction.begin() as session:
        rows = tasks.page(session, DIRECTOR, "all", limit=100).rows

    assert len(rows) == 60
    assert [(row.sort_at, row.id) for row in rows] == sorted((row.sort_at, row.id) for row in rows)
    assert rows[-1].due_at is None


def test_page__filters(transaction: Transaction) -> None:
    many(transaction)
    with transaction.begin() as session:
        everything = tasks.page(session, DIRECTOR, "all", limit=100).rows
        overdue = [row.id for row in everything if row.due_at is not None and row.due_at < engine_clock.now()]

        assert pages(session, DIRECTOR, "all", Filters(due="overdue")) == overdue
        assert len(pages(session, DIRECTOR, "all", Filters(text="ts2026-000"))) == 10
        assert len(pages(session, DIRECTOR, "all", Filters(text="联系"))) == 60
        assert pages(session, DIRECTOR, "all", Filters(text="联系%")) == []
        assert len(pages(session, DIRECTOR, "all", Filters(definition_key="complaint"))) == 60
        assert pages(session, DIRECTOR, "all", Filters(definition_key="other")) == []


@each("typed, number", [("éclat", 1), ("ÉCLAT", 1), ("über", 1), ("ÜBER ALLES", 1), ("eclat", 0)])
def test_text__in_letters_of_any_language(transaction: Transaction, typed: str, number: int) -> None:
    """Their case does not count; SQLite itself knows it of the letters of English only."""
    with transaction.begin() as session:
        task = factories.user_task(session)
        for each in session.scalars(sqlalchemy.select(UserTask)):
            each.name = "Éclat Über alles" if each is task else "联系"
        session.flush()

        assert len(pages(session, DIRECTOR, "all", Filters(text=typed))) == number


def test_page__what_a_filter_looks_for_may_come_later(
    transaction: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "STRETCH", 5)
    monkeypatch.setattr(tasks, "STRETCHES", 2)
    many(transaction)
    with transaction.begin() as session:
        last = tasks.page(session, DIRECTOR, "all", limit=100).rows[-1]
        wanted = Filters(text=str(last.business_key))
        first = tasks.page(session, DIRECTOR, "all", wanted)

        assert first.rows == []
        assert first.is_partial
        assert pages(session, DIRECTOR, "all", wanted) == [last.id]


def test_with_business_key__only_what_one_may_see(transaction: Transaction) -> None:
    with transaction.begin() as session:
        of = factories.process_instance(session, business_key="TS-1")
        mine = factories.user_task(session, of=of, candidate_groups=["service"])
        factories.user_task(session, of=of, activity_instance=2, candidate_groups=["parts"])

        assert [row.id for row in tasks.with_business_key(session, ALICE, "TS-1")] == [mine.id]
        assert len(tasks.with_business_key(session, DIRECTOR, "TS-1")) == 2
        assert tasks.with_business_key(session, DIRECTOR, "TS-") == []


def test_page__put_off_until_its_moment(transaction: Transaction, clock: ModuleType) -> None:
    with transaction.begin() as session:
        factories.user(session, "alice")
        task = factories.user_task(session, assignee="alice")
        user_tasks.set_follow_up(session, task.id, clock.now() + timedelta(hours=1), by="alice")

        assert [tasks.count(session, ALICE, view) for view in VIEWS] == [0, 0, 0]
        clock.move(timedelta(hours=1))
        assert [tasks.count(session, ALICE, view) for view in VIEWS] == [1, 0, 1]


def test_count__ends_at_its_limit(transaction: Transaction) -> None:
    many(transaction, tasks.COUNT_LIMIT + 20)
    with transaction.begin() as session:
        assert tasks.count(session, DIRECTOR, "all") == tasks.COUNT_LIMIT


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@each("person", [ALICE, DIRECTOR])
@each("view", VIEWS)
def test_page__reads_ranges_of_indexes(transaction: Transaction, person: Person, view: ListName) -> None:
    with transaction.begin() as session:
        now = engine_clock.now()
        statement = task_ranges.union(person, view, (now, None), (now, 5), 26)
        compiled = statement.compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = [row[3] for row in session.execute(sqlalchemy.text(f"EXPLAIN QUERY PLAN {compiled}"))]

    reading = [step for step in plan if "user_task" in step]
    assert reading
    for step in reading:
        assert step.startswith(
            (
                "SEARCH user_tasks USING INDEX user_tasks_",
                "SEARCH user_tasks USING INTEGER PRIMARY",
                "SEARCH user_task_candidates USING COVERING INDEX user_task_candidates_inbox",
            )
        )


def test_page__overdue_first_then_by_priority_and_due_date(transaction: Transaction) -> None:
    now = engine_clock.now()
    wanted = [("late", -1, 50), ("urgent", 20, 100), ("soon", 2, 50), ("tomorrow", 26, 50), ("not urgent", 20, 0)]
    with transaction.begin() as session:
        of = factories.definition(session)
        for key, hours, priority in reversed(wanted):
            instance = factories.process_instance(session, of=of, business_key=key)
            factories.user_task(session, of=instance, due_at=now + timedelta(hours=hours), priority=priority)
        factories.user_task(session, of=factories.process_instance(session, of=of, business_key="never"))

        for limit in (1, 2, 10):
            shown = pages(session, DIRECTOR, "all", limit=limit)
            found = [session.get_one(UserTask, number).business_key for number in shown]
            assert found == [*(key for key, _, _ in wanted), "never"]


def test_page__put_off_comes_back_when_it_is_overdue(transaction: Transaction, clock: ModuleType) -> None:
    with transaction.begin() as session:
        factories.user(session, "alice")
        task = factories.user_task(session, assignee="alice", due_at=clock.now() + timedelta(hours=1))
        later = clock.now() + timedelta(days=1)
        with pytest.raises(errors.InvalidInput, match="a reason"):
            user_tasks.set_follow_up(session, task.id, later, by="alice")
        user_tasks.set_follow_up(session, task.id, later, by="alice", reason="the customer is away")

        assert tasks.count(session, ALICE, "mine") == 0
        clock.move(timedelta(hours=2))
        assert tasks.count(session, ALICE, "mine") == 1
        assert [row.id for row in tasks.page(session, ALICE, "mine").rows] == [task.id]
