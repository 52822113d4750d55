"""
What a diagram says, as plain values: event definitions, loops, mappings, correlation keys.

The parser makes them once per version of a definition; nothing here changes afterwards, and running instances share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition as SpiffEventDefinition

from casepath.engine.expressions import Environment, Expression


class Condition(Protocol):
    """A compiled condition, whatever language it was written in."""

    @property
    def text(self) -> str:
        """What the diagram says."""

    def condition(
        self, variables: Mapping[str, object], environment: Environment | None = None
    ) -> tuple[bool, dict[str, object]]:
        """Return whether it holds and the values it read; raises `ExpressionError`."""


@dataclass(eq=False, frozen=True, kw_only=True)
class Binding:
    """Which version of another process or of a decision is meant; nothing of it means the latest."""

    #: The one that is of the deployment of the process that asks.
    same_deployment: bool = False
    version: Expression | None = None
    version_tag: Expression | None = None


EventKind = Literal[
    "timer", "message", "signal", "error", "escalation", "conditional", "link", "compensate", "cancel", "terminate"
]


@dataclass(eq=False, frozen=True, kw_only=True)
class EventDefinition(SpiffEventDefinition):
    """
    What an event throws or waits for.

    That its event has come stands in the memo of the token, as SpiffWorkflow keeps it (`has_fired`, `catch`, `reset`).
    """

    kind: EventKind
    description: str | None = None
    #: Of a message, signal or link.
    name: Expression | None = None
    #: Of an error or escalation; None catches every one.
    code: str | None = None
    #: Of a timer.
    timer: Literal["date", "duration", "cycle"] | None = None
    schedule: Expression | None = None
    condition: Condition | None = None
    #: The only variable at whose changes a condition is looked at again; None: at any.
    watched: str | None = None
    #: At which changes of it: `create`, `update`; empty: at both.
    watched_changes: frozenset[str] = frozenset()
    #: The activity to compensate; None: all of the scope.
    activity_ref: str | None = None
    wait_for_completion: bool = True
    #: Variables that get the code and the message of a caught error or escalation.
    code_variable: str | None = None
    message_variable: str | None = None
    #: What a thrown error says.
    text: Expression | None = None
    #: What a thrown message or signal carries: variable name to expression; None where the diagram says nothing.
    payload: tuple[VariableMapping, ...] = ()
    all_variables: bool = False
    #: Id of the bpmn:message, for correlation keys.
    message_id: str | None = None
    #: Id of a link, and those of the links that it names as its target.
    link_id: str | None = None
    link_targets: tuple[str, ...] = ()

    # For SpiffWorkflow two definitions of one class are equal, whatever they wait for.
    __eq__ = object.__eq__
    __hash__ = object.__hash__


@dataclass(eq=False, frozen=True, kw_only=True)
class VariableMapping:
    """One variable that is made from an expression."""

    target: str
    #: An expression, or a list or map of them.
    source: Expression | Mapping[str, Any] | tuple[Any, ...]
    #: Between a call and its activity's own variables, not those around it.
    local: bool = False


@dataclass(eq=False, frozen=True, kw_only=True)
class Loop:
    """How an activity is repeated: a standard loop or several instances."""

    kind: Literal["standard", "sequential", "parallel"]
    #: Standard loop: goes on while it holds.
    condition: Condition | None = None
    test_before: bool = False
    maximum: int | None = None
    cardinality: Expression | None = None
    collection: Expression | None = None
    element_variable: str | None = None
    #: Where results are gathered (loopDataOutputRef with outputDataItem).
    output_collection: str | None = None
    output_element: str | None = None
    #: Whether that is what people hand in, whole: the diagram does not say otherwise.
    gathers_answers: bool = False
    completion: Condition | None = None
    behavior: Literal["none", "one", "all", "complex"] = "all"
    #: What the behaviours `none` and `one` throw.
    event: EventDefinition | None = None
    #: What the behaviour `complex` throws, and when.
    complex: tuple[tuple[Condition, EventDefinition], ...] = ()


@dataclass(eq=False, frozen=True, kw_only=True)
class CorrelationKey:
    """A correlation key of a conversation: how its properties are read from messages and from the process."""

    name: str
    #: Property → message id → path in the payload.
    from_message: Mapping[str, Mapping[str, Expression]]
    #: Property → path in the variables of the process; empty where the process does not subscribe.
    from_process: Mapping[str, Expression] = field(default_factory=dict)
