"""Functions on lists."""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from functools import cmp_to_key

from casepath.engine.decisions.feel import limits
from casepath.engine.decisions.feel.builtins.strings import position
from casepath.engine.decisions.feel.functions import Invocable, built_in
from casepath.engine.decisions.feel.operators import compare, same
from casepath.engine.decisions.feel.temporal import NANO, DateTime, Time
from casepath.engine.decisions.feel.values import NUMBERS, Function, Range, number


def key_of(value: object) -> Hashable:
    """Return what tells values apart as equality does, so that many can be compared in one pass."""
    # Hashing the key goes through it again.
    limits.spend(3)
    if isinstance(value, list):
        return ("list", tuple(key_of(item) for item in value))
    if isinstance(value, dict):
        return ("context", frozenset((key, key_of(item)) for key, item in value.items()))
    if isinstance(value, Range):
        shape = (value.form, value.start_included, value.end_included)
        return ("range", shape, key_of(value.start), key_of(value.end))
    if isinstance(value, Time | DateTime):
        return (type(value).__name__, value.offset is None, value.value // NANO)
    return (type(value).__name__, value)


def _numbers(items: list[object]) -> list[Decimal] | None:
    """Return the items if all of them are numbers and there are any."""
    values = [item for item in items if isinstance(item, Decimal)]
    return values if values and len(values) == len(items) else None


@built_in("list contains", "list: list, element: Any")
def _list_contains(items: list[object], element: object) -> bool:
    return any(same(item, element) for item in items)


@built_in("count", "list: list")
def _count(items: list[object]) -> Decimal:
    return Decimal(len(items))


def _extreme(items: list[object], wanted: int) -> object:
    if not items:
        return None
    best = items[0]
    for item in items:
        order = compare(item, best)
        if order is None:
            return None
        if order == wanted:
            best = item
    return best


@built_in("min", "*list: list")
@built_in("min", "list: list")
def _min(items: list[object]) -> object:
    return _extreme(items, -1)


@built_in("max", "*list: list")
@built_in("max", "list: list")
def _max(items: list[object]) -> object:
    return _extreme(items, 1)


@built_in("sum", "*list: list")
@built_in("sum", "list: list")
def _sum(items: list[object]) -> Decimal | None:
    values = _numbers(items)
    if values is None:
        return None
    total = Decimal(0)
    for value in values:
        total = NUMBERS.add(total, value)
    return number(total)


@built_in("product", "*list: list")
@built_in("product", "list: list")
def _product(items: list[object]) -> Decimal | None:
    values = _numbers(items)
    if values is None:
        return None
    total = Decimal(1)
    for value in values:
        total = NUMBERS.multiply(total, value)
    return number(total)


@built_in("mean", "*list: list")
@built_in("mean", "list: list")
def _mean(items: list[object]) -> Decimal | None:
    total = _sum(items)
    return None if not isinstance(total, Decimal) else number(NUMBERS.divide(total, Decimal(len(items))))


@built_in("median", "*list: list")
@built_in("median", "list: list")
def _median(items: list[object]) -> Decimal | None:
    values = _numbers(items)
    if values is None:
        return None
    values.sort()
    middle = len(values) // 2
    if len(values) % 2:
        return values[middle]
    return number(NUMBERS.divide(NUMBERS.add(values[middle - 1], values[middle]), Decimal(2)))


@built_in("stddev", "*list: list")
@built_in("stddev", "list: list")
def _stddev(items: list[object]) -> Decimal | None:
    values = _numbers(items)
    mean = _mean(items)
    if values is None or len(values) < 2 or not isinstance(mean, Decimal):
        return None
    total = Decimal(0)
    for value in values:
        difference = NUMBERS.subtract(value, mean)
        total = NUMBERS.add(total, NUMBERS.multiply(difference, difference))
    return number(NUMBERS.sqrt(NUMBERS.divide(total, Decimal(len(values) - 1))))


@built_in("mode", "*list: list")
@built_in("mode", "list: list")
def _mode(items: list[object]) -> list[Decimal] | None:
    values = _numbers(items)
    if values is None:
        return None if items else []
    counts: dict[Decimal, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    most = max(counts.values())
    return sorted(value for value, times in counts.items() if times == most)


@built_in("all", "*list: list")
@built_in("all", "list: list")
def _all(items: list[object]) -> bool | None:
    if any(item is False for item in items):
        return False
    return True if all(item is True for item in items) else None


@built_in("any", "*list: list")
@built_in("any", "list: list")
def _any(items: list[object]) -> bool | None:
    if any(item is True for item in items):
        return True
    return False if all(item is False for item in items) else None


def _index(items: list[object], place: Decimal) -> int | None:
    """Return the index from 0 of a place counted from 1, or from the end by negative numbers."""
    whole = position(place)
    if whole is None or whole == 0 or abs(whole) > len(items):
        return None
    return whole - 1 if whole > 0 else len(items) + whole


@built_in("sublist", "list: list, start position: number, length?: number")
def _sublist(items: list[object], start: Decimal, length: object) -> list[object] | None:
    begin = _index(items, start)
    if begin is None:
        return None
    if not isinstance(length, Decimal):
        return items[begin:]
    count = position(length)
    return None if count is None or count < 0 or begin + count > len(items) else items[begin : begin + count]


@built_in("append", "list: list, *item: list")
def _append(items: list[object], more: list[object]) -> list[object]:
    return [*items, *more]


@built_in("append", "list: list, item: Any")
def _append_one(items: list[object], item: object) -> list[object]:
    return [*items, item]


@built_in("concatenate", "*list: list")
def _concatenate(lists: list[object]) -> list[object] | None:
    joined: list[object] = []
    for part in lists:
        if part is None:
            return None
        joined += part if isinstance(part, list) else [part]
        limits.check_size(len(joined))
    return joined


@built_in("insert before", "list: list, position: number, newItem: Any")
def _insert_before(items: list[object], place: Decimal, new: object) -> list[object] | None:
    index = _index(items, place)
    return None if index is None else [*items[:index], new, *items[index:]]


@built_in("remove", "list: list, position: number")
def _remove(items: list[object], place: Decimal) -> list[object] | None:
    index = _index(items, place)
    return None if index is None else [*items[:index], *items[index + 1 :]]


@built_in("list replace", "list: list, position: number, newItem: Any")
def _list_replace(items: list[object], place: Decimal, new: object) -> list[object] | None:
    index = _index(items, place)
    return None if index is None else [*items[:index], new, *items[index + 1 :]]


@built_in("list replace", "list: list, match: function, newItem: Any")
def _list_replace_matching(items: list[object], match: Function, new: object) -> list[object] | None:
    if not isinstance(match, Invocable):
        return None
    replaced: list[object] = []
    for item in items:
        answer = match.call([item, new])
        if not isinstance(answer, bool):
            return None
        replaced.append(new if answer else item)
    return replaced


@built_in("reverse", "list: list")
def _reverse(items: list[object]) -> list[object]:
    return items[::-1]


@built_in("index of", "list: list, match: Any")
def _index_of(items: list[object], match: object) -> list[object]:
    return [Decimal(index + 1) for index, item in enumerate(items) if same(item, match)]


@built_in("distinct values", "list: list")
def _distinct_values(items: list[object]) -> list[object]:
    distinct: dict[Hashable, object] = {}
    for item in items:
        distinct.setdefault(key_of(item), item)
    return list(distinct.values())


@built_in("union", "*list: list")
def _union(lists: list[object]) -> list[object] | None:
    joined = _concatenate(lists)
    return None if joined is None else _distinct_values(joined)


@built_in("flatten", "list: list")
def _flatten(items: list[object]) -> list[object]:
    flat: list[object] = []
    for item in items:
        limits.spend(1)
        flat += _flatten(item) if isinstance(item, list) else [item]
        limits.check_size(len(flat))
    return flat


@built_in("sort", "list: list, precedes: function")
def _sort(items: list[object], precedes: Function) -> list[object] | None:
    if not isinstance(precedes, Invocable):
        return None

    def order(left: object, right: object) -> int:
        if precedes.call([left, right]) is True:
            return -1
        return 1 if precedes.call([right, left]) is True else 0

    return sorted(items, key=cmp_to_key(order))


@built_in("sort", "list: list")
def _sort_by_order(items: list[object]) -> list[object] | None:
    if any(compare(items[0], item) is None for item in items):
        return None
    return sorted(items, key=cmp_to_key(lambda left, right: compare(left, right) or 0))
