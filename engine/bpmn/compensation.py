"""Compensation: what completed activities leave behind to be undone, and undoing it in reverse order."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from casepath.engine import errors
from casepath.engine.bpmn import catchers, states
from casepath.engine.bpmn.model import EventDefinition
from casepath.engine.bpmn.scopes import Scope
from casepath.engine.bpmn.tree import Token, TokenTree


def remember(token: Token) -> None:
    """Keep what is needed to compensate an activity that has just completed, if anything can."""
    node = token.node
    record: dict[str, Any] | None = None
    if node.for_compensation or "compensates" in token.memo:
        return
    if node.loop is not None and "loop" not in token.memo:
        # The body of a loop: each of its rounds has left a record of its own.
        if token.inner is not None:
            token.scope.completed.extend(token.inner.completed)
        return
    if node.compensation_handler is not None:
        record = {"activity": node.bpmn_id, "handler": node.compensation_handler.bpmn_id}
        if "loop" in token.memo and token.inner is not None:
            record["variables"] = deepcopy(token.inner.variables)
    elif token.inner is not None and (token.inner.completed or node.compensation_start() is not None):
        record = _record(token, token.inner)
    if record is not None:
        token.scope.completed.append(record)


def _record(token: Token, inner: Scope) -> dict[str, Any]:
    return {"activity": token.node.bpmn_id, "variables": deepcopy(inner.variables), "completed": inner.completed}


def throw(token: Token, definition: EventDefinition) -> bool:
    """
    Begin to compensate what an event asks for; return whether the event may go on at once.

    Raises `NotFound` where this version of the process no longer has what compensates.
    """
    if token.memo.pop("compensated", False):
        return True
    records: list[dict[str, Any]] = []
    for scope in _reach(token):
        found = [record for record in scope.completed if definition.activity_ref in (None, record["activity"])]
        _require_elements(token.workflow, found)
        scope.completed = [record for record in scope.completed if record not in found]
        records = _placed(found, scope) + records
    if not records:
        return True
    driver = token
    if not definition.wait_for_completion:
        driver = token.workflow.enter(token.node, token.scope, memo={"driver": True})
        driver._set_state(states.STARTED)
    _drive(driver, records)
    return not definition.wait_for_completion


def _require_elements(workflow: TokenTree, records: list[dict[str, Any]]) -> None:
    for record in records:
        element_id: str = record.get("handler", record["activity"])
        if element_id not in workflow.spec.nodes:
            raise errors.NotFound("element", element_id)
        _require_elements(workflow, record.get("completed", []))


def _reach(token: Token) -> Iterator[Scope]:
    """Yield where an event compensates: beside it, and from an event sub-process also beside that."""
    scope = token.scope
    yield scope
    while scope.parent is not None:
        container = token.workflow.container(scope)
        if container is None or not container.triggered:
            return
        scope = scope.parent
        yield scope


def _placed(records: list[dict[str, Any]], scope: Scope) -> list[dict[str, Any]]:
    return [{**record, "scope": scope.number} for record in records]


def _drive(driver: Token, records: list[dict[str, Any]]) -> None:
    """Have a token compensate records, the last one first."""
    driver.memo["compensate"] = records
    driver._set_state(states.STARTED)
    _next(driver.workflow, driver)


def _next(workflow: TokenTree, driver: Token) -> None:
    records: list[dict[str, Any]] = driver.memo["compensate"]
    if not records:
        del driver.memo["compensate"]
        _finished(workflow, driver)
        return
    record = records.pop()
    scope = workflow.scopes[record["scope"]]
    handler = record.get("handler")
    if handler is not None:
        token = workflow.enter(workflow.spec.nodes[handler], scope, memo={"compensates": driver.number})
        if "variables" in record:
            token.open_scope().variables = record["variables"]
        return
    # A sub-process is brought back with the variables it had, to compensate what completed in it.
    token = workflow.enter(workflow.spec.nodes[record["activity"]], scope, memo={"compensates": driver.number})
    token._set_state(states.STARTED)
    inner = token.open_scope()
    inner.variables = record["variables"]
    inner.completed = record["completed"]
    start = None if record.get("broken_off") else token.node.compensation_start()
    if start is not None:
        catchers.start_event_subprocess(workflow, inner, start, {})
        inner.memo["interrupted"] = True
    else:
        inner.memo["interrupted"] = True
        left, inner.completed = inner.completed, []
        _drive(token, _placed(left, inner))


def _finished(workflow: TokenTree, driver: Token) -> None:
    transaction = driver.memo.pop("transaction", None)
    if transaction is not None:
        _leave_transaction(workflow, workflow.tasks[transaction])
    elif "compensates" in driver.memo or "driver" in driver.memo:
        workflow.guard(driver, driver.complete)
    else:
        driver.memo["compensated"] = True
        driver._set_state(states.READY)
        workflow.queue.append(driver)


def done(token: Token) -> None:
    """A handler has finished: go on with the one before it."""
    driver = token.workflow.tasks.get(token.memo["compensates"])
    if driver is not None:
        _next(token.workflow, driver)


def cancel_transaction(token: Token) -> None:
    """Take back a transaction: end what still runs in it, compensate what completed, leave by its cancel event."""
    workflow = token.workflow
    scope = token.scope
    while scope.owner is not None and not scope.owner.node.transactional:
        scope = scope.owner.scope
    transaction = scope.owner
    assert transaction is not None, "deployment checks that a cancel event stands in a transaction"
    keep = token
    while keep.scope is not scope:
        assert keep.scope.owner is not None
        keep = keep.scope.owner
    workflow.clear(scope, keep=keep)
    if "loop" in transaction.memo:
        # Of several instances none stands for itself: with one of them all are taken back.
        scope, keep = transaction.scope, transaction
        for round_ in scope.tokens():
            if round_.inner is not None and round_.inner.completed:
                scope.completed.append({**_record(round_, round_.inner), "broken_off": True})
        workflow.clear(scope, keep=keep)
        assert scope.owner is not None
        transaction = scope.owner
    records, scope.completed = scope.completed, []
    token.memo["transaction"] = transaction.number
    _drive(token, _placed(records, scope))


def _leave_transaction(workflow: TokenTree, transaction: Token) -> None:
    for event in transaction.node.boundary:
        if event.catches("cancel"):
            catchers.fire_boundary(workflow, transaction, event, {})
            return
    scope = transaction.scope
    workflow.cancel_token(transaction)
    if not scope.count:
        workflow.scope_emptied(scope)
