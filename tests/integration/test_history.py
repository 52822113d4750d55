"""The history of a process instance in the database: appended to, read, verified, erased."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, history
from casepath.engine.database import Base, values
from casepath.engine.database.base import Prose, Text
from casepath.engine.database.models import HistoryEvent, Incident, Job, ProcessInstance, UserTask
from casepath.engine.history import Event
from casepath.engine.time import clock
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


#: Nobody else is called so.
NEEDLE = "欧阳修之墓"
#: Columns of long texts whose rows belong to a matter or record, or to who wrote them, and are erased with it: here, or
#: by what the tests of attachments, comments, deliveries, mails, watches, records and people show.
ERASED = {
    "arrivals.content", "batch_items.answer", "comments.text", "deliveries.answer",
    "deliveries.fields", "deliveries.text", "drafts.typed", "external_tasks.error_details",
    "external_tasks.error_message",
    "facts.value", "history_events.variables", "import_refusals.cells", "import_refusals.reasons", "incidents.details",
    "incidents.message", "jobs.error_details", "jobs.error_message", "jobs.payload", "mails.answer",
    "notifications.text", "notifications.wordings", "organisation_events.variables", "process_instances.variables",
    "record_events.variables", "record_starts.answer", "record_values.compared", "record_values.value",
    "records.values", "task_views.settings", "user_tasks.draft",
}  # fmt: skip
#: Those that hold nothing of a person: keys, numbers and states, what the house itself says, and reasons, which stay.
IMPERSONAL = {
    "batches.variables", "groups.distributes", "imports.answer", "imports.fields", "imports.headings",
    "history_events.facts", "organisation_events.facts",
    "process_instances.end_reason", "process_instances.tokens", "record_events.facts", "user_tasks.candidate_groups",
    "user_tasks.candidate_users", "watches.seen", "worker_threads.topics",
}  # fmt: skip


def test_erase__every_long_text_is_thought_of() -> None:
    """A new column of texts has to be erased with what it belongs to, or to hold nothing of a person."""
    found = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        # What is measured has numbered columns, and goes with the variable that is measured.
        if isinstance(column.type, (Text, Prose)) and table.name != "measurements"
    }
    assert found == ERASED | IMPERSONAL


def test_erase__nothing_is_left_of_it_in_any_table(transaction: Sessions) -> None:
    """Not in what failed either, or what was yet to be sent: both may quote what it was."""
    told = {"error_message": f"not a number: {NEEDLE}", "error_details": NEEDLE}
    said: dict[str, Any] = {**told, "retries": 0, "state": "failed"}
    sent = {"name": "told", "correlation": {"customer": NEEDLE}, "variables": {"customer": NEEDLE}}
    now = clock.now()
    with transaction.begin() as session:
        made = factories.process_instance(session, state="completed")
        made.variables = values.dumps({"0": {"customer": NEEDLE}})
        factories.user_task(session, of=made).draft = values.dumps({"customer": NEEDLE})
        factories.external_task(session, of=made, **said)
        job = {"kind": "message", "due_at": now, "created_at": now, "payload": values.dumps(sent), **said}
        session.add(Job(process_instance_id=made.id, **job))
        stuck = {"kind": "stuck", "message": NEEDLE, "details": NEEDLE, "created_at": now}
        session.add(Incident(process_instance_id=made.id, **stuck))
        history.record(session, made.id, Event(kind="process_instance.completed", variables={"customer": NEEDLE}))
        assert len(holding(session, NEEDLE)) > 5

        history.erase(session, made.id, ["customer"], by="olivia", reason="x")

        session.flush()
        assert holding(session, NEEDLE) == set()


def holding(session: Session, needle: str) -> set[str]:
    """Return the columns of all tables in which a text is found."""
    found = set()
    for table in Base.metadata.sorted_tables:
        for row in session.execute(select(table)).mappings():
            found |= {f"{table.name}.{name}" for name, value in row.items() if needle in str(value)}
    return found


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
