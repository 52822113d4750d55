"""Plays a model on a world and on the reference at the same time, and tells the first difference."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from tests.adapter import Files, NotWaiting, OpenTask, Variables
from tests.token_game.models import Model
from tests.token_game.world import ReferenceWorld
from tests.token_game.writer import Spelling, write

#: Actions before a model that goes on is left.
STEPS = 120


class Playable(Protocol):
    """What playing needs of a world."""

    own_variables: frozenset[str]

    def deploy(self, files: Files) -> None: ...
    def start(self, process_id: str, variables: Variables, business_key: str | None = None) -> Hashable: ...
    def open_tasks(self, instance: Hashable) -> list[OpenTask]: ...
    def complete(self, task_id: Hashable, variables: Variables) -> None: ...
    def message(self, name: str, key: str | None, variables: Variables) -> Hashable: ...
    def signal(self, name: str, variables: Variables) -> None: ...
    def advance(self, seconds: float) -> None: ...
    def ended(self, instance: Hashable) -> bool: ...
    def variables(self, instance: Hashable) -> dict[str, object]: ...
    def failure(self, instance: Hashable) -> tuple[str, str] | None: ...
    def cancel(self, instance: Hashable) -> None: ...
    def set_variables(self, instance: Hashable, variables: Variables) -> None: ...
    def restart(self) -> None: ...
    def close(self) -> None: ...


class Unsound(Exception):
    """The reference itself cannot go on: the model is not sound."""


@dataclass
class Outcome:
    """How a model was played."""

    actions: list[str] = field(default_factory=list)
    difference: str = ""
    ended: bool = False
    ambiguous: bool = False


def play(model: Model, world: Playable, *, game: int = 0, restart: float = 0.0) -> Outcome:
    """
    Play a model with random actions until it ends; stops at the first difference.

    `game` is the number of the game: another one, other actions; only the first deploys the model. `restart` is how
    probable a restart is after each action. Raises `Unsound`.
    """
    return _Player(model, world, game, restart).play()


class _Player:
    """One model on two worlds."""

    def __init__(self, model: Model, world: Playable, game: int, restart: float) -> None:
        self.model, self.world, self.restart = model, world, restart
        self.reference = ReferenceWorld()
        self.source = random.Random(f"{model.seed} {game}")
        self.deploys = game == 0
        self.spelling = Spelling.random(random.Random(model.seed))
        self.outcome = Outcome()
        self.expected: Hashable = None
        self.found: Hashable = None

    def play(self) -> Outcome:
        """Start, act, compare."""
        self.reference.add(self.model.processes)
        try:
            self.outcome.actions.append("deploy and start")
            if self.deploys:
                self.world.deploy([("model.bpmn", write(self.model.processes, self.spelling))])
            name = self.model.processes[0].id
            self.expected = self.reference.start(name, self.model.variables, "key")
            self.found = self.world.start(name, self.model.variables, "key")
            for _ in range(STEPS):
                self.compare()
                if self.outcome.difference or self.outcome.ambiguous or self.outcome.ended:
                    break
                self.act()
                if self.source.random() < self.restart:
                    self.world.restart()
        except Unsound:
            raise
        except Exception as error:
            if not self.reference.ambiguous:
                self.outcome.difference = f"{type(error).__name__}: {error}"
        finally:
            self.leave()
        self.outcome.ambiguous = self.reference.ambiguous
        return self.outcome

    def leave(self) -> None:
        """End what goes on, so that nobody in this world waits for the events of the next model."""
        if self.found is not None and not self.outcome.ended:
            with suppress(Exception):
                self.world.cancel(self.found)

    def compare(self) -> None:
        """Note the first difference."""
        for what, expected, found in (
            ("open tasks", _tasks(self.reference, self.expected), _tasks(self.world, self.found)),
            ("ended", self.reference.ended(self.expected), self.world.ended(self.found)),
            ("failure", self.reference.failure(self.expected), self.world.failure(self.found)),
            ("variables", _comparable(self.reference, self.expected), _comparable(self.world, self.found)),
        ):
            if expected != found:
                self.outcome.difference = (
                    f"{what}: expected {_only(expected, found)}, but found {_only(found, expected)}"
                )
                break
        self.outcome.ended = self.reference.ended(self.expected)
        self.outcome.ambiguous = self.reference.ambiguous
        if self.outcome.ambiguous:
            self.outcome.difference = ""

    def act(self) -> None:
        """Do one thing on both, chosen from what the reference waits for."""
        tasks = self.reference.open_tasks(self.expected)
        game = self.reference.game
        possible = ["complete"] * (4 if tasks else 0)
        possible += ["advance"] if game.open_waits("timer") else []
        possible += ["message"] if game.open_waits("message") else []
        possible += ["signal"] if game.open_waits("signal") else []
        if possible and self.source.random() < 0.05:
            self.set_variables()
            return
        if not possible:
            raise Unsound(f"model {self.model.seed}: nothing is waited for after {self.outcome.actions[-3:]}")
        action = self.source.choice(possible)
        if action == "complete":
            self.complete(tasks)
        elif action == "advance":
            self.advance()
        elif action == "message":
            self.message(self.source.choice(game.open_waits("message")).event.name)
        else:
            name = self.source.choice(game.open_waits("signal")).event.name
            self.note(f"signal {name}")
            self.reference.signal(name, {"signalled": name})
            self.world.signal(name, {"signalled": name})

    def complete(self, tasks: list[OpenTask]) -> None:
        number, element, _ = self.source.choice(tasks)
        same = [task for task in tasks if task[1] == element]
        position = [task[0] for task in same].index(number)
        answers = self.model.answers[element]
        variables = {name: self.source.choice(values) for name, values in answers.items()}
        self.note(f"complete {element}[{position}] {variables or ''}")
        self.reference.complete(number, variables)
        found = [task for task in self.world.open_tasks(self.found) if task[1] == element]
        self.world.complete(found[position][0], variables)

    def advance(self) -> None:
        timers = [wait.timer.due for wait in self.reference.game.open_waits("timer") if wait.timer]
        until_next = min(timers) - self.reference.game.now
        seconds = self.source.choice([until_next, until_next, until_next - 1, float(self.source.randint(1, 300))])
        self.note(f"advance {seconds:g}")
        self.reference.advance(seconds)
        self.world.advance(seconds)

    def message(self, name: str) -> None:
        self.note(f"message {name}")
        variables = {"told": name}
        self.reference.message(name, "key", variables)
        self.world.message(name, self.source.choice(["key", None]), variables)
        if self.source.random() < 0.2:
            try:
                self.world.message("message nobody waits for", "key", {})
            except NotWaiting:
                return
            self.outcome.difference = "a message that nobody waits for was taken"

    def set_variables(self) -> None:
        variables: dict[str, object] = {"set_by_hand": self.source.randint(1, 9)}
        self.note(f"set {variables}")
        self.reference.set_variables(self.expected, variables)
        self.world.set_variables(self.found, variables)

    def note(self, action: str) -> None:
        self.outcome.actions.append(action)


def _tasks(world: Playable, instance: Hashable) -> Counter[tuple[str, str]]:
    return Counter((element, name) for _, element, name in world.open_tasks(instance))


def _comparable(world: Playable, instance: Hashable) -> dict[str, object]:
    return {name: value for name, value in world.variables(instance).items() if name not in world.own_variables}


def _only(value: object, other: object) -> object:
    """The part of a map that the other has not."""
    if isinstance(value, dict) and isinstance(other, dict):
        return {key: value[key] for key in value if key not in other or other[key] != value[key]}
    return value
