"""Nothing that is typed is lost: whatever happens between typing and sending, it is there again."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from casepath.engine.queries import tasks
from tests.web.conftest import PASSWORD, LogIn
from tests.web.matters import Matter, Rows
from tests.web.prepared import DIRECTOR

pytestmark = pytest.mark.browser


def photo(name: str = "a.png", content: bytes = b"\x89PNG\r\n\x1a\n") -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": content}


#: Four pixels in AVIF.
AVIF = (
    "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADybWV0YQAAAAAAAAAoaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAGxpYmF2aWYA"
    "AAAADnBpdG0AAAAAAAEAAAAeaWxvYwAAAABEAAABAAEAAAABAAABGgAAAB0AAAAoaWluZgAAAAAAAQAAABppbmZlAgAAAAABAABhdjAxQ29sb3IA"
    "AAAAamlwcnAAAABLaXBjbwAAABRpc3BlAAAAAAAAAAIAAAACAAAAEHBpeGkAAAAAAwgICAAAAAxhdjFDgQ0MAAAAABNjb2xybmNseAACAAIAAYAA"
    "AAAXaXBtYQAAAAAAAAABAAEEAQKDBAAAACVtZGF0EgAKCBgANogQEAwgMg8f8D///8WfhwB8+ErK42A="
)
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"


def registered(rows: Rows) -> int:
    with rows.begin() as session:
        return tasks.count(session, DIRECTOR, "all")


class TestMatter:
    @pytest.fixture(autouse=True)
    def half_a_comment(self, page: Page, log_in: LogIn, address: str, matter: Matter) -> None:
        """The page of a matter, on which a comment is begun."""
        log_in("alice")
        page.goto(f"{address}/matters/show/{matter.key}")
        page.get_by_label("新备注").fill("客户说")

    def expect_the_comment(self, page: Page) -> None:
        expect(page.get_by_label("新备注")).to_have_value("客户说")

    def test_upload__leaves_the_comment(self, page: Page) -> None:
        page.get_by_label("添加照片或文件").set_input_files(photo())
        page.get_by_role("button", name="上传").click()
        expect(page.get_by_role("link", name="a.png").first).to_be_visible()
        self.expect_the_comment(page)
        expect(page.get_by_text("您此前在此填写而未提交的内容已恢复。")).to_be_visible()

        page.get_by_role("button", name="添加", exact=True).click()
        expect(page.locator(".note .text").first).to_have_text("客户说")
        expect(page.get_by_label("新备注")).to_have_value("")

    def test_upload__refused_stays_on_the_page(self, page: Page) -> None:
        page.get_by_label("添加照片或文件").set_input_files(photo(content=b""))
        page.get_by_role("button", name="上传").click()
        expect(page.locator("#form-files .told")).to_contain_text("是空文件")
        self.expect_the_comment(page)

    def test_upload__too_large_is_told_before_it_is_sent(self, page: Page) -> None:
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.method))
        upload = page.get_by_label("添加照片或文件")
        upload.evaluate("input => { input.dataset.maxBytes = 7; }")
        upload.set_input_files(photo())
        expect(page.locator("#form-files .told")).to_contain_text("合计超过 30 MB")
        page.get_by_role("button", name="上传").click()
        assert "POST" not in sent
        upload.set_input_files([photo(f"{number}.png") for number in range(21)])
        expect(page.locator("#form-files .told")).to_contain_text("一次最多上传 20 个文件")
        self.expect_the_comment(page)

    def test_photos_of_phones(self, page: Page) -> None:
        """What browsers decode is shown; of what they do not it is said so."""
        photos = [photo("a.avif", base64.b64decode(AVIF)), photo("b.heic", HEIC)]
        page.get_by_label("添加照片或文件").set_input_files(photos)
        page.get_by_role("button", name="上传").click()
        shown = page.locator(".photos img")
        expect(shown).to_have_count(1)
        shown.scroll_into_view_if_needed()
        expect(shown).to_have_js_property("naturalWidth", 2)
        expect(page.locator(".files li", has_text="b.heic")).to_contain_text("多数浏览器无法直接显示，请下载查看")

    def test_comment__too_long_is_counted_and_not_cut_off(self, page: Page) -> None:
        counter = page.locator("#form-comment .counter")
        expect(counter).to_be_hidden()
        page.get_by_label("新备注").fill("长" * 10_001)
        expect(counter).to_have_text("10001 / 10000")
        page.get_by_role("button", name="添加", exact=True).click()
        expect(page.locator("#error-comment")).to_contain_text("您填写的有 10,001 个")
        expect(page.get_by_label("新备注")).to_have_value("长" * 10_001)


class TestRegistration:
    @pytest.fixture(autouse=True)
    def half_a_registration(self, page: Page, log_in: LogIn, address: str, request_process: str) -> None:
        """A registration that is filled in and not sent."""
        log_in("alice")
        self.page_of = f"{address}/register/{request_process}"
        page.goto(self.page_of)
        page.get_by_label("客户姓名").fill("王建国")
        page.get_by_label("渠道").select_option("visit")
        page.get_by_label("媒体").check()

    def send(self, page: Page) -> None:
        page.get_by_role("button", name="登记", exact=True).click()

    def expect_all(self, page: Page) -> None:
        expect(page.get_by_label("客户姓名")).to_have_value("王建国")
        expect(page.get_by_label("渠道")).to_have_value("visit")
        expect(page.get_by_label("媒体")).to_be_checked()
        expect(page.get_by_label("退车")).not_to_be_checked()

    def test_log_in_ran_out__is_there_after_the_next_one(self, page: Page, rows: Rows) -> None:
        page.context.clear_cookies()
        self.send(page)
        expect(page.get_by_role("heading", name="请重新登录")).to_be_visible()
        page.get_by_role("link", name="登录").click()
        page.get_by_label("用户名").fill("alice")
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        expect(page).to_have_url(self.page_of)
        self.expect_all(page)
        self.send(page)
        expect(page.get_by_text(re.compile("已登记，编号"))).to_be_visible()
        assert registered(rows) == 1

        page.goto(self.page_of)
        expect(page.get_by_label("客户姓名")).to_have_value("")

    def test_left_before_its_scripts__the_page_after_it_settles_it_too(self, page: Page, rows: Rows) -> None:
        """Whoever is quick leaves the answer before the scripts of its page have run."""
        scripts = re.compile(r"\.js(\?|$)")
        page.route(scripts, lambda route: route.abort())
        self.send(page)
        expect(page.get_by_text(re.compile("已登记，编号"))).to_be_visible()
        page.unroute(scripts)
        page.goto(self.page_of)
        expect(page.get_by_label("客户姓名")).to_have_value("")
        page.get_by_label("客户姓名").fill("李梅")
        page.on("dialog", lambda dialog: dialog.accept())
        page.reload()
        expect(page.get_by_label("客户姓名")).to_have_value("李梅")
        assert registered(rows) == 1

    def test_server_down__keeps_the_page(self, page: Page, rows: Rows) -> None:
        page.route("**/*", lambda route: route.abort())
        self.send(page)
        expect(page.get_by_text(re.compile("服务器没有响应"))).to_be_visible()
        self.expect_all(page)
        assert registered(rows) == 0
        page.unroute("**/*")
        self.send(page)
        expect(page.get_by_text(re.compile("已登记，编号"))).to_be_visible()
        assert registered(rows) == 1

    def test_answer_lost__sent_again_is_done_once(self, page: Page, rows: Rows) -> None:
        """The server did it and its answer did not arrive: whoever opens the form again sends the same."""

        def lose(route: Route) -> None:
            before = page.context.cookies()
            route.fetch(max_redirects=0)
            page.context.add_cookies([
                {"name": each["name"], "value": each["value"], "domain": each["domain"], "path": each["path"]}
                for each in before
            ])
            route.abort()

        page.route(self.page_of, lose)
        with page.expect_event("requestfailed"):
            self.send(page)
        page.unroute(self.page_of)
        page.goto(self.page_of)
        self.expect_all(page)
        self.send(page)
        expect(page.get_by_text(re.compile("此前已提交，编号为"))).to_be_visible()
        assert registered(rows) == 1

    def test_back__sent_again_is_told_its_number(self, page: Page, rows: Rows) -> None:
        self.send(page)
        expect(page.get_by_text(re.compile("已登记，编号"))).to_be_visible()
        page.go_back()
        self.expect_all(page)
        self.send(page)
        expect(page.get_by_text(re.compile("此前已提交，编号为"))).to_be_visible()
        assert registered(rows) == 1

    def test_opened_again__is_there_until_it_is_discarded(self, page: Page) -> None:
        page.on("dialog", lambda dialog: dialog.accept())
        page.reload()
        self.expect_all(page)
        page.get_by_role("button", name="不再保留").click()
        expect(page.get_by_label("客户姓名")).to_have_value("")

    def test_somebody_else__sees_nothing_of_it(self, page: Page, log_in: LogIn) -> None:
        page.on("dialog", lambda dialog: dialog.accept())
        page.context.clear_cookies()
        log_in("bob")
        page.goto(self.page_of)
        expect(page.get_by_label("客户姓名")).to_have_value("")

    def test_logged_out__nothing_is_kept(self, page: Page, log_in: LogIn) -> None:
        page.locator("header details.menu > summary").click()
        page.get_by_role("button", name="退出登录").click()
        expect(page).to_have_url(re.compile("/login"))
        log_in("alice")
        page.goto(self.page_of)
        expect(page.get_by_label("客户姓名")).to_have_value("")


def test_typed_before_the_scripts__counts_as_typed(page: Page, log_in: LogIn, task_id: int, address: str) -> None:
    """On a slow line people begin before the scripts have come: what depends on it comes then, and nothing is lost."""
    log_in("alice")
    scripts = re.compile(r"\.js(\?|$)")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(scripts, hold)
    page.goto(f"{address}/tasks/{task_id}", wait_until="commit")
    page.get_by_label("否", exact=True).check()
    page.get_by_label("联系结果").fill("已联系")
    expect(page.get_by_text("面对媒体时公司只能有一个声音。")).to_have_count(0)

    for script in waiting:
        script.continue_()
    page.unroute(scripts)

    expect(page.get_by_text("面对媒体时公司只能有一个声音。")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_label("联系结果")).to_have_value("已联系")
    expect(page.get_by_text("面对媒体时公司只能有一个声音。")).to_be_visible()


def test_half_a_date__is_not_sent_as_none(page: Page, log_in: LogIn, task_id: int, address: str) -> None:
    log_in("alice")
    page.goto(f"{address}/tasks/{task_id}")
    page.get_by_label("联系结果").fill("已联系")
    page.get_by_label("是", exact=True).check()
    page.get_by_label("费用").fill("1e")
    page.get_by_label("联系时间").press("2")
    page.get_by_role("button", name="完成").click()
    expect(page.locator(".told")).to_contain_text("填写不完整或无法识别")
    page.get_by_label("联系时间").fill("2026-10-01T14:30")
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_role("alert")).to_contain_text("您填写的是“1e”")
    expect(page.get_by_label("费用")).to_have_value("1e")
    expect(page.get_by_label("联系时间")).to_have_value("2026-10-01T14:30")
    page.get_by_label("费用").fill("0.30")
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_role("status").first).to_contain_text("“联系客户”已完成")
