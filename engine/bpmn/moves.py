"""How each trigger moves a process instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from casepath.engine import errors
from casepath.engine.bpmn import catchers, compensation, states, triggers
from casepath.engine.bpmn.effects import Outcome
from casepath.engine.bpmn.elements.events import StartEvent
from casepath.engine.bpmn.elements.gateways import EventBasedGateway
from casepath.engine.bpmn.elements.tasks import CallActivity, WorkerTask
from casepath.engine.bpmn.graph import Container, Element
from casepath.engine.bpmn.scopes import Scope
from casepath.engine.bpmn.tree import Token
from casepath.engine.bpmn.workflow import TokenWorkflow
from casepath.engine.history import ERROR_TEXT, Event

#: Kind of the history event with which each trigger is remembered.
KINDS: Mapping[type, str] = {
    triggers.Start: "process_instance.started",
    triggers.CompleteUserTask: "user_task.completed",
    triggers.CompleteExternalTask: "external_task.completed",
    triggers.ThrowError: "error.reported",
    triggers.Escalate: "escalation.reported",
    triggers.FireTimer: "timer.fired",
    triggers.ReceiveMessage: "message.received",
    triggers.ReceiveSignal: "signal.received",
    triggers.Continue: "continuation.executed",
    triggers.Retry: "incident.retried",
    triggers.SetVariables: "variables.set",
    triggers.Modify: "process_instance.modified",
    triggers.Cancel: "process_instance.cancelled",
    triggers.CallReturned: "call.returned",
    triggers.CallFailed: "call.failed",
}
#: What a trigger of each kind brings along that its event tells as a fact.
FACTS: Mapping[type, tuple[str, ...]] = {
    kind: tuple(
        name
        for name in ("start_element", "tracks", "error_code", "escalation_code", "name", "reason", "by_caller")
        if hasattr(kind, name)
    )
    for kind in KINDS
}


def apply(workflow: TokenWorkflow, trigger: triggers.Trigger, *, by: str | None) -> None:
    """
    Move a process instance and remember why; then run it until all its tokens wait.

    Raises `NotFound` or `InvalidState` where the trigger does not fit what is alive.
    """
    workflow.events.append(event_of(workflow, trigger, by))
    _apply(workflow, trigger)
    if isinstance(trigger, triggers.ReceiveSignal):
        for number, element_id in trigger.also:
            _hear_too(workflow, replace(trigger, activity_instance=number, element_id=element_id, also=()), by)
    workflow.run()


def _hear_too(workflow: TokenWorkflow, trigger: triggers.ReceiveSignal, by: str | None) -> None:
    """Let one more hear a signal and remember it, unless who heard it before has interrupted this one."""
    told, before = event_of(workflow, trigger, by), len(workflow.events)
    try:
        _apply(workflow, trigger)
    except (errors.NotFound, errors.InvalidState):
        return
    workflow.events.insert(before, told)


def event_of(workflow: TokenWorkflow, trigger: triggers.Trigger, by: str | None) -> Event:
    """Return the history event for a trigger: all that is needed to apply it once more."""
    number = getattr(trigger, "activity_instance", None)
    element_id = getattr(trigger, "element_id", None)
    if element_id is None and number and number in workflow.tasks:
        element_id = workflow.tasks[number].node.bpmn_id
    facts: dict[str, Any] = dict(getattr(trigger, "facts", {}))
    for name in FACTS[type(trigger)]:
        value = getattr(trigger, name)
        if value not in (None, "", False):
            facts[name] = value
    if isinstance(trigger, triggers.Modify):
        facts["instructions"] = [instruction_facts(instruction) for instruction in trigger.instructions]
    variables = dict(getattr(trigger, "variables", {}))
    local = getattr(trigger, "local_variables", None)
    if local:
        facts["local"] = sorted(local)
        # A variable of the same name is set where the local one is, and after it.
        variables = {**local, **variables}
    if also := getattr(trigger, "also", ()):
        facts["also"] = [list(place) for place in also]
    results = getattr(trigger, "results", None)
    if results:
        facts["thrown"] = sorted(variables)
        variables = {**results, **variables}
    message = getattr(trigger, "message", "")
    if message:
        variables[ERROR_TEXT] = message
    return Event(
        kind=KINDS[type(trigger)],
        activity_instance=number,
        element_id=element_id,
        facts=facts,
        variables=variables or None,
        by=by,
    )


def instruction_facts(instruction: triggers.Instruction) -> dict[str, Any]:
    """Return an instruction of a modification as JSON."""
    match instruction:
        case triggers.StartBefore():
            return {"start_before": instruction.element_id}
        case triggers.StartAfter():
            return {"start_after": instruction.element_id}
        case triggers.CancelActivity():
            return {"cancel": instruction.activity_instance}


def _apply(workflow: TokenWorkflow, trigger: triggers.Trigger) -> None:  # noqa: PLR0912 - one branch for each trigger
    match trigger:
        case triggers.Start():
            _start(workflow, trigger)
            if trigger.tracks:
                workflow.root.memo["set"] = []
            if trigger.depth:
                workflow.root.memo["depth"] = trigger.depth
        case triggers.CompleteUserTask():
            workflow.complete(_working(workflow, trigger.activity_instance, "user_task"), trigger.variables)
        case triggers.CompleteExternalTask():
            token = _working(workflow, trigger.activity_instance, "external_task")
            if trigger.local_variables:
                workflow.set_variables(token.open_scope(), trigger.local_variables, local=True)
            _complete_work(workflow, token, trigger.variables)
        case triggers.ThrowError():
            error = errors.BpmnError(trigger.error_code, trigger.message, trigger.variables)
            _throw(workflow, workflow.waiting(trigger.activity_instance), error)
        case triggers.Escalate():
            _escalate(workflow, trigger)
        case triggers.FireTimer():
            _trigger(workflow, trigger.activity_instance, trigger.element_id, "timer", {})
        case triggers.ReceiveMessage():
            _trigger(
                workflow, trigger.activity_instance, trigger.element_id, "message", trigger.variables, name=trigger.name
            )
        case triggers.ReceiveSignal():
            _trigger(
                workflow, trigger.activity_instance, trigger.element_id, "signal", trigger.variables, name=trigger.name
            )
        case triggers.Continue():
            workflow.continue_(workflow.waiting(trigger.activity_instance))
        case triggers.Retry():
            workflow.retry(_alive(workflow, trigger.activity_instance))
        case triggers.SetVariables():
            _set_variables(workflow, trigger)
        case triggers.Modify():
            for instruction in trigger.instructions:
                _modify(workflow, instruction)
            _take_away_what_is_empty(workflow)
        case triggers.Cancel():
            workflow.end(Outcome(state="cancelled", reason=trigger.reason))
        case triggers.CallReturned() | triggers.CallFailed():
            _call_ended(workflow, trigger)


def _trigger(workflow: TokenWorkflow, number: int, element_id: str, kind: Any, variables: Any, **more: Any) -> None:
    catchers.trigger(workflow, number, node_of(workflow, element_id), kind, variables, **more)


def node_of(workflow: TokenWorkflow, element_id: str) -> Element:
    """Return an element of the definition; raises `NotFound`."""
    node = workflow.spec.nodes.get(element_id)
    if node is None:
        raise errors.NotFound("element", element_id)
    return node


def _alive(workflow: TokenWorkflow, number: int) -> Token:
    token = workflow.tasks.get(number)
    if token is None:
        raise errors.NotFound("activity instance", number)
    return token


def _working(workflow: TokenWorkflow, number: int, work: str) -> Token:
    token = workflow.waiting(number)
    if not token.memo.get("work") or token.node.work != work:
        raise errors.NotFound(work.replace("_", " "), number)
    return token


def _start(workflow: TokenWorkflow, trigger: triggers.Start) -> None:
    if trigger.start_element is None:
        starts = [start for start in workflow.spec.root.start_events if not start.definitions]
        workflow.start({**trigger.variables, **_initiators(workflow, starts)})
        return
    node = node_of(workflow, trigger.start_element)
    variables = {**trigger.variables, **_initiators(workflow, [node])}
    gateway = next(
        (
            flow.source
            for flow in node.incoming
            if isinstance(flow.source, EventBasedGateway) and flow.source.instantiates
        ),
        None,
    )
    if gateway is None:
        workflow.start(variables, node)
        return
    workflow.root.variables.update(workflow.spec.root.initial)
    workflow.set_variables(workflow.root, variables, local=True)
    catchers.arm_event_subprocesses(workflow, workflow.spec.root, workflow.root)
    gateway.begin_with(workflow, node)


def _initiators(workflow: TokenWorkflow, starts: Sequence[Element]) -> dict[str, str]:
    """Return the variables by which start events remember who started the process; none where no user did."""
    user = workflow.environment.user
    named = (start.initiator for start in starts if isinstance(start, StartEvent))
    return {name: user for name in named if name} if user else {}


def _complete_work(workflow: TokenWorkflow, token: Token, variables: Mapping[str, Any]) -> None:
    assert isinstance(token.node, WorkerTask)
    try:
        error = token.node.mapped_error(token, variables)
    except errors.ExpressionError as failure:
        token.memo.pop("work", None)
        workflow.fail(token, failure)
        return
    if error is None:
        workflow.complete(token, variables)
    else:
        _throw(workflow, token, error)


def _throw(workflow: TokenWorkflow, token: Token, error: errors.BpmnError) -> None:
    if not catchers.throw_error(workflow, token, error):
        token.memo.pop("work", None)
        workflow.fail(token, error)


def _escalate(workflow: TokenWorkflow, trigger: triggers.Escalate) -> None:
    if trigger.activity_instance not in workflow.tasks:
        # Of two escalations of what was called the first one has interrupted the call.
        return
    token = workflow.waiting(trigger.activity_instance)
    _take_results(token, trigger.results)
    catchers.throw_escalation(workflow, token, trigger.escalation_code, trigger.variables)


def _call_ended(workflow: TokenWorkflow, trigger: triggers.CallReturned | triggers.CallFailed) -> None:
    if trigger.activity_instance not in workflow.tasks:
        # What was called has escalated just before its end, and that has interrupted the call.
        return
    token = workflow.waiting(trigger.activity_instance)
    if isinstance(trigger, triggers.CallReturned):
        node = token.node
        assert isinstance(node, CallActivity)
        node.returned(token, trigger.variables)
        return
    token.memo.pop("called", None)
    if trigger.error_code is None:
        workflow.fail(token, errors.InvalidInput(trigger.message))
        return
    _take_results(token, trigger.results)
    error = errors.BpmnError(trigger.error_code, trigger.message, trigger.variables)
    catchers.throw_error_event(workflow, token, error)


def _take_results(token: Token, results: Mapping[str, Any]) -> None:
    """Take the results that a called process gives before its end, before the caller hears what was thrown."""
    node = token.node
    if isinstance(node, CallActivity) and (node.taken or node.takes_all or node.given is None):
        node.take(token, results, early=True)


def _set_variables(workflow: TokenWorkflow, trigger: triggers.SetVariables) -> None:
    scope = workflow.scopes.get(trigger.activity_instance)
    if scope is None:
        raise errors.NotFound("scope", trigger.activity_instance)
    workflow.set_variables(scope, trigger.variables, local=True)


def _modify(workflow: TokenWorkflow, instruction: triggers.Instruction) -> None:
    match instruction:
        case triggers.CancelActivity():
            _cancel(workflow, _alive(workflow, instruction.activity_instance))
        case triggers.StartBefore():
            node = node_of(workflow, instruction.element_id)
            workflow.enter(node, _scope_for(workflow, node))
        case triggers.StartAfter():
            node = node_of(workflow, instruction.element_id)
            scope = _scope_for(workflow, node)
            if not node.outgoing:
                raise errors.InvalidInput(
                    "Something has to come after {element}, but nothing does.",
                    code="element-without-exit",
                    element=node.bpmn_id,
                )
            for flow in node.outgoing:
                workflow.arrive(flow, scope)


def _cancel(workflow: TokenWorkflow, token: Token) -> None:
    workflow.cancel_token(token)
    if "compensates" in token.memo:
        compensation.done(token)
    counters = token.scope.variables
    if "loop" in token.memo and "nrOfActiveInstances" in counters:
        counters["nrOfActiveInstances"] -= 1


def _take_away_what_is_empty(workflow: TokenWorkflow) -> None:
    """An activity out of which everything was taken does not complete: it is taken away too, up to the instance."""
    for token in sorted(workflow.alive(), key=lambda token: token.number, reverse=True):
        node = token.node
        holds = isinstance(node, Container) or node.is_body(token)
        if holds and token.inner is not None and not token.inner.count and token.waits:
            _cancel(workflow, token)
    if not workflow.root.count:
        workflow.scope_emptied(workflow.root)


def _scope_for(workflow: TokenWorkflow, node: Element) -> Scope:
    """Return the scope in which an element lives, opening the sub-processes around it where none is open."""
    container = node.container
    if container is None or container.container is None:
        return workflow.root
    open_scopes = [
        scope
        for scope in workflow.scopes.values()
        if scope.owner is not None
        and scope.owner.node is container
        and "start" not in scope.owner.memo
        and workflow.container(scope) is container
    ]
    if len(open_scopes) > 1:
        raise errors.InvalidInput(
            "{element} should be running once, so that it is clear where to start; it is running {count} times.",
            code="scope-unclear",
            element=container.bpmn_id,
            count=len(open_scopes),
        )
    if open_scopes:
        return open_scopes[0]
    return _open(workflow, container)


def _open(workflow: TokenWorkflow, container: Container) -> Scope:
    if container.loop is not None or container.triggered:
        raise errors.InvalidInput(
            "For this {element} has to be running, but it is not.",
            code="scope-missing",
            element=container.bpmn_id,
        )
    token = workflow.enter(container, _scope_for(workflow, container))
    token._set_state(states.STARTED)
    scope = token.open_scope()
    scope.variables.update(container.initial)
    catchers.arm_event_subprocesses(workflow, container, scope)
    catchers.arm_boundary(workflow, token)
    return scope
