"""A form definition (form-js JSON) as what the server needs of it: fields, their rules, and what is hidden when."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from casepath.engine.decisions import feel

#: Types whose value is a text of their own.
TEXTS = frozenset({"textarea", "textfield"})
#: Types with one or several values out of a list.
CHOICES = frozenset({"radio", "select"})
MANY_CHOICES = frozenset({"checklist", "taglist"})
#: Types that carry a value.
KEYED = TEXTS | CHOICES | MANY_CHOICES | {"checkbox", "datetime", "number"}
#: Types that only show something; a page has buttons of its own.
SHOWN = frozenset({"button", "separator", "spacer", "text"})
#: Types that hold others.
CONTAINERS = frozenset({"group"})

#: Characters of a text where the form says nothing.
DEFAULT_MAX_LENGTH = {"textarea": 20_000, "textfield": 1_000}


@dataclass(frozen=True, kw_only=True)
class Field:
    """A component that carries a value."""

    key: str
    #: Type of the component in form-js.
    type: str
    label: str = ""
    label_en: str = ""
    required: bool = False
    #: Shown, but not accepted.
    readonly: bool = False
    #: Values that may be chosen, in their order.
    options: tuple[str, ...] = ()
    min_length: int | None = None
    max_length: int | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    #: A regular expression that has to occur in the text.
    pattern: str | None = None
    #: `email` or `phone`.
    validation_type: str | None = None
    #: Digits behind the point; None for any.
    decimal_digits: int | None = None
    #: Whether a number becomes a text.
    as_text: bool = False
    #: `date`, `time` or `datetime` for that type.
    subtype: str = "date"
    #: Whether days before today are refused.
    not_past: bool = False


@dataclass(frozen=True, kw_only=True)
class Part:
    """Any component, as far as it can be hidden."""

    #: Key and id of the component, as far as it has them.
    names: frozenset[str]
    #: FEEL expressions that hide it: its own, and those of the groups it is in.
    hidden_if: tuple[str, ...]
    field: Field | None


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form as the server sees it."""

    id: str
    parts: tuple[Part, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields in their order, those in groups too."""
        return tuple(part.field for part in self.parts if part.field is not None)

    @property
    def has_conditions(self) -> bool:
        """Whether what is shown depends on values."""
        return any(part.hidden_if for part in self.parts)


def read(schema: Mapping[str, Any]) -> Form:
    """Return the form of a schema that the deployment check has accepted."""
    return Form(id=str(schema.get("id", "")), parts=tuple(_parts(schema, ())))


@functools.lru_cache(maxsize=1000)
def condition(text: str) -> feel.Feel:
    """Return the compiled expression of a condition; raises `ExpressionError`."""
    return feel.compile_feel(text.removeprefix("="))


def _parts(container: Mapping[str, Any], outer: tuple[str, ...]) -> Iterator[Part]:
    for component in container.get("components", ()):
        hide = (component.get("conditional") or {}).get("hide")
        hidden_if = (*outer, hide) if hide else outer
        names = frozenset(str(component[name]) for name in ("key", "id") if component.get(name))
        keyed = component.get("type") in KEYED
        yield Part(names=names, hidden_if=hidden_if, field=_field(component) if keyed else None)
        if component.get("type") in CONTAINERS:
            yield from _parts(component, hidden_if)


def _field(component: Mapping[str, Any]) -> Field:
    validate = component.get("validate") or {}
    limits = {name: validate.get(name) for name in ("min", "max") if validate.get(name) not in (None, "")}
    return Field(
        key=component["key"],
        type=component["type"],
        label=component.get("label") or "",
        label_en=(component.get("properties") or {}).get("label_en") or "",
        required=bool(validate.get("required")),
        readonly=bool(component.get("readonly") or component.get("disabled")),
        options=tuple(str(option["value"]) for option in component.get("values") or ()),
        min_length=validate.get("minLength"),
        max_length=validate.get("maxLength") or DEFAULT_MAX_LENGTH.get(component["type"]),
        pattern=validate.get("pattern") or None,
        validation_type=validate.get("validationType") or None,
        decimal_digits=component.get("decimalDigits"),
        as_text=bool(component.get("serializeToString")),
        subtype=component.get("subtype") or "date",
        not_past=bool(component.get("disallowPassedDates")),
        **{name: Decimal(str(limit)) for name, limit in limits.items()},
    )
