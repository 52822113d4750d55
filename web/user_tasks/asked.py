"""What the address of a task list asks for, and the address for what one wants to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import current_app, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from casepath.engine import errors, texts
from casepath.engine.deployments import definitions
from casepath.engine.instances import task_views
from casepath.engine.instances.task_views import (
    BACKWARDS,
    COLUMNS,
    DUE,
    FACT,
    LISTS,
    MAX_COLUMNS,
    MAX_FACTS,
    MAX_TEXT,
    ORDERS,
    Filters,
    Kept,
    ListName,
    Settings,
)
from casepath.engine.people.authorization import Person
from casepath.web import navigation
from casepath.web.user_tasks import columns

#: How an address names the order that has no name: without one it would be the order that the browser keeps.
URGENT = "urgent"
#: Where a browser keeps the order that was chosen last, and for how many seconds.
COOKIE, KEPT = "task-order", 365 * 24 * 3600

Arguments = MultiDict[str, str]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an address asks for."""

    settings: Settings
    #: The view that it began with.
    kept: Kept | None = None
    #: What the deployed processes call facts.
    known: Sequence[str] = field(default_factory=list)

    @property
    def is_changed(self) -> bool:
        """Whether the list is another one than its view has kept."""
        return self.kept is not None and self.settings != self.kept.settings

    def narrowed(self, **changes: Any) -> Filters:
        """Return what the list is narrowed to, with other settings."""
        return replace(self.settings.filters, **changes)

    def address(self, **changes: Any) -> dict[str, Any]:
        """Return the arguments of an address for this list, with `list`, `order` or other settings changed."""
        listed = changes.pop("list", self.settings.list)
        found = arguments(replace(self.settings, list=listed, filters=self.narrowed(**changes)))
        return found if self.kept is None else {"saved": self.kept.id, **found}


def of(session: Session, person: Person, given: Arguments) -> Asked:
    """
    Return what an address asks for.

    Raises `NotFound` for a view that is not this person's, unless the address says beside it what the list shows: that
    of a page that is open while somebody takes its view away.
    """
    known = definitions.declared_facts(session)
    kept = _kept(session, person, given)
    if kept is not None and "view" not in given:
        settings = _still_known(kept.settings, known)
        return Asked(settings=settings, kept=replace(kept, settings=settings), known=known)
    if kept is not None:
        kept = replace(kept, settings=_still_known(kept.settings, known))
    listed: ListName = next((name for name in LISTS if name == given.get("view")), "mine")
    settings = Settings(list=listed, filters=_filters(given), columns=tuple(given.getlist("column")))
    return Asked(settings=_still_known(settings, known), kept=kept, known=known)


def arguments(settings: Settings) -> dict[str, Any]:
    """Return the arguments of the address of a list."""
    filters = settings.filters
    return {
        "view": settings.list,
        "q": filters.text or None,
        "process": filters.definition_key or None,
        "due": filters.due or None,
        "who": filters.assignee or None,
        "order": filters.order or URGENT,
        "column": list(settings.columns) or None,
        **{f"{FACT}{name}": value for name, value in filters.facts.items()},
    }


def remember_order(answer: Response) -> Response:
    """Have the browser keep the order that somebody asks for; a list that asks for what is new chooses nothing."""
    if "order" in request.args and "saved" not in request.args and "HX-Request" not in request.headers:
        secure = current_app.config["SESSION_COOKIE_SECURE"]
        answer.set_cookie(
            cookie_name(), request.args["order"][:MAX_TEXT], max_age=KEPT, secure=secure, httponly=True, samesite="Lax"
        )
    return answer


def cookie_name() -> str:
    """Return the name of the cookie with the order; other installations on the same host have their own."""
    return f"{current_app.config['SESSION_COOKIE_NAME']}-{COOKIE}"


def _kept(session: Session, person: Person, given: Arguments) -> Kept | None:
    number = navigation.row_id(given.get("saved"))
    try:
        return task_views.get(session, person, number) if number is not None else None
    except errors.NotFound:
        if "view" in given:
            return None
        raise


def _filters(given: Arguments) -> Filters:
    """Return what an address narrows a list to; its order is the one that was chosen last where it names none."""
    facts = {name.removeprefix(FACT): _text(value) for name, value in given.items() if name.startswith(FACT)}
    return Filters(
        text=_text(given.get("q", ""))[:100],
        definition_key=_text(given.get("process", "")),
        due=given.get("due", ""),
        assignee=_text(given.get("who", "")),
        facts={name: value for name, value in facts.items() if value},
        order=given.get("order", "" if "saved" in given else request.cookies.get(cookie_name(), "")),
    )


def _text(given: str) -> str:
    return texts.storable(given.strip()[:MAX_TEXT])


def _still_known(settings: Settings, known: Sequence[str]) -> Settings:
    """Return settings without what no list can show, or can no longer."""
    filters, facts = settings.filters, {f"{FACT}{name}" for name in known}
    narrowed: Mapping[str, str] = {name: value for name, value in filters.facts.items() if name in known}
    is_order = filters.order in ORDERS or filters.order.removeprefix(BACKWARDS) in facts
    chosen = [name for name in dict.fromkeys(settings.columns) if name in COLUMNS or name in facts]
    return replace(
        settings,
        filters=replace(
            filters,
            due=filters.due if filters.due in DUE else "",
            facts=dict(list(narrowed.items())[:MAX_FACTS]),
            order=filters.order if is_order else "",
        ),
        # Those that every list shows where nobody chose are no choice: another list has others.
        columns=() if chosen == columns.usual(settings.list) else tuple(chosen[:MAX_COLUMNS]),
    )
