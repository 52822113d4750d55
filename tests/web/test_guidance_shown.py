"""Guidance beside forms: for what stands in them, as it changes, with rules from decision tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.instances import process_instances, user_tasks
from tests import diagrams
from tests.acting import PROGRAM
from tests.web.conftest import LogIn
from tests.web.visitor import LINKED, Visitor, text

Rows = sessionmaker[Session]
TYPES = Path(__file__).resolve().parents[2] / "processes" / "shared" / "customer_types.dmn"
FORM = {
    "type": "default", "id": "f",
    "components": [
        {"type": "textfield", "id": "c1", "key": "who", "label": "谁"},
        {"type": "select", "id": "c2", "key": "customer_type", "label": "类型",
         "values": [{"label": "急躁", "value": "impatient"}, {"label": "多疑", "value": "suspicious"}]},
        {"type": "text", "id": "c3",
         "text": "{{#if customer_type != null}}{{#loop decisions.customer_types}}- 切忌：{{avoid}}{{/loop}}{{/if}}"},
    ],
}  # fmt: skip
GUIDANCE = """先听。{{who}}

{{#if customer_type = null}}
未选类型
{{/if}}
{{#loop decisions.customer_types}}
- {{customer_type}}：{{avoid}}
{{/loop}}
"""
FILES = {
    "p.bpmn": diagrams.process(
        '<startEvent id="s" camunda:formKey="f"/>',
        '<userTask id="ask" camunda:candidateGroups="service" camunda:formKey="f"/>', flow="s > ask", key="p",
    ),
    "forms/f.form": json.dumps(FORM).encode(),
    "customer_types.dmn": TYPES.read_bytes(),
    "guidance/s.md": GUIDANCE.encode(),
    "guidance/ask.md": GUIDANCE.encode(),
}  # fmt: skip
AVOIDED = {"impatient": "言语生硬，凉晒客户", "suspicious": "不确定的回答"}


@pytest.fixture
def task_id(rows: Rows) -> int:
    """A task with such a form, for the group of Alice."""
    with rows.begin() as session:
        deployments.deploy(session, FILES, name="guidance", by=PROGRAM)
        process_instances.start(session, "p", {"who": "王*建国*"}, business_key="G-1", by=PROGRAM)
        return user_tasks.open_of(session, "G-1", "ask")


def test_guidance__for_what_is_known(alice: Visitor, task_id: int) -> None:
    page = text(alice.get(f"/tasks/{task_id}"))

    assert "先听。王*建国*" in page
    assert "未选类型" in page
    assert all(avoided in page for avoided in AVOIDED.values())


def test_guidance__for_what_is_typed(alice: Visitor, task_id: int) -> None:
    alice.post(f"/tasks/{task_id}/claim", {})

    typed = {"who": "<b>李", "customer_type": "impatient"}
    fields = text(alice.post(f"/tasks/{task_id}/fields", typed, headers=LINKED))

    assert '<div id="guidance-text" hx-swap-oob="innerHTML">' in fields
    assert "先听。&lt;b&gt;李" in fields
    assert "<li>急躁：言语生硬，凉晒客户</li>" in fields
    assert AVOIDED["suspicious"] not in fields
    assert "未选类型" not in fields


def test_guidance__for_who_registers(alice: Visitor, task_id: int) -> None:
    assert "未选类型" in text(alice.get("/register/p"))
    chosen = text(alice.post("/register/p/fields", {"customer_type": "suspicious"}, headers=LINKED))
    assert "<li>多疑：不确定的回答</li>" in chosen


def test_text_of_a_form__for_what_is_typed(alice: Visitor, task_id: int) -> None:
    empty, page = text(alice.get("/register/p")), text(alice.get(f"/tasks/{task_id}"))
    chosen = text(alice.post("/register/p/fields", {"customer_type": "suspicious"}, headers=LINKED))

    assert 'id="part-c3"' not in empty + page
    assert '<div id="part-c3" class="prose  rule" data-fresh><ul>\n<li>切忌：不确定的回答</li>\n</ul>' in chosen


def test_guidance__that_cannot_be_read_is_refused(rows: Rows) -> None:
    files = {**FILES, "guidance/ask.md": b"a\n{{#if who = }}\n{{/if}}"}
    with rows.begin() as session, pytest.raises(errors.DeploymentRefused) as refused:
        deployments.deploy(session, files, name="guidance", by=PROGRAM)

    (found,) = [each for each in refused.value.findings if each.level == "error"]
    assert (found.file, found.code) == ("guidance/ask.md", "guidance-expression")
    assert "Line 2" in found.message


@pytest.mark.browser
def test_guidance__follows_the_answers(page: Page, log_in: LogIn, address: str, task_id: int) -> None:
    log_in("alice")
    page.goto(f"{address}/tasks/{task_id}")
    page.get_by_role("button", name="认领", exact=True).click()
    told = page.get_by_role("region", name="处理指引")
    expect(told).to_contain_text("未选类型")

    page.get_by_label("类型").select_option("suspicious")

    expect(told).to_contain_text("多疑：不确定的回答")
    expect(told).not_to_contain_text("未选类型")
    expect(page.locator("#part-c3")).to_have_text("切忌：不确定的回答")
    expect(page.get_by_label("谁")).to_have_value("王*建国*")

    page.get_by_label("类型").select_option("impatient")

    expect(page.locator("#part-c3")).to_have_text("切忌：言语生硬，凉晒客户")
    expect(told).not_to_contain_text("多疑")
