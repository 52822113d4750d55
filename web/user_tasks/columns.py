"""The columns of a task list: what they are called, and the order into which their headings put it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext

from casepath.engine.instances.task_views import BACKWARDS, COLUMNS, FACT, ListName, Settings
from casepath.web.words import Words

LABELS: Mapping[str, Any] = {
    "matter": lazy_gettext("Matter"),
    "due": lazy_gettext("Due"),
    "who": lazy_gettext("Who"),
    "since": lazy_gettext("Since"),
    "priority": lazy_gettext("Priority"),
    "process": lazy_gettext("Process"),
    "number": lazy_gettext("Number"),
}
#: What a list shows where nobody chose; whose the tasks of a list of one's own are, everybody knows.
USUAL = ("matter", "due", "who", "since")
#: Column → the order that its heading gives first, and the other way round.
SORTING: Mapping[str, tuple[str, ...]] = {
    "due": ("due",),
    "priority": ("priority",),
    "since": ("newest", "oldest"),
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column."""

    name: str
    label: str
    #: The fact that stands in it; empty for what every task has.
    fact: str
    #: The order that its heading leads to; empty where it gives none.
    order: str
    #: `ascending` or `descending`, as `aria-sort` says it; empty where the list is in another order.
    sorted: str


def shown(told: Words, settings: Settings) -> list[Column]:
    """Return the columns of a list."""
    return [_column(told, name, settings.filters.order) for name in settings.columns or usual(settings.list)]


def usual(listed: ListName) -> list[str]:
    """Return the columns that a list shows where nobody chose."""
    return [name for name in USUAL if name != "who" or listed != "mine"]


def choices(told: Words, settings: Settings, known: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Return name, label and whether it is shown of all columns that a list can have, those that are shown first."""
    chosen = [column.name for column in shown(told, settings)]
    others = [name for name in (*COLUMNS, *(f"{FACT}{fact}" for fact in known)) if name not in chosen]
    return [(name, label(told, name), name in chosen) for name in (*chosen, *others)]


def label(told: Words, name: str) -> str:
    """Return what a column is called."""
    return told.label(name.removeprefix(FACT)) if name.startswith(FACT) else str(LABELS[name])


def _column(told: Words, name: str, order: str) -> Column:
    fact = name.removeprefix(FACT) if name.startswith(FACT) else ""
    orders = (name, f"{BACKWARDS}{name}") if fact else SORTING.get(name, ())
    at = orders.index(order) if order in orders else None
    descending = order.startswith(BACKWARDS) or order in {"priority", "newest"}
    return Column(
        name=name,
        label=label(told, name),
        fact=fact,
        order="" if not orders else orders[0] if at is None else orders[(at + 1) % len(orders)],
        sorted="" if at is None else "descending" if descending else "ascending",
    )
