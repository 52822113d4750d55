"""
What somebody filled into a form, turned into typed values, with everything that is wrong at once.

Pages hand in texts as they were typed; programs may hand in the values themselves: numbers, booleans, dates, times.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from casepath.engine import errors
from casepath.engine.forms import shown, typed
from casepath.engine.forms.definition import Component, Form, condition
from casepath.engine.time import clock

Submitted = Mapping[str, Any]


def validate(
    form: Form,
    submitted: Submitted,
    zone: ZoneInfo,
    *,
    variables: Mapping[str, Any] | None = None,
    properties: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """
    Return the variables that were submitted with a form: text, number, date, boolean or list by the type of the field.

    What is left empty is null, an empty list or false; what is left as it stood in `variables` stays exactly that. What
    is hidden, by what was typed or by `variables`, and what is read-only is not taken. `properties` are those of the
    element: what every round answers anew and this one does not ask is null, since no answer of an earlier round stands
    for it. Raises `InvalidVariables` with everything that is wrong, fields that the form does not have among it.
    """
    present = variables or {}
    locked = [field for field in form.fields if field.readonly]
    fixed = {field.key: shown.show(field, present.get(field.key), zone).texts for field in locked}
    read, refusals = _read(form, {**submitted, **fixed}, zone)
    concealed = _hidden(form, {**present, **read})
    accepted: dict[str, Any] = {}
    for field in form.fields:
        if field.key in concealed or field.readonly:
            refusals.pop(field.key, None)
            continue
        if field.key not in refusals:
            try:
                accepted[field.key] = _accepted(field, read[field.key], submitted.get(field.key, ""), present, zone)
            except errors.InvalidInput as refusal:
                refusals[field.key] = refusal
    refusals |= _broken(form, {**present, **read}, accepted, refusals.keys(), zone)
    wrong = [_at(field.key, refusals[field.key]) for field in form.fields if field.key in refusals]
    wrong += [_unknown(key) for key in sorted(set(submitted) - {field.key for field in form.fields})]
    if wrong:
        raise errors.InvalidVariables(wrong)
    unasked = form.answered_anew(properties or {}) & concealed
    return accepted | {key: None for key in sorted(unasked) if present.get(key) is not None}


def _accepted(field: Component, read: Any, given: Any, present: Mapping[str, Any], zone: ZoneInfo) -> Any:
    """Return the value that was read by the rules of its field; what nobody has touched is the one that was there."""
    typed.check(field, read, zone)
    before = present.get(field.key)
    if before is not None and shown.is_untouched(shown.show(field, before, zone).texts, given):
        return before
    return read


def _broken(
    form: Form, known: Mapping[str, Any], accepted: Collection[str], refused: Collection[str], zone: ZoneInfo
) -> dict[str, errors.InvalidInput]:
    """Return the rules across fields that do not hold; one that asks for what could not be read waits until it can."""
    own = {field.key for field in form.fields if not field.readonly}
    visible = {key: value for key, value in known.items() if key not in own or key in accepted}
    now = clock.now().astimezone(zone)
    return {
        field.key: errors.InvalidInput("Please correct this: {rule}", code="rule", rule=field.valid_message)
        for field in form.fields
        if field.valid_if
        and field.key in accepted
        and not condition(field.valid_if).free.keys() & refused
        and condition(field.valid_if).evaluate(visible, now=now) is not True
    }


def _at(key: str, refusal: errors.InvalidInput) -> errors.InvalidInput:
    refusal.field = key
    return refusal


def _unknown(key: str) -> errors.InvalidInput:
    refusal = errors.InvalidInput("The form has no field “{found}”.", code="unknown-field", found=key)
    return _at(key[:100], refusal)


def hidden(
    form: Form, variables: Mapping[str, Any], zone: ZoneInfo, *, texts: Submitted | None = None
) -> frozenset[str]:
    """
    Return the keys and ids of the components that conditions hide.

    `texts` are what was typed, before `variables`; what was typed and cannot be read counts as nothing.
    """
    return _hidden(form, typed_values(form, variables, zone, texts=texts))


def typed_values(
    form: Form, variables: Mapping[str, Any], zone: ZoneInfo, *, texts: Submitted | None = None
) -> dict[str, Any]:
    """Return what is known while somebody types: `texts`, as far as they can be read, before `variables`."""
    standing = {
        field.key: shown.show(field, variables.get(field.key, field.default), zone).texts for field in form.fields
    }
    own = {field.key for field in form.fields if not field.readonly}
    standing |= {key: text for key, text in (texts or {}).items() if key in own}
    read, _ = _read(form, standing, zone)
    return {**variables, **dict.fromkeys(standing), **read}


def _read(form: Form, submitted: Submitted, zone: ZoneInfo) -> tuple[dict[str, Any], dict[str, errors.InvalidInput]]:
    read: dict[str, Any] = {}
    refusals: dict[str, errors.InvalidInput] = {}
    for field in form.fields:
        try:
            read[field.key] = typed.read(field, submitted.get(field.key, ""), zone)
        except errors.InvalidInput as refusal:
            refusals[field.key] = refusal
    return read, refusals


def _hidden(form: Form, known: Mapping[str, Any]) -> frozenset[str]:
    """Conditions see nothing in what is hidden itself, so they are asked again until nothing changes."""
    conditional = [component for component in form.every if component.hidden_if]
    concealed: frozenset[str] = frozenset()
    for _ in range(len(conditional) + 1):
        visible = {key: value for key, value in known.items() if key not in concealed}
        before, concealed = concealed, frozenset(
            name for component in conditional if _is_hidden(component, visible) for name in component.names
        )
        if concealed == before:
            break
    return concealed


def _is_hidden(component: Component, known: Mapping[str, Any]) -> bool:
    return any(condition(text).evaluate(known) is True for text in component.hidden_if)
