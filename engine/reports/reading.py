"""
Reads a declaration into a report, or tells everything that is wrong with what it says itself.

    id: monthly                                    figures:
    name: 月度报告                                    resolved:
    processes: [request]                               name: 办结
    period: month                                      measure: count
    readers: [head]                                    where: {state: completed}
    conditions:                                    tables:
      late: {answer: {above: PT2H}}                  - {id: ways, name: 来源, by: channel, figures: [resolved]}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from casepath.engine import errors
from casepath.engine.phrases import Phrase
from casepath.engine.reports import source
from casepath.engine.reports.definition import (
    MEASURES,
    OF_FACT,
    UNITS,
    Bound,
    Condition,
    Figure,
    Report,
    RowOf,
    Table,
    Target,
    Test,
)
from casepath.engine.time import periods

CODE: Final = "report"
#: Characters of an id, which stands in addresses.
MAX_ID: Final = 60
MAX_FIGURES, MAX_TABLES, MAX_ROWS = 100, 40, 100
MAX_DECIMALS: Final = 6
#: Sides of a bound, and how they stand in a declaration.
SIDES: Final = ("at_least", "at_most", "above", "below")
KINDS: Final = ("month", "year", "any")
COMPARED: Final = ("before", "year_before")
CHARTS: Final = ("bars", "columns", "none")

_ID = re.compile(r"[a-z][a-z0-9_]*")
#: What fits no condition.
NEVER: Final[Condition] = ()


class _Entry(NamedTuple):
    """What may stand under a key: what reads it, and whether it has to be there."""

    read: Callable[[_Reading, str, Any], Any]
    is_required: bool = False


class _Reading:
    """One declaration, and what is wrong with it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[errors.Finding] = []
        self.conditions: dict[str, Condition] = {}

    def wrong(self, place: str, text: str, /, **facts: object) -> None:
        """Note something that is wrong at a place."""
        phrase = Phrase(text, **facts)
        self.findings.append(errors.Finding(code=CODE, file=self.file, element_id=place, phrase=phrase))

    def entries(self, place: str, value: Any, known: Mapping[str, _Entry]) -> dict[str, Any]:
        """Return what is read of a map; unknown keys, and those that lack, are noted."""
        if not isinstance(value, dict):
            self.wrong(place, "Expected a map of names, but found {found}", found=repr(value))
            return {}
        for key in value.keys() - known.keys():
            self.wrong(place, "Expected only {known}, but found “{entry}”", known=tuple(known), entry=key)
        for key, entry in known.items():
            if entry.is_required and value.get(key) in (None, "", [], {}):
                self.wrong(place, "Expected “{entry}”, but it is not there", entry=key)
        found = {}
        for key, entry in known.items():
            if value.get(key) is not None:
                found[key] = entry.read(self, f"{place}.{key}" if place else key, value[key])
        return found


def read(file: str, content: bytes) -> Report:
    """Return the report of a file; raises `DeploymentRefused` with all that is wrong with what it says itself."""
    declaration = source.load(content, file)
    reading = _Reading(file)
    conditions = declaration.pop("conditions", None) or {}
    if isinstance(conditions, dict):
        for name, value in conditions.items():
            reading.conditions[name] = _condition(reading, f"conditions.{name}", value)
    else:
        reading.wrong("conditions", "Expected a map of names, but found {found}", found=repr(conditions))
    found = reading.entries("", declaration, _REPORT)
    own = found.get("processes", ())
    figures = {key: _counting(figure, own) for key, figure in found.get("figures", {}).items()}
    tables = found.get("tables", ())
    _check_names(reading, figures, tables)
    if reading.findings:
        raise errors.DeploymentRefused(reading.findings)
    return Report(
        key=found["id"],
        name=found["name"],
        name_en=found.get("name_en", ""),
        processes=found["processes"],
        period=found.get("period", "month"),
        compare=found.get("compare", ()),
        readers=frozenset(found["readers"]),
        figures=figures,
        tables=tables,
    )


def _counting(figure: Figure, processes: tuple[str, ...]) -> Figure:
    return figure if figure.processes else replace(figure, processes=processes)


def _check_names(reading: _Reading, figures: Mapping[str, Figure], tables: Iterable[Table]) -> None:
    """Note figures that ratios and tables name and that are not there, and tables of the same id."""
    for figure in figures.values():
        for name in (figure.part, figure.whole) if figure.measure == "ratio" else ():
            if name not in figures or figures[name].measure not in ("count", "sum"):
                text = "Expected a figure that counts or sums, but found “{found}”"
                reading.wrong(f"figures.{figure.id}", text, found=name)
            elif figures[name].processes != figure.processes:
                text = "Expected a figure of the same processes, but found “{found}”"
                reading.wrong(f"figures.{figure.id}", text, found=name)
        _check_units(reading, figure, [figures[name] for name in (figure.part, figure.whole) if name in figures])
    seen: set[str] = set()
    for table in tables:
        if table.id in seen:
            reading.wrong(f"tables.{table.id}", "Expected each id once")
        seen.add(table.id)
        for name in table.figures:
            if name not in figures:
                text = "Expected a figure of this report, but found “{found}”"
                reading.wrong(f"tables.{table.id}", text, found=name)
            elif figures[name].processes != figures.get(table.figures[0], figures[name]).processes:
                text = "Expected a figure of the same processes, but found “{found}”"
                reading.wrong(f"tables.{table.id}", text, found=name)


def _check_units(reading: _Reading, ratio: Figure, of: Iterable[Figure]) -> None:
    """Note a ratio of a time to something that is none, which no percent can say."""
    if len({bool(figure.unit) for figure in of}) > 1:
        text = "Expected two figures with a unit, or two without one, but found “{part}” and “{whole}”"
        reading.wrong(f"figures.{ratio.id}", text, part=ratio.part, whole=ratio.whole)


# -- values ------------------------------------------------------------------------------------------------------------


def _text(reading: _Reading, place: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > 255:
        reading.wrong(place, "Expected a text of at most 255 characters, but found {found}", found=repr(value))
        return ""
    return value


def _id(reading: _Reading, place: str, value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value) or len(value) > MAX_ID:
        text = "Expected an id of small letters, digits and _, but found {found}"
        reading.wrong(place, text, found=repr(value))
        return "x"
    return value


def _texts(reading: _Reading, place: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        reading.wrong(place, "Expected a list of texts, but found {found}", found=repr(value))
        return ()
    return tuple(dict.fromkeys(value))


def _boolean(reading: _Reading, place: str, value: Any) -> bool:
    if not isinstance(value, bool):
        reading.wrong(place, "Expected true or false, but found {found}", found=repr(value))
    return value is True


def _number(reading: _Reading, place: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float):
        reading.wrong(place, "Expected a number, but found {found}", found=repr(value))
        return Decimal(0)
    return Decimal(str(value))


def _within(lowest: int, highest: int) -> Callable[[_Reading, str, Any], Any]:
    def read(reading: _Reading, place: str, value: Any) -> Any:
        number = _number(reading, place, value)
        if not lowest <= number <= highest:
            text = "Expected a number from {lowest} to {highest}, but found {found}"
            reading.wrong(place, text, lowest=lowest, highest=highest, found=repr(value))
        return number

    return read


def _decimals(reading: _Reading, place: str, value: Any) -> int:
    return int(_within(0, MAX_DECIMALS)(reading, place, value))


def _one_of(*known: str) -> Callable[[_Reading, str, Any], str]:
    def read(reading: _Reading, place: str, value: Any) -> str:
        if value not in known:
            reading.wrong(place, "Expected one of {known}, but found {found}", known=known, found=repr(value))
        return str(value)

    return read


def _some_of(*known: str) -> Callable[[_Reading, str, Any], tuple[str, ...]]:
    def read(reading: _Reading, place: str, value: Any) -> tuple[str, ...]:
        found = _texts(reading, place, value)
        for each in found:
            _one_of(*known)(reading, place, each)
        return found

    return read


# -- conditions --------------------------------------------------------------------------------------------------------


def _condition(reading: _Reading, place: str, value: Any) -> Condition:
    """Read the name of a condition, a map in which all hold, or a list of which any does."""
    if isinstance(value, list):
        return tuple(tests for each in value for tests in _condition(reading, place, each))
    if isinstance(value, str):
        if value not in reading.conditions:
            reading.wrong(place, "Expected a condition that stands before, but found “{found}”", found=value)
        return reading.conditions.get(value, NEVER)
    if not isinstance(value, dict) or not value:
        reading.wrong(place, "Expected a condition on facts, but found {found}", found=repr(value))
        return NEVER
    return (tuple(_test(reading, place, str(fact), asked) for fact, asked in value.items()),)


def _test(reading: _Reading, place: str, fact: str, asked: Any) -> Test:
    if asked is None:
        return Test(fact=fact, is_known=False)
    if not isinstance(asked, dict):
        return Test(fact=fact, values=_values(reading, place, asked))
    for key in asked.keys() - {*SIDES, "known", "not"}:
        known = ("known", "not", *SIDES)
        reading.wrong(place, "Expected only {known}, but found “{entry}”", known=known, entry=key)
    bounds = tuple(
        Bound(side=side, value=_bound(reading, place, asked[side])) for side in SIDES if asked.get(side) is not None
    )
    if not asked.keys() & {*SIDES, "known", "not"}:
        reading.wrong(place, "Expected a condition on facts, but found {found}", found=repr(asked))
    return Test(
        fact=fact,
        is_known=_boolean(reading, place, asked["known"]) if "known" in asked else None,
        values=_values(reading, place, asked["not"]) if "not" in asked else (),
        is_negated="not" in asked,
        bounds=bounds,
    )


def _values(reading: _Reading, place: str, value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str | bool | int) for each in values):
        reading.wrong(place, "Expected values of a fact, but found {found}", found=repr(value))
        return ("",)
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in values)


def _bound(reading: _Reading, place: str, value: Any) -> Decimal | timedelta | str:
    """A number, an ISO 8601 duration of fixed length, or the name of another fact."""
    if not isinstance(value, str):
        return _number(reading, place, value)
    if not re.match(r"-?P", value):
        return value
    try:
        period = periods.Period.parse(value)
    except errors.InvalidInput as refusal:
        reading.wrong(place, refusal.phrase.text, **refusal.phrase.facts)
        return timedelta(0)
    if period.months:
        reading.wrong(place, "Expected a duration without years and months, but found {found}", found=value)
    return timedelta(days=period.days) + period.exact


# -- parts -------------------------------------------------------------------------------------------------------------


def _target(reading: _Reading, place: str, value: Any) -> Target:
    known = {"at_least": _Entry(_number), "at_most": _Entry(_number)}
    found = reading.entries(place, value, known)
    if not found:
        reading.wrong(place, "Expected “{entry}”, but it is not there", entry="at_least")
    return Target(**found)


def _figures(reading: _Reading, place: str, value: Any) -> dict[str, Figure]:
    if not isinstance(value, dict) or len(value) > MAX_FIGURES:
        reading.wrong(place, "Expected at most {limit} figures by their ids", limit=MAX_FIGURES)
        return {}
    return {str(key): _figure(reading, f"{place}.{key}", str(key), declared) for key, declared in value.items()}


def _figure(reading: _Reading, place: str, key: str, value: Any) -> Figure:
    found = reading.entries(place, value, _FIGURE)
    measure = found.get("measure", "count")
    if (measure in OF_FACT) != ("fact" in found):
        reading.wrong(place, "Expected “fact” for {known}, and only for these", known=OF_FACT)
    if (measure == "ratio") != ("part" in found and "whole" in found):
        reading.wrong(place, "Expected “part” and “whole” for a ratio, and only for one")
    if "of" in found and measure != "share":
        reading.wrong(place, "Expected “of” only for a share")
    if "percent" in found and measure != "percentile":
        reading.wrong(place, "Expected “percent” only for a percentile")
    shown = found.pop("shown", True)
    found.setdefault("name", "")
    found.setdefault("name_en", "")
    found.setdefault("measure", measure)
    return Figure(id=_id(reading, place, key), is_shown=shown, **found)


def _tables(reading: _Reading, place: str, value: Any) -> tuple[Table, ...]:
    if not isinstance(value, list) or len(value) > MAX_TABLES:
        reading.wrong(place, "Expected a list of at most {limit}", limit=MAX_TABLES)
        return ()
    return tuple(_table(reading, f"{place}.{number}", each) for number, each in enumerate(value, 1))


def _table(reading: _Reading, place: str, value: Any) -> Table:
    found = reading.entries(place, value, _TABLE)
    if ("by" in found) == ("rows" in found):
        reading.wrong(place, "Expected either “by” or “rows”, but found both or none")
    return Table(**({"id": "x", "name": "", "name_en": ""} | found))


def _rows(reading: _Reading, place: str, value: Any) -> tuple[RowOf, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_ROWS:
        reading.wrong(place, "Expected a list of at most {limit}", limit=MAX_ROWS)
        return ()
    rows = []
    for number, each in enumerate(value, 1):
        found = reading.entries(f"{place}.{number}", each, _ROW)
        rows.append(RowOf(**({"name": "", "name_en": "", "where": NEVER} | found)))
    return tuple(rows)


_NAMED = {"name": _Entry(_text, True), "name_en": _Entry(_text)}
_ROW = {**_NAMED, "where": _Entry(_condition, True)}
_FIGURE = {
    **_NAMED,
    "measure": _Entry(_one_of(*MEASURES), True),
    "where": _Entry(_condition),
    "of": _Entry(_condition),
    "fact": _Entry(_text),
    "percent": _Entry(_within(0, 100)),
    "part": _Entry(_text),
    "whole": _Entry(_text),
    "unit": _Entry(_one_of(*UNITS)),
    "decimals": _Entry(_decimals),
    "target": _Entry(_target),
    "shown": _Entry(_boolean),
    "processes": _Entry(_texts),
}
_TABLE = {
    "id": _Entry(_id, True),
    **_NAMED,
    "by": _Entry(_text),
    "moment": _Entry(_text),
    "rows": _Entry(_rows),
    "where": _Entry(_condition),
    "figures": _Entry(_texts, True),
    "chart": _Entry(_one_of(*CHARTS)),
}
_REPORT = {
    "id": _Entry(_id, True),
    **_NAMED,
    "processes": _Entry(_texts, True),
    "period": _Entry(_one_of(*KINDS)),
    "compare": _Entry(_some_of(*COMPARED)),
    "readers": _Entry(_texts, True),
    "figures": _Entry(_figures, True),
    "tables": _Entry(_tables),
}
