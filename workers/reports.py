"""
The topics that ask reports. They count everything, as whoever deployed the process may.

`report` reckons one and keeps it with the matter that asks for it, as a spreadsheet, or as `pdf` where that is its
`format`. Inputs: `report`, its key, and `period`, such as `2026-11`: the last one that is over without it. What comes
back is `document`, the name of the file, by which `dispatch` finds it, and `period`. It is reckoned without keeping
anybody from writing, and kept in the transaction that completes the task: once. Who asks again later gets a file of its
own, with the numbers of then.

`count` says how many matters are behind one number of a report since a moment. Inputs: `report`, `figure`, `since`,
and, where it is a number of a table, `table` and `row`. What comes back is `count`, and `matters`: the numbers of the
newest ones, the newest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from casepath.engine import errors, papers
from casepath.engine.deployments import definitions
from casepath.engine.instances import attachments
from casepath.engine.people.authorization import ENGINE
from casepath.engine.queries import people, reports, vocabulary
from casepath.engine.queries.reports import Key, Reckoning, paper, workbook
from casepath.engine.queries.vocabulary import Vocabulary
from casepath.engine.reports import PARTS, Figure, Period, Report, RowOf, Span, Table
from casepath.engine.time import clock
from casepath.workers import Result, Unrecoverable, Work, topic

WEEKDAYS = "一二三四五六日"
HEADINGS = {"figure": "指标", "summary": "指标一览", "target": "目标", "asked": "截至"}
UNITS = {"hours": "小时", "minutes": "分钟", "days": "天（24 小时）"}
#: What a report may be kept as.
FORMATS = ("xlsx", "pdf")
STATES = {"open": "未结", "completed": "已完成", "cancelled": "已取消"}
YES_OR_NO = {"true": "是", "false": "否"}
UNKNOWN = "尚未认定"
EPOCH = date(1970, 1, 1)
#: Matters that are named with their count.
NAMED = 20


@topic("report", rehearsed=True)
def report(work: Work) -> Result:
    """Reckon a report and keep it; the same task keeps it once, however often it is tried."""
    matter = work.task.business_key
    if matter is None:
        raise Unrecoverable("Expected a business key, under which the report is kept, but found none")
    with work.surroundings.readers.begin() as session:
        declared = _declared(session, work)
        period = _period(session, declared, work)
        found = reports.reckon(session, declared, period, by=ENGINE)
        words = _words(session, found)
        zone = clock.zone_of(definitions.calendar(session))
    wanted = work.text("format") or "xlsx"
    if wanted not in FORMATS:
        raise Unrecoverable(f"Expected one of {', '.join(FORMATS)} as “format”, but found “{wanted}”")
    if wanted == "pdf":
        content = papers.pdf(paper.printed(found, words, zone=zone, language=papers.LANGUAGES["zh"]))
    else:
        content = workbook.written(found, words)
    name = f"{declared.key}-{period}.{wanted}"

    def keep(session: Session) -> None:
        attachments.add(
            session,
            matter,
            name=name,
            content=content,
            media_type=papers.XLSX if wanted == "xlsx" else papers.PDF,
            by=ENGINE,
            process_instance_id=work.task.process_instance_id,
        )

    return Result(local_variables={"document": name, "period": str(period)}, also=keep)


@topic("count", rehearsed=True)
def count(work: Work) -> Result:
    """Count the matters behind a number of a report from a moment up to now, and name the newest."""
    since = work.task.variables.get("since")
    if not isinstance(since, datetime):
        raise Unrecoverable(f"Expected a moment as “since”, but found “{since}”")
    with work.surroundings.readers.begin() as session:
        declared = _declared(session, work)
        figure, table = declared.figures.get(work.text("figure")), declared.table(work.text("table"))
        if figure is None or (table is None and work.text("table")):
            asked = ", ".join(filter(None, (work.text("figure"), work.text("table"))))
            raise Unrecoverable(f"Expected a figure and a table of the report “{declared.key}”, but found “{asked}”")
        span = Span(since=since, until=clock.now())
        key = _row(table, work.text("row")) if table is not None else None
        chosen = reports.behind(session, declared, span, by=ENGINE, figure=figure, table=table, key=key)
        found = {"count": reports.count(session, chosen), "matters": reports.newest(session, chosen, NAMED)}
    return Result(local_variables=found)


def _declared(session: Session, work: Work) -> Report:
    try:
        return reports.opened(session, work.text("report"), by=ENGINE)
    except errors.NotFound as error:
        raise Unrecoverable(error.message) from error


def _row(table: Table, text: str) -> Key:
    """Return the key of a row; without a text that of what is not known, which rows of conditions do not have."""
    try:
        return table.row(text) if text or table.rows else None
    except errors.NotFound as error:
        raise Unrecoverable(error.message) from error


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

    called: Vocabulary
    #: User name → full name.
    people: Mapping[str, str]
    #: Fact → its type.
    types: Mapping[str, str]

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
        if self.types.get(table.by) == "person":
            return self.people.get(text, text)
        if self.types.get(table.by) == "boolean":
            return YES_OR_NO[text]
        if table.by == "state":
            return STATES[text]
        return self.called.values(table.by).get(text, text)

    def period(self, period: Period) -> str:
        """Return what a period is called."""
        if period.year is None:
            return "全部"
        return f"{period.year}年" if period.month is None else f"{period.year}年{period.month}月"

    def unit(self, figure: Figure) -> str:
        """Return what stands behind a number; empty for plain ones."""
        return "%" if figure.is_percent else UNITS.get(figure.unit or "", "")

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
    types = reports.types(session, found.report)
    by_person = [table.id for table in found.report.tables if types.get(table.by) == "person"]
    keys = {str(row.key) for each in by_person for row in found.tables[each] if row.key is not None}
    called = vocabulary.of(session, vocabulary.OWN)
    return Words(called=called, people=people.names(session, keys), types=types)


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
