"""Files whose rows go into a register: taken by workers, each row once, by the rights of who sent them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, deployments, errors, history
from casepath.engine.database.models import Import, ImportRefusal, Record
from casepath.engine.people import identity
from casepath.engine.queries import imports as lists
from casepath.engine.registers import files, imports, records
from casepath.engine.registers.files import Taker
from tests import factories
from tests.acting import OLIVIA, PROGRAM
from tests.each import each
from tests.wards import FILES

Sessions = sessionmaker[Session]

NURSE = "nadia"


@pytest.fixture
def ward(transaction: Sessions) -> Sessions:
    """A ward without patients, and the nurse Nadia."""
    with transaction.begin() as session:
        deployments.deploy(session, FILES, name="ward", by=OLIVIA)
        factories.group(session, "nurses")
        factories.user(session, "nadia", groups=["nurses"])
    return transaction


def csv(many: int, first: int = 0) -> bytes:
    """So many patients, one in each line behind the headings."""
    lines = [f"P{number},555-{number:05}\n" for number in range(first, first + many)]
    return "".join(["name,phone\n", *lines]).encode()


def send(rows: Sessions, content: bytes, *, by: Any = NURSE, headings: tuple[str, ...] = ("name", "phone")) -> int:
    with rows.begin() as session:
        return files.begin(
            session, "patient", content, name="p.csv", headings=headings, fields=headings, by=by
        ).id


def taker(rows: Sessions) -> Taker:
    return Taker(rows, database.sessions(rows.kw["bind"], read_only=True))


def rest(rows: Sessions) -> None:
    worker = taker(rows)
    while worker.step():
        pass


def told(rows: Sessions, number: int = 1) -> tuple[str, int | None, int, int, int]:
    with rows.begin() as session:
        found = session.get_one(Import, number)
        return found.state, found.size, found.position, found.created, found.refused


def names(rows: Sessions) -> list[str]:
    with rows.begin() as session:
        return [json.loads(each)["name"] for each in session.scalars(select(Record.values).order_by(Record.id))]


def test_step__takes_each_row_and_tells_of_it(ward: Sessions) -> None:
    send(ward, csv(120) + b",555\n")
    assert told(ward) == ("waiting", None, 0, 0, 0)

    rest(ward)

    assert told(ward) == ("completed", 121, 121, 120, 1)
    assert names(ward) == [f"P{number}" for number in range(120)]
    with ward.begin() as session:
        (refused,) = lists.refusals(session, 1)
        assert (refused.line, refused.cells, [field for field, _ in refused.reasons]) == (122, ["", "555"], ["name"])
        assert session.scalars(select(Import.content)).one() is None
        house = [each for each in history.organisation.events(session) if each.kind.startswith("import.")]
        assert list(history.organisation.verify(session)) == []
    assert [(each.kind, each.by) for each in house] == [("import.begun", "nadia"), ("import.completed", None)]
    assert house[-1].facts == {"import": 1, "created": 120, "changed": 0, "unchanged": 0, "refused": 1}


class Killed(BaseException):
    """A worker that is not there any more."""


def test_step__killed_within_a_transaction_loses_and_doubles_nothing(
    ward: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(ward, csv(130))
    monkeypatch.setattr(files, "TOGETHER_SECONDS", 0.0)
    take, calls = imports.take, list[int]()

    def dying(session: Session, register: str, rows: Any, **by: Any) -> Any:
        taken = take(session, register, rows, **by)
        calls.append(len(rows))
        if len(calls) == 2:
            raise Killed
        return taken

    with monkeypatch.context() as patched:
        patched.setattr(imports, "take", dying)
        with pytest.raises(Killed):
            rest(ward)
    assert (calls, told(ward)) == ([50, 50], ("running", 130, 50, 50, 0))
    rest(ward)

    assert told(ward) == ("completed", 130, 130, 130, 0)
    assert names(ward) == [f"P{number}" for number in range(130)]


def test_step__several_workers_take_each_row_once(ward: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "TOGETHER_SECONDS", 0.0)
    send(ward, csv(300))
    send(ward, csv(300, first=300))

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(rest, ward) for _ in range(3)]:
            done.result()
    rest(ward)

    assert [told(ward, number)[0] for number in (1, 2)] == ["completed"] * 2
    assert sorted(names(ward)) == sorted(f"P{number}" for number in range(600))


def test_step__files_go_on_beside_each_other_and_let_others_write(
    ward: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "TOGETHER_SECONDS", 0.0)
    send(ward, csv(200))
    send(ward, csv(60, first=200))
    worker = taker(ward)

    worker.step()
    with ward.begin() as session:
        records.create(session, "patient", {"name": "between"}, by=NURSE)
    worker.step()

    assert [told(ward, number) for number in (1, 2)] == [("running", 200, 100, 100, 0), ("completed", 60, 60, 60, 0)]


def test_step__nothing_more_once_its_sender_may_not(ward: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "TOGETHER_SECONDS", 0.0)
    send(ward, csv(100), by="nadia")
    worker = taker(ward)
    worker.step()
    with ward.begin() as session:
        identity.set_groups(session, "nadia", [], by=PROGRAM)

    rest(ward)

    assert told(ward) == ("failed", 100, 50, 50, 0)
    with ward.begin() as session:
        said = lists.of_register(session, "patient")[0].answer
        assert said is not None
        assert "patient" in str(said)


@each(
    "content, said",
    [
        (b"name,phone\n" + b"1,2\n" * (files.MAX_ROWS + 1), "At most 50000 rows"),
        (b"name,phone\n1,2,3\n", "Line 2 has more cells"),
        (b'name,phone\n"1,2\n', "cannot be read as CSV"),
        (b"PK\x03\x04 and nothing that is packed", "cannot be read as a workbook"),
    ],
)
def test_step__nothing_of_a_file_that_is_none(ward: Sessions, content: bytes, said: str) -> None:
    send(ward, content)

    rest(ward)

    with ward.begin() as session:
        found = lists.of_register(session, "patient")[0]
        assert (found.state, found.position) == ("failed", 0)
        assert said in str(found.answer)
        assert session.scalar(select(func.count()).select_from(Record)) == 0


def test_step__a_fault_of_ours_ends_it_and_leaves_what_was_taken(
    ward: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(ward, csv(10))

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(imports, "take", broken)
        rest(ward)

    assert told(ward) == ("failed", None, 0, 0, 0)


def test_stop__keeps_what_was_taken(ward: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "TOGETHER_SECONDS", 0.0)
    send(ward, csv(100))
    worker = taker(ward)
    worker.step()

    with ward.begin() as session:
        files.stop(session, 1, by=NURSE)
    rest(ward)

    assert not worker.step()
    assert told(ward) == ("stopped", 100, 50, 50, 0)
    with ward.begin() as session, pytest.raises(errors.InvalidState):
        files.stop(session, 1, by=NURSE)


def test_step__refused_rows_are_forgotten_after_a_while(ward: Sessions, clock: Any) -> None:
    send(ward, b"name,phone\n,1\n")
    rest(ward)

    clock.move(files.KEPT - timedelta(minutes=1))
    rest(ward)
    with ward.begin() as session:
        assert session.scalar(select(func.count()).select_from(ImportRefusal)) == 1
    clock.move(timedelta(minutes=2))
    rest(ward)

    with ward.begin() as session:
        assert session.scalar(select(func.count()).select_from(ImportRefusal)) == 0
    assert told(ward) == ("completed", 1, 1, 0, 1)


@each("fields", [["name"], ["name", "name"], ["name", "nothing"], ["", ""]])
def test_begin__each_heading_means_a_field_once(ward: Sessions, fields: list[str]) -> None:
    with ward.begin() as session, pytest.raises(errors.InvalidInput):
        files.begin(session, "patient", b"a,b\n", name="", headings=["a", "b"], fields=fields, by=NURSE)


def test_begin__not_more_than_can_be_kept(ward: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 10)

    with ward.begin() as session, pytest.raises(errors.InvalidInput) as refusal:
        files.begin(session, "patient", b"name\n567890", name="", headings=["name"], fields=["name"], by=NURSE)

    assert refusal.value.code == "file-size"
