"""Processes that new records of a register start: each record one instance, whichever way it came."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history, settings
from casepath.engine.database.models import Definition, ProcessInstance, RecordStart
from casepath.engine.deployments import definitions, selections
from casepath.engine.instances import batches, of_records, process_instances, record_starts
from casepath.engine.registers import imports, records
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import channels, diagrams, factories
from tests.acting import ALICE, OPERATOR, PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]


def welcome(**said: str) -> bytes:
    """A process that waits with the guest for whom it was started."""
    told = "".join(f'<camunda:property name="{name}" value="{value}"/>' for name, value in said.items())
    properties = f"<extensionElements><camunda:properties>{told}</camunda:properties></extensionElements>"
    drawn = diagrams.process(
        diagrams.nodes("startEvent start;userTask greet;endEvent end"), flow="start > greet;greet > end", key="welcome"
    )
    return drawn.replace(b'isExecutable="true">', f'isExecutable="true">{properties}'.encode())


def deploy(session: Session, **said: str) -> None:
    told = said or {"onCreate": "guest", "forEachValues": "name"}
    channels.deploy(session, channels.SMS, welcome=welcome(**told))


def prepare(transaction: Sessions) -> None:
    with transaction.begin() as session:
        factories.group(session, "service")
        factories.user(session, "alice", groups=["service"])
        deploy(session)


def keep(transaction: Sessions, *names: str) -> None:
    with transaction.begin() as session:
        for name in names:
            records.create(session, "guest", {"name": name}, by=ALICE)


def rest(transaction: Sessions) -> None:
    Loop(Surroundings(sessions=transaction), worker_id="w1").rest()


def begun(transaction: Sessions) -> list[tuple[str | None, Any]]:
    """Return by whom each instance was started, and with what."""
    with transaction.begin() as session:
        rows = session.execute(select(ProcessInstance.id, ProcessInstance.started_by).order_by(ProcessInstance.id))
        return [(row.started_by, process_instances.variables(session, row.id)) for row in rows]


def states(transaction: Sessions) -> list[str]:
    with transaction.begin() as session:
        return list(session.scalars(select(RecordStart.state).order_by(RecordStart.record_id)))


def test_create__starts_one_with_the_record_and_who_made_it(transaction: Sessions) -> None:
    prepare(transaction)

    keep(transaction, "Anna")
    assert (begun(transaction), states(transaction)) == ([], ["waiting"])
    rest(transaction)
    rest(transaction)

    assert begun(transaction) == [("alice", {"guest": "G00001", "name": "Anna"})]
    with transaction.begin() as session:
        (first, *_) = history.events(session, session.scalars(select(ProcessInstance.id)).one())
    assert {"register": "guest", "record": "G00001"}.items() <= first.facts.items()


def test_import__each_record_once_and_nothing_for_what_was_there(transaction: Sessions) -> None:
    prepare(transaction)
    rows = [imports.Row(line=line, submitted={"name": f"Guest {line}"}) for line in range(1, 51)]

    with transaction.begin() as session:
        imports.take(session, "guest", rows, by=ALICE)
        imports.take(session, "guest", [imports.Row(line=1, submitted={"name": "Changed"}, key="G00001")], by=ALICE)
    assert begun(transaction) == []
    rest(transaction)

    assert [variables["guest"] for _, variables in begun(transaction)] == [f"G{line:05}" for line in range(1, 51)]


def test_create__records_of_before_start_nothing(transaction: Sessions) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS)
        channels.guest(session, "Anna")
        deploy(session)

    rest(transaction)

    assert begun(transaction) == []


def test_deploy__the_newest_version_says_what_starts(transaction: Sessions) -> None:
    prepare(transaction)
    keep(transaction, "Anna")

    with transaction.begin() as session:
        deploy(session, facts="name:text")
    keep(transaction, "Bert")
    rest(transaction)

    # What was noted before begins all the same, and with the version of now.
    assert begun(transaction) == [("alice", {"guest": "G00001"})]


def test_run__a_suspended_process_waits(transaction: Sessions) -> None:
    prepare(transaction)
    with transaction.begin() as session:
        session.execute(update(Definition).where(Definition.key == "welcome").values(suspended=True))
    keep(transaction, "Anna")

    rest(transaction)
    assert states(transaction) == ["waiting"]
    with transaction.begin() as session:
        assert not record_starts.are_waiting(session)
        session.execute(update(Definition).where(Definition.key == "welcome").values(suspended=False))
        assert record_starts.are_waiting(session)
    rest(transaction)

    assert states(transaction) == ["started"]


def test_run__a_record_that_is_in_use_no_more_says_why(transaction: Sessions) -> None:
    prepare(transaction)
    keep(transaction, "Anna", "Bert")
    with transaction.begin() as session:
        records.archive(session, 1, by=ALICE)

    rest(transaction)

    assert states(transaction) == ["refused", "started"]
    with transaction.begin() as session:
        found = {process: str(answer) for process, answer in record_starts.refused(session, 1).items()}
        assert found == {"welcome": "There is no record “G00001” in use."}
        assert record_starts.refused(session, 2) == {}


def test_run__a_process_that_is_accepted_no_more_keeps_no_other_waiting(
    transaction: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = '<scriptTask id="count" scriptFormat="python"><script>x = 1</script></scriptTask>'
    declared = '<extensionElements><camunda:properties><camunda:property name="onCreate" value="guest"/>'
    counted = diagrams.process(
        f"{declared}</camunda:properties></extensionElements>", '<startEvent id="s"/>', script, flow="s > count",
        key="counted",
    )  # fmt: skip
    monkeypatch.setattr(settings.current, "python_scripts", True)
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS, welcome=welcome(onCreate="guest"), counted=counted)
        channels.guest(session, "Anna")
    monkeypatch.setattr(settings.current, "python_scripts", False)
    definitions.forget()
    rest(transaction)

    with transaction.begin() as session:
        found = session.execute(select(RecordStart.process, RecordStart.state).order_by(RecordStart.process)).all()
        assert [tuple(row) for row in found] == [("counted", "refused"), ("welcome", "started")]
        assert record_starts.refused(session, 1).keys() == {"counted"}


def test_run__killed_in_between_each_once(transaction: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """No exception that anybody handles."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(of_records, "TOGETHER", 3)
    prepare(transaction)
    keep(transaction, *(f"Guest {number}" for number in range(10)))
    for _ in range(2):
        record_starts.run(transaction)
        with monkeypatch.context() as patched:
            patched.setattr(record_starts, "_settle", die)
            with pytest.raises(Killed):
                record_starts.run(transaction)
    rest(transaction)

    assert states(transaction) == ["started"] * 10
    with transaction.begin() as session:
        assert session.scalar(select(func.count()).select_from(ProcessInstance)) == 10


@pytest.mark.postgresql
def test_run__two_workers_at_once(transaction: Sessions) -> None:
    prepare(transaction)
    keep(transaction, *(f"Guest {number}" for number in range(60)))

    def work() -> None:
        while record_starts.run(transaction):
            pass

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    rest(transaction)

    assert len({variables["guest"] for _, variables in begun(transaction)}) == len(begun(transaction)) == 60


def test_propose__what_new_records_start_is_for_no_batch(transaction: Sessions) -> None:
    prepare(transaction)
    keep(transaction, "Anna")

    with transaction.begin() as session:
        assert selections.startable(session, "guest") == []
        with pytest.raises(errors.InvalidInput) as refusal:
            batches.propose(session, "welcome", ["G00001"], by=ALICE)
        assert refusal.value.code == "batch-process"
        with pytest.raises(errors.InvalidInput) as refusal:
            process_instances.start(session, "welcome", by=OPERATOR)
        assert refusal.value.code == "begins-with-a-record"


def test_deploy__both_of_one_register(transaction: Sessions) -> None:
    with transaction.begin() as session:
        deploy(session, forEach="guest", onCreate="guest")
        assert [definition.key for definition, _ in selections.startable(session, "guest")] == ["welcome"]


REFUSED: list[tuple[dict[str, str], str]] = [
    ({"onCreate": "nobody"}, "nobody"),
    ({"onCreate": "guest", "forEachValues": "shoe_size"}, "shoe_size"),
    ({"onCreate": "other", "forEach": "guest"}, "one register"),
]


@each("said, words", REFUSED)
def test_deploy__what_a_diagram_says_of_new_records_and_is_not_so(
    transaction: Sessions, said: dict[str, str], words: str
) -> None:
    files = {**channels.REGISTER, "welcome.bpmn": welcome(**said)}
    with transaction.begin() as session, pytest.raises(errors.DeploymentRefused, match=words):
        deployments.deploy(session, files, name="x", by=PROGRAM)
