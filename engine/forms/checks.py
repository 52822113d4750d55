"""The check of a form at deployment: what the server would not do exactly as the form says is refused, not ignored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import regex

from casepath.engine import errors
from casepath.engine.errors import Finding
from casepath.engine.forms import guidance, members, supported
from casepath.engine.forms.definition import (
    CHOICES,
    CONTAINERS,
    KEYED,
    LABELS,
    MANY_CHOICES,
    SHOWN,
    TEXTS,
    Form,
    condition,
    read,
)
from casepath.engine.phrases import MAX_FACT, Phrase, Size

MAX_SIZE = 1_000_000
MAX_COMPONENTS = 500
MAX_DEPTH = 8
MAX_OPTIONS = 1_000
MAX_PATTERN_LENGTH = 500
#: Of the grid in which form-js lays out its fields.
MAX_COLUMNS = 16

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_SUBTYPES = ("date", "time", "datetime")
_VALIDATION_TYPES = ("email", "phone", "custom", "")

#: Properties that are objects, and those that are text.
_MAPS = ("appearance", "layout", "properties")
_WORDS = ("id", *LABELS, "description", "text")
#: Properties that form-js lets be expressions, where only fixed ones are known here.
_FIXED = (*LABELS, "description", "readonly", "disabled", "defaultValue")


def check(content: bytes, file: str) -> tuple[Form | None, list[Finding]]:
    """Return the form of a file with what is wrong with it; None where that is an error."""
    checker = _Checker(file)
    schema = checker.load(content)
    if schema is not None:
        checker.form(schema)
    if any(finding.level == "error" for finding in checker.findings) or schema is None:
        return None, checker.findings
    form = read(schema)
    findings = [*checker.findings, *_wrong_lookups(form, file)]
    return (None if any(finding.level == "error" for finding in findings) else form), findings


def _wrong_lookups(form: Form, file: str) -> Iterator[Finding]:
    """Yield what fields that name records say and is not in the form."""
    types = {field.key: field.type for field in form.fields}
    for field in form.fields:
        for entry, name in field.lookup.misnamed(field.key, types) if field.lookup is not None else ():
            text = "Expected another field of this form as “{entry}”, a checkbox as “new_if”, but found “{found}”"
            phrase = Phrase(text, entry=entry, found=name)
            yield Finding(code="lookup", file=file, element_id=field.id, name=field.label.text, phrase=phrase)


def parse(content: bytes, file: str) -> Form:
    """Return the form of a file; raises `DeploymentRefused` with all findings."""
    form, findings = check(content, file)
    if form is None:
        raise errors.DeploymentRefused(findings)
    return form


class _Checker:
    """Walks through one form and collects what it finds."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.ids: set[str] = set()
        self.keys: set[str] = set()
        self.count = 0

    def find(
        self, component: Mapping[str, Any], code: str, text: str, /, *,
        level: Literal["error", "warning"] = "error", **facts: object,
    ) -> None:
        element_id, name = (str(component.get(key) or "")[:200] for key in ("id", "label"))
        self.findings.append(
            Finding(
                level=level, code=code, file=self.file, element_id=element_id, name=name,
                phrase=Phrase(text, **facts),
            )
        )

    def load(self, content: bytes) -> dict[str, Any] | None:
        if len(content) > MAX_SIZE:
            self.find(
                {},
                "form-too-large",
                "Expected a form of at most {limit}, but found {size}",
                limit=Size(MAX_SIZE),
                size=Size(len(content)),
            )
            return None
        try:
            schema = json.loads(content)
        except (RecursionError, ValueError) as error:
            self.find({}, "form-not-json", "Expected form-js JSON, but found: {found}", found=str(error))
            return None
        if not isinstance(schema, dict) or not isinstance(schema.get("components"), list):
            self.find({}, "form-without-components", "Expected an object with a list of components")
            return None
        return schema

    def form(self, schema: Mapping[str, Any]) -> None:
        if not str(schema.get("id") or ""):
            self.find(
                schema,
                "form-without-id",
                "The form has no id, so user tasks refer to it by its file's name",
                level="warning",
            )
        for name in supported.without_effect_in_form(schema):
            self.ineffective(schema, name)
        self.components(schema, 1)
        if self.count > MAX_COMPONENTS:
            self.find(
                schema,
                "form-too-large",
                "Expected at most {limit} components, but found {count}",
                limit=MAX_COMPONENTS,
                count=self.count,
            )

    def components(self, container: Mapping[str, Any], depth: int) -> None:
        if depth > MAX_DEPTH:
            self.find(container, "form-too-deep", "Expected groups at most {limit} levels deep", limit=MAX_DEPTH)
            return
        for component in container.get("components") or ():
            self.count += 1
            if isinstance(component, dict):
                self.id(component)
                self.component(component, depth)
            else:
                self.find(container, "component-not-an-object", "Expected every component to be an object")

    def component(self, component: Mapping[str, Any], depth: int) -> None:
        kind = component.get("type")
        if not isinstance(kind, str) or kind not in KEYED | SHOWN | CONTAINERS:
            self.type(component)
            return
        if kind in supported.NOT_SHOWN:
            self.find(
                component, "component-without-effect", "Pages have buttons of their own, so this one is not shown",
                level="warning",
            )
            return
        self.shape(component)
        self.unsupported(component)
        self.text(component)
        self.condition(component)
        self.rule(component)
        self.lookup(component)
        for name in supported.without_effect(component):
            self.ineffective(component, name)
        if kind in CONTAINERS:
            self.components(component, depth + 1)
        if kind in KEYED:
            self.key(component)
            self.rules(component)
        if kind in CHOICES | MANY_CHOICES:
            self.options(component)

    def id(self, component: Mapping[str, Any]) -> None:
        key = component.get("id")
        if not isinstance(key, str):
            return
        if key in self.ids:
            self.find(component, "duplicate-id", "Expected different ids, but found '{key}' twice", key=key)
        self.ids.add(key)

    def type(self, component: Mapping[str, Any]) -> None:
        kind = component.get("type")
        reason = supported.REFUSED_TYPES.get(kind) if isinstance(kind, str) else None
        if reason is None:
            self.find(component, "component-type", "Expected a type that is supported, but found '{kind}'", kind=kind)
        else:
            text = "Expected a type that is supported, but found '{kind}': {reason}"
            self.find(component, "component-type", text, kind=kind, reason=reason)

    def ineffective(self, component: Mapping[str, Any], name: str) -> None:
        self.find(component, "component-without-effect", "'{name}' has no effect here", level="warning", name=name)

    def shape(self, component: Mapping[str, Any]) -> None:
        """Whoever shows the form relies on these being what form-js writes."""
        for name in _MAPS:
            if not isinstance(component.get(name) or {}, dict):
                self.find(component, "component-property", "Expected '{name}' to be an object", name=name)
        for name in _WORDS:
            if not isinstance(component.get(name) or "", str):
                self.find(component, "component-property", "Expected '{name}' to be text", name=name)
        layout = component.get("layout")
        columns = layout.get("columns") if isinstance(layout, dict) else None
        if columns is not None and not (_is_count(columns) and 1 <= columns <= MAX_COLUMNS):
            text = "Expected 1 to {limit} columns, but found '{columns}'"
            self.find(component, "component-property", text, limit=MAX_COLUMNS, columns=columns)

    def unsupported(self, component: Mapping[str, Any]) -> None:
        for name, reason in supported.REFUSED_ATTRIBUTES.items():
            if component.get(name):
                text = "Expected no '{name}', which is not supported: {reason}"
                self.find(component, "component-property", text, name=name, reason=reason)
        for name in _FIXED:
            value = component.get(name)
            if isinstance(value, str) and (value.startswith("=") or "{{" in value):
                self.find(
                    component,
                    "component-expression",
                    "Expected a fixed '{name}', but found an expression, which is not supported here",
                    name=name,
                )

    def text(self, component: Mapping[str, Any]) -> None:
        """A text is Markdown that may follow what stands in the form, as guidance does; in English likewise."""
        properties = component.get("properties")
        english = properties.get("text_en") if isinstance(properties, dict) else None
        for written in (component.get("text"), english):
            if not isinstance(written, str):
                continue
            if written.startswith("="):
                wrong = "Expected a text with {{{{expression}}}}, but found an expression"
                self.find(component, "component-expression", wrong)
                continue
            try:
                guidance.parse(written)
            except errors.InvalidInput as error:
                self.find(component, "component-expression", "The text cannot be read: {reason}", reason=error.phrase)

    def condition(self, component: Mapping[str, Any]) -> None:
        conditional = component.get("conditional")
        if not conditional:
            return
        hide = conditional.get("hide") if isinstance(conditional, dict) else None
        if not isinstance(hide, str) or not hide.startswith("="):
            self.find(component, "condition", "Expected the condition to be a FEEL expression that begins with '='")
        else:
            self.expression(component, hide)

    def rule(self, component: Mapping[str, Any]) -> None:
        """A rule across fields, which form-js knows nothing of, stands in the properties."""
        properties = component.get("properties")
        if not isinstance(properties, dict) or "valid" not in properties:
            return
        rule = properties["valid"]
        if not isinstance(rule, str) or not rule.startswith("=") or component.get("type") not in KEYED:
            text = "Expected 'valid' of a field to be a FEEL expression that begins with '='"
            self.find(component, "condition", text)
            return
        self.expression(component, rule)
        message = properties.get("valid_message")
        if not isinstance(message, str) or not 0 < len(message) <= MAX_FACT:
            self.find(
                component,
                "rule-without-message",
                "Expected a 'valid_message' of 1 to {limit} characters, which says what is wrong",
                limit=MAX_FACT,
            )

    def lookup(self, component: Mapping[str, Any]) -> None:
        """What names a record stands in the properties, too."""
        properties = component.get("properties")
        if isinstance(properties, dict) and "lookup" in properties and component.get("type") != "textfield":
            self.find(component, "lookup", "Expected a text field as one that names a record (“lookup”)")

    def expression(self, component: Mapping[str, Any], text: str) -> None:
        try:
            condition(text)
        except errors.ExpressionError as error:
            self.find(component, "condition", "Expected a FEEL expression, but found: {reason}", reason=error.phrase)

    def key(self, component: Mapping[str, Any]) -> None:
        key = component.get("key")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            self.find(
                component,
                "field-key",
                "Expected a key of letters, digits and '_' that is the variable's name, but found '{key}'",
                key=key,
            )
        elif key in self.keys:
            self.find(component, "field-key-twice", "Expected each key once, but found '{key}' again", key=key)
        else:
            self.keys.add(key)
        if not any(component.get(name) for name in LABELS):
            self.find(component, "field-without-label", "Field '{key}' has no label", level="warning", key=key)

    def options(self, component: Mapping[str, Any]) -> None:
        if members.chosen(component):
            self.findings += members.wrong(component, self.file)
            return
        options = component.get("values")
        if not isinstance(options, list) or not 0 < len(options) <= MAX_OPTIONS:
            self.find(component, "field-options", "Expected 1 to {limit} options", limit=MAX_OPTIONS)
            return
        names = [option.get("value") if isinstance(option, dict) else None for option in options]
        if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
            self.find(component, "field-options", "Expected options with different, not empty texts as values")
            return
        english = (component.get("properties") or {}).get("options_en")
        if english and len(str(english).split("|")) != len(options):
            self.find(
                component,
                "field-options",
                "Expected as many labels in 'options_en' as there are options, {count}; none of them is shown",
                level="warning",
                count=len(options),
            )
        default = component.get("defaultValue")
        chosen = default if isinstance(default, list) else [default] if default else []
        if not set(map(str, chosen)) <= set(names):
            self.find(
                component,
                "field-default",
                "Expected a default out of the options, but found '{default}'",
                default=default,
            )

    def rules(self, component: Mapping[str, Any]) -> None:
        for value, expected in self.wrong_rules(component):
            text = "Expected {expected}, but found '{value}'"
            self.find(component, "field-rules", text, expected=expected, value=value)

    def wrong_rules(self, component: Mapping[str, Any]) -> Iterator[tuple[Any, Phrase]]:
        """Yield each value that is none of what its rule may be, with what it may be."""
        validate = component.get("validate") or {}
        if not isinstance(validate, dict):
            yield validate, Phrase("rules as an object")
            return
        allowed: list[tuple[str, Callable[[Any], bool], Phrase]] = [
            ("required", _is_boolean, Phrase("`true` or `false`")),
            ("minLength", _is_count, Phrase("a length")),
            ("maxLength", _is_count, Phrase("a length")),
            ("min", _is_number, Phrase("a number")),
            ("max", _is_number, Phrase("a number")),
            (
                "pattern",
                _is_pattern,
                Phrase("a regular expression of up to {limit} characters", limit=MAX_PATTERN_LENGTH),
            ),
            ("validationType", _VALIDATION_TYPES.__contains__, Phrase("email, phone or custom")),
        ]
        for name, fits, expected in allowed:
            if validate.get(name) not in (None, "") and not fits(validate[name]):
                yield validate[name], Phrase("'{name}' to be {expected}", name=name, expected=expected)
        unknown = set(validate) - {name for name, *_ in allowed}
        if unknown:
            yield ", ".join(sorted(unknown)), Phrase("only known rules")
        if component["type"] not in TEXTS and validate.get("pattern"):
            yield validate["pattern"], Phrase("a pattern only of text")
        digits = component.get("decimalDigits")
        if digits is not None and not (_is_count(digits) and digits <= 10):
            yield digits, Phrase("0 to 10 decimal digits")
        subtype = component.get("subtype")
        if component["type"] == "datetime" and subtype not in _SUBTYPES:
            yield subtype, Phrase("date, time or datetime as subtype")


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1_000_000


def _is_number(value: object) -> bool:
    try:
        return not isinstance(value, bool) and Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _is_pattern(value: object) -> bool:
    if not isinstance(value, str) or len(value) > MAX_PATTERN_LENGTH:
        return False
    try:
        regex.compile(value)
    except regex.error:
        return False
    return True
