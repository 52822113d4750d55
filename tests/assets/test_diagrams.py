"""The diagrams of `processes/` are what modelers expect: no finding of the linter, no warning when they are opened."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import hatch_build
from tests.each import each

ROOT = Path(__file__).resolve().parent.parent.parent
DIAGRAMS = sorted((ROOT / "processes").rglob("*.bpmn"))
LINTER = ROOT / "node_modules" / "bpmnlint" / "bin" / "bpmnlint.js"
RULES = ROOT / "web" / "assets" / ".bpmnlintrc"


def test_lint__finds_nothing() -> None:
    """One run looks at all of them; what it finds, it tells below the path of the diagram."""
    assert len(DIAGRAMS) > 20
    command: list[str | Path] = [hatch_build.node(), LINTER, "--config", RULES, "--max-warnings", "0", *DIAGRAMS]

    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.browser
@each("diagram", DIAGRAMS)
def test_modeler__opens_without_a_warning(diagram: Path, pages: str, page: Page) -> None:
    names = json.loads((diagram.parent / "texts.en.json").read_text("utf-8"))
    template = (Path(__file__).parent / "pages" / "modeler.html").read_text("utf-8")
    shown = re.sub(r"data-names='[^']*'", lambda _: f'data-names="{html.escape(json.dumps(names))}"', template)
    page.unroute_all()
    page.route("**/pages/order.bpmn", lambda route: route.fulfill(path=diagram, content_type="application/xml"))
    page.route("**/pages/modeler.html", lambda route: route.fulfill(body=shown, content_type="text/html"))

    page.goto(f"{pages}/modeler.html")

    expect(page.locator("#modeler")).to_have_attribute("data-modeler", "ready")
    expect(page.locator("[data-modeler-problems] li")).to_have_count(0)
    expect(page.locator(".bjsl-button")).to_have_text("没有问题")
