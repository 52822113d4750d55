"""A form definition (form-js JSON) as values: its components, what may be entered, how they look, what hides them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from casepath.engine.decisions import feel
from casepath.engine.forms import guidance, lookups
from casepath.engine.forms.lookups import Lookup

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

#: What form-js calls the label, of moments by their parts.
LABELS = ("label", "dateLabel", "timeLabel")

#: Characters of a text where the form says nothing.
DEFAULT_MAX_LENGTH = {"textarea": 20_000, "textfield": 1_000}


@dataclass(frozen=True, kw_only=True)
class Words:
    """A text of a form: in the form's own language, and in English where the form has that."""

    text: str
    english: str = ""

    def __str__(self) -> str:
        return self.english or self.text


@dataclass(frozen=True, kw_only=True)
class Option:
    """Something that may be chosen."""

    value: str
    label: Words


@dataclass(frozen=True, kw_only=True)
class Component:
    """Whatever a form is made of."""

    #: Unique in the form: the component's own, else its key.
    id: str
    #: Name of the variable; empty where it carries no value.
    key: str
    #: Type of the component in form-js.
    type: str
    label: Words
    description: Words
    #: Markdown of a `text`.
    text: Words
    #: FEEL expressions that hide it: its own, and those of the groups it is in.
    hidden_if: tuple[str, ...]
    #: Whether one of them is its own.
    is_conditional: bool
    #: Of the grid in which form-js lays out its fields; None where the form says nothing.
    columns: int | None
    #: What a group holds.
    components: tuple[Component, ...]

    required: bool
    #: Shown, but not accepted.
    readonly: bool
    #: What stands in the field where there is no variable.
    default: object
    #: Answered anew each time its task comes back: it begins empty then.
    each_round: bool
    #: What may be chosen, in its order.
    options: tuple[Option, ...]
    #: Keys of the groups whose people are its options; empty where the options stand in the form.
    members_of: tuple[str, ...]
    #: Those who may be chosen no more, as earlier answers name them.
    former: tuple[Option, ...] = ()
    #: Characters of a text; None for no limit but `DEFAULT_MAX_LENGTH`.
    min_length: int | None
    max_length: int | None
    min: Decimal | None
    max: Decimal | None
    #: A regular expression that has to occur in the text.
    pattern: str | None
    #: `email` or `phone`.
    validation_type: str | None
    #: Digits behind the point; None for any.
    decimal_digits: int | None
    #: Whether a number becomes a text.
    as_text: bool
    #: `date`, `time` or `datetime` for that type.
    subtype: str
    #: Whether days before today are refused.
    not_past: bool
    #: What stands before and behind the field.
    prefix: str
    suffix: str
    #: A FEEL expression over all answers that has to be true, and what is said where it is not.
    valid_if: str
    valid_message: Words
    #: What it says of the record that it names; None where it names none.
    lookup: Lookup | None

    @property
    def is_field(self) -> bool:
        """Whether it carries a value."""
        return self.type in KEYED

    @property
    def follows_values(self) -> bool:
        """Whether it is a text that may read otherwise for other values."""
        return guidance.depends(self.text.text)

    @property
    def names(self) -> frozenset[str]:
        """Key and id."""
        return frozenset({self.id, self.key} - {""})

    @property
    def values(self) -> tuple[str, ...]:
        """What may be chosen."""
        return tuple(option.value for option in self.options)


@dataclass(frozen=True, kw_only=True, eq=False)
class Form:
    """A form as checks, pages and documents see it; what is known of it is kept by which one it is."""

    components: tuple[Component, ...]

    @functools.cached_property
    def every(self) -> tuple[Component, ...]:
        """Every component in its order, what is in groups behind its group."""
        return tuple(_every(self.components))

    @functools.cached_property
    def fields(self) -> tuple[Component, ...]:
        """The components that carry values, in their order."""
        return tuple(component for component in self.every if component.is_field)

    @functools.cached_property
    def lookups(self) -> Mapping[str, Lookup]:
        """The fields that name records, in their order."""
        return {field.key: field.lookup for field in self.fields if field.lookup is not None}

    def answered_anew(self, properties: Mapping[str, str]) -> frozenset[str]:
        """Return the keys of the fields that each round begins empty: those that say so, or all of a task that does."""
        whole = properties.get("each_round") == "true"
        return frozenset(field.key for field in self.fields if not field.readonly and (whole or field.each_round))

    @functools.cached_property
    def members_of(self) -> frozenset[str]:
        """The keys of all groups whose people may be chosen."""
        return frozenset(key for field in self.fields for key in field.members_of)

    @property
    def has_conditions(self) -> bool:
        """Whether what is shown depends on values."""
        return any(component.hidden_if or component.follows_values for component in self.every)


def _every(components: tuple[Component, ...]) -> Iterator[Component]:
    for component in components:
        yield component
        yield from _every(component.components)


def read(schema: Mapping[str, Any]) -> Form:
    """Return the form of a schema that the deployment check has accepted."""
    return Form(components=_components(schema, ()))


@functools.lru_cache(maxsize=1000)
def condition(text: str) -> feel.Feel:
    """Return the compiled expression of a condition; raises `ExpressionError`."""
    return feel.compile_feel(text.removeprefix("="))


def _components(container: Mapping[str, Any], outer: tuple[str, ...]) -> tuple[Component, ...]:
    return tuple(_component(component, outer) for component in container.get("components") or ())


def _component(component: Mapping[str, Any], outer: tuple[str, ...]) -> Component:
    kind, key = component.get("type", ""), component.get("key") or ""
    validate, appearance = component.get("validate") or {}, component.get("appearance") or {}
    hide = (component.get("conditional") or {}).get("hide")
    hidden_if = (*outer, hide) if hide else outer
    return Component(
        id=component.get("id") or key,
        key=key if kind in KEYED else "",
        type=kind,
        label=_words(component, next((name for name in LABELS if component.get(name)), "label")),
        description=_words(component, "description"),
        text=_words(component, "text"),
        hidden_if=hidden_if,
        is_conditional=bool(hide),
        columns=(component.get("layout") or {}).get("columns"),
        components=_components(component, hidden_if) if kind in CONTAINERS else (),
        required=bool(validate.get("required")),
        readonly=bool(component.get("readonly") or component.get("disabled")),
        default=component.get("defaultValue"),
        each_round=_properties(component).get("each_round") == "true",
        options=_options(component),
        members_of=_members_of(component) if kind in CHOICES | MANY_CHOICES else (),
        min_length=validate.get("minLength") or None,
        max_length=validate.get("maxLength") or None,
        min=_number(validate.get("min")),
        max=_number(validate.get("max")),
        pattern=validate.get("pattern") or None,
        validation_type=validate.get("validationType") or None,
        decimal_digits=component.get("decimalDigits"),
        as_text=bool(component.get("serializeToString")),
        subtype=component.get("subtype") or "date",
        not_past=bool(component.get("disallowPassedDates")),
        prefix=str(appearance.get("prefixAdorner") or ""),
        suffix=str(appearance.get("suffixAdorner") or ""),
        valid_if=str(_properties(component).get("valid") or ""),
        valid_message=Words(
            text=str(_properties(component).get("valid_message") or ""),
            english=str(_properties(component).get("valid_message_en") or ""),
        ),
        lookup=lookups.read(_properties(component)) if kind == "textfield" else None,
    )


def _words(component: Mapping[str, Any], name: str) -> Words:
    """Return a text with its English, which stands in the properties as `label_en` and so on."""
    english = "label_en" if name in LABELS else f"{name}_en"
    return Words(text=str(component.get(name) or ""), english=str(_properties(component).get(english) or ""))


def _options(component: Mapping[str, Any]) -> tuple[Option, ...]:
    """Return the options; their English labels stand in `options_en`, in their order, with `|` between them."""
    found = [(str(each["value"]), str(each.get("label") or "")) for each in component.get("values") or ()]
    english = [label.strip() for label in str(_properties(component).get("options_en") or "").split("|")]
    if len(english) != len(found):
        english = [""] * len(found)
    return tuple(
        Option(value=value, label=Words(text=label, english=other))
        for (value, label), other in zip(found, english, strict=True)
    )


def _members_of(component: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the groups whose people may be chosen; their keys stand in `members_of`, with commas between."""
    keys = (key.strip() for key in str(_properties(component).get("members_of") or "").split(","))
    return tuple(key for key in keys if key)


def _properties(component: Mapping[str, Any]) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = component.get("properties") or {}
    return properties


def _number(limit: object) -> Decimal | None:
    return None if limit in (None, "") else Decimal(str(limit))
