"""Functions on contexts, and `is`, which looks at values as such."""

from __future__ import annotations

from casepath.engine.decisions.feel import limits
from casepath.engine.decisions.feel.functions import built_in


@built_in("get value", "m: context, key: string")
def _get_value(context: dict[str, object], key: str) -> object:
    return context.get(key)


@built_in("get value", "context: context, keys: list")
def _get_value_inside(context: object, keys: list[object]) -> object:
    for key in keys:
        if not isinstance(context, dict) or not isinstance(key, str):
            return None
        context = context.get(key)
    return context if keys else None


@built_in("get entries", "m: context")
def _get_entries(context: dict[str, object]) -> list[object]:
    return [{"key": key, "value": value} for key, value in context.items()]


@built_in("context", "entries: list")
def _context(entries: list[object]) -> dict[str, object] | None:
    context: dict[str, object] = {}
    for entry in entries:
        if not isinstance(entry, dict) or "value" not in entry:
            return None
        key = entry.get("key")
        if not isinstance(key, str) or key in context:
            return None
        context[key] = entry["value"]
    return context


@built_in("context put", "context: context, key: string, value: Any")
def _context_put(context: dict[str, object], key: str, value: object) -> dict[str, object]:
    limits.check_size(len(context) + 1)
    return {**context, key: value}


@built_in("context put", "context: context, keys: list, value: Any")
def _context_put_inside(context: dict[str, object], keys: list[object], value: object) -> dict[str, object] | None:
    if not keys or not isinstance(keys[0], str):
        return None
    limits.check_size(len(context) + 1)
    if len(keys) == 1:
        return {**context, keys[0]: value}
    inner = context.get(keys[0])
    changed = _context_put_inside(inner, keys[1:], value) if isinstance(inner, dict) else None
    return None if changed is None else {**context, keys[0]: changed}


@built_in("context merge", "contexts: list")
def _context_merge(contexts: list[object]) -> dict[str, object] | None:
    merged: dict[str, object] = {}
    for context in contexts:
        if not isinstance(context, dict):
            return None
        merged.update(context)
        limits.check_size(len(merged))
    return merged


@built_in("is", "value1!: Any, value2!: Any")
def _is(left: object, right: object) -> bool:
    """Say whether two values are the same, without converting zones or comparing different types."""
    if isinstance(left, list) and isinstance(right, list):
        limits.spend(len(left))
        return len(left) == len(right) and all(map(_is, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        limits.spend(len(left))
        return left.keys() == right.keys() and all(_is(value, right[key]) for key, value in left.items())
    return type(left) is type(right) and left == right
