"""Processes that are started for many records: each once, by whoever may, with a second person above a limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database.models import (
    Batch,
    BatchItem,
    Delivery,
    Membership,
    Notification,
    ProcessInstance,
    Record,
    User,
)
from casepath.engine.instances import batches, of_records, process_instances
from casepath.engine.people.authorization import Person
from casepath.engine.registers import records
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import channels, factories
from tests.acting import ALICE, BOB, OPERATOR, PROGRAM, somebody
from tests.each import each

Sessions = sessionmaker[Session]


def bulk(above: str = "2", **more: str) -> bytes:
    """A process that sends a text to the guest for whom it was started."""
    said = {"forEach": "guest", "forEachValues": "name", "approvalAbove": above, **more}
    properties = "".join(f'<camunda:property name="{name}" value="{value}"/>' for name, value in said.items())
    told = f"<extensionElements><camunda:properties>{properties}</camunda:properties></extensionElements>"
    return channels.sending("sms", "recipient=${guest}", "text=Dear ${name}, ${said}", key="bulk").replace(
        b'isExecutable="true">', f'isExecutable="true">{told}'.encode()
    )


def keep(transaction: Sessions, *names: str, **more: str) -> list[str]:
    """Deploy the process, keep guests, and return their keys."""
    with transaction.begin() as session:
        factories.group(session, "service")
        for name in ("alice", "bob"):
            factories.user(session, name, groups=["service"])
        channels.deploy(session, channels.SMS, bulk=bulk(**more))
        return [channels.guest(session, name, f"138 0000 {number:04}") for number, name in enumerate(names)]


def propose(transaction: Sessions, keys: Sequence[str], by: Any = ALICE) -> int:
    with transaction.begin() as session:
        return batches.propose(session, "bulk", keys, {"said": "hello"}, by=by).id


def rest(transaction: Sessions) -> None:
    Loop(Surroundings(sessions=transaction), worker_id="w1").rest()


def state(transaction: Sessions) -> tuple[str, list[str]]:
    with transaction.begin() as session:
        items = session.scalars(select(BatchItem.state).order_by(BatchItem.position))
        return session.scalars(select(Batch.state)).one(), list(items)


def texts(transaction: Sessions) -> list[str]:
    with transaction.begin() as session:
        return sorted(session.scalars(select(Delivery.text)))


def test_start__without_a_record_is_refused(transaction: Sessions) -> None:
    """By an address that nobody is shown, past the list of the records and whoever has to agree."""
    keep(transaction, "Anna")

    with transaction.begin() as session, pytest.raises(errors.InvalidInput) as refusal:
        process_instances.start(session, "bulk", {"said": "hello"}, by=ALICE)

    assert refusal.value.code == "begins-with-a-record"


def test_start__only_with_a_record_in_use_that_one_may_read(transaction: Sessions) -> None:
    anna, bert = keep(transaction, "Anna", "Bert")
    with transaction.begin() as session:
        records.archive(session, 2, by=ALICE)

    for key, by in ((bert, ALICE), ("G99999", PROGRAM), (anna, somebody("stefan", "kitchen"))):
        with transaction.begin() as session, pytest.raises(errors.InvalidInput) as refusal:
            process_instances.start(session, "bulk", {"said": "hello", "guest": key, "name": ""}, by=by)
        assert refusal.value.code == "record-unknown"
    with transaction.begin() as session:
        process_instances.start(session, "bulk", {"said": "hello", "guest": anna, "name": "Anna"}, by=ALICE)
        assert session.scalar(select(func.count()).select_from(ProcessInstance)) == 1


def test_start__not_past_whoever_has_to_agree(transaction: Sessions) -> None:
    (anna,) = keep(transaction, "Anna", above="0")

    with transaction.begin() as session, pytest.raises(errors.InvalidInput) as refusal:
        process_instances.start(session, "bulk", {"said": "hello", "guest": anna, "name": "Anna"}, by=ALICE)

    assert refusal.value.code == "needs-approval"


def test_propose__each_record_once(transaction: Sessions) -> None:
    keys = keep(transaction, "Anna", "Bert")

    propose(transaction, [*keys, keys[0]])
    rest(transaction)

    assert state(transaction) == ("completed", ["started", "started"])
    assert texts(transaction) == ["Dear Anna, hello", "Dear Bert, hello"]


def test_run__the_history_says_by_which_batch(transaction: Sessions) -> None:
    (key,) = keep(transaction, "Anna")

    number = propose(transaction, [key])
    rest(transaction)

    with transaction.begin() as session:
        item = session.scalars(select(BatchItem)).one()
        assert item.process_instance_id is not None
        found = history.events(session, item.process_instance_id)
        by_batch = {"batch": number, "position": 1, "register": "guest", "record": key}
        assert (found[0].kind, found[0].by) == ("process_instance.started", "alice")
        assert by_batch.items() <= found[0].facts.items()
        assert history.verify_instance(session, item.process_instance_id) == []
        assert list(history.organisation.verify(session)) == []
        house = [each for each in history.organisation.events(session) if each.kind.startswith("batch.")]
    assert [each.kind for each in house] == ["batch.proposed", "batch.completed"]
    assert house[-1].facts == {"batch": number, "started": 1}


def test_propose__more_than_the_limit_waits_for_another_person(transaction: Sessions) -> None:
    keys = keep(transaction, "Anna", "Bert", "Carl")
    number = propose(transaction, keys)
    rest(transaction)
    assert state(transaction) == ("proposed", ["waiting"] * 3)

    with pytest.raises(errors.Forbidden), transaction.begin() as session:
        batches.approve(session, number, by=ALICE)
    with transaction.begin() as session:
        batches.approve(session, number, by=BOB)
    rest(transaction)

    assert state(transaction) == ("completed", ["started"] * 3)
    with pytest.raises(errors.InvalidState), transaction.begin() as session:
        batches.approve(session, number, by=BOB)


def test_approve__only_the_groups_that_the_diagram_names(transaction: Sessions) -> None:
    number = propose(transaction, keep(transaction, "Anna", "Bert", "Carl", approvers="director"))

    with pytest.raises(errors.Forbidden), transaction.begin() as session:
        batches.approve(session, number, by=BOB)
    with transaction.begin() as session:
        batches.approve(session, number, by=Person(username="dora", groups=frozenset({"director", "service"})))

    assert state(transaction)[0] == "running"


def test_stop__what_was_started_goes_on(transaction: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_records, "TOGETHER", 1)
    number = propose(transaction, keep(transaction, "Anna", "Bert"))
    batches.run(transaction)

    with transaction.begin() as session:
        batches.stop(session, number, by=OPERATOR)
    rest(transaction)

    assert state(transaction) == ("stopped", ["started", "waiting"])
    assert texts(transaction) == ["Dear Anna, hello"]
    with pytest.raises(errors.InvalidState), transaction.begin() as session:
        batches.stop(session, number, by=OPERATOR)


def test_run__a_record_that_is_not_in_use_any_more_keeps_nobody_waiting(transaction: Sessions) -> None:
    number = propose(transaction, keep(transaction, "Anna", "Bert"))
    with transaction.begin() as session:
        records.archive(session, 1, by=ALICE)

    rest(transaction)

    assert state(transaction) == ("completed", ["refused", "started"])
    with transaction.begin() as session:
        assert batches.get(session, number, by=ALICE).size == 2


def test_run__whoever_was_locked_out_starts_nothing(transaction: Sessions) -> None:
    propose(transaction, keep(transaction, "Anna"))
    with transaction.begin() as session:
        session.execute(update(User).where(User.username == "alice").values(active=False))

    rest(transaction)

    assert state(transaction) == ("completed", ["refused"])


def test_run__whoever_may_not_read_the_records_any_more_starts_nothing(transaction: Sessions) -> None:
    propose(transaction, keep(transaction, "Anna"))
    with transaction.begin() as session:
        # Any member of the house may start the process; the register is read by its writers only.
        factories.group(session, "others")
        session.execute(update(Membership).where(Membership.username == "alice").values(group_key="others"))

    rest(transaction)

    assert state(transaction) == ("completed", ["refused"])
    assert texts(transaction) == []


def test_run__killed_in_between_each_once(transaction: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """No exception that anybody handles."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(of_records, "TOGETHER", 3)
    propose(transaction, keep(transaction, *(f"Guest {number}" for number in range(10)), above="100"))
    for name in ("_settle", "_complete"):
        batches.run(transaction)
        with monkeypatch.context() as patched:
            patched.setattr(batches, name, die)
            if name == "_settle":
                with pytest.raises(Killed):
                    batches.run(transaction)
    rest(transaction)

    assert state(transaction) == ("completed", ["started"] * 10)
    with transaction.begin() as session:
        assert session.scalar(select(func.count()).select_from(ProcessInstance)) == 10


def test_preview__tells_what_would_go_out_and_leaves_nothing(transaction: Sessions) -> None:
    keys = keep(transaction, "Anna", "Bert")

    with transaction.begin() as session:
        found = batches.preview(session, "bulk", [*keys, "G99999"], {"said": "hello"}, by=ALICE)

    assert [each.texts for each in found] == [["Dear Anna, hello"], ["Dear Bert, hello"], []]
    assert found[0].variables == {"guest": keys[0], "name": "Anna", "said": "hello"}
    assert (found[1].refusal, str(found[2].refusal)) == (None, "There is no record “G99999” in use.")
    with transaction.begin() as session:
        assert session.scalar(select(func.count()).select_from(ProcessInstance)) == 0


def test_preview__makes_no_record(transaction: Sessions) -> None:
    keys = keep(transaction, "Anna")
    said = channels.form(
        "said",
        channels.field("said"),
        {**channels.field("host"), "properties": {"lookup": "guest", "copies": "said=name", "new_if": "is_new"}},
        channels.field("is_new", "checkbox"),
    )
    begun = bulk().replace(b'<startEvent id="start"', b'<startEvent id="start" camunda:formKey="said"')
    with transaction.begin() as session:
        deployments.deploy(session, {"said.form": said, "bulk.bpmn": begun}, name="said", by=PROGRAM)

    with transaction.begin() as session:
        (shown,) = batches.preview(session, "bulk", keys, {"said": "Carl", "is_new": "true"}, by=ALICE)

    assert shown.texts == ["Dear Anna, Carl"]
    with transaction.begin() as session:
        assert session.scalars(select(Record.key)).all() == keys
        assert list(history.organisation.verify(session)) == []


def test_propose__refused(transaction: Sessions) -> None:
    keys = keep(transaction, "Anna")
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS, p=channels.sending("sms", "to=1", "text=x"))
    for process, chosen, by, refusal in (
        ("bulk", [], ALICE, errors.InvalidInput),
        ("bulk", ["G99999"], ALICE, errors.InvalidInput),
        ("p", keys, ALICE, errors.InvalidInput),
        ("bulk", keys, Person(username="x", groups=frozenset({"sales"})), errors.NotFound),
        ("bulk", keys, Person(username="x"), errors.Forbidden),
    ):
        with pytest.raises(refusal), transaction.begin() as session:
            batches.propose(session, process, chosen, by=by)


@each(
    "said, words",
    [
        ({"forEach": "nobody"}, "nobody"),
        ({"forEachValues": "shoe_size"}, "shoe_size"),
        ({"approvalAbove": "many"}, "many"),
        ({"forEach": ""}, "forEach"),
    ],
)
def test_deploy__what_a_diagram_says_of_records_and_is_not_so(
    transaction: Sessions, said: dict[str, str], words: str
) -> None:
    files = {**channels.REGISTER, "bulk.bpmn": bulk(**said)}
    with transaction.begin() as session, pytest.raises(errors.DeploymentRefused, match=words):
        deployments.deploy(session, files, name="x", by=PROGRAM)


def told(transaction: Sessions, username: str) -> list[tuple[str, bool]]:
    """What a user was told, and whether he need not read it any more."""
    with transaction.begin() as session:
        found = session.scalars(select(Notification).where(Notification.username == username).order_by(Notification.id))
        return [(each.subject, each.read_at is not None) for each in found]


def test_propose__tells_those_who_may_let_it_begin(transaction: Sessions) -> None:
    keys = keep(transaction, "Anna", "Bert", "Carl")
    with transaction.begin() as session:
        factories.user(session, "zoe", groups=["service"], active=False)

    number = propose(transaction, keys)

    said = f"“bulk” for 3 records waits until somebody lets it begin (batch {number})."
    assert told(transaction, "bob") == [(said, False)]
    assert told(transaction, "alice") == told(transaction, "zoe") == []


@pytest.mark.parametrize("verb", ["approve", "stop"])
def test_propose__nobody_need_look_when_it_is_done(transaction: Sessions, verb: str) -> None:
    keys = keep(transaction, "Anna", "Bert", "Carl")
    with transaction.begin() as session:
        factories.user(session, "carol", groups=["service"])
    number = propose(transaction, keys)

    with transaction.begin() as session:
        getattr(batches, verb)(session, number, by=BOB)

    assert [is_read for _, is_read in told(transaction, "carol")] == [True]


def test_propose__tells_nobody_where_nobody_is_needed(transaction: Sessions) -> None:
    propose(transaction, keep(transaction, "Anna", "Bert"))

    assert told(transaction, "bob") == []


@pytest.mark.parametrize("approvers", ["directors", "service,directors"])
def test_propose__tells_those_whom_the_diagram_names_as_far_as_they_may(
    transaction: Sessions, approvers: str
) -> None:
    """A director does not read the guests; where nobody may, administrators are told."""
    with transaction.begin() as session:
        factories.group(session, "directors")
        factories.group(session, "administrator")
        factories.user(session, "dora", groups=["directors"])
        factories.user(session, "ada", groups=["administrator"])
    propose(transaction, keep(transaction, "Anna", "Bert", "Carl", approvers=approvers))

    assert told(transaction, "dora") == []
    assert bool(told(transaction, "bob")) == ("service" in approvers)
    assert bool(told(transaction, "ada")) == ("service" not in approvers)
