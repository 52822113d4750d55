"""
The `range` function and the relations between points and ranges, after Allen's interval algebra.

A point takes part as the range that holds only it, so each relation is written once.
"""

from __future__ import annotations

from collections.abc import Callable

from casepath.engine.decisions.feel import nodes
from casepath.engine.decisions.feel.functions import BUILT_INS, built_in
from casepath.engine.decisions.feel.operators import compare, negate
from casepath.engine.decisions.feel.parser import Parser
from casepath.engine.decisions.feel.values import Range
from casepath.engine.errors import ExpressionError

_CONSTRUCTORS = frozenset(("date", "time", "date and time", "duration"))
_MAX_RANGE_TEXT = 1000


@built_in("range", "from: string")
def _range(text: str) -> Range | None:
    if len(text) > _MAX_RANGE_TEXT:
        return None
    try:
        node = Parser(text, BUILT_INS).whole_expression()
    except ExpressionError:
        return None
    if not isinstance(node, nodes.RangeOf) or node.form or node.start is None or node.end is None:
        return None
    start, end = _constant(node.start), _constant(node.end)
    order = compare(start, end)
    return None if order is None or order > 0 else Range(start, end, node.start_included, node.end_included)


def _constant(node: nodes.Node) -> object:
    """Return the value of a literal, or of a constructor applied to a literal string; null for all else."""
    if isinstance(node, nodes.Literal):
        return node.value
    if isinstance(node, nodes.Negation) and isinstance(node.operand, nodes.Literal):
        return negate(node.operand.value)
    if not isinstance(node, nodes.Postfix) or len(node.steps) != 1 or not isinstance(node.base, nodes.Name):
        return None
    call = node.steps[0]
    if node.base.name not in _CONSTRUCTORS or not isinstance(call, nodes.Call) or len(call.arguments) != 1:
        return None
    argument = call.arguments[0]
    return BUILT_INS[node.base.name].call([argument.value]) if isinstance(argument, nodes.Literal) else None


class _Incomparable(Exception):
    """Two ends have no order; the relation is null."""


def _order(left: object, right: object) -> int:
    order = compare(left, right)
    if order is None:
        raise _Incomparable
    return order


def _as_range(value: object) -> Range:
    return value if isinstance(value, Range) else Range(value, value)


def _before(a: Range, b: Range) -> bool:
    order = _order(a.end, b.start)
    return order < 0 or (order == 0 and not (a.end_included and b.start_included))


def _after(a: Range, b: Range) -> bool:
    return _before(b, a)


def _meets(a: Range, b: Range) -> bool:
    return a.end_included and b.start_included and _order(a.end, b.start) == 0


def _met_by(a: Range, b: Range) -> bool:
    return _meets(b, a)


def _start_order(a: Range, b: Range) -> int:
    """Say which range starts first; an included start is earlier than an excluded one at the same place."""
    return _order(a.start, b.start) or (not a.start_included) - (not b.start_included)


def _end_order(a: Range, b: Range) -> int:
    """Say which range ends first; an excluded end is earlier than an included one at the same place."""
    return _order(a.end, b.end) or a.end_included - b.end_included


def _overlaps(a: Range, b: Range) -> bool:
    return not _before(a, b) and not _before(b, a)


def _overlaps_before(a: Range, b: Range) -> bool:
    return _overlaps(a, b) and _start_order(a, b) < 0 and _end_order(a, b) <= 0


def _overlaps_after(a: Range, b: Range) -> bool:
    return _overlaps(a, b) and _start_order(a, b) > 0 and _end_order(a, b) >= 0


def _finishes(a: Range, b: Range) -> bool:
    return _end_order(a, b) == 0 and _start_order(a, b) >= 0


def _finished_by(a: Range, b: Range) -> bool:
    return _finishes(b, a)


def _includes(a: Range, b: Range) -> bool:
    return _start_order(a, b) <= 0 and _end_order(a, b) >= 0


def _during(a: Range, b: Range) -> bool:
    return _includes(b, a)


def _starts(a: Range, b: Range) -> bool:
    return _start_order(a, b) == 0 and _end_order(a, b) <= 0


def _started_by(a: Range, b: Range) -> bool:
    return _starts(b, a)


def _coincides(a: Range, b: Range) -> bool:
    return _start_order(a, b) == 0 and _end_order(a, b) == 0


_BOTH = ("point1: Any, point2: Any",)
_POINT_FIRST = ("point: Any, range: range",)
_RANGE_FIRST = ("range: range, point: Any",)
_RANGES = ("range1: range, range2: range",)


def _register(name: str, relation: Callable[[Range, Range], bool], signatures: tuple[str, ...]) -> None:
    for signature in signatures:
        points = [part.endswith("Any") for part in signature.split(", ")]

        def run(left: object, right: object, points: list[bool] = points) -> bool | None:
            if points != [not isinstance(left, Range), not isinstance(right, Range)]:
                return None
            try:
                return relation(_as_range(left), _as_range(right))
            except _Incomparable:
                return None

        built_in(name, signature)(run)


_register("before", _before, _RANGES + _POINT_FIRST + _RANGE_FIRST + _BOTH)
_register("after", _after, _RANGES + _POINT_FIRST + _RANGE_FIRST + _BOTH)
_register("meets", _meets, _RANGES)
_register("met by", _met_by, _RANGES)
_register("overlaps", _overlaps, _RANGES)
_register("overlaps before", _overlaps_before, _RANGES)
_register("overlaps after", _overlaps_after, _RANGES)
_register("finishes", _finishes, _RANGES + _POINT_FIRST)
_register("finished by", _finished_by, _RANGES + _RANGE_FIRST)
_register("includes", _includes, _RANGES + _RANGE_FIRST)
_register("during", _during, _RANGES + _POINT_FIRST)
_register("starts", _starts, _RANGES + _POINT_FIRST)
_register("started by", _started_by, _RANGES + _RANGE_FIRST)
_register("coincides", _coincides, _RANGES + _BOTH)
