"""
The syntax tree of FEEL: what the parser writes and the compiler and the checks of decision tables read.

Chains such as `a + b - c` or `a.b[1](c)` are one node, so that their length costs no depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

from casepath.engine.decisions.feel.types import FeelType


@dataclass(frozen=True, slots=True)
class Node:
    """Anything with a place in the text: the offset of its first character."""

    position: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, string, boolean, null, date, time or duration written out."""

    value: object


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable or function by name; `?` is the value that a unary test tests."""

    name: str


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ContextOf(Node):
    """`{key: value}`; later entries see earlier ones."""

    entries: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class RangeOf(Node):
    """`[a..b)`; an endpoint that is None is open, `form` is the operator of `(< 10)` and the like."""

    start: Node | None
    end: Node | None
    start_included: bool
    end_included: bool
    form: str = ""


@dataclass(frozen=True, slots=True)
class Not(Node):
    """`not(a, b)` as unary tests: none of them matches."""

    tests: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Anything(Node):
    """`-`, the unary test that always matches."""


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """Operands joined by operators of the same precedence, from left to right."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Negation(Node):
    """`-a`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """`a < b` and its kind."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`a between b and c`, both included."""

    value: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class In(Node):
    """`a in b` or `a in (test, test)`."""

    value: Node
    tests: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """Operands joined by `and`, or by `or`."""

    operator: OneOf["and", "or"]
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class If(Node):
    """`if c then a else if d then b else e`: one node for the whole chain."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Iterator(Node):
    """`name in source`, or `name in first..last`."""

    name: str
    source: Node
    last: Node | None = None


@dataclass(frozen=True, slots=True)
class For(Node):
    """`for x in xs, y in ys return body`."""

    iterators: tuple[Iterator, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Quantified(Node):
    """`some x in xs satisfies body`, or `every`."""

    kind: OneOf["some", "every"]
    iterators: tuple[Iterator, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class InstanceOf(Node):
    """`a instance of type`."""

    value: Node
    type: FeelType


@dataclass(frozen=True, slots=True)
class Path:
    """Postfix `.name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Postfix `[condition]`, or `[index]`."""

    condition: Node


@dataclass(frozen=True, slots=True)
class Call:
    """Postfix `(a, b)` or `(x: a, y: b)`; `names` is empty for positional arguments."""

    arguments: tuple[Node, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Postfix(Node):
    """A primary expression followed by paths, filters and calls."""

    base: Node
    steps: tuple[Path | Filter | Call, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A formal parameter with its type."""

    name: str
    type: FeelType


@dataclass(frozen=True, slots=True)
class FunctionOf(Node):
    """`function(a: number) body`; the body of an external function is None: we never run one."""

    parameters: tuple[Parameter, ...]
    body: Node | None
