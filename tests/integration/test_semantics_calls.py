"""Between a process and those it calls: what goes in and out, and who catches what a called process throws."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from casepath.engine import errors
from casepath.engine.database.models import ProcessInstance
from casepath.engine.instances import external_tasks
from casepath.engine.instances.external_tasks import Topic
from tests.diagrams import (
    ERROR,
    ESCALATION,
    SIGNAL,
    SIGNALLED,
    border,
    definitions,
    end,
    error,
    escalation,
    flows,
    nodes,
    script,
    throw,
)
from tests.playing import Play

WORK = '<serviceTask id="W" camunda:type="external" camunda:topic="t"/>'


class Attended(Play):
    """External tasks wait for a worker."""

    def _complete_external_tasks(self) -> bool:
        return False


@pytest.fixture
def world() -> Iterator[Attended]:
    """The engine on a fresh SQLite database."""
    made = Attended()
    yield made
    made.close()


def processes(**elements: str) -> bytes:
    """Return a file of processes, each with an error and an escalation to throw."""
    texts = (f'<process id="{key}" isExecutable="true">{inner}</process>' for key, inner in elements.items())
    return definitions(ERROR, ESCALATION, *texts)


def call(*mappings: str) -> str:
    """Return the call activity C."""
    extension = f"<extensionElements>{''.join(mappings)}</extensionElements>" if mappings else ""
    return f'<callActivity id="C" calledElement="q">{extension}</callActivity>'


def report(world: Attended, code: str, message: str) -> None:
    """Let a worker report a business error."""
    with world.sessions.begin() as session:
        topic = Topic(name="t", lock_for=timedelta(minutes=1))
        (task,) = external_tasks.fetch_and_lock(session, [topic], worker_id="w", limit=1)
        external_tasks.throw_error(session, task.id, worker_id="w", error_code=code, message=message)
    world.advance(0)


@pytest.mark.parametrize("last", [nodes("endEvent N"), end("N", error("f"))], ids=["ends", "fails"])
def test_escalation__that_interrupts_the_call_is_the_last_thing_heard_of_it(world: Attended, last: str) -> None:
    outer = nodes("startEvent S; userTask Y Z") + call() + border("Up", "C", escalation())
    inner = nodes("startEvent T; userTask A") + throw("X", escalation()) + last
    instance = world.run(processes(p=outer + flows("S > C; C > Y; Up > Z"), q=inner + flows("T > A; A > X; X > N")))

    world.do(instance, "A")

    assert world.at(instance) == "Z"


@pytest.mark.parametrize("thrown", [escalation(), error("e")], ids=["escalation", "error"])
def test_thrown__brings_to_the_caller_what_its_mapping_says(world: Attended, thrown: str) -> None:
    caught = thrown.replace('"e"', '""') if "error" in thrown else thrown
    loaded = thrown.replace("/>", ">") + (
        '<extensionElements><camunda:in sourceExpression="${1 + 1}" target="grave"/></extensionElements></'
        + thrown[1:].split(maxsplit=1)[0] + ">"
    )  # fmt: skip
    outer = nodes("startEvent S; userTask Y Z") + call() + border("Up", "C", caught)
    inner = nodes("startEvent T; userTask A") + end("X", loaded)
    instance = world.run(processes(p=outer + flows("S > C; C > Y; Up > Z"), q=inner + flows("T > A; A > X")), grave=1)

    world.do(instance, "A")

    assert world.at(instance) == "Z"
    assert world.variables(instance)["grave"] == 2


def test_escalation__that_ends_the_caller_ends_what_it_called(world: Attended) -> None:
    outer = nodes("startEvent S; userTask Y; endEvent E") + call() + border("Up", "C", escalation())
    inner = nodes("startEvent T; userTask A") + end("X", escalation())
    instance = world.run(processes(p=outer + flows("S > C; C > Y; Up > E"), q=inner + flows("T > A; A > X")))

    world.do(instance, "A")

    assert world.ended(instance)
    assert world.failure(instance) is None


def test_escalation__that_interrupts_two_calls_lets_nothing_else_happen(world: Attended) -> None:
    outer = nodes("startEvent S; userTask Y Z") + call() + border("Up", "C", escalation()) + flows("S > C; Up > Z")
    between = nodes("startEvent T") + '<callActivity id="D" calledElement="r"/>' + flows("T > D")
    inner = nodes("startEvent U; userTask A") + throw("X", escalation()) + end("Tell", SIGNALLED)
    hears = f'<startEvent id="V">{SIGNALLED}</startEvent>' + nodes("userTask B") + flows("V > B")
    content = processes(p=outer, q=between, r=inner + flows("U > A; A > X; X > Tell"), other=hears)
    instance = world.run(content.replace(b"<process", SIGNAL.encode() + b"<process", 1))

    world.do(instance, "A")

    assert world.at(instance) == "Z"
    assert len(world.instances()) == 1


@pytest.mark.parametrize("last", [nodes("endEvent N"), end("N", error("f")), end("N", escalation())],
                         ids=["ends", "fails", "escalates"])  # fmt: skip
def test_escalation__whose_way_ends_the_caller_while_the_called_process_goes_on(world: Attended, last: str) -> None:
    outer = nodes("startEvent S; userTask Y") + call() + border("Up", "C", escalation(), interrupting=False)
    outer += '<endEvent id="Stop"><terminateEventDefinition/></endEvent>' + flows("S > C; C > Y; Up > Stop")
    inner = nodes("startEvent T; userTask A") + throw("X", escalation()) + last
    instance = world.run(processes(p=outer, q=inner + flows("T > A; A > X; X > N")))

    world.do(instance, "A")

    assert world.ended(instance)
    assert world.failure(instance) is None


def test_call__of_oneself_for_ever_is_refused(world: Attended) -> None:
    content = processes(q=nodes("startEvent T") + call() + flows("T > C"))

    with pytest.raises(errors.OverBudget, match=r"At most 50 processes may call each other, .* but q calls one more"):
        world.run(content, "q")

    assert world.instances() == []


def test_call__again_and_again_without_end_is_refused(world: Attended) -> None:
    again = nodes("startEvent S; exclusiveGateway G") + call() + flows("S > G; G > C; C > G")

    with pytest.raises(errors.OverBudget, match="still move"):
        world.run(processes(p=again, q=nodes("startEvent T")))

    assert world.instances() == []


def test_error__of_a_worker_is_caught_two_calls_further_out(world: Attended) -> None:
    caught = '<errorEventDefinition errorRef="e" camunda:errorMessageVariable="why"/>'
    outer = nodes("startEvent S; userTask Y Z") + call() + border("Out", "C", caught)
    between = nodes("startEvent T") + '<callActivity id="D" calledElement="r"/>' + flows("T > D")
    inner = nodes("startEvent U; parallelGateway F; userTask A") + WORK + flows("U > F; F > A; F > W")
    instance = world.run(processes(p=outer + flows("S > C; C > Y; Out > Z"), q=between, r=inner))
    assert world.at(instance) == "A"

    report(world, "E1", "sold out")

    assert world.at(instance) == "Z"
    assert world.variables(instance) == {"why": "sold out"}


def test_error__of_a_worker_that_no_caller_catches_waits_for_somebody(world: Attended) -> None:
    outer = nodes("startEvent S; userTask Y Z") + call() + border("Out", "C", error("f"))
    instance = world.run(processes(p=outer + flows("S > C; C > Y; Out > Z"), q=nodes("startEvent T") + WORK
                                   + flows("T > W")))  # fmt: skip

    report(world, "E1", "sold out")

    assert world.failure(instance) == ("incident", "sold out")
    assert not world.ended(instance)


def test_error__says_what_the_diagram_says_of_it(world: Attended) -> None:
    inner = nodes("startEvent T") + end("X", error("e")) + flows("T > X")
    caught = '<errorEventDefinition camunda:errorCodeVariable="code" camunda:errorMessageVariable="why"/>'
    outer = nodes("startEvent S; userTask Z") + call() + border("Out", "C", caught) + flows("S > C; Out > Z")
    content = processes(p=outer, q=inner).replace(b'errorCode="E1"', b'errorCode="E1" camunda:errorMessage="sold out"')

    instance = world.run(content)

    assert world.variables(instance) == {"code": "E1", "why": "sold out"}


def test_in__local_gives_only_what_the_activity_holds_itself(world: Attended) -> None:
    held = ('<camunda:inputOutput><camunda:inputParameter name="own">${n + 1}</camunda:inputParameter>'
            "</camunda:inputOutput>")  # fmt: skip
    mapped = call(held, '<camunda:in variables="all" local="true"/>')
    inner = nodes("startEvent T; userTask A") + flows("T > A")

    instance = world.run(processes(p=nodes("startEvent S; userTask Z") + mapped + flows("S > C; C > Z"), q=inner), n=1)

    with world.sessions() as session:
        called = session.scalars(select(ProcessInstance.id).where(ProcessInstance.parent_id == instance)).one()
    assert world.variables(called) == {"own": 2}


def test_out__local_comes_back_to_the_activity_alone(world: Attended) -> None:
    doubled = ('<camunda:inputOutput><camunda:outputParameter name="total">${got * 2}</camunda:outputParameter>'
               "</camunda:inputOutput>")  # fmt: skip
    mapped = call(doubled, '<camunda:in variables="all"/><camunda:out source="r" target="got" local="true"/>')
    inner = nodes("startEvent T") + script("R", "r = n + 1") + flows("T > R")

    instance = world.run(processes(p=nodes("startEvent S; userTask Z") + mapped + flows("S > C; C > Z"), q=inner), n=1)

    assert world.variables(instance) == {"n": 1, "total": 4}


@pytest.mark.parametrize("interrupting", [True, False])
def test_out__is_taken_when_the_called_process_escalates(world: Attended, interrupting: bool) -> None:
    missing = '<camunda:out sourceExpression="${not_yet + 1}" target="z"/>'
    outer = nodes("startEvent S; userTask Y Z") + call('<camunda:out source="x" target="y"/>', missing)
    outer += border("Up", "C", escalation(), interrupting=interrupting) + flows("S > C; C > Y; Up > Z")
    inner = nodes("startEvent T; userTask A B") + throw("X", escalation()) + script("Later", "x = 2")
    instance = world.run(processes(p=outer, q=inner + flows("T > A; A > X; X > Later; Later > B")))

    world.do(instance, "A", x=1)

    assert world.at(instance) == ("Z" if interrupting else "B Z")
    assert world.variables(instance) == {"y": 1}


@pytest.mark.parametrize("interrupting", [True, False])
def test_call_without_mappings__takes_what_was_set_when_an_escalation_ends_it(
    world: Attended, interrupting: bool
) -> None:
    outer = nodes("startEvent S; userTask Y Z") + call()
    outer += border("Up", "C", escalation(), interrupting=interrupting) + flows("S > C; C > Y; Up > Z")
    inner = nodes("startEvent T; userTask A B") + throw("X", escalation())
    instance = world.run(processes(p=outer, q=inner + flows("T > A; A > X; X > B")), kept=1)

    world.do(instance, "A", learned=1)

    assert world.at(instance) == ("Z" if interrupting else "B Z")
    assert world.variables(instance) == ({"kept": 1, "learned": 1} if interrupting else {"kept": 1})


def test_call_without_mappings__takes_what_was_set_through_two_calls(world: Attended) -> None:
    outer = nodes("startEvent S; userTask Y Z") + call()
    outer += border("Up", "C", escalation()) + flows("S > C; C > Y; Up > Z")
    middle = nodes("startEvent M; endEvent F") + call().replace('"C" calledElement="q"', '"D" calledElement="r"')
    middle += flows("M > D; D > F")
    inner = nodes("startEvent T; userTask A") + end("X", escalation()) + flows("T > A; A > X")
    instance = world.run(processes(p=outer, q=middle, r=inner))

    world.do(instance, "A", learned=1)

    assert (world.at(instance), world.variables(instance)) == ("Z", {"learned": 1})


def test_out__is_taken_when_the_called_process_fails(world: Attended) -> None:
    outer = nodes("startEvent S; userTask Z") + call('<camunda:out source="x" target="y"/>')
    outer += border("Out", "C", error("e")) + flows("S > C; Out > Z")
    inner = nodes("startEvent T; userTask A") + end("X", error("e")) + flows("T > A; A > X")
    instance = world.run(processes(p=outer, q=inner))

    world.do(instance, "A", x=1)

    assert world.at(instance) == "Z"
    assert world.variables(instance) == {"y": 1}
