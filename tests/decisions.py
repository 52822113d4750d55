"""
What conformance runs call: decisions, decision services, FEEL and conditions, with Python's own values.

Values are `Decimal`, `str`, `bool`, `None`, `list`, `dict`, `date`, aware or naive `datetime` and `time`, `timedelta`;
durations of years and months are `engine.decisions.feel.YearsMonths`, ranges `engine.decisions.feel.Range`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from casepath.engine import errors
from casepath.engine.decisions import dmn
from casepath.engine.decisions import feel as feel_language
from casepath.engine.expressions import compile_expression

Files = Sequence[tuple[str, bytes]]


def decide(files: Files, decision: str, inputs: Mapping[str, object]) -> object:
    """Return the value of a decision by name or id; what cannot be read in the files is null."""
    return _model_with(files, decision, "decisions").evaluate(decision, inputs).value


def invoke(files: Files, service: str, inputs: Mapping[str, object]) -> object:
    """Return what a decision service gives, by name or id."""
    return _model_with(files, service, "services").invoke(service, inputs).value


def _model_with(files: Files, key: str, kind: str) -> dmn.DecisionModel:
    for place in range(len(files)):
        model = _model(tuple((name, bytes(content)) for name, content in files), place)
        known: Mapping[str, str] = getattr(model, kind)
        if key in known or key in known.values():
            return model
    raise errors.DecisionError(f"Expected '{key}' in {', '.join(name for name, _ in files)}, but there is none")


@functools.lru_cache(maxsize=8)
def _model(files: tuple[tuple[str, bytes], ...], place: int) -> dmn.DecisionModel:
    file, content = files[place]
    return dmn.parse(content, file, files, strict=False)


def feel(text: str, context: Mapping[str, object]) -> object:
    """Return the value of a FEEL expression."""
    return feel_language.compile_feel(text, context).evaluate(context)


def unary_test(text: str, value: object, context: Mapping[str, object]) -> bool | None:
    """Return whether a value passes unary tests."""
    return feel_language.compile_unary_tests(text, context).matches(value, context)


def condition(text: str, variables: Mapping[str, object]) -> tuple[object, Mapping[str, object]]:
    """Return the value of a `${…}` condition and the variables it read."""
    return compile_expression(text).trace(variables)
