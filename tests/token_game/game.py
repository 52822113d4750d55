"""
The token game: what the BPMN standard says a process does, step by step, in the plainest way.

Everything alive is a `Visit`: a process instance, an activity, a waiting event, a loop or one of its rounds.
Tokens between nodes stand in one queue; the game is at rest when it is empty and no inclusive join may fire.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice

from tests.token_game import events, expressions, joins, loops
from tests.token_game.durations import Timer
from tests.token_game.model import ACTIVITIES, Flow, Node, Process
from tests.token_game.state import Instance, Visit, Wait, scope_of, visible

#: Tokens moved in one run before the game calls it endless.
LIMIT = 200_000


class Game:
    """All instances of all processes, with one clock in seconds."""

    def __init__(self) -> None:
        self.processes: dict[str, Process] = {}
        self.instances: list[Instance] = []
        self.waits: list[Wait] = []
        self.tasks: list[Visit] = []
        self.now = 0.0
        self._numbers = 0
        self._tokens: deque[tuple[Visit, Flow | None, Node]] = deque()

    # what happens from outside ------------------------------------------------------------------------------------

    def start(self, process: str, variables: dict[str, object], business_key: str | None = None,
              caller: Visit | None = None, at: Node | None = None) -> Instance:
        """Start an instance at its none start event, or at the given one; it has to be `run`."""
        definition = self.processes[process]
        instance = Instance(self._number(), definition, business_key, caller)
        instance.root = Visit(self._number(), instance, None, None, variables=dict(variables))
        self.instances.append(instance)
        self.open(instance.root, at)
        return instance

    def complete(self, task: Visit, variables: dict[str, object]) -> None:
        """Complete an open user task and run."""
        self.tasks.remove(task)
        for name, value in variables.items():
            self.assign(task, name, value)
        self.complete_visit(task)
        self.run()

    def fire(self, wait: Wait, variables: dict[str, object] | None = None) -> None:
        """Let what was waited for happen; it has to be `run`."""
        visit, catch = wait.visit, wait.catch
        for name, value in (variables or {}).items():
            self.assign(visit, name, value)
        if wait.timer and not (wait.timer.again() and not catch.interrupting):
            wait.number = -1
        if catch.attached:
            events.leave_boundary(self, visit, catch)
        elif catch.kind == "startEvent":
            events.start_event_sub_process(self, visit, catch)
        elif visit.node is catch:
            self.complete_visit(visit)
        else:
            assert visit.parent is not None
            self.emit(visit.parent, catch)
            self.remove(visit)

    def cancel(self, instance: Instance) -> None:
        """End an instance from outside."""
        self._kill(instance.root)
        instance.ended = True

    def run(self) -> None:
        """Move tokens until nothing moves by itself."""
        for _ in range(LIMIT):
            if not self._tokens:
                if not self._fire_inclusive_joins():
                    break
                continue
            scope, flow, node = self._tokens.popleft()
            if scope.alive:
                try:
                    self._arrive(scope, flow, node)
                except expressions.Unreadable as error:
                    scope.instance.failure = scope.instance.failure or ("incident", f"{node.id}: {error}")
        else:
            raise RuntimeError("Expected the game to come to rest")
        self.waits = [wait for wait in self.waits if wait.alive]
        self.tasks = [task for task in self.tasks if task.alive]

    def open_waits(self, kind: str, name: str | None = None) -> list[Wait]:
        """What is waited for, oldest first."""
        waits = (wait for wait in self.waits if wait.alive and wait.event.kind == kind)
        return [wait for wait in waits if name in (None, wait.event.name)]

    def value(self, visit: Visit | None, text: str) -> object:
        """Evaluate an expression in the scope of a visit."""
        return expressions.evaluate(expressions.parse(text), lambda name: scope_of(visit, name).variables[name])

    def assign(self, visit: Visit, name: str, value: object) -> None:
        """Set a variable where it exists, from the inside out, else in the process scope."""
        try:
            scope = scope_of(visit, name)
        except KeyError:
            scope = visit.instance.root
        scope.variables[name] = value

    def throw_signal(self, name: str, variables: dict[str, object] | None = None) -> None:
        """Tell all who wait for a signal now; start events too."""
        for wait in self.open_waits("signal", name):
            if wait.alive:
                self.fire(wait, variables)
        for process in list(self.processes.values()):
            for node in process.inside(process.id):
                if node.kind == "startEvent" and node.event and (node.event.kind, node.event.name) == ("signal", name):
                    self.start(process.id, dict(variables or {}), at=node)

    # tokens -------------------------------------------------------------------------------------------------------

    def _arrive(self, scope: Visit, flow: Flow | None, node: Node) -> None:
        """A token of `scope` comes to a node."""
        incoming = scope.instance.process.incoming[node.id]
        if node.kind in ("parallelGateway", "inclusiveGateway") and len(incoming) > 1 and flow is not None:
            scope.arrived[flow.id] += 1
            if node.kind == "parallelGateway" and all(scope.arrived[each.id] for each in incoming):
                self._consume(scope, incoming)
                self._leave_gateway(scope, node)
                self.used(scope, len(incoming))
        elif node.kind in ACTIVITIES:
            self._enter(scope, node)
        elif node.kind == "eventBasedGateway":
            visit = self.visit(scope, node)
            for out in scope.instance.process.outgoing[node.id]:
                self.wait(visit, scope.instance.process.nodes[out.target])
        elif node.kind == "intermediateCatchEvent" and node.event and node.event.kind != "link":
            self.wait(self.visit(scope, node), node)
        elif node.kind.endswith("Gateway"):
            self._leave_gateway(scope, node)
            self.used(scope)
        else:
            events.throw(self, scope, node)

    def emit(self, scope: Visit, node: Node) -> None:
        """Put tokens on all flows out of an event, or on those of an activity whose conditions hold."""
        flows = scope.instance.process.outgoing[node.id]
        taken = [flow for flow in flows if flow.id != node.default and self._holds(scope, flow)]
        if node.default and not any(flow.condition for flow in taken):
            taken += [flow for flow in flows if flow.id == node.default]
        if flows and not taken:
            raise expressions.Unreadable(f"no flow out of {node.id} can be taken")
        self._put(scope, taken)

    def _leave_gateway(self, scope: Visit, node: Node) -> None:
        flows = scope.instance.process.outgoing[node.id]
        if node.kind == "parallelGateway" or not flows:
            self._put(scope, flows)
            return
        holding = (flow for flow in flows if flow.id != node.default and self._holds(scope, flow))
        taken = list(islice(holding, 1) if node.kind == "exclusiveGateway" else holding)
        taken = taken or [flow for flow in flows if flow.id == node.default]
        if not taken:
            raise expressions.Unreadable("no flow can be taken")
        self._put(scope, taken)

    def _holds(self, scope: Visit, flow: Flow) -> bool:
        return not flow.condition or bool(self.value(scope, flow.condition))

    def _put(self, scope: Visit, flows: list[Flow]) -> None:
        for flow in flows:
            scope.live += 1
            self._tokens.append((scope, flow, scope.instance.process.nodes[flow.target]))

    def _consume(self, scope: Visit, flows: list[Flow]) -> None:
        for flow in flows:
            scope.arrived[flow.id] -= 1

    def _fire_inclusive_joins(self) -> bool:
        """Fire one inclusive join that may; False when none may."""
        for scope in self._scopes():
            for node in scope.instance.process.inside(scope.level):
                incoming = scope.instance.process.incoming[node.id]
                if node.kind == "inclusiveGateway" and len(incoming) > 1:
                    marked = [flow for flow in incoming if scope.arrived[flow.id]]
                    if marked and joins.may_fire(scope.instance.process, node, marked, self._places(scope)):
                        self._consume(scope, marked)
                        try:
                            self._leave_gateway(scope, node)
                        except expressions.Unreadable as error:
                            scope.instance.failure = ("incident", f"{node.id}: {error}")
                        else:
                            self.used(scope, len(marked))
                        return True
        return False

    def _places(self, scope: Visit) -> list[str]:
        """Nodes of the level where tokens are, except those that wait at joins given by flow."""
        places = [child.node.id for child in scope.children if child.node]
        return places + [f"{flow}" for flow, count in scope.arrived.items() if count]

    def _scopes(self) -> Iterator[Visit]:
        """All living visits that hold tokens at joins."""
        todo = [instance.root for instance in self.instances if not instance.ended]
        while todo:
            visit = todo.pop()
            if any(visit.arrived.values()):
                yield visit
            todo += visit.children

    # visits -------------------------------------------------------------------------------------------------------

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def visit(self, scope: Visit, node: Node, role: str = "activity") -> Visit:
        """A token becomes a visit."""
        visit = Visit(self._number(), scope.instance, node, scope, role)
        scope.children.append(visit)
        return visit

    def _enter(self, scope: Visit, node: Node) -> None:
        visit = self.visit(scope, node, "body" if node.loop else "activity")
        for boundary in scope.instance.process.boundaries.get(node.id, []):
            self.wait(visit, boundary)
        if node.loop:
            loops.begin(self, visit, node)
        else:
            self.perform(visit, node)

    def perform(self, visit: Visit, node: Node) -> None:
        """Do what an activity does; it completes at once unless it waits."""
        for name, text in node.inputs:
            visit.variables[name] = self.value(visit, text) if "${" in text else text
        if node.kind == "userTask":
            self.tasks.append(visit)
        elif node.kind == "subProcess":
            self.open(visit, None)
        elif node.kind == "callActivity":
            self._call(visit, node)
        elif node.kind == "receiveTask":
            self.wait(visit, node)
        else:
            for name, tree in expressions.parse_script(node.script):
                value = expressions.evaluate(tree, lambda name: scope_of(visit, name).variables[name])
                self.assign(visit, name, value)
            self.complete_visit(visit)

    def open(self, scope: Visit, at: Node | None) -> None:
        """Begin a sub-process or process: its event sub-processes wait, a token stands at its start."""
        process = scope.instance.process
        starts = []
        for node in process.inside(scope.level):
            if node.by_event:
                self.wait(scope, next(each for each in process.inside(node.id) if each.kind == "startEvent"))
            elif node.kind == "startEvent" and (node.event is None if at is None else node is at):
                starts.append(node)
        starts = starts or [
            node for node in process.inside(scope.level)
            if not process.incoming[node.id] and not node.attached and not node.by_event and node.kind != "startEvent"
        ]
        for node in starts:
            scope.live += 1
            self._tokens.append((scope, None, node))
        if not starts:
            self.finish(scope)

    def _call(self, visit: Visit, node: Node) -> None:
        given: dict[str, object] = {}
        for source, target in node.given:
            if source == "*":
                given |= visible(visit)
            elif "${" in source or source in visible(visit):
                given[target] = self.value(visit, source)
            else:
                given[target] = None
        self.start(node.called, given, visit.instance.business_key, visit)

    def complete_visit(self, visit: Visit) -> None:
        """An activity or event is done: its token goes on, or the next round begins."""
        node, scope = visit.node, visit.parent
        assert node is not None
        assert scope is not None
        for name, text in node.outputs if visit.role == "activity" else []:
            self.assign(scope, name, self.value(visit, text) if "${" in text else text)
        if scope.role == "body":
            loops.end_round(self, scope, visit)
        elif node.by_event:
            self.remove(visit)
        else:
            self.emit(scope, node)
            self.remove(visit)

    def remove(self, visit: Visit) -> None:
        """Take a visit out of its scope, with all inside."""
        assert visit.parent is not None
        self._kill(visit)
        visit.parent.children.remove(visit)
        self.used(visit.parent)

    def used(self, scope: Visit, tokens: int = 1) -> None:
        """Tokens of a scope are gone; without any it is complete."""
        scope.live -= tokens
        if scope.alive and scope.live == 0 and scope.role != "body":
            self.finish(scope)

    def finish(self, scope: Visit) -> None:
        """Nothing is left in a sub-process or process."""
        if scope.node is not None:
            self.complete_visit(scope)
            return
        self._kill(scope)
        scope.instance.ended = True
        caller = scope.instance.caller
        if caller is not None and caller.alive and caller.node is not None and caller.parent is not None:
            self.take_results(scope.instance)
            self.complete_visit(caller)

    def take_results(self, called: Instance) -> None:
        """Give the caller of an instance what its call activity takes: at the end, and before an error reaches it."""
        caller, scope = called.caller, called.root
        assert caller is not None
        assert caller.node is not None
        assert caller.parent is not None
        for source, target in caller.node.taken:
            if source == "*":
                for name, value in scope.variables.items():
                    self.assign(caller.parent, name, value)
            else:
                value = self.value(scope, source) if "${" in source else scope.variables.get(source)
                self.assign(caller.parent, target, value)

    def _kill(self, visit: Visit) -> None:
        """End a visit and all inside, called instances too."""
        visit.alive = False
        for child in visit.children:
            self._kill(child)
        for instance in self.instances:
            if instance.caller is visit and not instance.ended:
                self.cancel(instance)
        self._tokens = deque(token for token in self._tokens if token[0] is not visit)

    def clear(self, scope: Visit) -> None:
        """End all inside a scope; the scope itself goes on."""
        for child in scope.children:
            self._kill(child)
        scope.children.clear()
        scope.arrived.clear()
        scope.live = 0
        scope.cleared += 1
        self._tokens = deque(token for token in self._tokens if token[0] is not scope)

    def wait(self, visit: Visit, catch: Node) -> None:
        if catch.event is not None and catch.event.kind in ("timer", "message", "signal"):
            timer = Timer.of(catch.event, self.now) if catch.event.kind == "timer" else None
            self.waits.append(Wait(self._number(), visit, catch, catch.event, timer))
