"""Records of registers: what is kept, refused, remembered, and found when somebody tampers with it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history, phrases
from casepath.engine.database.models import Batch, BatchItem, Record, RecordStart, RecordValue
from casepath.engine.instances import record_starts
from casepath.engine.phrases import Phrase
from casepath.engine.registers import imports, records
from casepath.engine.time import clock
from tests import factories
from tests.acting import ADMINISTRATOR, OLIVIA, PROGRAM, somebody
from tests.each import each
from tests.wards import FILES

Sessions = sessionmaker[Session]

NURSE, DOCTOR = somebody("nadia", "nurses"), somebody("dario", "doctors")
STRANGER, AUDITOR = somebody("stefan", "kitchen"), somebody("audrey", "auditor", "nurses")
MEI = {"name": "梅一", "phone": "555-0101"}


@pytest.fixture
def ward(transaction: Sessions) -> Sessions:
    """A ward with one patient, the record 1, and a bed for her, the record 2."""
    with transaction.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=OLIVIA)
        patient = records.create(session, "patient", MEI, by=NURSE)
        bed = records.create(session, "bed", {"label": "3A", "room": "3", "patient": patient.key}, by=NURSE)
        assert (patient.id, bed.id) == (1, 2)
    return transaction


def wrong(found: errors.InvalidVariables) -> list[tuple[str, str]]:
    """Field and code of each refusal."""
    return [(error.field, error.code) for error in found.errors]


def test_create__gives_a_number_or_takes_the_key(ward: Sessions) -> None:
    with ward.begin() as session:
        patient, bed = (records.get(session, number, by=NURSE) for number in (1, 2))
        second = records.create(session, "patient", {"name": "兰二"}, by=NURSE)

    assert patient.key.endswith("-0001")
    assert second.key.endswith("-0002")
    assert (bed.key, bed.state, bed.revision, bed.created_by) == ("3A", "active", 1, "nadia")
    assert records.values_of(bed) == {
        "label": "3A", "room": "3", "patient": patient.key, "isolated": False,
    }  # fmt: skip


def test_create__is_found_by_every_value(ward: Sessions) -> None:
    with ward.begin() as session:
        rows = session.scalars(select(RecordValue).order_by(RecordValue.record_id, RecordValue.name))
        found = {(row.register, row.name, row.compared) for row in rows if "P2" not in row.value}

    assert found == {
        ("patient", "name", "梅一"), ("patient", "phone", "5550101"), ("bed", "label", "3a"), ("bed", "room", "3"),
        ("bed", ".key", "3a"), ("bed", "isolated", "false"),
    }  # fmt: skip


def test_create__refuses_what_the_form_refuses(ward: Sessions) -> None:
    with ward.begin() as session, pytest.raises(errors.InvalidVariables) as caught:
        records.create(session, "patient", {"phone": "1", "colour": "red"}, by=NURSE)

    assert {field for field, _ in wrong(caught.value)} == {"name", "colour"}


def test_create__a_key_that_is_taken(ward: Sessions) -> None:
    with ward.begin() as session, pytest.raises(errors.InvalidVariables) as caught:
        records.create(session, "bed", {"label": "3A"}, by=NURSE)

    assert wrong(caught.value) == [("label", "record-key")]


def test_create__a_reference_to_nobody(ward: Sessions) -> None:
    with ward.begin() as session, pytest.raises(errors.InvalidVariables) as caught:
        records.create(session, "bed", {"label": "3B", "patient": "P1999-0001"}, by=NURSE)

    assert wrong(caught.value) == [("patient", "record-unknown")]


def test_create__what_others_have_is_to_be_confirmed(ward: Sessions) -> None:
    with ward.begin() as session:
        alike = {"name": "梅二", "phone": "555 0101"}
        first = records.get(session, 1, by=NURSE).key
        with pytest.raises(errors.InvalidVariables) as caught:
            records.create(session, "patient", alike, by=NURSE)
        second = records.create(session, "patient", alike, by=NURSE, despite=[first])
        with pytest.raises(errors.InvalidVariables):
            records.create(session, "patient", alike, by=NURSE, despite=[first])

    assert wrong(caught.value) == [("phone", "record-alike")]
    assert caught.value.errors[0].facts["keys"] == [first]
    assert second.revision == 1


def test_change__tells_what_has_changed(ward: Sessions) -> None:
    with ward.begin() as session:
        record = records.change(session, 1, {**MEI, "phone": ""}, revision=1, by=NURSE)
        again = records.change(session, 1, {**MEI, "phone": ""}, revision=2, by=NURSE)
        told = history.registers.events(session, 1)

    assert (record.revision, again.revision) == (2, 2)
    assert records.values_of(record) == {"name": "梅一"}
    assert [(event.kind, dict(event.variables), event.by) for event in told] == [
        ("record.created", MEI, "nadia"),
        ("record.changed", {"phone": None}, "nadia"),
    ]


def test_change__what_somebody_else_has_changed_since(ward: Sessions) -> None:
    with ward.begin() as session:
        records.change(session, 1, {"name": "梅"}, revision=1, by=NURSE)
        with pytest.raises(errors.InvalidState) as caught:
            records.change(session, 1, {"name": "枚"}, revision=1, by=NURSE)

    assert (caught.value.state, caught.value.by) == ("changed", "nadia")


def test_change__the_key_stays(ward: Sessions) -> None:
    with ward.begin() as session, pytest.raises(errors.InvalidVariables) as caught:
        records.change(session, 2, {"label": "3B"}, revision=1, by=NURSE)

    assert wrong(caught.value) == [("label", "record-key-stays")]


def test_archive__nothing_new_points_to_it_and_what_did_stays(ward: Sessions) -> None:
    with ward.begin() as session:
        patient = records.archive(session, 1, by=NURSE)
        bed = {"label": "3A", "room": "4", "patient": patient.key}
        assert records.change(session, 2, bed, revision=1, by=NURSE).revision == 2
        with pytest.raises(errors.InvalidVariables) as caught:
            records.create(session, "bed", {**bed, "label": "3B"}, by=NURSE)
        with pytest.raises(errors.InvalidState):
            records.archive(session, 1, by=NURSE)
        with pytest.raises(errors.InvalidState):
            records.change(session, 1, MEI, revision=2, by=NURSE)
        restored = records.restore(session, 1, by=NURSE)

    assert wrong(caught.value) == [("patient", "record-unknown")]
    assert (restored.state, restored.revision) == ("active", 3)


def test_restore__what_others_have_come_to_have_is_to_be_confirmed(ward: Sessions) -> None:
    with ward.begin() as session:
        records.archive(session, 1, by=NURSE)
        other = records.create(session, "patient", {"name": "梅二", "phone": "5550101"}, by=NURSE).key
        with pytest.raises(errors.InvalidVariables) as caught:
            records.restore(session, 1, by=NURSE)
        assert wrong(caught.value) == [("phone", "record-alike")]

        assert records.restore(session, 1, by=NURSE, despite=[other]).state == "active"


@each("phone", [
    "555 010 1234", "+86 555 010 1234", "0086-555-010-1234", "＋８６ ５５５０１０１２３４", "(555)0101234",
    "+86(555)0101234",
])  # fmt: skip
def test_create__a_telephone_number_is_the_same_however_it_is_written(ward: Sessions, phone: str) -> None:
    with ward.begin() as session:
        if session.get(Record, 3) is None:
            records.create(session, "patient", {"name": "兰二", "phone": "5550101234"}, by=NURSE)
        with pytest.raises(errors.InvalidVariables) as caught:
            records.create(session, "patient", {"name": "兰", "phone": phone}, by=NURSE)

    assert wrong(caught.value) == [("phone", "record-alike")]


def test_erase__leaves_the_chain_valid(ward: Sessions) -> None:
    with ward.begin() as session:
        with pytest.raises(errors.InvalidState):
            records.erase(session, 1, ["phone"], by=ADMINISTRATOR, reason="asked for")
        records.change(session, 1, {**MEI, "phone": "555-0199"}, revision=1, by=NURSE)
        records.archive(session, 1, by=NURSE)
        count = records.erase(session, 1, ["phone"], by=ADMINISTRATOR, reason="asked for")
        left = records.values_of(records.get(session, 1, by=NURSE))
        told = history.registers.events(session, 1)
        stored = session.execute(text("SELECT variables FROM record_events WHERE record_id = 1")).scalars()

        assert list(history.verify_all(session)) == []
        assert not any("555-01" in (each or "") for each in stored)
    assert (count, left) == (2, {"name": "梅一"})
    assert [sorted(event.erased) for event in told] == [["phone"], ["phone"], [], []]


def test_erase__why_nothing_was_started_for_it(ward: Sessions) -> None:
    said = {"record_id": 1, "state": "refused", "answer": phrases.dumps(Phrase("“{found}”", found="555-0101"))}
    with ward.begin() as session:
        started = {"definition_id": factories.definition(session).id, "register": "patient", "size": 1}
        batch = Batch(state="running", variables="{}", created_at=clock.now(), **started)
        session.add(batch)
        session.flush()
        session.add_all([BatchItem(batch_id=batch.id, position=1, **said), RecordStart(process="admission", **said)])
        records.archive(session, 1, by=NURSE)

        records.erase(session, 1, ["phone"], by=ADMINISTRATOR, reason="asked for")

        for table in ("batch_items", "record_starts"):
            assert session.execute(text(f"SELECT state, answer FROM {table}")).all() == [("refused", None)]
        assert record_starts.refused(session, 1) == {}


def test_erase__the_key_stays(ward: Sessions) -> None:
    with ward.begin() as session:
        records.archive(session, 2, by=NURSE)
        with pytest.raises(errors.InvalidInput, match="key of a record stays"):
            records.erase(session, 2, ["label"], by=ADMINISTRATOR, reason="asked for")


def test_rights__readers_writers_and_strangers(ward: Sessions) -> None:
    with ward.begin() as session:
        for person in (NURSE, DOCTOR, AUDITOR, ADMINISTRATOR):
            assert records.get(session, 2, by=person).key == "3A"
        for person in (DOCTOR, AUDITOR, ADMINISTRATOR):
            with pytest.raises(errors.Forbidden):
                records.change(session, 2, {"label": "3A"}, revision=1, by=person)
        for act in (records.get, records.archive):
            with pytest.raises(errors.NotFound):
                act(session, 2, by=STRANGER)
        with pytest.raises(errors.NotFound):
            records.create(session, "bed", {"label": "3B"}, by=STRANGER)
        with pytest.raises(errors.NotFound):
            records.create(session, "couch", {"label": "3B"}, by=PROGRAM)


def at_once(transaction: Sessions, *acts: Callable[[Session], object]) -> list[str]:
    """What comes of acts that begin at the same moment: `done`, or the name of the refusal."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[Session], object]) -> str:
        barrier.wait()
        try:
            with transaction.begin() as session:
                act(session)
        except errors.EngineError as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(run, acts))


def test_create__the_same_key_at_once(ward: Sessions) -> None:
    made = at_once(ward, *[lambda session: records.create(session, "bed", {"label": "9"}, by=NURSE)] * 4)

    assert made == ["done", "invalid-variables", "invalid-variables", "invalid-variables"]


def test_change__at_once(ward: Sessions) -> None:
    def rename(session: Session) -> Any:
        return records.change(session, 1, {"name": "枚"}, revision=1, by=NURSE)

    assert at_once(ward, rename, rename, rename) == ["done", "invalid-state", "invalid-state"]
    with ward.begin() as session:
        assert list(history.verify_all(session)) == []


@each(
    "statement, found",
    [
        ("UPDATE records SET \"values\" = '{\"name\":\"梅\"}' WHERE id = 1",
         "altered: record 1: the record: expected values"),
        ("UPDATE records SET state = 'archived' WHERE id = 1", "altered: record 1: the record: expected state"),
        ("UPDATE records SET revision = 7 WHERE id = 1", "altered: record 1: the record: expected revision"),
        ("UPDATE records SET changed_by = 'eve' WHERE id = 1", "altered: record 1: the record: expected changed_by"),
        ("UPDATE records SET \"key\" = '3C' WHERE id = 2", "altered: record 2: the record: expected key"),
        ("UPDATE record_values SET value = 'x' WHERE record_id = 1 AND name = 'name'",
         "altered: record 1: the value by which it is found as name"),
        ("DELETE FROM record_values WHERE record_id = 2 AND name = 'patient'",
         "altered: record 2: the value by which it is found as patient"),
        ("UPDATE record_values SET compared = 'x' WHERE record_id = 2 AND name = 'patient'",
         "altered: record 2: the value by which it is found as patient"),
        ('UPDATE record_events SET "by" = \'eve\' WHERE record_id = 1', "changed: record 1: event 1 was changed"),
        ("DELETE FROM record_events WHERE record_id = 1", "truncated: record 1: event 1 is cut off"),
        ("UPDATE record_events SET record_id = 1, sequence = 2 WHERE record_id = 2",
         "added: record 1: event 2 was added"),
    ],
)  # fmt: skip
def test_verify__finds_what_was_tampered_with(ward: Sessions, statement: str, found: str) -> None:
    with ward.begin() as session, session.begin_nested() as tampered:
        assert list(history.verify_all(session)) == []
        session.execute(text(statement))
        problems = [f"{problem.what}: {problem}" for problem in history.verify_all(session)]
        tampered.rollback()

    assert [problem for problem in problems if problem.startswith(found)], problems


def test_heads__tell_of_records_that_are_gone_or_written_anew(ward: Sessions) -> None:
    with ward.begin() as session:
        records.change(session, 1, {"name": "枚"}, revision=1, by=NURSE)
        kept = history.parse_heads(str(history.read_heads(session)))
        assert kept.chains.keys() == {-1, -2}
        assert list(history.compare_heads(session, kept)) == []

        session.execute(text("DELETE FROM record_terms WHERE record_id = 2"))
        session.execute(text("DELETE FROM record_values WHERE record_id = 2"))
        session.execute(text("DELETE FROM record_events WHERE record_id = 2"))
        session.execute(text("DELETE FROM records WHERE id = 2"))
        session.execute(text("UPDATE record_events SET hash = 'x' WHERE record_id = 1 AND sequence = 2"))
        problems = {f"{problem.what}: {problem}" for problem in history.compare_heads(session, kept)}

    assert problems == {
        "gone: record 2: it is gone; it had 1 events",
        "rewritten: record 1: its first 2 events are not those that it had: the history was written anew",
    }


def take(session: Session, register: str, *rows: dict[str, Any], key: str = "") -> imports.Taken:
    """Take rows as those of a file."""
    return imports.take(
        session, register, [imports.Row(line=line, submitted=row, key=key) for line, row in enumerate(rows, 2)],
        by=NURSE,
    )  # fmt: skip


def test_import__good_rows_are_taken_and_the_others_told(ward: Sessions) -> None:
    rows = ({"label": "3A", "room": "9"}, {"label": "3B"}, {"label": "", "room": "1"}, {"label": "3C", "patient": "P9"})
    with ward.begin() as session:
        taken = take(session, "bed", *rows)
        again = take(session, "bed", *rows)
        kept = records.values_of(records.get(session, 2, by=NURSE))

        assert list(history.verify_all(session)) == []
    assert taken.done == ["changed", "created"]
    assert again.done == ["unchanged", "unchanged"]
    assert [(each.row.line, wrong_fields(each)) for each in taken.refused] == [(4, ["label"]), (5, ["patient"])]
    assert (kept["room"], kept["patient"][0]) == ("9", "P")


def wrong_fields(refused: imports.Refused) -> list[str]:
    assert isinstance(refused.reason, errors.InvalidVariables)
    return [error.field for error in refused.reason.errors]


def test_import__by_numbers(ward: Sessions) -> None:
    with ward.begin() as session:
        number = records.get(session, 1, by=NURSE).key
        assert take(session, "patient", {"name": "梅"}, key=number).done == ["changed"]
        assert take(session, "patient", {"name": "兰"}, key="P1999-0001").refused[0].reason.code == "record-unknown"
        (alike,) = take(session, "patient", {"name": "兰", "phone": "5550101"}).refused
        assert wrong_fields(alike) == ["phone"]
        records.archive(session, 1, by=NURSE)
        assert take(session, "patient", {"name": "梅一"}, key=number).refused[0].reason.code == "invalid-state"


def test_import__rows_are_asked_what_single_ones_are(ward: Sessions) -> None:
    with ward.begin() as session:
        patients = [{"name": "兰二", "phone": "555-0202"}, {"name": "菊三", "phone": "+86 5550101 00"}]
        patients += [{"name": "竹四", "phone": "5550202"}, {"name": "竹五", "phone": "5550101"}, {"name": "松六"}]
        taken = take(session, "patient", *patients)
        assert [(each.row.line, wrong_fields(each)) for each in taken.refused] == [(4, ["phone"]), (5, ["phone"])]
        assert len(taken.done) == 3
        assert not list(history.verify_all(session))

        beds = [{"label": "9A"}, {"label": "9B", "patient": "P-0"}, {"label": "9A"}]
        beds.append({"label": "9C", "patient": key_of(session)})
        taken = take(session, "bed", *beds)
        assert [(each.row.line, wrong_fields(each)) for each in taken.refused] == [(3, ["patient"])]
        assert sorted(taken.done) == ["created", "created", "unchanged"]


@pytest.mark.parametrize("at_once", [1, 3])
def test_import__rows_with_the_same_key_wherever_the_file_is_cut(ward: Sessions, at_once: int) -> None:
    rows = [{"label": "9A", "room": "1"}, {"label": "9A", "room": "2"}, {"label": " 9A ", "patient": "P-0"}]
    with ward.begin() as session:
        found = [take(session, "bed", *rows[start : start + at_once]) for start in range(0, len(rows), at_once)]
        bed = session.scalars(select(Record).where(Record.key == "9A")).one()

        assert [done for each in found for done in each.done] == ["created", "changed"]
        assert [wrong_fields(refused) for each in found for refused in each.refused] == [["patient"]]
        assert records.values_of(bed)["room"] == "2"


def key_of(session: Session) -> str:
    """The key of the first patient."""
    return records.get(session, 1, by=NURSE).key


def test_import__is_for_writers(ward: Sessions) -> None:
    with ward.begin() as session:
        for person, refusal in ((DOCTOR, errors.Forbidden), (STRANGER, errors.NotFound)):
            with pytest.raises(refusal):
                imports.take(session, "bed", [], by=person)
