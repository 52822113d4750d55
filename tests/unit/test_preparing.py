"""What is served while a demo is being prepared."""

from __future__ import annotations

from flask import Flask
from werkzeug.test import Client

from casepath.preparing import Preparing


def test_preparing__tells_how_far_it_is_until_it_is_ready() -> None:
    app, gate = Flask("behind"), Preparing()
    app.add_url_rule("/tasks/", "tasks", lambda: "the inbox")
    app.add_url_rule("/healthz", "healthz", lambda: "ok")
    browser = Client(gate.before(app))

    gate.progress(1, 3)
    answer = browser.get("/tasks/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert 'value="33"' in answer.text
    assert "the inbox" not in answer.text
    assert browser.get("/healthz").text == "ok"

    gate.progress(0, 0)
    assert 'value="0"' in browser.get("/").text

    gate.ready()
    assert browser.get("/tasks/").text == "the inbox"
