"""Execution tests of others, on the engine as it is, and restarted all the time with files written differently."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests import adapter
from tests.each import each
from tests.outside import CONFORMANCE
from tests.replaying import ReplayedWorld
from tests.respelling import respell
from tests.world import World

FILE = CONFORMANCE / "betsy_execute.json"
#: They expect a line that no script in the file writes.
SUSPECT = {"AdHocSubProcess_Parallel", "AdHocSubProcess_Sequential"}
#: They measure that two scripts take ten seconds at the same time; here a script is done at once.
ASYNCHRONOUS = {"ParallelGateway_TrueParallelism", "Timer_BoundaryEvent_SubProcess_Interrupting_Activity"}
#: It expects a token for each time of a cycle in the flow; here one goes in and one comes out.
CYCLE = {"Timer_IntermediateTimeCycleEvent"}

pytestmark = [
    pytest.mark.conformance,
    # The runner leaves files open.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class RestartingWorld(World):
    """Writes each file differently, and forgets everything in memory after every step; in time, once a second."""

    def deploy(self, files: adapter.Files) -> None:
        super().deploy([(name, respell(content)) for name, content in files])
        self.restart()

    def start(self, process_id: str, variables: adapter.Variables, business_key: str | None = None) -> int:
        number = super().start(process_id, variables, business_key)
        self.restart()
        return number

    def advance(self, seconds: float) -> None:
        before = self._now
        super().advance(seconds)
        if before.second != self._now.second:
            self.restart()


WORLDS: dict[str, Callable[[], World]] = {
    "replayed": ReplayedWorld,
    "restarted": RestartingWorld,
}


def models() -> list[dict[str, Any]]:
    """The tests of others; none where they are missing, which fails the test that goes through them."""
    found = json.loads(FILE.read_text(encoding="utf-8"))["tests"] if FILE.is_file() else []
    return [test for test in found if test["name"] not in SUSPECT | ASYNCHRONOUS | CYCLE]


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    """The program that runs the tests."""
    sys.path.insert(0, str(CONFORMANCE))
    try:
        return importlib.import_module("run_betsy")
    finally:
        sys.path.remove(str(CONFORMANCE))


@pytest.mark.parametrize("kind", WORLDS)
@each("test", models())
def test_execution__of_betsy(test: dict[str, Any], kind: str, runner: ModuleType) -> None:
    for case in test["cases"]:
        trace, why = runner.run_case(WORLDS[kind], str(CONFORMANCE / test["bpmn_path"]), case, None)

        assert trace == case["expected"], why
