"""
Choices of people: fields of a form whose options are the people of groups.

The custom property `members_of` of a choice says so: keys of groups, with commas between. The value is the user name of
whoever is chosen, so that a user task can be given to him.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from casepath.engine.errors import Finding
from casepath.engine.forms.definition import Component, Form, Option, Words
from casepath.engine.phrases import Phrase

#: Forms with the people of a moment that are kept.
KEPT = 256


@dataclass(frozen=True)
class Member:
    """Somebody who belongs to a group, by the names of both; of several groups there are several of him."""

    group: str
    username: str
    name: str
    active: bool


@lru_cache(maxsize=KEPT)
def with_people(form: Form, members: tuple[Member, ...]) -> Form:
    """Return a form whose choices of people offer these members by name; the same form for the same members."""
    return Form(components=tuple(_with_people(component, members) for component in form.components))


def _with_people(component: Component, members: tuple[Member, ...]) -> Component:
    if component.components:
        return replace(component, components=tuple(_with_people(each, members) for each in component.components))
    if not component.members_of:
        return component
    people = {each.username: each for each in members if each.group in component.members_of}
    called = Counter(each.name for each in people.values())
    offered: dict[bool, list[Option]] = {True: [], False: []}
    for each in sorted(people.values(), key=lambda person: (person.name, person.username)):
        label = each.name if called[each.name] == 1 else f"{each.name} ({each.username})"
        offered[each.active].append(Option(value=each.username, label=Words(text=label)))
    return replace(component, options=tuple(offered[True]), former=tuple(offered[False]))


def chosen(component: Mapping[str, Any]) -> bool:
    """Tell whether a component of a form file has people chosen."""
    properties = component.get("properties")
    return isinstance(properties, dict) and "members_of" in properties


def wrong(component: Mapping[str, Any], file: str) -> Iterator[Finding]:
    """Yield what is wrong with a choice of people: it has groups, and neither other options nor a default."""
    element_id, label = (str(component.get(key) or "")[:200] for key in ("id", "label"))
    found = partial(Finding, code="field-options", file=file, element_id=element_id, name=label)
    groups = component["properties"]["members_of"]
    if not isinstance(groups, str) or not groups.replace(",", " ").strip():
        yield found(
            phrase=Phrase(
                "Expected keys of groups with commas between as “members_of”, but found '{found}'", found=groups
            )
        )
    for name in ("values", "defaultValue"):
        if component.get(name):
            text = "Expected no '{name}' beside “members_of”: the people of the groups are the options"
            yield found(phrase=Phrase(text, name=name))
