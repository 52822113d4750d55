"""What BPMN says of constructs that meet one another, worked out by hand; the random models do not draw these."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from engine.models import Job, Subscription
from tests.diagrams import container, definitions, flows, nodes, process, script, timer
from tests.world import World

ERROR = '<error id="e" errorCode="E1"/><error id="f" errorCode="F1"/>'
MESSAGE = '<message id="m" name="order"/><message id="n" name="cancel"/>'
SIGNAL = '<signal id="s" name="alarm"/>'
ESCALATION = '<escalation id="x" escalationCode="X1"/>'


@pytest.fixture
def world() -> Iterator[World]:
    """The engine on a fresh SQLite database."""
    made = World()
    yield made
    made.close()


class Run:
    """One instance and what is open in it."""

    def __init__(self, world: World, content: bytes, key: str = "p", **variables: object) -> None:
        world.deploy([("diagram.bpmn", content)])
        self.world, self.number = world, world.start(key, variables, "key")

    def open(self) -> str:
        """Ids of the elements of open user tasks."""
        return " ".join(sorted(element for _, element, _ in self.world.open_tasks(self.number)))

    def complete(self, elements: str, **variables: object) -> str:
        """Complete the oldest open task of each element; returns what is open then."""
        for element in elements.split():
            tasks = self.world.open_tasks(self.number)
            self.world.complete(next(number for number, at, _ in tasks if at == element), variables)
        return self.open()

    @property
    def ended(self) -> bool:
        return self.world.ended(self.number)

    @property
    def variables(self) -> dict[str, object]:
        return self.world.variables(self.number)


def end(key: str, event: str) -> str:
    return f'<endEvent id="{key}">{event}</endEvent>'


def throw(key: str, event: str) -> str:
    return f'<intermediateThrowEvent id="{key}">{event}</intermediateThrowEvent>'


def catch(key: str, event: str) -> str:
    return f'<intermediateCatchEvent id="{key}">{event}</intermediateCatchEvent>'


def border(key: str, at: str, event: str, *, interrupting: bool = True) -> str:
    cancels = "" if interrupting else ' cancelActivity="false"'
    return f'<boundaryEvent id="{key}" attachedToRef="{at}"{cancels}>{event}</boundaryEvent>'


def handler(key: str, event: str, *elements: str, flow: str, interrupting: bool = True) -> str:
    """Return an event sub-process whose start event is `key` with `_start`."""
    interrupts = "" if interrupting else ' isInterrupting="false"'
    start = f'<startEvent id="{key}_start"{interrupts}>{event}</startEvent>'
    return container(key, start, *elements, flow=flow, triggeredByEvent="true")


def error(reference: str = "") -> str:
    return f'<errorEventDefinition errorRef="{reference}"/>' if reference else "<errorEventDefinition/>"


def escalation(reference: str = "x") -> str:
    return f'<escalationEventDefinition escalationRef="{reference}"/>'


def message(reference: str = "m") -> str:
    return f'<messageEventDefinition messageRef="{reference}"/>'


def condition(text: str) -> str:
    return f"<conditionalEventDefinition><condition>{text}</condition></conditionalEventDefinition>"


SIGNALLED = '<signalEventDefinition signalRef="s"/>'
COMPENSATE = "<compensateEventDefinition/>"


def compensable(key: str, *, note: str = "undone") -> str:
    """A task with a handler that notes its name."""
    undo = script(f"{key}_undo", f"{note} = {note} + ['{key}']")
    return (
        nodes(f"task {key}") + undo.replace("<scriptTask", '<scriptTask isForCompensation="true"')
        + border(f"{key}_at", key, COMPENSATE)
        + f'<association id="{key}_to" sourceRef="{key}_at" targetRef="{key}_undo" associationDirection="One"/>'
    )


def test_terminate__ends_all_branches(world: World) -> None:
    stop = end("T", "<terminateEventDefinition/>")
    run = Run(world, process(nodes("startEvent S; parallelGateway F; userTask A B"), stop,
                             flow="S > F; F > A; F > B; A > T"))

    assert run.complete("A") == ""
    assert run.ended


def test_event_sub_process__ends_its_level_and_the_outer_flow_goes_on(world: World) -> None:
    inner = container("Sub", nodes("startEvent T; userTask A"), flow="T > A").replace(
        "</subProcess>", handler("H", message(), nodes("userTask B"), flow="H_start > B") + "</subProcess>")
    run = Run(world, process(nodes("startEvent S; userTask Z"), inner, flow="S > Sub; Sub > Z", root=MESSAGE))

    world.message("order", "key", {})

    assert run.open() == "B"
    assert run.complete("B") == "Z"


def test_error__thrown_in_its_handler_goes_further_out(world: World) -> None:
    inside = handler("H", error("e"), nodes("userTask B"), end("Again", error("e")), flow="H_start > B; B > Again")
    inner = container("Sub", nodes("startEvent T; userTask A"), end("Fail", error("e")), inside, flow="T > A; A > Fail")
    run = Run(world, process(nodes("startEvent S; userTask Y Z"), inner, border("Out", "Sub", error("e")),
                             flow="S > Sub; Sub > Y; Out > Z", root=ERROR))

    assert run.complete("A") == "B"
    assert run.complete("B") == "Z"


def test_error__of_a_handler_is_caught_by_the_one_beside_it(world: World) -> None:
    beside = handler("E", error("e"), nodes("userTask R"), flow="E_start > R")
    fails = handler("H", message(), nodes("userTask B"), end("Fail", error("e")), flow="H_start > B; B > Fail",
                    interrupting=False)
    run = Run(world, process(nodes("startEvent S; userTask A"), fails, beside, flow="S > A", root=ERROR + MESSAGE))
    world.message("order", "key", {})

    assert run.complete("B") == "R"


def test_error__of_another_code_is_not_caught(world: World) -> None:
    inner = container("Sub", nodes("startEvent T; userTask A"), end("Fail", error("f")), flow="T > A; A > Fail")
    run = Run(world, process(nodes("startEvent S; userTask Y Z"), inner, border("Out", "Sub", error("e")),
                             flow="S > Sub; Sub > Y; Out > Z", root=ERROR))

    assert run.complete("A") == ""
    assert world.failure(run.number) == ("error", "F1")
    assert run.ended


def test_error__ends_all_rounds_of_a_multi_instance(world: World) -> None:
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>"
    inner = container("Sub", loop, nodes("startEvent T; userTask A"), end("Fail", error("e")), flow="T > A; A > Fail")
    run = Run(world, process(nodes("startEvent S; userTask Y Z"), inner, border("Out", "Sub", error()),
                             flow="S > Sub; Sub > Y; Out > Z", root=ERROR))

    assert run.open() == "A A A"
    assert run.complete("A") == "Z"


def call(called: str, *elements: str, flow: str, root: str, inner: str) -> bytes:
    """A process that calls another one."""
    outer = nodes("startEvent S; userTask Y Z") + f'<callActivity id="C" calledElement="q">{called}</callActivity>'
    return definitions(
        root, f'<process id="p" isExecutable="true">{outer}{"".join(elements)}{flows(flow)}</process>',
        f'<process id="q" isExecutable="true">{inner}</process>',
    )


def test_error__of_a_called_process(world: World) -> None:
    inner = nodes("startEvent T; userTask A") + end("Fail", error("e")) + flows("T > A; A > Fail")
    run = Run(world, call("", border("Out", "C", error("e")), flow="S > C; C > Y; Out > Z", root=ERROR, inner=inner))

    assert run.open() == "A"
    assert run.complete("A") == "Z"


def test_escalation__of_a_called_process_goes_on(world: World) -> None:
    inner = nodes("startEvent T; userTask A B") + throw("Up", escalation()) + flows("T > A; A > Up; Up > B")
    run = Run(world, call("", border("Out", "C", escalation(), interrupting=False), flow="S > C; C > Y; Out > Z",
                          root=ESCALATION, inner=inner))

    assert run.complete("A") == "B Z"
    assert run.complete("B") == "Y Z"


def test_boundary__interrupting_a_call_ends_what_was_called(world: World) -> None:
    inner = nodes("startEvent T; userTask A") + flows("T > A")
    run = Run(world, call("", border("Out", "C", timer("PT5S")), flow="S > C; C > Y; Out > Z", root="", inner=inner))

    world.advance(5)

    assert run.open() == "Z"


def test_boundary__takes_back_all_that_waited_inside(world: World) -> None:
    inner = container("Sub", nodes("startEvent T; parallelGateway F; userTask A"), catch("W", timer("PT1H")),
                      catch("M", message()), handler("H", message("n"), nodes("userTask B"), flow="H_start > B"),
                      border("L", "A", timer("PT2H")), nodes("userTask C"), flow="T > F; F > A; F > W; F > M; L > C")
    run = Run(world, process(nodes("startEvent S; userTask Z"), inner, border("Out", "Sub", timer("PT5S")),
                             flow="S > Sub; Out > Z", root=MESSAGE))

    world.advance(5)

    with world.sessions.begin() as session:
        left = [session.scalar(select(func.count()).select_from(table)) for table in (Job, Subscription)]
    assert (run.open(), left) == ("Z", [0, 0])


def test_boundary__not_interrupting_outlives_its_activity(world: World) -> None:
    run = Run(world, process(nodes("startEvent S; userTask A B"), border("L", "A", timer("PT5S"), interrupting=False),
                             flow="S > A; L > B"))
    world.advance(5)

    assert run.complete("A") == "B"
    assert not run.ended
    assert run.complete("B") == ""
    assert run.ended


def test_conditional_boundary__fires_when_a_variable_changes(world: World) -> None:
    run = Run(world, process(nodes("startEvent S; userTask A Z"), border("Hot", "A", condition("${heat > 5}")),
                             flow="S > A; Hot > Z"), heat=1)
    before = run.open()

    world.set_variables(run.number, {"heat": 9})

    assert (before, run.open()) == ("A", "Z")


def test_conditional_event_sub_process__once_each_time_it_becomes_true(world: World) -> None:
    inside = handler("H", condition("${heat > 5}"), nodes("userTask B"), flow="H_start > B", interrupting=False)
    run = Run(world, process(nodes("startEvent S; userTask A"), inside, flow="S > A"), heat=1)

    for heat in (9, 10, 1, 7):
        world.set_variables(run.number, {"heat": heat})

    assert run.open() == "A B B"


def test_compensation__of_a_sub_process_that_is_done(world: World) -> None:
    inner = container("Sub", nodes("startEvent T"), compensable("A"), compensable("B"), flow="T > A; A > B")
    run = Run(world, process(nodes("startEvent S; userTask Z"), inner, throw("Undo", COMPENSATE),
                             flow="S > Sub; Sub > Undo; Undo > Z"), undone=[])

    assert run.open() == "Z"
    assert run.variables["undone"] == ["B", "A"]


def test_compensation__of_one_activity(world: World) -> None:
    undo = '<compensateEventDefinition activityRef="A"/>'
    run = Run(world, process(nodes("startEvent S; userTask Z"), compensable("A"), compensable("B"), throw("Undo", undo),
                             flow="S > A; A > B; B > Undo; Undo > Z"), undone=[])

    assert (run.open(), run.variables["undone"]) == ("Z", ["A"])


def test_compensation__only_of_what_was_done(world: World) -> None:
    elements = nodes("startEvent S; exclusiveGateway G M; userTask Z") + throw("Undo", COMPENSATE)
    diagram = process(elements, compensable("A"), compensable("B"),
                      flow="S > G; G > A [${x}]; G > B [${!x}]; A > M; B > M; M > Undo; Undo > Z")
    run = Run(world, diagram, x=True, undone=[])

    assert run.variables["undone"] == ["A"]


def test_transaction__cancelled_is_compensated_and_left_by_its_boundary(world: World) -> None:
    inner = container("Sub", nodes("startEvent T; userTask Q"), compensable("A"), end("No", "<cancelEventDefinition/>"),
                      flow="T > A; A > Q; Q > No", kind="transaction")
    cancelled = border("Out", "Sub", "<cancelEventDefinition/>")
    diagram = process(nodes("startEvent S; userTask Y Z"), inner, cancelled, flow="S > Sub; Sub > Y; Out > Z")
    run = Run(world, diagram, undone=[])

    assert run.complete("Q") == "Z"
    assert run.variables["undone"] == ["A"]


def test_signal__reaches_all_instances_and_starts_others(world: World) -> None:
    waiting = nodes("startEvent S; userTask A") + catch("W", SIGNALLED) + flows("S > W; W > A")
    started = f'<startEvent id="B">{SIGNALLED}</startEvent>' + nodes("userTask C") + flows("B > C")
    throwing = nodes("startEvent D") + throw("T", SIGNALLED) + flows("D > T")
    world.deploy([("three.bpmn", definitions(SIGNAL, *(
        f'<process id="{key}" isExecutable="true">{elements}</process>'
        for key, elements in (("p", waiting), ("q", started), ("r", throwing)))))])
    first, second = world.start("p", {}), world.start("p", {})

    world.start("r", {})

    assert [len(world.open_tasks(number)) for number in (first, second)] == [1, 1]
    assert [key for _, key in world.instances()].count("q") == 1


def test_link__many_to_one(world: World) -> None:
    link = '<linkEventDefinition name="L"/>'
    run = Run(world, process(nodes("startEvent S; parallelGateway F; userTask A"), throw("O1", link), throw("O2", link),
                             catch("I", link), flow="S > F; F > O1; F > O2; I > A"))

    assert run.open() == "A A"


def test_event_based_gateway__parallel_waits_for_all_when_it_starts(world: World) -> None:
    gateway = '<eventBasedGateway id="G" instantiate="true" eventGatewayType="Parallel"/>'
    diagram = process(gateway, catch("M", message("m")), catch("N", message("n")),
                      nodes("parallelGateway J; userTask A"), flow="G > M; G > N; M > J; N > J; J > A", root=MESSAGE)
    world.deploy([("diagram.bpmn", diagram)])
    first = world.message("order", "key", {})
    before = len(world.open_tasks(first))

    world.message("cancel", "key", {})

    assert (before, len(world.open_tasks(first))) == (0, 1)


def test_event_based_gateway__starts_with_one_of_its_events(world: World) -> None:
    gateway = '<eventBasedGateway id="G" instantiate="true"/>'
    diagram = process(gateway, catch("M", message("m")), catch("N", message("n")), nodes("userTask A B"),
                      flow="G > M; G > N; M > A; N > B", root=MESSAGE)
    world.deploy([("diagram.bpmn", diagram)])

    started = world.message("cancel", "key", {"why": 1})

    assert [element for _, element, _ in world.open_tasks(started)] == ["B"]
    assert world.variables(started) == {"why": 1}


def test_quantities__of_tokens(world: World) -> None:
    run = Run(world, process(nodes("startEvent S"), '<userTask id="A" completionQuantity="4"/>',
                             '<userTask id="B" startQuantity="2"/>', flow="S > A; A > B"))

    assert run.complete("A") == "B B"


def test_ad_hoc__sequential_until_the_condition_holds(world: World) -> None:
    loose = container("L", nodes("userTask A B C"), "<completionCondition>${enough}</completionCondition>",
                      kind="adHocSubProcess", ordering="Sequential")
    run = Run(world, process(nodes("startEvent S; userTask Z"), loose, flow="S > L; L > Z"), enough=False)
    first = run.open()

    second = run.complete(first)

    assert len(first.split()) == len(second.split()) == 1
    assert first != second
    assert run.complete(second, enough=True) == "Z"


@pytest.mark.parametrize("kind", ["true", "false"])
def test_multi_instance__over_nothing_is_passed(world: World, kind: str) -> None:
    loop = f'<multiInstanceLoopCharacteristics isSequential="{kind}" camunda:collection="people"/>'
    diagram = process(nodes("startEvent S; userTask Z"), f'<userTask id="A">{loop}</userTask>', flow="S > A; A > Z")
    run = Run(world, diagram, people=[])

    assert run.open() == "Z"


def test_multi_instance__each_round_has_its_own_element(world: World) -> None:
    loop = '<multiInstanceLoopCharacteristics camunda:collection="people" camunda:elementVariable="person"/>'
    greet = script("Greet", "greeted = greeted + [person]")
    inner = container("Sub", loop, nodes("startEvent T"), greet, flow="T > Greet")
    run = Run(world, process(nodes("startEvent S; userTask Z"), inner, flow="S > Sub; Sub > Z"), people=["ann", "bob"],
              greeted=[])

    assert run.variables == {"people": ["ann", "bob"], "greeted": ["ann", "bob"]}


def test_message__thrown_reaches_the_other_pool(world: World) -> None:
    other = f'<startEvent id="B">{message()}</startEvent>' + nodes("userTask C") + flows("B > C")
    mine = nodes("startEvent S; userTask A") + throw("T", message()) + flows("S > T; T > A")
    first = f'<process id="p" isExecutable="true">{mine}</process>'
    second = f'<process id="q" isExecutable="true">{other}</process>'
    run = Run(world, definitions(MESSAGE, first, second))

    assert run.open() == "A"
    assert [key for _, key in world.instances()] == ["p", "q"]


def test_timer_start__begins_instances(world: World) -> None:
    start = f'<startEvent id="S">{timer("R3/PT1H", "timeCycle")}</startEvent>'
    world.deploy([("diagram.bpmn", process(start, nodes("userTask A"), flow="S > A"))])

    world.advance(5 * 3600)

    assert len(world.instances()) == 3


def test_default_flow__of_an_inclusive_gateway_only_when_nothing_else(world: World) -> None:
    gateway = '<inclusiveGateway id="G" default="G_C"/>'
    diagram = process(nodes("startEvent S; userTask A B C"), gateway, flow="S > G; G > A [${x}]; G > B [${y}]; G > C")

    assert Run(world, diagram, x=True, y=True).open() == "A B"
    assert Run(world, diagram, x=False, y=False).open() == "C"


def test_exclusive_gateway__nothing_holds_is_an_incident(world: World) -> None:
    diagram = process(nodes("startEvent S; exclusiveGateway G; userTask A"), flow="S > G; G > A [${x}]")
    run = Run(world, diagram, x=False)

    failure = world.failure(run.number)

    assert (failure is not None and failure[0], run.ended) == ("incident", False)


def test_event_sub_process__inside_an_event_sub_process(world: World) -> None:
    deepest = handler("I", message("n"), nodes("userTask C"), flow="I_start > C", interrupting=False)
    outer = handler("H", message("m"), nodes("userTask B"), deepest, flow="H_start > B")
    run = Run(world, process(nodes("startEvent S; userTask A"), outer, flow="S > A", root=MESSAGE))
    world.message("order", "key", {})

    world.message("cancel", "key", {})

    assert run.open() == "B C"


def test_save_points__go_on_by_themselves(world: World) -> None:
    saved = '<task id="A" camunda:asyncBefore="true" camunda:asyncAfter="true"/>'
    run = Run(world, process(nodes("startEvent S; userTask Z"), saved, flow="S > A; A > Z"))

    assert run.open() == "Z"


def test_complex_gateway__lets_late_tokens_pass_once(world: World) -> None:
    enough = "<activationCondition>${activationCount &gt;= 2}</activationCondition>"
    gateway = f'<complexGateway id="G">{enough}</complexGateway>'
    run = Run(world, process(nodes("startEvent S; parallelGateway F; userTask A B C Z"), gateway,
                             flow="S > F; F > A; F > B; F > C; A > G; B > G; C > G; G > Z"))

    assert run.complete("A") == "B C"
    assert run.complete("B") == "C Z"
    assert run.complete("C") == "Z"
    assert run.complete("Z") == ""
    assert run.ended


def test_inclusive_join__fires_when_a_token_can_also_come_where_one_is(world: World) -> None:
    # C can still send its token to the way of A, which has one: by table 13.3 of the standard the join does not wait.
    run = Run(world, process(
        nodes("startEvent S; parallelGateway Split; exclusiveGateway Merge Choose; inclusiveGateway Join"),
        nodes("userTask A C Z"),
        flow="""S > Split; Split > A; Split > C; A > Merge; C > Choose; Choose > Merge [${x}]; Choose > Join [${!x}]
                Merge > Join; Join > Z"""), x=False)

    assert run.complete("A") == "C Z"


def test_inclusive_join__does_not_wait_for_a_token_behind_it(world: World) -> None:
    # Z leads back to the join, but only through the join itself could its token have come to the other flow.
    run = Run(world, process(
        nodes("startEvent S; parallelGateway Split; exclusiveGateway M More; inclusiveGateway Join; userTask A B Z E"),
        flow="""S > Split; Split > M; Split > B; M > A; A > Join; B > Join; Join > Z; Z > More
                More > M [${again}]; More > E [${!again}]"""))
    assert run.complete("A") == "B"
    assert run.complete("B") == "Z"
    assert run.complete("Z", again=True) == "A"

    assert run.complete("A") == "Z"
    assert run.complete("Z", again=False) == "E"


def test_tokens__two_at_one_element(world: World) -> None:
    run = Run(world, process(nodes("startEvent S; parallelGateway F; exclusiveGateway M; userTask A Z; endEvent E"),
                             flow="S > F; F > M; F > M; M > A; A > Z; Z > E").replace(
        b'<sequenceFlow id="F_M" sourceRef="F" targetRef="M"></sequenceFlow>',
        b'<sequenceFlow sourceRef="F" targetRef="M"/>'))

    assert run.open() == "A A"
    assert run.complete("A A Z") == "Z"
    assert not run.ended
    assert run.complete("Z") == ""
    assert run.ended
