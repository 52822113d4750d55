"""Tests of many examples: every one is tried, and every one that fails is told."""

from __future__ import annotations

import pytest

from tests.each import each


def test_each__tells_every_failure() -> None:
    seen = []

    @each("left, right", [(1, 1), (1, 2), (3, 3), (3, 4)])
    def check(left: int, right: int) -> None:
        seen.append(left)
        assert left == right

    with pytest.raises(pytest.fail.Exception, match=r"(?s)^2 of 4 examples failed:.*\(1, 2\).*assert 1 == 2.*\(3, 4\)"):
        check()
    assert seen == [1, 1, 3, 3]


def test_each__tells_other_errors_too() -> None:
    @each("number", [1, 0])
    def check(number: int) -> None:
        assert 1 / number

    with pytest.raises(pytest.fail.Exception, match=r"1 of 2 examples failed:\n  0\n    .*ZeroDivisionError"):
        check()


def test_each__of_nothing_fails() -> None:
    @each("number", [])
    def check(number: int) -> None:
        assert number

    with pytest.raises(AssertionError, match="but found none"):
        check()


@each("number", [1, 2])
def test_each__leaves_fixtures(number: int, request: pytest.FixtureRequest) -> None:
    assert request.node.name == "test_each__leaves_fixtures"
