"""Pages that hold nothing but the bundled scripts, served under the strict Content-Security-Policy."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PAGES = Path(__file__).parent / "pages"
BUNDLES = Path(__file__).resolve().parent.parent.parent / "web" / "static" / "dist"
TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json"}
POLICY = (
    "default-src 'self'; img-src 'self' data:; font-src 'self' data:; style-src 'self'; style-src-attr 'unsafe-inline'"
)


@dataclass
class Deployments:
    """What the modeler has deployed, and what it is told."""

    answer: tuple[int, dict[str, Any]] = (201, {})
    requests: list[dict[str, Any]] = field(default_factory=list)


class Pages(BaseHTTPRequestHandler):
    """Serves the test pages and the bundles; answers a deployment as the test told it to."""

    server: PagesServer

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
        self.server.deployments.requests.append({"token": self.headers["X-CSRF-Token"], **json.loads(content)})
        status, answer = self.server.deployments.answer
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


class PagesServer(ThreadingHTTPServer):
    """The server of the test pages."""

    def __init__(self, deployments: Deployments) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), Pages)
        self.deployments = deployments


@pytest.fixture
def deployments() -> Deployments:
    """What the modeler deploys in this test."""
    return Deployments()


@pytest.fixture
def pages(deployments: Deployments) -> Iterator[str]:
    """The address of the test pages."""
    server = PagesServer(deployments)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/pages"
    server.shutdown()
    thread.join()
    server.server_close()
