"""Lookups: forms of process instances whose fields name records, and the records that know these instances."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database import links
from casepath.engine.database.models import Record, RecordLink, UserTask
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.people.authorization import By
from casepath.engine.registers import records
from tests.acting import ADMINISTRATOR, OLIVIA, PROGRAM, somebody
from tests.each import each
from tests.wards import ADMISSION, ADMISSION_FORM, FILES, LOOKUP, MORE, admission, field, form

Sessions = sessionmaker[Session]

NURSE, STRANGER = somebody("nadia", "nurses"), somebody("stefan", "kitchen")
DOCTOR = somebody("dario", "doctors")

OF_RECORDS = ("lookup", "unknown-register", "unlinked-record")


@pytest.fixture
def ward(transaction: Sessions) -> Sessions:
    """A ward that admits patients; there is one, the record 1, in the bed 3A."""
    with transaction.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=OLIVIA)
        assert told(deployments.deploy(session, ADMISSION, name="admission", by=OLIVIA).warnings) == []
        patient = records.create(session, "patient", {"name": "梅一", "phone": "555-0101"}, by=NURSE)
        records.create(session, "bed", {"label": "3A", "patient": patient.key}, by=NURSE)
    return transaction


def key(session: Session) -> str:
    """The key of the first patient."""
    return session.get_one(Record, 1).key


def pointing(session: Session) -> list[tuple[str, str, str]]:
    """Variable, register and key of each link."""
    return [(row.name, row.register, row.key) for row in session.scalars(select(RecordLink).order_by(RecordLink.name))]


def wrong(found: errors.InvalidVariables) -> list[tuple[str, str]]:
    """Field and code of each refusal."""
    return [(error.field, error.code) for error in found.errors]


def test_start__takes_what_the_record_says_and_points_to_it(ward: Sessions) -> None:
    with ward.begin() as session:
        submitted = {"patient": key(session), "telephone": "555-0202"}
        instance = process_instances.start(session, "admission", submitted, by=NURSE)
        held = process_instances.variables(session, instance.id)

        assert (held["patient"], held["name"], held["telephone"]) == (key(session), "梅一", "555-0202")
        assert pointing(session) == [("patient", "patient", key(session))]
        assert not list(history.verify(session, instance.id))


def test_start__of_somebody_whom_nobody_knows(ward: Sessions) -> None:
    with ward.begin() as session:
        process_instances.start(session, "admission", {"name": "兰二"}, by=NURSE)

        assert pointing(session) == []
        assert records.get(session, 1, by=NURSE)
        assert session.get(Record, 3) is None


def test_start__makes_a_record_of_what_was_typed(ward: Sessions) -> None:
    with ward.begin() as session:
        submitted = {"name": "兰二", "telephone": "555-0202", "is_new": "true"}
        process_instances.start(session, "admission", submitted, by=NURSE)
        made = records.get(session, 3, by=NURSE)

        assert records.values_of(made) == {"name": "兰二", "phone": "555-0202"}
        assert made.created_by == "nadia"
        assert pointing(session) == [("patient", "patient", made.key)]


def test_start__what_the_register_refuses_is_told_at_the_fields_of_the_form(ward: Sessions) -> None:
    submitted = {"name": "梅", "telephone": "5550101", "is_new": "true"}
    with ward.begin() as session, pytest.raises(errors.InvalidVariables) as caught:
        process_instances.start(session, "admission", submitted, by=NURSE)

    assert wrong(caught.value) == [("telephone", "record-alike")]


def test_start__who_only_reads_makes_none(ward: Sessions) -> None:
    with ward.begin() as session, pytest.raises(errors.InvalidVariables) as caught:
        process_instances.start(session, "admission", {"name": "兰二", "is_new": "true"}, by=DOCTOR)

    assert wrong(caught.value) == [("is_new", "record-not-written")]


@each("by, submitted, refused", [
    (NURSE, {"patient": "P-0"}, [("patient", "record-unknown"), ("name", "required")]),
    (STRANGER, {"bed": "3A", "name": "x"}, [("bed", "record-unknown")]),
    (DOCTOR, {"bed": "3A", "name": "x"}, []),
    (PROGRAM, {"bed": "3A", "name": "x"}, []),
])  # fmt: skip
def test_start__only_with_records_that_one_may_read(
    ward: Sessions, by: Any, submitted: dict[str, str], refused: list[tuple[str, str]]
) -> None:
    with ward.begin() as session, contextlib.ExitStack() as stack:
        caught = stack.enter_context(pytest.raises(errors.InvalidVariables)) if refused else None
        process_instances.start(session, "admission", submitted, by=by)

    assert (wrong(caught.value) if caught else []) == refused


def test_start__not_with_an_archived_one(ward: Sessions) -> None:
    with ward.begin() as session:
        records.archive(session, 1, by=NURSE)
        with pytest.raises(errors.InvalidVariables) as caught:
            process_instances.start(session, "admission", {"patient": key(session), "name": "x"}, by=NURSE)

    assert wrong(caught.value) == [("patient", "record-unknown")]


@each("submitted, patient, name, telephone", [
    ({}, "P2026-0001", "梅一", "555-0101"),
    ({"name": "兰二"}, None, "兰二", None),
    ({"name": "兰二", "is_new": ""}, None, "兰二", None),
    ({"name": "兰二", "is_new": "on"}, "P2026-0002", "兰二", None),
    ({"name": "兰二", "patient": "P2026-0001"}, "P2026-0001", "兰二", "555-0101"),
])  # fmt: skip
def test_start__a_record_that_names_another_says_nothing_against_what_was_typed(
    ward: Sessions, submitted: dict[str, str], patient: str | None, name: str, telephone: str | None
) -> None:
    with ward() as session:  # nothing is kept, so that each begins with the ward as it is
        instance = process_instances.start(session, "admission", {"bed": "3A", **submitted}, by=NURSE)
        held = process_instances.variables(session, instance.id)

        assert (held["patient"], held["name"], held["telephone"]) == (patient, name, telephone)
        assert pointing(session) == [("bed", "bed", "3A"), *([("patient", "patient", patient)] if patient else [])]


def test_start__the_box_for_a_new_one_counts_without_any_text(ward: Sessions) -> None:
    with ward.begin() as session, pytest.raises(errors.InvalidVariables) as caught:
        process_instances.start(session, "admission", {"bed": "3A", "is_new": "on"}, by=NURSE)

    assert wrong(caught.value) == [("name", "required")]


@pytest.mark.parametrize(("by", "archived"), [(DOCTOR, False), (NURSE, True)])
def test_start__a_record_that_is_named_by_another_is_one_in_use_that_may_be_read(
    transaction: Sessions, by: By, archived: bool
) -> None:
    unasked = [*ADMISSION_FORM[:1], field("name", "姓名", "Name"), *ADMISSION_FORM[2:], *MORE]
    with transaction.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=OLIVIA)
        files = {"admission.bpmn": admission(), "admission.form": form(*unasked)}
        deployments.deploy(session, files, name="admission", by=OLIVIA)
        patient = records.create(session, "patient", {"name": "梅一"}, by=NURSE)
        records.create(session, "bed", {"label": "3A", "patient": patient.key}, by=NURSE)
        if archived:
            records.archive(session, patient.id, by=NURSE)
        instance = process_instances.start(session, "admission", {"bed": "3A"}, by=by)

        assert process_instances.variables(session, instance.id)["patient"] is None
        assert pointing(session) == [("bed", "bed", "3A")]


def test_complete__what_stood_there_stays_though_it_is_archived_since(ward: Sessions) -> None:
    with ward.begin() as session:
        process_instances.start(session, "admission", {"patient": key(session)}, by=NURSE)
        records.archive(session, 1, by=NURSE)
        task = session.scalars(select(UserTask)).one()

        user_tasks.complete(session, task.id, {"patient": key(session), "name": "梅一"}, by=PROGRAM)

        assert pointing(session) == [("patient", "patient", key(session))]


def test_complete__writes_into_the_record(ward: Sessions) -> None:
    """What its field says it changes, as somebody fills the record in, and nothing else of it."""
    correcting = {"lookup": "patient", "changes": "name, telephone=phone"}
    files = {**ADMISSION, "correct.form": form(field("patient", "病人", "Patient", properties=correcting),
                                               *ADMISSION_FORM[1:3], key="correct")}  # fmt: skip
    files["admission.bpmn"] = files["admission.bpmn"].replace(
        b'<userTask id="t" camunda:formKey="admission"', b'<userTask id="t" camunda:formKey="correct"'
    )
    with ward.begin() as session:
        deployments.deploy(session, files, name="admission", by=OLIVIA)
        patient = key(session)
        process_instances.start(session, "admission", {"patient": patient}, by=NURSE)
        task = session.scalars(select(UserTask.id)).one()
        submitted = {"patient": patient, "name": "梅一", "telephone": "555-0199"}
        with pytest.raises(errors.InvalidVariables) as refused, session.begin_nested():
            user_tasks.complete(session, task, submitted, by=somebody("dora", "service", "doctors"))
        assert wrong(refused.value) == [("patient", "record-unknown")]
        user_tasks.complete(session, task, submitted, by=somebody("nina", "service", "nurses"))

    with ward.begin() as session:
        record = session.get_one(Record, 1)
        assert (records.values_of(record), record.revision) == ({"name": "梅一", "phone": "555-0199"}, 2)
        (changed,) = [each for each in history.registers.events(session, 1) if each.kind == "record.changed"]
        assert changed.variables == {"phone": "555-0199"}


def test_complete__another_record(ward: Sessions) -> None:
    with ward.begin() as session:
        process_instances.start(session, "admission", {"patient": key(session)}, by=NURSE)
        other = records.create(session, "patient", {"name": "兰二"}, by=NURSE).key
        task = session.scalars(select(UserTask)).one()

        user_tasks.complete(session, task.id, {"patient": other, "name": "兰二"}, by=PROGRAM)

        assert pointing(session) == [("patient", "patient", other)]


def test_start__together_with_another_matter(ward: Sessions) -> None:
    with ward.begin() as session:
        first = process_instances.start(session, "admission", {"name": "梅一"}, by=NURSE)
        process_instances.start(session, "admission", {"name": "梅一", "earlier": first.business_key}, by=NURSE)

        assert pointing(session) == [("earlier", "matter", "A-1")]


@each("by, number", [(NURSE, "A-9"), (STRANGER, "A-1"), (PROGRAM, "A-9")])
def test_start__not_together_with_what_one_does_not_see(ward: Sessions, by: Any, number: str) -> None:
    with ward.begin() as session:
        process_instances.start(session, "admission", {"name": "梅一"}, by=NURSE)
        with pytest.raises(errors.InvalidVariables) as caught:
            process_instances.start(session, "admission", {"name": "梅一", "earlier": number}, by=by)

    assert wrong(caught.value) == [("earlier", "matter-unknown")]


def test_links__follow_their_variables_and_are_erased_with_them(ward: Sessions) -> None:
    with ward.begin() as session:
        number = process_instances.start(session, "admission", {"patient": key(session), "bed": "3A"}, by=NURSE).id
        process_instances.set_variables(session, number, {"bed": None}, by=PROGRAM, reason="moved")
        assert pointing(session) == [("patient", "patient", key(session))]

        process_instances.cancel(session, number, by=PROGRAM, reason="gone home")
        process_instances.erase(session, number, ["patient"], by=ADMINISTRATOR, reason="asked for")
        assert pointing(session) == []


@each("text, found", [
    ("patient:patient, bed : ward_bed", {"patient": "patient", "bed": "ward_bed"}),
    ("", {}), ("patient", {}), (":patient", {}), ("no name:patient,a:b", {"a": "b"}), ("a" * 256 + ":b", {}),
])  # fmt: skip
def test_declared__variables_and_registers(text: str, found: dict[str, str]) -> None:
    assert links.declared(text) == found


def told(found: Sequence[errors.Finding]) -> list[str]:
    """Level and code of what is found of records."""
    return [f"{each.level}: {each.code}" for each in found if each.code in OF_RECORDS]


def findings(session: Session, properties: Mapping[str, str], declared: str = "patient:patient") -> list[str]:
    """Level and code of what is found where a form says this of a record."""
    named = field("patient", "病人", "Patient", properties=dict(properties))
    files = {"admission.bpmn": admission(declared), "admission.form": form(named, *ADMISSION_FORM[1:])}
    try:
        found = deployments.deploy(session, files, name="admission", by=OLIVIA).warnings
    except errors.DeploymentRefused as refusal:
        found = refusal.findings
    return told(found)


@each("changed, found", [
    ({}, []),
    ({"lookup": "guest"}, ["warning: unlinked-record"] * 2 + ["warning: unknown-register"]),
    ({"copies": "name=no_such_field"}, ["error: lookup"]),
    ({"copies": "no_such_field=name"}, ["error: lookup"]),
    ({"new_with": "telephone=no_such_field"}, ["error: lookup"]),
    ({"new_if": "name"}, ["error: lookup"]),
    ({"changes": "telephone=no_such_field"}, ["error: lookup"]),
    ({"changes": "no_such_field=name"}, ["error: lookup"]),
    ({"copies": "patient=name"}, ["error: lookup"]),
    ({"lookup": ""}, []),
    ({"lookup": "matter", "copies": ""}, ["warning: unlinked-record"] * 2),
])  # fmt: skip
def test_deploy__what_forms_say_of_records(transaction: Sessions, changed: dict[str, str], found: list[str]) -> None:
    with transaction.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=OLIVIA)
        assert findings(session, LOOKUP | changed) == found


def test_deploy__a_register_that_comes_later(transaction: Sessions) -> None:
    with transaction.begin() as session:
        files = {"admission.bpmn": admission("patient:patient"), "admission.form": form(*ADMISSION_FORM)}
        found = deployments.deploy(session, files, name="admission", by=OLIVIA).warnings
        warnings = [each for each in found if each.code == "unknown-register"]
        assert deployments.still_unknown(session, warnings) == warnings != []

        deployments.deploy(session, FILES, name="ward", by=OLIVIA)
        assert deployments.still_unknown(session, warnings) == []


def test_deploy__a_process_that_will_not_point_to_its_record(transaction: Sessions) -> None:
    with transaction.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=OLIVIA)

        assert findings(session, LOOKUP, declared="") == ["warning: unlinked-record"] * 2


@each("component, code", [
    ({"type": "number", "key": "n", "label": "n", "properties": {"lookup": "patient"}}, "lookup"),
    ({"type": "textfield", "key": "n", "label": "n", "properties": {"copies": "n"}}, "component-without-effect"),
])  # fmt: skip
def test_check__words_of_lookups_elsewhere(component: dict[str, Any], code: str) -> None:
    found = deployments.check({"x.form": form(component)}).findings

    assert [each.code for each in found] == [code]
