"""
Random sound models: every one can always go on, and ends when its work is done.

Blocks are put together from the outside in. What would make the outcome depend on an order that the standard leaves
open is not drawn: parallel branches only add to shared numbers, conditions read what the task just before them was
completed with, messages and counters stand where only one token comes by at a time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from tests.token_game.canvas import Answers, Canvas, Place, rename
from tests.token_game.model import Event, Loop, Process

Values = dict[str, object]


@dataclass(kw_only=True)
class Model:
    """Processes to deploy together; the first one is started."""

    seed: int
    processes: list[Process]
    variables: Values
    #: What a user task is completed with, by its id: variable and the values to choose from.
    answers: Answers
    messages: list[str]
    signals: list[str]

    @property
    def size(self) -> int:
        """Number of nodes."""
        return sum(len(process.nodes) for process in self.processes)


def generate(seed: int, size: int | None = None) -> Model:
    """Return the model of a seed with about `size` nodes (5 to 80)."""
    return _Generator(seed, size).model()


class _Generator(Canvas):
    """Draws one model."""

    def model(self) -> Model:
        """Draw it."""
        process = self.draw_process("model")
        source = random.Random(self.seed)
        if source.random() < 0.5:
            rename(process, self.answers, source)
        variables: Values = {"total": 0, "flag": self.chance(0.5), "limit": self.source.randint(0, 3),
                             "people": [f"p{n}" for n in range(self.source.randint(0, 3))]}
        return Model(seed=self.seed, processes=[process, *self.called], variables=variables, answers=self.answers,
                     messages=self.messages, signals=self.signals)

    def draw_process(self, name: str, errors: tuple[str, ...] = ()) -> Process:
        """Draw a process of its own; `errors` are those that its caller catches."""
        process, scope = self.process, self.scope
        self.process, self.scope = Process(id=name), name
        place = Place(errors=errors, inner=True)
        self.draw_level(place)
        if self.chance(0.4) and self.left > 4:
            self.event_sub_process(place)
        drawn, self.process, self.scope = self.process, process, scope
        return drawn

    def draw_level(self, place: Place, start: Event | None = None, *, interrupting: bool = True) -> None:
        """Draw a whole level: start, blocks, end."""
        at = self.add("startEvent", event=start, interrupting=interrupting)
        for _ in range(self.source.randint(1, 4 if place.depth else 7)):
            at = self.follow(at, place)
            if self.left <= 0:
                break
        if self.process.nodes[at].kind == "startEvent":
            at = self.then(at, self.user())
        if self.chance(0.9):
            self.flow(at, self.add("endEvent"))

    def then(self, at: str, node: str) -> str:
        self.flow(at, node)
        return node

    def follow(self, at: str, place: Place) -> str:
        """Draw a block behind a node; returns the node it ends with."""
        entry, leave = self.block(place)
        self.flow(at, entry)
        return leave

    def branch(self, split: str, join: str, place: Place, condition: str = "", *, default: bool = False) -> None:
        """Draw a way from one gateway to another."""
        if self.chance(0.15) and (condition or default):
            self.flow(split, join, condition, default=default)
            return
        entry, leave = self.block(place)
        self.flow(split, entry, condition, default=default)
        if self.chance(0.4) and self.left > 0:
            leave = self.follow(leave, place)
        self.flow(leave, join)

    def block(self, place: Place) -> tuple[str, str]:
        """Draw something with one way in and one way out."""
        inner = replace(place, depth=place.depth + 1)
        if self.left <= 3 or place.depth > 4:
            return self.simple(inner)
        kinds = [self.simple, self.exclusive, self.inclusive, self.nested_inclusive, self.conditional_flows, self.wait,
                 self.event_based, self.standard_loop]
        kinds += 2 * [self.simple, self.parallel, self.loop, self.boundary, self.multiple, self.sub_process]
        if place.inner:
            kinds += 2 * [self.early_end, self.throw]
        if place.alone:
            kinds += [self.counted_loop]
        if len(self.called) < 2 and self.process.id == "model":
            kinds.append(self.call)
        return self.source.choice(kinds)(inner)

    # blocks -------------------------------------------------------------------------------------------------------

    def simple(self, place: Place) -> tuple[str, str]:
        kind = self.source.choice(["user", "user", "user", "script", "task", "scoped", "pass"])
        if kind == "script":
            node = self.add("scriptTask", script=f"total = total + {self.source.randint(1, 9)}")
        elif kind == "task":
            node = self.add(self.source.choice(["task", "manualTask", "serviceTask", "sendTask"]))
        elif kind == "pass":
            node = self.add("intermediateThrowEvent")
        else:
            node = self.user()
            if kind == "scoped":
                local, result = self.fresh("local_"), self.fresh("result_")
                self.process.nodes[node].inputs = [(local, "${limit + 1}"), ("label", "fixed text")]
                self.process.nodes[node].outputs = [(result, f"${{{local} + limit}}")]
        return node, node

    def exclusive(self, place: Place) -> tuple[str, str]:
        """A task, a choice on its answer, and a merge."""
        ways, name = self.source.randint(2, 4), self.fresh("choice_")
        task = self.user(**{name: list(range(ways))})
        split, join = self.add("exclusiveGateway"), self.merge()
        self.flow(task, split)
        default = self.source.choice([None, ways - 1])
        for way in range(ways):
            self.branch(split, join, place, "" if way == default else f"${{{name} == {way}}}", default=way == default)
        return task, join

    def merge(self) -> str:
        """Where alternatives come together: a gateway, or any node with several flows in."""
        return self.add("exclusiveGateway") if self.chance(0.7) else self.simple(Place())[0]

    def parallel(self, place: Place) -> tuple[str, str]:
        ways = self.source.randint(2, 4)
        split = self.user() if self.chance(0.2) else self.add("parallelGateway")
        join = self.add("parallelGateway" if self.chance(0.75) else "inclusiveGateway")
        for _ in range(ways):
            self.branch(split, join, place)
        after = join if self.chance(0.8) else self.then(join, self.add("task"))
        return split, after

    def inclusive(self, place: Place) -> tuple[str, str]:
        task, split, conditions = self.inclusive_split()
        join = self.add("inclusiveGateway")
        for condition in conditions:
            self.branch(split, join, place, condition, default=not condition)
        return task, join

    def inclusive_split(self) -> tuple[str, str, list[str]]:
        """A task that answers which ways are taken; returns it, the gateway, the conditions ("" is default)."""
        names = [self.fresh("way_") for _ in range(self.source.randint(2, 4))]
        task, split = self.user(**{name: [True, True, False] for name in names}), self.add("inclusiveGateway")
        self.flow(task, split)
        conditions = [self.source.choice([f"${{{name}}}", f"${{{name} == true}}"]) for name in names]
        last = "" if self.chance(0.5) else "${!(" + " || ".join(names) + ")}"
        return task, split, [*conditions, last]

    def nested_inclusive(self, place: Place) -> tuple[str, str]:
        """An inclusive join that also waits for the ways of splits inside, which have no join of their own."""
        task, split, conditions = self.inclusive_split()
        join = self.add("inclusiveGateway")
        for number, condition in enumerate(conditions):
            if number and self.chance(0.5):
                self.branch(split, join, place, condition, default=not condition)
                continue
            if self.chance(0.4):
                name = self.fresh("choice_")
                before, inner = self.user(**{name: [0, 1]}), self.add("exclusiveGateway")
                ways = [f"${{{name} == 0}}", ""]
                self.flow(before, inner)
            elif self.chance(0.5):
                before = inner = self.add("parallelGateway")
                ways = [" ", " "]
            else:
                before, inner, ways = self.inclusive_split()
            self.flow(split, before, condition, default=not condition)
            for way in ways:
                self.branch(inner, join, place, way.strip(), default=not way)
        return task, join

    def loop(self, place: Place) -> tuple[str, str]:
        """Again and again, until an answer says enough."""
        name = self.fresh("again_")
        first, split = self.add("exclusiveGateway"), self.add("exclusiveGateway")
        at = self.follow(first, place) if self.chance(0.7) else first
        at = self.then(at, self.user(**{name: [True, False, False]}))
        self.flow(at, split)
        back = self.follow_from(split, f"${{{name}}}", place) if self.chance(0.3) else None
        self.flow(back or split, first, "" if back else f"${{{name}}}")
        after = self.add("exclusiveGateway")
        if self.chance(0.5):
            self.flow(split, after, default=True)
        else:
            self.flow(split, after, f"${{{name} == false}}")
        return first, after

    def follow_from(self, split: str, condition: str, place: Place) -> str:
        entry, leave = self.block(place)
        self.flow(split, entry, condition)
        return leave

    def counted_loop(self, place: Place) -> tuple[str, str]:
        """As often as a counter says."""
        name = self.fresh("count_")
        begin, first = self.add("scriptTask", script=f"{name} = 0"), self.add("exclusiveGateway")
        self.flow(begin, first)
        at = self.follow(first, place)
        at = self.then(at, self.add("scriptTask", script=f"{name} = {name} + 1"))
        split = self.then(at, self.add("exclusiveGateway"))
        after = self.add("task")
        self.flow(split, first, f"${{{name} < {self.source.randint(1, 3)}}}")
        self.flow(split, after, default=True)
        return begin, after

    def conditional_flows(self, place: Place) -> tuple[str, str]:
        """A task with conditions on the flows out of it."""
        names = [self.fresh("take_") for _ in range(2)]
        task, join = self.user(**{name: [True, True, False] for name in names}), self.add("inclusiveGateway")
        for name in names:
            self.branch(task, join, place, f"${{{name}}}")
        self.branch(task, join, place, default=True)
        return task, join

    def wait(self, place: Place) -> tuple[str, str]:
        node = self.add("intermediateCatchEvent", event=self.catchable(place))
        event = self.process.nodes[node].event
        if event is not None and event.kind == "message" and self.chance(0.4):
            self.process.nodes[node].kind = "receiveTask"
        return node, node

    def catchable(self, place: Place) -> Event:
        kind = self.source.choice(["timer", "signal", "message"] if place.alone else ["timer", "signal"])
        if kind == "timer":
            return self.timer()
        name = self.fresh(f"{kind}_")
        (self.messages if kind == "message" else self.signals).append(name)
        return Event(kind=kind, name=name)

    def event_based(self, place: Place) -> tuple[str, str]:
        split, join = self.add("eventBasedGateway"), self.merge()
        for _ in range(self.source.randint(2, 3)):
            catch = self.add("intermediateCatchEvent", event=self.catchable(place))
            self.flow(split, catch)
            self.branch(catch, join, place)
        return split, join

    def sub_process(self, place: Place, **more: Any) -> tuple[str, str]:
        """An embedded sub-process, with events at its boundary."""
        node = self.add("subProcess", **more)
        scope, self.scope = self.scope, node
        errors = (self.fresh("error_"),) if self.chance(0.4) else ()
        escalations = (self.fresh("escalation_"),) if self.chance(0.3) else ()
        inside = replace(place, inner=True, errors=place.errors + errors, escalations=place.escalations + escalations)
        self.draw_level(inside)
        if self.chance(0.4) and self.left > 4:
            self.event_sub_process(inside)
        if errors and self.chance(0.4):
            self.event_sub_process(inside, Event(kind="error", name=errors[0]))
            errors = ()
        self.scope = scope
        leave = self.merge()
        self.flow(node, leave)
        for code in errors:
            event = Event(kind="error", name=self.source.choice(["", code]))
            self.attach(node, leave, place, event, interrupting=True)
        for code in escalations:
            self.attach(node, leave, place, Event(kind="escalation", name=code), interrupting=self.chance(0.5))
        if self.chance(0.3):
            self.attach(node, leave, place, self.catchable(place), interrupting=self.chance(0.6))
        return node, leave

    def boundary(self, place: Place) -> tuple[str, str]:
        """A task with an event at its boundary."""
        node, leave = self.user(), self.merge()
        self.flow(node, leave)
        for _ in range(self.source.choice([1, 1, 2])):
            self.attach(node, leave, place, self.catchable(place), interrupting=self.chance(0.6))
        return node, leave

    def attach(self, node: str, leave: str, place: Place, event: Event, *, interrupting: bool) -> None:
        """Attach a boundary event: interrupting, its way joins the other; else it ends by itself."""
        if event.kind == "timer" and not interrupting and self.chance(0.3):
            event = replace(event, text=f"R{self.source.randint(2, 3)}/{event.text}", timer="cycle")
        at = self.add("boundaryEvent", event=event, attached=node, interrupting=interrupting)
        if interrupting:
            if self.chance(0.6):
                at = self.follow(at, place)
            self.flow(at, leave)
        else:
            at = self.follow(at, replace(place, alone=False))
            self.flow(at, self.add("endEvent"))

    def event_sub_process(self, place: Place, event: Event | None = None) -> None:
        """An event sub-process on the current level; errors thrown in it are not caught on that level."""
        node = self.add("subProcess", by_event=True)
        scope, self.scope = self.scope, node
        interrupting = event is not None or self.chance(0.5)
        errors = tuple(code for code in place.errors if event is None or code != event.name)
        inside = replace(place, depth=place.depth + 2, inner=True, alone=place.alone and interrupting, errors=errors)
        self.draw_level(inside, event or self.catchable(place), interrupting=interrupting)
        self.scope = scope

    def early_end(self, place: Place) -> tuple[str, str]:
        """A choice that may end the sub-process at once: by a terminate or an error end event."""
        name = self.fresh("stop_")
        task, split, after = self.user(**{name: [True, False, False]}), self.add("exclusiveGateway"), self.add("task")
        event = Event(kind="terminate")
        if place.errors and self.chance(0.6):
            event = Event(kind="error", name=self.source.choice(place.errors))
        self.flow(task, split)
        self.flow(split, self.add("endEvent", event=event), f"${{{name}}}")
        self.flow(split, after, default=True)
        return task, after

    def throw(self, place: Place) -> tuple[str, str]:
        """A task, then an escalation or a signal that goes on."""
        task = self.user()
        if place.escalations and self.chance(0.7):
            event = Event(kind="escalation", name=self.source.choice(place.escalations))
        elif self.signals and self.chance(0.7):
            event = Event(kind="signal", name=self.source.choice(self.signals))
        else:
            event = Event(kind="escalation", name="nobody")
        return task, self.then(task, self.add("intermediateThrowEvent", event=event))

    def multiple(self, place: Place) -> tuple[str, str]:
        """A multi-instance user task or sub-process."""
        loop = Loop(kind=self.source.choice(["parallel", "sequential"]))
        if self.chance(0.3):
            loop.collection, loop.element = "${people}" if self.chance(0.5) else "people", self.fresh("person_")
        else:
            loop.cardinality = self.source.choice(["${limit}", "2", "3", "${limit + 1}"])
        if self.chance(0.3):
            loop.condition = "${nrOfCompletedInstances >= 2}"
        if self.chance(0.5):
            node = self.user()
            self.process.nodes[node].loop = loop
            if self.chance(0.6):
                return node, node
            leave = self.merge()
            self.flow(node, leave)
            self.attach(node, leave, place, self.catchable(place), interrupting=self.chance(0.6))
            return node, leave
        alone = place.alone and loop.kind == "sequential"
        return self.sub_process(replace(place, alone=alone, errors=(), escalations=()), loop=loop)

    def standard_loop(self, place: Place) -> tuple[str, str]:
        name = self.fresh("more_")
        begin = self.user(**{name: [True, False]})
        node = self.user(**{name: [True, False, False]})
        self.process.nodes[node].loop = Loop(kind="standard", condition=f"${{{name}}}", test_before=self.chance(0.5),
                                             maximum=self.source.choice([None, 3]))
        return begin, self.then(begin, node)

    def call(self, place: Place) -> tuple[str, str]:
        """A call activity, with a process of its own to call."""
        name = f"called_{len(self.called)}"
        self.called.append(Process(id=name))
        number = len(self.called) - 1
        self.left, left = max(self.left // 2, 3), self.left // 2
        errors = (self.fresh("error_"),) if self.chance(0.5) else ()
        process = self.draw_process(name, errors)
        self.left = left
        self.called[number] = process
        given, taken = [("*", "*")], [("limit", self.fresh("called_limit_"))]
        if self.chance(0.7):
            given = [("${0}", "total"), ("limit", "limit"), ("people", "people"), ("${flag}", "flag")]
            source = self.source.choice(["total", "${total + 1}"])
            taken = [(source, self.fresh("called_"))] if self.chance(0.7) else []
        loop = Loop(kind="sequential", cardinality="2") if self.chance(0.2) else None
        node, leave = self.add("callActivity", called=name, given=given, taken=taken, loop=loop), self.merge()
        self.flow(node, leave)
        for code in errors:
            self.attach(node, leave, place, Event(kind="error", name=code), interrupting=True)
        if self.chance(0.4):
            self.attach(node, leave, place, self.catchable(place), interrupting=self.chance(0.6))
        return node, leave
