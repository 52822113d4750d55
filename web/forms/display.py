"""
Forms as fields for a page, and what a request submitted.

Only how a form looks is decided here; what it is made of, and what may be submitted, `engine.forms` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, g
from werkzeug.datastructures import MultiDict

from casepath.engine import errors, forms
from casepath.engine.forms import DEFAULT_MAX_LENGTH, MANY_CHOICES, Component, Form, Shown
from casepath.web import filters, phrases
from casepath.web.languages import gettext

#: What pages send along with a form; all else of theirs has a point in its name, which no key of a form can have.
TOKENS = frozenset({"csrf_token", "form_token"})
#: What is never shown again.
RESERVED = TOKENS | {"next", "to", "password", "old", "new", "again", "username"}
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
class Choice:
    """A record that may be meant."""

    key: str
    label: str


@dataclass(frozen=True, kw_only=True)
class KnownMatter:
    """A matter, told beside a field and on the page of a record."""

    #: As addresses name it, and as people do.
    reference: str | int
    number: str
    #: What is said of it: what names it, and label and value of more.
    title: str
    beneath: Sequence[tuple[str, str]]
    process: str
    state: str
    #: What is to be done, and who has it.
    steps: Sequence[str]
    who: Sequence[str]
    due_at: datetime | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known already of the record that a field names, or of those that may be meant."""

    #: `field=key` of the record whose values the form has; empty without one.
    copied: str
    title: str
    address: str
    #: What is asked of the choices.
    asked: str
    choices: Sequence[Choice]
    matters: Sequence[KnownMatter]


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
    #: What is stored and the input cannot hold; it stays until something else is entered.
    stored: str = ""
    options: Sequence[tuple[str, str]] = ()
    #: Attributes of the input, such as `maxlength`.
    attributes: Mapping[str, Any] = field(default_factory=dict)
    #: Type of the input of texts and moments.
    input_type: str = "text"
    prefix: str = ""
    suffix: str = ""
    #: Markdown of a text.
    text: str = ""
    #: Whether it is only there under a condition: a rule that the answers above call up.
    is_conditional: bool = False
    span: int = COLUMNS
    error: str = ""
    #: When it was answered before, and what; stands beside the field to be read.
    earlier: tuple[str, str] | None = None
    #: Of a field that names a record.
    known: Known | None = None
    #: Whether what stands in it has just come from a record.
    is_copied: bool = False
    children: Sequence[Field] = ()


def init_app(app: Flask) -> None:
    """Make `flat_fields()` known to templates."""
    app.jinja_env.globals["flat_fields"] = flat


def fields(
    form: Form,
    variables: Mapping[str, Any] | None = None,
    *,
    texts: Mapping[str, Any] | None = None,
    refusal: errors.InvalidInput | None = None,
    every: bool = False,
    earlier: Earlier | None = None,
    filled: Callable[[str], str] = str,
) -> list[Field]:
    """
    Return the fields of a form with what stands in them and what is wrong with it, without what conditions hide.

    `texts` are what was typed, which stands before `variables`; with `every`, what is hidden is there too; `earlier` is
    what stands beside the fields; `filled` makes of a text what it reads for the values, and an empty one is left out.
    """
    by_field = refusal.errors if isinstance(refusal, errors.InvalidVariables) else []
    standing = _Standing(
        variables=variables or {},
        texts=texts or {},
        wrong={error.field: phrases.told(error.phrase) for error in by_field},
        earlier=earlier,
        zone=g.settings.zone,
        filled=filled,
    )
    hidden = frozenset() if every else forms.hidden(form, standing.variables, standing.zone, texts=standing.texts)
    return _fields(form.components, standing, hidden)


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
        if key not in TOKENS and "." not in key
    }


def submitted(form: Form, request_form: MultiDict[str, str]) -> dict[str, str | list[str]]:
    """
    Return what stood in the fields of a form when it was sent; fields of many choices are always lists.

    Browsers do not send a box that is not ticked: what is missing was empty, if it was there. Pages say which fields
    were (`page.shown`); one that a condition has hidden until now keeps what it has.
    """
    shown = request_form.getlist("page.shown") or [part.key for part in form.fields]
    found: dict[str, str | list[str]] = {part.key: "" for part in form.fields if part.key in shown}
    found |= typed(request_form)
    for part in form.fields:
        if part.type in MANY_CHOICES and (part.key in shown or part.key in request_form):
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
        if (key in names or (key not in RESERVED and "." not in key)) and any(text.strip() for text in texts)
    ]


def labels(form: Form) -> dict[str, str]:
    """Return the labels of a form's fields by key, in the form's order."""
    return {part.key: phrases.words(part.label) or part.key for part in form.fields}


def options(form: Form) -> dict[str, dict[str, str]]:
    """Return the labels of the options of a form's fields: key → value → label."""
    return {part.key: dict(_options(part)) for part in form.fields if part.options}


def said(shown: Any, choices: Mapping[str, str]) -> str:
    """Return a value as people read it: by the label of its option where it has one."""
    if isinstance(shown, list | tuple):
        return gettext(", ").join(said(item, choices) for item in shown)
    return choices.get(str(shown)) or filters.value(shown)


@dataclass(frozen=True, kw_only=True)
class _Standing:
    """What stands in the fields of a form."""

    variables: Mapping[str, Any]
    texts: Mapping[str, Any]
    #: What is wrong, by key.
    wrong: Mapping[str, str]
    earlier: Earlier | None
    zone: ZoneInfo
    filled: Callable[[str], str]

    def was_told(self, part: Component) -> bool:
        """Whether a field was answered in an earlier round."""
        return self.earlier is not None and part.is_field and part.key in self.earlier.values

    def of(self, part: Component) -> Shown:
        """Return what stands in a field: what was typed as it was typed, moments as browsers write them."""
        shown = forms.show(part, self.variables.get(part.key, part.default), self.zone)
        if part.readonly or part.key not in self.texts:
            return shown
        texts = _texts(part, self.texts[part.key])
        if part.type == "datetime" and (moment := forms.show(part, texts, self.zone)).is_whole:
            texts = moment.texts
        return replace(shown, texts=texts)


def _texts(part: Component, typed: Any) -> str | list[str]:
    several = [str(text) for text in (typed if isinstance(typed, list | tuple) else [typed] if typed else [])]
    return several if part.type in MANY_CHOICES else next(iter(several), "")


def _fields(components: Sequence[Component], standing: _Standing, hidden: frozenset[str]) -> list[Field]:
    shown = [_field(part, standing, hidden) for part in components if not hidden & part.names]
    return [each for each in shown if each.type != "text" or each.text.strip()]


def _field(part: Component, standing: _Standing, hidden: frozenset[str]) -> Field:
    shown = standing.of(part)
    return Field(
        id=part.id,
        key=part.key,
        type=part.type,
        label=phrases.words(part.label),
        hint=phrases.words(part.description),
        required=part.required,
        readonly=part.readonly,
        value=shown.texts,
        stored="" if shown.is_whole else filters.value(standing.variables.get(part.key, part.default)),
        options=_options(part),
        attributes=_attributes(part),
        input_type=_input_type(part, shown.texts, standing.zone),
        prefix=part.prefix,
        suffix=part.suffix,
        text=standing.filled(phrases.words(part.text)),
        is_conditional=part.is_conditional or part.follows_values,
        span=COLUMNS if standing.was_told(part) else part.columns or SHORT.get(part.type, COLUMNS),
        error=standing.wrong.get(part.key, ""),
        earlier=_earlier(part, standing),
        children=_fields(part.components, standing, hidden),
    )


def _input_type(part: Component, texts: str | list[str], zone: ZoneInfo) -> str:
    """Return the type of an input; browsers throw away what is no date, so that stands in an input for texts."""
    if part.type == "datetime" and (not texts or forms.show(part, texts, zone).is_whole):
        return {"time": "time", "datetime": "datetime-local"}.get(part.subtype, "date")
    return {"email": "email", "phone": "tel"}.get(part.validation_type or "", "text")


def _earlier(part: Component, standing: _Standing) -> tuple[str, str] | None:
    """Return when a field was answered before and what; None where it was not."""
    if standing.earlier is None or not standing.was_told(part):
        return None
    answered = standing.earlier.values[part.key]
    is_left_out = answered in (None, "", [])
    return standing.earlier.caption, gettext("not filled in") if is_left_out else said(answered, dict(_options(part)))


def _options(part: Component) -> list[tuple[str, str]]:
    return [(option.value, phrases.words(option.label)) for option in part.options]


def _attributes(part: Component) -> dict[str, Any]:
    if part.type in DEFAULT_MAX_LENGTH:
        # No `maxlength`: browsers cut off what is pasted, and nobody sees that something is missing.
        # What is typed is about others: browsers neither offer what was typed for the one before nor one's own number.
        return {"data-limit": part.max_length or DEFAULT_MAX_LENGTH[part.type], "autocomplete": "off"}
    if part.type == "number":
        # An input for numbers would hide from us what it cannot read, and change how numbers are written.
        return {"inputmode": "numeric" if part.decimal_digits == 0 else "decimal", "autocomplete": "off"}
    if part.type == "datetime":
        return {"step": "any"} if part.subtype != "date" else {}
    return {}
