"""
The Python function that an expression becomes, written line by line.

Calling one function for every node of a tree costs more than what the nodes do; a gateway asks its conditions for every
token. So each expression becomes one function. The lines are fixed texts of the compiler with names of ours in them:
`v`, `e` and `r` for the variables, the environment and the values read so far, `t0`, `t1`… for values on the way, `c0`,
`c1`… for constants, `demand` for whether the value must be true or false. Nothing that a user wrote is ever part of a
line: the names of variables, texts and numbers are constants, reached by their own names. Beside its constants a
function sees the words that the compiler gives it, and none of Python's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Protocol, cast

from casepath.engine.expressions.environment import Environment

_INDENT = " "
_HEAD = """\
def run(v, e=None):
 if e is None: e = environment()
 r = {}
 try:
"""
_TAIL = """\
 except EXPECTED as error: raise explained(error, v) from None
"""


class Run(Protocol):
    """A function that gives a value and the values read for it, by path such as `customer.age`."""

    def __call__(
        self, variables: Mapping[str, object], environment: Environment | None = None, /
    ) -> tuple[object, dict[str, object]]: ...


class Test(Protocol):
    """A function that gives true or false and the values read for it."""

    def __call__(
        self, variables: Mapping[str, object], environment: Environment | None = None, /
    ) -> tuple[bool, dict[str, object]]: ...


class Source:
    """The lines of one function so far, and its constants by name."""

    def __init__(self, constants: dict[str, object]) -> None:
        self.lines: list[str] = []
        self.constants = constants
        self._values = 0
        self._indent = 2

    def line(self, text: str) -> None:
        self.lines.append(_INDENT * self._indent + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write lines that belong to `if …:` or `else:`."""
        self.line(head)
        self._indent += 1
        yield
        self._indent -= 1

    def constant(self, value: object) -> str:
        """Return the name under which the function finds a value."""
        if value is None or isinstance(value, bool):
            return str(value)
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def fresh(self) -> str:
        """Return a new name for a value on the way."""
        self._values += 1
        return f"t{self._values - 1}"

    def held(self, value: str) -> str:
        """Return a name for a value, so that it is computed now and only once."""
        if value.isidentifier():
            return value
        name = self.fresh()
        self.line(f"{name} = {value}")
        return name

    def text(self, value: str, *, boolean: bool) -> str:
        """Return the whole function as Python; it refuses what is neither true nor false where `demand` says so."""
        lines = [*self.lines, f"{_INDENT * 2}return {value}, r"]
        if not boolean:
            check = f"if demand and {value} is not True and {value} is not False: unfit({value})"
            lines.insert(-1, _INDENT * 2 + check)
        return _HEAD + "".join(line + "\n" for line in lines) + _TAIL

    def functions(self, value: str, words: dict[str, object], *, boolean: bool) -> tuple[Run, Test]:
        """
        Return the function that gives a value, and the one that demands that it is true or false.

        `words` stand where Python has its builtin functions; `boolean` says that nothing but true or false can be
        there.
        """
        module = compile(self.text(self.held(value), boolean=boolean), "<expression>", "exec", dont_inherit=True)
        code = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
        known = {**self.constants, "__builtins__": words}
        run = FunctionType(code, {**known, "demand": False}, "run", (None,))
        return cast(Run, run), cast(Test, FunctionType(code, {**known, "demand": True}, "run", (None,)))
