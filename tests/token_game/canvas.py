"""What models are drawn with: chance, nodes, flows, and names that nobody else has."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

from tests.token_game.model import Event, Flow, Node, Process

#: What user tasks are completed with, by their ids: variable and the values to choose from.
Answers = dict[str, dict[str, list[Any]]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """What may stand somewhere."""

    depth: int = 0
    #: Only one token comes by at a time, so that counters and messages are nobody else's.
    alone: bool = True
    #: Inside of a sub-process, which can end early.
    inner: bool = False
    #: Errors and escalations that are caught around here.
    errors: tuple[str, ...] = ()
    escalations: tuple[str, ...] = ()


@dataclass
class Canvas:
    """The process that is being drawn, the level of it, and how many nodes are left."""

    seed: int
    size: int | None
    answers: Answers = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with nothing drawn."""
        self.source = random.Random(self.seed)
        self.left = self.size or self.source.choice([5, 8, 12, 20, 30, 45, 60, 75])
        self.numbers = 0
        self.process = Process(id="")
        self.scope = ""
        self.called: list[Process] = []
        self.intervals = self.source.sample(range(2, 400), 80)

    def chance(self, probability: float) -> bool:
        """Throw a die."""
        return self.source.random() < probability

    def add(self, kind: str, name: str = "", **more: Any) -> str:
        """Add a node to the current level; returns its id."""
        self.numbers += 1
        self.left -= 1
        node = Node(id=f"{name or kind}_{self.numbers}", kind=kind, scope=self.scope, name=f"{kind} {self.numbers}")
        self.process.nodes[node.id] = replace(node, **more)
        return node.id

    def flow(self, source: str, target: str, condition: str = "", *, default: bool = False) -> None:
        """Add a sequence flow."""
        self.numbers += 1
        flow = Flow(id=f"flow_{self.numbers}", source=source, target=target, scope=self.scope, condition=condition)
        self.process.flows.append(flow)
        if default:
            self.process.nodes[source].default = flow.id

    def user(self, **answers: list[Any]) -> str:
        """Add a user task with what it may be completed with; now and then it also sets a variable of its own."""
        node = self.add("userTask")
        if self.chance(0.3):
            answers = {**answers, f"note_{self.numbers}": ["a", "b", 7, None, ["x"]]}
        self.answers[node] = dict(answers)
        return node

    def fresh(self, prefix: str) -> str:
        """A name that nobody else has."""
        self.numbers += 1
        return f"{prefix}{self.numbers}"

    def timer(self) -> Event:
        """A timer with a duration that no other has."""
        return Event(kind="timer", text=f"PT{self.intervals.pop()}S")


def rename(process: Process, answers: Answers, source: random.Random) -> None:
    """Give elements the names that tools and people like to use."""
    wanted = {"startEvent": ["Start", "StartEvent"], "endEvent": ["End", "EndEvent"],
              "parallelGateway": ["EndJoin", "Join"],
              "exclusiveGateway": ["Root", "Merge"], "userTask": ["None", "self"]}
    names: dict[str, str] = {}
    nodes = list(process.nodes.values())
    source.shuffle(nodes)
    for node in nodes:
        if wanted.get(node.kind):
            names[node.id] = wanted[node.kind].pop()
    process.nodes = {names.get(key, key): node for key, node in process.nodes.items()}
    for node in process.nodes.values():
        node.id, node.attached = names.get(node.id, node.id), names.get(node.attached, node.attached)
        node.scope = names.get(node.scope, node.scope)
    for flow in process.flows:
        flow.source, flow.target = names.get(flow.source, flow.source), names.get(flow.target, flow.target)
    for old, new in names.items():
        if old in answers:
            answers[new] = answers.pop(old)
