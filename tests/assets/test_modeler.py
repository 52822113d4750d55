"""The modeler edits a diagram, lints it, deploys it, and speaks Chinese."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.assets.conftest import Deployments

pytestmark = pytest.mark.browser


@pytest.fixture
def modeler(pages: str, page: Page) -> Page:
    """The modeler with the order diagram open."""
    page.goto(f"{pages}/modeler.html")
    expect(page.locator("#modeler")).to_have_attribute("data-modeler", "ready")
    return page


def select(page: Page, element_id: str) -> None:
    """Select an element of the diagram; a click would hit what lies above it, such as the context pad."""
    page.evaluate(
        """id => {
            const { modeler } = window.modelers[0];
            modeler.get('selection').select(modeler.get('elementRegistry').get(id));
        }""",
        element_id,
    )


def deploy(page: Page) -> None:
    """Deploy, and say what changes and why."""
    page.get_by_role("button", name="部署").click()
    page.get_by_label("变更内容").fill("检查两次")
    page.get_by_label("原因").fill("漏检")
    page.get_by_role("button", name="确认").click()


def test_modeler__asks_what_changes_and_why(modeler: Page, deployments: Deployments) -> None:
    """Without both it is not sent; called off, what was written is there the next time."""
    modeler.get_by_role("button", name="部署").click()
    expect(modeler.locator("[data-modeler-question]")).to_have_text("现在部署？")
    modeler.get_by_label("变更内容").fill("检查两次")
    modeler.get_by_role("button", name="确认").click()
    expect(modeler.locator("dialog")).to_be_visible()
    modeler.get_by_role("button", name="取消").click()
    expect(modeler.locator("dialog")).to_be_hidden()
    assert deployments.requests == []

    modeler.get_by_role("button", name="部署").click()
    expect(modeler.get_by_label("变更内容")).to_have_value("检查两次")
    modeler.get_by_label("原因").fill("漏检")
    modeler.get_by_role("button", name="确认").click()
    expect(modeler.locator("[data-modeler-status]")).to_have_text("已部署")
    (deployed,) = deployments.requests
    assert (deployed["what"], deployed["why"]) == ("检查两次", "漏检")


def test_modeler__deploys_what_was_edited(modeler: Page, deployments: Deployments) -> None:
    select(modeler, "check")
    modeler.locator(".bio-properties-panel-group-header-title", has_text="常规").click()
    modeler.get_by_role("textbox", name="名称").fill("再次检查订单")
    modeler.keyboard.press("Tab")

    deploy(modeler)

    expect(modeler.locator("[data-modeler-status]")).to_have_text("已部署")
    (deployed,) = deployments.requests
    assert deployed["token"] == "token of this session"
    assert deployed["name"] == "order.bpmn"
    assert 'name="再次检查订单" camunda:assignee="alice"' in deployed["xml"]


def test_modeler__deployment_refused(modeler: Page, deployments: Deployments) -> None:
    deployments.answer = (422, {"message": "无法部署", "problems": [{"element_id": "check", "message": "缺少候选组"}]})

    deploy(modeler)
    expect(modeler.locator("[data-modeler-status]")).to_have_text("无法部署")
    modeler.get_by_role("button", name="缺少候选组").click()

    expect(modeler.locator('[data-element-id="check"].selected')).to_be_visible()


def test_modeler__lints(modeler: Page) -> None:
    """All that is found stands in one list with one count, the names that lack their English too."""
    count, listed = modeler.locator("[data-modeler-count]"), modeler.locator("[data-modeler-problems] li")
    expect(count).to_have_text("0 个错误，2 个警告")
    expect(listed).to_have_text(["收到订单缺英文名", "完成缺英文名"])
    expect(modeler.locator(".bjsl-button")).to_be_hidden()

    select(modeler, "flow_end")
    modeler.locator('.djs-context-pad [data-action="delete"]').click()

    expect(count).to_contain_text("个警告")
    expect(count).not_to_contain_text("0 个错误，")
    wrong, warned = (int(word) for word in re.findall(r"\d+", count.inner_text()))
    expect(listed).to_have_count(wrong + warned)
    expect(modeler.get_by_role("button", name="部署")).to_be_disabled()


def test_modeler__speaks_chinese(modeler: Page) -> None:
    """Every word that palette, menus, context pad and properties panel ask for is translated."""
    panel = modeler.locator(".bio-properties-panel-group-header-title")
    for element in ("start", "flow_check", "end", "check"):
        select(modeler, element)
        expect(panel.first).to_be_visible()
    for action in ("create", "append", "replace"):
        modeler.locator(f'[data-action="{action}"]').click()
        expect(modeler.locator(".djs-popup")).to_be_visible()
        modeler.keyboard.press("Escape")

    missing = modeler.evaluate("() => [...window.modelers[0].missing].sort()")

    assert missing == [], "\n".join(missing)


def test_modeler__has_the_english_name_beside_the_own_one(modeler: Page, deployments: Deployments) -> None:
    select(modeler, "check")
    english = modeler.get_by_label("英文名")
    expect(english).to_have_value("Check the order")
    modeler.evaluate("""() => {
        const { modeler } = window.modelers[0];
        const check = modeler.get('elementRegistry').get('check');
        modeler.get('modeling').updateProperties(check, { name: '复查订单' });
    }""")
    modeler.evaluate("window.modelers[0].modeler.get('selection').select([])")
    select(modeler, "check")
    expect(modeler.get_by_role("button", name="复查订单的英文名仍是Check the order")).to_be_visible()

    english.fill("Check again")

    expect(modeler.get_by_role("button", name="复查订单的英文名")).to_have_count(0)
    deploy(modeler)
    expect(modeler.locator("[data-modeler-status]")).to_have_text("已部署")
    (deployed,) = deployments.requests
    assert deployed["english"] == {"check": "Check again"}


def test_modeler__shows_and_writes_the_names_of_the_reader(pages: str, page: Page, deployments: Deployments) -> None:
    """On an English page the diagram shows English names, and the file keeps its own."""

    def in_english(route: Route) -> None:
        answer = route.fetch()
        shown = answer.text().replace('lang="zh-CN"', 'lang="en"').replace("data-names", "data-shown data-names")
        route.fulfill(response=answer, body=shown)

    page.route("**/modeler.html", in_english)
    page.goto(f"{pages}/modeler.html")
    expect(page.locator("#modeler")).to_have_attribute("data-modeler", "ready")
    check, start = (page.locator(f'[data-element-id="{each}"] .djs-label').first for each in ("check", "start_label"))
    expect(check).to_have_text("Check the order")
    expect(start).to_have_text("收到订单")

    page.locator('[data-element-id="check"] .djs-hit').first.dblclick()
    expect(page.locator(".djs-direct-editing-content")).to_have_text("Check the order")
    page.keyboard.press("Control+A")
    page.keyboard.type("Check again")
    page.locator(".djs-container svg").first.click(position={"x": 5, "y": 300})
    expect(check).to_have_text("Check again")
    page.get_by_role("button", name="撤销").click()
    expect(check).to_have_text("Check the order")

    select(page, "check")
    page.get_by_label("英文名").fill("Look at it")
    expect(check).to_have_text("Look at it")
    deploy(page)
    expect(page.locator("[data-modeler-status]")).to_have_text("已部署")
    (deployed,) = deployments.requests
    assert deployed["english"] == {"check": "Look at it"}
    assert 'name="检查订单"' in deployed["xml"]
