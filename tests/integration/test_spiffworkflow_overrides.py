"""
What the engine overrides of SpiffWorkflow, and why: without the override a run goes otherwise.

Whatever is not shown by the two large models of `tests/executing.py` has a small model of its own here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from casepath.engine.bpmn import states
from casepath.engine.bpmn.elements.base import Node
from casepath.engine.bpmn.graph import Element
from casepath.engine.bpmn.parser.processes import ELEMENTS
from casepath.engine.bpmn.tree import Token
from casepath.engine.bpmn.triggers import StartBefore
from casepath.engine.instances import process_instances
from tests import executing, extending, overriding
from tests.acting import PROGRAM
from tests.diagrams import ERROR, MESSAGE, border, catch, container, definitions, error, message, nodes, process, script
from tests.world import World

See = Callable[[object], None]

#: By our class: the method or property, of which class of SpiffWorkflow, with its parameters.
OVERRIDDEN = {
    "Awaited": {"update_task": "EventDefinition(self, my_task)"},
    "CallActivity": {"_update_hook": "SubWorkflowTask(self, my_task)"},
    "CallActivityParser": {"create_task": "TaskParser(self)"},
    "CasepathParser": {
        "_add_correlations": "BpmnParser(self, bpmn)",
        "_add_data_stores": "BpmnParser(self, bpmn)",
        "_add_errors": "BpmnParser(self, bpmn)",
        "_add_escalations": "BpmnParser(self, bpmn)",
        "_add_messages": "BpmnParser(self, bpmn)",
        "_add_processes": "BpmnParser(self, bpmn, filename)",
        "_add_signals": "BpmnParser(self, bpmn)",
    },
    "Catcher": {"_update_hook": "BpmnTaskSpec(self, my_task)"},
    "ComplexGateway": {"_update_hook": "UnstructuredJoin(self, my_task)"},
    "ContainerParser": {"create_task": "TaskParser(self)"},
    "ElementParser": {
        "bpmn_id": "NodeParser(self)",
        "connect_outgoing": "TaskParser(self, outgoing_task, sequence_flow_node, is_default)",
        "parse_incoming_data_references": "NodeParser(self)",
        "parse_node": "TaskParser(self)",
        "parse_outgoing_data_references": "NodeParser(self)",
    },
    "EventBasedGateway": {
        "_update_hook": "CatchingEvent(self, my_task)",
        "connect": "EventBasedGateway(self, child)",
    },
    "EventParser": {"create_task": "TaskParser(self)"},
    "Extension": {"_update_hook": "BpmnTaskSpec(self, my_task)"},
    "FlowCondition": {"_matches": "_BpmnCondition(self, task)"},
    "InclusiveGateway": {"_check_threshold_unstructured": "InclusiveGateway(self, my_task)"},
    "Join": {"_update_hook": "BpmnTaskSpec(self, my_task)"},
    "Node": {
        "_on_cancel": "TaskSpec(self, my_task)",
        "_on_complete_hook": "BpmnTaskSpec(self, my_task)",
        "_on_ready_hook": "TaskSpec(self, my_task)",
        "_predict_hook": "TaskSpec(self, my_task)",
        "_run_hook": "TaskSpec(self, my_task)",
        "test": "TaskSpec(self)",
    },
    "ParallelGateway": {"_check_threshold_unstructured": "ParallelGateway(self, my_task)"},
    "ProcessReader": {
        "_index_process_nodes": "ProcessParser(self)",
        "add_tasks": "ProcessParser(self)",
        "create_spec": "ProcessParser(self)",
    },
    "ReceiveTaskParser": {"create_task": "TaskParser(self)"},
    "ScopeEnvironment": {
        "evaluate": "BasePythonScriptEngineEnvironment(self, expression, context, external_context)",
        "execute": "BasePythonScriptEngineEnvironment(self, script, context, external_context)",
    },
    "ScriptEngine": {
        "evaluate": "PythonScriptEngine(self, task, expression, external_context)",
        "execute": "PythonScriptEngine(self, task, script, external_context)",
    },
    "ScriptParser": {"get_script": "ScriptTaskParser(self)"},
    "SendTaskParser": {"create_task": "TaskParser(self)"},
    "SubProcess": {"_update_hook": "SubWorkflowTask(self, my_task)"},
    "ThrownDefinition": {"throw": "EventDefinition(self, my_task)"},
    "Token": {
        "_add_child": "Task(self, task_spec, state)",
        "_drop_children": "Task(self, force)",
        "_inherit_data": "Task(self)",
        "_set_state": "Task(self, value)",
        "set_data": "Task(self, kwargs)",
    },
    "TokenTree": {"_task_completed_notify": "Workflow(self, task)"},
    "TokenWorkflow": {"_do_engine_steps": "BpmnWorkflow(self, will_complete_task, did_complete_task)"},
}


def test_overrides__are_known_and_fit_their_base() -> None:
    found: dict[str, dict[str, str]] = {}
    for ours, name, base in overriding.overrides():
        assert overriding.parameters(vars(ours)[name]) == overriding.parameters(vars(base)[name]), f"{ours}.{name}"
        parameters = ", ".join(overriding.parameters(vars(base)[name]))
        found.setdefault(ours.__name__, {})[name] = f"{base.__name__}({parameters})"

    assert found == OVERRIDDEN


@pytest.mark.parametrize("kind", {kind.__name__: kind for _, kind in ELEMENTS.values()}.values())
def test_elements__nothing_runs_past_the_frame(kind: type[Element]) -> None:
    assert vars(Node)["_run_hook"] is getattr(kind, "_run_hook")  # noqa: B009 - its type knows no hooks


# -- small models, each for a fault that the large ones do not meet ----------------------------------------------------


def of(content: bytes, *elements: str, **variables: object) -> executing.Play:
    """Return a play: start a process, and complete user tasks."""

    def play(see: See) -> None:
        world = World()
        try:
            world.deploy([("diagram.bpmn", content)])
            number = world.start("p", variables, "key")
            for element in elements:
                see(sorted(at for _, at, _ in world.open_tasks(number)))
                world.complete(next(task for task, at, _ in world.open_tasks(number) if at == element), {})
            see((sorted(at for _, at, _ in world.open_tasks(number)), world.ended(number), world.failure(number)))
            see(world.variables(number))
            tokens, _ = executing.stored(world, number)
            see([(token[1], token[3]) for token in tokens])
        finally:
            world.close()

    return play


def beginning_before(element: str, content: bytes) -> executing.Play:
    """Return a play: start a process, and put a token before an element by hand."""

    def play(see: See) -> None:
        world = World()
        try:
            world.deploy([("diagram.bpmn", content)])
            number = world.start("p", {}, "key")
            with world.sessions.begin() as session:
                process_instances.modify(session, number, [StartBefore(element_id=element)], by=PROGRAM, reason="test")
            see(world.message("order", "key", {}))
            see(sorted(at for _, at, _ in world.open_tasks(number)))
        finally:
            world.close()

    return play


def state_of_cancelled(see: See) -> None:
    """Play: an element has its own token cancelled while it runs, which SpiffWorkflow then calls started."""
    token: Any = object.__new__(Token)
    token._state = states.CANCELLED
    token._set_state(states.STARTED)
    see(token.state_name)


STRAIGHT = "startEvent Begin; userTask A; endEvent Done"
FLOW = "Begin > A; A > Done"
NAMELESS = '<startEvent/><userTask name="one"/><userTask name="two"/>'
CALLED = definitions(
    '<process id="p" isExecutable="true"><startEvent id="B"/><callActivity id="C" calledElement="q"/>'
    '<sequenceFlow id="f" sourceRef="B" targetRef="C"/></process>'
    '<process id="q" isExecutable="true"><startEvent id="S"/><userTask id="A"/>'
    '<sequenceFlow id="g" sourceRef="S" targetRef="A"/></process>'
)
WAITING = process(nodes("startEvent Begin; eventBasedGateway First; userTask A"), catch("Order", message("m")),
                  catch("Cancel", message("n")), flow="Begin > A; First > Order; First > Cancel; Order > A; A > First",
                  root=MESSAGE)  # fmt: skip
COMPLEX = process(
    nodes("startEvent Begin; parallelGateway Fork; userTask A B C"),
    '<complexGateway id="Meet"><activationCondition>${nobody_knows}</activationCondition></complexGateway>',
    flow="Begin > Fork; Fork > A; Fork > B; A > Meet; B > Meet; Meet > C",
)


def data(kind: str) -> bytes:
    """Return a process whose task reads from, or writes to, a data object of the sub-process around it."""
    own = f'<data{kind} id="x" name="order"/>'
    sets = "<inputSet><dataInputRefs>x</dataInputRefs></inputSet><outputSet/>"
    if kind == "Output":
        sets = "<inputSet/><outputSet><dataOutputRefs>x</dataOutputRefs></outputSet>"
    source, target = ("r", "x") if kind == "Input" else ("x", "r")
    ends = f"<sourceRef>{source}</sourceRef><targetRef>{target}</targetRef>"
    task = (f'<userTask id="A"><ioSpecification>{own}{sets}</ioSpecification>'
            f'<data{kind}Association id="i">{ends}</data{kind}Association></userTask>')  # fmt: skip
    objects = '<dataObject id="o" name="order"/><dataObjectReference id="r" dataObjectRef="o"/>'
    inner = container("In", nodes("startEvent S"), task, flow="S > A")
    return process(nodes("startEvent Begin"), container("Sub", nodes("startEvent T"), objects, inner, flow="T > In"),
                   flow="Begin > Sub")  # fmt: skip


PLAYS: dict[str, executing.Play] = {
    "CallActivity._update_hook": of(CALLED),
    "CallActivityParser.create_task": of(CALLED),
    "CasepathParser._add_correlations": of(process(nodes(STRAIGHT), flow=FLOW, root='<correlationProperty name="k">'
        '<correlationPropertyRetrievalExpression messageRef="m"><messagePath>key</messagePath>'
        "</correlationPropertyRetrievalExpression></correlationProperty>" + MESSAGE)),
    "CasepathParser._add_data_stores": of(process(nodes(STRAIGHT), flow=FLOW, root='<dataStore id="s" name="cars"/>')),
    "CasepathParser._add_errors": of(process(nodes(STRAIGHT), flow=FLOW, root='<error name="e"/>')),
    "CasepathParser._add_escalations": of(process(nodes(STRAIGHT), flow=FLOW, root='<escalation name="e"/>')),
    "CasepathParser._add_messages": of(process(nodes(STRAIGHT), flow=FLOW, root='<message name="m"/>')),
    "CasepathParser._add_processes": of(definitions('<globalUserTask id="p" name="Look"/>')),
    "CasepathParser._add_signals": of(process(nodes(STRAIGHT), flow=FLOW, root='<signal name="s"/>')),
    "ComplexGateway._update_hook": of(COMPLEX, "A"),
    "ElementParser.bpmn_id": of(process(NAMELESS)),
    "ElementParser.parse_incoming_data_references": of(data("Input")),
    "ElementParser.parse_outgoing_data_references": of(data("Output")),
    "EventBasedGateway.connect": beginning_before("Order", WAITING),
    "Extension._update_hook": functools.partial(extending.play, "reluctant"),
    "ScriptEngine.evaluate": of(process(nodes(f"{STRAIGHT}; exclusiveGateway G"),
        flow="Begin > G; G > A [${unknown}]")),
    "ScriptEngine.execute": of(process(nodes(STRAIGHT), script("S", "raise BpmnError('E1', 'no')"),
        border("Caught", "S", error("e")), flow="Begin > S; Caught > A; A > Done", root=ERROR)),
    "ScriptParser.get_script": of(process(nodes(STRAIGHT),
        '<scriptTask id="S" scriptFormat="feel" camunda:resultVariable="n">'
        "<script>if 1 &lt; 2 then 3 else 4</script></scriptTask>",
        flow="Begin > S; S > A; A > Done")),
    "Token._set_state": state_of_cancelled,
}  # fmt: skip


@functools.cache
def with_all(name: str) -> list[object]:
    """Return what can be seen of the play of an override while nothing is taken away."""
    seen = executing.trace(PLAYS.get(name, executing.play))
    assert seen[-1] not in ("Refused", "TimeoutError")
    return seen


@pytest.mark.parametrize(
    ("ours", "name"),
    [pytest.param(ours, name, id=f"{ours.__name__}.{name}") for ours, name, _ in overriding.overrides()],
)
def test_overrides__without_it_a_run_goes_otherwise(ours: type, name: str) -> None:
    played = f"{ours.__name__}.{name}"
    expected = with_all(played) if played in PLAYS else with_all("")

    with executing.bare(ours, name):
        assert executing.trace(PLAYS.get(played, executing.play)) != expected
