"""The documents that deployments bring along, of a matter or of a period, to be read, printed and downloaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, g, render_template, request
from flask import Response as FlaskResponse
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors, papers, texts
from casepath.engine.deployments import documents
from casepath.engine.forms import Document
from casepath.engine.papers import Paper
from casepath.engine.queries import papers as printed
from casepath.engine.queries.instances import Reference
from casepath.engine.queries.papers import Printing
from casepath.engine.time import clock
from casepath.web import filters, headers, languages, phrases
from casepath.web.process_instances import matter_page

bp = Blueprint("papers", __name__, url_prefix="/matters")

#: In which matters may have begun; others no calendar here reckons with.
YEARS = range(1970, 3000)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The list and the period that an address asks for: this month, where it says nothing."""

    document: Document
    first: date
    last: date

    @property
    def arguments(self) -> dict[str, str]:
        """What an address says for it."""
        return {"document": self.document.key, "from": self.first.isoformat(), "until": self.last.isoformat()}

    @property
    def file(self) -> str:
        """What a file of it is called, without its ending."""
        return f"{self.document.title} {self.first.isoformat()} {self.last.isoformat()}"


@bp.get("/papers/<key>/<matter:reference>")
def show(key: str, reference: Reference) -> str:
    """Show a document of a matter, as it is printed."""
    with g.readers.begin() as session:
        document, paper = _of_matter(session, key, reference)
        return render_template("papers/show.html", document=document, paper=paper, reference=reference)


@bp.get("/papers.pdf/<key>/<matter:reference>")
def show_pdf(key: str, reference: Reference) -> Response:
    """Return a document of a matter as PDF."""
    with g.readers.begin() as session:
        _, paper = _of_matter(session, key, reference)
    name = f"{reference} {paper.title}.pdf"
    return _download(name, papers.pdf(paper), papers.PDF)


def _of_matter(session: Session, key: str, reference: Reference) -> tuple[Document, Paper]:
    matter_page.found(session, g.person, reference)
    for each in printed.offered(session, reference, _printing()):
        if each.key == key:
            return each, printed.of_matter(session, each, reference, _printing())
    raise errors.NotFound("document", key)


@bp.get("/register")
def register() -> str:
    """Show the list of the matters of a period that the person may see."""
    with g.readers.begin() as session:
        lists = printed.lists(session)
        asked = _asked(session)
        refused, paper = "", None
        try:
            paper = _of_period(session, asked)
        except errors.InvalidInput as refusal:
            refused = phrases.sentence(refusal)
        return render_template(
            "papers/register.html", lists=lists, asked=asked, paper=paper, refused=refused, periods=periods()
        )


@bp.get("/register.pdf")
def register_pdf() -> Response:
    """Return the list as PDF."""
    return _register(papers.PDF, "pdf", papers.pdf)


@bp.get("/register.xlsx")
def register_xlsx() -> Response:
    """Return the list as a workbook, in which moments and numbers are such."""
    return _register(papers.XLSX, "xlsx", _workbook)


def _workbook(paper: Paper) -> bytes:
    sheet = papers.sheet_of(paper)
    return papers.workbook([sheet], zone=g.settings.zone, created_at=paper.made_at, title=paper.title)


def _register(media_type: str, ending: str, made: Callable[[Paper], bytes]) -> Response:
    with g.readers.begin() as session:
        asked = _asked(session)
        paper = _of_period(session, asked)
    # What takes long is done outside of the transaction.
    return _download(f"{asked.file}.{ending}", made(paper), media_type)


def _of_period(session: Session, asked: Asked) -> Paper:
    return printed.of_period(session, asked.document, g.person, asked.first, asked.last, _printing())


def _asked(session: Session) -> Asked:
    key = texts.storable(request.args.get("document", "")[:255])
    lists = printed.lists(session)
    document = documents.newest(session, key) if key else next(iter(lists), None)
    if document is None or not document.is_list:
        raise errors.NotFound("document", key)
    first, last = periods()[0][1:]
    return Asked(document=document, first=_day("from", first), last=_day("until", last))


def _day(name: str, otherwise: date) -> date:
    try:
        found = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return otherwise
    return found if found.year in YEARS else otherwise


def periods() -> list[tuple[str, date, date]]:
    """Return the periods that are offered, with their names: this month first."""
    today = filters.local(clock.now()).date()
    this_month, this_year = today.replace(day=1), today.replace(month=1, day=1)
    next_month = (this_month + timedelta(days=31)).replace(day=1)
    last_month, last_year = (this_month - timedelta(days=1)).replace(day=1), this_year.replace(year=today.year - 1)
    day = timedelta(days=1)
    return [
        (languages.gettext("This month"), this_month, next_month - day),
        (languages.gettext("Last month"), last_month, this_month - day),
        (languages.gettext("This year"), this_year, this_year.replace(year=today.year + 1) - day),
        (languages.gettext("Last year"), last_year, this_year - day),
    ]


def _printing() -> Printing:
    return Printing(at=clock.now(), zone=g.settings.zone, by=g.person.name)


def _download(name: str, content: bytes, media_type: str) -> Response:
    answer = FlaskResponse(content, mimetype=media_type)
    answer.headers["Content-Disposition"] = headers.content_disposition(name, inline="show" in request.args)
    return answer
