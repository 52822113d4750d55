"""The registers of `processes/`: deployed with their people, filled by the demo, in both languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath import demo
from casepath.engine import deployments, errors, history
from casepath.engine.deployments import registers
from casepath.engine.people import identity
from casepath.engine.people.authorization import Person
from casepath.engine.queries import records as lists
from casepath.engine.queries.records import Filters
from casepath.engine.registers import access, records
from tests.acting import PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
FOLDER = PROCESSES / "customers"
RECORDS = json.loads((FOLDER / "records.json").read_text(encoding="utf-8"))["records"]

OF_CAR = {"vehicle": RECORDS["vehicle"][0]["vin"], "customer": "KH000001"}


@pytest.fixture
def dealership(transaction: Sessions) -> Sessions:
    """People, registers, and the records of the demo."""
    with transaction.begin() as session:
        people = json.loads((PROCESSES / "shared" / "groups.json").read_text(encoding="utf-8"))
        identity.import_people(session, people, by=PROGRAM)
        result = deployments.deploy(session, deployments.read_folder(FOLDER), name="customers", by=PROGRAM)
        # The process that its channel starts comes later.
        assert [(each.code, each.element_id) for each in result.warnings] == [("unknown-process", "oem_crm")]
        demo.add_records(session, PROCESSES)
    return transaction


def test_demo__fills_the_registers_once(dealership: Sessions) -> None:
    with dealership.begin() as session:
        demo.add_records(session, PROCESSES)
        found = {
            declared.key: [row.values for row in lists.every(session, declared, Filters(order=".key"))]
            for declared in registers.every(session)
        }

        assert list(history.verify_all(session)) == []
    assert {key: len(rows) for key, rows in found.items() if rows} == {key: len(rows) for key, rows in RECORDS.items()}
    owners = {str(row["owner"]) for row in found["vehicle"]}
    assert len(owners) >= 12


def test_declarations__everything_is_called_in_both_languages(dealership: Sessions) -> None:
    with dealership.begin() as session:
        for declared in registers.every(session):
            form = deployments.form(session, declared.form, declared.definition_id)
            assert form is not None
            words = [part.label for part in form.every] + [each.label for part in form.fields for each in part.options]
            words += [part.description for part in form.fields if part.description.text]
            assert declared.name_en
            assert [each.text for each in words if not (each.text and each.english)] == []


@each(
    "username, may",
    [("front_desk_wang", "write"), ("advisor_li", "write"), ("general_manager_qian", "read"),
     ("auditor_jiang", "read"), ("admin_yang", "read"), ("fm_feng", ""), ("owner_han", "")],
)  # fmt: skip
def test_rights(dealership: Sessions, username: str, may: str) -> None:
    with dealership.begin() as session:
        assert bool(access.readable(session, username)) == bool(may)
        wanted = {"read": errors.Forbidden, "": errors.NotFound}.get(may)
        if wanted is None:
            assert records.archive(session, 1, by=username).state == "archived"
            records.restore(session, 1, by=username)
        else:
            with pytest.raises(wanted):
                records.archive(session, 1, by=username)


@each(
    "register, submitted, field",
    [
        ("customer", {"customer_phone": "123"}, "customer_phone"),
        ("customer", {"customer_phone": "15400003127"}, "customer_phone"),
        ("customer", {"customer_kind": "friend"}, "customer_kind"),
        ("vehicle", {"vin": "LTEST26XA1100031"}, "vin"),
        ("vehicle", {"vin": "LTEST26XA1100031O"}, "vin"),
        ("vehicle", {"vin": "ltest26xa11999999"}, "vin"),
        ("vehicle", {"plate": "12345"}, "plate"),
        ("vehicle", {"owner": "KH999999"}, "owner"),
        ("vehicle", {"sold_on": "2026-09-02", "delivered_on": "2026-09-01"}, "delivered_on"),
        ("vehicle", {"delivered_on": "2026-09-01", "warranty_until": "2026-09-01"}, "warranty_until"),
        ("vehicle", {"mileage": "-1"}, "mileage"),
        ("delivery", {"delivered_at": "2999-01-01T09:00"}, "delivered_at"),
        ("delivery", {"vehicle": "LTEST26XA99999999"}, "vehicle"),
        ("repair_order", {"handed_over_at": "2025-10-01T09:00"}, "handed_over_at"),
        ("repair_order", {"repair_amount": "-1"}, "repair_amount"),
    ],
)
def test_slips(dealership: Sessions, register: str, submitted: dict[str, str], field: str) -> None:
    whole = {
        "customer": {"customer_name": "穆青", "customer_kind": "private", "customer_phone": "154 0000 0001"},
        "vehicle": {"vin": "LTEST26XA11999999", "vehicle_model": "远航 2.0T"},
        "delivery": {**OF_CAR, "delivered_at": "2025-11-02T10:00", "sales_consultant": "陈浩"},
        "repair_order": {**OF_CAR, "work_order": "WX1", "came_in_at": "2025-11-02T10:00", "service_advisor": "李强",
                         "customer_complaint": "异响"},
    }[register]
    with dealership.begin() as session, pytest.raises(errors.InvalidVariables) as caught:
        records.create(session, register, {**whole, **submitted}, by="front_desk_wang")

    assert [error.field for error in caught.value.errors] == [field]


def test_whole(dealership: Sessions) -> None:
    with dealership.begin() as session:
        customer = {"customer_name": "穆青", "customer_kind": "private", "customer_phone": "154 0000 0001"}
        owner = records.create(session, "customer", customer, by="front_desk_wang").key
        vehicle = {"vin": "LTEST26XA11999999", "vehicle_model": "远航 2.0T", "plate": "沪A 9I999", "owner": owner}
        assert records.create(session, "vehicle", vehicle, by="front_desk_wang").key == "LTEST26XA11999999"
        found = {each.register.key for each in lists.search(session, front_desk(session), "a9i999")}

    assert found == {"vehicle"}


def front_desk(session: Session) -> Person:
    """Somebody of the front desk."""
    return identity.person(session, "front_desk_wang")
