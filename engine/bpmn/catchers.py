"""Who catches what: waiting for events, finding the catcher of what is thrown, and what happens when it catches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from casepath.engine import errors
from casepath.engine.bpmn.effects import Escalated, Outcome, Subscribed, TimerArmed
from casepath.engine.bpmn.graph import Container, Element
from casepath.engine.bpmn.memo import Memo, ScopeMemo
from casepath.engine.bpmn.model import EventDefinition, EventKind
from casepath.engine.bpmn.scopes import Scope
from casepath.engine.bpmn.tree import Token, TokenTree
from casepath.engine.time import timers

# -- waiting -----------------------------------------------------------------------------------------------------------


def arm(workflow: TokenTree, number: int, node: Element, token: Token | None) -> None:
    """Begin to wait for what an event catches, as activity instance `number`; errors and the like need no waiting."""
    environment = workflow.environment
    variables = token.variables() if token else workflow.root.variables
    for definition in node.definitions:
        if definition.kind == "timer":
            assert definition.schedule is not None
            assert definition.timer is not None
            value = definition.schedule.evaluate(variables, environment)
            if definition.timer == "date" and node.tag == "boundaryEvent":
                # Until then there is time for the activity.
                value = timers.closed(value, environment.calendar)
            due = timers.schedule(definition.timer, value, environment.now, environment.zone.key)
            workflow.effects.append(TimerArmed(number=number, element_id=node.bpmn_id, due=due))
            workflow.record("timer.armed", token, facts={"timer": node.bpmn_id, "due": due.at.isoformat()})
        elif definition.kind in ("message", "signal"):
            assert definition.name is not None
            name = str(definition.name.evaluate(variables, environment))
            correlation = None
            if definition.kind == "message":
                correlation = subscribed_correlation(workflow, definition, variables)
            workflow.effects.append(
                Subscribed(
                    number=number, element_id=node.bpmn_id, kind=definition.kind, name=name, correlation=correlation
                )
            )
        elif definition.kind == "conditional":
            workflow.changes.add(("", _key(number, node)))
            workflow.dirty = True


def arm_event_subprocesses(workflow: TokenTree, container: Container, scope: Scope) -> None:
    """Begin to wait for what starts the event sub-processes of a scope."""
    for start in container.event_starts:
        arm(workflow, scope.number, start, scope.owner)


def arm_boundary(workflow: TokenTree, token: Token) -> None:
    """Begin to wait for the events on the border of an activity."""
    for event in token.node.boundary:
        arm(workflow, token.number, event, token)


def armed(workflow: TokenTree, kind: EventKind) -> Iterator[tuple[int, Element]]:
    """Yield every event of a kind that is waited for, with the activity instance that waits."""
    for token in workflow.alive():
        if token.waits:
            for node in token.node.awaited(token):
                if node.catches(kind):
                    yield token.number, node
    for scope in list(workflow.scopes.values()):
        if not scope.memo.get("interrupted"):
            for start in workflow.event_starts(scope):
                if start.catches(kind):
                    yield scope.number, start


# -- catching ----------------------------------------------------------------------------------------------------------


def trigger(
    workflow: TokenTree,
    number: int,
    node: Element,
    kind: EventKind,
    variables: Mapping[str, Any],
    *,
    name: str = "",
) -> None:
    """
    Let an event catch what came for activity instance `number`.

    Raises `NotFound` or `InvalidState` where nobody waits for it (any more).
    """
    if node.container is not None and node.container.triggered and node in node.container.start_events:
        _trigger_event_subprocess(workflow, number, node, kind, variables, name)
        return
    token = workflow.waiting(number)
    if node not in token.node.awaited(token):
        raise errors.NotFound("waiting event", f"{number}/{node.bpmn_id}")
    if not complete_set(workflow, token.memo, node, kind, name):
        return
    if node is token.node:
        workflow.set_variables(token.inner or token.scope, variables)
        workflow.guard(token, lambda: token.node.caught(token))
    elif node in token.node.boundary:
        fire_boundary(workflow, token, node, variables)
    else:
        workflow.set_variables(token.scope, variables)
        workflow.guard(token, lambda: token.node.happened(token, node))


def _trigger_event_subprocess(
    workflow: TokenTree, number: int, start: Element, kind: EventKind, variables: Mapping[str, Any], name: str
) -> None:
    scope, container = workflow.scopes.get(number), start.container
    assert container is not None
    if scope is None or container.container is not workflow.container(scope):
        raise errors.NotFound("waiting event", f"{number}/{start.bpmn_id}")
    if scope.memo.get("interrupted"):
        raise errors.InvalidState("start", "event sub-process", container.bpmn_id, "interrupted")
    if complete_set(workflow, scope.memo, start, kind, name):
        start_event_subprocess(workflow, scope, start, variables)


def complete_set(workflow: TokenTree, memo: Memo | ScopeMemo, node: Element, kind: EventKind, name: str) -> bool:
    """Whether an event that needs several things has got the last of them; one that needs any always has."""
    if not node.parallel:
        return True
    came = memo.setdefault("came", {}).setdefault(node.bpmn_id, [])
    for index, definition in enumerate(node.definitions):
        if index not in came and definition.kind == kind and _is_named(workflow, definition, name):
            came.append(index)
            break
    if len(came) < len(node.definitions):
        return False
    del memo["came"][node.bpmn_id]
    return True


def _is_named(workflow: TokenTree, definition: EventDefinition, name: str) -> bool:
    if definition.name is None or not name:
        return True
    return str(definition.name.evaluate(workflow.root.variables, workflow.environment)) == name


def fire_boundary(workflow: TokenTree, host: Token, event: Element, variables: Mapping[str, Any]) -> None:
    """Send a token out of an event on the border; an interrupting one ends the activity first."""
    workflow.set_variables(host.scope, variables)
    workflow.enter(event, host.scope, memo={"caught": True})
    if event.interrupting:
        workflow.cancel_token(host)


def start_event_subprocess(
    workflow: TokenTree, scope: Scope, start: Element, variables: Mapping[str, Any]
) -> None:
    """Run an event sub-process in its scope; an interrupting one ends everything else there first."""
    workflow.set_variables(scope, variables)
    assert start.container is not None
    token = workflow.enter(start.container, scope, memo={"start": start.bpmn_id})
    if start.interrupting:
        scope.memo["interrupted"] = True
        for other in workflow.event_starts(scope):
            workflow.disarm(scope.number, other)
        workflow.clear(scope, keep=token)


# -- throwing ----------------------------------------------------------------------------------------------------------


def _catcher(
    workflow: TokenTree, token: Token, kind: EventKind, code: str
) -> tuple[Token | Scope, Element] | None:
    """
    Return who catches an error or escalation that comes from a token: the nearest event on a border around it or event
    sub-process beside it; one for just this code before one for all.
    """
    at = token
    while True:
        if event := _matching(at.node.border(at), kind, code):
            return at, event
        scope = at.scope
        # What an event sub-process throws is for those beside it, and never for itself.
        starts = [start for start in workflow.event_starts(scope) if start.container is not at.node]
        if not scope.memo.get("interrupted") and (start := _matching(starts, kind, code)):
            return scope, start
        if scope.owner is None:
            return None
        at = scope.owner


def _matching(nodes: Sequence[Any], kind: EventKind, code: str) -> Any:
    for wanted in (code, None):
        for node in nodes:
            if any(definition.code == wanted for definition in node.catches(kind)):
                return node
    return None


def _catch(
    workflow: TokenTree,
    found: tuple[Token | Scope, Any],
    kind: EventKind,
    code: str,
    message: str,
    variables: Mapping[str, Any],
) -> None:
    place, event = found
    carried = dict(variables)
    for definition in event.catches(kind):
        if definition.code_variable:
            carried[definition.code_variable] = code
        if definition.message_variable:
            carried[definition.message_variable] = message
    workflow.record(f"{kind}.caught", None, facts={"by": event.bpmn_id, "code": code})
    if isinstance(place, Scope):
        start_event_subprocess(workflow, place, event, carried)
    else:
        fire_boundary(workflow, place, event, carried)


def throw_error(workflow: TokenTree, token: Token, error: errors.BpmnError) -> bool:
    """
    Let the nearest event that catches this error have it, be it of a caller; return whether there was one.

    What leaves a process that was called ends it.
    """
    found = _catcher(workflow, token, "error", error.error_code)
    number = workflow.environment.process_instance_id
    goes_up = found is None and number is not None and workflow.services.caller_catches(number, error.error_code)
    if found is None and not goes_up:
        return False
    workflow.record("error.thrown", token, facts={"code": error.error_code}, variables={"message": error.message})
    if found is None:
        workflow.end(Outcome(state="cancelled", error=error, reason=f"error:{error.error_code}"))
        return True
    _catch(workflow, found, "error", error.error_code, error.message, error.variables)
    return True


def throw_error_event(workflow: TokenTree, token: Token, error: errors.BpmnError) -> None:
    """Throw the error of an end event; one that nobody catches ends the process instance."""
    if not throw_error(workflow, token, error):
        workflow.record("error.thrown", token, facts={"code": error.error_code})
        workflow.end(Outcome(state="cancelled", error=error, reason=f"error:{error.error_code}"))


def catcher_of(workflow: TokenTree, number: int, kind: EventKind, code: str) -> Element | None:
    """Return the event that would catch in this instance what an activity instance throws; None if there is none."""
    token = workflow.tasks.get(number)
    found = _catcher(workflow, token, kind, code) if token is not None else None
    return found[1] if found is not None else None


def throw_escalation(workflow: TokenTree, token: Token, code: str, variables: Mapping[str, Any]) -> None:
    """Let the nearest event that catches this escalation have it, or the caller of the process instance."""
    workflow.record("escalation.thrown", token, facts={"code": code}, variables=dict(variables) or None)
    found = _catcher(workflow, token, "escalation", code)
    if found is None:
        number = workflow.environment.process_instance_id
        interrupts = number is not None and workflow.services.caller_interrupts(number, code)
        results = dict(workflow.root.variables)
        workflow.effects.append(Escalated(code=code, variables=variables, results=results, interrupts=interrupts))
        # Nothing happens here any more where it ends this instance: its caller is told in the same transaction.
        workflow.paused = interrupts
    else:
        _catch(workflow, found, "escalation", code, "", variables)


def throw_signal(workflow: TokenTree, name: str, variables: Mapping[str, Any]) -> None:
    """Let everything in this instance that waits for a signal catch it."""
    if not workflow.spec.has_signal_catches:
        return
    for number, node in list(armed(workflow, "signal")):
        if any(_is_named(workflow, definition, name) for definition in node.catches("signal")):
            try:
                trigger(workflow, number, node, "signal", variables, name=name)
            except (errors.NotFound, errors.InvalidState):
                # Another catcher of the same signal has just interrupted this one.
                continue


def check_conditions(workflow: TokenTree) -> None:
    """Let conditional events catch whose condition has become true since it was last looked at."""
    while workflow.dirty and workflow.outcome is None:
        workflow.dirty = False
        changes, workflow.changes = workflow.changes, set()
        before = workflow.root.memo.get("holds", {})
        holds: dict[str, bool] = {}
        became: list[tuple[int, Element]] = []
        for number, node in armed(workflow, "conditional"):
            key = _key(number, node)
            if not _concerns(node, key, changes):
                holds.update({key: True} if key in before else {})
            elif _condition_holds(workflow, number, node):
                holds[key] = True
                if key not in before:
                    became.append((number, node))
        if holds or before:
            workflow.root.memo["holds"] = holds
        for number, node in became:
            try:
                trigger(workflow, number, node, "conditional", {})
            except (errors.NotFound, errors.InvalidState):
                continue


def _key(number: int, node: Element) -> str:
    return f"{number}/{node.bpmn_id}"


def _concerns(node: Element, key: str, changes: set[tuple[str, str]]) -> bool:
    """Whether a condition is to be looked at: its event has just been armed, or what it watches has changed."""
    if ("", key) in changes:
        return True
    for definition in node.catches("conditional"):
        kinds = definition.watched_changes or {"create", "update"}
        if definition.watched is None or any((definition.watched, kind) in changes for kind in kinds):
            return True
    return False


def _condition_holds(workflow: TokenTree, number: int, node: Element) -> bool:
    token = workflow.tasks.get(number)
    variables = token.variables() if token else workflow.root.variables
    for definition in node.catches("conditional"):
        assert definition.condition is not None
        try:
            if definition.condition.condition(variables, workflow.environment)[0]:
                return True
        except errors.ExpressionError:
            # A variable that is not there yet: the condition does not hold yet.
            continue
    return False


def seen_by_receivers(workflow: TokenTree) -> dict[int, Mapping[str, Any]]:
    """Return the variables that each activity sees which waits for a message, by its number."""
    if not workflow.spec.has_message_catches:
        return {}
    numbers = {number for number, _ in armed(workflow, "message")}
    return {number: workflow.tasks[number].variables() if number else workflow.root.variables for number in numbers}


# -- correlation -------------------------------------------------------------------------------------------------------


def subscribed_correlation(
    workflow: TokenTree, definition: EventDefinition, variables: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Return the values of the correlation keys by which this instance wants its message; None without keys."""
    found: dict[str, Any] = {}
    for key in workflow.spec.correlation_keys:
        for name, path in key.from_process.items():
            if definition.message_id in key.from_message.get(name, {}):
                found[name] = path.evaluate(variables, workflow.environment)
    return found or None


def sent_correlation(token: Token, definition: EventDefinition, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the correlation properties in a message that is sent."""
    found: dict[str, Any] = {}
    for key in token.workflow.spec.correlation_keys:
        for name, paths in key.from_message.items():
            path = paths.get(definition.message_id or "")
            if path is not None:
                found[name] = path.evaluate(payload or token.variables(), token.workflow.environment)
    return found
