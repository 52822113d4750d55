"""Forms by field; JSON and YAML by path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from casepath.engine.deployments.comparison.things import Thing
from casepath.engine.deployments.comparison.trees import Part, changes, moved
from casepath.engine.deployments.comparison.values import Change, Difference, Step

#: What tells a member of a list from the others, where each of them has another one.
KEYS = ("id", "key", "name", "value", "username")
#: How values that are no texts are written.
PLAIN = {"true", "false", "null", ""}


def part(label: str, value: Any, key: str = "") -> Part:
    """Return a value of JSON or YAML as parts."""
    if isinstance(value, dict):
        return Part(label=label, key=key, parts=tuple(part(str(name), each) for name, each in value.items()))
    if isinstance(value, list):
        known = _key(value)
        return Part(
            label=label,
            key=key,
            parts=tuple(
                part("", {name: held for name, held in each.items() if name != known}, str(each[known]))
                if known
                else part("", each)
                for each in value
            ),
        )
    return Part(label=label, key=key, value=_text(value))


def _key(members: list[Any]) -> str:
    """Return what tells the members of a list apart; empty where nothing does."""
    if not members or not all(isinstance(each, dict) for each in members):
        return ""
    for name in KEYS:
        found = [each.get(name) for each in members]
        if all(isinstance(each, str) and each for each in found) and len(set(found)) == len(found):
            return name
    return ""


def _text(value: Any) -> str:
    """Return a value as a text; a text that could be taken for something else in quotation marks."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=str)
    is_like_another = value in PLAIN or value.lstrip("-").replace(".", "", 1).isdigit()
    return json.dumps(value, ensure_ascii=False) if is_like_another else value


def of_values(before: Any, after: Any) -> tuple[Difference, ...]:
    """Return what differs in values of JSON or YAML, each by its path."""
    return tuple(map(_of_change, changes(part("", before), part("", after))))


def _of_change(change: Change) -> Difference:
    kind = "added" if change.before is None else "removed" if change.after is None else "changed"
    path = " › ".join(each.key or each.label for each in change.path if each.key or each.label)
    return Difference(kind=kind, id=path, type="entry", names=(path, path), was=path, changes=(change,))


# -- forms -------------------------------------------------------------------------------------------------------------


def things(form: Mapping[str, Any]) -> list[Thing]:
    """Return the fields of a form, behind them the form itself."""
    own = {name: value for name, value in form.items() if name not in {"components", "id"}}
    called = str(form.get("id") or "")
    return [*_fields(form, ""), Thing(id=called, type="form", name="", parts=part("", own).parts, key="form()")]


def _fields(container: Mapping[str, Any], within: str) -> Iterator[Thing]:
    components = container.get("components")
    for field in components if isinstance(components, list) else ():
        if not isinstance(field, dict):
            continue
        found = str(field.get("id") or field.get("key") or "")
        own = {name: value for name, value in field.items() if name not in {"components", "id"}}
        label = str(field.get("label") or "")
        yield Thing(id=found, type="field", name=label, parts=part("", own).parts, within=within)
        yield from _fields(field, found)


class Places:
    """In which order fields stand."""

    def __init__(self, before: list[Thing], after: list[Thing]) -> None:
        then = {thing.id: number for number, thing in enumerate(before)}
        stayed = [thing.id for thing in after if thing.id in then and thing.type == "field"]
        self._moved = {stayed[number] for number in moved([then[each] for each in stayed])}
        self._before, self._after = _numbers(before), _numbers(after)

    def told(self, _old: Thing, new: Thing, was: Mapping[str, str]) -> Iterator[Change]:
        """Yield a change of the drawing where a field stands at another place."""
        if new.id in self._moved:
            then, now = self._before[was.get(new.id, new.id)], self._after[new.id]
            yield Change(path=(Step("place"),), before=str(then), after=str(now), layout=True)


def _numbers(things: list[Thing]) -> dict[str, int]:
    return {thing.id: number for number, thing in enumerate(things, 1)}
