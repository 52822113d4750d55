"""Reports on pages, and in files: what they say beside their numbers."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import openpyxl
import pytest
from lxml import html
from playwright.sync_api import Page
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.instances import process_instances
from casepath.engine.people import identity
from tests.acting import PROGRAM
from tests.each import each
from tests.integration.test_reports import files
from tests.web.conftest import LogIn
from tests.web.visitor import Visitor, text

REPORT = """
id: requests
name: 请求
name_en: Requests
processes: [request]
period: any
readers: [service]
figures: {all: {name: 全部, measure: count}}
tables:
  - {id: colours, name: 颜色, by: colour, figures: [all]}
  - {id: days, name: 日, by: day, figures: [all]}
"""
RARE = "只列出最常见的"


@pytest.fixture
def alice(visit: Callable[[str | None], Visitor], rows: sessionmaker[Session]) -> Visitor:
    """Somebody who may open the report: of two red requests and a green one, on the last day of a year and the next."""
    with rows.begin() as session:
        deployments.deploy(session, files(REPORT), name="requests", by=PROGRAM)
        eve, new_year = datetime(2026, 12, 31, 15, tzinfo=UTC), datetime(2027, 1, 1, 15, tzinfo=UTC)
        for asked, colour in ((eve, "red"), (eve, "red"), (new_year, "green")):
            process_instances.start(session, "request", {"asked_at": asked, "colour": colour}, by="alice")
    return visit("alice")


@pytest.mark.browser
def test_page__fits_a_phone(
    page: Page, address: str, log_in: LogIn, alice: Visitor, rows: sessionmaker[Session]
) -> None:
    report = REPORT.replace("period: any", "period: month\ncompare: [before, year_before]")
    report += "  - {id: both, name: 两者, by: colour, figures: [all, all2]}\n"
    report = report.replace("{all: {", "{all2: {name: 其他, name_en: Others of this kind, measure: count}, all: {")
    with rows.begin() as session:
        deployments.deploy(session, files(report), name="requests", by=PROGRAM)
        kept = {"asked_at": datetime(2026, 12, 31, 15, tzinfo=UTC), "colour": "a colour with a name that is long " * 2}
        process_instances.start(session, "request", kept, by="alice")
        identity.set_language(session, "alice", "en", by=PROGRAM)
    page.set_viewport_size({"width": 390, "height": 844})
    log_in("alice")
    page.goto(f"{address}/reports/requests/2026-12")

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for box in page.locator(".scrolled, .bars-box").all():
        assert box.evaluate("e => getComputedStyle(e).overflowX") == "auto"
        # A shadow where it goes on.
        assert "gradient" in box.evaluate("e => getComputedStyle(e).backgroundImage")


def test_table__says_that_what_is_rare_is_left_out(alice: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert RARE not in text(alice.get("/reports/requests/all"))
    monkeypatch.setattr("casepath.engine.queries.reports.reckoning.MAX_GROUPS", 1)

    page = text(alice.get("/reports/requests/all"))
    assert "red" in page
    assert "green" not in page
    assert page.count(RARE) == 1
    book = openpyxl.load_workbook(io.BytesIO(alice.get("/reports/requests/all/report.xlsx").data))
    assert str(book["颜色"]["A1"].value).startswith(RARE)
    assert [row[0] for row in book["颜色"].iter_rows(min_row=2, values_only=True)] == ["颜色", "red"]
    # Every day is there.
    assert book["日"].max_row == 3


@each(
    "language, period, said",
    [
        ("zh", "all", {"2026年12月31日", "2027年1月1日"}),
        ("zh", "2026-12", {"12月31日"}),
        ("en", "all", {"Dec 31, 2026", "Jan 1, 2027"}),
        ("en", "2026-12", {"Dec 31"}),
    ],
)
def test_table__tells_days_with_their_year_unless_it_is_the_period(
    alice: Visitor, language: str, period: str, said: set[str]
) -> None:
    alice.post("/language", {"language": language})

    book = openpyxl.load_workbook(io.BytesIO(alice.get(f"/reports/requests/{period}/report.xlsx").data))

    assert {row[0] for row in book.worksheets[2].iter_rows(min_row=2, values_only=True)} == said


def test_matters__go_on_with_all_that_is_behind_a_number(alice: Visitor, rows: sessionmaker[Session]) -> None:
    with rows.begin() as session:
        for _ in range(26):
            given = {"asked_at": datetime(2026, 12, 31, 15, tzinfo=UTC), "colour": "red"}
            process_instances.start(session, "request", given, by="alice")

    for query, count in (("figure=all", 29), ("figure=all&side=whole", 29), ("figure=all&table=colours&row=red", 28)):
        first = html.fromstring(text(alice.get(f"/reports/requests/all/matters?{query}")))
        (following,) = first.xpath('//a[@rel="next"]/@href')
        second = html.fromstring(text(alice.get(following)))
        assert len(first.xpath("//tbody/tr")) + len(second.xpath("//tbody/tr")) == count
        (back,) = second.xpath('//nav[@class="pagination"]/a[not(@rel)]/@href')
        assert "=&" not in following
        assert alice.get(back).status_code == 200


def test_matters__say_what_each_was_counted_with(alice: Visitor, rows: sessionmaker[Session]) -> None:
    figures = """
      all: {name: 全部, measure: count}
      mean: {name: 重量, measure: mean, fact: weight, decimals: 1}
      red: {name: 红, measure: share, where: {colour: red}}
      weights: {name: 总重, measure: sum, fact: weight}
      each: {name: 每公斤, measure: ratio, part: all, whole: weights}
    """
    with rows.begin() as session:
        report = REPORT.replace("figures: {all: {name: 全部, measure: count}}", f"figures:{figures}")
        deployments.deploy(session, files(report), name="requests", by=PROGRAM)
        given = {"asked_at": datetime(2026, 12, 31, 15, tzinfo=UTC), "colour": "red", "weight": Decimal("2.5")}
        process_instances.start(session, "request", given, by="alice")

    def counted(query: str) -> list[str]:
        shown = html.fromstring(text(alice.get(f"/reports/requests/all/matters?{query}")))
        return ["".join(cell.itertext()) for cell in shown.xpath('//td[@data-label="计入的值"]')]

    assert counted("figure=mean") == ["2.5"]
    assert sorted(counted("figure=red&side=whole")) == ["否", "是", "是", "是"]
    assert counted("figure=all") == []
    assert "4 件中 3 件" in text(alice.get("/reports/requests/all/matters?figure=red"))
    shown = html.fromstring(text(alice.get("/reports/requests/all")))
    (ratio,) = shown.xpath('//dl//div[dt="每公斤"]')
    assert "".join(ratio.xpath("./dd[2]")[0].itertext()) == "全部 4 / 总重 3"
