"""A stage of real requests and real workers on which the stories of the processes are played."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from flask import Flask
from lxml import html
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from casepath import stories
from casepath.engine.database.models import (
    ActivityInstance,
    HistoryEvent,
    Notification,
    ProcessInstance,
    Record,
    UserTask,
)
from casepath.engine.deployments import definitions, selections, starts
from casepath.engine.forms import MATTER
from casepath.engine.instances import jobs, messages, process_instances, user_tasks
from casepath.engine.time import clock
from casepath.stories import Story
from casepath.workers.loop import Loop
from tests.web.visitor import Visitor, text


class RequestStage:
    """Plays a story through the pages, with the workers' loop beside them and the clock moved by hand."""

    def __init__(self, app: Flask, sessions: sessionmaker[Session], loop: Loop) -> None:
        self.app = app
        self.sessions = sessions
        self.loop = loop
        self.business_key = ""
        #: Register and key of the first record of the story; without one its matter.
        self.about = ("", "")
        #: Notifications up to this id have been looked at.
        self.seen = 0

    def visitor(self, username: str) -> Visitor:
        """Somebody with a session."""
        return Visitor(self.app.test_client(), username)

    def now(self) -> datetime:
        """The time in the story."""
        return clock.now()

    def move_to(self, at: datetime) -> None:
        """Let the workers do what is due, each at its time."""
        self.loop.rest()
        while (due := self.next_due()) is not None and due <= at:
            clock.set_to(max(due, clock.now()))
            self.loop.rest()
            assert self.next_due() != due, f"a job that was due at {due} is still waiting"
        if at != clock.now():
            clock.set_to(at)
            self.loop.rest()

    def next_due(self) -> datetime | None:
        """When the next job is due."""
        with self.sessions.begin() as session:
            return jobs.next_due(session)

    def start(self, story: Story, by: str, variables: Mapping[str, Any]) -> None:
        """Fill in the start form."""
        before = self.last_instance()
        if story.records:
            self.start_for(story, by, variables)
        else:
            answer = self.visitor(by).post(f"/register/{story.process}", stories.as_typed(variables))
            assert answer.status_code == 303, text(answer)
        with self.sessions.begin() as session:
            started = session.scalars(select(ProcessInstance).where(ProcessInstance.id > before)).first()
            assert started is not None
            assert started.business_key is not None
            self.business_key = started.business_key
            if not story.records:
                self.about = (MATTER, self.business_key)

    def wait_for(self, story: Story) -> None:
        """Have the process begin at the next time of its timer, as no other story has it do."""
        clock.set_to(story.begins_at - timedelta(days=1))
        with self.sessions.begin() as session:
            definition = definitions.latest(session, "process", story.process)
            starts.arm(session, definition, definitions.process(session, definition.id))
        self.move_to(story.begins_at)
        with self.sessions.begin() as session:
            query = select(ProcessInstance.business_key).where(ProcessInstance.definition_key == story.process)
            self.business_key = session.scalars(query).one() or ""

    def start_for(self, story: Story, by: str, variables: Mapping[str, Any]) -> None:
        """
        Add the records, of which the last may start the process.

        Else narrow the list of its register to it, fill in the form, look at the preview, and start.
        """
        visitor = self.visitor(by)
        keys: dict[str, str] = {}
        for register, told in story.records:
            values = stories.pointing(told, keys)
            answer = visitor.post(f"/registers/{register}/new", stories.as_typed(values))
            assert answer.status_code == 303, text(answer)
            with self.sessions.begin() as session:
                newest = select(Record.key).where(Record.register == register).order_by(Record.id.desc()).limit(1)
                keys[register] = session.scalars(newest).one()
        self.about = next(iter(keys.items()))
        self.loop.rest()
        with self.sessions.begin() as session:
            if story.process not in {definition.key for definition, _ in selections.startable(session, register)}:
                return
        words = next(str(value) for value in values.values())
        address, typed = f"/registers/{register}/start/{story.process}?q={quote(words)}", stories.as_typed(variables)
        page = text(visitor.post(address, typed))
        assert words in page
        seen = re.search('name="batch.seen" value="([^"]+)"', page)
        assert seen is not None
        assert visitor.post(address, {**typed, "batch.seen": seen[1]}).status_code == 303
        self.loop.rest()

    def turn_to(self, process: str) -> None:
        """Go on with the newest matter of another process."""
        with self.sessions.begin() as session:
            self.business_key = process_instances.newest_number(session, process, self.about)

    def last_instance(self) -> int:
        """Id of the newest process instance; 0 without any."""
        with self.sessions.begin() as session:
            return session.scalar(select(ProcessInstance.id).order_by(ProcessInstance.id.desc()).limit(1)) or 0

    def complete(self, by: str, element_id: str, variables: Mapping[str, Any]) -> None:
        """Open the task, claim it where nobody has it, fill in its form and send it."""
        answer = self.send(by, element_id, variables)
        assert answer.status_code == 303, text(answer)

    def refuse(self, by: str, element_id: str, variables: Mapping[str, Any], field: str) -> None:
        """Do the same with values that are refused because of a field."""
        answer = self.send(by, element_id, variables)
        assert answer.status_code == 422, text(answer)
        assert f'href="#field-{field}"' in text(answer), text(answer)

    def send(self, by: str, element_id: str, variables: Mapping[str, Any]) -> TestResponse:
        """Open a task, claim it where nobody has it, fill in its form, send it, and return the answer."""
        visitor = self.visitor(by)
        with self.sessions.begin() as session:
            task = user_tasks.get(session, user_tasks.open_of(session, self.business_key, element_id))
        assert visitor.get(f"/tasks/{task.id}").status_code == 200
        if task.assignee is None:
            assert visitor.post(f"/tasks/{task.id}/claim").status_code == 303
        return visitor.post(f"/tasks/{task.id}/complete", stories.as_typed(variables))

    def hand_on(self, by: str, element_id: str, to: str) -> None:
        """Hand a task to another on its page."""
        with self.sessions.begin() as session:
            task_id = user_tasks.open_of(session, self.business_key, element_id)
        answer = self.visitor(by).post(f"/tasks/{task_id}/assign", {"to": to})
        assert answer.status_code == 303, text(answer)

    def message(self, by: str, name: str, variables: Mapping[str, Any]) -> None:
        """Report what has happened."""
        with self.sessions.begin() as session:
            messages.correlate(session, name, business_key=self.business_key, variables=variables, by=by)

    def expect_open(self, element_ids: Sequence[str]) -> None:
        """Exactly these user tasks are open."""
        with self.sessions.begin() as session:
            found = session.scalars(
                select(UserTask.element_id).where(
                    UserTask.business_key == self.business_key, UserTask.state == "created"
                )
            ).all()
        assert sorted(found) == sorted(element_ids)

    def expect_held(self, holders: Mapping[str, str | None]) -> None:
        """These have the open user tasks."""
        with self.sessions.begin() as session:
            query = select(UserTask.element_id, UserTask.assignee).where(
                UserTask.business_key == self.business_key, UserTask.state == "created"
            )
            found = {row.element_id: row.assignee for row in session.execute(query)}
        assert {element_id: found.get(element_id, "not open") for element_id in holders} == dict(holders)

    def expect_notified(self, usernames: Sequence[str]) -> None:
        """At least these have been told something since the last such check."""
        with self.sessions.begin() as session:
            rows = session.execute(
                select(Notification.id, Notification.username).where(
                    Notification.business_key == self.business_key, Notification.id > self.seen
                )
            ).all()
        assert set(usernames) <= {row.username for row in rows}
        self.seen = max((row.id for row in rows), default=self.seen)

    def expect_task(self, by: str, element_id: str, empty: Sequence[str], shows: Sequence[str]) -> None:
        """These fields of the page of a task are empty, and these texts stand on it."""
        with self.sessions.begin() as session:
            task_id = user_tasks.open_of(session, self.business_key, element_id)
        page = html.fromstring(text(self.visitor(by).get(f"/tasks/{task_id}")))
        assert [(key, found) for key in empty if (found := filled_in(page, key))] == []
        told = " ".join(page.text_content().split())
        assert [each for each in shows if each not in told] == [], told

    def expect_reading(self, usernames: Sequence[str], *, is_open: bool) -> None:
        """The page of the matter is there for these people, or for none of them."""
        answers = {name: self.visitor(name).get(f"/matters/show/{self.business_key}").status_code for name in usernames}
        assert answers == dict.fromkeys(usernames, 200 if is_open else 404)

    def instances(self) -> list[ProcessInstance]:
        """All process instances of the matter."""
        with self.sessions.begin() as session:
            query = select(ProcessInstance).where(ProcessInstance.business_key == self.business_key)
            return list(session.scalars(query.order_by(ProcessInstance.id)))

    def path(self) -> list[str]:
        """Ids of the elements of the matter in the order in which they were completed."""
        with self.sessions.begin() as session:
            return list(
                session.scalars(
                    select(HistoryEvent.element_id)
                    .join(ProcessInstance, ProcessInstance.id == HistoryEvent.process_instance_id)
                    .where(ProcessInstance.business_key == self.business_key, HistoryEvent.kind == "activity.completed")
                    .order_by(HistoryEvent.id)
                )
            )

    def visited(self) -> set[str]:
        """Ids of the elements that were ever entered."""
        ids = [instance.id for instance in self.instances()]
        with self.sessions.begin() as session:
            query = select(ActivityInstance.element_id).where(ActivityInstance.process_instance_id.in_(ids))
            return set(session.scalars(query))


def filled_in(page: html.HtmlElement, key: str) -> list[str]:
    """Return what stands in a field; raises `AssertionError` where the page has no such field."""
    inputs = page.xpath("//*[@name=$key]", key=key)
    assert inputs, f"no field {key}"
    found: list[str] = []
    for each in inputs:
        if each.tag == "select":
            found += each.xpath(".//option[@selected]/@value")
        elif each.get("type") in {"radio", "checkbox"}:
            found += [each.get("value")] if each.get("checked") is not None else []
        else:
            found.append(each.text_content() if each.tag == "textarea" else each.get("value", ""))
    return [value.strip() for value in found if value.strip()]


def by_validity(instance: ProcessInstance) -> tuple[bool, int]:
    """Those whose variables count more come later."""
    is_open = instance.state == "active"
    return is_open, instance.id if is_open else -instance.id
