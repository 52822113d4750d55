"""Loops of FEEL: what `for`, `some`, `every` and filters go through, each step counted as work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from casepath.engine.decisions.feel.limits import spend
from casepath.engine.decisions.feel.operators import MAX_ORDINAL
from casepath.engine.decisions.feel.temporal import Date, date_of_ordinal
from casepath.engine.decisions.feel.values import NUMBERS, Range


class Scope:
    """Names with their values, and the scope around it."""

    __slots__ = ("parent", "values")

    def __init__(self, values: dict[str, object], parent: Scope | None) -> None:
        self.values = values
        self.parent = parent


Evaluate = Callable[[Scope], object]
#: Name, source, end of `first..last`.
Source = tuple[str, Evaluate, Evaluate | None]


class NotIterable(Exception):
    """The source of a loop has no items to go through; the loop is null."""


def items_of(value: object) -> Iterable[object]:
    """Return what a loop over the value goes through; raises `NotIterable`."""
    if isinstance(value, list):
        return value
    if isinstance(value, Range):
        if value.form or value.start is None or value.end is None:
            raise NotIterable
        return _span(value.start, value.end, value.start_included, value.end_included, backwards=False)
    if value is None:
        raise NotIterable
    return (value,)


def span(first: object, last: object) -> Iterable[object]:
    """Return the numbers or days from the first to the last, up or down; raises `NotIterable`."""
    return _span(first, last, True, True, backwards=True)


def _span(first: object, last: object, with_first: bool, with_last: bool, *, backwards: bool) -> Iterable[object]:
    if isinstance(first, Decimal) and isinstance(last, Decimal):
        if first > last and not backwards:
            raise NotIterable
        return _numbers(first, last, with_first, with_last)
    if isinstance(first, Date) and isinstance(last, Date):
        if first.ordinal > last.ordinal and not backwards:
            raise NotIterable
        return _days(first.ordinal, last.ordinal, with_first, with_last)
    raise NotIterable


def _numbers(first: Decimal, last: Decimal, with_first: bool, with_last: bool) -> Iterator[object]:
    step = Decimal(1 if first <= last else -1)
    current = first if with_first else NUMBERS.add(first, step)
    while (current - last) * step < 0 or (with_last and current == last):
        yield current
        following = NUMBERS.add(current, step)
        if following == current:
            # A number so large that one more makes no difference would never arrive.
            spend(10**9)
        current = following


def _days(first: int, last: int, with_first: bool, with_last: bool) -> Iterator[object]:
    step = 1 if first <= last else -1
    start = first if with_first else first + step
    end = last + step if with_last else last
    for ordinal in range(start, end, step):
        spend(2)
        if abs(ordinal) < MAX_ORDINAL:
            yield date_of_ordinal(ordinal)


def scopes(sources: list[Source], scope: Scope, weight: int) -> Iterator[Scope]:
    """Go through all combinations, the last source fastest; raises `NotIterable`. Each step costs the weight."""
    name, source, last = sources[0]
    value = source(scope)
    steps = items_of(value) if last is None else span(value, last(scope))
    if len(sources) == 1:
        for item in steps:
            spend(weight)
            yield Scope({name: item}, scope)
        return
    for item in steps:
        spend(2)
        # Each step passes through the loops around it.
        yield from scopes(sources[1:], Scope({name: item}, scope), weight + 1)


def filtered(items: list[object], condition: Evaluate, scope: Scope, weight: int) -> list[object] | None:
    """Return the items for which the condition is true, null where it is neither true, false nor null."""
    kept: list[object] = []
    for item in items:
        spend(weight)
        around = Scope({"item": item}, scope)
        answer = condition(Scope(item, around) if isinstance(item, dict) else around)
        if answer is True:
            kept.append(item)
        elif answer is not False and answer is not None:
            return None
    return kept


def item_at(items: list[object], index: Decimal) -> object:
    """Return the item at a place counted from 1, or from the end by negative numbers; null where there is none."""
    if index.adjusted() > 9 or index != index.to_integral_value():
        return None
    place = int(index)
    if place == 0 or abs(place) > len(items):
        return None
    return items[place - 1 if place > 0 else place]
