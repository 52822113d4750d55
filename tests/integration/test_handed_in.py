"""What people handed in, as it was: nothing that did not run, every round, the values of the event."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, history
from casepath.engine.instances import attachments, process_instances, user_tasks
from casepath.engine.queries import handed_in
from casepath.engine.queries.handed_in import Step
from casepath.engine.time import clock as engine_clock
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import diagrams, factories, pdf
from tests.acting import PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]

_numbers = itertools.count(1)
#: What people type.
_CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"])
WORDS = st.text(_CHARACTERS, min_size=1, max_size=20)


def form(**labels: str) -> bytes:
    """A form of text fields by key and label."""
    parts = [{"type": "textfield", "key": key, "label": label} for key, label in labels.items()]
    return json.dumps({"type": "default", "components": parts}).encode()


#: Propose and check until it is well; a step aside that seldom runs; then the archive.
DIAGRAM = diagrams.process(
    '<startEvent id="Start" name="登记" camunda:formKey="intake"/>',
    '<userTask id="Propose" name="提出方案" camunda:formKey="propose" camunda:candidateUsers="alice"/>',
    '<userTask id="Check" name="检查" camunda:formKey="check" camunda:candidateUsers="alice"/>',
    '<userTask id="Never" name="从未发生" camunda:formKey="check" camunda:candidateUsers="alice"/>',
    '<exclusiveGateway id="Well" default="again"/>',
    '<serviceTask id="Keep" camunda:type="external" camunda:topic="archive"/><endEvent id="End"/>',
    '<sequenceFlow id="again" sourceRef="Well" targetRef="Propose"/>',
    flow="Start > Propose; Propose > Check; Check > Well; Well > Keep [${verdict == 'well'}];"
    "Well > Never [${verdict == 'aside'}]; Never > Propose; Keep > End",
)
FILES = {
    "p.bpmn": DIAGRAM,
    "intake.form": form(customer="客户"),
    "propose.form": form(plan="方案"),
    "check.form": form(verdict="结论", note="说明"),
}


@pytest.fixture
def played(transaction: Sessions, clock: ModuleType) -> Callable[[list[tuple[str, str]]], str]:
    """Play rounds of (plan, note) to the archive; return the business key."""
    with transaction.begin() as session:
        factories.group(session, "service")
        factories.user(session, "alice", groups=["service"])
        deployments.deploy(session, FILES, name="p", by=PROGRAM)

    def play(rounds: list[tuple[str, str]]) -> str:
        key = f"K{next(_numbers)}"
        with transaction.begin() as session:
            process_instances.start(session, "p", {"customer": "王"}, business_key=key, by="alice")
        for number, (plan, note) in enumerate(rounds, start=1):
            verdict = "well" if number == len(rounds) else "again"
            for element_id, values in (("Propose", {"plan": plan}), ("Check", {"verdict": verdict, "note": note})):
                clock.move(timedelta(minutes=7))
                with transaction.begin() as session:
                    user_tasks.complete(session, user_tasks.open_of(session, key, element_id), values, by="alice")
        return key

    return play


def steps(transaction: Sessions, key: str) -> list[Step]:
    with transaction.begin() as session:
        return list(handed_in.steps(session, key, until=engine_clock.now()))


def page(transaction: Sessions, key: str) -> str:
    """The archived sheet of a matter."""
    Loop(Surroundings(sessions=transaction, time_zone="Asia/Shanghai"), worker_id="w1").rest()
    with transaction.begin() as session:
        (kept,) = attachments.list_of(session, key)
        return pdf.bare(pdf.text(attachments.content(session, kept.id)))


class TestSteps:
    def test_tells_every_round_with_its_values(
        self, transaction: Sessions, played: Callable[[list[tuple[str, str]]], str]
    ) -> None:
        key = played([("9,999.5 元", "太少"), ("0 元", "好")])

        assert [(step.title, step.round, step.values) for step in steps(transaction, key)] == [
            ("登记", 1, {"customer": "王"}),
            ("提出方案", 1, {"plan": "9,999.5 元"}),
            ("检查", 1, {"verdict": "again", "note": "太少"}),
            ("提出方案", 2, {"plan": "0 元"}),
            ("检查", 2, {"verdict": "well", "note": "好"}),
        ]

    @each("is_sequential", ["false", "true"])
    def test_counts_what_members_do_beside_each_other_once(
        self, transaction: Sessions, is_sequential: str
    ) -> None:
        key = f"K{next(_numbers)}"
        twice = f'isSequential="{is_sequential}"><loopCardinality>2</loopCardinality>'
        several = f"<multiInstanceLoopCharacteristics {twice}</multiInstanceLoopCharacteristics>"
        asked = f'<userTask id="Ask" name="询问">{several}</userTask>'
        loop = diagrams.process(
            '<startEvent id="Start"/>', asked, '<userTask id="Check"/>', flow="Start > Ask; Ask > Check; Check > Ask"
        )
        with transaction.begin() as session:
            deployments.deploy(session, {"members.bpmn": loop}, name="members", by=PROGRAM)
            process_instances.start(session, "p", {}, business_key=key, by=PROGRAM)
            for element_id in ("Ask", "Ask", "Check", "Ask", "Ask"):
                user_tasks.complete(session, user_tasks.open_of(session, key, element_id), {"said": 1}, by=PROGRAM)

        assert [step.round for step in steps(transaction, key) if step.element_id == "Ask"] == [1, 1, 2, 2]

    def test_tells_who_and_when(self, transaction: Sessions, played: Callable[[list[tuple[str, str]]], str]) -> None:
        found = steps(transaction, played([("a", "b"), ("c", "d")]))

        assert {step.by for step in found} == {"alice"}
        waited = [later.at - earlier.at for earlier, later in itertools.pairwise(found)]
        assert [round(each / timedelta(minutes=7)) for each in waited] == [1] * 4

    def test_tells_what_was_erased(
        self, transaction: Sessions, played: Callable[[list[tuple[str, str]]], str]
    ) -> None:
        key = played([("secret", "x")])
        with transaction.begin() as session:
            history.erase(session, steps(transaction, key)[0].process_instance_id, ["plan"], reason="law", by="ada")

        assert [step.erased for step in steps(transaction, key)] == [frozenset(), {"plan"}, frozenset()]

    def test_ends_at_a_moment(self, transaction: Sessions, played: Callable[[list[tuple[str, str]]], str]) -> None:
        key = played([("a", "b"), ("c", "d")])
        until = steps(transaction, key)[2].at

        with transaction.begin() as session:
            assert len(list(handed_in.steps(session, key, until=until))) == 3

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(rounds=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4))
    def test_every_value_is_that_of_its_event(
        self,
        transaction: Sessions,
        played: Callable[[list[tuple[str, str]]], str],
        rounds: list[tuple[str, str]],
    ) -> None:
        key = played(rounds)
        found = steps(transaction, key)
        with transaction.begin() as session:
            events = {event.sequence: event for event in history.events(session, found[0].process_instance_id)}

        assert len(found) == 1 + 2 * len(rounds)
        for step in found:
            event = events[step.sequence]
            assert (step.values, step.at, step.by) == (event.variables, event.at, event.by)
        assert [step.sequence for step in found] == sorted(step.sequence for step in found)


def test_archive__prints_what_happened(
    transaction: Sessions, played: Callable[[list[tuple[str, str]]], str], clock: ModuleType
) -> None:
    clock.set_to(datetime(2026, 11, 2, 1, 0, tzinfo=UTC))

    printed = page(transaction, played([("9,999.5 元", "太少"), ("0 元", "<b>好</b>")]))

    assert printed.startswith("p编号")
    for step in (
        "登记客户王Alice2026年11月2日09:00",
        "提出方案方案9,999.5元Alice2026年11月2日09:07",
        "检查结论again说明太少Alice2026年11月2日09:14",
        "提出方案（第2次）方案0元Alice2026年11月2日09:21",
        "检查（第2次）结论well说明<b>好</b>Alice2026年11月2日09:28",
    ):
        assert step in printed
    assert "从未发生" not in printed
