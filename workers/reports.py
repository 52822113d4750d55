"""
The topic that makes reports: `report` reckons one and keeps it with the matter that asks for it, as a spreadsheet.

Inputs: `report`, its key, and `period`, such as `2026-11`: the last one that is over without it. What comes back is
`document`, by which `dispatch` finds the file, and `period`. It counts everything, as whoever deployed the process may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from casepath.engine import papers
from casepath.engine.deployments import definitions
from casepath.engine.instances import attachments
from casepath.engine.people.authorization import ENGINE
from casepath.engine.queries import people, reports
from casepath.engine.queries.reports import Key, Reckoning, workbook
from casepath.engine.reports import PARTS, Figure, Period, Report, RowOf, Table
from casepath.engine.time import clock
from casepath.workers import Result, Unrecoverable, Work, topic

WEEKDAYS = "一二三四五六日"
HEADINGS = {"figure": "指标", "summary": "指标一览", "target": "目标"}
STATES = {"open": "未结", "completed": "已完成", "cancelled": "已取消"}
YES_OR_NO = {"true": "是", "false": "否"}
UNKNOWN = "尚未认定"
EPOCH = date(1970, 1, 1)


@topic("report")
def report(work: Work) -> Result:
    """Reckon a report and keep it; the same task keeps it once, however often it is tried."""
    matter = work.task.business_key
    if matter is None:
        raise Unrecoverable("Expected a business key, under which the report is kept, but found none")
    with work.surroundings.sessions.begin() as session:
        declared = reports.opened(session, work.text("report"), by=ENGINE)
        period = _period(session, declared, work)
        stem = f"{declared.key}-{period}"
        if not any(entry.name == f"{stem}.xlsx" for entry in attachments.list_of(session, matter)):
            found = reports.reckon(session, declared, period, by=ENGINE)
            attachments.add(
                session,
                matter,
                name=f"{stem}.xlsx",
                content=workbook.written(found, _words(session, found)),
                media_type=papers.XLSX,
                by=ENGINE,
                process_instance_id=work.task.process_instance_id,
            )
    return Result(local_variables={"document": stem, "period": str(period)})


def _period(session: Session, declared: Report, work: Work) -> Period:
    text = work.text("period")
    zone = clock.zone_of(definitions.calendar(session))
    # Tried again later, it is about the same period.
    today = work.task.created_at.astimezone(zone).date()
    period = Period.parse(text, declared.period) if text else Period.last(declared.period, today)
    if period is None:
        raise Unrecoverable(f"Expected a period of the report “{declared.key}”, but found “{text}”")
    return period


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of the house, in which its papers are written."""

    #: Variable → value → what it is called.
    options: Mapping[str, Mapping[str, str]]
    #: User names and keys of groups → what they are called.
    names: Mapping[str, str]

    def named(self, of: Report | Figure | Table | RowOf) -> str:
        """Return what something of a declaration is called."""
        return of.name

    def key(self, _report: Report, table: Table, key: Key) -> str:
        """Return what a row of a table is called."""
        if table.rows:
            return table.rows[int(key or 0)].name
        if key is None:
            return UNKNOWN
        if table.by in PARTS:
            return _part(table.by, int(key))
        text = str(key)
        if table.by == "state":
            return STATES[text]
        return self.options.get(table.by, {}).get(text) or self.names.get(text) or YES_OR_NO.get(text, text)

    def period(self, period: Period) -> str:
        """Return what a period is called."""
        if period.year is None:
            return "全部"
        return f"{period.year}年" if period.month is None else f"{period.year}年{period.month}月"

    def target(self, figure: Figure) -> str:
        """Return what a figure should be; empty where nobody said."""
        target, percent = figure.target, " %" if figure.is_percent else ""
        bounds = () if target is None else (("不低于", target.at_least), ("不高于", target.at_most))
        return "，".join(f"{said} {bound.normalize():f}{percent}" for said, bound in bounds if bound is not None)

    def shortened(self) -> str:
        """Say that a table leaves out what is rare."""
        return f"只列出最常见的 {reports.MAX_GROUPS} 项，还有其他项。"

    def heading(self, name: str) -> str:
        """Return a heading."""
        return HEADINGS[name]


def _words(session: Session, found: Reckoning) -> Words:
    options: dict[str, dict[str, str]] = {}
    for form in definitions.latest_forms(session):
        for field in form.fields:
            said = {str(option.value): option.label.text for option in field.options}
            options[field.key] = said | options.get(field.key, {})
    keys = {str(row.key) for rows in found.tables.values() for row in rows if isinstance(row.key, str)}
    groups = {key: name for key, (name, _) in people.group_names(session).items()}
    return Words(options=options, names=groups | people.names(session, keys))


def _part(part: str, key: int) -> str:
    match part:
        case "hour":
            return f"{key}时"
        case "weekday":
            return f"周{WEEKDAYS[key]}"
        case "day":
            return (EPOCH + timedelta(days=key)).isoformat()
        case _:
            return f"{key // 12}年{key % 12 + 1}月"
