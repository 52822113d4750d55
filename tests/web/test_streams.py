"""The stream of a record: what happened about it, of every kind, as far as somebody may see it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.instances import attachments, process_instances
from casepath.engine.registers import doubles, records
from tests import factories
from tests.acting import PROGRAM
from tests.wards import ADMISSION, BED, PATIENT, field, ward
from tests.web.visitor import Visitor, text

Sessions = sessionmaker[Session]

#: A visit tells what happened, and when.
VISIT = {
    "id": "visit", "name": "查房", "name_en": "Visit", "form": "visit", "number": "V{number}", "moment": "day",
    "title": ["found"], "columns": ["day", "found"], "references": {"patient": "patient"}, "writers": ["service"],
}  # fmt: skip
VISIT_FORM = [
    {"type": "datetime", "subtype": "date", "key": "day", "label": "日期", "dateLabel": "日期"},
    field("found", "所见", "Found"),
    field("patient", "病人", "Patient"),
]
FILES = {
    **ward(
        patient={**PATIENT, "number": "P{number}", "readers": ["directors", "sales"], "writers": ["service"]},
        bed={**BED, "readers": ["directors"], "writers": ["service"]},
    ),
    "registers/visit.json": json.dumps(VISIT).encode(),
    "forms/visit.form": json.dumps({"id": "visit", "type": "default", "components": VISIT_FORM}).encode(),
}


@pytest.fixture
def lived(rows: Sessions, clock: ModuleType) -> Sessions:
    """
    The patient P1, the record 1, with everything: the bed 3A, a visit long ago and one without a day, the admission
    A-1 with a file, then a message; and another patient with an admission and a visit of her own.
    """
    with rows.begin() as session:
        clock.set_to(clock.now())
        deployments.deploy(session, FILES, name="ward", by=PROGRAM)
        deployments.deploy(session, ADMISSION, name="admission", by=PROGRAM)
        for name in ("梅一", "兰二"):
            records.create(session, "patient", {"name": name}, by="alice")
        records.create(session, "bed", {"label": "3A", "patient": "P1"}, by="alice")
        records.create(session, "visit", {"day": "2020-02-03", "found": "发热", "patient": "P1"}, by="alice")
        clock.move(timedelta(hours=1))
        records.create(session, "visit", {"found": "平稳", "patient": "P1"}, by="alice")
        records.create(session, "visit", {"found": "咳嗽", "patient": "P2"}, by="alice")
        clock.move(timedelta(hours=1))
        first = process_instances.start(session, "admission", {"patient": "P1", "name": "梅一"}, by="alice")
        process_instances.start(session, "admission", {"patient": "P2", "name": "兰二"}, by="alice")
        clock.move(timedelta(hours=1))
        attachments.add(session, "A-1", name="片子.txt", content=b"x", by="alice")
        clock.move(timedelta(hours=1))
        factories.delivery(session, of=first, state="sent")
    return rows


def titles(shown: str) -> list[str]:
    """What the entries of the stream are called, in their order."""
    stream = shown[shown.index('<ul class="life">') : shown.index("</ul>", shown.index('<ul class="life">'))]
    return [" ".join(found.split()) for found in re.findall(r'life-what">.*?<a[^>]*>([^<]*)</a>', stream, re.DOTALL)]


def test_stream__everything_newest_first(lived: Sessions, alice: Visitor) -> None:
    shown = text(alice.get("/records/1"))

    assert titles(shown) == ["sms", "片子.txt", "梅一 A-1", "V2", "V1"]
    # What only is there stands beside it.
    assert "3A" in shown.split('<ul class="life">')[1]
    kinds = [" ".join(re.sub("<[^>]*>", "", each).split()) for each in re.findall(r'class="chip".*?</a>', shown)]
    assert sorted(each.split(">")[-1] for each in kinds) == sorted(
        ["全部 5", "查房 2", "消息 1", "附件 1", "admission 1"]
    )


def test_stream__of_one_kind(lived: Sessions, alice: Visitor) -> None:
    assert titles(text(alice.get("/records/1?kind=record.visit"))) == ["V2", "V1"]
    assert titles(text(alice.get("/records/1?kind=nothing"))) == []


def test_stream__page_by_page(lived: Sessions, alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casepath.web.registers.stream.AT_ONCE", 2)

    shown, found = text(alice.get("/records/1")), []
    while following := re.findall(r'rel="next" href="([^"]*)#stream"', shown):
        found += titles(shown)
        shown = text(alice.get(following[0].replace("&amp;", "&")))

    assert [*found, *titles(shown)] == ["sms", "片子.txt", "梅一 A-1", "V2", "V1"]


def test_stream__nothing_of_matters_that_one_may_not_see(lived: Sessions, visit: Callable[[str], Visitor]) -> None:
    assert titles(text(visit("stranger").get("/records/1"))) == []


def test_stream__another_one_begins_with_what_is_known(lived: Sessions, alice: Visitor) -> None:
    shown = text(alice.get("/records/1"))
    (address,) = {each for each in re.findall(r'href="(/register/admission[^"]*)"', shown) if "earlier" in each}
    assert "earlier=A-1" in address

    begun = text(alice.get(address.replace("&amp;", "&")))
    assert all(f'value="{known}"' in begun for known in ("P1", "梅一", "A-1"))


def test_stream__of_both_where_two_are_one(lived: Sessions, alice: Visitor) -> None:
    with lived.begin() as session:
        doubles.merge(session, 2, 1, seen={1: 1, 2: 1}, by="alice")

    assert titles(text(alice.get("/records/1"))) == ["sms", "片子.txt", "兰二 A-2", "梅一 A-1", "V3", "V2", "V1"]
