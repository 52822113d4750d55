"""A stage in a real browser: everybody logs in with a password, finds the task in the inbox and fills in its form."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import waitress
import waitress.wasyncore
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session, sessionmaker

from casepath.demo import PASSWORD
from casepath.engine.instances import user_tasks
from casepath.engine.time import clock
from casepath.stories import Story
from casepath.workers.loop import Loop
from tests.acceptance.stage import RequestStage


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Answer requests as `casepath serve` does, in this process, so that the clock can be moved; give the address."""
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=8)
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        # Sockets are closed by the thread that polls them; without any it has nothing more to do.
        server.trigger.pull_trigger(lambda: waitress.wasyncore.close_all(server._map, ignore_all=True))
        thread.join()
        server.task_dispatcher.shutdown()


class BrowserStage(RequestStage):
    """Plays a story as people do who share one computer: the next one logs in when the last one has logged out."""

    def __init__(self, app: Flask, sessions: sessionmaker[Session], loop: Loop, page: Page, address: str) -> None:
        super().__init__(app, sessions, loop)
        self.page = page
        self.address = address
        #: Who has logged in, in order, each once.
        self.people: list[str] = []
        self._present = ""
        self._since = datetime(1970, 1, 1, tzinfo=UTC)

    def become(self, username: str) -> None:
        """Log in through the page unless it is the same person, whose session has not ended meanwhile."""
        if self._present and clock.now() - self._since < self.app.permanent_session_lifetime:
            if self._present == username:
                return
            self.page.locator("header details.menu summary").last.click()
            self.page.get_by_role("button", name="退出登录").click()
        else:
            self.page.goto(f"{self.address}/")
        log_in(self.page, username)
        self._present, self._since = username, clock.now()
        if username not in self.people:
            self.people.append(username)

    def start(self, story: Story, by: str, variables: Mapping[str, Any]) -> None:
        """Register the matter: the link in the inbox, the process, the start form."""
        self.become(by)
        if not self.page.url.endswith("/tasks/"):
            self.page.goto(f"{self.address}/tasks/")
        self.page.locator("main").get_by_role("link", name="登记", exact=True).click()
        tile = self.page.locator(f'a.tile[href$="/register/{story.process}"]')
        form = self.page.locator(f'form[action$="/register/{story.process}"]')
        # Who may start only one process is led to its form at once.
        expect(tile.or_(form)).to_be_visible()
        if tile.count():
            tile.click()
        fill_in(self.page, variables)
        form.get_by_role("button", name="登记").click()
        said = self.page.get_by_role("status").first
        expect(said).to_contain_text(re.compile(r"[A-Z]+\d{4}-\d{4}"))
        self.business_key = re.findall(r"[A-Z]+\d{4}-\d{4}", said.inner_text())[0]

    def complete(self, by: str, element_id: str, variables: Mapping[str, Any]) -> None:
        """Find the task in the inbox, claim it where nobody has it, fill in its form and send it."""
        self.become(by)
        name = self.open_task(element_id)
        fill_in(self.page, variables)
        self.page.get_by_role("button", name="完成", exact=True).click()
        expect(self.page.get_by_role("status").first).to_contain_text(f"“{name}”已完成")

    def open_task(self, element_id: str, *, claim: bool = True) -> str:
        """Go to the page of an open task by way of the inbox and claim it where nobody has it; return its name."""
        with self.sessions.begin() as session:
            task = user_tasks.get(session, user_tasks.open_of(session, self.business_key, element_id))
        view = "mine" if task.assignee else "claimable"
        self.page.goto(f"{self.address}/tasks/?view={view}&q={self.business_key}")
        self.page.locator(f"#task-{task.id} a.title").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(task.name)
        if claim and task.assignee is None:
            self.page.get_by_role("button", name="认领", exact=True).click()
            expect(self.page.get_by_role("status").first).to_contain_text(f"“{task.name}”")
        return task.name

    def message(self, by: str, name: str, variables: Mapping[str, Any]) -> None:
        """Report on the page of the matter what has happened."""
        self.become(by)
        self.open_matter()
        named = self.page.locator(f'input[name="report.message"][value="{name}"]')
        report = self.page.locator("details.report", has=named)
        report.locator("summary").click()
        fill_in(self.page, variables)
        report.get_by_role("button", name="上报", exact=True).click()
        expect(self.page.get_by_role("status").first).to_contain_text("已上报")

    def open_matter(self) -> None:
        """Go to the page of the matter."""
        self.page.goto(f"{self.address}/matters/show/{self.business_key}")


def log_in(page: Page, username: str, *, heading: str = "待办任务") -> None:
    """Fill in the log-in page, which leads on to where one wanted to go."""
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def fill_in(page: Page, variables: Mapping[str, Any]) -> None:
    """Fill in fields of the form on a page, by their names."""
    for key, value in variables.items():
        field = page.locator(f'[name="{key}"]:not([type="hidden"])')
        expect(field.first).to_be_visible()
        kind = field.first.get_attribute("type") or str(field.first.evaluate("field => field.localName"))
        match kind:
            case "radio":
                page.locator(f'[name="{key}"][value="{value}"]').check()
            case "checkbox" if isinstance(value, list):
                for box in field.all():
                    box.set_checked(box.get_attribute("value") in value)
            case "checkbox":
                field.set_checked(bool(value))
            case "select":
                field.select_option(str(value))
            case _:
                field.fill(str(value))
