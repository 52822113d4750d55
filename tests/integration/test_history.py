"""The history of a process instance in the database: appended to, read, verified, erased."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from types import ModuleType

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, history
from casepath.engine.database.models import HistoryEvent, ProcessInstance, UserTask
from casepath.engine.history import Event
from tests import factories

Sessions = sessionmaker[Session]


@pytest.fixture
def process_instance_id(transaction: Sessions) -> int:
    """A process instance with five events of a customer called 张三."""
    with transaction.begin() as session:
        made = factories.process_instance(session)
        for number in range(5):
            factories.event(session, made.id, variables={"customer": "张三", "number": number})
        return made.id


def found(transaction: Sessions, process_instance_id: int) -> list[tuple[str, int]]:
    with transaction.begin() as session:
        return [(problem.what, problem.sequence) for problem in history.verify(session, process_instance_id)]


def test_record__read_again(transaction: Sessions, clock: ModuleType) -> None:
    clock.set_to(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))
    variables = {"on": date(2026, 1, 2), "amount": Decimal("12.50"), "list": [1, {"a": None}]}
    with transaction.begin() as session:
        made = factories.process_instance(session)
        event = Event(kind="comment.added", activity_instance=3, by="alice", facts={"n": 1}, variables=variables)
        history.record(session, made.id, event)

    with transaction.begin() as session:
        (view,) = history.events(session, made.id)

    assert (view.sequence, view.kind, view.activity_instance, view.element_id) == (1, "comment.added", 3, None)
    assert (view.by, view.facts, view.variables) == ("alice", {"n": 1}, variables)
    assert view.at == datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def test_record__no_such_process_instance(transaction: Sessions) -> None:
    with pytest.raises(errors.NotFound), transaction.begin() as session:
        history.record(session, 99, Event(kind="comment.added"))


def test_record__instance_in_the_session_knows_its_new_end(transaction: Sessions) -> None:
    """A stale length would make the next event break the chain."""
    with transaction.begin() as session:
        made = factories.process_instance(session)

        history.record(session, made.id, Event(kind="comment.added"))

        assert made.history_length == 1
        assert made.history_hash == history.events(session, made.id)[0].hash


def test_events__a_part(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        part = history.events(session, process_instance_id, after=2, limit=2)

    assert [event.sequence for event in part] == [3, 4]


def test_verify__sound(transaction: Sessions, process_instance_id: int) -> None:
    assert found(transaction, process_instance_id) == []


def test_verify__no_such_process_instance(transaction: Sessions) -> None:
    with pytest.raises(errors.NotFound), transaction.begin() as session:
        history.verify(session, 99)


def test_verify__no_events_yet(transaction: Sessions) -> None:
    with transaction.begin() as session:
        assert history.verify(session, factories.process_instance(session).id) == []


def test_verify__all_events_are_gone(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        session.execute(delete(HistoryEvent))

    assert found(transaction, process_instance_id) == [("truncated", 1)]


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_verify__while_somebody_goes_on(transaction: Sessions, process_instance_id: int) -> None:
    """What comes while the history is being read is no forgery."""

    def go_on() -> None:
        for _ in range(100):
            with transaction.begin() as session:
                factories.event(session, process_instance_id)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(go_on)
        while not writing.done():
            assert found(transaction, process_instance_id) == []
        writing.result()


def test_verify__changed(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        session.execute(update(HistoryEvent).where(HistoryEvent.sequence == 3).values(by="mallory"))

    assert found(transaction, process_instance_id) == [("changed", 3)]


def test_verify__missing(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        session.execute(delete(HistoryEvent).where(HistoryEvent.sequence == 3))

    assert found(transaction, process_instance_id) == [("missing", 3)]


def test_verify__truncated(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        session.execute(delete(HistoryEvent).where(HistoryEvent.sequence >= 4))

    assert found(transaction, process_instance_id) == [("truncated", 4)]


def test_verify__swapped(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        for old, new in ((2, 9), (4, 2), (9, 4)):
            session.execute(update(HistoryEvent).where(HistoryEvent.sequence == old).values(sequence=new))

    assert found(transaction, process_instance_id) == [("swapped", 2)]


def test_verify__truncated_and_the_instance_told_so(transaction: Sessions, process_instance_id: int) -> None:
    """A shorter length without the hash that belongs to it."""
    with transaction.begin() as session:
        session.execute(delete(HistoryEvent).where(HistoryEvent.sequence == 5))
        session.execute(update(ProcessInstance).values(history_length=4))

    assert found(transaction, process_instance_id) == [("changed", 4)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_verify__date_that_is_none(transaction: Sessions, process_instance_id: int) -> None:
    """SQLite stores whatever it is given."""
    with transaction.begin() as session:
        session.execute(text("UPDATE history_events SET at = 'yesterday' WHERE sequence = 3"))

    assert found(transaction, process_instance_id) == [("changed", 3)]


def test_verify_all__names_the_process_instance(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        other = factories.process_instance(session)
        factories.event(session, other.id)
        session.execute(
            update(HistoryEvent).where(HistoryEvent.process_instance_id == other.id).values(kind="comment.removed")
        )

    with transaction.begin() as session:
        problems = list(history.verify_all(session))

    # The factories make instances that no event began.
    found = [(problem.process_instance_id, problem.sequence) for problem in problems if problem.sequence]
    assert found == [(other.id, 1)]


def test_erase__values_are_gone_and_the_chain_holds(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        count = history.erase(session, process_instance_id, ["customer", "phone"], by="olivia", reason="客户要求")

    assert count == 5
    assert found(transaction, process_instance_id) == []
    with transaction.begin() as session:
        *events, record = history.events(session, process_instance_id)
        stored = session.execute(text("SELECT * FROM history_events")).all()
    assert all(event.variables.keys() == {"number"} and event.erased == {"customer"} for event in events)
    assert (record.kind, record.by, record.facts["reason"]) == ("values.erased", "olivia", "客户要求")
    assert "张三" not in str(stored)


def test_erase__twice(transaction: Sessions, process_instance_id: int) -> None:
    for expected in (5, 0):
        with transaction.begin() as session:
            assert history.erase(session, process_instance_id, ["customer"], by="olivia", reason="x") == expected

    assert found(transaction, process_instance_id) == []
    with transaction.begin() as session:
        moves = select(HistoryEvent.state_before, HistoryEvent.state_after).where(HistoryEvent.kind == "values.erased")
        first, second = session.execute(moves.order_by(HistoryEvent.sequence)).all()
    assert second.state_before == first.state_after is not None


def test_erase__changed_value_is_still_found(transaction: Sessions, process_instance_id: int) -> None:
    """Erasing must not launder a forged value."""
    with transaction.begin() as session:
        change = "UPDATE history_events SET variables = replace(variables, '张三', '李四') WHERE sequence = 3"
        session.execute(text(change))

    with transaction.begin() as session:
        history.erase(session, process_instance_id, ["customer"], by="olivia", reason="x")

    assert found(transaction, process_instance_id) == [("changed", 3)]


def test_erase__without_reason(transaction: Sessions, process_instance_id: int) -> None:
    with pytest.raises(errors.InvalidInput), transaction.begin() as session:
        history.erase(session, process_instance_id, ["customer"], by="olivia", reason=" ")


def test_erase__what_is_left_of_an_ended_instance(transaction: Sessions) -> None:
    with transaction.begin() as session:
        made = factories.process_instance(session, state="completed")
        made.variables = '{"0":{"customer":"张三","number":1,"on":{"$date":"2026-01-02"}}}'
        task = factories.user_task(session, of=made)
        task.draft = '{"customer":"张三"}'
        session.flush()

        history.erase(session, made.id, ["customer"], by="olivia", reason="x")

    with transaction.begin() as session:
        left = session.get_one(ProcessInstance, made.id).variables
        draft = session.get_one(UserTask, task.id).draft
        assert history.verify(session, made.id) == []
    assert left == '{"0":{"number":1,"on":{"$date":"2026-01-02"}}}'
    assert draft is None


def test_erase__what_is_alive_stays(transaction: Sessions) -> None:
    with transaction.begin() as session:
        made = factories.process_instance(session)
        made.variables = '{"0":{"customer":"张三"}}'
        task = factories.user_task(session, of=made)
        task.draft = '{"customer":"张三"}'
        session.flush()

        history.erase(session, made.id, ["customer"], by="olivia", reason="x")

        session.refresh(task)
        assert made.variables == '{"0":{"customer":"张三"}}'
        assert task.draft == '{"customer":"张三"}'
