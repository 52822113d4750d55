"""Compare texts of FEEL by their values."""

from __future__ import annotations

from casepath.engine.decisions.feel import compile_feel


def same(text: str, expected: str) -> bool:
    """Say whether two texts give the same value of the same type."""
    found, wanted = compile_feel(text).evaluate({}), compile_feel(expected).evaluate({})
    return type(found) is type(wanted) and found == wanted
