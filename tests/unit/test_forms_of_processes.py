"""The forms of `processes/` as people fill them in: what is written in many ways is taken, what is a slip is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from casepath.engine import errors, forms
from casepath.engine.time import clock
from tests.each import each

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
FORMS = sorted(PROCESSES.rglob("*.form"))
SHANGHAI = ZoneInfo("Asia/Shanghai")
INTAKES = ("complaint/forms/complaint_intake", "major_complaint/forms/major_intake")
RETURN = "major_complaint/forms/return_or_exchange"


def read(name: str) -> forms.Form:
    """Return a shipped form."""
    path = PROCESSES / f"{name}.form"
    return forms.parse(path.read_bytes(), path.name)


def refusals(name: str, submitted: dict[str, Any]) -> dict[str, errors.InvalidInput]:
    """Return what a form refuses, by field."""
    try:
        forms.validate(read(name), submitted, SHANGHAI)
    except errors.InvalidVariables as refusal:
        return {error.field: error for error in refusal.errors}
    return {}


@each("name", INTAKES)
@each(
    "phone",
    [
        "13800000000",
        "138 0000 0000",
        "138-0000-0000",
        "１３８００００００００",
        "+86 138 0000 0000",
        "025-81234567",
        "(0512) 6123 4567",
        "（025）8123 4567 转 801",
        "81234567",
        "02581234567-801",
        "400-810-8888",
        "4008888888 分机 3",
        "+852 2345 6789",
        "13800000000、025-81234567 转 801",
        "138 0000 0000，139 0000 0000（配偶）",
        "13800000000/13900000000",
    ],
)
def test_phone(name: str, phone: str) -> None:
    assert "customer_phone" not in refusals(name, {"customer_phone": phone})


@each("name", INTAKES)
@each("phone", ["abc", "1380000000", "138000000000", "13800000", "12345", "138 0000 0000 张先生", "13800000000、139"])
def test_phone__slips(name: str, phone: str) -> None:
    assert refusals(name, {"customer_phone": phone})["customer_phone"].code in {"not-a-phone", "rule"}


@each("name", INTAKES)
@each(
    "car",
    [
        "",
        "苏A12345",
        "苏a·12345",
        "沪AD12345",
        "京A·1234警",
        "粤Z·1234港",
        "WJ京12345",
        "LSVAM4187C2184841",
        "苏A12345、LSVAM4187C2184841",
    ],
)
def test_car(name: str, car: str) -> None:
    assert "plate_number" not in refusals(name, {"plate_number": car})


@each("name", INTAKES)
@each("car", ["12345", "白色朗逸", "LSVAM4187C218484", "LSVAM4187C21848411", "LSVAM4187O2184841"])
def test_car__slips(name: str, car: str) -> None:
    assert refusals(name, {"plate_number": car})["plate_number"].code == "rule"


@each("name", INTAKES)
def test_records__what_they_need(name: str) -> None:
    added = refusals(name, {"new_customer": "true", "new_vehicle": "true", "related_matter": "TS2026-0001"})
    found = refusals(name, {"customer": "KH000001", "vehicle": "LSVAM4187C2184841"})

    assert {"customer_kind", "vin", "relation"} <= set(added)
    assert {"customer_kind", "vin", "relation"}.isdisjoint(found)


def test_vin_of_the_replacement() -> None:
    assert "replacement_vin" not in refusals(RETURN, {"replacement_vin": "LSVAM4187C2184841"})
    assert refusals(RETURN, {"replacement_vin": "苏A12345"})["replacement_vin"].code == "rule"


@each(
    "name, key",
    [
        ("major_complaint/forms/fm_solve", "fm_completed_on"),
        ("major_complaint/forms/grant_goodwill", "goodwill_on"),
        (RETURN, "car_returned_on"),
        ("resolution/forms/resolve_complaint", "completed_on"),
        ("complaint/forms/complaint_intake", "purchase_date"),
    ],
)
def test_days_that_have_come(name: str, key: str) -> None:
    today = clock.now().astimezone(SHANGHAI).date()

    assert key not in refusals(name, {key: today.isoformat()})
    assert refusals(name, {key: (today + timedelta(days=1)).isoformat()})[key].code == "rule"


def test_hour_that_has_come() -> None:
    form, key = "major_steps/forms/consumer_association_step", "authority_at"

    clock.set_to(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))

    assert key not in refusals(form, {key: "2026-03-02T10:00"})
    assert refusals(form, {key: "2026-03-02T10:01"})[key].code == "rule"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_every_field_is_told_in_both_languages(path: Path) -> None:
    untold = [
        f"{field.key}: {words.text}"
        for field in forms.parse(path.read_bytes(), path.name).every
        for words in (field.label, field.description, field.text, field.valid_message)
        if words.text and not words.english
    ]

    assert untold == []


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_labels_name_and_hints_explain(path: Path) -> None:
    """Brackets of a label hold a unit; a sentence in them belongs into the hint."""
    wordy = [field.label.text for field in forms.parse(path.read_bytes(), path.name).fields
             if "（" in field.label.text and len(field.label.text.partition("（")[2]) > len("10000元")]  # fmt: skip

    assert wordy == []
