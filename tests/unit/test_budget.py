"""What counts against a step, and what does not."""

from __future__ import annotations

import gc
from dataclasses import dataclass

import pytest

from casepath.engine import errors
from casepath.engine.bpmn import budget


@dataclass
class Watch:
    """Time of the processor and on the wall."""

    now: float = 0.0


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """A clock that is moved by hand, for both."""
    found = Watch()
    monkeypatch.setattr(budget, "thread_time", lambda: found.now)
    monkeypatch.setattr(budget, "perf_counter", lambda: found.now)
    return found


def test_check_time__to_the_second(watch: Watch) -> None:
    step = budget.Budget(seconds=5)
    watch.now = 5
    step.check_time("A")

    watch.now = 5.1
    with pytest.raises(errors.OverBudget, match="within 5 seconds"):
        step.check_time("A")


def test_check_time__what_is_done_for_all_is_set_aside(watch: Watch) -> None:
    step = budget.Budget(seconds=5)
    with budget.aside():
        watch.now = 7

    step.check_time("A")

    watch.now = 12.5
    with pytest.raises(errors.OverBudget):
        step.check_time("A")


def test_check_time__a_collection_of_garbage_is_set_aside(watch: Watch) -> None:
    def takes_long(phase: str, found: dict[str, int]) -> None:
        if phase == "start" and found["generation"] == 2:
            watch.now += 7

    step = budget.Budget(seconds=5)
    gc.callbacks.append(takes_long)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(takes_long)

    step.check_time("A")


def test_check_time__on_the_wall(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of its own, such as that of a script, takes no time of ours."""
    monkeypatch.setattr(budget, "thread_time", lambda: 0.0)
    step = budget.Budget(seconds=5)
    watch.now = 5 * budget.PATIENCE
    step.check_time("A")

    watch.now += 0.1
    with pytest.raises(errors.OverBudget):
        step.check_time("A")
