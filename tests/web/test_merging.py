"""Two records that are one, on pages: told, side by side, merged, taken apart. The trade is a hospital's."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database.models import Record
from casepath.engine.instances import process_instances
from casepath.engine.registers import records
from tests.acting import PROGRAM
from tests.wards import ADMISSION, BED, PATIENT, ward
from tests.web.visitor import LINKED, Visitor, text

Sessions = sessionmaker[Session]

FILES = ward(
    patient={
        **PATIENT, "number": "P{number}", "alike": ["name", "phone"], "readers": ["directors"], "writers": ["service"],
    },
    bed={**BED, "readers": ["directors"], "writers": ["service"]},
)  # fmt: skip


@pytest.fixture
def twice(rows: Sessions) -> Sessions:
    """Mei twice: P1, the record 1, without a bed, and P2, the record 2, with a telephone, a bed and an admission."""
    with rows.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=PROGRAM)
        deployments.deploy(session, ADMISSION, name="admission", by=PROGRAM)
        records.create(session, "patient", {"name": "梅一"}, by="alice")
        records.create(session, "patient", {"name": "梅一", "phone": "555-0101"}, by="alice")
        records.create(session, "bed", {"label": "3A", "patient": "P2"}, by="alice")
        process_instances.start(session, "admission", {"patient": "P2", "name": "梅一"}, by="alice")
    return rows


def merge(alice: Visitor, **typed: str) -> None:
    """Merge the second into the first as the page does."""
    sent = {"other": "2", "stays": "1", "revision.1": "1", "revision.2": "1", **typed}
    assert alice.post("/records/1/merge", sent).status_code == 303


def test_record__tells_which_may_be_the_same_and_why(twice: Sessions, alice: Visitor) -> None:
    shown = text(alice.get("/records/1"))
    suspected = shown[shown.index('id="suspected"') :]

    assert 'href="/records/2"' in suspected
    assert "相同：姓名" in suspected
    assert 'href="/records/1/merge?key=P2"' in suspected

    assert alice.post("/records/1/distinguish", {"other": "2"}).status_code == 303
    assert 'id="suspected"' not in text(alice.get("/records/1"))


def test_show__side_by_side_with_what_is_known_chosen(twice: Sessions, alice: Visitor) -> None:
    with twice.begin() as session:
        records.change(session, 1, {"name": "梅依"}, revision=1, by="alice")
    shown = text(alice.get("/records/1/merge?key=P2"))

    assert re.search(r'name="stays" value="1" checked', shown)
    chosen = re.findall(r'name="take\.(\w+)" value="(\d)"( checked)?', shown)
    assert chosen == [("name", "1", " checked"), ("name", "2", "")]
    assert "没有另一条在用的记录“P9”。" in text(alice.get("/records/1/merge?key=P9"))


def test_merge__all_of_both_stands_on_one_page(twice: Sessions, alice: Visitor) -> None:
    merge(alice, **{"take.name": "2"})

    shown = text(alice.get("/records/1"))
    assert all(found in shown for found in ("A-1", "3A", "555-0101", 'id="merged"'))
    gone = text(alice.get("/records/2"))
    assert "已并入另一条记录" in gone
    assert "/records/2/restore" not in gone
    # A form that was begun before names the one that stays.
    typed = {"patient": "P2", "name": "", "telephone": ""}
    shown = text(alice.post("/register/admission/fields", typed, headers=LINKED))
    assert 'name="patient" type="text" value="P1"' in shown


def test_merge__what_somebody_has_changed_meanwhile_is_told(twice: Sessions, alice: Visitor) -> None:
    answer = alice.post("/records/1/merge", {"other": "2", "stays": "1", "revision.1": "7", "revision.2": "1"})

    assert answer.status_code == 409
    assert "您查看之后" in text(answer)


def test_separate__says_what_stays(twice: Sessions, alice: Visitor) -> None:
    merge(alice)
    with twice.begin() as session:
        records.change(session, 1, {"name": "梅一", "phone": "555-0909"}, revision=2, by="alice")
        process_instances.start(session, "admission", {"patient": "P1"}, by="alice")
    said = "合并后又更改过的保持不变：电话。 合并后登记的1件案件留在另一条记录下。"
    assert said in text(alice.get("/records/2"))

    answer = alice.post("/records/2/separate", follow_redirects=True)

    assert said in text(answer)
    with twice.begin() as session:
        assert (session.get_one(Record, 2).state, session.get_one(Record, 2).merged_into) == ("active", None)


def test_separate__who_has_come_to_have_the_same_is_to_be_confirmed(twice: Sessions, alice: Visitor) -> None:
    merge(alice, **{"take.phone": "1"})
    with twice.begin() as session:
        records.create(session, "patient", {"name": "三", "phone": "555-0101"}, by="alice")

    answer = alice.post("/records/2/separate", {})
    assert answer.status_code == 422
    assert 'action="/records/2/separate"' in text(answer)
    assert alice.post("/records/2/separate", {"record.despite": "P3"}).status_code == 303


def test_merge__only_for_those_who_may(twice: Sessions, visit: Callable[[str], Visitor]) -> None:
    reader = visit("director")

    assert 'id="suspected"' in text(reader.get("/records/1"))
    assert "/records/1/merge" not in text(reader.get("/records/1"))
    assert [reader.get("/records/1/merge").status_code, reader.post("/records/2/separate").status_code] == [403, 403]
