"""The viewer shows a diagram with the path taken through it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

#: Gives the diagram a width, as another window does.
NARROW = "width => { document.querySelector('#diagram').style.width = width; }"


def test_viewer__marks_the_path(pages: str, page: Page) -> None:
    page.goto(f"{pages}/viewer.html")

    diagram = page.locator("#diagram")
    expect(diagram).to_have_attribute("data-diagram", "ready")
    expect(diagram.locator(".path-visited")).to_have_count(2)
    expect(diagram.locator('[data-element-id="check"].path-active')).to_be_visible()
    expect(diagram.locator('.path-badge[data-state="active"]')).to_have_text("2")


def test_viewer__keeps_the_watermark(pages: str, page: Page) -> None:
    page.goto(f"{pages}/viewer.html")

    expect(page.locator("#diagram .bjs-powered-by")).to_be_visible()


def test_viewer__diagram_missing(pages: str, page: Page) -> None:
    page.goto(f"{pages}/viewer.html")

    expect(page.locator("#absent")).to_have_text("无法显示流程图")


def test_viewer__points_at_an_element(pages: str, page: Page) -> None:
    page.goto(f"{pages}/viewer.html")
    expect(page.locator("#diagram")).to_have_attribute("data-diagram", "ready")

    page.get_by_role("button", name="检查订单").click()

    expect(page.locator('#diagram [data-element-id="check"].path-highlighted')).to_be_visible()


def test_viewer__zooms_with_the_keyboard(pages: str, page: Page) -> None:
    page.goto(f"{pages}/viewer.html")
    expect(page.locator("#diagram")).to_have_attribute("data-diagram", "ready")
    viewport = page.locator("#diagram .viewport")
    fitted = viewport.get_attribute("transform") or ""
    page.locator("#diagram").focus()

    page.keyboard.press("+")
    expect(viewport).not_to_have_attribute("transform", fitted)
    page.keyboard.press("0")

    expect(viewport).to_have_attribute("transform", fitted)


def test_viewer__fits_another_width_until_somebody_moves_it(pages: str, page: Page) -> None:
    page.goto(f"{pages}/viewer.html")
    expect(page.locator("#diagram")).to_have_attribute("data-diagram", "ready")
    viewport = page.locator("#diagram .viewport")
    wide = viewport.get_attribute("transform") or ""

    page.evaluate(NARROW, "150px")
    expect(viewport).not_to_have_attribute("transform", wide)
    page.evaluate(NARROW, "")
    expect(viewport).to_have_attribute("transform", wide)

    page.locator("#diagram").focus()
    page.keyboard.press("+")
    larger = viewport.get_attribute("transform") or ""
    page.evaluate(NARROW, "150px")
    # What has been drawn twice has seen the new size.
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(viewport).to_have_attribute("transform", larger)


def test_viewer__what_is_stuck_inside_shows_on_the_collapsed_shape(pages: str, page: Page) -> None:
    page.goto(f"{pages}/viewer.html")

    expect(page.locator('#collapsed [data-element-id="outer"].path-incident')).to_be_visible()
    expect(page.locator('#collapsed .path-badge[data-state="incident"]')).to_have_attribute("title", "停滞")


def test_viewer__no_marker_stands_over_a_name(pages: str, page: Page) -> None:
    long = (Path(__file__).parent / "pages" / "collapsed.bpmn").read_text(encoding="utf-8")
    long = re.sub(r'(id="outer" name=)"[^"]*"', r'\1"Handle the complaint about sales or service"', long)
    page.route("**/collapsed.bpmn", lambda route: route.fulfill(body=long))
    page.goto(f"{pages}/viewer.html")
    expect(page.locator("#collapsed")).to_have_attribute("data-diagram", "ready")

    shape = page.locator('#collapsed [data-element-id="outer"] .djs-visual')
    name, marker = shape.locator("text").bounding_box(), shape.locator("> rect").last.bounding_box()
    assert name is not None
    assert marker is not None
    assert name["y"] + name["height"] <= marker["y"] + 1


def test_viewer__whole_window_until_escape(pages: str, page: Page) -> None:
    page.goto(f"{pages}/viewer.html")
    expect(page.locator("#collapsed")).to_have_attribute("data-diagram", "ready")

    page.get_by_role("button", name="全屏").click()
    expect(page.locator("details.is-full #collapsed")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.locator("details.is-full")).to_have_count(0)
    expect(page.get_by_role("button", name="全屏")).to_have_attribute("aria-pressed", "false")


def test_viewer__opens_what_an_element_has_called_and_goes_back(pages: str, page: Page) -> None:
    page.goto(f"{pages}/viewer.html")
    expect(page.locator("#calling")).to_have_attribute("data-diagram", "ready")
    back = page.get_by_role("button", name="返回")
    expect(back).to_be_hidden()

    page.locator("#calling .path-open").click()
    expect(page.locator('#calling [data-element-id="outer"]')).to_be_visible()
    expect(page.get_by_label("流程")).to_have_value("2")
    expect(page.locator("[data-diagram-chosen]")).to_have_text("被调用")
    back.click()

    expect(page.locator('#calling [data-element-id="check"].path-active')).to_be_visible()
    expect(back).to_be_hidden()


def test_viewer__chooses_the_diagram_of_an_element_before_it_points_at_it(pages: str, page: Page) -> None:
    page.goto(f"{pages}/viewer.html")
    expect(page.locator("#calling")).to_have_attribute("data-diagram", "ready")

    page.get_by_role("button", name="指出").click()

    expect(page.locator('#calling [data-element-id="outer"].path-highlighted')).to_be_visible()
