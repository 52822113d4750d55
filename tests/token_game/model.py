"""A process as the token game sees it: nodes and sequence flows, nothing of XML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

TASKS = frozenset({
    "task", "userTask", "manualTask", "scriptTask", "serviceTask", "sendTask", "receiveTask", "businessRuleTask",
})
SUB_PROCESSES = frozenset({"subProcess"})
ACTIVITIES = TASKS | SUB_PROCESSES | {"callActivity"}
GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway"})


@dataclass(kw_only=True)
class Event:
    """What an event catches or throws."""

    #: timer, message, signal, error, escalation, terminate or link.
    kind: str
    #: Name of the message or signal, code of the error or escalation ("" catches all), name of the link.
    name: str = ""
    #: ISO 8601 text of a timer, and whether it is a `duration`, `cycle` or `date`.
    text: str = ""
    timer: str = "duration"


@dataclass(kw_only=True)
class Loop:
    """How often an activity runs: `parallel` and `sequential` are multi-instance, `standard` is the loop."""

    kind: str
    cardinality: str = ""
    collection: str = ""
    element: str = ""
    #: The completion condition, or of a standard loop the loop condition.
    condition: str = ""
    test_before: bool = False
    maximum: int | None = None


@dataclass(kw_only=True)
class Node:
    """An element that a token can be at; a sub-process holds others."""

    id: str
    #: Local name of the XML element.
    kind: str
    #: The sub-process or process it stands in.
    scope: str
    name: str = ""
    event: Event | None = None
    attached: str = ""
    interrupting: bool = True
    by_event: bool = False
    script: str = ""
    loop: Loop | None = None
    default: str = ""
    called: str = ""
    #: Variables given to and taken from a called process: (source expression or variable, target).
    given: list[tuple[str, str]] = field(default_factory=list)
    taken: list[tuple[str, str]] = field(default_factory=list)
    #: Input and output parameters: (name, text).
    inputs: list[tuple[str, str]] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)


@dataclass(kw_only=True)
class Flow:
    """A sequence flow."""

    id: str
    source: str
    target: str
    scope: str
    condition: str = ""


@dataclass(kw_only=True)
class Process:
    """Nodes by id and flows, of all levels."""

    id: str
    nodes: dict[str, Node] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)

    @cached_property
    def outgoing(self) -> dict[str, list[Flow]]:
        """Flows by source."""
        return self._by("source")

    @cached_property
    def incoming(self) -> dict[str, list[Flow]]:
        """Flows by target."""
        return self._by("target")

    @cached_property
    def boundaries(self) -> dict[str, list[Node]]:
        """Boundary events by the activity they are attached to."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            if node.attached:
                found.setdefault(node.attached, []).append(node)
        return found

    def inside(self, scope: str) -> Iterator[Node]:
        """Yield the nodes of one level."""
        return (node for node in self.nodes.values() if node.scope == scope)

    def _by(self, end: str) -> dict[str, list[Flow]]:
        found: dict[str, list[Flow]] = {node: [] for node in self.nodes}
        for flow in self.flows:
            found[getattr(flow, end)].append(flow)
        return found
