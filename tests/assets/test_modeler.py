"""The modeler edits a diagram, lints it, deploys it, and speaks Chinese."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

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


def test_modeler__deploys_what_was_edited(modeler: Page, deployments: Deployments) -> None:
    select(modeler, "check")
    modeler.locator(".bio-properties-panel-group-header-title", has_text="常规").click()
    modeler.get_by_role("textbox", name="名称").fill("再次检查订单")
    modeler.keyboard.press("Tab")

    modeler.get_by_role("button", name="部署").click()

    expect(modeler.locator("[data-modeler-status]")).to_have_text("已部署")
    (deployed,) = deployments.requests
    assert deployed["token"] == "token of this session"
    assert deployed["name"] == "order.bpmn"
    assert 'name="再次检查订单" camunda:assignee="alice"' in deployed["xml"]


def test_modeler__deployment_refused(modeler: Page, deployments: Deployments) -> None:
    deployments.answer = (422, {"message": "无法部署", "problems": [{"element_id": "check", "message": "缺少候选组"}]})

    modeler.get_by_role("button", name="部署").click()
    expect(modeler.locator("[data-modeler-status]")).to_have_text("无法部署")
    modeler.get_by_role("button", name="缺少候选组").click()

    expect(modeler.locator('[data-element-id="check"].selected')).to_be_visible()


def test_modeler__lints(modeler: Page) -> None:
    expect(modeler.locator(".bjsl-button")).to_contain_text("没有问题")

    select(modeler, "flow_end")
    modeler.locator('.djs-context-pad [data-action="delete"]').click()

    expect(modeler.locator(".bjsl-button")).to_contain_text("个错误")
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
    modeler.get_by_role("button", name="没有问题").click()

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
    modeler.get_by_role("button", name="部署").click()
    expect(modeler.locator("[data-modeler-status]")).to_have_text("已部署")
    (deployed,) = deployments.requests
    assert deployed["english"] == {"check": "Check again"}
