"""
Form definitions (form-js JSON) as fields for a page, and what a request submitted.

Only how a form looks is decided here; what may be submitted is checked by `engine.forms` against the same definition.
A label in English stands in the component's `properties` as `label_en`, a description as `description_en`, the labels
of its options as `options_en`, in their order, with `|` between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask, g
from werkzeug.datastructures import MultiDict

from casepath.engine import errors
from casepath.web import filters, languages, refusals
from casepath.web.languages import gettext

#: Submitted names that are no fields.
RESERVED = frozenset({"csrf_token", "form_token", "next", "to", "password", "old", "new", "again", "username"})
#: Component types whose value is a list.
MANY = frozenset({"checklist", "taglist"})
#: Component types that carry no value.
SHOWN = frozenset({"text", "html", "separator", "spacer", "group", "image"})
#: Columns of the grid in which form-js lays out its fields, and how many a short one gets where the form says nothing.
COLUMNS = 16
SHORT = {"textfield": 8, "number": 8, "select": 8, "datetime": 8}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One component of a form, ready to be shown."""

    #: Of the component; unique in its form.
    id: str
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
    children: Sequence[Field] = ()


def init_app(app: Flask) -> None:
    """Make `flat_fields()` known to templates."""
    app.jinja_env.globals["flat_fields"] = flat


def fields(
    definition: Mapping[str, Any],
    values: Mapping[str, Any],
    refusal: errors.InvalidInput | None = None,
    hidden: frozenset[str] = frozenset(),
) -> list[Field]:
    """
    Return the fields of a form with what stands in them and what is wrong with it.

    `values` are variables, or texts as they were typed; `hidden` are the keys and ids that a condition hides.
    """
    by_field = refusal.errors if isinstance(refusal, errors.InvalidVariables) else []
    wrong = {error.field: refusals.field(error) for error in by_field}
    shown = (part for part in definition.get("components", ()) if not hidden & {part.get("key"), part.get("id")})
    return [_field(part, values, wrong, hidden, refusal) for part in shown]


def flat(of: Sequence[Field]) -> Iterator[Field]:
    """Yield the fields that carry values, those in groups too."""
    for each in of:
        if each.children:
            yield from flat(each.children)
        elif each.key and each.type not in SHOWN:
            yield each


def typed(submitted: MultiDict[str, str]) -> dict[str, str | list[str]]:
    """Return what was typed, as it was typed: one text for a field, a list where there are several."""
    return {
        key: texts[0] if len(texts) == 1 and not key.endswith("[]") else texts
        for key, texts in submitted.lists()
        if key not in RESERVED
    }


def submitted(definition: Mapping[str, Any], request_form: MultiDict[str, str]) -> dict[str, str | list[str]]:
    """Return what was submitted for the fields of a form; fields of many choices are always lists."""
    found = typed(request_form)
    for part in components(definition):
        key = part.get("key", "")
        if part.get("type") in MANY:
            found[key] = [text for text in request_form.getlist(key) if text]
    return found


def readable(request_form: MultiDict[str, str]) -> list[tuple[str, str]]:
    """
    Return label and text of everything typed, so that it can be shown when it could not be kept.

    The words of a form are used where a view has put its definition into `g.form`.
    """
    definition: Mapping[str, Any] = g.get("form") or {}
    names, choices = labels(definition), options(definition)
    return [
        (names.get(key, key), "\n".join(choices.get(key, {}).get(text, text) for text in texts))
        for key, texts in request_form.lists()
        if key not in RESERVED and any(text.strip() for text in texts)
    ]


def labels(definition: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of a form's fields by key, in the form's order."""
    return {
        part["key"]: _translated(part, "label") or part["key"]
        for part in components(definition)
        if part.get("key") and part.get("type") not in SHOWN
    }


def options(definition: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the labels of the options of a form's fields: key → value → label."""
    return {part["key"]: dict(_options(part)) for part in components(definition) if part.get("key") and _options(part)}


def components(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every component, those in groups too."""
    for part in definition.get("components", ()):
        yield part
        yield from components(part)


def said(shown: Any, choices: Mapping[str, str]) -> str:
    """Return a value as people read it: by the label of its option where it has one."""
    if isinstance(shown, list | tuple):
        return gettext(", ").join(said(item, choices) for item in shown)
    return choices.get(str(shown)) or filters.value(shown)


def _field(
    part: Mapping[str, Any],
    values: Mapping[str, Any],
    wrong: Mapping[str, str],
    hidden: frozenset[str],
    refusal: errors.InvalidInput | None,
) -> Field:
    key, kind = str(part.get("key", "")), str(part.get("type", ""))
    validate = part.get("validate") or {}
    appearance = part.get("appearance") or {}
    present = values.get(key, part.get("defaultValue"))
    return Field(
        id=str(part.get("id") or key),
        key=key,
        type=kind,
        label=_translated(part, "label"),
        hint=_translated(part, "description"),
        required=bool(validate.get("required")),
        readonly=bool(part.get("readonly") or part.get("disabled")),
        value=_shown(part, present),
        options=_options(part),
        attributes=_attributes(part, validate),
        input_type={"email": "email", "phone": "tel"}.get(validate.get("validationType", ""), "text"),
        prefix=str(appearance.get("prefixAdorner", "")),
        suffix=str(appearance.get("suffixAdorner", "")),
        text=_translated(part, "text"),
        is_conditional=bool(part.get("conditional")),
        subtype=str(part.get("subtype", "date")),
        span=int((part.get("layout") or {}).get("columns") or SHORT.get(kind, COLUMNS)),
        error=wrong.get(key, ""),
        children=fields(part, values, refusal, hidden) if part.get("components") else (),
    )


def _translated(part: Mapping[str, Any], name: str) -> str:
    english = (part.get("properties") or {}).get(f"{name}_en")
    return str(part.get(name) or "") if languages.is_chinese() or not english else str(english)


def _options(part: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [(str(each.get("value", "")), str(each.get("label", ""))) for each in part.get("values") or ()]
    english = str((part.get("properties") or {}).get("options_en", "")).split("|")
    if languages.is_chinese() or len(english) != len(found):
        return found
    return [(value, label.strip()) for (value, _), label in zip(found, english, strict=True)]


def _attributes(part: Mapping[str, Any], validate: Mapping[str, Any]) -> dict[str, Any]:
    names = {"maxLength": "maxlength", "minLength": "minlength", "min": "min", "max": "max", "pattern": "pattern"}
    found = {names[name]: validate[name] for name in names if validate.get(name) not in (None, "")}
    if part.get("type") == "number":
        digits = part.get("decimalDigits")
        smallest = "any" if digits is None else f"{10 ** -int(digits):.{int(digits)}f}"
        found["step"] = part.get("increment") or smallest
    if part.get("type") == "textarea":
        found.pop("pattern", None)
    return found


def _shown(part: Mapping[str, Any], value: Any) -> str | list[str]:
    """Return a value as the input holds it; what was typed stays as it is."""
    if part.get("type") in MANY:
        return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)] if value else []
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, datetime):
        local = filters.local(value if value.tzinfo else value.replace(tzinfo=UTC))
        return f"{local:%Y-%m-%dT%H:%M}" if part.get("subtype") == "datetime" else f"{local:%Y-%m-%d}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return str(value[0]) if value else ""
    return str(value)
