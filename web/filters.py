"""How templates say dates, durations, states and people, in the language of the request and the dealership's zone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol

import flask_babel
from babel.dates import format_timedelta
from flask import Flask, g
from flask_babel import lazy_gettext

from casepath.engine import errors
from casepath.engine.people import authorization
from casepath.engine.time import clock
from casepath.web import languages
from casepath.web.languages import gettext

#: A due date nearer than this is shown as due soon.
SOON = timedelta(hours=24)
#: From here on a span is told in days; the threshold from which Babel would take a larger unit is out of reach.
MANY_HOURS = timedelta(hours=24)
NEVER = 1e9
#: From here on a badge does not count.
MANY = 100
#: Letters of Chinese.
CHINESE = re.compile("[\u3400-\u9fff]")
#: Tasks without a due date are sorted as if they were due then or later.
NO_DUE_YEAR = 9000

STATES = {
    "active": lazy_gettext("Running"),
    "suspended": lazy_gettext("Suspended"),
    "completed": lazy_gettext("Completed"),
    "cancelled": lazy_gettext("Cancelled"),
    "created": lazy_gettext("To do"),
    "locked": lazy_gettext("In progress"),
    "failed": lazy_gettext("Failed"),
    "waiting": lazy_gettext("Waiting"),
    "open": lazy_gettext("Open incident"),
    "resolved": lazy_gettext("Resolved"),
    "sending": lazy_gettext("Being sent"),
    "sent": lazy_gettext("Sent"),
    "uncertain": lazy_gettext("Perhaps sent"),
    "undeliverable": lazy_gettext("Undeliverable"),
    "given_up": lazy_gettext("Given up"),
    "withheld": lazy_gettext("Not agreed to"),
    "delivered": lazy_gettext("Delivered"),
    "proposed": lazy_gettext("Waits for approval"),
    "running": lazy_gettext("Running"),
    "stopped": lazy_gettext("Stopped"),
}
#: Class of the badge for a state.
STATE_TONES = {
    "active": "accent",
    "suspended": "warning",
    "completed": "success",
    "created": "accent",
    "locked": "accent",
    "failed": "danger",
    "open": "danger",
    "resolved": "success",
    "sending": "accent",
    "sent": "success",
    "uncertain": "warning",
    "undeliverable": "danger",
    "withheld": "warning",
    "delivered": "success",
    "proposed": "warning",
    "running": "accent",
}


class Tally(Protocol):
    """How many there are, as far as they were counted."""

    @property
    def count(self) -> int: ...

    @property
    def is_partial(self) -> bool: ...


def init_app(app: Flask) -> None:
    """Make the filters and `now()` known to templates."""
    app.jinja_env.globals["now"] = clock.now
    app.jinja_env.filters.update(
        doer=doer,
        readable=readable,
        moment=moment,
        moment_full=moment_full,
        day=day,
        day_named=day_named,
        clock_time=clock_time,
        weekday=weekday,
        duration=duration,
        due_text=due_text,
        due_tone=due_tone,
        capped=capped,
        tally=tally,
        state=state,
        state_tone=state_tone,
        value=value,
        group_name=group_name,
        initial=initial,
        iso=iso,
        end_reason=end_reason,
    )


def local(at: datetime) -> datetime:
    """Return the same moment on the dealership's clock."""
    return flask_babel.to_user_timezone(at)  # type: ignore[no-any-return]


def doer(signature: str) -> str:
    """Return who a signature in the history names: a user by the user name, a program by what it is called."""
    if authorization.username(signature) is None:
        return gettext("Program %(name)s", name=signature.partition(":")[2])
    return signature


def readable(text: str) -> str:
    """Return what a diagram says of itself where it is in the language of the reader: Chinese or not; else nothing."""
    return text if languages.is_chinese() == bool(CHINESE.search(text)) else ""


def moment(at: datetime | None) -> str:
    """Return a date and time as short as it is clear: today only the time, this year without the year."""
    if at is None:
        return ""
    there, now = local(at), local(clock.now())
    if there.date() == now.date():
        return gettext("today %(time)s", time=f"{there:%H:%M}")
    if there.date() == now.date() + timedelta(days=1):
        return gettext("tomorrow %(time)s", time=f"{there:%H:%M}")
    if there.date() == now.date() - timedelta(days=1):
        return gettext("yesterday %(time)s", time=f"{there:%H:%M}")
    return f"{there:%m-%d %H:%M}" if there.year == now.year else f"{there:%Y-%m-%d %H:%M}"


def moment_full(at: datetime | None) -> str:
    """Return a date and time with everything, for titles and records."""
    if at is None:
        return ""
    return f"{local(at):%Y-%m-%d} {flask_babel.format_datetime(at, 'EEE')} {local(at):%H:%M:%S}"


def iso(at: datetime | None) -> str:
    """Return a moment for the attribute `datetime` of `<time>`."""
    return at.isoformat() if at else ""


def day(of: date | datetime | None) -> str:
    """Return a day; a moment gives the day on the dealership's clock."""
    if of is None:
        return ""
    return f"{local(of) if isinstance(of, datetime) else of:%Y-%m-%d}"


def day_named(at: datetime) -> str:
    """Return the day of a moment for a heading: with its weekday, and by its name where it is today or yesterday."""
    there, today = local(at).date(), local(clock.now()).date()
    names = {today: gettext("Today"), today - timedelta(days=1): gettext("Yesterday")}
    written = f"{there:%m-%d}" if there.year == today.year else f"{there:%Y-%m-%d}"
    parts = (names.get(there, ""), written, flask_babel.format_datetime(at, "EEE"))
    return " ".join(part for part in parts if part)


def weekday(of: date) -> str:
    """Return the short name of the weekday of a day."""
    return str(flask_babel.format_date(of, "EEE"))


def clock_time(at: datetime) -> str:
    """Return hour and minute of a moment, where its day is told already."""
    return f"{local(at):%H:%M}"


def begin(of: date) -> datetime:
    """Return when a day begins on the dealership's clock; raises `OverflowError` for one that is too early."""
    return clock.local_moment(datetime.combine(of, time()), g.settings.zone)


def start_of_day(text: str) -> datetime | None:
    """Return when a day begins on the dealership's clock; None for no text; raises `InvalidInput` for no day."""
    if not text:
        return None
    try:
        return begin(date.fromisoformat(text))
    except (ValueError, OverflowError):
        raise errors.InvalidInput(
            "Please choose a day such as 2026-10-01; you wrote “{found}”.",
            code="day",
            found=text,
        ) from None


def duration(span: timedelta) -> str:
    """Return a span of time in its largest unit, such as `2 hours`."""
    return format_timedelta(abs(span), threshold=1.5, locale=flask_babel.get_locale())


def in_days(span: timedelta) -> str:
    """Return a long span of time in days, begun ones left out: `45 days` says more of a deadline than `2 months`."""
    days, locale = timedelta(days=span.days), flask_babel.get_locale()
    return format_timedelta(days, granularity="day", threshold=NEVER, locale=locale)


def due_text(at: datetime | None) -> str:
    """Say how long there is until a due date, or how long it has passed."""
    if at is None or at.year >= NO_DUE_YEAR:
        return ""
    left = at - clock.now()
    span = in_days(abs(left)) if abs(left) >= MANY_HOURS else duration(left)
    return gettext("%(span)s overdue", span=span) if left < timedelta(0) else gettext("%(span)s left", span=span)


def due_tone(at: datetime | None) -> str:
    """Return `overdue`, `soon` or nothing."""
    if at is None or at.year >= NO_DUE_YEAR:
        return ""
    left = at - clock.now()
    return "overdue" if left < timedelta(0) else "soon" if left < SOON else ""


def capped(number: int) -> str:
    """Return a count for a badge: nothing for none, `99+` for many."""
    return "" if not number else str(number) if number < MANY else f"{MANY - 1}+"


def tally(of: Tally) -> str:
    """Return how many tasks are in a view, for a badge; `12+` where not all of them were looked through."""
    return f"{min(of.count, MANY - 1)}+" if of.is_partial else capped(of.count)


def state(name: str) -> str:
    """Return the label of a state."""
    return str(STATES.get(name, name))


def end_reason(reason: str) -> str:
    """Return why a process instance ended early, in words; what somebody wrote as it is."""
    if reason == "caller":
        return gettext("with the process that called it")
    if reason.startswith("error:"):
        return gettext("by the error “%(code)s”", code=reason.removeprefix("error:"))
    return reason


def state_tone(name: str) -> str:
    """Return the tone of a state's badge."""
    return STATE_TONES.get(name, "")


def initial(name: str) -> str:
    """Return what stands in the round beside a name: the family name in Chinese, the first letter elsewhere."""
    return (name.strip() or "?")[0].upper()


def group_name(key: str, names: Mapping[str, tuple[str, str]]) -> str:
    """Return the name of a group in the language of the request."""
    return names.get(key, (key, key))[0 if languages.is_chinese() else 1]


def value(of: Any) -> str:
    """Return a variable's value as people read it."""
    if of is None:
        return "—"
    if isinstance(of, bool):
        return gettext("Yes") if of else gettext("No")
    if isinstance(of, datetime):
        return f"{local(of):%Y-%m-%d %H:%M}"
    if isinstance(of, timedelta):
        return duration(of)
    if isinstance(of, int | float | Decimal | str | date):
        return str(of)
    if isinstance(of, Iterable) and not isinstance(of, dict):
        return gettext(", ").join(value(item) for item in of)
    if isinstance(of, dict):
        return gettext("; ").join(f"{key}: {value(item)}" for key, item in of.items())
    return str(of)
