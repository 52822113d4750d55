"""The pages in a browser: with the keyboard, on a phone, with scripts, under the strict Content-Security-Policy."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect

from tests.conftest import new_context
from tests.web.conftest import LogIn

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("task_id")]


def overflow(page: Page) -> int:
    """How many pixels the page is wider than the window."""
    widths = page.locator("html").evaluate_all("elements => elements.map(e => e.scrollWidth - e.clientWidth)")
    return int(widths[0])


def test_task__claimed_filled_in_and_completed(page: Page, log_in: LogIn) -> None:
    log_in("alice")
    page.get_by_role("link", name="待认领").click()
    page.get_by_role("button", name="认领：联系客户").click()
    expect(page.locator("#count-header")).to_have_text("1")

    page.get_by_label("联系结果").fill("客户要求退车")
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_role("alert")).to_contain_text("已解决?")
    expect(page.get_by_label("联系结果")).to_have_value("客户要求退车")

    page.get_by_label("是", exact=True).check()
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_role("status").first).to_contain_text("“联系客户”已完成")
    expect(page.locator("#count-header")).to_have_text("")


def test_fields__appear_and_go_while_the_next_one_is_typed(page: Page, log_in: LogIn, task_id: int) -> None:
    log_in("alice")
    page.goto(page.url + str(task_id))
    rule = page.get_by_text("面对媒体时公司只能有一个声音")
    page.get_by_label("否", exact=True).check()
    page.get_by_label("联系结果").press_sequentially("typed while the answer was on its way")
    expect(rule).to_be_visible()
    expect(page.get_by_label("联系结果")).to_have_value("typed while the answer was on its way")

    page.get_by_label("是", exact=True).check()
    expect(rule).to_be_hidden()
    page.get_by_label("否", exact=True).check()
    expect(rule).to_be_visible()


def test_filters__what_is_not_set_is_not_in_the_address(page: Page, address: str, log_in: LogIn) -> None:
    log_in("alice")
    page.goto(f"{address}/matters/")
    page.get_by_label("状态").select_option("open")
    expect(page).to_have_url(f"{address}/matters/?state=open")

    page.goto(f"{address}/tasks/?view=claimable&order=due")
    page.get_by_label("排序").select_option("urgent")
    expect(page).to_have_url(re.compile(r"/tasks/\?view=claimable&order=urgent(&column=\w+)+$"))


class TestClock:
    @pytest.fixture
    def browser_context(self, browser: Browser) -> Iterator[BrowserContext]:
        """One of its own: a clock that is moved is that of all pages."""
        with new_context(browser) as context:
            yield context

    def test_counts__update_by_themselves(self, page: Page, log_in: LogIn, app: Flask, task_id: int) -> None:
        page.clock.install()
        log_in("alice")
        expect(page.locator("#count-mine")).to_have_text("")
        page.request.post(f"{page.url}{task_id}/claim", form={"csrf_token": token(page)}, max_redirects=0)
        page.clock.fast_forward(15_000)
        expect(page.locator("#count-mine")).to_have_text("1")
        expect(page.locator("#count-claimable")).to_have_text("")


def token(page: Page) -> str:
    return page.locator('meta[name="csrf-token"]').get_attribute("content") or ""


def test_keyboard__skips_to_the_content_and_searches(page: Page, log_in: LogIn) -> None:
    log_in("alice")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.locator("main").get_by_role("searchbox").focus()
    page.keyboard.type("RQ")
    page.keyboard.press("Enter")
    expect(page.locator("main").get_by_role("searchbox")).to_have_value("RQ")


@pytest.mark.parametrize("width", [360, 1280])
def test_pages__fit_their_window(page: Page, log_in: LogIn, task_id: int, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    log_in("alice")
    inbox = page.url
    root = inbox.removesuffix("tasks/")
    for path in ("tasks/?view=claimable", f"tasks/{task_id}", "register/request", "notifications/", "tasks/99999"):
        page.goto(root + path)
        assert overflow(page) == 0, path


def test_language__switched_in_the_header(page: Page, log_in: LogIn) -> None:
    log_in("alice")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("待办任务")


def test_password__that_is_shown_once_is_not_left_by_mistake(page: Page, log_in: LogIn, address: str) -> None:
    log_in("administrator")
    page.goto(f"{address}/people/users/bob")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="新密码").click()
    expect(page.locator("[data-once]")).to_be_visible()

    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.get_by_role("button", name="English").click()
    expect(page.locator("[data-once]")).to_be_visible()
    assert asked == ["beforeunload"]
    page.once("dialog", lambda dialog: dialog.accept())
    page.goto(f"{address}/people/")
