"""SpiffWorkflow executes: most of its methods that run while two models play carry weight, in each of its parts."""

from __future__ import annotations

import pytest

from tests import executing

#: Methods that have to carry weight, at the least: in each part, and in all.
LEAST = {"parser": 8, "specs": 8, "task and workflow": 12, "script engine": 2, "events": 4}
LEAST_IN_ALL = 54


@pytest.fixture(scope="module")
def carrying() -> dict[str, list[str]]:
    """Return the methods that carry weight, by part."""
    usual = executing.trace()
    # What happens does not depend on chance or time, else every method would seem to carry weight.
    assert executing.trace() == usual
    found: dict[str, list[str]] = {}
    for part, methods in executing.running_methods().items():
        found[part] = []
        for owner, name in methods:
            with executing.idle(owner, name):
                if executing.trace(until=usual) != usual:
                    found[part].append(f"{owner.__name__}.{name}")
    return found


@pytest.mark.parametrize("part", LEAST)
def test_spiffworkflow__carries_weight(carrying: dict[str, list[str]], part: str) -> None:
    assert len(carrying[part]) >= LEAST[part], carrying[part]


def test_spiffworkflow__carries_weight_in_all(carrying: dict[str, list[str]]) -> None:
    assert sum(len(names) for names in carrying.values()) >= LEAST_IN_ALL, carrying
