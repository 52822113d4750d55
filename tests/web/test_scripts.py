"""The bundled scripts in a browser, under the strict Content-Security-Policy, on pages that hold nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Page, expect

PAGES = Path(__file__).parent / "pages"
BUNDLES = Path(__file__).resolve().parent.parent.parent / "web" / "static" / "dist"
TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json"}
POLICY = (
    "default-src 'self'; img-src 'self' data:; font-src 'self' data:; style-src 'self'; style-src-attr 'unsafe-inline'"
)

pytestmark = pytest.mark.browser


class Pages(BaseHTTPRequestHandler):
    """Serves the test pages and the bundles; answers a deployment as the test told it to."""

    answer: ClassVar[tuple[int, dict[str, Any]]] = (201, {})
    deployed: ClassVar[list[dict[str, Any]]] = []

    def do_GET(self) -> None:
        """Answer a file below `/pages` or `/dist`."""
        folder, _, rest = self.path.lstrip("/").partition("/")
        path = {"pages": PAGES, "dist": BUNDLES}.get(folder, PAGES) / rest
        if not path.is_file():
            self.send_error(404)
            return
        self.reply(200, TYPES.get(path.suffix, "application/octet-stream"), path.read_bytes())

    def do_POST(self) -> None:
        """Note what is deployed."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.deployed.append({"token": self.headers["X-CSRF-Token"], **json.loads(content)})
        status, answer = self.answer
        self.reply(status, "application/json", json.dumps(answer).encode())

    def reply(self, status: int, kind: str, content: bytes) -> None:
        """Send one answer."""
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 — the name is the base class's
        """Say nothing."""


@pytest.fixture
def pages() -> Iterator[str]:
    """The address of the server of the test pages."""
    Pages.deployed.clear()
    Pages.answer = (201, {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/pages"
    server.shutdown()
    thread.join()
    server.server_close()


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


def test_modeler__deploys_what_was_edited(modeler: Page) -> None:
    select(modeler, "check")
    modeler.locator(".bio-properties-panel-group-header-title", has_text="常规").click()
    modeler.get_by_role("textbox", name="名称").fill("再次检查订单")
    modeler.keyboard.press("Tab")

    modeler.get_by_role("button", name="部署").click()

    expect(modeler.locator("[data-modeler-status]")).to_have_text("已部署")
    (deployed,) = Pages.deployed
    assert deployed["token"] == "token of this session"
    assert deployed["name"] == "order.bpmn"
    assert 'name="再次检查订单" camunda:assignee="alice"' in deployed["xml"]


def test_modeler__deployment_refused(modeler: Page) -> None:
    Pages.answer = (422, {"message": "无法部署", "problems": [{"element_id": "check", "message": "缺少候选组"}]})

    modeler.get_by_role("button", name="部署").click()
    expect(modeler.locator("[data-modeler-status]")).to_have_text("无法部署")
    modeler.get_by_role("button", name="缺少候选组").click()

    expect(modeler.locator('[data-element-id="check"].selected')).to_be_visible()


def test_modeler__lints(modeler: Page) -> None:
    expect(modeler.locator(".bjsl-button")).to_contain_text("没有问题")

    select(modeler, "flow_end")
    modeler.locator('.djs-context-pad [data-action="delete"]').click()

    expect(modeler.locator(".bjsl-button")).to_contain_text("个错误")


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
