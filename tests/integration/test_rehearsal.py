"""Rehearsing: a draft played in memory, with a clock of its own, from inputs that are kept; nothing leaves it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, deployments, errors, rehearsal
from casepath.engine.database import Base
from casepath.engine.database.models import User
from casepath.engine.phrases import Phrase
from casepath.engine.rehearsal import Coverage, Draft, Input, Outcome, Recording, Rehearsal, Standing, sandbox
from casepath.engine.time import clock as clocks
from casepath.workers import HANDLERS, Mail, Result, rehearsing
from casepath.workers import Work as Worked
from tests import diagrams, factories
from tests.acting import ALICE, OLIVIA, OPERATOR, PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
FORM = json.dumps({
    "type": "default", "id": "told", "schemaVersion": 16,
    "components": [{"type": "number", "key": "amount", "id": "a", "label": "Amount", "validate": {"required": True}}],
}).encode()  # fmt: skip
WORK = rehearsing.work("UTC")


def drawn(*, days: int = 2, text: str = "late", key: str = "request") -> bytes:
    """A task of the group `service`; after some days the group is told, then `sms` has something to send."""
    task = (
        '<userTask id="look" name="Look" camunda:candidateGroups="service" camunda:formKey="told">'
        "<extensionElements/></userTask>"
    )
    return diagrams.process(
        diagrams.nodes("startEvent start;endEvent end;endEvent told"),
        task,
        diagrams.service("send", "sms"),
        diagrams.service("remind", "remind", recipients="group:service", subject=text),
        diagrams.border("waits", "look", diagrams.timer(f"P{days}D"), interrupting=False),
        flow="start > look;look > send;send > end;waits > remind;remind > told",
        key=key,
    )


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """What one test has played is no other's."""
    sandbox.kept.clear()
    yield
    sandbox.kept.clear()


@pytest.fixture
def house(transaction: Sessions) -> Sessions:
    """A deployed process, and who does its tasks."""
    with transaction.begin() as session:
        factories.group(session, "service")
        factories.group(session, "sales")
        factories.user(session, "alice", groups=["service"])
        deployments.deploy(session, {"request.bpmn": drawn(), "forms/told.form": FORM}, name="r", by=PROGRAM)
    return transaction


def recorded(*inputs: Input) -> Recording:
    return Recording(process="request", begins_at=BEGIN, inputs=inputs)


START = Input(kind="start", by="alice")
LATER = Input(kind="wait", length="P3D")
DONE = Input(kind="complete", element="look", by="alice", values={"amount": "12"})
ANSWERED = Input(kind="answer", element="send", values={"sent": True})


@contextmanager
def rehearsed(
    rows: Sessions, recording: Recording, files: dict[str, bytes] | None = None, **more: Any
) -> Iterator[tuple[Rehearsal, Standing]]:
    """A rehearsal and how it stands."""
    readers = database.sessions(rows.kw["bind"], read_only=True)
    draft = Draft(files=files or {}, process="request")
    arguments = {"by": OLIVIA, "work": WORK, **more}
    with readers.begin() as session, rehearsal.rehearse(session, draft, recording, **arguments) as played:
        with played.readers.begin() as read:
            standing = rehearsal.of(read)
        yield played, standing


def counted(rows: Sessions) -> dict[str, int]:
    """How many rows each table has."""
    with rows.begin() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


class TestRehearse:
    def test_it_plays_what_was_recorded(self, house: Sessions) -> None:
        with rehearsed(house, recorded(START, LATER, DONE)) as (played, standing):
            assert played.refusal is None
            assert standing.now == BEGIN + timedelta(days=3)
            assert [each.element_id for each in standing.work] == ["send"]
            assert [(each.username, each.subject) for each in standing.told] == [("alice", "late")]

        with rehearsed(house, recorded(START, LATER, DONE, ANSWERED)) as (_, standing):
            assert standing.is_over

    def test_one_more_input__as_if_all_were_played_anew(self, house: Sessions) -> None:
        recording = recorded()
        for given in (START, LATER, DONE, ANSWERED):
            with rehearsed(house, recording, more=given) as (played, standing):
                recording = played.recording
        sandbox.kept.clear()

        with rehearsed(house, rehearsal.read(recording.dumps())) as (again, afresh):
            assert again.recording == recording
            assert afresh == standing

    def test_to_wait_for_what_is_due_next(self, house: Sessions) -> None:
        with rehearsed(house, recorded(START)) as (_, standing):
            assert [(each.element_id, each.at) for each in standing.due] == [("waits", BEGIN + timedelta(days=2))]
        with rehearsed(house, recorded(START), more=Input(kind="wait")) as (_, standing):
            assert standing.now == BEGIN + timedelta(days=2)
        with pytest.raises(errors.InvalidInput), rehearsed(house, recorded(), more=Input(kind="wait")):
            pass

    def test_a_draft__is_played_instead_of_what_is_in_force(self, house: Sessions) -> None:
        files = {"request.bpmn": drawn(days=9), "forms/told.form": FORM}

        with rehearsed(house, recorded(START), files) as (_, standing):
            assert [each.at for each in standing.due] == [BEGIN + timedelta(days=9)]
        with rehearsed(house, recorded(START)) as (_, standing):
            assert [each.at for each in standing.due] == [BEGIN + timedelta(days=2)]

    def test_a_draft__that_could_not_be_deployed(self, house: Sessions) -> None:
        with pytest.raises(errors.DeploymentRefused), rehearsed(house, recorded(), {"request.bpmn": b"<none/>"}):
            pass

    def test_nothing_leaves_it(self, house: Sessions) -> None:
        before = counted(house)

        with rehearsed(house, recorded(START, LATER, DONE, ANSWERED)) as (_, standing):
            assert standing.is_over

        assert counted(house) == before

    def test_the_clock_is_that_of_the_rehearsal_inside_only(self, house: Sessions) -> None:
        before = clocks.now()

        with rehearsed(house, recorded(START, LATER)):
            assert clocks.now() == BEGIN + timedelta(days=3)

        assert before <= clocks.now() <= before + timedelta(minutes=5)

    def test_rules_hold__for_whoever_acts(self, house: Sessions) -> None:
        wrong = Input(kind="complete", element="look", by="alice", values={"amount": "many"})
        with pytest.raises(errors.InvalidVariables), rehearsed(house, recorded(START), more=wrong):
            pass
        stranger = Input(kind="complete", element="look", by="rehearsal.sales", values={"amount": "1"})
        with pytest.raises(errors.NotFound), rehearsed(house, recorded(START), more=stranger):
            pass

    def test_an_input_that_can_be_played_no_more__ends_it_there(self, house: Sessions) -> None:
        gone = Input(kind="complete", element="gone", by="alice")

        with rehearsed(house, recorded(START, gone, LATER)) as (played, standing):
            assert played.parted_at == 1
            assert isinstance(played.refusal, errors.NotFound)
            assert played.recording == recorded(START)
            assert standing.now == BEGIN

        with rehearsed(house, recorded(START, gone), more=LATER) as (played, standing):
            assert (played.recording, standing.now) == (recorded(START), BEGIN)

    def test_what_begins_by_itself__only_of_the_draft(self, house: Sessions) -> None:
        """Otherwise each process with a timer would fill a rehearsal of another one."""
        timed = diagrams.process(
            f'<startEvent id="start">{diagrams.timer("R/P1D", "timeCycle")}</startEvent>',
            diagrams.nodes("userTask check;endEvent end"),
            flow="start > check;check > end",
            key="daily",
        )
        with house.begin() as session:
            deployments.deploy(session, {"daily.bpmn": timed}, name="d", by=PROGRAM)

        with rehearsed(house, recorded(LATER)) as (_, standing):
            assert not standing.instances

    def test_a_draft__is_checked_apart_first(self, house: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = [errors.Finding(code="x", file="request.bpmn", phrase=Phrase("It takes too much"))]
        monkeypatch.setattr(deployments, "inspect", lambda files: wrong)

        files = {"request.bpmn": drawn()}

        with pytest.raises(errors.DeploymentRefused) as refused, rehearsed(house, recorded(), files):
            pass
        assert refused.value.findings == wrong

    def test_somebody_stands_in_for_a_role_without_people(self, house: Sessions) -> None:
        other = drawn().replace(b'candidateGroups="service"', b'candidateGroups="sales"')

        with rehearsed(house, recorded(START), {"request.bpmn": other, "forms/told.form": FORM}) as (_, standing):
            assert [name for name, _ in standing.tasks[0].people.people] == ["rehearsal.sales"]

    def test_people__without_passwords_and_addresses(self, house: Sessions) -> None:
        with house.begin() as session:
            session.get_one(User, "alice").password_hash = "secret"
            session.get_one(User, "alice").email = "alice@house.example"

        with rehearsed(house, recorded()) as (played, _), played.readers.begin() as session:
            alice = session.get_one(User, "alice")
            assert (alice.password_hash, alice.email) == (None, None)

    @each("by", [ALICE, OPERATOR])
    def test_it_is_for_those_who_draw(self, house: Sessions, by: Any) -> None:
        with pytest.raises(errors.Forbidden), rehearsed(house, recorded(), by=by):
            pass

    def test_without_workers__all_work_waits_to_be_answered(self, house: Sessions) -> None:
        with rehearsed(house, recorded(START, LATER), work=None) as (_, standing):
            assert [(each.element_id, each.topic) for each in standing.work] == [("remind", "remind")]
            assert not standing.told

    def test_an_error_is_answered(self, house: Sessions) -> None:
        failed = Input(kind="error", element="send", name="broken")

        with rehearsed(house, recorded(START, DONE), more=failed) as (_, standing):
            assert not standing.is_over
            assert [incident.element_id for incident in standing.stuck] == ["send"]

    def test_what_never_ends_is_stopped(self, house: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
        always = drawn().replace(b"timeDuration", b"timeCycle").replace(b"P2D", b"R/PT1S")
        files = {"request.bpmn": always, "forms/told.form": FORM}
        with rehearsed(house, recorded(START), files):
            monkeypatch.setattr("casepath.engine.rehearsal.playing.MAX_SECONDS", 0.5)

        with pytest.raises(errors.InvalidInput) as refused, rehearsed(house, recorded(START), files, more=LATER):
            pass
        assert refused.value.code == "rehearsal-too-slow"


    def test_work_that_always_finds_more_is_stopped(self, house: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("casepath.engine.rehearsal.playing.MAX_ROUNDS", 3)

        with rehearsed(house, recorded(START), work=lambda _: True) as (played, _):
            assert isinstance(played.refusal, errors.InvalidInput)
            assert played.refusal.code == "rehearsal-too-slow"


def scenario(house: Sessions, *inputs: Input) -> Recording:
    """What was played, with the way that it went."""
    with rehearsed(house, recorded(*inputs)) as (played, _), played.readers.begin() as session:
        return replace(played.recording, path=rehearsal.path(session))


def run(house: Sessions, *scenarios: Recording, days: int = 2, **more: Any) -> tuple[list[Outcome], Coverage]:
    """Play scenarios on a draft whose timer is of so many days."""
    draft = Draft(files={"request.bpmn": drawn(days=days), "forms/told.form": FORM}, process="request")
    readers = database.sessions(house.kw["bind"], read_only=True)
    named = [(f"s{number}", each) for number, each in enumerate(scenarios)]
    with readers.begin() as session:
        return rehearsal.run(session, draft, named, **{"by": OLIVIA, "work": WORK, **more})


class TestScenarios:
    def test_they_pass__while_all_goes_as_it_went(self, house: Sessions) -> None:
        outcomes, _ = run(house, scenario(house, START, LATER, DONE, ANSWERED), scenario(house, START, DONE))

        assert [(each.name, each.passes, each.played) for each in outcomes] == [("s0", True, 4), ("s1", True, 2)]

    def test_where_they_part(self, house: Sessions) -> None:
        late = scenario(house, START, LATER, DONE, ANSWERED)

        (outcome,), _ = run(house, late, days=9)

        assert not outcome.passes
        parting = outcome.parting
        assert parting is not None
        assert (parting.process, parting.expected, parting.found) == ("request", "waits", "send")

    def test_an_input_that_nobody_waits_for(self, house: Sessions) -> None:
        (outcome,), _ = run(house, recorded(START, ANSWERED))

        assert (outcome.passes, outcome.played) == (False, 1)
        assert isinstance(outcome.refusal, errors.NotFound)

    def test_what_none_of_them_reaches(self, house: Sessions) -> None:
        _, in_time = run(house, scenario(house, START, DONE, ANSWERED))
        _, both = run(house, scenario(house, START, DONE, ANSWERED), scenario(house, START, LATER))

        assert {key for key, count in in_time.elements.items() if not count} == {"waits", "remind", "told"}
        assert all(both.elements.values())
        missed = [key for key, count in in_time.flows.items() if not count]
        assert sorted(in_time.sources[key] for key in missed) == ["remind", "waits"]
        assert all(both.flows.values())
        assert both.elements["look"] == 2

    def test_there_is_an_end(self, house: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(errors.InvalidInput):
            run(house, *(recorded() for _ in range(rehearsal.MAX_SCENARIOS + 1)))
        monkeypatch.setattr("casepath.engine.rehearsal.scenarios.MAX_SECONDS", -1)

        (outcome,), _ = run(house, recorded())
        assert outcome.is_left_out
        assert not outcome.passes

    def test_rows_of_tables(self, house: Sessions) -> None:
        table = (
            b'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">'
            b'<decision id="grade" name="Grade"><decisionTable id="t" hitPolicy="FIRST">'
            b'<input id="i"><inputExpression id="e" typeRef="number"><text>amount</text></inputExpression></input>'
            b'<output id="o" name="grade" typeRef="string"/>'
            b'<rule id="r1"><inputEntry id="a"><text>&lt; 10</text></inputEntry>'
            b'<outputEntry id="b"><text>"low"</text></outputEntry></rule>'
            b'<rule id="r2"><inputEntry id="c"><text>-</text></inputEntry>'
            b'<outputEntry id="f"><text>"high"</text></outputEntry></rule>'
            b"</decisionTable></decision></definitions>"
        )
        graded = re.sub(
            rb'<serviceTask id="send".*?</serviceTask>',
            b'<businessRuleTask id="send" camunda:decisionRef="grade" camunda:resultVariable="grade"/>',
            drawn(),
            flags=re.DOTALL,
        )
        draft = Draft(files={"request.bpmn": graded, "forms/told.form": FORM, "grade.dmn": table}, process="request")
        with house.begin() as session:
            _, coverage = rehearsal.run(session, draft, [("a", recorded(START, DONE))], by=OLIVIA, work=WORK)

        assert [(each.key, list(each.rows), each.unreached) for each in coverage.tables] == [("grade", [0, 1], [1])]


class TestRecording:
    def test_it_is_read_as_it_was_written(self) -> None:
        recording = recorded(START, LATER, Input(kind="wait"), DONE, ANSWERED)

        assert rehearsal.read(recording.dumps()) == recording

    @each(
        "text",
        [
            "", "[]", "null", "{}", '{"process": "p"}', "[" * 5_000,
            '{"process": "", "begins_at": "2026-03-02T09:00:00+00:00", "inputs": []}',
            '{"process": "p", "begins_at": "2026-03-02T09:00:00", "inputs": []}',
            '{"process": "p", "begins_at": "2026-03-02T09:00:00+00:00", "inputs": [{"kind": "deploy"}]}',
            '{"process": "p", "begins_at": "2026-03-02T09:00:00+00:00", "inputs": [{"kind": "wait", "for": "P99Y"}]}',
            '{"process": "p", "begins_at": "2026-03-02T09:00:00+00:00", "inputs": [{"kind": "wait", "for": "PT0S"}]}',
            '{"process": "p", "begins_at": "2026-03-02T09:00:00+00:00", "inputs": [{"kind": "start", "number": -1}]}',
            '{"process": "p", "begins_at": "2026-03-02T09:00:00+00:00", "inputs": [{"kind": "start", "values": []}]}',
            '{"process": "p", "begins_at": "2026-03-02T09:00:00+00:00", "inputs": [7]}',
        ],
    )  # fmt: skip
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(errors.InvalidInput):
            rehearsal.read(text)

    def test_it_has_an_end(self) -> None:
        full = recorded(*(START for _ in range(rehearsal.MAX_INPUTS)))

        with pytest.raises(errors.InvalidInput):
            full.with_input(START)
        with pytest.raises(errors.InvalidInput):
            rehearsal.read(" " * 500_000)


def test_kept__the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MAX_KEPT", 2)
    kept = sandbox.Kept()
    for name in "abc":
        kept.put(name, name.encode(), BEGIN)

    assert [kept.get(name) for name in "abc"] == [None, (b"b", BEGIN), (b"c", BEGIN)]


def test_work__has_no_mail_server(house: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a handler would send: there is nothing to send it with."""
    seen: list[Mail | None] = []

    def handle(work: Worked) -> Result:
        seen.append(work.surroundings.mail)
        return Result()

    monkeypatch.setitem(HANDLERS, "remind", handle)

    with rehearsed(house, recorded(START, LATER)):
        assert seen == [None]
