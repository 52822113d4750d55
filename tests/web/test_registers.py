"""Registers on pages: lists, records, their forms, and files for spreadsheets. The trade is a hospital's."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from casepath.engine import database, deployments
from casepath.engine.database.models import Record
from casepath.engine.people import identity
from casepath.engine.queries import records as lists
from casepath.engine.queries.records import Filters
from casepath.engine.registers import access, records
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.acting import PROGRAM
from tests.each import each
from tests.wards import BED, PATIENT, ward
from tests.web.visitor import Visitor, text

Sessions = sessionmaker[Session]

FILES = ward(
    patient={**PATIENT, "readers": [], "writers": ["service"], "number": "P{number:4}"},
    bed={**BED, "readers": ["directors"], "writers": ["service"], "columns": ["label", "room", "kind", "patient"]},
)


LAMPS = {"equipment": ["oxygen", "lamp"], "cleaned": "2026-01-05"}


@pytest.fixture
def beds(rows: Sessions) -> Sessions:
    """The patient P0001, the record 1, in the bed 3A, the record 2."""
    with rows.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=PROGRAM)
        patient = records.create(session, "patient", {"name": "梅一", "phone": "555-0101"}, by="alice")
        records.create(session, "bed", {"label": "3A", "room": "南 3", "patient": patient.key}, by="alice")
    return rows


def form_of(page: TestResponse, *, address: str) -> dict[str, Any]:
    """What the hidden inputs of a form of a page send."""
    (found,) = re.findall(rf'<form[^>]*action="{re.escape(address)}".*?</form>', text(page), re.DOTALL)
    return dict(re.findall(r'<input type="hidden" name="((?:record|form)[^"]*)" value="([^"]*)"', found))


def rows_of(answer: TestResponse) -> list[list[str]]:
    """The rows of a file."""
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_navigation__for_those_who_may_read_any(beds: Sessions, visit: Callable[[str], Visitor]) -> None:
    shown = {who: 'href="/registers/"' in text(visit(who).get("/tasks/")) for who in ("alice", "director", "stranger")}

    assert shown == {"alice": True, "director": True, "stranger": False}


def test_index__leads_to_the_only_one_and_searches_several(
    beds: Sessions, alice: Visitor, visit: Callable[[str], Visitor]
) -> None:
    assert visit("director").get("/registers/").location == "/registers/bed"
    page = text(alice.get("/registers/?q=5550101"))
    assert ">梅一</a>" in page
    assert "3A" not in page


def test_register__says_values_in_words_and_leads_on(beds: Sessions, alice: Visitor) -> None:
    page = text(alice.get("/registers/bed"))

    assert re.search(r'<a class="title" href="/records/2">3A</a>', page)
    assert '<td data-label="病人"><a href="/records/1">梅一</a></td>' in page
    assert "没有符合条件的记录" in text(alice.get("/registers/patient?archived=1"))


def test_register__is_narrowed_ordered_and_paged(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        for number in range(30):
            records.create(session, "bed", {"label": f"B{number:02}", "kind": "icu" if number % 2 else ""}, by="alice")

    def labels(address: str) -> list[str]:
        found: list[str] = []
        while address:
            page = text(alice.get(address))
            found += re.findall(r'<a class="title" href="/records/\d+">([^<]+)</a>', page)
            onward = re.search(r'<a class="button" href="([^"]+)" rel="next">', page)
            address = onward[1].replace("&amp;", "&") if onward else ""
        return found

    assert labels("/registers/bed?order=label") == ["3A", *(f"B{number:02}" for number in range(30))]
    assert labels("/registers/bed?order=label&down=1&q=b") == [f"B{number:02}" for number in reversed(range(30))]
    assert labels("/registers/bed?field.kind=icu") == [f"B{number:02}" for number in range(29, 0, -2)]
    assert labels("/registers/bed?field.patient=P0001") == ["3A"]


def test_record__shows_what_points_to_it_as_far_as_one_may_read(
    beds: Sessions, alice: Visitor, visit: Callable[[str], Visitor]
) -> None:
    patient, bed = text(alice.get("/records/1")), text(visit("director").get("/records/2"))

    assert '<a class="found-name" href="/records/2">3A</a>' in patient
    assert "/registers/bed/new?patient=P0001" in patient
    assert "P0001" in bed
    assert "梅一" not in bed
    assert "/records/2/change" not in bed


def test_create__and_the_page_after(beds: Sessions, alice: Visitor) -> None:
    page = alice.get("/registers/bed/new?patient=P0001")
    sent = {**form_of(page, address="/registers/bed/new"), "label": "4B", "patient": "梅", "equipment": "oxygen"}
    answers = [alice.post("/registers/bed/new", sent) for _ in range(2)]

    assert 'value="P0001"' in text(page)
    assert [answer.location for answer in answers] == ["/records/3"] * 2
    shown = text(alice.get("/records/3"))
    assert "氧气" in shown
    assert '<a href="/records/1">梅一</a>' in shown


def test_create__what_is_wrong_is_said_at_its_field(beds: Sessions, alice: Visitor) -> None:
    for wrong, typed in (("label", {"label": ""}), ("patient", {"label": "4B", "patient": "nobody"})):
        answer = alice.post("/registers/bed/new", {"room": "西 9", **typed})
        assert answer.status_code == 422
        assert re.findall(r'<a href="#field-(\w+)">', text(answer)) == [wrong]
        assert 'value="西 9"' in text(answer)
        assert f'value="{typed.get("patient", "")}"' in text(answer)


def test_create__who_has_the_same_is_shown_before(beds: Sessions, alice: Visitor) -> None:
    typed = {"name": "梅二", "phone": "5550101"}
    answer = alice.post("/registers/patient/new", typed)

    assert answer.status_code == 422
    assert "梅一 · P0001" in text(answer)
    (same,) = re.findall(r'name="record.despite" value="([^"]+)"', text(answer))
    assert alice.post("/registers/patient/new", {**typed, "record.despite": same}).location == "/records/3"


def test_change__what_is_new_is_shown_and_nothing_lost(beds: Sessions, alice: Visitor, bob: Visitor) -> None:
    address = "/records/2/change"
    seen = form_of(alice.get(address), address=address)
    assert bob.post(address, {**seen, "label": "3A", "room": "南 4"}).location == "/records/2"
    answer = alice.post(address, {**seen, "label": "3A", "room": "南 5"})

    assert answer.status_code == 409
    assert "bob" in text(answer).lower()
    assert "南 3 → 南 4" in text(answer)
    assert 'value="南 5"' in text(answer)
    again = {**form_of(answer, address=address), "label": "3A", "room": "南 5"}
    assert alice.post(address, again).location == "/records/2"
    assert "南 4 → 南 5" in text(alice.get("/records/2"))


@each("revision", ["", "x", "2.0", "-1", "\x00", "9" * 30])
def test_change__of_a_revision_that_cannot_be_read(beds: Sessions, alice: Visitor, revision: str) -> None:
    answer = alice.post("/records/2/change", {"record.revision": revision, "label": "3A", "room": "南 5"})

    assert answer.status_code == 409
    assert 'value="南 5"' in text(answer)


def test_create__no_more_words_are_looked_for_than_is_cheap(beds: Sessions, alice: Visitor) -> None:
    answer = alice.post("/registers/bed/new", {"label": "4B", "room": "西 9", "patient": "n " * 5_000})

    assert answer.status_code == 422
    assert 'value="西 9"' in text(answer)


def test_archive__and_restore(beds: Sessions, alice: Visitor) -> None:
    assert alice.post("/records/2/archive").location == "/records/2"
    assert "/records/2/restore" in text(alice.get("/records/2"))
    assert alice.post("/records/2/change", {"record.revision": "2", "label": "3A"}).status_code == 409
    assert alice.post("/records/2/restore").location == "/records/2"
    assert "/records/2/archive" in text(alice.get("/records/2"))


def test_erase__by_administrators_and_with_a_reason(
    beds: Sessions, alice: Visitor, visit: Callable[..., Visitor]
) -> None:
    administrator = visit("administrator")
    alice.post("/records/1/archive")

    assert 'id="erase"' not in text(alice.get("/records/1"))
    assert administrator.post("/records/1/erase", {"fields": "phone"}).status_code == 422
    assert administrator.post("/records/1/erase", {"fields": ".key", "reason": "依本人要求"}).status_code == 422
    assert administrator.post("/records/1/erase", {"fields": "phone", "reason": "依本人要求"}).status_code == 303
    page = text(administrator.get("/records/1"))
    assert "555-0101" not in page
    assert "清除了电话：依本人要求" in page


def test_choices__are_records_in_which_it_is_found(
    beds: Sessions, alice: Visitor, visit: Callable[..., Visitor]
) -> None:
    assert '<option value="P0001">梅一 · 555-0101</option>' in text(alice.get("/registers/patient/choices/x?x=梅"))
    assert "P0001" not in text(alice.get("/registers/patient/choices/x?x=兰"))
    assert visit("director").get("/registers/patient/choices/x?x=梅").status_code == 404


def test_export__in_words_and_harmless(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        records.create(session, "bed", {"label": "=1+1", "kind": "icu", "isolated": True, **LAMPS}, by="alice")
    header, first, second = rows_of(alice.get("/registers/bed/file.csv?order=label"))

    assert header == ["床号", "病房", "病人", "类别", "隔离", "消毒", "设备"]
    assert first == ["'=1+1", "", "", "重症", "是", "2026-01-05", "氧气; 灯"]
    assert second == ["3A", "南 3", "P0001", "", "否", "", ""]


@each("label", ["'=1", "''=1", "=1", "'a", "-", "' -1"])
def test_export__what_looks_harmless_already_comes_back_as_it_was(beds: Sessions, alice: Visitor, label: str) -> None:
    with beds.begin() as session:
        records.create(session, "bed", {"label": label, "room": label}, by="alice")
        count = session.scalar(select(func.count()).select_from(Record).where(Record.register == "bed"))
    file = alice.get("/registers/bed/file.csv").get_data()

    assert f"新增 0 条，更改 0 条，未变 {count} 条" in text(send(alice, "bed", file))


def test_restore__who_has_the_same_is_shown_before(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        records.archive(session, 1, by="alice")
        records.create(session, "patient", {"name": "梅二", "phone": "5550101"}, by="alice")

    refused = alice.post("/records/1/restore", {})
    assert refused.status_code == 422
    assert "P0002" in text(refused)
    assert alice.post("/records/1/restore", {"record.despite": "P0002"}).status_code == 303


def send(visitor: Visitor, key: str, content: bytes) -> TestResponse:
    """Send a file, have a worker take its rows, and return the page that shows it; else why it is none."""
    answer = visitor.post(f"/registers/{key}/import", {"file": (io.BytesIO(content), "a.csv")})
    if answer.status_code != 303:
        return answer
    pool = visitor.client.application.extensions["database"]
    Loop(Surroundings(sessions=database.sessions(pool))).rest()
    return visitor.get(answer.headers["Location"])


def test_import__what_was_exported_changes_nothing(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        records.create(session, "bed", {"label": "=1+1", "kind": "icu", "isolated": True, **LAMPS}, by="alice")
    for key, count in (("bed", 2), ("patient", 1)):
        file = alice.get(f"/registers/{key}/file.csv").get_data()
        assert f"新增 0 条，更改 0 条，未变 {count} 条" in text(send(alice, key, file))


def test_workbook__has_days_as_such_and_texts_that_do_nothing(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        records.create(session, "bed", {"label": "=1+1", "kind": "icu", "isolated": True, **LAMPS}, by="alice")
    file = alice.get("/registers/bed/file.xlsx?order=label").get_data()
    header, first, _ = openpyxl.load_workbook(io.BytesIO(file)).worksheets[0].iter_rows()

    assert [cell.value for cell in header] == ["床号", "病房", "病人", "类别", "隔离", "消毒", "设备"]
    assert [str(cell.value or "") for cell in first] == [
        "=1+1", "", "", "重症", "是", "2026-01-05 00:00:00", "氧气; 灯",
    ]  # fmt: skip
    assert (first[0].data_type, first[5].data_type, first[5].number_format) == ("s", "d", "yyyy-mm-dd")


def test_workbook__taken_again_changes_nothing(beds: Sessions, alice: Visitor) -> None:
    with beds.begin() as session:
        records.create(session, "bed", {"label": "'=1", "kind": "icu", "isolated": True, **LAMPS}, by="alice")
    file = alice.get("/registers/bed/file.xlsx").get_data()

    assert "新增 0 条，更改 0 条，未变 2 条" in text(send(alice, "bed", file))


def test_workbook__cells_as_people_fill_them_in(beds: Sessions, alice: Visitor) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["床号", "病房", "隔离", "消毒"], [101, 12.5, True, date(2026, 1, 5)], [], ["102", None, False, None]):
        sheet.append(row)
    content = io.BytesIO()
    book.save(content)

    assert "新增 2 条" in text(send(alice, "bed", content.getvalue()))
    with beds.begin() as session:
        found = lists.named(session, identity.person(session, "alice"), [("bed", "101")])["bed", "101"].values
    assert (found["room"], found["isolated"], found["cleaned"]) == ("12.5", True, date(2026, 1, 5))


@each("content", [b"PK\x03\x04", b"PK\x03\x04 and nothing that is packed"])
def test_workbook__files_that_are_none(beds: Sessions, alice: Visitor, content: bytes) -> None:
    answer = send(alice, "bed", content)

    assert answer.status_code == 422
    assert "无法按工作簿读取" in text(answer)


@each(
    "content",
    ["床号;病房\n3A;东 1\n9A;东 2\n".encode("gb18030"), b"Label,room\r\n3A,\xe4\xb8\x9c 1\r\n9A,\xe4\xb8\x9c 2\r\n",
     "\ufeff床号\t病房\n3A\t东 1\n\n9A\t东 2".encode()],
)  # fmt: skip
def test_import__as_spreadsheets_write_it(beds: Sessions, alice: Visitor, content: bytes) -> None:
    assert send(alice, "bed", content).status_code == 200

    with beds.begin() as session:
        declared = access.register(session, "bed", by="alice")
        rooms = [row.values["room"] for row in lists.page(session, declared, Filters(order="label")).rows]
    assert rooms == ["东 1", "东 2"]


@each("name", ["Müller", "José Peña", "Ångström", "’ Noël"])
def test_import__accents_of_another_encoding_are_not_taken_for_chinese(
    beds: Sessions, alice: Visitor, name: str
) -> None:
    answer = send(alice, "patient", f"Name\n{name}\n".encode("cp1252"))

    assert answer.status_code == 422
    assert "无法确定此文件的文字编码" in text(answer)


@each(
    "heading, cell, field, value",
    [
        *(("隔离", cell, "isolated", True) for cell in ("是", "yes", "TRUE", "1", "x", "✓")),
        *(("Isolated", cell, "isolated", False) for cell in ("否", "No", "FALSE", "0", "")),
        ("消毒", "2026/1/5", "cleaned", date(2026, 1, 5)),
        ("消毒", "2026.01.05", "cleaned", date(2026, 1, 5)),
        ("类别", "重症", "kind", "icu"),
        ("类别", "icu", "kind", "icu"),
        ("设备", "灯；氧气", "equipment", ["oxygen", "lamp"]),
    ],
)
def test_import__what_people_write_into_cells(
    beds: Sessions, alice: Visitor, heading: str, cell: str, field: str, value: object
) -> None:
    key = f"{heading} {cell}"
    answer = send(alice, "bed", f"床号,{heading}\n{key},{cell}\n".encode())
    with beds.begin() as session:
        found = lists.named(session, identity.person(session, "alice"), [("bed", key.strip())])

    assert "新增 1 条" in text(answer)
    kept = found["bed", key.strip()].values[field]
    assert (sorted(kept) if isinstance(kept, list) else kept) == (sorted(value) if isinstance(value, list) else value)


@each(
    "heading, cell",
    [("隔离", "也许"), ("消毒", "2026/13/5"), ("消毒", "2026/2/30"), ("类别", "豪华"), ("设备", "灯;床")],
)
def test_import__what_is_none_of_these(beds: Sessions, alice: Visitor, heading: str, cell: str) -> None:
    page = text(send(alice, "bed", f"床号,{heading}\n9A,{cell}\n".encode()))

    assert "新增 0 条" in page
    assert f"<td>{cell}</td>" in page


def test_import__refused_rows_come_back_with_their_reasons(beds: Sessions, alice: Visitor) -> None:
    file = "床号,病房,病人\n9A,东 1,\n9B,东 2,P9999\n,东 3,\n".encode()
    page = send(alice, "bed", file)
    answer = alice.get("/imports/1/refused.csv")

    assert "新增 1 条" in text(page)
    header, *refused = rows_of(answer)
    assert header == ["床号", "病房", "病人", "原因"]
    assert refused == [["9B", "东 2", "P9999", "病人：没有在用的记录“P9999”。"], ["", "东 3", "", "床号：请填写此项。"]]
    mended = answer.get_data().replace(b"P9999", b"P0001").replace('"","东 3"'.encode(), '"9C","东 3"'.encode())
    assert "新增 2 条" in text(send(alice, "bed", mended))
    # Reasons of before say nothing, and do not come back beside the new ones.
    again = send(alice, "bed", answer.get_data())
    assert "未导入的行：2。" in text(again)
    assert rows_of(alice.get("/imports/3/refused.csv"))[0] == header


@each(
    "content, said",
    [
        ("床号,楼层\n1,2\n", "楼层"),
        ("床号,床号\n1,2\n", "各出现一次"),
        ("", "首行应为列名"),
        ("床号\n\x00", "无法确定此文件的文字编码"),
    ],
)
def test_import__files_that_are_none(beds: Sessions, alice: Visitor, content: str, said: str) -> None:
    answer = send(alice, "bed", content.encode())

    assert answer.status_code == 422
    assert said in text(answer)
