"""Complaints in a real browser: several people, their passwords, the real forms, the strict Content-Security-Policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from casepath import stories
from casepath.demo import EngineStage
from casepath.engine.instances import user_tasks
from casepath.stories import Story
from tests.acceptance.browsing import BrowserStage, log_in

pytestmark = pytest.mark.browser

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
STORIES = {story.id: story for story in stories.read_all(PROCESSES)}


def begun(story: Story, stage: BrowserStage) -> EngineStage:
    """Register the matter of a story without a browser; return who goes on so."""
    others = EngineStage(stage.sessions, stage.loop.rest)
    stories.begin(story, others)
    stage.business_key = others.business_key
    return others


def test_complaint__from_registration_to_archive(stage: BrowserStage) -> None:
    """In the browser are the start and steps that have every kind of field; all pages are told by `test_stories`."""
    story = STORIES["attitude"]
    by_hand = {"contact_customer", "verify_cause", "investigate", "inform_customer"}
    others = EngineStage(stage.sessions, stage.loop.rest)

    stories.begin(story, stage)
    others.business_key = stage.business_key
    for step in story.steps:
        stories.play_step(step, stage if step.get("complete") in by_hand else others)

    stage.become("customer_director_zhao")
    assert stage.people == ["front_desk_wang", "customer_director_zhao", "sales_director_sun"]
    path = iter(stage.path())
    assert [element for element in story.expect["path"] if element not in path] == []
    page = stage.page
    stage.open_matter()
    expect(page.locator(".task-head")).to_contain_text(stage.business_key)
    expect(page.locator(".diagram").first).to_have_attribute("data-diagram", "ready")
    for element_id in ("call_first_contact", "call_resolution", "call_customer_feedback", "archive_form"):
        expect(page.locator(f'.diagram [data-element-id="{element_id}"].path-visited').first).to_be_visible()
    expect(page.locator(".diagram .path-active")).to_have_count(0)
    expect(page.locator("#files")).to_contain_text(f"{stage.business_key} 顾客投诉处理表.pdf")
    page.get_by_role("button", name="校验").click()
    expect(page.locator("#verified")).to_contain_text("历史完整")


def test_major_complaint__as_far_as_goodwill(stage: BrowserStage) -> None:
    """What the other story has not, in the browser; all else without."""
    story = STORIES["court"]
    by_hand = {"legal_step", "handle_legal_step", "grant_goodwill"}
    others = begun(story, stage)

    for step in story.steps:
        done = step.get("complete", step.get("message"))
        stories.play_step(step, stage if done in by_hand else others)
        if done == "grant_goodwill":
            break

    assert len(stage.people) == 3
    page = stage.page
    stage.open_matter()
    expect(page.locator('.diagram [data-element-id="grant_goodwill"].path-visited').first).to_be_visible()
    expect(page.locator(".known")).to_contain_text("5000")


def test_task__completed_by_somebody_else_meanwhile(stage: BrowserStage, browser: Browser) -> None:
    story = STORIES["attitude"]
    begun(story, stage)
    with stage.sessions.begin() as session:
        # Whoever took the complaint has it; given back, it is for everybody of the group.
        task_id = user_tasks.open_of(session, stage.business_key, "contact_customer")
        user_tasks.unclaim(session, task_id, by=str(story.start["by"]), reason="in a meeting")
    stage.become("consultant_chen")
    name = stage.open_task("contact_customer", claim=False)
    other = browser.new_context(locale="zh-CN").new_page()
    other.goto(stage.page.url)
    log_in(other, "consultant_lin", heading=name)
    other.get_by_label("联系结果").select_option("reached")
    other.get_by_label("客户陈述与期望").fill("客户说明天还会再来")

    stage.complete("consultant_chen", "contact_customer", story.steps[0]["variables"])
    other.get_by_role("button", name="完成", exact=True).click()

    expect(other.get_by_text("陈浩")).to_be_visible()
    expect(other.get_by_label("客户陈述与期望")).to_have_value("客户说明天还会再来")
    other.context.close()
    stage.expect_open(["showroom_verify"])
