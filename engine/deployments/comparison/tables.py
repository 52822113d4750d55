"""
DMN by element, column and row.

The cells of a row that stayed are told at the row, but those of a column that came or went at the column. That a row
stands elsewhere matters where the first one that fits decides; elsewhere it is only drawn otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lxml import etree

from casepath.engine.deployments.comparison import diagrams
from casepath.engine.deployments.comparison.markup import elements, name, part
from casepath.engine.deployments.comparison.things import Thing
from casepath.engine.deployments.comparison.trees import Part, moved, paired
from casepath.engine.deployments.comparison.values import Cell, Change, Row, Step, Table

COLUMNS = ("input", "output", "annotation")
CELLS = {"inputEntry": "input", "outputEntry": "output", "annotationEntry": "annotation"}
#: Policies under which the order of the rows says what comes of a table, and under which that of the outputs does.
ROWS_IN_ORDER = frozenset({"FIRST", "RULE ORDER", "COLLECT"})
OUTPUTS_IN_ORDER = frozenset({"PRIORITY", "OUTPUT ORDER"})


@dataclass(frozen=True, kw_only=True)
class _Table:
    """A decision table: what it is in, its columns and rows by their keys."""

    key: str
    #: The id of the element that it is in.
    of: str
    policy: str
    columns: Mapping[str, etree._Element]
    rules: list[etree._Element]

    def cells(self, rule: etree._Element) -> dict[str, Part]:
        """Return the cells of a row by the keys of their columns."""
        found: dict[str, Part] = {}
        for label, kind in CELLS.items():
            keys = [key for key, column in self.columns.items() if name(column.tag) == kind]
            entries = [each for each in elements(rule) if name(each.tag) == label]
            for number, entry in enumerate(entries):
                key = keys[number] if number < len(keys) else f"{kind} {number + 1}"
                whole = part(entry, lambda _: False, keyed=False)
                value = next((each.value for each in whole.parts if each.label == "text"), None)
                rest = tuple(each for each in whole.parts if each.label != "text" or each.parts)
                found[key] = Part(label=label, key=key, value=value or "", parts=rest, in_order=False)
        return found


class Tables:
    """The decision tables of two versions of a file."""

    def __init__(self, before: etree._Element, after: etree._Element) -> None:
        self.roots = before, after
        self._tables = tuple({table.key: table for table in _tables(root)} for root in self.roots)
        self._pairs = {key: self._paired(key) for key in self._tables[0].keys() & self._tables[1].keys()}

    def _paired(self, key: str) -> list[tuple[int, int]]:
        """Return the numbers of the rows that are in both, from 0."""
        old, new = (tables[key] for tables in self._tables)
        olds, news = (list(enumerate(table.rules)) for table in (old, new))
        texts = [
            {id(rule): tuple(cell.value or "" for cell in table.cells(rule).values()) for rule in table.rules}
            for table in (old, new)
        ]
        content = {**texts[0], **texts[1]}
        pairs = paired(olds, news, lambda row: row[1].get("id", ""), lambda row: content[id(row[1])], by_place=False)
        found = [(one[0], other[0]) for one, other in pairs if one is not None and other is not None]
        lost = [one for one, other in pairs if other is None and one is not None]
        for row in [other for one, other in pairs if one is None and other is not None]:
            # Without ids, what has most of its cells in common is the same row.
            best = max(lost, key=lambda one: _alike(content[id(one[1])], content[id(row[1])]), default=None)
            if best is not None and _alike(content[id(best[1])], content[id(row[1])]) > 0.5 and not row[1].get("id"):
                lost.remove(best)
                found.append((best[0], row[0]))
        return found

    def things(self, side: int) -> list[Thing]:
        """Return the elements, columns and rows of the version before (0) or after (1)."""
        root, tables = self.roots[side], self._tables[side]
        found = [root, *(each for each in elements(root) if each.get("id") and name(each.tag) not in diagrams.DIAGRAMS)]
        own = set(found) | {
            each for table in tables.values() for each in (*table.columns.values(), *table.rules)
        }
        by_id = {each.get("id", ""): each for each in found}
        elsewhere = {each.get("id", "") for each in elements(self.roots[1 - side])}
        drawings = diagrams.layouts(root, by_id, elsewhere)
        told = [
            Thing(
                id=each.get("id", ""),
                type=name(each.tag),
                name=each.get("name", ""),
                parts=tuple(diagrams.stated(each, own)),
                layout=tuple(drawings.get(each, ())),
                key="definitions" if each is root else "",
            )
            for each in [*found[1:], root]
        ]
        for table in tables.values():
            told += self._columns(side, table, own)
            told += self._rows(side, table, own)
        return told

    def _columns(self, side: int, table: _Table, own: set[etree._Element]) -> Iterator[Thing]:
        other = self._tables[1 - side].get(table.key)
        rows = self._pairs.get(table.key, ())
        for key, column in table.columns.items():
            cells: tuple[Part, ...] = ()
            if other is not None and key not in other.columns:
                cells = tuple(
                    replace(cell, label="cell", key=str(pair[side] + 1))
                    for pair in rows
                    if (cell := table.cells(table.rules[pair[side]]).get(key)) is not None
                )
            yield Thing(
                id=key,
                type=name(column.tag),
                name=_called(column),
                parts=(*diagrams.stated(column, own), *cells),
                within=table.key,
                key=f"{table.key} {key}",
            )

    def _rows(self, side: int, table: _Table, own: set[etree._Element]) -> Iterator[Thing]:
        other = self._tables[1 - side].get(table.key)
        pairs = self._pairs.get(table.key, ())
        mates = {pair[side]: number for number, pair in enumerate(pairs)}
        for number, rule in enumerate(table.rules):
            cells = table.cells(rule)
            if number in mates and other is not None:
                cells = {key: cell for key, cell in cells.items() if key in other.columns or key not in table.columns}
            stated = [each for each in diagrams.stated(rule, own) if each.label not in CELLS]
            mate = mates.get(number)
            yield Thing(
                id=rule.get("id") or f"{table.key} {(number if mate is None else pairs[mate][1]) + 1}",
                type="rule",
                name=str(number + 1),
                parts=(*cells.values(), *stated),
                within=table.key,
                key=f"{table.key} row {mate}" if mate is not None else f"{table.key} {side} {number}",
            )

    def shown(self) -> Iterator[Table]:
        """Yield the tables of the newer version, and those that went, with what stood and stands in each cell."""
        for key in [*self._tables[1], *(self._tables[0].keys() - self._tables[1].keys())]:
            old, new = (tables.get(key) for tables in self._tables)
            shown = new or old
            assert shown is not None
            columns = dict(new.columns if new else {})
            columns |= {each: column for each, column in (old.columns if old else {}).items() if each not in columns}
            pairs = sorted(self._pairs.get(key, ()), key=lambda pair: pair[1])
            out_of_order = {pairs[number] for number in moved([pair[0] for pair in pairs])}
            stayed = {after: before for before, after in pairs}
            numbers = [(stayed.get(number), number) for number in range(len(new.rules) if new else 0)]
            gone = set(range(len(old.rules) if old else 0)) - set(stayed.values())
            rows = []
            for before, after in [*numbers, *((number, None) for number in sorted(gone))]:
                had = old.cells(old.rules[before]) if old and before is not None else {}
                has = new.cells(new.rules[after]) if new and after is not None else {}
                cells = tuple(Cell(_value(had.get(each)), _value(has.get(each))) for each in columns)
                is_moved = (before, after) in out_of_order
                rows.append(Row(before=_from_one(before), after=_from_one(after), cells=cells, moved=is_moved))
            told = tuple((each, name(column.tag), _read(column)) for each, column in columns.items())
            yield Table(id=shown.of, columns=told, rows=tuple(rows))

    def order(self, old: Thing, new: Thing, _was: Mapping[str, str]) -> Iterator[Change]:
        """Yield a change where a row or column stands elsewhere among those that stayed."""
        tables = [tables.get(new.within) for tables in self._tables]
        before, after = tables
        if before is None or after is None:
            return
        policies = {before.policy, after.policy}
        if new.type == "rule":
            pairs = sorted(self._pairs[new.within], key=lambda pair: pair[1])
            places, matters = [pair[0] for pair in pairs], bool(policies & ROWS_IN_ORDER)
            at = next((place for place, pair in enumerate(pairs) if pair[1] + 1 == int(new.name)), None)
            told = old.name, new.name
        elif new.type in COLUMNS:
            olds, news = list(before.columns), [key for key in after.columns if key in before.columns]
            if new.id not in news:
                return
            places, at = [olds.index(key) for key in news], news.index(new.id)
            matters = new.type == "output" and bool(policies & OUTPUTS_IN_ORDER)
            told = str(olds.index(new.id) + 1), str(list(after.columns).index(new.id) + 1)
        else:
            return
        if at in moved(places):
            yield Change(path=(Step("place"),), before=told[0], after=told[1], layout=not matters)


def _value(cell: Part | None) -> str | None:
    return None if cell is None else cell.value


def _from_one(number: int | None) -> int | None:
    return None if number is None else number + 1


def _called(column: etree._Element) -> str:
    """Return what a column is called, else what it reads or gives."""
    return column.get("label") or column.get("name") or _read(column)


def _read(column: etree._Element) -> str:
    expression = next((each for each in elements(column) if name(each.tag) == "inputExpression"), None)
    found = "".join(expression.itertext()).strip() if expression is not None else column.get("name", "")
    return " ".join(found.split())


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    same = sum(first == second for first, second in zip(one, other, strict=False))
    return same / max(len(one), len(other), 1)


def _tables(root: etree._Element) -> Iterator[_Table]:
    known: set[str] = set()
    for table in root.iter():
        if name(table.tag) != "decisionTable":
            continue
        above = next((each for each in table.iterancestors() if each.get("id")), root)
        key = table.get("id") or above.get("id") or "table"
        while key in known:
            key += "'"
        known.add(key)
        inside = list(elements(table))
        yield _Table(
            key=key,
            of=above.get("id", ""),
            policy=(table.get("hitPolicy") or "UNIQUE").strip().upper(),
            columns=_keyed([each for each in inside if name(each.tag) in COLUMNS]),
            rules=[each for each in inside if name(each.tag) == "rule"],
        )


def _keyed(columns: Iterable[etree._Element]) -> dict[str, etree._Element]:
    found: dict[str, etree._Element] = {}
    counts = dict.fromkeys(COLUMNS, 0)
    for column in columns:
        kind = name(column.tag)
        counts[kind] += 1
        key = column.get("id") or column.get("name") or ""
        found[key if key and key not in found else f"{kind} {counts[kind]}"] = column
    return found
