"""Pages of registers, searches over them, and what points to a record: what somebody is shown, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.database import entries
from casepath.engine.database.models import RecordTerm
from casepath.engine.deployments import registers as declarations
from casepath.engine.instances import jobs
from casepath.engine.queries import records as lists
from casepath.engine.queries.records import Filters
from casepath.engine.registers import access, records
from tests.acting import ADMINISTRATOR, OLIVIA, somebody
from tests.each import each
from tests.wards import BED, FILES, PATIENT, ward

Sessions = sessionmaker[Session]

NURSE, DOCTOR, STRANGER = somebody("nadia", "nurses"), somebody("dario", "doctors"), somebody("stefan", "kitchen")
AUDITOR = somebody("audrey", "auditor")
BEDS: tuple[Mapping[str, Any], ...] = (
    {"label": "3A", "room": "Südflügel 12", "equipment": ["oxygen"], "kind": "icu"},
    {"label": "3B", "room": "南楼 7", "kind": "icu"},
    {"label": "4A"},
    {"label": "4B", "room": "南楼 12", "kind": "icu"},
)


@pytest.fixture
def beds(transaction: Sessions) -> Sessions:
    """Four beds, and a patient in the first."""
    with transaction.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=OLIVIA)
        patient = records.create(session, "patient", {"name": "梅一", "phone": "555-0101"}, by=NURSE)
        for bed in BEDS:
            records.create(session, "bed", {**bed, "patient": patient.key if bed["label"] == "3A" else ""}, by=NURSE)
    return transaction


def labels(session: Session, filters: Filters, *, limit: int = 25) -> list[str]:
    """The labels of the beds that are shown, page by page."""
    found: list[str] = []
    declared, after = access.register(session, "bed", by=NURSE), None
    while True:
        page = lists.page(session, declared, filters, after=after, limit=limit)
        assert 0 < len(page.rows) <= limit or not found
        found += [row.values["label"] for row in page.rows]
        after = page.next
        if after is None:
            return found


@each(
    "filters, shown",
    [
        (Filters(), ["4B", "4A", "3B", "3A"]),
        (Filters(text="sudflugel"), ["3A"]),
        (Filters(text="南"), ["4B", "3B"]),
        (Filters(text="南楼 12"), ["4B"]),
        (Filters(text="4"), ["4B", "4A"]),
        (Filters(text="nowhere"), []),
        (Filters(text="%"), []),
        (Filters(values={"room": "南楼 7"}), ["3B"]),
        (Filters(values={"room": "南楼7"}), []),
        (Filters(text="3-a"), ["3A"]),
        (Filters(order=entries.KEY), ["3A", "3B", "4A", "4B"]),
        (Filters(order="room"), ["3A", "4B", "3B", "4A"]),
        (Filters(order="room", is_descending=True), ["3B", "4B", "3A", "4A"]),
        (Filters(order="kind"), ["3A", "3B", "4B", "4A"]),
        (Filters(order="kind", is_descending=True), ["4B", "3B", "3A", "4A"]),
        (Filters(order="label", text="楼"), ["3B", "4B"]),
        (Filters(order="label", values={"room": "南楼 12"}), ["4B"]),
    ],
)
def test_page__search_filter_and_order(beds: Sessions, filters: Filters, shown: list[str]) -> None:
    searching = {**BED, "search": ["label", "room"]}
    with beds.begin() as session:
        deployments.deploy(session, ward(bed=searching), name="ward", by=OLIVIA)
        assert [labels(session, filters, limit=limit) for limit in (1, 2, 3, 25)] == [shown] * 4


def test_page__words_that_many_have_are_found_as_those_that_few_have(
    beds: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "FEW", 1)
    searching = {**BED, "search": ["label", "room"]}
    with beds.begin() as session:
        deployments.deploy(session, ward(bed=searching), name="ward", by=OLIVIA)

        assert labels(session, Filters(text="南")) == ["4B", "3B"]
        assert labels(session, Filters(text="楼 12", order="label")) == ["4B"]
        assert labels(session, Filters(text="sud 3")) == ["3A"]


def test_page__many_are_found_by_other_fields_one_after_the_other(
    beds: Sessions, clock: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declarations, "AT_ONCE", 2)
    for search, before, shown in ((["room"], ["3B"], ["4B", "3B"]), (["label"], ["4B"], [])):
        with beds.begin() as session:
            deployments.deploy(session, ward(bed={**BED, "search": search}), name="ward", by=OLIVIA)
            assert labels(session, Filters(text="南楼")) == before
            fourth = records.get(session, bed(session, "4A"), by=NURSE)
            records.change(session, fourth.id, {"label": "4A", "kind": "icu"}, revision=fourth.revision, by=NURSE)
        # Two more, and then nothing is left.
        for executed in (1, 1, 0):
            clock.move(declarations.PAUSE)
            assert jobs.run_due(beds) == executed
        with beds.begin() as session:
            assert labels(session, Filters(text="南楼")) == shown
            found = terms(session)
            entries.search_anew(session.connection(), "bed", search)
            assert terms(session) == found


def terms(session: Session) -> list[tuple[str, str, int]]:
    """All by which records are found."""
    return sorted((row.register, row.term, row.record_id) for row in session.scalars(select(RecordTerm)))


def test_page__archived_ones_by_themselves(beds: Sessions) -> None:
    with beds.begin() as session:
        records.archive(session, bed(session, "3B"), by=NURSE)

        assert labels(session, Filters()) == ["4B", "4A", "3A"]
        assert labels(session, Filters(is_archived=True)) == ["3B"]


def test_every__goes_through_all(beds: Sessions) -> None:
    with beds.begin() as session:
        declared = access.register(session, "bed", by=NURSE)

        assert [row.values["label"] for row in lists.every(session, declared, Filters(order="label"))] == [
            "3A", "3B", "4A", "4B",
        ]  # fmt: skip


def test_search__over_all_that_one_may_read(beds: Sessions) -> None:
    with beds.begin() as session:
        of_nurse = {found.register.key: len(found.rows) for found in lists.search(session, NURSE, "5550101")}
        of_doctor = lists.search(session, DOCTOR, "5550101")
        beds_of_doctor = [found.register.key for found in lists.search(session, DOCTOR, "3a")]

    assert (of_nurse, of_doctor, beds_of_doctor) == ({"patient": 1}, [], ["bed"])


def test_search__shows_the_first_of_many(beds: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "FEW", 1)
    with beds.begin() as session:
        (found,) = lists.search(session, NURSE, "4")

    assert (len(found.rows), found.is_cut) == (1, True)


def test_pointing_to__by_whoever_may_read_it(beds: Sessions) -> None:
    with beds.begin() as session:
        patient = records.get(session, 1, by=NURSE)
        found = {
            person.username: [
                (each.register.key, each.field, len(each.rows)) for each in lists.pointing_to(session, person, patient)
            ]
            for person in (NURSE, DOCTOR, AUDITOR, ADMINISTRATOR, STRANGER)
        }

    shown = [("bed", "patient", 1)]
    assert found == {"nadia": shown, "dario": shown, "audrey": shown, ADMINISTRATOR.username: shown, "stefan": []}


def test_named__leaves_out_what_one_may_not_read(beds: Sessions) -> None:
    with beds.begin() as session:
        key = records.get(session, 1, by=NURSE).key
        wanted = [("patient", key), ("bed", "3A"), ("bed", "9Z"), ("couch", "1")]

        assert set(lists.named(session, NURSE, wanted)) == {("patient", key), ("bed", "3A")}
        assert set(lists.named(session, DOCTOR, wanted)) == {("bed", "3A")}
        assert lists.named(session, STRANGER, wanted) == {}


def test_readable__registers_by_name_and_person(beds: Sessions) -> None:
    with beds.begin() as session:
        keys = {
            person.username: {each.key for each in access.readable(session, person)}
            for person in (NURSE, DOCTOR, AUDITOR, STRANGER)
        }
        assert access.register(session, "patient", by=NURSE).name == PATIENT["name"]
        for key in ("patient", "couch"):
            with pytest.raises(errors.NotFound):
                access.register(session, key, by=DOCTOR)

    assert keys == {"nadia": {"patient", "bed"}, "dario": {"bed"}, "audrey": {"patient", "bed"}, "stefan": set()}


def bed(session: Session, label: str) -> int:
    """The number of a bed."""
    declared = access.register(session, "bed", by=NURSE)
    return lists.page(session, declared, Filters(values={"label": label})).rows[0].id


@each("text, key", [("3A", "3A"), ("3-a", "3A"), ("4", "4"), ("nowhere", "nowhere"), (" ", " "), ("4b", "4B")])
def test_chosen__by_the_key_or_words_of_one_only(beds: Sessions, text: str, key: str) -> None:
    with beds.begin() as session:
        assert lists.chosen(session, access.register(session, "bed", by=NURSE), text) == key
