"""Lookups on pages: records that are named in the forms of processes, and what is known of them. A hospital's trade."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database.models import Record, RecordLink, UserTask
from casepath.engine.instances import process_instances
from casepath.engine.registers import records
from tests.acting import PROGRAM
from tests.each import each
from tests.wards import ADMISSION, ADMISSION_FORM, BED, MORE, PATIENT, admission, field, form, ward
from tests.web.visitor import LINKED, Visitor, text

Sessions = sessionmaker[Session]

PATIENTS = {**PATIENT, "number": "P{number:4}", "readers": ["directors"], "writers": ["service"]}
FILES = ward(patient=PATIENTS, bed={**BED, "readers": ["directors"], "writers": ["service"]})


@pytest.fixture
def beds(rows: Sessions) -> Sessions:
    """The patient P0001, the record 1, in the bed 3A, the record 2, whom alice has admitted once."""
    with rows.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=PROGRAM)
        deployments.deploy(session, ADMISSION, name="admission", by=PROGRAM)
        records.create(session, "patient", {"name": "梅一", "phone": "555-0101"}, by="alice")
        records.create(session, "bed", {"label": "3A", "room": "3", "patient": "P0001"}, by="alice")
        process_instances.start(session, "admission", {"patient": "P0001"}, by="alice")
    return rows


@pytest.fixture
def more_beds(beds: Sessions) -> Sessions:
    """A second bed of the patient P0001, one of nobody, and a patient without a bed."""
    with beds.begin() as session:
        records.create(session, "bed", {"label": "3B", "room": "3", "patient": "P0001"}, by="alice")
        records.create(session, "bed", {"label": "4A", "room": "4"}, by="alice")
        records.create(session, "patient", {"name": "兰二"}, by="alice")
    return beds


@pytest.fixture
def signs(beds: Sessions) -> Sessions:
    """Beds by the words of their rooms, one of them out of use, and a form that offers those of which it tells."""
    asking = field("bed", "床位", "Bed", properties={"lookup": "bed", "found_by": "name=room, telephone=label"})
    with beds.begin() as session:
        files = {"admission.bpmn": admission(), "admission.form": form(*ADMISSION_FORM, asking)}
        deployments.deploy(session, files, name="admission", by=PROGRAM)
        for label, room in (("B3", "头晕；闷"), ("B2", "胸闷，头晕"), ("B1", "头晕")):
            records.create(session, "bed", {"label": label, "room": room}, by="alice")
        records.archive(session, 5, by="alice")
    return beds


def test_show__begins_with_what_a_record_says(beds: Sessions, alice: Visitor) -> None:
    shown = text(alice.get("/register/admission?patient=P0001"))

    assert 'name="patient" type="text" value="P0001"' in shown
    assert 'name="name" type="text" value="梅一"' in shown
    assert 'name="telephone" type="text" value="555-0101"' in shown
    # The only bed that is hers.
    assert 'name="bed" type="text" value="3A"' in shown


def test_show__from_what_points_to_the_record(beds: Sessions, alice: Visitor) -> None:
    shown = text(alice.get("/register/admission?bed=3A"))

    assert 'name="patient" type="text" value="P0001"' in shown
    assert 'name="name" type="text" value="梅一"' in shown


def test_show__nothing_of_a_record_that_is_not_there(beds: Sessions, alice: Visitor) -> None:
    shown = text(alice.get("/register/admission?patient=P0009&name=x"))

    assert 'name="patient" type="text" value="P0009"' in shown
    assert 'name="name" type="text" value=""' in shown


def test_fields__copy_a_record_once_so_that_it_may_be_corrected(beds: Sessions, alice: Visitor) -> None:
    chosen = {"patient": "P0001", "name": "", "telephone": ""}
    first = text(alice.post("/register/admission/fields", chosen, headers=LINKED))
    assert 'value="梅一"' in first
    assert 'name="page.copied" value="patient=P0001"' in first

    corrected = {**chosen, "name": "梅二", "page.copied": "patient=P0001"}
    again = text(alice.post("/register/admission/fields", corrected, headers=LINKED))
    assert 'value="梅二"' in again
    assert "data-copied" not in again


def test_fields__another_record_takes_the_place_of_the_one_before(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        records.create(session, "patient", {"name": "兰二"}, by="alice")
    typed = {"patient": "P0002", "name": "梅一", "telephone": "555-0101", "page.copied": "patient=P0001"}

    shown = text(alice.post("/register/admission/fields", typed, headers=LINKED))

    assert 'name="name" type="text" value="兰二"' in shown
    assert 'name="telephone" type="text" value=""' in shown


@each("typed", [{"is_new": "true"}, {"name": "兰二"}, {"name": "兰二", "is_new": "true", "telephone": "555-0202"}])
def test_fields__what_names_another_record_says_nothing_against_what_was_typed(
    beds: Sessions, alice: Visitor, typed: dict[str, str]
) -> None:
    chosen = {"bed": "3A", "patient": "", "name": "", "telephone": "", **typed}
    shown = text(alice.post("/register/admission/fields", chosen, headers=LINKED))

    assert 'name="patient" type="text" value=""' in shown
    assert f'name="name" type="text" value="{typed.get("name", "")}"' in shown
    assert f'name="telephone" type="text" value="{typed.get("telephone", "")}"' in shown


def test_fields__what_names_a_record_out_of_use_names_nobody(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        records.archive(session, 1, by="alice")
    chosen = {"bed": "3A", "patient": "", "name": "", "telephone": ""}
    shown = text(alice.post("/register/admission/fields", chosen, headers=LINKED))

    assert 'name="patient" type="text" value=""' in shown


@each("typed, found", [
    ({"telephone": "5550101"}, ["P0001", "A-1"]),
    ({"telephone": "555"}, []),
    ({"patient": "梅", "page.typing": "true"}, ["P0001", "A-1"]),
    ({"name": "梅一"}, []),
])  # fmt: skip
def test_fields__show_what_is_known_while_one_types(
    beds: Sessions, alice: Visitor, typed: dict[str, str], found: list[str]
) -> None:
    empty = {"patient": "", "name": "", "telephone": ""}
    shown = text(alice.post("/register/admission/fields", {**empty, **typed}, headers=LINKED))
    known = shown[shown.index('id="known-patient"') : shown.index('id="part-name"')]

    assert [each for each in ("P0001", "A-1") if each in known] == found


@each("typed, offered", [
    ({"patient": "P0001"}, ["3A", "3B"]),
    # Found by the telephone, and not yet chosen.
    ({"telephone": "5550101"}, ["3A", "3B"]),
    ({"patient": "P0001", "bed": "3A"}, []),
    # Somebody else's bed was chosen before.
    ({"patient": "P0001", "bed": "4A"}, ["3A", "3B"]),
    ({"patient": "P0002"}, []),
    ({}, []),
])  # fmt: skip
def test_fields__offer_what_points_to_the_record_of_another_field(
    more_beds: Sessions, alice: Visitor, typed: dict[str, str], offered: list[str]
) -> None:
    empty = {"patient": "", "name": "", "telephone": "", "bed": "", "page.copied": [f"bed={typed.get('bed', '')}"]}
    shown = text(alice.post("/register/admission/fields", {**empty, **typed}, headers=LINKED))
    known = shown[shown.index('id="known-bed"') :]

    assert re.findall(r'data-choose="(\w+)"', known) == [*reversed(offered)]
    assert ("梅一 名下：" in known) == bool(offered)


def test_fields__name_the_record_to_which_another_one_points(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        silent = [{**each, "properties": {"lookup": "bed"}} if each["key"] == "bed" else each for each in MORE]
        files = {**ADMISSION, "admission.form": form(*ADMISSION_FORM, *silent)}
        deployments.deploy(session, files, name="admission", by=PROGRAM)
    chosen = {"bed": "3A", "patient": "", "name": "", "telephone": ""}

    shown = text(alice.post("/register/admission/fields", chosen, headers=LINKED))

    assert 'name="patient" type="text" value="P0001"' in shown
    assert 'name="name" type="text" value="梅一"' in shown


@each("typed, found", [
    ({"name": "他说胸 闷，走不动"}, ["B2"]),
    ({"name": "头晕、胸闷"}, ["B2", "B3"]),
    ({"name": "胸闷，在ｂ２"}, ["B2"]),
    ({"name": "头晕", "telephone": "b3"}, ["B3", "B2"]),
    ({"name": "闷", "telephone": "b3"}, []),
    ({"name": "头晕", "bed": "B2"}, ["B2"]),
])  # fmt: skip
def test_fields__offer_the_records_whose_words_occur_in_what_is_typed(
    signs: Sessions, alice: Visitor, typed: dict[str, str], found: list[str]
) -> None:
    empty = {"patient": "", "name": "", "telephone": "", "bed": ""}
    shown = text(alice.post("/register/admission/fields", {**empty, **typed}, headers=LINKED))
    known = shown[shown.index('class="known-already"', shown.index('id="part-bed"')) :]

    assert re.findall(r'<span>(B\d)|_blank" rel="noopener">(B\d) · ', known) == [
        ("", label) if "bed" in typed else (label, "") for label in found
    ]
    assert "data-telling" in shown[shown.index('id="field-name"') :].partition(">")[0]


def test_fields__without_scripts_are_the_page_with_what_was_chosen(beds: Sessions, alice: Visitor) -> None:
    typed = {"patient": "梅", "page.choose": "patient=P0001"}
    shown = text(alice.post("/register/admission/fields", typed))

    assert "<html" in shown
    assert 'name="name" type="text" value="梅一"' in shown


def test_fields__of_a_register_that_one_may_not_read(beds: Sessions, visit: Callable[[str], Visitor]) -> None:
    shown = text(visit("stranger").get("/register/admission?patient=P0001"))

    assert "梅一" not in shown


def test_start__by_words_that_only_one_record_has(beds: Sessions, alice: Visitor) -> None:
    answer = alice.post("/register/admission", {"patient": "梅", "name": "", "form_token": "t"})

    assert answer.status_code == 303
    with beds.begin() as session:
        assert [row.key for row in session.scalars(select(RecordLink))] == ["P0001"] * 2


def test_start__what_the_register_refuses_is_said_at_the_field(beds: Sessions, alice: Visitor) -> None:
    typed = {"name": "梅", "telephone": "5550101", "is_new": "true", "form_token": "t"}
    answer = alice.post("/register/admission", typed)

    assert answer.status_code == 422
    assert "其他记录的值与此相同：P0001" in text(answer)
    with beds.begin() as session:
        assert session.get(Record, 3) is None


def test_complete__names_records_as_starting_does(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        task = session.scalars(select(UserTask).where(UserTask.business_key == "A-1")).one().id
    page = text(alice.get(f"/tasks/{task}"))
    assert 'id="known-patient"' in page

    assert alice.post(f"/tasks/{task}/complete", {"patient": "P0001", "name": "梅", "bed": "3-a"}).status_code == 303
    with beds.begin() as session:
        assert {row.key for row in session.scalars(select(RecordLink))} == {"P0001", "3A"}


def test_matter__leads_to_its_records_and_to_what_belongs_together(beds: Sessions, alice: Visitor) -> None:
    alice.post("/register/admission", {"name": "梅一", "earlier": "A-1", "form_token": "t"})

    assert 'href="/records/1"' in text(alice.get("/matters/show/A-1"))
    assert "A-2" in text(alice.get("/matters/show/A-1"))
    assert "A-1" in text(alice.get("/matters/show/A-2"))


def test_matter__is_found_by_its_number_however_many_newer_ones_name_it(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        for _ in range(7):
            process_instances.start(session, "admission", {"name": "梅二 A-1", "earlier": "A-1"}, by="alice")

    first = text(alice.get("/matters/show/A-8"))
    assert 'href="/matters/show/A-1"' in first
    assert "现为：梅一" in text(alice.get("/register/admission?earlier=A-1"))
    offered = re.findall(r"A-\d", text(alice.get("/matters/choices/earlier?earlier=A-1")))
    assert list(dict.fromkeys(offered)) == ["A-1", "A-8", "A-7", "A-6", "A-5"]


def test_record__shows_its_matters_and_how_to_begin_another(beds: Sessions, alice: Visitor) -> None:
    shown = text(alice.get("/records/1"))

    assert 'href="/matters/show/A-1"' in shown
    assert 'href="/register/admission?patient=P0001"' in shown


def test_record__open_matters_first(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        ended = process_instances.start(session, "admission", {"patient": "P0001"}, by="alice").id
        process_instances.cancel(session, ended, by=PROGRAM, reason="gone home")
    above, below = text(alice.get("/records/1")).split('id="stream"')

    assert ("A-1<" in above, "A-2<" in above, "A-1<" in below, "A-2<" in below) == (True, False, True, True)


@each("field, text_typed, found", [("earlier", "梅", ["A-1"]), ("earlier", "", []), ("earlier", "nobody", [])])
def test_matter_choices__are_matters_in_which_it_is_found(
    beds: Sessions, alice: Visitor, field: str, text_typed: str, found: list[str]
) -> None:
    shown = text(alice.get(f"/matters/choices/{field}?{field}={text_typed}"))

    assert [number for number in ("A-1",) if f'value="{number}"' in shown] == found
