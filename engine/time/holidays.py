"""Statutory holidays and make-up working days of a country and year, as published, from the `holidays` library."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date, timedelta

import holidays

from casepath.engine import errors

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Year:
    """The statutory calendar of one year."""

    holidays: frozenset[date]
    make_up_days: frozenset[date]


@functools.lru_cache(maxsize=512)
def of_year(country: str, subdivision: str | None, year: int) -> Year:
    """Return the statutory calendar of a country, by ISO 3166 codes; raises `InvalidInput` where none is known."""
    try:
        # A break that the next year begins with may begin in this one.
        known = holidays.country_holidays(country, subdiv=subdivision, years=[year, year + 1])
    except NotImplementedError:
        place = f"{country}, {subdivision}" if subdivision else country
        raise errors.InvalidInput("Expected a country with known holidays, but found '{place}'", place=place) from None
    closed = frozenset(known)
    made_up = frozenset(getattr(known, "weekend_workdays", ()))
    if known.country == "CN":  # it takes `CHN` and `China` as well
        closed = _breaks(closed, made_up)
    return Year(
        holidays=frozenset(day for day in closed if day.year == year),
        make_up_days=frozenset(day for day in made_up if day.year == year),
    )


def _breaks(days: frozenset[date], make_up_days: frozenset[date]) -> frozenset[date]:
    """Add the weekend days that touch a holiday: a break as the State Council announces it includes them."""
    whole = set(days)
    for day in days:
        for step in (_DAY, -_DAY):
            touching = day + step
            while touching.weekday() >= 5 and touching not in make_up_days and touching not in whole:
                whole.add(touching)
                touching += step
    return frozenset(whole)
