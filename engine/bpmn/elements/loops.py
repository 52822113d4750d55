"""Loops: an activity repeated while a condition holds, or once for each of several instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casepath.engine import errors
from casepath.engine.bpmn import catchers
from casepath.engine.bpmn.elements.base import record_mapped
from casepath.engine.bpmn.graph import Element
from casepath.engine.bpmn.model import EventDefinition, Loop
from casepath.engine.bpmn.tree import Token
from casepath.engine.expressions import Environment

#: Instances of one activity at a time.
MAX_INSTANCES = 10_000


def loop_begin(activity: Element, loop: Loop, body: Token) -> bool | None:
    """Begin the rounds of a loop; return True where there is none."""
    if loop.kind == "standard":
        scope = body.open_scope()
        scope.variables.setdefault("loopCounter", 0)
        if (loop.test_before and not _goes_on(loop, body)) or loop.maximum == 0:
            return True
        catchers.arm_boundary(body.workflow, body)
        _begin_round(activity, loop, body, 0)
        return None
    items = _items(loop, body)
    count = len(items) if items is not None else _cardinality(loop, body)
    if count > MAX_INSTANCES:
        raise errors.InvalidInput(
            "Expected at most {limit} instances of {element}, but found {count}",
            limit=MAX_INSTANCES,
            element=activity.bpmn_id,
            count=count,
        )
    scope = body.open_scope()
    scope.variables.update(nrOfInstances=count, nrOfActiveInstances=0, nrOfCompletedInstances=0)
    if loop.output_collection:
        body.memo["results"] = [None] * count
    if not count:
        return True
    if items is not None:
        body.memo["items"] = items
    catchers.arm_boundary(body.workflow, body)
    for index in range(count if loop.kind == "parallel" else 1):
        _begin_round(activity, loop, body, index)
    return None


def _items(loop: Loop, body: Token) -> list[Any] | None:
    if loop.collection is None:
        return None
    value = loop.collection.evaluate(body.variables(), body.workflow.environment)
    if isinstance(value, dict):
        return list(value.values())
    if not isinstance(value, (list, tuple)):
        raise errors.InvalidInput(
            "Expected a list in {text}, but found {value}",
            text=loop.collection.text,
            value=repr(value),
        )
    return list(value)


def _cardinality(loop: Loop, body: Token) -> int:
    assert loop.cardinality is not None
    value: Any = loop.cardinality.evaluate(body.variables(), body.workflow.environment)
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, bool) or (not isinstance(value, (int, float)) and not hasattr(value, "as_integer_ratio")):
        raise errors.InvalidInput(
            "Expected a number in {text}, but found {value}",
            text=loop.cardinality.text,
            value=repr(value),
        )
    if value < 0 or value != int(value):
        raise errors.InvalidInput("Expected 0 or a whole number above, but found {value}", value=repr(value))
    return int(value)


def _begin_round(activity: Element, loop: Loop, body: Token, index: int) -> None:
    assert body.inner is not None
    token = body.workflow.enter(activity, body.inner, memo={"loop": index})
    variables = token.open_scope().variables
    variables["loopCounter"] = index
    if "items" in body.memo and loop.element_variable:
        variables[loop.element_variable] = body.memo["items"][index]
    if loop.kind == "standard":
        body.inner.variables["loopCounter"] = index
    else:
        body.inner.variables["nrOfActiveInstances"] += 1


def _goes_on(loop: Loop, body: Token) -> bool:
    return loop.condition is None or loop.condition.condition(body.variables(), body.workflow.environment)[0]


def loop_round_completed(activity: Element, token: Token) -> None:
    """A round is over: begin the next one, or end the loop."""
    body, loop = token.scope.owner, activity.loop
    assert body is not None
    assert body.inner is not None
    assert loop is not None
    index: int = token.memo["loop"]
    if loop.kind == "standard":
        body.inner.variables["loopCounter"] = index + 1
        if (loop.maximum is None or index + 1 < loop.maximum) and _goes_on(loop, body):
            _begin_round(activity, loop, body, index + 1)
        else:
            _end(loop, body, token)
        return
    counters = body.inner.variables
    after = {
        "nrOfActiveInstances": counters["nrOfActiveInstances"] - 1,
        "nrOfCompletedInstances": counters["nrOfCompletedInstances"] + 1,
    }
    seen, environment = token.variables(after), body.workflow.environment
    # All that can fail comes first: it is evaluated once more when the round is retried.
    ends = loop.completion is not None and loop.completion.condition(seen, environment)[0]
    thrown = _thrown(loop, after["nrOfCompletedInstances"], seen, environment)
    counters.update(after)
    if "results" in body.memo and loop.gathers_answers:
        body.memo["results"][index] = token.memo.pop("submitted", None)
    elif "results" in body.memo and token.inner is not None:
        body.memo["results"][index] = token.variables().get(loop.output_element or "")
    for event in thrown:
        interrupts = _throw_to_border(body, event)
        ends = ends or (interrupts and loop.behavior == "complex")
    if ends or (body.inner.count <= 1 and (loop.kind == "parallel" or index + 1 == counters["nrOfInstances"])):
        _end(loop, body, token)
    elif loop.kind == "sequential":
        _begin_round(activity, loop, body, index + 1)


def _end(loop: Loop, body: Token, last: Token) -> None:
    assert body.inner is not None
    body.workflow.clear(body.inner, keep=last)
    if loop.output_collection and "results" in body.memo:
        gathered = {loop.output_collection: body.memo["results"]}
        body.workflow.set_variables(body.scope, gathered)
        record_mapped(body, gathered)
    body.workflow.guard(body, body.complete)


def _thrown(
    loop: Loop, completed: int, variables: Mapping[str, Any], environment: Environment
) -> list[EventDefinition]:
    """
    Return what the loop's behaviour throws when an instance is done.

    Events on the border catch it without interrupting: the activity itself throws, it is not interrupted by itself.
    With `complex`, an interrupting event ends the remaining instances, and the activity completes.
    """
    if loop.behavior == "complex":
        return [event for condition, event in loop.complex if condition.condition(variables, environment)[0]]
    if loop.event is not None and (loop.behavior == "none" or (loop.behavior == "one" and completed == 1)):
        return [loop.event]
    return []


def _throw_to_border(body: Token, event: Any) -> bool:
    workflow = body.workflow
    name = event.name.evaluate(body.variables(), workflow.environment) if event.name is not None else None
    interrupts = False
    for boundary in body.node.boundary:
        for definition in boundary.catches(event.kind):
            if definition.name is not None:
                wanted = definition.name.evaluate(body.variables(), workflow.environment)
            else:
                wanted = None
            if wanted == name and (definition.code is None or definition.code == event.code):
                workflow.enter(boundary, body.scope, memo={"caught": True})
                interrupts = interrupts or boundary.interrupting
                break
    workflow.record(f"{event.kind}.sent", body, facts={"name": name or event.code or ""})
    return interrupts
