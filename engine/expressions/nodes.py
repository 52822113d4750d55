"""What an expression consists of, as a tree of values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    value: object
    position: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Node, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple[Node, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Property:
    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Index:
    key: Node
    position: int


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    arguments: tuple[Node, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Access:
    """A value and the steps from it to another: properties, indexes, methods."""

    base: Node
    steps: tuple[Property | Index | Method, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`!`, `-` or `empty`."""

    operator: str
    operand: Node
    position: int


@dataclass(frozen=True, slots=True)
class Calculated:
    """Arithmetic of one precedence, from left to right: the first operand, and each further one with its sign."""

    first: Node
    rest: tuple[tuple[str, Node], ...]
    position: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison, or several in a row such as `0 < x <= 9`: each operand is compared with the one before it."""

    first: Node
    rest: tuple[tuple[str, Node], ...]
    position: int


@dataclass(frozen=True, slots=True)
class Logic:
    """Operands with `&&` or `||` between them."""

    sign: str
    operands: tuple[Node, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Conditional:
    condition: Node
    then: Node
    otherwise: Node
    position: int


Node = Literal | Name | ListOf | Call | Access | Unary | Calculated | Compared | Logic | Conditional
