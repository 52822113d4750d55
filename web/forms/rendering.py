"""
Forms as fields for a page, and what a request submitted.

Only how a form looks is decided here; what it is made of, and what may be submitted, `engine.forms` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask, g
from werkzeug.datastructures import MultiDict

from casepath.engine import errors
from casepath.engine.forms import MANY_CHOICES, Component, Form, Words
from casepath.web import filters, languages, phrases
from casepath.web.languages import gettext

#: Submitted names that are no fields.
RESERVED = frozenset({"csrf_token", "form_token", "matter_comment", "matter_files", "next", "to", "password", "old",
                      "new", "again", "username"})  # fmt: skip
#: Columns of the grid in which form-js lays out its fields, and how many a short one gets where the form says nothing.
COLUMNS = 16
SHORT = {"textfield": 8, "number": 8, "select": 8, "datetime": 8}


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What was answered when the same form was filled in before."""

    #: When that was: the round.
    caption: str
    values: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One component of a form, ready to be shown."""

    #: Of the component; unique in its form.
    id: str
    #: Of its value; empty where it carries none.
    key: str
    #: Type of the component in form-js.
    type: str
    label: str
    hint: str = ""
    required: bool = False
    readonly: bool = False
    #: What stands in the input; a list of chosen values for types of many.
    value: str | list[str] = ""
    options: Sequence[tuple[str, str]] = ()
    #: Attributes of the input, such as `maxlength`.
    attributes: Mapping[str, Any] = field(default_factory=dict)
    #: Type of the input where it is not the component's usual one: `email` or `tel`.
    input_type: str = "text"
    prefix: str = ""
    suffix: str = ""
    #: Markdown of a text.
    text: str = ""
    #: Whether it is only there under a condition: a rule that the answers above call up.
    is_conditional: bool = False
    #: `date`, `time` or `datetime` for that type.
    subtype: str = ""
    span: int = COLUMNS
    error: str = ""
    #: When it was answered before, and what; stands beside the field to be read.
    earlier: tuple[str, str] | None = None
    children: Sequence[Field] = ()


def init_app(app: Flask) -> None:
    """Make `flat_fields()` known to templates."""
    app.jinja_env.globals["flat_fields"] = flat


def fields(
    form: Form,
    values: Mapping[str, Any],
    refusal: errors.InvalidInput | None = None,
    hidden: frozenset[str] = frozenset(),
    earlier: Earlier | None = None,
) -> list[Field]:
    """
    Return the fields of a form with what stands in them and what is wrong with it.

    `values` are variables, or texts as they were typed; `hidden` are the keys and ids that a condition hides; `earlier`
    is what stands beside the fields.
    """
    by_field = refusal.errors if isinstance(refusal, errors.InvalidVariables) else []
    wrong = {error.field: phrases.told(error.phrase) for error in by_field}
    return _fields(form.components, values, wrong, hidden, earlier)


def flat(of: Sequence[Field]) -> Iterator[Field]:
    """Yield the fields that carry values, those in groups too."""
    for each in of:
        if each.children:
            yield from flat(each.children)
        elif each.key:
            yield each


def typed(submitted: MultiDict[str, str]) -> dict[str, str | list[str]]:
    """Return what was typed, as it was typed: one text for a field, a list where there are several."""
    return {
        key: texts[0] if len(texts) == 1 and not key.endswith("[]") else texts
        for key, texts in submitted.lists()
        if key not in RESERVED
    }


def submitted(form: Form, request_form: MultiDict[str, str]) -> dict[str, str | list[str]]:
    """Return what was submitted for the fields of a form; fields of many choices are always lists."""
    found = typed(request_form)
    for part in form.fields:
        if part.type in MANY_CHOICES:
            found[part.key] = [text for text in request_form.getlist(part.key) if text]
    return found


def readable(request_form: MultiDict[str, str]) -> list[tuple[str, str]]:
    """
    Return label and text of everything typed, so that it can be shown when it could not be kept.

    The words of a form are used where a view has put it into `g.form`.
    """
    form: Form | None = g.get("form")
    names, choices = (labels(form), options(form)) if form is not None else ({}, {})
    return [
        (names.get(key, key), "\n".join(choices.get(key, {}).get(text, text) for text in texts))
        for key, texts in request_form.lists()
        if key not in RESERVED and any(text.strip() for text in texts)
    ]


def labels(form: Form) -> dict[str, str]:
    """Return the labels of a form's fields by key, in the form's order."""
    return {part.key: told(part.label) or part.key for part in form.fields}


def options(form: Form) -> dict[str, dict[str, str]]:
    """Return the labels of the options of a form's fields: key → value → label."""
    return {part.key: dict(_options(part)) for part in form.fields if part.options}


def told(words: Words) -> str:
    """Return a text of a form in the language of the request, in that of the form where it has no other."""
    return words.text if languages.is_chinese() or not words.english else words.english


def said(shown: Any, choices: Mapping[str, str]) -> str:
    """Return a value as people read it: by the label of its option where it has one."""
    if isinstance(shown, list | tuple):
        return gettext(", ").join(said(item, choices) for item in shown)
    return choices.get(str(shown)) or filters.value(shown)


def _fields(
    components: Sequence[Component],
    values: Mapping[str, Any],
    wrong: Mapping[str, str],
    hidden: frozenset[str],
    earlier: Earlier | None,
) -> list[Field]:
    return [_field(part, values, wrong, hidden, earlier) for part in components if not hidden & part.names]


def _field(
    part: Component,
    values: Mapping[str, Any],
    wrong: Mapping[str, str],
    hidden: frozenset[str],
    earlier: Earlier | None,
) -> Field:
    told_before = earlier is not None and part.is_field and part.key in earlier.values
    return Field(
        id=part.id,
        key=part.key,
        type=part.type,
        label=told(part.label),
        hint=told(part.description),
        required=part.required,
        readonly=part.readonly,
        value=_shown(part, values.get(part.key, part.default)),
        options=_options(part),
        attributes=_attributes(part),
        input_type={"email": "email", "phone": "tel"}.get(part.validation_type or "", "text"),
        prefix=part.prefix,
        suffix=part.suffix,
        text=told(part.text),
        is_conditional=part.is_conditional,
        subtype=part.subtype,
        span=COLUMNS if told_before else part.columns or SHORT.get(part.type, COLUMNS),
        error=wrong.get(part.key, ""),
        earlier=_earlier(part, earlier) if told_before and earlier is not None else None,
        children=_fields(part.components, values, wrong, hidden, earlier),
    )


def _earlier(part: Component, earlier: Earlier) -> tuple[str, str]:
    answered = earlier.values[part.key]
    is_left_out = answered in (None, "", [])
    return earlier.caption, gettext("not filled in") if is_left_out else said(answered, dict(_options(part)))


def _options(part: Component) -> list[tuple[str, str]]:
    return [(option.value, told(option.label)) for option in part.options]


def _attributes(part: Component) -> dict[str, Any]:
    limits = {
        "maxlength": part.max_length,
        "minlength": part.min_length,
        "min": part.min,
        "max": part.max,
        "pattern": part.pattern if part.type != "textarea" else None,
    }
    found = {name: limit for name, limit in limits.items() if limit is not None}
    if part.type == "number":
        digits = part.decimal_digits
        smallest = "any" if digits is None else f"{10**-digits:.{digits}f}"
        found["step"] = part.increment or smallest
    return found


def _shown(part: Component, value: Any) -> str | list[str]:
    """Return a value as the input holds it; what was typed stays as it is."""
    if part.type in MANY_CHOICES:
        return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)] if value else []
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, datetime):
        local = filters.local(value if value.tzinfo else value.replace(tzinfo=UTC))
        return f"{local:%Y-%m-%dT%H:%M}" if part.subtype == "datetime" else f"{local:%Y-%m-%d}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return str(value[0]) if value else ""
    return str(value)
