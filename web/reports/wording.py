"""What reports, their figures and the rows of their tables are called in the language of the reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from flask_babel import format_date, format_decimal
from sqlalchemy.orm import Session

from casepath.engine.queries import people, reports
from casepath.engine.queries.reports import Key, Reckoning, Value
from casepath.engine.reports import PARTS, Figure, Period, Report, RowOf, Table
from casepath.web import filters, languages, words
from casepath.web.languages import gettext
from casepath.web.words import Words

#: A Monday.
MONDAY = date(2026, 11, 2)
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The words of a report in one language."""

    told: Words
    #: User name → full name.
    people: Mapping[str, str]
    #: Fact → its type.
    types: Mapping[str, str]
    #: The period that is shown.
    here: Period | None = None

    def named(self, of: Report | Figure | Table | RowOf) -> str:
        """Return what something of a declaration is called."""
        return of.name if languages.is_chinese() else of.name_en or of.name

    def key(self, _report: Report, table: Table, key: Key) -> str:
        """Return what a row of a table is called."""
        if table.rows:
            return self.named(table.rows[int(key or 0)])
        if key is None:
            return gettext("Not known yet")
        if table.by in PARTS:
            return _part(table.by, int(key), self.here)
        if self.types.get(table.by) == "person":
            return self.people.get(str(key), str(key))
        if self.types.get(table.by) == "boolean":
            return filters.value(key == "true")
        if table.by == "state":
            return gettext("Open") if key == "open" else filters.state(str(key))
        return self.told.said(table.by, str(key))

    def period(self, period: Period) -> str:
        """Return what a period is called."""
        first = period.first_day
        if first is None:
            return gettext("All")
        if period.month is None:
            return str(first.year) if not languages.is_chinese() else f"{first.year}年"
        return f"{first.year}年{first.month}月" if languages.is_chinese() else format_date(first, "MMMM yyyy")

    def short(self, period: Period) -> str:
        """Return what a period is called beside others: its year where the month is the same, else its month."""
        if period.first_day is None or period.month is None:
            return self.period(period)
        if self.here is not None and period != self.here and period.month == self.here.month:
            return f"{period.year}年" if languages.is_chinese() else str(period.year)
        return f"{period.month}月" if languages.is_chinese() else str(format_date(period.first_day, "LLL"))

    def target(self, figure: Figure) -> str:
        """Return what a figure should be; empty where nobody said."""
        target = figure.target
        if target is None:
            return ""
        least = (
            gettext("at least %(value)s", value=_plain(target.at_least, figure)) if target.at_least is not None else ""
        )
        most = gettext("at most %(value)s", value=_plain(target.at_most, figure)) if target.at_most is not None else ""
        return gettext(", ").join(filter(None, (least, most)))

    def heading(self, name: str) -> str:
        """Return a heading."""
        return {
            "figure": gettext("Figure"),
            "summary": gettext("Figures"),
            "target": gettext("Target"),
            "asked": gettext("As of"),
        }[name]

    def shortened(self) -> str:
        """Say that a table leaves out what is rare."""
        return gettext("Only the %(limit)s most frequent are listed; there are more.", limit=reports.MAX_GROUPS)

    def number(self, value: Value) -> str:
        """Return a number with the digits that its figure has; a dash where nothing can be said."""
        return "–" if value.value is None else _digits(value.value, value.figure.decimals)

    def counted(self, value: Value) -> str:
        """Return what one matter was counted with: a number with its unit, or whether it is part of a share."""
        if value.figure.is_percent:
            return gettext("Yes") if value.exact else gettext("No")
        unit = self.unit(value.figure)
        return f"{self.number(value)} {unit}" if unit else self.number(value)

    def unit(self, figure: Figure) -> str:
        """Return what stands behind a number; empty for plain ones."""
        if figure.is_percent:
            return "%"
        return {
            "hours": gettext("hours"), "minutes": gettext("minutes"), "days": gettext("days (24 h)"),
        }.get(figure.unit, "")  # fmt: skip


def of(session: Session, report: Report, found: Reckoning | None = None) -> Wording:
    """Return the words for a report, and for the persons in its tables."""
    types = reports.types(session, report)
    by_person = {table.id for table in report.tables if types.get(table.by) == "person"}
    rows = [row for key in by_person for row in found.tables[key]] if found is not None else []
    return Wording(
        told=words.of(session),
        people=people.names(session, {str(row.key) for row in rows if row.key is not None}),
        types=types,
        here=found.period if found is not None else None,
    )


def _digits(value: Decimal, decimals: int) -> str:
    return str(format_decimal(value, "#,##0" + ("." + "0" * decimals if decimals else "")))


def _plain(value: Decimal | None, figure: Figure) -> str:
    number = f"{(value or Decimal(0)).normalize():f}"
    return f"{number} %" if figure.is_percent else number


def _part(part: str, key: int, here: Period | None) -> str:
    """Return what a part of a moment is called; a day names its year, unless the period that is shown does."""
    if part == "hour":
        return f"{key:02}:00"
    if part == "weekday":
        return str(format_date(MONDAY + timedelta(days=key), "EEE"))
    if part == "day":
        day = EPOCH + timedelta(days=key)
        is_known = here is not None and here.year == day.year
        if languages.is_chinese():
            return f"{day.month}月{day.day}日" if is_known else f"{day.year}年{day.month}月{day.day}日"
        return str(format_date(day, "MMM d" if is_known else "MMM d, yyyy"))
    return str(format_date(date(key // 12, key % 12 + 1, 1), "MMM yyyy" if not languages.is_chinese() else "yyyy年M月"))
