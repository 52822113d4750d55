"""What variables and their values are called: by the forms, by texts of the deployments, and by the names of groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import g
from sqlalchemy.orm import Session

from casepath.engine.decisions.dmn import DecisionTable, OutputColumn
from casepath.engine.deployments import definitions
from casepath.engine.forms import Form
from casepath.engine.people import authorization
from casepath.engine.queries import deployed, vocabulary
from casepath.web import filters, languages
from casepath.web.languages import gettext

#: How recipients are written that are a group.
GROUP = "group:"
#: A text in a cell of a decision table, and the cells that people read without knowing the language of tables.
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
LITERALS = re.compile(rf"{LITERAL.pattern}(?:\s*,\s*{LITERAL.pattern})*")
CONTAINS = re.compile(rf"list contains\(\s*\?\s*,\s*({LITERAL.pattern})\s*\)")
EXCEPT = re.compile(rf"not\(\s*({LITERALS.pattern})\s*\)")
#: Stands between the two languages of a text that has both.
BILINGUAL = " / "


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of one language for variables and what stands in them."""

    #: Variable → what it is called; those of the forms that were asked for first, in their order.
    labels: Mapping[str, str]
    #: Variable → value → what it is called.
    options: Mapping[str, Mapping[str, str]]
    #: Value → what it is called by every variable that names it; and the names of groups.
    anywhere: Mapping[str, str]
    #: Variables that hold what people wrote.
    written: frozenset[str]
    #: Variables that hold telephone numbers.
    phones: frozenset[str] = frozenset()
    #: Whether the reader is told the names of what has no words.
    tells_names: bool = False

    def label(self, name: str) -> str:
        """Return what a variable, or the part of one (`dispatch.deadline`), is called; its own name without words."""
        return self.labels.get(name) or self.labels.get(name.rpartition(".")[2], name)

    def pairs(self, values: Mapping[str, Any], *, named_only: bool = False) -> list[tuple[str, str, str]]:
        """
        Return name, label and value of each variable that is not empty, as people read it.

        What has no words is left out, or marked as a variable for those who look after the engine.
        """
        found: list[tuple[str, str, str]] = []
        for name, value in values.items():
            label = self.labels.get(name) or self.labels.get(name.rpartition(".")[2])
            if not label and self.tells_names and not named_only:
                label = gettext("variable %(name)s", name=name)
            if label and value not in (None, "", []):
                found.append((name, label, self.said(name, value)))
        return found

    def said(self, name: str, value: Any) -> str:
        """Return a value of a variable, or of a part of one, as people read it."""
        if name not in self.options and name not in self.written:
            name = name.rpartition(".")[2]
        if isinstance(value, list | tuple):
            return gettext(", ").join(self.said(name, item) for item in value)
        if isinstance(value, Mapping):
            pairs = ({"label": label, "value": said} for _, label, said in self.pairs(in_language(value)))
            return gettext("; ").join(gettext("%(label)s: %(value)s", **pair) for pair in pairs)
        if isinstance(value, str) and name not in self.written:
            known = self.options.get(name, {})
            return known.get(value) or self.anywhere.get(value.removeprefix(GROUP)) or self._keys(value)
        return self.options.get(name, {}).get(str(value)) or filters.value(value)

    def _keys(self, value: str) -> str:
        """Return a text as it is, but keys with commas between, as diagrams name groups, by what they are called."""
        called = [self.anywhere.get(part.strip()) for part in value.split(",")]
        return gettext(", ").join(each for each in called if each) if all(called) else filters.value(value)


def of(session: Session, definition_ids: Iterable[int] = ()) -> Words:
    """Return the words for variables: of the forms of these processes first, then of all others."""
    language = vocabulary.OWN if languages.is_chinese() else languages.chosen()
    called = vocabulary.of(session, language, forms=_own(session, definition_ids))
    return Words(
        labels=called.labels,
        options=called.options,
        anywhere={**called.agreed, **called.groups},
        written=called.written,
        phones=called.phones,
        tells_names=authorization.sees_names(g.person),
    )


def _own(session: Session, definition_ids: Iterable[int]) -> Iterable[Form]:
    for definition_id in definition_ids:
        keys = [key for _, _, key in definitions.form_keys(session, definition_id)]
        for form_key in [*keys, *definitions.start_forms(session, definition_id).values()]:
            form = deployed.form(session, form_key, definition_id)
            if form is not None:
                yield form


def in_language(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was answered by name; of texts in two languages (`rule` and `rule_en`) only the reader's."""
    chinese = languages.is_chinese()
    return {
        str(name): value
        for name, value in values.items()
        if not (str(name).endswith("_en") if chinese else f"{name}_en" in values)
    }


# -- decision tables ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a decision table."""

    text: str
    #: What the table says.
    source: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A rule of a decision table."""

    conditions: list[Cell]
    results: list[Cell]
    note: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """A decision table as its reader sees it."""

    name: str
    hit_policy: str
    aggregation: str
    #: Label and expression, label and name.
    inputs: list[tuple[str, str]]
    outputs: list[tuple[str, str]]
    rules: list[Row]


def labels(session: Session, definition_id: int, columns: Iterable[OutputColumn]) -> dict[str, str]:
    """Return what columns of a table are called in the language of the reader, by their names; empty without words."""
    language = languages.of_names()
    deployment_id = definitions.definition(session, definition_id).deployment_id
    translated = deployed.translation(session, deployment_id, language) if language else {}
    return {column.name: translated.get(column.id) or column.label for column in columns}


def table(session: Session, definition_id: int, found: DecisionTable, words: Words) -> Table:
    """Return a decision table in the language of the reader: its names, the keys in its cells, its notes."""
    language = languages.of_names()
    deployment_id = definitions.definition(session, definition_id).deployment_id
    translated = deployed.translation(session, deployment_id, language) if language else {}
    names = [column.name for column in found.outputs]
    kept = [number for number, name in enumerate(names) if name in in_language(dict.fromkeys(names))]
    outputs = [found.outputs[number] for number in kept]
    called = {column.id: translated.get(column.id) or column.label for column in found.inputs}
    called |= {column.id: translated.get(column.id) or column.label for column in outputs}
    return Table(
        name=translated.get(found.decision_id, found.name),
        hit_policy=found.hit_policy,
        aggregation=found.aggregation,
        inputs=[
            (called[column.id] or words.label(column.expression), column.expression) for column in found.inputs
        ],
        outputs=[(called[column.id] or words.label(column.name), column.name) for column in outputs],
        rules=[
            Row(
                conditions=[
                    cell(words, column.expression, source)
                    for column, source in zip(found.inputs, rule.conditions, strict=True)
                ],
                results=[cell(words, found.outputs[number].name, rule.results[number]) for number in kept],
                note="; ".join(one_language(note) for note in rule.annotations),
            )
            for rule in found.rules
        ],
    )


def cell(words: Words, variable: str, source: str) -> Cell:
    """Return a cell in words: its texts by what they are called, and around them what everybody understands."""

    def called(text: str) -> str:
        return gettext(" or ").join(words.said(variable, literal) for literal in LITERAL.findall(text))

    stripped = source.strip()
    if stripped in {"-", '""'}:
        return Cell(text="", source=source)
    if LITERALS.fullmatch(stripped):
        return Cell(text=called(stripped), source=source)
    if inner := CONTAINS.fullmatch(stripped):
        return Cell(text=gettext("contains %(value)s", value=called(inner[1])), source=source)
    if inner := EXCEPT.fullmatch(stripped):
        return Cell(text=gettext("not %(value)s", value=called(inner[1])), source=source)
    if stripped in {"true", "false"}:
        return Cell(text=filters.value(stripped == "true"), source=source)
    return Cell(text=LITERAL.sub(lambda found: f"“{words.said(variable, found[1])}”", source), source=source)


def one_language(text: str) -> str:
    """Return of a text with both languages, Chinese first (`中级 / medium`), the reader's part; others as they are."""
    parts = text.split(BILINGUAL)
    chinese = [part for part in parts if filters.CHINESE.search(part)]
    others = [part for part in parts if part not in chinese]
    if not chinese or not others:
        return text
    return BILINGUAL.join(chinese if languages.is_chinese() else others)

