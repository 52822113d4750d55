"""
Which tests touch which line of a module: learnt from one run without a change, so that a change runs only these.

As a plugin of pytest it tells coverage which test runs, and keeps how long each took.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Generator, Mapping
from pathlib import Path

import coverage
import pytest

#: The file that the plugin writes, seconds by test; no name of ours, as commands warn of settings that are none.
DURATIONS = "MUTANT_DURATIONS"

_took: dict[str, float] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Have all lines that run from here on belong to this test."""
    measuring = coverage.Coverage.current()
    assert measuring is not None
    measuring.switch_context(item.nodeid)
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up how long a test took."""
    _took[report.nodeid] = _took.get(report.nodeid, 0) + report.duration


def pytest_sessionfinish() -> None:
    """Write down how long each test took."""
    Path(os.environ[DURATIONS]).write_text(json.dumps(_took), encoding="utf-8")


def measured(modules: list[Path], data: Path) -> list[str]:
    """Return the beginning of a command that runs Python and measures these modules."""
    included = ",".join(str(path) for path in modules)
    return [sys.executable, "-m", "coverage", "run", f"--data-file={data}", f"--include={included}"]


def touching(module: Path, data: Path, durations: Path) -> dict[int, list[str] | None]:
    """
    Return for each line of a module the tests that touch its statement, the quickest first.

    None stands for all of them: the line runs when the module is imported.
    """
    found = coverage.CoverageData(str(data))
    found.read()
    contexts: Mapping[int, list[str]] = found.contexts_by_lineno(str(module))
    took = json.loads(durations.read_text(encoding="utf-8"))
    by_line: dict[int, list[str] | None] = {}
    for first, last in _statements(ast.parse(module.read_text(encoding="utf-8"))):
        tests = {test for line in range(first, last + 1) for test in contexts.get(line, [])}
        chosen = None if "" in tests else sorted(tests, key=lambda test: took.get(test, 0))
        # What stands deeper comes later, and knows better.
        by_line |= dict.fromkeys(range(first, last + 1), chosen)
    return by_line


def _statements(tree: ast.Module) -> list[tuple[int, int]]:
    """Return first and last line of each statement, of one with a body its head only, the outer ones first."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            body: list[ast.stmt] = getattr(node, "body", [])
            last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
            found.append((node.lineno, last))
    return found
