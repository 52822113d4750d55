"""
Functions as values: built-in ones with their signatures, and those that a text or a model defines.

A call that fits no signature gives null, as the standard says: wrong number or names of arguments, wrong types after
the implicit conversions, or null where a built-in function needs a value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from casepath.engine.decisions.feel import limits
from casepath.engine.decisions.feel.types import ANY, BUILT_IN, FeelType, conforms, convert
from casepath.engine.decisions.feel.values import MISSING, Function


class Invocable(Function):
    """A function that can be called by position and by name."""

    __slots__ = ()

    def call(self, arguments: Sequence[object]) -> object:
        """Call by position."""
        raise NotImplementedError

    def call_named(self, arguments: dict[str, object]) -> object:
        """Call by name."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class BuiltInParameter:
    """A parameter of a built-in function: `name?` may be left out, `name!` in calls by names; `type?` may be null."""

    name: str
    type: FeelType
    optional: bool
    nullable: bool
    #: What a call by names has for it that does not name it.
    unnamed: object = MISSING


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call a built-in function; with `rest`, the last parameter takes all further arguments as a list."""

    parameters: tuple[BuiltInParameter, ...]
    rest: bool
    run: Callable[..., object]

    @property
    def names(self) -> list[str]:
        """Names of the parameters, in their order."""
        return [parameter.name for parameter in self.parameters]

    def bind(self, arguments: Sequence[object]) -> list[object] | None:
        """Return the converted arguments, None where they do not fit."""
        parameters = self.parameters
        if self.rest:
            fixed = len(parameters) - 1
            if len(arguments) <= fixed:
                return None
            arguments = [*arguments[:fixed], list(arguments[fixed:])]
        if len(arguments) > len(parameters):
            return None
        bound: list[object] = []
        for index, parameter in enumerate(parameters):
            value = arguments[index] if index < len(arguments) else MISSING
            if value is MISSING:
                if not parameter.optional:
                    return None
            elif value is None:
                if not parameter.nullable:
                    return None
            else:
                value = convert(value, parameter.type)
                if value is MISSING:
                    return None
            bound.append(value)
        return bound

    def fits(self, kinds: Sequence[FeelType]) -> bool:
        """Say whether values of these types can be arguments."""
        required = sum(not parameter.optional for parameter in self.parameters)
        if self.rest:
            return len(kinds) >= required
        if not required <= len(kinds) <= len(self.parameters):
            return False
        return all(conforms(kind, parameter.type) for kind, parameter in zip(kinds, self.parameters, strict=False))


class BuiltIn(Invocable):
    """A function of the standard."""

    __slots__ = ("name", "signatures")

    def __init__(self, name: str) -> None:
        self.name = name
        self.signatures: list[Signature] = []

    def call(self, arguments: Sequence[object]) -> object:
        """Call the first signature that the arguments fit; null where there is none."""
        self._spend(arguments)
        for signature in self.signatures:
            bound = signature.bind(arguments)
            if bound is not None:
                return _sized(signature.run(*bound))
        return None

    @staticmethod
    def _spend(arguments: Sequence[object]) -> None:
        work = 2
        for argument in arguments:
            if isinstance(argument, list):
                work += len(argument) >> 1
            elif isinstance(argument, str):
                work += len(argument) >> 6
        limits.spend(work)

    def call_named(self, arguments: dict[str, object]) -> object:
        """
        Call the first signature that has all the names, best in their order; null where there is none.

        A parameter of `name!` that is not named is null.
        """
        # `before(point, range)` and `before(range, point)` have the same names.
        written = list(arguments)
        for signature in sorted(self.signatures, key=lambda signature: signature.names[: len(written)] != written):
            names = signature.names
            if not signature.rest and all(name in names for name in arguments):
                ordered = [arguments.get(part.name, part.unnamed) for part in signature.parameters]
                bound = signature.bind(ordered)
                if bound is not None:
                    self._spend(bound)
                    return _sized(signature.run(*bound))
        return None

    def fits(self, parameters: Sequence[object], result: object) -> bool:
        """Say whether a signature takes parameters of these types."""
        kinds = [kind for kind in parameters if isinstance(kind, FeelType)]
        return any(signature.fits(kinds) for signature in self.signatures)

    def __str__(self) -> str:
        return f"function {self.name}"


def _sized(result: object) -> object:
    """Return a result, unless it is too large; raises `ExpressionLimit`."""
    if isinstance(result, list | str):
        limits.check_size(len(result))
    return result


class Defined(Invocable):
    """A function that a text or a model defines; arguments are converted to the types of the parameters."""

    __slots__ = ("body", "name", "nesting", "parameter_types", "parameters", "result_type", "weight")

    def __init__(
        self,
        parameters: Sequence[tuple[str, FeelType]],
        body: Callable[[dict[str, object]], object],
        *,
        name: str = "",
        nesting: int = 1,
        weight: int = 4,
        result_type: FeelType = ANY,
    ) -> None:
        self.parameters = tuple(parameters)
        self.parameter_types = tuple(kind for _, kind in parameters)
        #: Takes the arguments by name.
        self.body = body
        self.name = name
        #: Levels that a call adds to those that are active.
        self.nesting = nesting
        #: Work that a call costs.
        self.weight = weight
        self.result_type = result_type

    def call(self, arguments: Sequence[object]) -> object:
        """Call by position; null where the number of arguments or a type does not fit."""
        if len(arguments) != len(self.parameters):
            return None
        return self._run(dict(zip((name for name, _ in self.parameters), arguments, strict=True)))

    def call_named(self, arguments: dict[str, object]) -> object:
        """Call by name; null where the names or a type do not fit."""
        if len(arguments) != len(self.parameters) or any(name not in arguments for name, _ in self.parameters):
            return None
        return self._run(arguments)

    def _run(self, arguments: dict[str, object]) -> object:
        for name, kind in self.parameters:
            if kind is not ANY:
                value = convert(arguments[name], kind)
                if value is MISSING:
                    return None
                arguments[name] = value
        limits.spend(self.weight)
        limits.enter(self.nesting)
        result = self.body(arguments)
        limits.leave(self.nesting)
        if self.result_type is ANY:
            return result
        converted = convert(result, self.result_type)
        return None if converted is MISSING else converted

    def fits(self, parameters: Sequence[object], result: object) -> bool:
        """Say whether parameters and result have these types."""
        kinds = [kind for kind in parameters if isinstance(kind, FeelType)]
        return (
            len(kinds) == len(self.parameter_types)
            and all(map(conforms, kinds, self.parameter_types))
            and isinstance(result, FeelType)
            and conforms(self.result_type, result)
        )

    def __str__(self) -> str:
        return f"function {self.name}({', '.join(name for name, _ in self.parameters)})"


Run = TypeVar("Run", bound=Callable[..., object])
#: All functions of the standard by name.
BUILT_INS: dict[str, BuiltIn] = {}


def built_in(name: str, signature: str) -> Callable[[Run], Run]:
    """
    Register a Python function as a signature of the built-in function of that name.

    Parameters are written `name: type`; `name?` may be left out and is `MISSING` then, `name!` may be left out of a
    call by names and is null then, `type?` may be null, `*name` takes all further arguments.
    """
    parameters = []
    rest = False
    for part in filter(None, (part.strip() for part in signature.split(","))):
        label, _, kind = part.partition(": ")
        rest = label.startswith("*")
        nullable = kind.endswith("?") or kind == "Any" or rest
        unnamed = None if label.endswith("!") else MISSING
        parameters.append(
            BuiltInParameter(label.strip("*?!"), BUILT_IN[kind.rstrip("?")], label.endswith("?"), nullable, unnamed)
        )

    def register(run: Run) -> Run:
        BUILT_INS.setdefault(name, BuiltIn(name)).signatures.append(Signature(tuple(parameters), rest, run))
        return run

    return register
