"""The token game behind the interface of the conformance runs."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from tests.adapter import Files, NotOpen, NotWaiting, OpenTask, Refused, Variables, World
from tests.token_game.expressions import Unreadable
from tests.token_game.game import Game
from tests.token_game.model import Process
from tests.token_game.reader import Unknown, read
from tests.token_game.state import Instance, Wait


class ReferenceWorld(World):
    """What the standard says, kept in memory."""

    def __init__(self) -> None:
        self.game = Game()
        #: Whether what happened depended on an order that the standard leaves open.
        self.ambiguous = False

    def deploy(self, files: Files) -> None:
        """Read processes from BPMN files; raises `Refused`."""
        for name, content in files:
            try:
                self.add(read(content))
            except (Unknown, Unreadable, KeyError, ValueError) as error:
                raise Refused(f"{name}: {error}") from error

    def add(self, processes: list[Process]) -> None:
        """Deploy processes that were not read from a file."""
        self.game.processes |= {process.id: process for process in processes}

    def start(self, process_id: str, variables: Variables, business_key: str | None = None) -> Hashable:
        """Start an instance; returns its id."""
        instance = self.game.start(process_id, dict(variables), business_key)
        self.game.run()
        return instance.number

    def open_tasks(self, instance: Hashable) -> list[OpenTask]:
        """Open user tasks of an instance and those it called, oldest first."""
        return [(task.number, task.node.id, task.node.name) for task in self.game.tasks
                if task.node is not None and self._root(task.instance).number == instance]

    def complete(self, task_id: Hashable, variables: Variables) -> None:
        """Complete a user task; raises `NotOpen`."""
        for task in self.game.tasks:
            if task.number == task_id:
                self.game.complete(task, dict(variables))
                return
        raise NotOpen(f"Expected an open user task, but found {task_id}")

    def message(self, name: str, key: str | None, variables: Variables) -> Hashable:
        """Deliver a message to who waits for it, or start a process; raises `NotWaiting`."""
        waits = [wait for wait in self.game.open_waits("message", name)
                 if key in (None, wait.visit.instance.business_key)]
        if waits:
            self.ambiguous |= len(waits) > 1
            self.game.fire(waits[0], dict(variables))
            self.game.run()
            return self._root(waits[0].visit.instance).number
        for process in self.game.processes.values():
            for node in process.inside(process.id):
                if node.kind == "startEvent" and node.event and (node.event.kind, node.event.name) == ("message", name):
                    instance = self.game.start(process.id, dict(variables), key, at=node)
                    self.game.run()
                    return instance.number
        raise NotWaiting(f"Expected somebody to wait for the message {name}, but nobody does")

    def signal(self, name: str, variables: Variables) -> None:
        """Tell all who wait for a signal."""
        self.game.throw_signal(name, dict(variables))
        self.game.run()

    def advance(self, seconds: float) -> None:
        """Move the clock, from one due timer to the next."""
        until = self.game.now + seconds
        while wait := self._next(until):
            assert wait.timer is not None
            self.game.now = wait.timer.due
            self.game.fire(wait)
            self.game.run()
        self.game.now = until

    def ended(self, instance: Hashable) -> bool:
        """Whether an instance is over."""
        return self._instance(instance).ended

    def variables(self, instance: Hashable) -> dict[str, object]:
        """Variables of the process scope."""
        return dict(self._instance(instance).root.variables)

    def restart(self) -> None:
        """Nothing is stored elsewhere."""

    def instances(self) -> list[tuple[Hashable, str]]:
        """All instances, oldest first."""
        return [(instance.number, instance.process.id) for instance in self.game.instances]

    def cancel(self, instance: Hashable) -> None:
        """End a running instance."""
        self.game.cancel(self._instance(instance))

    def set_variables(self, instance: Hashable, variables: Variables) -> None:
        """Set variables of the process scope."""
        self._instance(instance).root.variables |= variables

    def failure(self, instance: Hashable) -> tuple[str, str] | None:
        """Why an instance was aborted or is stuck."""
        return self._instance(instance).failure

    def script_function(self, name: str, function: Callable[..., object]) -> bool:
        """Scripts are assignments only."""
        return False

    def close(self) -> None:
        """Nothing is held."""

    def _instance(self, number: Hashable) -> Instance:
        return next(instance for instance in self.game.instances if instance.number == number)

    def _root(self, instance: Instance) -> Instance:
        while instance.caller is not None:
            instance = instance.caller.instance
        return instance

    def _next(self, until: float) -> Wait | None:
        """The timer that fires next."""
        due = [(wait.timer.due, wait.number, wait) for wait in self.game.open_waits("timer")
               if wait.timer is not None and wait.timer.due <= until]
        if not due:
            return None
        first = min(due, key=lambda entry: entry[:2])
        self.ambiguous |= any(at == first[0] and wait.catch is not first[2].catch for at, _, wait in due)
        return first[2]
