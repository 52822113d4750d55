"""Declarations of registers: what is deployed, and what is refused. The trade is a hospital's, from files only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.deployments import registers
from tests import channels, diagrams, factories
from tests.acting import OLIVIA
from tests.each import each
from tests.phrases import chinese
from tests.wards import BED, FILES, PATIENT, ward

Sessions = sessionmaker[Session]


def refused(transaction: Sessions, **changed: Any) -> list[str]:
    """What is said of the register of beds with these entries; None takes one away."""
    declaration = {name: value for name, value in {**BED, **changed}.items() if value is not None}
    with transaction.begin() as session, pytest.raises(errors.DeploymentRefused) as caught:
        deployments.deploy(session, ward(bed=declaration), name="ward", by=OLIVIA)
    assert {finding.file for finding in caught.value.findings} == {"registers/bed.json"}
    return [str(finding.phrase) for finding in caught.value.findings]


def test_deploy__registers_are_definitions(transaction: Sessions) -> None:
    with transaction.begin() as session:
        result = deployments.deploy(session, FILES, name="ward", by=OLIVIA)
        again = deployments.deploy(session, FILES, name="ward", by=OLIVIA)

    found = {(row.kind, row.key, row.name, row.version) for row in result.definitions if row.kind == "register"}
    assert found == {("register", "patient", "病人", 1), ("register", "bed", "床位", 1)}
    assert again.definitions == []


def test_deploy__another_form_is_a_new_version_of_its_register(transaction: Sessions) -> None:
    form = json.loads(FILES["forms/bed.form"])
    form["components"].append({"type": "textfield", "key": "window", "label": "窗"})
    with transaction.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=OLIVIA)
        files = {**FILES, "forms/bed.form": json.dumps(form).encode()}
        result = deployments.deploy(session, files, name="ward", by=OLIVIA)

    assert ("register", "bed", 2) in {(row.kind, row.key, row.version) for row in result.definitions}


def test_deploy__what_has_come_before_counts(transaction: Sessions) -> None:
    alone = {"registers/bed.json": json.dumps({**BED, "name": "病床"}).encode()}
    with transaction.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=OLIVIA)
        result = deployments.deploy(session, alone, name="ward", by=OLIVIA)

    assert [(row.key, row.version, row.name) for row in result.definitions] == [("bed", 2, "病床")]


@each(
    "changed, said",
    [
        ({"colour": "red"}, "Expected only id, name, name_en, form, number, key, moment, title, columns, search, "
                            "unique, alike, readers, writers, mergers, references, but found “colour”"),
        ({"name": None}, "Expected “name”, but it is not there"),
        ({"form": 7}, "Expected a text as “form”, but found 7"),
        ({"columns": "room"}, "Expected a list of texts as “columns”, but found 'room'"),
        ({"references": ["patient"]}, "Expected a register for each field as “references”, but found ['patient']"),
        ({"key": None}, "Expected either “number” or “key”, but found both or none"),
        ({"number": "B{number}"}, "Expected either “number” or “key”, but found both or none"),
        ({"key": None, "number": "B{day}"},
         "Expected a format of numbers such as KH{year}-{number:5}, but found “B{day}”"),
        ({"form": "couch"}, "Expected a form, but found “couch”, which is not there"),
        ({"search": ["floor"]}, "Expected a field of the form “bed” as “search”, but found “floor”"),
        ({"references": {"patient": "guest"}}, "Expected a register, but found “guest”, which is not there"),
        ({"unique": ["equipment"]}, "Expected a field with one value as “unique”, but found “equipment”"),
        ({"key": "room"}, "Expected a field that has to be filled in as “key”, but found “room”"),
    ],
)  # fmt: skip
def test_deploy__says_what_was_expected_and_found(transaction: Sessions, changed: dict[str, Any], said: str) -> None:
    assert refused(transaction, **changed) == [said]


def test_deploy__a_form_that_cannot_be_read_hides_nothing_else(transaction: Sessions) -> None:
    """Whatever names the form, it is told once and at its own file, with all that is wrong elsewhere."""
    said = {"forEach": "guest", "forEachValues": "name"}
    properties = "".join(f'<camunda:property name="{name}" value="{value}"/>' for name, value in said.items())
    declared = f"<extensionElements><camunda:properties>{properties}</camunda:properties></extensionElements>"
    nodes = '<startEvent id="s" camunda:formKey="guest"/><endEvent id="e"/>'
    files = {
        **ward(bed={**BED, "form": "couch"}),
        **channels.REGISTER,
        "guest.form": channels.form("guest", channels.field("name", "html"), channels.field("phone")),
        "channels.json": channels.declared(channels.SMS),
        "bulk.bpmn": diagrams.process(declared, nodes, flow="s > e", key="bulk"),
        "documents/letter.md": b"---\ntitle: x\nfor: bulk\n---\n{{rounds.s[1].name}}\n",
    }
    with transaction.begin() as session, pytest.raises(errors.DeploymentRefused) as caught:
        deployments.deploy(session, files, name="ward", by=OLIVIA)

    wrong = [(each.file, each.code) for each in caught.value.findings if each.level == "error"]
    assert sorted(wrong) == [("guest.form", "component-type"), ("registers/bed.json", "register")]


def test_deploy__groups_that_nobody_has(transaction: Sessions) -> None:
    with transaction.begin() as session:
        factories.group(session, "nurses")

    text = "Expected a group of the organisation, but found “porters”; correct its key, or add the group before"
    assert refused(transaction, readers=["porters"], writers=["nurses"]) == [text]


def test_parse__lists_and_search_show_the_title_where_nothing_is_said() -> None:
    declaration = {name: value for name, value in PATIENT.items() if name not in ("columns", "search")}

    found = registers.parse(declaration)

    assert (found.columns, found.search) == (("name",), ("name",))


def test_findings_have_their_chinese(transaction: Sessions) -> None:
    with transaction.begin() as session, pytest.raises(errors.DeploymentRefused) as caught:
        deployments.deploy(session, ward(bed={**BED, "form": "couch"}), name="ward", by=OLIVIA)

    assert [chinese(finding.phrase) for finding in caught.value.findings] == ["应为已有的表单，但找到的“couch”并不存在"]
