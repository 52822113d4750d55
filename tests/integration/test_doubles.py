"""Two records that are one: merged, found under one, taken apart again as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier, BrokenBarrierError, local
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database.models import Record, UserTask
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.people.authorization import Person
from casepath.engine.queries import doubles as suspects
from casepath.engine.queries import instances, links
from casepath.engine.queries import records as lists
from casepath.engine.queries.records import Filters
from casepath.engine.registers import access, doubles, records
from tests.acting import ADMINISTRATOR, PROGRAM, somebody
from tests.each import each
from tests.wards import ADMISSION, BED, PATIENT, ward

Sessions = sessionmaker[Session]

NURSE, WRITER = somebody("nadia", "nurses", "service"), somebody("walter", "writers")
STRANGER = somebody("stefan", "kitchen")
PATIENTS = {
    **PATIENT, "number": "P{number}", "alike": ["name", "phone"], "writers": ["nurses", "writers"],
    "mergers": ["nurses"],
}  # fmt: skip


@pytest.fixture
def twice(transaction: Sessions) -> Iterator[Sessions]:
    """
    Mei twice, P1 without a telephone and P2 with one, and Lan, P3; the records 1 to 3.

    The bed 3A, record 4, and the admission A-1, which has a task, are of P2. All of it is told by the histories in the
    end, as it is stored.
    """
    with transaction.begin() as session:
        deployments.deploy(session, ward(patient=PATIENTS, bed=BED), name="ward", by=PROGRAM)
        deployments.deploy(session, ADMISSION, name="admission", by=PROGRAM)
        for held in ({"name": "梅一"}, {"name": "梅一", "phone": "555-0101"}, {"name": "兰二", "phone": "555-0303"}):
            records.create(session, "patient", held, by=NURSE)
        records.create(session, "bed", {"label": "3A", "patient": "P2"}, by=NURSE)
        process_instances.start(session, "admission", {"patient": "P2", "name": "梅一"}, by=NURSE)
    yield transaction
    with transaction.begin() as session:
        assert list(history.verify_all(session)) == []


def merge(session: Session, goes: int, stays: int, *taken: str, by: Person = NURSE) -> Record:
    """Merge as somebody does who has just seen both."""
    seen = {number: session.get_one(Record, number, populate_existing=True).revision for number in (goes, stays)}
    return doubles.merge(session, goes, stays, taken, seen=seen, by=by)


def held(session: Session, number: int) -> Mapping[str, Any]:
    return records.values_of(session.get_one(Record, number, populate_existing=True))


def found(session: Session, text: str) -> list[str]:
    declared = access.register(session, "patient", by=NURSE)
    return [row.key for row in lists.page(session, declared, Filters(text=text)).rows]


def matters(session: Session, key: str) -> int:
    return len(instances.page(session, ADMINISTRATOR, instances.Filters(record=("patient", key))).rows)


@contextmanager
def refused(state: str) -> Iterator[None]:
    with pytest.raises(errors.InvalidState) as caught:
        yield
    assert caught.value.state == state


def test_merge__everything_is_found_under_the_one_that_stays(twice: Sessions) -> None:
    with twice.begin() as session:
        merge(session, 2, 1)

    with twice.begin() as session:
        assert matters(session, "P1") == matters(session, "P2") == 1
        (pointing,) = lists.pointing_to(session, NURSE, session.get_one(Record, 1))
        assert [row.key for row in pointing.rows] == ["3A"]
        # Whoever names the one that went means the one that stays: in lists, forms, and what processes look up.
        assert lists.named(session, NURSE, [("patient", "P2")])["patient", "P2"].key == "P1"
        assert lists.values_of(session, "patient", "P2") == held(session, 1)
        assert process_instances.newest_number(session, "admission", ("patient", "P1")) == "A-1"
        second = process_instances.start(session, "admission", {"patient": "P2"}, by=NURSE)
        assert process_instances.variables(session, second.id)["patient"] == "P1"
        assert len(links.earlier(session, second.id, ("patient", "P2"), limit=5)) == 1
        # It is found by what only the other one had.
        assert found(session, "5550101") == ["P1"]


def test_merge__takes_the_values_that_are_chosen(twice: Sessions) -> None:
    with twice.begin() as session:
        stays = merge(session, 2, 1, "phone", "name")

    assert records.values_of(stays) == {"name": "梅一", "phone": "555-0101"}
    assert stays.revision == 2


def test_merge__a_task_that_is_open_goes_on(twice: Sessions) -> None:
    with twice.begin() as session:
        merge(session, 2, 1)
        task_id = session.scalars(select(UserTask.id)).one()
        user_tasks.claim(session, task_id, by=NURSE)
        user_tasks.complete(session, task_id, {"patient": "P2", "name": "梅一"}, by=NURSE)

        assert matters(session, "P1") == 1


def test_merge__a_merged_one_goes_along(twice: Sessions) -> None:
    with twice.begin() as session:
        merge(session, 2, 1)
        merge(session, 1, 3)
        assert (matters(session, "P3"), found(session, "5550101"), found(session, "梅")) == (1, ["P3"], ["P3"])

    with twice.begin() as session:
        doubles.separate(session, 1, by=NURSE)
        assert session.get_one(Record, 2).merged_into == 1
        assert (matters(session, "P3"), matters(session, "P1")) == (0, 1)
        assert (found(session, "5550101"), found(session, "兰")) == (["P1"], ["P3"])
        doubles.separate(session, 2, by=NURSE)
        assert (matters(session, "P1"), found(session, "5550101")) == (0, ["P2"])


@each("goes, stays", [(2, 3), (2, 1), (3, 2)])
def test_merge__one_that_is_merged_already(twice: Sessions, goes: int, stays: int) -> None:
    with twice.begin() as session:
        if session.get_one(Record, 2).merged_into is None:
            merge(session, 2, 1)
    with twice.begin() as session, refused("merged"):
        merge(session, goes, stays)


def test_merge__what_is_merged_is_neither_changed_nor_restored(twice: Sessions) -> None:
    with twice.begin() as session:
        merge(session, 2, 1)
        with refused("archived"):
            records.change(session, 2, {"name": "x"}, revision=2, by=NURSE)
        with refused("merged"):
            records.restore(session, 2, by=NURSE)


def test_merge__what_somebody_has_changed_meanwhile(twice: Sessions) -> None:
    with twice.begin() as session:
        records.change(session, 1, {"name": "梅三"}, revision=1, by=WRITER)
        with refused("changed"):
            doubles.merge(session, 2, 1, seen={1: 1, 2: 1}, by=NURSE)


@each("goes, stays, by, expected", [
    (1, 1, NURSE, errors.InvalidInput), (1, 4, NURSE, errors.InvalidInput), (1, 9, NURSE, errors.NotFound),
    (1, 2, WRITER, errors.Forbidden), (1, 2, STRANGER, errors.NotFound),
])  # fmt: skip
def test_merge__refuses(twice: Sessions, goes: int, stays: int, by: Person, expected: type[Exception]) -> None:
    with twice.begin() as session, pytest.raises(expected):
        doubles.merge(session, goes, stays, seen={1: 1, 2: 1, 4: 1}, by=by)


@each("both_ways", [False, True])
def test_merge__two_at_once(twice: Sessions, both_ways: bool) -> None:
    with twice.begin() as session:
        first = records.create(session, "patient", {"name": "一"}, by=NURSE).id
        second = records.create(session, "patient", {"name": "二"}, by=NURSE).id
    barrier = Barrier(2)

    def attempt(pair: tuple[int, int]) -> bool:
        with twice() as session:
            barrier.wait(timeout=10)
            try:
                doubles.merge(session, *pair, seen={first: 1, second: 1, 3: 1}, by=NURSE)
                session.commit()
            except errors.InvalidState:
                session.rollback()
                return False
            return True

    pairs = [(first, second), (second, first)] if both_ways else [(first, second), (first, 3)]
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, pairs)) == [False, True]


def test_merge__while_what_would_go_along_is_taken_apart(twice: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    both, met, lock = Barrier(2), local(), history.registers.lock

    def pause(session: Session, record_id: int) -> tuple[int, str]:
        """Have each hold its first record before either asks for its second."""
        held = lock(session, record_id)
        if not getattr(met, "other", False):
            met.other = True
            with suppress(BrokenBarrierError):
                both.wait(timeout=0.5)
        return held

    def attempt(command: Callable[[Session], object]) -> bool:
        try:
            with twice.begin() as session:
                command(session)
        except errors.InvalidState:
            return False
        return True

    with twice.begin() as session:
        seen = {merge(session, 1, 2).id: 2, 3: 1}
    monkeypatch.setattr(history.registers, "lock", pause)
    commands = (
        lambda session: doubles.merge(session, 2, 3, seen=seen, by=NURSE),
        lambda session: doubles.separate(session, 1, by=NURSE),
    )
    with ThreadPoolExecutor(max_workers=2) as pool:
        done = list(pool.map(attempt, commands))
    monkeypatch.undo()

    # One waits for the other, and is refused where what it saw is another then; one after the other both may be right.
    assert True in done
    with twice.begin() as session:
        stays = aliased(Record)
        led_on = select(Record.id).join(stays, stays.id == Record.merged_into).where(stays.merged_into.is_not(None))
        assert session.scalars(led_on).all() == []


def test_separate__as_it_was(twice: Sessions) -> None:
    with twice.begin() as session:
        merge(session, 2, 1, "phone")
    with twice.begin() as session:
        left = doubles.separate(session, 2, by=NURSE)

    assert (left.fields, left.matters) == ([], 0)
    with twice.begin() as session:
        assert (held(session, 1), held(session, 2)) == ({"name": "梅一"}, {"name": "梅一", "phone": "555-0101"})
        assert (matters(session, "P1"), matters(session, "P2")) == (0, 1)
        assert (found(session, "5550101"), found(session, "梅一")) == (["P2"], ["P2", "P1"])
        assert session.get_one(Record, 2).state == "active"


def test_separate__says_what_stays_after_later_changes(twice: Sessions) -> None:
    with twice.begin() as session:
        merge(session, 2, 1, "phone")
        records.change(session, 1, {"name": "梅一", "phone": "555-0909"}, revision=2, by=NURSE)
        process_instances.start(session, "admission", {"patient": "P1"}, by=NURSE)
    with twice.begin() as session:
        left = doubles.separate(session, 2, by=NURSE)

        assert (left.fields, left.matters) == (["phone"], 1)
        assert held(session, 1)["phone"] == "555-0909"
        assert (matters(session, "P1"), matters(session, "P2")) == (1, 1)


def test_separate__one_with_whom_another_has_come_to_agree(twice: Sessions) -> None:
    with twice.begin() as session:
        merge(session, 2, 1)
        records.create(session, "patient", {"name": "三", "phone": "555-0101"}, by=NURSE)
    with twice.begin() as session, pytest.raises(errors.InvalidVariables) as caught:
        doubles.separate(session, 2, by=NURSE)
    assert [error.code for error in caught.value.errors] == ["record-alike"]
    with twice.begin() as session:
        doubles.separate(session, 2, by=NURSE, despite=["P4"])


def test_separate__one_that_was_not_merged(twice: Sessions) -> None:
    with twice.begin() as session, refused("active"):
        doubles.separate(session, 2, by=NURSE)


@each("typed, expected", [
    ({"phone": "+86 555-0101"}, [("P2", ["phone"])]),
    ({"name": "梅一"}, [("P2", ["name"]), ("P1", ["name"])]),
    ({"name": "梅一", "phone": "020/5550101、555-0101"}, [("P2", ["name", "phone"]), ("P1", ["name"])]),
    # Neither a part of a name, nor a letter.
    ({"name": "梅"}, []),
    ({"name": "梅一一", "phone": "5"}, []),
    ({}, []),
])  # fmt: skip
def test_suspected(twice: Sessions, typed: dict[str, str], expected: list[tuple[str, list[str]]]) -> None:
    with twice.begin() as session:
        declared = access.register(session, "patient", by=NURSE)
        found = suspects.suspected(session, declared, typed)

    assert [(each.row.key, list(each.fields)) for each in found] == expected


def test_distinguish__those_are_not_told_again(twice: Sessions) -> None:
    with twice.begin() as session:
        declared = access.register(session, "patient", by=NURSE)
        rows = [lists.row(session.get_one(Record, number)) for number in (1, 2)]
        (before,) = suspects.of_record(session, declared, rows[0])
        doubles.distinguish(session, 1, 2, by=NURSE)

        assert before.row.key == "P2"
        assert [suspects.of_record(session, declared, row) for row in rows] == [[], []]


def test_erase__what_is_gone_is_not_found_under_the_one_that_stays(twice: Sessions) -> None:
    with twice.begin() as session:
        merge(session, 2, 1)
        records.erase(session, 2, ["phone"], by=ADMINISTRATOR, reason="x")

        assert found(session, "5550101") == []
