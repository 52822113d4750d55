"""What of form-js is executed, by type and attribute; why the rest is refused, and what has no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from casepath.engine.forms import lookups
from casepath.engine.forms.definition import CHOICES, KEYED, MANY_CHOICES, TEXTS
from casepath.engine.phrases import Phrase

#: Types of form-js that are not executed.
REFUSED_TYPES: Mapping[str, Phrase] = {
    "documentPreview": Phrase("files are shown on the page of the matter"),
    "dynamiclist": Phrase("rows that people add are not kept; use several fields, or a text area"),
    "expression": Phrase("a form computes nothing; let a script task or a decision table do it"),
    "filepicker": Phrase("files are added on the page of the matter"),
    "html": Phrase("foreign HTML does not run here; use a text, which is Markdown"),
    "iframe": Phrase("other pages are not shown inside ours"),
    "image": Phrase("pictures from elsewhere are not loaded; they may stand in the guidance"),
    "table": Phrase("lists of values are shown on the page of the matter"),
}
#: Attributes that would change what the form does.
REFUSED_ATTRIBUTES: Mapping[str, Phrase] = {
    "valuesKey": Phrase("the options stand in the form"),
    "valuesExpression": Phrase("the options stand in the form"),
    "expression": Phrase("a form computes nothing"),
    "path": Phrase("what a group holds is kept beside everything else, under its own key"),
    "isRepeating": Phrase("rows that people add are not kept"),
}

_EVERY = frozenset({"type", "id", "conditional", "layout", "properties"})
_FIELD = frozenset({"key", "label", "description", "validate", "defaultValue", "readonly", "disabled"})
_OF_TYPE: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text"}),
    "group": frozenset({"label", "components"}),
    "textfield": _FIELD | {"appearance"},
    "number": _FIELD | {"appearance", "decimalDigits", "serializeToString"},
    "datetime": _FIELD | {"appearance", "subtype", "dateLabel", "timeLabel", "disallowPassedDates"},
    **dict.fromkeys(CHOICES | MANY_CHOICES, _FIELD | {"values"}),
}
_OF_FORM = frozenset({
    "id", "type", "components", "schemaVersion", "exporter", "executionPlatform", "executionPlatformVersion",
    "versionTag", "generated", "properties",
})  # fmt: skip
_RULES: Mapping[str, frozenset[str]] = {
    "minLength": TEXTS, "maxLength": TEXTS, "validationType": frozenset({"textfield"}),
    "min": frozenset({"number"}), "max": frozenset({"number"}), "required": KEYED,
}  # fmt: skip
#: What the editor writes by itself, and means what is done anyway.
_BY_ITSELF: Mapping[str, object] = {
    "height": 60, "timeInterval": 15, "timeSerializingFormat": "utc_offset", "use24h": True,
    "verticalAlignment": "start",
}  # fmt: skip
#: Where form-js has the label of a moment, by its subtype.
_LABEL_OF: Mapping[str, str] = {"date": "dateLabel", "datetime": "dateLabel", "time": "timeLabel"}
#: What a page has by itself; the component is not shown.
NOT_SHOWN = frozenset({"button"})


def without_effect(component: Mapping[str, Any]) -> Iterator[str]:
    """Yield what stands in a component of a supported type and changes nothing."""
    kind = str(component.get("type"))
    known = _EVERY | _OF_TYPE.get(kind, _FIELD if kind in KEYED else frozenset())
    for name, value in component.items():
        if name not in known | REFUSED_ATTRIBUTES.keys() and not _says_nothing(name, value):
            yield name
        elif name == _LABEL_OF.get(str(component.get("subtype"))) and component.get("label") not in (None, "", value):
            # What stands as `label` is shown.
            yield name
    rules = component.get("validate")
    for name, value in (rules if isinstance(rules, dict) else {}).items():
        if name in _RULES and kind not in _RULES[name] and not _says_nothing(name, value):
            yield f"validate.{name}"
    properties = component.get("properties")
    if isinstance(properties, dict) and "lookup" not in properties:
        yield from (f"properties.{name}" for name in sorted(properties.keys() & lookups.BESIDE))
    if isinstance(properties, dict) and "members_of" in properties and kind not in CHOICES | MANY_CHOICES:
        yield "properties.members_of"
    appearance = component.get("appearance")
    for name in appearance if isinstance(appearance, dict) and "appearance" in known else ():
        if name not in {"prefixAdorner", "suffixAdorner"}:
            yield f"appearance.{name}"


def without_effect_in_form(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what stands in a form itself and changes nothing."""
    return (name for name in schema if name not in _OF_FORM)


def _says_nothing(name: str, value: object) -> bool:
    return value in (None, "", [], {}) or value is _BY_ITSELF.get(name, False) or value == _BY_ITSELF.get(name)
