"""The channels that are shipped: each is of use as it is, without a diagram of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from lxml import etree
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, errors, history
from casepath.engine.instances import arrivals, process_instances
from tests.acceptance.conftest import PROCESSES
from tests.acting import PROGRAM

CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DECLARED = json.loads((PROCESSES / "customers" / "channels.json").read_text("utf-8"))["channels"]
ITEM = {"customer_name": "于先生", "customer_phone": "15400000088", "vehicle_model": "途观L",
        "category": "repair_quality", "complaint_text": "维修后仍有异响。", "dissatisfaction": "low", "loss": "small",
        "irrational": "none"}  # fmt: skip


@pytest.fixture
def sessions(dealership_url: str) -> Iterator[sessionmaker[Session]]:
    """The dealership, where nothing has happened yet."""
    pool = database.connect(dealership_url)
    yield database.sessions(pool)
    pool.dispose()


def test_recipients_and_messages__only_where_a_diagram_sends_and_waits() -> None:
    trees = [etree.parse(path) for path in PROCESSES.glob("*/*.bpmn")]
    topics = {task.get(f"{CAMUNDA}topic") for tree in trees for task in tree.iter(f"{BPMN}serviceTask")}
    caught = {message.get("name") for tree in trees for message in tree.iter(f"{BPMN}message")}

    assert {each["id"] for each in DECLARED if "recipients" in each} <= topics
    assert {name for each in DECLARED for name in each.get("messages", {}).values()} <= caught


def test_item_of_the_manufacturer__becomes_a_complaint_once(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        first = arrivals.take(session, "oem_crm", "item", "CRM-7", {"variables": ITEM})
        again = arrivals.take(session, "oem_crm", "item", "CRM-7", {"variables": ITEM})
        assert first.process_instance_id is not None
        known = process_instances.variables(session, first.process_instance_id)

    assert (again.is_known, again.process_instance_id) == (True, first.process_instance_id)
    assert (known["original_number"], known["complaint_text"]) == ("CRM-7", ITEM["complaint_text"])
    assert known["channel"] == "crm", "by which it is answered before the end, whatever the other side says"


@pytest.mark.parametrize("dealership_url", ["sqlite"], indirect=True)
def test_recording__stands_in_the_matter_that_it_names(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        started = arrivals.take(session, "oem_crm", "item", "CRM-8", {"variables": ITEM}).process_instance_id
        assert started is not None
        key = process_instances.get(session, started).business_key
        said = {"business_key": key, "at": "2026-11-02T10:00:00+08:00", "url": "https://telephony.test/1"}
        arrivals.take(session, "telephony", "recording", "R-1", said)
        kinds = [event.kind for event in history.events(session, started)]

    assert kinds.count("arrival.recording") == 1


def test_recording__by_the_number_that_was_called(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        ids = [
            arrivals.take(session, "oem_crm", "item", f"CRM-{number}", {"variables": {**ITEM, "customer_phone": phone}})
            for number, phone in enumerate(("15400000088", "154 0000 0088、021-54000077", "15400000099", "15400000088"))
        ]
        numbers = [each.process_instance_id or 0 for each in ids]
        process_instances.cancel(session, numbers[3], reason="-", by=PROGRAM)
    spoken = {"at": "2026-11-02T10:00:00+08:00", "seconds": 95, "url": "https://telephony.test/2"}
    with sessions.begin() as session:
        found = [
            arrivals.take(session, "telephony", "recording", f"R-{place}", {**spoken, "address": number})
            for place, number in enumerate(("+86 154 0000 0088", "02154000077", "15400000099"))
        ]
        assert [each.process_instance_id for each in found] == [numbers[1], numbers[1], numbers[2]]
        for number in ("15400000077", "154000", "nobody"):
            with pytest.raises(errors.NotFound):
                arrivals.take(session, "telephony", "recording", f"R-{number}", {**spoken, "address": number})
