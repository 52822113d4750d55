"""
The engine's tests with a SpiffWorkflow that imports, has all its classes and methods, and does nothing.

    python -m tests.hollow

prints how many of the tests of semantics, process instances, calls and conformance fail then. SpiffWorkflow executes
where nearly all do.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from contextlib import suppress
from pathlib import Path
from types import FunctionType

import pytest
import SpiffWorkflow

HERE = Path(__file__).resolve().parent
SUITES = ("test_semantics*.py", "test_process_instances.py", "test_conformance_execute.py", "test_token_game.py")
#: Percent of the tests that have to fail.
LEAST = 95


def nothing(*arguments: object, **more: object) -> None:
    """Do nothing."""


def hollow_out() -> int:
    """Make every method and property of every class of SpiffWorkflow do nothing; return how many there were."""
    for module in pkgutil.walk_packages(SpiffWorkflow.__path__, "SpiffWorkflow."):
        with suppress(ImportError):
            # Some of it wants libraries that nobody here has.
            importlib.import_module(module.name)
    classes = {
        each
        for name, module in list(sys.modules.items())
        if name.split(".")[0] == "SpiffWorkflow"
        for each in vars(module).values()
        if isinstance(each, type) and each.__module__.startswith("SpiffWorkflow")
    }
    count = 0
    for owner in classes:
        for name, member in list(vars(owner).items()):
            if isinstance(member, FunctionType):
                setattr(owner, name, nothing)
            elif isinstance(member, property):
                setattr(owner, name, property(nothing, nothing))
            else:
                continue
            count += 1
    return count


class Counting:
    """Counts what becomes of the tests."""

    def __init__(self) -> None:
        self.failed: set[str] = set()
        self.passed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest for each phase of a test."""
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed.add(report.nodeid)


def main() -> int:
    """Run the tests; return 0 where enough of them fail."""
    argparse.ArgumentParser(prog="python -m tests.hollow", description=__doc__).parse_args()
    emptied = hollow_out()
    counting = Counting()
    files = [str(path) for suite in SUITES for path in sorted((HERE / "integration").glob(suite))]
    pytest.main(["-q", "-n0", "-m", "not postgresql", "--tb=no", "--show-capture=no", *files], [counting])
    failed, passed = len(counting.failed), len(counting.passed - counting.failed)
    share = 100 * failed / (failed + passed)
    print(f"{emptied} methods of SpiffWorkflow do nothing: {failed} of {failed + passed} tests fail, {share:.1f} %")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    raise SystemExit(main())
