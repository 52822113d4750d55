"""Many examples in one test: it goes through all of them, and then fails once with everything that failed."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import pytest

#: Failures that are told in full; of more only the number is told.
TOLD = 25
#: Characters that are told of an example, and of a reason.
EXAMPLE, REASON = 300, 600


def each(names: str, examples: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Run a test with each example, as one test; `names` are the parameters they fill, as in `pytest.mark.parametrize`.

    Other parameters are fixtures, made once for all examples. A test without examples fails too.
    """
    parameters = [name.strip() for name in names.split(",")]
    listed = list(examples)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(*owner: Any, **fixtures: Any) -> None:
            assert listed, f"Expected examples of {names}, but found none"
            failures = []
            for example in listed:
                parts = example if len(parameters) > 1 else (example,)
                try:
                    test(*owner, **dict(zip(parameters, parts, strict=True)), **fixtures)
                except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
                    failures.append(_told(example, error, inspect.getfile(inspect.unwrap(test))))
            if failures:
                more = f"\n… and {len(failures) - TOLD} more" if len(failures) > TOLD else ""
                told = "\n".join(failures[:TOLD])
                pytest.fail(f"{len(failures)} of {len(listed)} examples failed:\n{told}{more}", pytrace=False)

        signature = inspect.signature(test)
        others = [parameter for parameter in signature.parameters.values() if parameter.name not in parameters]
        run.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
        return run

    return decorate


def _told(example: object, error: BaseException, file: str) -> str:
    """The example, the place in the file of the test and the reason of a failure."""
    shown = repr(example) if isinstance(example, bytes | dict | str | tuple) else str(example)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    place = f"{frames[-1].name}, line {frames[-1].lineno}: " if frames else ""
    reason = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
    indented = reason[:REASON].replace("\n", "\n      ")
    return f"  {shown:.{EXAMPLE}}\n    {place}{indented}"
