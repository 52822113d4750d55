"""
What is kept of a rehearsal: when it begins, and the inputs in their order. As JSON:

    {"process": "…", "begins_at": "2026-10-12T09:30:00+08:00", "inputs": [
        {"kind": "start", "by": "wang", "values": {…}},
        {"kind": "wait", "for": "P2D"}, {"kind": "wait"},
        {"kind": "complete", "element": "…", "number": 0, "by": "li", "values": {…}},
        {"kind": "answer", "element": "…", "values": {…}}, {"kind": "error", "element": "…", "name": "<error code>"},
        {"kind": "message", "name": "…", "by": "li", "values": {…}}]}

`values` is what is submitted, before the form has read it. `number` tells which of several that are open at one element
is meant, the oldest is 0. To wait without a length is to wait for what is due next. A scenario also says which way it
went, as `scenarios.path` does: `"path": [["<process>", ["<element>", …]], …]`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from casepath.engine import errors
from casepath.engine.time import clock, timers

KINDS = ("start", "complete", "answer", "error", "message", "wait")
#: Inputs of one rehearsal, characters of its JSON, and how long it may last inside.
MAX_INPUTS = 200
MAX_CHARACTERS = 400_000
MAX_TIME = timedelta(days=3_660)
MAX_TEXT = 255

#: Of each process instance, oldest first: the key of its process, and the elements that it came to, in their order.
Path = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Input:
    """Something that somebody does, that is answered, or that time passes."""

    kind: str
    #: User name of whoever does it; empty where nobody does.
    by: str = ""
    #: Where in the diagram, and which of several that are open there.
    element: str = ""
    number: int = 0
    #: Of a message, or the code of an error.
    name: str = ""
    #: How long is waited, ISO 8601; empty until the next thing is due.
    length: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept, without what is empty."""
        told = {"by": self.by, "element": self.element, "number": self.number, "name": self.name, "for": self.length,
                "values": dict(self.values)}  # fmt: skip
        return {"kind": self.kind} | {name: value for name, value in told.items() if value}


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The inputs of a rehearsal."""

    #: Key of the process that is rehearsed.
    process: str
    begins_at: datetime
    inputs: tuple[Input, ...] = ()
    #: Which way it went; empty where it is no scenario.
    path: Path = ()

    def with_input(self, another: Input) -> Recording:
        """Return it with one more input; raises `InvalidInput` where there are too many."""
        longer = replace(self, inputs=(*self.inputs, another), path=())
        _require_room(len(longer.inputs))
        return longer

    def first(self, count: int) -> Recording:
        """Return it with its first inputs only."""
        return self if count >= len(self.inputs) else replace(self, inputs=self.inputs[:count], path=())

    def dumps(self) -> str:
        """Return it as JSON."""
        told: dict[str, Any] = {
            "process": self.process,
            "begins_at": self.begins_at.isoformat(),
            "inputs": [each.as_json() for each in self.inputs],
        } | ({"path": self.path} if self.path else {})
        return json.dumps(told, ensure_ascii=False)


def begun(process: str) -> Recording:
    """Return a recording that begins now, at the full minute, and has nothing in it yet."""
    return Recording(process=process, begins_at=clock.now().replace(second=0, microsecond=0))


def read(text: str) -> Recording:
    """Return a recording of its JSON; raises `InvalidInput` for anything else, or for what is too long."""
    if len(text) > MAX_CHARACTERS:
        raise errors.InvalidInput(
            "A rehearsal keeps at most {limit} characters; please begin anew.",
            code="rehearsal-too-large",
            limit=MAX_CHARACTERS,
        )
    try:
        told = json.loads(text)
        begins_at = clock.aware(datetime.fromisoformat(told["begins_at"]))
        process = _text(told["process"])
        found = tuple(_input(each) for each in told["inputs"])
        path = tuple((_text(key), tuple(_text(each) for each in went)) for key, went in told.get("path", ()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, errors.InvalidInput):
        raise _unreadable() from None
    if not process:
        raise _unreadable()
    _require_room(len(found))
    return Recording(process=process, begins_at=begins_at, inputs=found, path=path)


def _input(told: Any) -> Input:
    number, values = told.get("number", 0), told.get("values", {})
    length = _text(told.get("for", ""))
    if told["kind"] not in KINDS or not isinstance(values, dict) or type(number) is not int or not 0 <= number < 1_000:
        raise _unreadable()
    if length:
        span(length)
    return Input(
        kind=told["kind"],
        by=_text(told.get("by", "")),
        element=_text(told.get("element", "")),
        number=number,
        name=_text(told.get("name", "")),
        length=length,
        values=values,
    )


def span(length: str) -> timedelta:
    """Return how long is waited; raises `InvalidInput` for what is no length, none at all, or beyond `MAX_TIME`."""
    found = timers.span(length)
    if not timedelta(0) < found <= MAX_TIME:
        raise errors.InvalidInput("Time only goes on, and not for more than ten years.", code="rehearsal-time")
    return found


def _text(told: Any) -> str:
    if not isinstance(told, str) or len(told) > MAX_TEXT:
        raise _unreadable()
    return told


def _unreadable() -> errors.InvalidInput:
    return errors.InvalidInput("This is no recording of a rehearsal.", code="rehearsal-unreadable")


def _require_room(count: int) -> None:
    if count > MAX_INPUTS:
        raise errors.InvalidInput(
            "A rehearsal has at most {limit} steps; please begin anew.", code="rehearsal-too-long", limit=MAX_INPUTS
        )
