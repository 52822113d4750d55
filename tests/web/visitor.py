"""Somebody with a browser, without scripts."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from casepath.engine.time import clock


class Visitor:
    """Somebody with a browser: sends the token of the session with each change."""

    def __init__(self, client: FlaskClient, username: str | None = None) -> None:
        self.client = client
        if username:
            self.log_in(username)

    def log_in(self, username: str, *, begun: datetime | None = None) -> None:
        """Have a session without typing a password."""
        with self.client.session_transaction() as session:
            session.update(username=username, begun=(begun or clock.now()).isoformat(), csrf_token="token")

    def get(self, path: str, **options: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, **options)

    def post(self, path: str, form: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form."""
        with self.client.session_transaction() as session:
            session["csrf_token"] = "token"
        return self.client.post(path, data={"csrf_token": "token", **(form or {})}, **options)

    def start_seen(self, path: str, typed: dict[str, Any] | None = None) -> TestResponse:
        """Look at what would come of records, and have it begin."""
        seen = re.findall('name="batch.seen" value="(.+?)"', text(self.post(path, typed)))
        return self.post(path, {**(typed or {}), "batch.seen": seen[0]})


def text(response: TestResponse) -> str:
    """The page of an answer."""
    return response.get_data(as_text=True)
