"""
Guidance: a text in Markdown beside a form, or in it, of which people see what fits what is known of the matter.

Written as the texts of forms are in form-js (its templating is called feelers), with expressions in FEEL:
`{{expression}}` is the value, `{{#if condition}}…{{/if}}` stands only where the condition is true, and
`{{#loop list}}…{{/loop}}` stands once for each item, which is `this` in it; its own parts have their names. What the
decision with a key answers for what is known is `decisions.key`. A tag that opens or closes and is alone on its line
takes the line with it, so that rows of a table may depend on values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casepath.engine import errors
from casepath.engine.decisions import feel

#: Writes a value that has this name, or `None` where an expression made it.
Say = Callable[[str | None, Any], str]

#: A tag that opens or closes and is alone on its line, with the line; else any tag.
_TAG = re.compile(
    r"^[ \t]*\{\{[ \t]*(?P<alone>[#/][^{}]*)\}\}[ \t]*(?:\r?\n|\Z)|\{\{(?P<tag>(?:[^{}]|\{[^{}]*\})*)\}\}", re.MULTILINE
)
_OPENS = re.compile(r"#(?P<kind>if|loop)\s+(?P<expression>.+)", re.DOTALL)
_ASKED = re.compile(r"\bdecisions\.(\w+)")
_NAME = re.compile(r"[^\W\d]\w*")
#: What stands before a variable where documents name it.
_OF_MATTER = re.compile(r"^(?:facts|rounds\.\w+(?:\[-?\d+\])?)\.")
#: Expressions that are evaluated for one text, and items that are gone through; all others are left out.
MAX_STEPS = 5_000
#: Characters that come of it.
MAX_LENGTH = 100_000
#: Tags of one text.
MAX_TAGS = 1_000
#: Blocks within each other.
MAX_NESTING = 40
#: The item of the innermost loop.
ITEM = "this"


@dataclass(frozen=True)
class _Value:
    expression: feel.Feel
    line: int

    @property
    def name(self) -> str | None:
        """The variable, or the part of an item, that is said; None for what is calculated."""
        last = _OF_MATTER.sub("", self.expression.text).removeprefix(f"{ITEM}.")
        return last if _NAME.fullmatch(last) else None


@dataclass(frozen=True)
class _Block:
    kind: str
    expression: feel.Feel
    parts: list[_Part]
    line: int


_Part = str | _Value | _Block


@dataclass(frozen=True)
class Use:
    """An expression in a text."""

    expression: feel.Feel
    line: int
    #: What is gone through around it, from the outside; for the list of a loop, around that.
    loops: tuple[str, ...]


class Guidance:
    """A guidance that was read."""

    def __init__(self, parts: list[_Part]) -> None:
        self._parts = parts
        #: Keys of the decisions that it asks.
        self.decisions = frozenset(key for use in self.uses for key in _ASKED.findall(use.expression.text))

    @property
    def uses(self) -> Iterator[Use]:
        """Every expression of it."""
        return _uses(self._parts, ())

    def split(self, name: str) -> tuple[Guidance, Guidance, Guidance] | None:
        """Return what stands before a loop over this list, in it and behind it; None where there is none outermost."""
        for number, part in enumerate(self._parts):
            if isinstance(part, _Block) and part.kind == "loop" and part.expression.text == name:
                return Guidance(self._parts[:number]), Guidance(part.parts), Guidance(self._parts[number + 1 :])
        return None

    def filled(self, known: Mapping[str, Any], say: Say, *, now: datetime) -> str:
        """
        Return the Markdown for what is known; `say` writes values so that they change nothing around them.

        What asks for more than it may use is left out: one budget is for the whole text.
        """
        pieces: list[str] = []
        left = MAX_LENGTH
        with feel.budgeted(now):
            for piece in _filled(self._parts, known, say, now, _Budget(MAX_STEPS)):
                pieces.append(piece[:left])
                left -= len(piece)
                if left <= 0:
                    break
        return "".join(pieces)

    def whole(self, known: Mapping[str, Any], say: Say, *, now: datetime, steps: int, length: int) -> str:
        """As `filled`, but with limits of its own; raises `ExpressionLimit` rather than leaving something out."""
        pieces: list[str] = []
        left = length
        with feel.budgeted(now):
            for piece in _filled(self._parts, known, say, now, _Budget(steps, is_strict=True)):
                pieces.append(piece)
                left -= len(piece)
                if left < 0:
                    raise feel.FeelLimit("size", length)
        return "".join(pieces)


def depends(text: str) -> bool:
    """Tell whether a text may read otherwise for other values."""
    return "{{" in text


def check(content: bytes, file: str) -> list[errors.Finding]:
    """Return what is wrong with the guidance of a file, which is in UTF-8."""
    try:
        parse(content.decode("utf-8-sig"))
    except errors.InvalidInput as error:
        return [errors.Finding(code=error.code, file=file, phrase=error.phrase)]
    return []


def parse(text: str) -> Guidance:
    """
    Read a guidance.

    Raises `InvalidInput` with its line where a tag or an expression cannot be read, or where there are too many tags.
    """
    if (count := text.count("{{")) > MAX_TAGS:
        # Before any of them is compiled.
        too_many = "At most {limit} tags are possible in one text; yours has {count}."
        raise errors.InvalidInput(too_many, code="guidance-tags", limit=MAX_TAGS, count=count)
    parts: list[_Part] = []
    open_blocks: list[_Block] = []
    last = 0
    for tag in _TAG.finditer(text):
        within = open_blocks[-1].parts if open_blocks else parts
        within.append(text[last : tag.start()])
        last = tag.end()
        line = text.count("\n", 0, tag.start()) + 1
        written = (tag["alone"] if tag["alone"] is not None else tag["tag"]).strip()
        if written.startswith("/"):
            if not open_blocks or written[1:].strip() != open_blocks[-1].kind:
                raise _unreadable(line, written)
            open_blocks.pop()
        elif opened := _OPENS.fullmatch(written):
            if len(open_blocks) == MAX_NESTING:
                raise _beyond(line, feel.FeelLimit("nesting", MAX_NESTING, text=written))
            block = _Block(opened["kind"], _expression(opened["expression"], line), [], line)
            within.append(block)
            open_blocks.append(block)
        elif written.startswith("#"):
            raise _unreadable(line, written)
        else:
            within.append(_Value(_expression(written, line), line))
    if open_blocks:
        raise _unreadable(open_blocks[-1].line, f"#{open_blocks[-1].kind}")
    parts.append(text[last:])
    return Guidance(parts)


def _expression(text: str, line: int) -> feel.Feel:
    try:
        return feel.compile_feel(text, [ITEM])
    except errors.EngineError as error:
        raise _beyond(line, error) from None


def _beyond(line: int, error: errors.EngineError) -> errors.InvalidInput:
    text = "Line {line}: the expression cannot be read: {reason}"
    return errors.InvalidInput(text, code="guidance-expression", line=line, reason=error.phrase)


def _unreadable(line: int, found: str) -> errors.InvalidInput:
    text = (
        "Line {line}: expected {{{{#if condition}}}}…{{{{/if}}}} or {{{{#loop list}}}}…{{{{/loop}}}}, each closed "
        "where it was opened, but found “{found}”"
    )
    return errors.InvalidInput(text, code="guidance-tag", line=line, found=found[:100])


def _uses(parts: list[_Part], loops: tuple[str, ...]) -> Iterator[Use]:
    for part in parts:
        if isinstance(part, str):
            continue
        yield Use(part.expression, part.line, loops)
        if isinstance(part, _Block):
            yield from _uses(part.parts, (*loops, part.expression.text) if part.kind == "loop" else loops)


@dataclass
class _Budget:
    """How many expressions may still be evaluated, and items gone through, for a text."""

    left: int
    #: Whether it is an error to want more.
    is_strict: bool = False

    def __post_init__(self) -> None:
        self._limit = self.left

    def spend(self) -> bool:
        """Take one step; return whether there was one left. Raises `ExpressionLimit` where that is an error."""
        self.left -= 1
        if self.left < 0 and self.is_strict:
            raise feel.FeelLimit("work", self._limit)
        return self.left >= 0


def _filled(
    parts: list[_Part], known: Mapping[str, Any], say: Say, now: datetime, budget: _Budget
) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
            continue
        value = _evaluated(part, known, now, budget)
        if isinstance(part, _Value):
            yield "" if value is None else say(part.name, value)
        elif part.kind == "if":
            if value is True:
                yield from _filled(part.parts, known, say, now, budget)
        else:
            for item in value if isinstance(value, list) else [] if value is None else [value]:
                if not budget.spend():
                    return
                own = item if isinstance(item, Mapping) else {}
                yield from _filled(part.parts, {**known, **own, ITEM: item}, say, now, budget)


def _evaluated(part: _Value | _Block, known: Mapping[str, Any], now: datetime, budget: _Budget) -> Any:
    if not budget.spend():
        return None
    expression = part.expression
    if isinstance(part, _Block) and part.kind == "loop" and expression.text in known:
        # A list by its name is gone through as it is: to have FEEL copy it would cost what all its items do.
        return known[expression.text]
    try:
        return expression.evaluate(known, now=now)
    except errors.ExpressionLimit:
        if budget.is_strict:
            raise
        return None
