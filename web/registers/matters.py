"""Matters as records and fields show them: what names each, where it stands, who has it and until when."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from casepath.engine.forms import MATTER
from casepath.engine.people.authorization import Person
from casepath.engine.queries import instances, links, people
from casepath.engine.queries.instances import Filters, MatterRow, Reference
from casepath.web import facts, names
from casepath.web.forms import KnownMatter

#: Matters that stand beside a field.
FEW = 5


def of(
    session: Session, person: Person, pointed: Sequence[tuple[str, str]], texts: Sequence[str], *, state: str = ""
) -> list[KnownMatter]:
    """
    Return matters that point to one of these records or have one of these texts: open ones first, then new ones.

    `state` narrows them as it does their list.
    """
    narrowed = [Filters(record=each, state=state) for each in pointed] + [
        Filters(text=each, state=state) for each in texts
    ]
    found: dict[int, MatterRow] = {}
    for each in narrowed:
        found |= {row.id: row for row in instances.page(session, person, each, limit=FEW).rows}
    ordered = sorted(found.values(), key=lambda row: (row.ended_at is not None, -row.id))
    return told(session, ordered[:FEW])


def joined(session: Session, person: Person, reference: Reference) -> list[KnownMatter]:
    """Return the matters to which a matter points, and those that point to it, as far as a person may see them."""
    numbers = [key for register, key in links.of_matter(session, reference) if register == MATTER]
    named = instances.page(session, person, Filters(numbers=numbers))
    pointing = instances.page(session, person, Filters(record=(MATTER, str(reference))), limit=FEW)
    return told(session, [*named.rows, *pointing.rows])


def told(session: Session, rows: Sequence[MatterRow]) -> list[KnownMatter]:
    """Return rows of a list of matters in words."""
    named = facts.of_instances(session, [row.id for row in rows])
    groups = people.group_names(session)
    return [
        KnownMatter(
            reference=row.business_key or row.id,
            number=row.business_key or f"#{row.id}",
            title=named[row.id].title,
            beneath=named[row.id].beneath,
            process=names.named(session, row).definition_name,
            state=row.state,
            steps=[names.title(session, task) for task in row.open_tasks],
            who=names.holders(row.open_tasks, groups),
            due_at=row.due_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
        )
        for row in rows
    ]


def found(session: Session, person: Person, text: str) -> list[KnownMatter]:
    """Return the matter that has a text as its number, and behind it the newest in which the text is found."""
    if not text:
        return []
    numbered = instances.page(session, person, Filters(numbers=[text]), limit=1)
    newest = instances.page(session, person, Filters(text=text), limit=FEW)
    rows = {row.id: row for row in (*numbered.rows, *newest.rows)}
    return told(session, list(rows.values())[:FEW])


def title(session: Session, person: Person, number: str) -> str:
    """Return what names a matter; empty where there is none with this number that a person may see."""
    meant = told(session, instances.page(session, person, Filters(numbers=[number]), limit=1).rows)
    return next((each.title or each.process for each in meant), "")
