"""What comes in through channels: taken once, known to whom it belongs, and told in the history."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, history
from casepath.engine.database.models import Arrival, Delivery, ProcessInstance
from casepath.engine.instances import arrivals, attachments, process_instances
from casepath.engine.instances.arrivals import Audio, Kind, Taken
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import channels, diagrams
from tests.acting import PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]

#: Sends, and then waits for what is answered.
ASKING = diagrams.process(
    '<startEvent id="start"/>',
    '<serviceTask id="send" camunda:type="external" camunda:topic="sms"><extensionElements><camunda:inputOutput>'
    '<camunda:inputParameter name="to">138 0000 0001</camunda:inputParameter>'
    '<camunda:inputParameter name="text">Are you coming?</camunda:inputParameter>'
    "</camunda:inputOutput></extensionElements></serviceTask>",
    '<receiveTask id="wait" messageRef="m"/>',
    '<endEvent id="end"/>',
    flow="start > send;send > wait;wait > end", root=diagrams.MESSAGE,
)  # fmt: skip
SMS = {**channels.SMS, "messages": {"reply": "order"}}
CRM = {"id": "crm", "name": "CRM", "connector": "log", "starts": {"process": "item"}}
SPOKEN = b"RIFF\x24\x00\x00\x00WAVEfmt "
#: Starts with what an item says.
ITEM = diagrams.process(diagrams.nodes("startEvent s;userTask t;endEvent e"), flow="s > t;t > e", key="item")


def asked(transaction: Sessions) -> int:
    """A process that has sent something and waits for the answer."""
    with transaction.begin() as session:
        channels.deploy(session, SMS, CRM, p=ASKING, item=ITEM)
        number = channels.send(session)
    Loop(Surroundings(sessions=transaction), worker_id="w1").rest()
    return number


def take(transaction: Sessions, kind: Kind, number: str, **said: Any) -> Taken:
    with transaction.begin() as session:
        return arrivals.take(session, "crm" if kind == "item" else "sms", kind, number, said)


def key_of(transaction: Sessions) -> str:
    with transaction.begin() as session:
        return session.scalars(select(Delivery.idempotency_key)).one()


def kinds(transaction: Sessions, instance_id: int) -> list[str]:
    with transaction.begin() as session:
        assert history.verify_instance(session, instance_id) == []
        return [each.kind for each in history.events(session, instance_id) if each.kind.startswith("arrival.")]


def test_report__by_our_key(transaction: Sessions) -> None:
    number = asked(transaction)

    taken = take(transaction, "report", "r1", delivery=key_of(transaction), state="delivered")

    assert (taken.is_known, taken.process_instance_id) == (False, number)
    with transaction.begin() as session:
        assert session.scalars(select(Delivery.state)).one() == "delivered"
    assert kinds(transaction, number) == ["arrival.report"]


def test_reply__moves_whoever_waits_for_it(transaction: Sessions) -> None:
    number = asked(transaction)

    take(transaction, "reply", "a1", address="138 0000 0001", text="Yes")

    with transaction.begin() as session:
        assert process_instances.get(session, number).state == "completed"
        found = process_instances.variables(session, number)
    assert (found["reply_text"], found["reply_number"]) == ("Yes", "a1")
    assert kinds(transaction, number) == ["arrival.reply"]


def test_reply__nobody_waits_any_more(transaction: Sessions) -> None:
    number = asked(transaction)
    take(transaction, "reply", "a1", address="138 0000 0001", text="Yes")

    take(transaction, "reply", "a2", address="138 0000 0001", text="No, sorry")

    assert kinds(transaction, number) == ["arrival.reply", "arrival.reply"]


@pytest.mark.parametrize("written", ["13800000001", "+86 138-0000-0001", "0086 (138) 00000001", "138.0000.0001/"])
def test_reply__by_the_address_however_it_is_written(transaction: Sessions, written: str) -> None:
    number = asked(transaction)

    assert take(transaction, "reply", "a1", address=written, text="Yes").process_instance_id == number


@pytest.mark.parametrize(
    ("address", "written"),
    [("ou_7#Ab", "ou_7#Ab"), ("Anna@dealer.test", "anna@DEALER.test"), ("+86 138（0000 0001）", "13800000001")],
)
def test_reply__by_an_address_that_was_written_otherwise(transaction: Sessions, address: str, written: str) -> None:
    with transaction.begin() as session:
        channels.deploy(session, SMS, p=channels.sending("sms", f"to={address}", "text=Hello"))
        number = channels.send(session)
    Loop(Surroundings(sessions=transaction), worker_id="w1").rest()

    assert take(transaction, "reply", "a1", address=written, text="Yes").process_instance_id == number


def test_reply__in_the_matter_of_what_went_there_last(transaction: Sessions) -> None:
    asked(transaction)
    with transaction.begin() as session:
        channels.deploy(session, SMS, last=channels.sending("sms", "to=+86 13800000001", "text=Hello", key="last"))
        last = channels.send(session, key="last", business_key="N2")
    Loop(Surroundings(sessions=transaction), worker_id="w1").rest()

    assert take(transaction, "reply", "a1", address="138 0000 0001", text="Yes").process_instance_id == last


def test_report__that_changes_nothing_stands_nowhere(transaction: Sessions) -> None:
    number = asked(transaction)
    key = key_of(transaction)
    take(transaction, "report", "r1", delivery=key, state="delivered")

    take(transaction, "report", "r2", delivery=key, state="failed")

    assert kinds(transaction, number) == ["arrival.report"]


def test_recording__of_a_matter(transaction: Sessions) -> None:
    number = asked(transaction)

    take(transaction, "recording", "c1", business_key="N1", at="2026-11-30T10:00:00+08:00", url="https://calls/c1")

    assert kinds(transaction, number) == ["arrival.recording"]


def test_recording__is_a_file_of_its_matter_until_it_is_removed(transaction: Sessions) -> None:
    number = asked(transaction)
    spoken = {"business_key": "N1", "at": "2026-11-30T10:00:00+08:00"}
    with transaction.begin() as session:
        arrivals.take(session, "sms", "recording", "c1", spoken, audio=Audio(name="a/call.wav", content=SPOKEN))

    with transaction.begin() as session:
        (kept,) = attachments.list_of(session, "N1")
        assert (kept.name, kept.media_type, kept.created_by) == ("call.wav", "audio/wav", "program:channel-sms")
        assert attachments.content(session, kept.id) == SPOKEN
        attachments.remove(session, kept.id, by=PROGRAM, reason="asked for")
    with transaction.begin() as session:
        again = arrivals.take(session, "sms", "recording", "c1", spoken, audio=Audio(name="call.wav", content=SPOKEN))
        assert (again.is_known, attachments.list_of(session, "N1")) == (True, [])
    assert kinds(transaction, number) == ["arrival.recording"]


def test_recording__where_no_file_can_be_kept(transaction: Sessions) -> None:
    with transaction.begin() as session:
        channels.deploy(session, SMS, p=channels.sending("sms", "to=138", "text=Hello"))
        channels.send(session, business_key=None)
    Loop(Surroundings(sessions=transaction), worker_id="w1").rest()

    said = {"address": "138", "at": "2026-11-30T10:00:00+08:00"}

    with pytest.raises(errors.InvalidInput, match="have a number"), transaction.begin() as session:
        arrivals.take(session, "sms", "recording", "c1", said, audio=Audio(name="call.wav", content=SPOKEN))


def test_item__starts_its_process_once(transaction: Sessions) -> None:
    asked(transaction)

    first = take(transaction, "item", "OEM-1", variables={"what": "door"})
    again = take(transaction, "item", "OEM-1", variables={"what": "door"})

    assert (first.is_known, again.is_known) == (False, True)
    assert again.process_instance_id == first.process_instance_id
    with transaction.begin() as session:
        assert session.scalar(select(func.count()).select_from(Arrival)) == 1
        started = session.scalars(select(ProcessInstance).where(ProcessInstance.definition_key == "item")).one()
        assert (started.business_key, started.started_by) == ("OEM-1", "program:channel-crm")


def test_take__something_else_under_a_known_number(transaction: Sessions) -> None:
    asked(transaction)
    take(transaction, "item", "OEM-1", variables={"what": "door"})

    with pytest.raises(errors.InvalidInput, match="used before"):
        take(transaction, "item", "OEM-1", variables={"what": "roof"})


@each(
    "kind, said, code",
    [
        ("report", {"state": "delivered"}, "arrival-missing"),
        ("report", {"delivery": "x", "state": "eaten"}, "arrival-state"),
        ("report", {"delivery": "nobody's", "state": "failed"}, "not-found"),
        ("reply", {"text": "Yes", "mood": "good"}, "arrival-unknown"),
        ("reply", {"text": 7}, "arrival-type"),
        ("reply", {"text": "Who is this?", "address": "139"}, "not-found"),
        ("reply", {"text": "Who is this?"}, "arrival-missing"),
        ("recording", {"at": "now", "address": "139"}, "not-found"),
        ("reply", {"text": "x" * 20_001}, "text-too-long"),
        ("recording", {"at": "now", "business_key": "N9"}, "not-found"),
        ("recording", {"at": "now", "seconds": float("nan")}, "value-number"),
        ("recording", {"at": "now", "seconds": float("inf")}, "value-number"),
        ("item", {"variables": []}, "arrival-type"),
        ("item", {"variables": {"what": "\ud800"}}, "value-characters"),
        ("item", {"variables": {"what": float("nan")}}, "value-number"),
    ],
)
def test_take__refused(transaction: Sessions, kind: Kind, said: dict[str, Any], code: str) -> None:
    with transaction.begin() as session:
        channels.deploy(session, SMS, CRM)
    with pytest.raises(errors.EngineError) as caught:
        take(transaction, kind, "n1", **said)
    assert caught.value.code == code
    with transaction.begin() as session:
        assert session.scalar(select(func.count()).select_from(Arrival)) == 0


def test_erase__what_came_in(transaction: Sessions) -> None:
    number = asked(transaction)
    take(transaction, "reply", "a1", address="138 0000 0001", text="My name is Anna")

    with transaction.begin() as session:
        process_instances.erase(session, number, ["text", "reply_text"], by=PROGRAM, reason="asked for")

    with transaction.begin() as session:
        assert session.scalars(select(Arrival.content)).one() == "{}"
        assert history.verify_instance(session, number) == []


def test_erase__a_report_that_changed_nothing(transaction: Sessions) -> None:
    number = asked(transaction)
    key = key_of(transaction)
    for name in ("r1", "r2"):
        take(transaction, "report", name, delivery=key, state="failed", text=f"138 0000 0001 is off, {name}")

    with transaction.begin() as session:
        process_instances.erase(session, number, ["text"], by=PROGRAM, reason="asked for")

    with transaction.begin() as session:
        assert session.scalars(select(Arrival.content)).all() == ["{}", "{}"]


def test_erase__what_an_item_said(transaction: Sessions) -> None:
    asked(transaction)
    said = {"what": "door", "whose": "Anna"}
    number = take(transaction, "item", "OEM-1", variables=said).process_instance_id
    assert number is not None

    with transaction.begin() as session:
        assert process_instances.erase(session, number, ["whose"], by=PROGRAM, reason="asked for") == 1

    with transaction.begin() as session:
        assert session.scalars(select(Arrival.content)).one() == '{"variables":{"what":"door"}}'
        assert history.verify_instance(session, number) == []
    assert take(transaction, "item", "OEM-1", variables=said).is_known
