"""Reports for whom their declarations name: what is counted, by what, compared with what, and what is behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from casepath.engine import errors, papers, texts
from casepath.engine.deployments import definitions
from casepath.engine.people import authorization
from casepath.engine.queries import instances, people, reports
from casepath.engine.queries.reports import Key, Reckoning, paper, workbook
from casepath.engine.reports import Figure, Period, Report, Table
from casepath.engine.time import clock
from casepath.web import facts, headers, languages, names
from casepath.web.navigation import row_id
from casepath.web.reports import charts, wording
from casepath.web.reports.wording import Wording

bp = Blueprint("reports", __name__, url_prefix="/reports")


@bp.get("/")
def index() -> str:
    """Show the reports that the person may open."""
    with g.readers.begin() as session:
        found = reports.every(session, g.person)
        return render_template(
            "reports/index.html",
            reports=[(report, wording.of(session, report), last(session, report)) for report in found],
        )


@bp.get("/<key>")
def latest(key: str) -> AnyResponse:
    """Lead to a report for the last period that is over, or for the one that was chosen."""
    with g.readers.begin() as session:
        report = reports.opened(session, key, by=g.person)
        chosen = Period.parse(request.args.get("period", ""), report.period) or last(session, report)
    return redirect(url_for(".report", key=key, period=str(chosen)))


@bp.get("/<key>/<period>")
def report(key: str, period: str) -> str:
    """Show a report for a period."""
    with g.readers.begin() as session:
        declared, chosen = asked(session, key, period)
        found = reports.reckon(session, declared, chosen, by=g.person)
        words = wording.of(session, declared, found)
        return render_template(
            "reports/report.html",
            report=declared,
            period=chosen,
            found=found,
            words=words,
            charts={table.id: charts.of(found, table, words) for table in declared.tables},
            sees_all=authorization.may_see_every_instance(g.person),
        )


@bp.get("/<key>/<period>/report.xlsx")
def file(key: str, period: str) -> Response:
    """Return a report as a file for spreadsheets."""
    found, words = reckoned(key, period)
    return download(workbook.written(found, words), papers.XLSX, f"{found.report.key}-{found.period}.xlsx")


@bp.get("/<key>/<period>/report.pdf")
def pdf(key: str, period: str) -> Response:
    """Return a report to be printed, in the language of the reader."""
    found, words = reckoned(key, period)
    language = papers.LANGUAGES["zh" if languages.is_chinese() else "en"]
    printed = paper.printed(found, words, zone=g.settings.zone, language=language)
    return download(papers.pdf(printed), papers.PDF, f"{found.report.key}-{found.period}.pdf")


def reckoned(key: str, period: str) -> tuple[Reckoning, Wording]:
    """Return a report of an address with its words; raises `NotFound`."""
    with g.readers.begin() as session:
        declared, chosen = asked(session, key, period)
        found = reports.reckon(session, declared, chosen, by=g.person)
        return found, wording.of(session, declared, found)


def download(content: bytes, media_type: str, name: str) -> Response:
    """Return an answer with a file."""
    answer = Response(content, mimetype=media_type)
    answer.headers["Content-Disposition"] = headers.content_disposition(name)
    return answer


@bp.get("/<key>/<period>/matters")
def matters(key: str, period: str) -> str:
    """Show the matters behind a number: as many as it says."""
    with g.readers.begin() as session:
        declared, chosen = asked(session, key, period)
        figure = declared.figures.get(request.args.get("figure", ""))
        if figure is None:
            raise errors.NotFound("report", key)
        table, row = row_of(declared)
        side: Any = "whole" if request.args.get("side") == "whole" else "part"
        behind = reports.behind(session, declared, chosen, by=g.person, figure=figure, side=side, table=table, key=row)
        found = instances.page(session, g.person, below=row_id(request.args.get("below")), among=behind)
        words = wording.of(session, declared)
        return render_template(
            "reports/matters.html",
            report=declared,
            period=chosen,
            figure=figure,
            table=table,
            row=None if table is None else words.key(declared, table, row),
            words=words,
            count=reports.count(session, behind),
            whole=whole(session, declared, chosen, figure, table, row) if side == "part" else None,
            counted=reports.counted(
                session, declared, chosen, [each.id for each in found.rows], by=g.person, figure=figure, side=side
            ),
            page=replace(found, rows=[names.named(session, each) for each in found.rows]),
            facts=facts.of_instances(session, [each.id for each in found.rows]),
            who={each.id: names.holders(each.open_tasks, people.group_names(session)) for each in found.rows},
        )


def whole(
    session: Session, report: Report, period: Period, figure: Figure, table: Table | None, row: Key
) -> int | None:
    """Return of how many matters those behind a share are a part; None for other figures."""
    if figure.measure != "share":
        return None
    behind = reports.behind(session, report, period, by=g.person, figure=figure, side="whole", table=table, key=row)
    return reports.count(session, behind)


def asked(session: Session, key: str, period: str) -> tuple[Report, Period]:
    """Return the report and the period of an address; raises `NotFound`."""
    declared = reports.opened(session, key, by=g.person)
    chosen = Period.parse(period, declared.period)
    if chosen is None:
        raise errors.NotFound("report", f"{key} {period}")
    return declared, chosen


def last(session: Session, report: Report) -> Period:
    """Return the last period of a report that is over."""
    zone = clock.zone_of(definitions.calendar(session))
    return Period.last(report.period, clock.now().astimezone(zone).date())


def row_of(report: Report) -> tuple[Table | None, Key]:
    """Return the table and the row of an address; raises `NotFound` where there are no such ones."""
    wanted = request.args.get("table")
    if wanted is None:
        return None, None
    table, text = report.table(wanted), request.args.get("row")
    if table is None:
        raise errors.NotFound("report", report.key)
    if text is None and not table.rows:
        return table, None
    return table, table.row(texts.storable(text or ""))
