"""What the address of the list of matters asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from casepath.engine import texts
from casepath.engine.instances import watches
from casepath.engine.people.authorization import Person
from casepath.engine.queries.instances import Filters

STATES = ("open", "completed", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an address asks for."""

    filters: Filters
    #: Only the matters that one watches.
    is_watched: bool

    @property
    def is_set(self) -> bool:
        """Whether the list is narrowed at all."""
        return self.filters != Filters()

    def address(self) -> dict[str, Any]:
        """Return the arguments of an address for this list."""
        return {
            "q": self.filters.text or None,
            "state": self.filters.state or None,
            "process": self.filters.definition_key or None,
            "overdue": 1 if self.filters.overdue else None,
            "watched": 1 if self.is_watched else None,
        }


def of(session: Session, person: Person) -> Asked:
    """Return what the address of this request asks for; what no list knows narrows nothing."""
    state, is_watched = request.args.get("state", ""), "watched" in request.args
    filters = Filters(
        text=texts.storable(request.args.get("q", "").strip()[:100]),
        state=state if state in STATES else "",
        definition_key=texts.storable(request.args.get("process", "")[:255]),
        overdue="overdue" in request.args,
        numbers=watches.of_user(session, person.username) if is_watched else None,
    )
    return Asked(filters=filters, is_watched=is_watched)
