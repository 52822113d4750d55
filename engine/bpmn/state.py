"""
The stored form of what is alive in a process instance: two compact texts of JSON.

    tokens      {"n": last number, "t": [[number, element, scope, state, flow, memo, opens a scope], …], "s": {…}}
    variables   {scope number: {name: value}}

`s` has memo and compensation records of the scopes that have any. Elements and flows are named by their ids, so that a
state can be read with another version of its definition.
"""

from __future__ import annotations

from typing import Any

from casepath.engine import errors
from casepath.engine.bpmn.memo import Memo
from casepath.engine.bpmn.states import BY_LETTER, LETTERS, READY
from casepath.engine.bpmn.tree import Token, TokenTree
from casepath.engine.database import values


def dump(workflow: TokenTree) -> tuple[str, str]:
    """Return tokens and variables as text."""
    tokens = [
        [
            token.number,
            token.node.bpmn_id,
            token.scope.number,
            LETTERS[token._state],
            token.flow.id if token.flow else None,
            token.memo or None,
            1 if token.inner else 0,
        ]
        for token in workflow.alive()
    ]
    scopes = {
        str(scope.number): [scope.memo, scope.completed]
        for scope in workflow.scopes.values()
        if scope.memo or scope.completed
    }
    state: dict[str, Any] = {"n": workflow.last_number, "t": tokens}
    if scopes:
        state["s"] = scopes
    return values.dumps(state), dump_variables(workflow)


def dump_variables(workflow: TokenTree) -> str:
    """Return the variables of all scopes as text."""
    return values.dumps({str(scope.number): scope.variables for scope in workflow.scopes.values() if scope.variables})


def load(workflow: TokenTree, tokens: str, variables: str) -> None:
    """Fill an empty workflow with what was dumped; raises `InvalidInput` where it does not fit the definition."""
    state: Any = values.loads(tokens)
    held: Any = values.loads(variables)
    workflow.last_number = state["n"]
    workflow.root.variables = held.get("0", {})
    for number, element_id, scope_number, letter, flow_id, memo, opens in sorted(state["t"], key=lambda row: row[0]):
        node = workflow.spec.nodes.get(element_id)
        if node is None:
            raise errors.InvalidInput(
                "The process stands at {element} (token {token}), but the diagram of “{process}” has no such element. "
                "Please tell the process owner.",
                code="element-gone",
                element=element_id,
                process=workflow.spec.key,
                token=number,
            )
        flow = workflow.spec.flows.get(flow_id) if flow_id else None
        scope = workflow.scopes[scope_number]
        token = Token(workflow, node, scope.task, BY_LETTER[letter], number)
        token.scope, token.flow = scope, flow
        token.internal_data = memo if memo is not None else Memo()
        if opens:
            token.open_scope().variables = held.get(str(number), {})
        if token.state == READY:
            workflow.queue.append(token)
    for number, (remembered, completed) in state.get("s", {}).items():
        scope = workflow.scopes[int(number)]
        scope.memo, scope.completed = remembered, completed
