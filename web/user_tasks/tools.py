"""What stands above a task list: the lists and views that there are, and what the one that is shown is narrowed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib import parse

from sqlalchemy.orm import Session

from casepath.engine.instances import task_views
from casepath.engine.instances.task_views import LISTS, ORDERS, Kept
from casepath.engine.people import authorization
from casepath.engine.people.authorization import Person
from casepath.engine.queries import people, tasks
from casepath.web import names
from casepath.web.user_tasks import asked, columns
from casepath.web.user_tasks.asked import Asked
from casepath.web.words import Words

#: A fact with more values than this is looked for by words.
MAX_OPTIONS = 40


@dataclass(frozen=True, kw_only=True)
class Tally:
    """A view that is kept, with how many tasks are in it."""

    view: Kept
    count: int
    #: Whether there may be more.
    is_partial: bool


def shown(session: Session, person: Person, wanted: Asked, told: Words) -> dict[str, Any]:
    """Return what templates need for it."""
    settings, narrowed = wanted.settings, wanted.settings.filters
    is_plain = settings.list == "mine" and not narrowed.is_set and wanted.kept is None
    return {
        "asked": wanted,
        "view": settings.list,
        "views": LISTS,
        "filters": narrowed,
        "orders": {name: name or asked.URGENT for name in ORDERS},
        "column_choices": columns.choices(told, settings, wanted.known),
        "fact_choices": fact_choices(told, wanted),
        "fact_order": told.label(narrowed.fact) if narrowed.fact else "",
        "people": people.choices(session).people if settings.list in {"all", "put_off"} else [],
        "kept": tallies(session, person),
        "may_share": [key for key in person.groups if authorization.may_share_views(person, key)],
        "may_change": wanted.kept is not None and task_views.may_change(person, wanted.kept),
        "shown": urlencode(asked.arguments(settings)),
        # One's own tasks are the list that is meant where none is named.
        "list_of": None if is_plain else urlencode(wanted.address()),
        "groups": people.group_names(session),
        "definitions": names.processes(session),
    }


def urlencode(arguments: Mapping[str, Any]) -> str:
    """Return arguments as an address has them."""
    pairs = [(name, value) for name, given in arguments.items() for value in as_list(given)]
    return parse.urlencode(pairs)


def as_list(given: Any) -> list[Any]:
    """Return the values of an argument; none for None."""
    return given if isinstance(given, list) else [] if given is None else [given]


def fact_choices(told: Words, wanted: Asked) -> list[tuple[str, str, Mapping[str, str]]]:
    """Return name, label and values in words of the facts that a list can be narrowed by."""
    found = [(name, told.label(name), told.options.get(name, {})) for name in wanted.known]
    return [(name, label, options) for name, label, options in found if 1 < len(options) <= MAX_OPTIONS]


def tallies(session: Session, person: Person) -> list[Tally]:
    """Return the views that somebody has, with how many tasks are in each."""
    found = []
    for view in task_views.of_person(session, person):
        count, is_partial = tasks.tally(session, person, view.settings.list, view.settings.filters)
        found.append(Tally(view=view, count=count, is_partial=is_partial))
    return found
