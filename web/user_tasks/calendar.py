"""A task list by the days of a month on which its tasks are due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import render_template, request
from sqlalchemy.orm import Session

from casepath.engine.people.authorization import Person
from casepath.engine.queries import tasks
from casepath.engine.time import clock
from casepath.web import filters, words
from casepath.web.user_tasks import asked, inbox, tools
from casepath.web.user_tasks.inbox import Row

#: Tasks of a day that are shown at once; the others unfold.
FEW = 4
#: How far months lead: what is due later is due at the end of the calendar.
YEARS = range(1970, 9000)


@dataclass(frozen=True, kw_only=True)
class Day:
    """One day."""

    date: date
    #: Whether it belongs to the month that is shown.
    is_inside: bool
    is_today: bool
    rows: Sequence[Row]


def render(session: Session, person: Person) -> str:
    """Return the page of the month that the address asks for, this one where it names none."""
    wanted, told = asked.of(session, person, request.args), words.of(session)
    first, today = month(request.args.get("month", "")), filters.local(clock.now()).date()
    days = shown(first)
    # When tasks are due, the calendar shows by itself; and it is in the order of days.
    narrowed = wanted.narrowed(due="", order="")
    since, until = filters.begin(days[0]), filters.begin(days[-1] + timedelta(days=1))
    found = tasks.due_within(session, person, wanted.settings.list, narrowed, since=since, until=until)
    by_day: dict[date, list[Row]] = {}
    for row in inbox.rows(session, told, sorted(found.rows, key=lambda row: (row.due_at or row.sort_at, row.id))):
        if row.task.due_at is not None:
            by_day.setdefault(filters.local(row.task.due_at).date(), []).append(row)
    return render_template(
        "user_tasks/calendar.html",
        days=[
            Day(date=day, is_inside=day.month == first.month, is_today=day == today, rows=by_day.get(day, []))
            for day in days
        ],
        month=first,
        before=(first - timedelta(days=1)).replace(day=1),
        after=(first + timedelta(days=31)).replace(day=1),
        this_month=today.replace(day=1),
        few=FEW,
        is_partial=found.is_partial,
        counts=inbox.counts(session, person),
        **tools.shown(session, person, wanted, told),
    )


def month(text: str) -> date:
    """Return the first day of a month such as `2026-12`; of this one where the text is none."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        return filters.local(clock.now()).date().replace(day=1)
    return found


def shown(first: date) -> list[date]:
    """Return the days of a month, from the Monday before its first day to the Sunday after its last."""
    monday = first - timedelta(days=first.weekday())
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return [monday + timedelta(days=number) for number in range((last - monday).days + 7 - last.weekday())]
