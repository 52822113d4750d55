"""
Script tasks: Python in a sandbox outside this process, and FEEL.

A Python script runs in a worker process of `pydantic-monty`, an interpreter of a subset of Python that has no files,
network, environment or processes to offer. Time, memory and recursion are limited; the clock stands still and chance
is seeded, so that the same script with the same variables gives the same. Each run has a session of its own: nothing
is left for the next.

What a script assigns at its top level with `=` becomes process variables, as do lists and maps that it changes in
place; not what it imports, defines, loops over, or names with a leading `_`. `raise BpmnError("code", "message")`
raises an error that the diagram may catch.
"""

from __future__ import annotations

import ast
import atexit
import functools
import os
import textwrap
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import pydantic_monty as monty

from casepath.engine import errors
from casepath.engine.database import values
from casepath.engine.decisions import feel
from casepath.engine.phrases import Phrase, Size

FORMATS = ("python", "feel")
MAX_CHARACTERS = 20_000

#: Why a text is no script.
UNREADABLE = "Expected a Python script, but found in line {line}: {found}"
#: Asks for variables with the names of their types, since functions and modules would come out as texts.
_ASSIGNED = "{{name: (type(value).__name__, value) for name, value in locals().items() if name in {names!r}}}"
_TYPES = frozenset(
    {"Decimal", "NoneType", "bool", "date", "datetime", "dict", "float", "int", "list", "str", "time", "timedelta"}
) | {"tuple"}
_BPMN_ERROR = "BpmnError"
#: Seconds beyond the limit after which a worker that does not stop by itself is killed.
_GRACE = 1.0
_WORKERS = max(2, os.cpu_count() or 1)
#: Seconds to wait for a free worker.
_PATIENCE = 10


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a run may use."""

    seconds: float = 0.5
    #: Bytes.
    memory: int = 50_000_000
    recursion: int = 200


#: What a run may use where nobody says otherwise; seconds pass on a machine that is busy with other things, too.
usual = Limits()


@dataclass(frozen=True, kw_only=True)
class ScriptResult:
    """What a run gave."""

    #: The variables that it assigned or changed.
    assigned: dict[str, object] = field(default_factory=dict)
    #: The value of the last line where that is an expression, for `camunda:resultVariable`.
    value: object = None


@dataclass(frozen=True, kw_only=True)
class FeelScript:
    """A FEEL expression; it assigns nothing, its value is the result."""

    text: str
    format: Literal["feel"] = "feel"
    #: Variables that it may read, and those that it assigns.
    names_read: frozenset[str]
    names_assigned: frozenset[str] = frozenset()
    expression: feel.Feel

    @classmethod
    def read(cls, text: str) -> FeelScript:
        """Read it; raises `ScriptError`."""
        try:
            expression = feel.compile_feel(text)
        except errors.EngineError as error:
            raise errors.ScriptError("Expected a FEEL expression: {reason}", reason=error.phrase) from None
        return cls(text=text, names_read=frozenset(expression.free), expression=expression)

    def run(
        self,
        variables: Mapping[str, object],
        *,
        now: datetime,
        seed: int,
        limits: Limits | None = None,
    ) -> ScriptResult:
        """Evaluate it with the variables that it reads; raises `ScriptError`."""
        context = {name: variables[name] for name in self.names_read if name in variables}
        try:
            return ScriptResult(value=self.expression.evaluate(context, now=now))
        except errors.EngineError as error:
            raise errors.ScriptError(error.phrase) from None


@dataclass(frozen=True, kw_only=True)
class PythonScript:
    """A script in the sandbox's subset of Python."""

    text: str
    format: Literal["python"] = "python"
    #: Variables that it may read, and those that it may assign.
    names_read: frozenset[str]
    names_assigned: frozenset[str]

    @classmethod
    def read(cls, text: str) -> PythonScript:
        """Read it; raises `ScriptError` with the line."""
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None) or Phrase("unknown")
            found = error.msg if isinstance(error, SyntaxError) else Phrase("too deeply nested")
            raise errors.ScriptError(UNREADABLE, line=line, found=found) from None
        never = "if False:\n  pass\n" + textwrap.indent(text, "  ")
        _sandbox.run(_Run(text=never, lines_before=2))
        return cls(text=text, names_read=frozenset(_names_read(tree)), names_assigned=frozenset(_names_assigned(tree)))

    def run(
        self, variables: Mapping[str, object], *, now: datetime, seed: int, limits: Limits | None = None
    ) -> ScriptResult:
        """
        Run it with the variables that it reads, as of a moment and with a seed for chance.

        Raises `ScriptError`, with the name and text of the exception where the script raised one.
        """
        given = {name: variables[name] for name in self.names_read if name in variables}
        changeable = [name for name, value in given.items() if isinstance(value, list | dict)]
        wanted = tuple(sorted(self.names_assigned.union(changeable)))
        run = _Run(text=self.text, given=given, wanted=wanted, now=now, seed=seed, limits=limits or usual)
        value, found = _sandbox.run(run)
        assigned = {
            name: _storable(name, kind, member, now)
            for name, (kind, member) in found.items()
            if name in self.names_assigned or member != given[name]
        }
        return ScriptResult(assigned=assigned, value=_storable("the result", type(value).__name__, value, now))


Script = PythonScript | FeelScript


@functools.lru_cache(maxsize=512)
def compile_script(text: str, *, format: str) -> Script:  # noqa: A002 the word of BPMN
    """
    Read a script; raises `ScriptError` where it cannot be read or its format is not known.

    A Python script is shown to the sandbox too, which knows only a part of the language.
    """
    if len(text) > MAX_CHARACTERS:
        raise errors.ScriptError(
            "Expected a script of at most {limit} characters, but found {count}",
            limit=MAX_CHARACTERS,
            count=len(text),
        )
    if format.lower() == "python":
        return PythonScript.read(text)
    if format.lower() == "feel":
        return FeelScript.read(text)
    raise errors.ScriptError(
        "Expected a script in one of {formats}, but found '{format}'", formats=FORMATS, format=format
    )


def close() -> None:
    """End the worker processes; the next run starts new ones."""
    _sandbox.close()


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What is to be run, and with what."""

    text: str
    given: dict[str, object] = field(default_factory=dict)
    #: Variables to be returned.
    wanted: tuple[str, ...] = ()
    #: None where it does not matter, since the script is only read.
    now: datetime | None = None
    seed: int = 0
    limits: Limits = Limits()
    #: Lines put before the script.
    lines_before: int = 0


class _Sandbox:
    """
    The worker processes, started with the first run; safe under threads.

    A process may fork before its first run. Afterwards a child cannot run scripts, since the threads that talk to the
    workers have stayed with its parent.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: monty.Monty | None = None
        #: The process that the pool belongs to; 0 where there is none.
        self._process = 0

    def pool(self) -> monty.Monty:
        """Return the pool of this process."""
        with self._lock:
            if self._process not in (0, os.getpid()):
                raise errors.ScriptError("Expected a process that was not forked from one that has run scripts")
            if self._pool is None:
                pool = monty.Monty(
                    min_processes=1,
                    max_processes=_WORKERS,
                    checkout_timeout=_PATIENCE,
                    max_checkouts_per_worker=1_000,
                    feed_duration_limit_grace=_GRACE,
                )
                self._pool, self._process = pool.__enter__(), os.getpid()
            return self._pool

    def close(self) -> None:
        with self._lock:
            if self._pool is not None and self._process == os.getpid():
                self._pool.__exit__(None, None, None)
                self._pool, self._process = None, 0

    def run(self, run: _Run) -> tuple[object, dict[str, tuple[str, object]]]:
        """
        Return the value of the last line, and the variables that are wanted with the names of their types.

        Raises `ScriptError`.
        """
        thrown: list[tuple[str, str]] = []
        try:
            for _ in range(_WORKERS):
                try:
                    return self._feed(run, thrown)
                except monty.MontyCrashedError as error:
                    if error.timed_out:
                        raise
                    # Somebody may have ended the idle workers, and a script has no effects that could happen twice.
            return self._feed(run, thrown)
        except monty.MontyError as error:
            raise _explained(error, thrown, run) from None
        except TimeoutError:
            raise errors.ScriptError(
                "Expected a free sandbox within {seconds} s, but all are busy",
                seconds=_PATIENCE,
            ) from None
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise errors.ScriptError(
                "Expected variables that a script can read, but found: {found}",
                found=str(error),
            ) from None

    def _feed(self, run: _Run, thrown: list[tuple[str, str]]) -> tuple[object, dict[str, tuple[str, object]]]:
        def bpmn_error(code: object = "", message: object = "") -> None:
            thrown.append((str(code), str(message)))
            raise RuntimeError(str(code))

        limits = run.limits
        with self.pool().checkout(
            limits={
                "max_feed_duration_secs": limits.seconds,
                "max_memory": limits.memory,
                "max_recursion_depth": limits.recursion,
            },
            os_policy={"datetime": run.now or "system", "random_start": {"seed": run.seed}, "sleep": "zero"},
            assert_message_annotations=False,
        ) as session:
            value: object = session.feed_run(
                run.text, inputs=run.given, external_lookup={_BPMN_ERROR: bpmn_error}, print_callback=_ignore
            )
            if not run.wanted:
                return value, {}
            return value, session.feed_run(_ASSIGNED.format(names=run.wanted), print_callback=_ignore)


def _ignore(_stream: str, _text: str) -> None:
    """What a script prints goes nowhere."""


def _explained(error: monty.MontyError, thrown: list[tuple[str, str]], run: _Run) -> errors.ScriptError:
    """Return the error of a script in our words, with the line."""
    exception = error.exception()
    name, argument = type(exception).__name__, str(exception.args[0]) if exception.args else ""
    frames = error.traceback() if isinstance(error, monty.MontyRuntimeError | monty.MontySyntaxError) else []
    facts = {"line": frames[-1].line - run.lines_before if frames else Phrase("unknown"), "found": argument}
    if isinstance(error, monty.MontyCrashedError):
        return errors.ScriptError("Expected a script that ends, but its sandbox had to be ended")
    if thrown and name == "RuntimeError" and argument == thrown[-1][0]:
        code, message = thrown[-1]
        phrase = Phrase(message) if message else Phrase("BPMN error '{error_code}'", error_code=code)
        return errors.ScriptError(phrase, exception=_BPMN_ERROR, argument=code)
    if name == "TimeoutError" and "time limit exceeded" in argument:
        phrase = Phrase("Expected a script that ends within {seconds} s, but it did not", seconds=run.limits.seconds)
    elif name == "MemoryError":
        limit = Size(run.limits.memory)
        phrase = Phrase("Expected a script that uses at most {limit}, but it used more", limit=limit)
    elif isinstance(error, monty.MontySyntaxError) or (name == "NotImplementedError" and "monty" in argument):
        phrase = Phrase(UNREADABLE, **facts)
    elif isinstance(error, monty.MontyConversionError):
        phrase = Phrase("Expected variables that a script can read, but found: {found}", found=argument)
    else:
        text = "Expected a script that ends well, but it raised in line {line} {name}: {found}"
        phrase = Phrase(text, name=name, **facts)
    return errors.ScriptError(phrase, exception=name, argument=argument)


def _storable(name: str, kind: str, value: object, now: datetime) -> object:
    """Return a value as a variable can hold it; a local date and time is in the zone of `now`."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=now.tzinfo)
    try:
        values.dumps(value)
    except errors.InvalidInput as error:
        raise errors.ScriptError(
            "Expected a value that can be stored in {name}: {reason}",
            name=name,
            reason=error.phrase,
        ) from None
    if kind not in _TYPES:
        raise errors.ScriptError(
            "Expected a value that can be stored in {name}, but found a {kind}",
            name=name,
            kind=kind,
        )
    return value


def _names_read(tree: ast.Module) -> Iterator[str]:
    """Yield the names that are read anywhere; `x += 1` reads as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def _names_assigned(tree: ast.Module) -> Iterator[str]:
    """Yield the names that are assigned at the top level and do not begin with `_`."""
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = list(node.targets)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
            targets = [node.target]
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store) and not part.id.startswith("_"):
                    yield part.id
        waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, inner)]


_sandbox = _Sandbox()
atexit.register(close)
