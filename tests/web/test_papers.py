"""What is printed of a matter and of a period: as page, as PDF, as workbook."""

from __future__ import annotations

import io
from datetime import datetime

import openpyxl
import pytest
from playwright.sync_api import Page

from casepath.engine.instances import user_tasks
from tests import pdf
from tests.each import each
from tests.web.conftest import LogIn
from tests.web.matters import Matter, Rows
from tests.web.visitor import Visitor, text

ALL = "document=list&from=2000-01-01&until=2099-12-31"


@pytest.mark.browser
def test_page__shows_on_a_phone_that_a_table_goes_on(page: Page, address: str, log_in: LogIn, matter: Matter) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    log_in("alice")
    for path in (f"papers/slip/{matter.key}", f"register?{ALL}"):
        page.goto(f"{address}/matters/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        for box in page.locator(".paper-table").all():
            assert "gradient" in box.evaluate("e => getComputedStyle(e).backgroundImage")
    assert page.locator(".paper-wide").evaluate_all("es => es.some(e => e.scrollWidth > e.clientWidth)")


class TestDocument:
    def test_page__has_every_copy(self, alice: Visitor, matter: Matter) -> None:
        page = text(alice.get(f"/matters/papers/slip/{matter.key}"))

        assert page.count("<article") == 2
        assert "第一联" in page
        assert "第二联" in page
        assert f"编号：{matter.key}" in page
        assert f"/matters/papers.pdf/slip/{matter.key}" in page

    def test_page__says_where_the_paper_is_in_another_language(self, alice: Visitor, matter: Matter) -> None:
        pages = [f"/matters/{each}" for each in (f"papers/slip/{matter.key}", f"show/{matter.key}", f"register?{ALL}")]
        assert [page for page in pages if "in Chinese" in text(alice.get(page))] == []
        alice.post("/language", {"language": "en", "next": "/"})
        assert [page for page in pages if "in Chinese" not in text(alice.get(page))] == []

    def test_page__escapes_what_people_wrote(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        with rows.begin() as session:
            task = user_tasks.open_of(session, matter.key, "solve")
            user_tasks.complete(session, task, {"solved": "yes"}, by="alice")

        page = text(alice.get(f"/matters/papers/slip/{matter.key}"))
        assert '<th scope="row" class="is-center"><span class="paper-line"><span>处理</span></span></th>' in page
        assert "style=" not in page.partition("<article")[2]

    def test_pdf(self, alice: Visitor, matter: Matter) -> None:
        answer = alice.get(f"/matters/papers.pdf/slip/{matter.key}")

        assert answer.mimetype == "application/pdf"
        assert "%E5%A4%84%E7%90%86%E5%8D%95.pdf" in answer.headers["Content-Disposition"]
        first, second = (pdf.bare(page) for page in pdf.pages(answer.data))
        assert first.startswith(f"{matter.key}第一联处理单编号：{matter.key}")
        assert second.startswith(f"{matter.key}第二联处理单编号：{matter.key}")

    def test_matter__leads_to_what_can_be_printed(self, alice: Visitor, matter: Matter) -> None:
        page = text(alice.get(f"/matters/show/{matter.key}"))

        assert "打印文书" in page
        assert f'href="/matters/papers/slip/{matter.key}">处理单</a>' in page

    @pytest.mark.parametrize("key", ["none", "list", "%00", "x" * 500])
    def test_page__of_none(self, alice: Visitor, matter: Matter, key: str) -> None:
        for address in ("papers", "papers.pdf"):
            assert alice.get(f"/matters/{address}/{key}/{matter.key}").status_code == 404


class TestRegister:
    def test_page__leads_to_each_matter(self, alice: Visitor, matter: Matter) -> None:
        page = text(alice.get(f"/matters/register?{ALL}"))

        assert f'<a href="/matters/show/{matter.key}">{matter.key}</a>' in page
        assert "2000年1月1日 至 2099年12月31日" in page
        assert "/matters/register.xlsx?document=list&amp;from=2000-01-01&amp;until=2099-12-31" in page

    def test_workbook__has_moments_and_texts(self, alice: Visitor, matter: Matter) -> None:
        answer = alice.get(f"/matters/register.xlsx?{ALL}")

        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
        assert sheet.title == "登记表"
        head, first, *_ = sheet.iter_rows(values_only=True)
        assert head == ("编号", "登记", "登记人", "结案")
        assert first[0] == matter.key
        assert isinstance(first[1], datetime)
        assert first[3] is None

    def test_pdf(self, alice: Visitor, matter: Matter) -> None:
        answer = alice.get(f"/matters/register.pdf?{ALL}")

        assert matter.key in pdf.text(answer.data)
        assert "%E7%99%BB%E8%AE%B0%E8%A1%A8%202000-01-01" in answer.headers["Content-Disposition"]

    def test_shows_nobody_what_is_not_his(self, visit: object, matter: Matter) -> None:
        stranger: Visitor = visit("stranger")  # type: ignore[operator]

        assert matter.key not in text(stranger.get(f"/matters/register?{ALL}"))

    @each(
        "arguments",
        ["", "from=x&until=", "from=0001-01-01&until=9999-12-31", "from=2026-12-01&until=2026-11-01", "document=list"],
    )
    def test_takes_any_period(self, alice: Visitor, matter: Matter, arguments: str) -> None:
        assert alice.get(f"/matters/register?{arguments}").status_code == 200

    @pytest.mark.parametrize("key", ["slip", "none", "%00"])
    def test_of_none(self, alice: Visitor, matter: Matter, key: str) -> None:
        for address in ("register", "register.pdf", "register.xlsx"):
            assert alice.get(f"/matters/{address}?document={key}").status_code == 404

    def test_says_that_a_period_is_too_long(
        self, alice: Visitor, matter: Matter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("casepath.engine.queries.papers.MAX_MATTERS", 0)

        assert "请选择较短的期间" in text(alice.get(f"/matters/register?{ALL}"))
        assert alice.get(f"/matters/register.pdf?{ALL}").status_code == 422
