"""
What a diagram says, as plain values: sequence flows, event definitions, loops, mappings, and their process.

The parser makes them once per version of a definition; nothing here changes afterwards, and running instances share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from SpiffWorkflow.specs import WorkflowSpec

from casepath.engine.expressions import Environment, Expression

if TYPE_CHECKING:
    from casepath.engine.bpmn.elements.activities import SubProcess
    from casepath.engine.bpmn.elements.base import Node
    from casepath.engine.bpmn.elements.events import StartEvent


class Condition(Protocol):
    """A compiled condition, whatever language it was written in."""

    @property
    def text(self) -> str:
        """What the diagram says."""

    def condition(
        self, variables: Mapping[str, object], environment: Environment | None = None
    ) -> tuple[bool, dict[str, object]]:
        """Return whether it holds and the values it read; raises `ExpressionError`."""


@dataclass(eq=False, kw_only=True, slots=True)
class Flow:
    """A sequence flow."""

    #: Of the diagram; made from its ends where the diagram gives none.
    id: str
    source: Node
    target: Node
    condition: Condition | None = None


EventKind = Literal[
    "timer", "message", "signal", "error", "escalation", "conditional", "link", "compensate", "cancel", "terminate"
]


@dataclass(eq=False, frozen=True, kw_only=True)
class EventDefinition:
    """What an event throws or waits for."""

    kind: EventKind
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


class ProcessSpec(WorkflowSpec):
    """One process of one file: its elements by id, and what the whole of it says."""

    def __init__(self, key: str, file: str) -> None:
        super().__init__(name=key, filename=file)
        self.key = key
        self.label = key
        self.version_tag: str | None = None
        self.executable = True
        self.documentation = ""
        #: The process itself as the outermost container.
        self.root: SubProcess
        self.nodes: dict[str, Node] = {}
        self.flows: dict[str, Flow] = {}
        self.properties: dict[str, str] = {}
        #: Element id → name of the innermost lane.
        self.lanes: dict[str, str] = {}
        self.correlation_keys: tuple[CorrelationKey, ...] = ()
        self.candidate_starters: tuple[str, ...] = ()
        #: Whether any element waits for a condition, message or signal, or joins inclusively: what is not there is not
        #: looked for.
        self.has_conditions = False
        self.has_message_catches = False
        self.has_signal_catches = False
        self.has_upstream_joins = False

    def start_events(self) -> list[StartEvent]:
        """Return the start events of the process itself, in document order."""
        return list(self.root.start_events)
