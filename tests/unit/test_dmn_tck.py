"""The DMN TCK: all checks of level 2, and all of the given half of level 3 but those listed with their cause."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from casepath.engine.decisions import dmn
from tests import tck
from tests.each import each
from tests.outside import CONFORMANCE

#: Folder to cause of failures: checks that expect a value and get null.
KNOWN_FAILURES: Mapping[str, str] = {
    "0076-feel-external-java": "functions in Java are never executed; they give null",
}
#: Share of the checks that expect a value, as a fraction.
MINIMUM_LEVEL_3 = 0.98

pytestmark = pytest.mark.conformance


def folders(level: int) -> list[Path]:
    """Return the test folders of a level."""
    return sorted((CONFORMANCE / "dmn-tck" / f"compliance-level-{level}").glob("*"))


def failures(folder: Path) -> tuple[list[str], int, int]:
    """Run a folder: failed checks, checks that expect a value, and how many of those fail."""
    files = tck.files(folder)
    model = dmn.parse(files[0][1], files[0][0], files, strict=False)
    failed: list[str] = []
    valued = valued_failed = 0
    for check in tck.checks(folder):
        result = (
            model.invoke(check.service, check.inputs) if check.service else model.evaluate(check.node, check.inputs)
        )
        agrees = tck.agree(result.value, check.expected)
        valued += check.expected is not None
        valued_failed += check.expected is not None and not agrees
        if not agrees:
            failed.append(f"{check.name}: expected {check.expected!r}, found {result.value!r}")
    return failed, valued, valued_failed


@each("folder", folders(2))
def test_level_2(folder: Path) -> None:
    failed, _, _ = failures(folder)

    assert failed == []


@each("folder", folders(3))
def test_level_3(folder: Path) -> None:
    failed, _, _ = failures(folder)

    assert bool(failed) == (folder.name in KNOWN_FAILURES), failed


def test_level_3__share_of_checks_that_expect_a_value() -> None:
    counts = [failures(folder)[1:] for folder in folders(3)]

    valued, failed = sum(count for count, _ in counts), sum(count for _, count in counts)

    assert valued > 1000
    assert (valued - failed) / valued >= MINIMUM_LEVEL_3
