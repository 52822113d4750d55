"""A server that takes messages as group robots do, and refuses what does not prove who sends it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
SECRET = "SEC5d41402abc4b2a76b9719d911017c592"
TOKEN = "566cc69da782ec33"

Parameters = dict[str, list[str]]
Said = tuple[int, Any]


class _Handler(BaseHTTPRequestHandler):
    server: Robots

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.server.handle_message(self, self.rfile.read(length))

    def answer(self, status: int, said: Any, **headers: str) -> None:
        """Answer with JSON."""
        content = json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Robots(ThreadingHTTPServer):
    """Two robots, at `/wecom` and `/dingtalk`, and one at `/other` that does what a test says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        #: What was taken, by path, as it was sent; and under which key.
        self.taken: list[tuple[str, Any]] = []
        self.keys: list[str] = []
        #: What is answered at `/other`; None: the connection ends without an answer.
        self.other: Said | None = (200, {})
        #: Called before anything is answered.
        self.before: Callable[[], object] = lambda: None

    def url(self, path: str) -> str:
        """The address of a robot."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def handle_message(self, handler: _Handler, content: bytes) -> None:
        """Take a message, or say why not."""
        parts = urlsplit(handler.path)
        said = {"/wecom": self.as_wecom, "/dingtalk": self.as_dingtalk}.get(parts.path, self.as_other)(
            parse_qs(parts.query), json.loads(content)
        )
        self.before()
        if said is None or (said[0] == 200 and said[1].get("errcode", 0) == 0):
            self.taken.append((parts.path, json.loads(content)))
            self.keys.append(handler.headers.get("Idempotency-Key", ""))
        if said is not None:
            status, content = said
            handler.answer(status, content, **({"Location": self.url("/wecom")} if status == 302 else {}))
        handler.close_connection = True

    def as_wecom(self, query: Parameters, message: Any) -> Said | None:
        """Answer as the group robot of WeCom does, which knows who sends by the key of the address."""
        if query.get("key") != [KEY]:
            return 200, {"errcode": 93000, "errmsg": "invalid webhook url"}
        if message.get("msgtype") != "text" or not message["text"]["content"]:
            return 200, {"errcode": 44004, "errmsg": "content is empty"}
        return 200, {"errcode": 0, "errmsg": "ok"}

    def as_dingtalk(self, query: Parameters, message: Any) -> Said | None:
        """Answer as the group robot of DingTalk does, which wants a signature that is not an hour old."""
        (timestamp,) = query.get("timestamp", [""])
        proof = hmac.new(SECRET.encode(), f"{timestamp}\n{SECRET}".encode(), hashlib.sha256).digest()
        if query.get("access_token") != [TOKEN] or query.get("sign") != [base64.b64encode(proof).decode()]:
            return 200, {"errcode": 310000, "errmsg": "sign not match"}
        if abs(time.time() * 1000 - int(timestamp)) > 3_600_000:
            return 200, {"errcode": 310000, "errmsg": "invalid timestamp"}
        return 200, {"errcode": 0, "errmsg": "ok"} if message.get("msgtype") == "text" else {"errcode": 40035}

    def as_other(self, query: Parameters, message: Any) -> Said | None:
        """Answer what the test says."""
        return self.other


@contextmanager
def open_robots() -> Iterator[Robots]:
    """Run the robots."""
    with Robots() as robots:
        thread = threading.Thread(target=robots.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield robots
        finally:
            robots.shutdown()
            thread.join()
