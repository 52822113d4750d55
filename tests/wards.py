"""A hospital ward in files: registers of patients and beds, with their forms, and a process that admits patients."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests import diagrams

PATIENT: Mapping[str, Any] = {
    "id": "patient",
    "name": "病人",
    "name_en": "Patient",
    "form": "patient",
    "number": "P{year}-{number:4}",
    "title": ["name"],
    "columns": ["name", "phone"],
    "search": ["name", "phone"],
    "unique": ["phone"],
    "readers": ["nurses"],
    "writers": ["nurses"],
}
BED: Mapping[str, Any] = {
    "id": "bed",
    "name": "床位",
    "name_en": "Bed",
    "form": "bed",
    "key": "label",
    "title": ["label"],
    "columns": ["label", "room", "patient"],
    "references": {"patient": "patient"},
    "readers": ["nurses", "doctors"],
    "writers": ["nurses"],
}


def field(key: str, label: str, english: str, **more: Any) -> dict[str, Any]:
    """A text field of a form."""
    return {"type": "textfield", "key": key, "label": label, "properties": {"label_en": english}, **more}


NEEDED = {"validate": {"required": True}}
PATIENT_FORM = [field("name", "姓名", "Name", **NEEDED), field("phone", "电话", "Phone")]
BED_FORM = [
    field("label", "床号", "Label", **NEEDED),
    field("room", "病房", "Room"),
    field("patient", "病人", "Patient"),
    {"type": "select", "key": "kind", "label": "类别", "properties": {"label_en": "Kind"},
     "values": [{"value": "icu", "label": "重症"}, {"value": "plain", "label": "普通"}]},
    {"type": "checkbox", "key": "isolated", "label": "隔离", "properties": {"label_en": "Isolated"}},
    {"type": "datetime", "subtype": "date", "key": "cleaned", "label": "消毒", "dateLabel": "消毒",
     "properties": {"label_en": "Cleaned"}},
    {"type": "checklist", "key": "equipment", "label": "设备", "properties": {"label_en": "Equipment"},
     "values": [{"value": "oxygen", "label": "氧气"}, {"value": "lamp", "label": "灯"}]},
]  # fmt: skip


def ward(*, patient: Mapping[str, Any] = PATIENT, bed: Mapping[str, Any] = BED) -> dict[str, bytes]:
    """The files of the ward, with these registers."""
    files: dict[str, Any] = {
        "registers/patient.json": patient,
        "registers/bed.json": bed,
        "forms/patient.form": {"id": "patient", "type": "default", "components": PATIENT_FORM},
        "forms/bed.form": {"id": "bed", "type": "default", "components": BED_FORM},
    }
    return {file: json.dumps(content, ensure_ascii=False).encode() for file, content in files.items()}


FILES = ward()

LOOKUP = {"lookup": "patient", "copies": "name, telephone=phone", "new_if": "is_new"}
ADMISSION_FORM = [
    field("patient", "病人", "Patient", properties=LOOKUP),
    field("name", "姓名", "Name", **NEEDED),
    field("telephone", "电话", "Phone"),
    {"type": "checkbox", "key": "is_new", "label": "新病人"},
]
#: Beside those above: a bed, which says whose it is, and an admission that belongs together with this one.
MORE = [
    field("bed", "床位", "Bed", properties={"lookup": "bed", "copies": "patient"}),
    field("earlier", "此前", "Earlier", properties={"lookup": "matter"}),
]


def form(*components: Mapping[str, Any], key: str = "admission") -> bytes:
    """A form of these fields."""
    return json.dumps({"id": key, "type": "default", "components": components}, ensure_ascii=False).encode()


def admission(records: str = "patient:patient,bed:bed,earlier:matter") -> bytes:
    """A process that begins with the form of admissions and asks for it again, and points to these records."""
    declared = {"records": records, "businessKeyFormat": "A-{number}", "facts": "name:text,telephone:text"}
    properties = "".join(f'<camunda:property name="{name}" value="{text}"/>' for name, text in declared.items())
    return diagrams.process(
        f"<extensionElements><camunda:properties>{properties}</camunda:properties></extensionElements>",
        '<startEvent id="s" camunda:formKey="admission"/>'
        '<userTask id="t" camunda:formKey="admission" camunda:candidateGroups="service"/>',
        flow="s > t", key="admission",
    )  # fmt: skip


ADMISSION = {"admission.bpmn": admission(), "admission.form": form(*ADMISSION_FORM, *MORE)}
