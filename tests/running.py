"""One instance on a world, and what tests do with it."""

from __future__ import annotations

from datetime import timedelta

from casepath.engine.instances import jobs
from casepath.engine.time import clock
from tests.world import World


class Run:
    """One instance and what is open in it."""

    def __init__(self, world: World, content: bytes, key: str = "p", **variables: object) -> None:
        """Deploy a file and start a process of it."""
        world.deploy([("diagram.bpmn", content)])
        self.world, self.number = world, world.start(key, variables, "key")

    def open(self) -> str:
        """Ids of the elements of open user tasks."""
        return " ".join(sorted(element for _, element, _ in self.world.open_tasks(self.number)))

    def complete(self, elements: str, **variables: object) -> str:
        """Complete the oldest open task of each element; returns what is open then."""
        for element in elements.split():
            tasks = self.world.open_tasks(self.number)
            self.world.complete(next(number for number, at, _ in tasks if at == element), variables)
        return self.open()

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.world.ended(self.number)

    @property
    def variables(self) -> dict[str, object]:
        """Variables of the process scope."""
        return self.world.variables(self.number)


def run(world: World, content: bytes, key: str = "p", **variables: object) -> int:
    """Deploy a file and start its process."""
    world.deploy([("diagram.bpmn", content)])
    return world.start(key, variables, "key")


def open_elements(world: World, instance: int) -> list[str]:
    """Ids of the elements of open user tasks."""
    return sorted(element for _, element, _ in world.open_tasks(instance))


def complete(world: World, instance: int, elements: str, **variables: object) -> None:
    """Complete the oldest open user task of each element."""
    for element in elements.split():
        world.complete(next(number for number, at, _ in world.open_tasks(instance) if at == element), variables)


def pass_time(world: World, passed: timedelta) -> None:
    """Let time pass while nothing runs, then run what is due."""
    clock.move(passed)
    while jobs.run_due(world.sessions):
        pass
