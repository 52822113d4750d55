"""
Documents: templates of what is printed of a matter, or of all matters of a period.

A document is a text that begins with a few lines between `---`, each a name and what it says, and goes on as guidance
does: `{{expression}}`, `{{#if condition}}…{{/if}}`, `{{#loop list}}…{{/loop}}` with expressions in FEEL. What stands on
paper is in `engine.papers`. What people handed in is read from the history, by the element in which they did:

    rounds.<element>    what was handed in there, the first time first: the fields of its form, and `step`
    steps               everything that was handed in, in the order of time, each with `rows` of `label` and `value`
    facts.<name>        what a process declares as a fact of its matters, as it is now
    files               the files of the matter

`step` and each of `steps` has `title`, `round`, `by`, `at` and `signed`, which is who it was and when.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casepath.engine import errors, papers
from casepath.engine.decisions import feel
from casepath.engine.forms import guidance
from casepath.engine.forms.guidance import Guidance, Say, Use
from casepath.engine.papers import LANGUAGES, Paper, PaperLanguage, Values, mark, plain
from casepath.engine.phrases import Phrase

#: What may stand between the `---`.
ENTRIES = ("title", "title_en", "for", "over", "when", "language", "paper", "copies", "head", "foot")
PAPERS = ("A4", "A4 landscape")
#: What is known of a matter, and of a period.
OF_MATTER = frozenset({
    "title", "number", "process", "state", "started_at", "started_by", "ended_at", "facts", "rounds", "steps", "files",
    "printed_at", "printed_by",
})  # fmt: skip
OF_PERIOD = frozenset({"title", "period", "printed_at", "printed_by"})
OF_STEP = frozenset({"title", "round", "by", "at", "signed"})
#: List → what each of its items has.
WITHIN = {
    "matters": OF_MATTER,
    "steps": OF_STEP | {"rows"},
    "rows": frozenset({"label", "value"}),
    "files": frozenset({"name", "at", "by"}),
}
MATTERS = "matters"
#: Expressions and items of one matter, and characters that come of them.
MAX_STEPS = 50_000
MAX_LENGTH = 500_000
#: Characters of a template.
MAX_TEXT = 200_000
_ROUNDS = re.compile(r"\brounds\.(\w+)((?:\[[^\]]*\])?)(?:\.(\w+))?")
_FACTS = re.compile(r"\bfacts\.(\w+)")


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document that was read."""

    key: str
    title: str
    #: Empty where it has no English.
    title_en: str
    #: The processes of whose matters it can be made, or which it lists: empty for all.
    processes: frozenset[str]
    #: Whether it lists the matters of a period.
    is_list: bool
    #: It is offered where this is true of a matter; None: always.
    when: feel.Feel | None
    language: PaperLanguage
    landscape: bool
    copies: tuple[str, ...]
    head: Guidance
    foot: Guidance
    body: Guidance

    @property
    def uses(self) -> Iterator[Use]:
        """Every expression of it."""
        if self.when is not None:
            yield Use(self.when, 1, ())
        for text in (self.head, self.foot, self.body):
            yield from text.uses

    def is_offered(self, known: Mapping[str, Any], *, now: datetime) -> bool:
        """Tell whether it can be made of a matter."""
        try:
            return self.when is None or self.when.evaluate(known, now=now) is True
        except errors.ExpressionLimit:
            return False

    def paper(self, known: Mapping[str, Any], say: Say, *, now: datetime) -> Paper:
        """
        Return the paper for what is known, of a period with each of its `matters`; `say` tells a value with its name.

        Raises `ExpressionLimit` where the template asks for more than it may use: nothing is left out.
        """
        values: Values = []

        def marked(name: str | None, value: Any) -> str:
            return mark(values, say(name, value), value, name or "")

        def filled(text: Guidance, more: Mapping[str, Any]) -> str:
            of_one = {"title": self.title, **known, **more}
            return text.whole(of_one, marked, now=now, steps=MAX_STEPS, length=MAX_LENGTH)

        parts = self.body.split(MATTERS) if self.is_list else None
        if parts is None:
            body = filled(self.body, {})
        else:
            before, each, behind = parts
            body = "".join([filled(before, {}), *(filled(each, one) for one in known[MATTERS]), filled(behind, {})])
        return Paper(
            title=self.title,
            blocks=papers.read(body, values),
            made_at=now,
            copies=self.copies,
            head=papers.read_line(filled(self.head, {}), values),
            foot=papers.read_line(filled(self.foot, {}), values),
            landscape=self.landscape,
            language=self.language,
        )


def parse(key: str, source: str) -> Document:
    """Read a document; raises `InvalidInput` with the line where something in it cannot be read or is not known."""
    if len(source) > MAX_TEXT:
        raise _wrong(1, "Expected at most {limit} characters, but found {count}", limit=MAX_TEXT, count=len(source))
    said, body = _parted(plain(source).replace("\r\n", "\n"))
    if not said.get("title"):
        raise _wrong(1, "Expected “title” between the lines “---” at the beginning, but it is not there")
    if ("for" in said) == ("over" in said):
        raise _wrong(1, "Expected either “for” (a matter) or “over” (a period), but found both or none")
    language, paper = said.get("language", "zh"), said.get("paper", PAPERS[0])
    _require_one_of(tuple(LANGUAGES), "language", language)
    _require_one_of(PAPERS, "paper", paper)
    document = Document(
        key=key,
        title=said["title"],
        title_en=said.get("title_en", ""),
        processes=frozenset(_listed(said.get("for", "") or said.get("over", ""))),
        is_list="over" in said,
        when=_condition(said["when"]) if said.get("when") else None,
        language=LANGUAGES[language],
        landscape=paper == PAPERS[1],
        copies=tuple(each.strip() for each in said.get("copies", "").split("|") if each.strip()),
        head=guidance.parse(said.get("head", "")),
        foot=guidance.parse(said.get("foot", "")),
        body=guidance.parse(body),
    )
    if document.is_list and document.body.split(MATTERS) is None:
        raise _wrong(1, "Expected {{#loop matters}}…{{/loop}} in a document over a period, but found none")
    for use in document.uses:
        _require_names(document, use)
    return document


def mentions(document: Document) -> Iterator[tuple[str, str | None, int]]:
    """Yield each element that is named with `rounds.`, a field of it that is asked for (else None), and the line."""
    for use in document.uses:
        for element, _, field in _ROUNDS.findall(use.expression.text):
            yield element, field or None, use.line
        around = _ROUNDS.fullmatch(use.loops[-1]) if use.loops else None
        if around is not None and not around[3]:
            own = use.expression.unknown.keys() - _names(document, use.loops[:-1]) - {"step", guidance.ITEM}
            yield from ((around[1], name, use.line) for name in sorted(own))


def facts(document: Document) -> Iterator[str]:
    """Yield each fact that is asked for."""
    for use in document.uses:
        yield from _FACTS.findall(use.expression.text)


def _parted(source: str) -> tuple[dict[str, str], str]:
    """Return what stands in front, and what follows with its lines counted from the beginning of the file."""
    lines = source.lstrip("\ufeff").split("\n")
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if lines[0].strip() != "---" or end is None:
        raise _wrong(1, "Expected a first line “---”, lines such as “title: …”, and another line “---”")
    said: dict[str, str] = {}
    for number, line in enumerate(lines[1:end], 2):
        entry, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or entry.strip() not in ENTRIES:
            raise _wrong(
                number, "Expected one of {known} and a colon, but found “{found}”",
                known=ENTRIES, found=line.strip()[:100],
            )  # fmt: skip
        said[entry.strip()] = value.strip()
    return said, "\n" * (end + 1) + "\n".join(lines[end + 1 :])


def _require_one_of(known: Sequence[str], entry: str, found: str) -> None:
    if found not in known:
        raise _wrong(
            1, "Expected one of {known} as “{entry}”, but found “{found}”", known=known, entry=entry, found=found
        )


def _listed(text: str) -> Sequence[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _condition(text: str) -> feel.Feel:
    try:
        return feel.compile_feel(text)
    except errors.EngineError as error:
        raise _wrong(1, "“when” cannot be read: {reason}", reason=error.phrase) from None


def _require_names(document: Document, use: Use) -> None:
    """Raise `InvalidInput` where an expression names what is not known where it stands."""
    if use.loops and _ROUNDS.fullmatch(use.loops[-1]):
        # Its items have the fields of a form, which only who knows the forms can tell.
        return
    if any(loop not in WITHIN for loop in use.loops) or (document.is_list and use.expression.text == MATTERS):
        return
    known = _names(document, use.loops) | {guidance.ITEM}
    for name in sorted(use.expression.unknown.keys() - known):
        raise _wrong(
            use.line, "Expected one of {known}, but found “{found}” in “{expression}”",
            known=sorted(known), found=name, expression=use.expression.text,
        )  # fmt: skip


def _names(document: Document, loops: Sequence[str]) -> frozenset[str]:
    names = OF_PERIOD if document.is_list else OF_MATTER
    return names.union(*(WITHIN.get(loop, frozenset()) for loop in loops))


def _wrong(line: int, text: str, /, **found: object) -> errors.InvalidInput:
    return errors.InvalidInput("Line {line}: {reason}", code="document", line=line, reason=Phrase(text, **found))
