"""How pages name a matter: by the facts that its process declares, the first ones in front."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine.queries import facts
from casepath.web import words, workbooks
from casepath.web.words import Words

#: How many facts name a matter; the others stand beneath.
IN_FRONT = 4
#: Letters of one of these.
SHORT = 40


@dataclass(frozen=True, kw_only=True)
class Named:
    """The facts of a matter in words: label and value."""

    front: list[tuple[str, str]]
    beneath: list[tuple[str, str]]
    #: Those of them that are telephone numbers.
    phones: list[tuple[str, str]]

    @property
    def title(self) -> str:
        """What names the matter in one line; empty where nothing does."""
        return " · ".join(said for _, said in self.front)


def of_instances(session: Session, instance_ids: Collection[int]) -> dict[int, Named]:
    """Return what names the matters that process instances belong to."""
    told = words.of(session)
    return {number: named(told, known) for number, known in facts.of_instances(session, instance_ids).items()}


def of_matters(session: Session, business_keys: Collection[str]) -> dict[str, Named]:
    """Return what names matters, by their numbers."""
    told = words.of(session)
    return {key: named(told, known) for key, known in facts.of_matters(session, business_keys).items()}


def named(told: Words, known: Mapping[str, Any]) -> Named:
    """
    Return facts in words; moments are left to the places of their own that pages have for them.

    Of what is or is not so, a page without labels can only name what is: a bare “no” says nothing.
    """
    said = [
        (told.label(name), told.label(name) if value is True else told.said(name, value))
        for name, value in known.items()
        if value is not False and not isinstance(value, date | datetime | timedelta)
    ]
    beneath = [(label, text if len(text) <= SHORT else f"{text[:SHORT]}…") for label, text in said[IN_FRONT:]]
    phones = [(told.label(name), told.said(name, value)) for name, value in known.items() if name in told.phones]
    return Named(front=said[:IN_FRONT], beneath=beneath, phones=phones)


def cell(told: Words, known: Mapping[str, Any], name: str) -> object:
    """Return a fact of a matter for a workbook; None where it has none of this name."""
    value = known.get(name)
    return None if value is None else workbooks.typed(value, lambda found: told.said(name, found))
