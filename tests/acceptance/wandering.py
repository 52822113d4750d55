"""
A dealership whose people do at random what they may: the flows of `processes/` played by chance, to their end.

They complete what is open with whatever its form takes, report what customers do, hand on, put off, stand in for each
other, and let time pass, with all that falls due in it. After a while they tire and answer what ends the matter.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.demo import EngineStage
from casepath.engine import errors
from casepath.engine.database.models import ProcessInstance, Subscription, UserTask
from casepath.engine.deployments import definitions
from casepath.engine.forms import Form
from casepath.engine.forms.definition import Component
from casepath.engine.instances import messages, process_instances, user_tasks
from casepath.engine.people import authorization, identity, substitutes
from casepath.engine.time import clock
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.acting import PROGRAM

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2026, 11, 2, 1, tzinfo=UTC)
FLOWS = ("complaint", "major_complaint")
#: After so many moves people answer what ends a matter; after so many more it should have ended.
TIRED, EXHAUSTED = 40, 160
#: So often a form is filled in anew where rules across its fields refuse what chance has brought.
ATTEMPTS = 400
#: A field that words never fit, and the signs of what does.
VIN, SIGNS_OF_VIN = "vin", "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
WORDS = ("变速箱顿挫", "客户不满意", "已致电", "道歉并说明", "3 天内", "更换总成", "免费检测一次", "<b>好</b> & 谢谢",
         "“引号”", "l'été", "第 2 次", "e.g. 50%", "\U0001f697", "{{ 7 * 7 }}", "${x}")  # fmt: skip
#: What ends a matter, of the answers that there are.
WELL = ("reached", "yes", "no_help", "resolved")


@dataclass(kw_only=True)
class Wanderer:
    """Plays one matter."""

    sessions: sessionmaker[Session]
    chance: random.Random
    moves: int = 0
    stage: EngineStage = field(init=False)

    def __post_init__(self) -> None:
        loop = Loop(Surroundings(sessions=self.sessions, time_zone=str(ZONE)), worker_id="wandering")
        self.stage = EngineStage(self.sessions, loop.rest)

    @property
    def key(self) -> str:
        """The business key of the matter."""
        return self.stage.business_key

    def play(self, flow: str) -> None:
        """Play a matter to its end; raises `AssertionError` for one that has not ended after very many moves."""
        clock.set_to(BEGIN + timedelta(minutes=self.chance.randrange(30 * 24 * 60)))
        self.begin(flow)
        while not self.over():
            self.moves += 1
            assert self.moves < TIRED + EXHAUSTED, f"{self.key} does not end: {self.open_elements()}"
            tired = self.moves > TIRED
            moves = [self.complete] if tired else [
                self.complete, self.complete, self.complete, self.report, self.hand_on, self.put_off, self.stand_in,
                self.wait,
            ]  # fmt: skip
            self.chance.choice(moves)()
            self.stage.work()
            self.stage.move_to(clock.now() + timedelta(minutes=self.chance.randrange(1, 60)))

    def over(self) -> bool:
        """Whether all instances of the matter have ended."""
        with self.sessions.begin() as session:
            open_ones = select(ProcessInstance.id).where(
                ProcessInstance.business_key == self.key, ProcessInstance.ended_at.is_(None)
            )
            return session.scalars(open_ones.limit(1)).first() is None

    def open_elements(self) -> list[str]:
        """Where the matter stands."""
        with self.sessions.begin() as session:
            return [task.element_id for task in self.open_tasks(session)]

    def open_tasks(self, session: Session) -> Sequence[UserTask]:
        """The open user tasks of the matter."""
        query = select(UserTask).where(UserTask.business_key == self.key, UserTask.state == "created")
        return session.scalars(query.order_by(UserTask.id)).all()

    # -- moves ---------------------------------------------------------------------------------------------------------

    def begin(self, flow: str) -> None:
        """Register a matter."""
        with self.sessions.begin() as session:
            definition = definitions.find(session, "process", flow)
            key = next(iter(definitions.start_forms(session, definition.id).values()))
            form = definitions.form(session, key, definition.id)

        def start(session: Session, values: Mapping[str, Any]) -> None:
            started = process_instances.start(session, flow, values, by="front_desk_wang")
            self.stage.business_key = started.business_key or ""

        self.submit(form, start)
        self.stage.work()

    def complete(self) -> None:
        """Have somebody who may do it complete an open task; wait where there is none."""
        with self.sessions.begin() as session:
            found = self.open_tasks(session)
            if not found:
                task = None
            else:
                task = self.chance.choice(found)
                who = task.assignee or self.chance.choice(sorted(self.candidates(session, task)))
                stands_in = self.substitute_of(session, who)
                form = definitions.form(session, task.form_key or "", task.definition_id)
        if task is None:
            self.wait()
            return
        by = stands_in if stands_in and self.chance.random() < 0.7 else who

        def complete(session: Session, values: Mapping[str, Any]) -> None:
            if task.assignee is None:
                user_tasks.claim(session, task.id, by=by)
            user_tasks.complete(session, task.id, values, by=by)

        self.submit(form, complete)

    def report(self) -> None:
        """Report what the customer does, where the matter waits for anything."""
        with self.sessions.begin() as session:
            waits = session.scalars(
                select(Subscription)
                .join(ProcessInstance, ProcessInstance.id == Subscription.process_instance_id)
                .where(ProcessInstance.business_key == self.key, Subscription.kind == "message")
                .order_by(Subscription.id)
            ).all()
            forms = [(each, definitions.start_forms(session, each.definition_id).get(each.element_id or ""))
                     for each in waits]  # fmt: skip
            known = [(each, definitions.form(session, key, each.definition_id)) for each, key in forms if key]
        if not known:
            return
        wait, form = self.chance.choice(known)
        name, number = wait.name, wait.process_instance_id

        def correlate(session: Session, values: Mapping[str, Any]) -> None:
            messages.correlate(
                session, name, business_key=self.key, process_instance_id=number, variables=values,
                by="front_desk_wang",
            )  # fmt: skip

        self.submit(form, correlate)

    def hand_on(self) -> None:
        """Give a task to another of its candidates."""
        with self.sessions.begin() as session:
            for task in self.open_tasks(session)[:1]:
                to = self.chance.choice(sorted(self.candidates(session, task)))
                user_tasks.assign(session, task.id, to, by=PROGRAM, reason="休假")

    def put_off(self) -> None:
        """Put a task off to a later day, as long as it is not overdue."""
        with self.sessions.begin() as session:
            in_time = [each for each in self.open_tasks(session) if each.due_at is None or each.due_at >= clock.now()]
            for task in in_time[:1]:
                later = clock.now() + timedelta(days=self.chance.randrange(1, 4))
                user_tasks.set_follow_up(session, task.id, later, by=PROGRAM, reason="等客户")

    def stand_in(self) -> None:
        """Appoint a substitute for somebody who has, or may have, an open task."""
        with self.sessions.begin() as session:
            for task in self.open_tasks(session)[:1]:
                who = task.assignee or self.chance.choice(sorted(self.candidates(session, task)))
                everybody = {user.username for user in identity.users(session)}
                auditors = identity.members(session, [authorization.AUDITOR])
                other = self.chance.choice(sorted(everybody - auditors - {who}))
                until = clock.now() + timedelta(days=self.chance.randrange(1, 20))
                substitutes.appoint(session, who, other, begins_at=clock.now(), ends_at=until, by=PROGRAM)

    def wait(self) -> None:
        """Let hours or days pass."""
        self.stage.move_to(clock.now() + timedelta(hours=self.chance.choice((1, 3, 8, 24, 72, 150))))

    # -- people and forms ----------------------------------------------------------------------------------------------

    def candidates(self, session: Session, task: UserTask) -> set[str]:
        """Who may do a task."""
        users, groups = (json.loads(text or "[]") for text in (task.candidate_users, task.candidate_groups))
        return {*users, *identity.members(session, groups)}

    def substitute_of(self, session: Session, who: str) -> str | None:
        """Somebody who stands in for a user now."""
        found = [each for each in substitutes.concerning(session, who)[0] if each.username == who]
        return next((each.substitute for each in found if each.begins_at <= clock.now()), None)

    def submit(self, form: Form | None, send: Callable[[Session, Mapping[str, Any]], None]) -> None:
        """Fill in a form until what it is for is not refused; raises the last refusal after very many attempts."""
        fields = [each for each in form.fields if not each.readonly] if form is not None else []
        values = {each.key: self.value(each) for each in fields}
        for attempt in range(ATTEMPTS):
            try:
                with self.sessions.begin() as session:
                    send(session, values)
            except errors.InvalidVariables as refused:
                if attempt == ATTEMPTS - 1:
                    raise
                wrong = {error.field for error in refused.errors}
                # What is refused often depends on another answer.
                values |= {each.key: self.value(each) for each in fields if attempt % 10 == 9 or each.key in wrong}
                if VIN in wrong and attempt % 10 == 4:
                    values[VIN] = "".join(self.chance.choices(SIGNS_OF_VIN, k=17))
            else:
                return

    def value(self, field: Component) -> Any:
        """Something that may be entered."""
        if not field.required and self.chance.random() < 0.3:
            return [] if field.type in ("checklist", "taglist") else False if field.type == "checkbox" else ""
        match field.type:
            case "checkbox":
                return field.required or self.chance.random() < 0.5
            case "checklist" | "taglist":
                return self.chance.sample(field.values, self.chance.randint(1, min(3, len(field.values))))
            case "radio" | "select":
                return self.option(field)
            case "number":
                return self.number(field)
            case "datetime":
                return self.moment(field)
        if field.validation_type == "phone":
            return f"138{self.chance.randrange(10**8):08}"
        if field.validation_type == "email":
            return f"k{self.chance.randrange(999)}@example.com"
        words = self.chance.choices(WORDS, k=self.chance.randint(1, 5))
        return ("\n" if field.type == "textarea" else " ").join(words)[: field.max_length or 500]

    def option(self, field: Component) -> str:
        """One of the answers; the one that ends the matter where people are tired."""
        well = [value for value in WELL if value in field.values]
        ends = self.moves > TIRED or self.chance.random() < 0.4
        return well[0] if well and ends else self.chance.choice(field.values)

    def number(self, field: Component) -> int | Decimal:
        """A number within the limits of a field."""
        low = field.min if field.min is not None else Decimal(0)
        high = min(field.max if field.max is not None else Decimal(30_000), low + 30_000)
        digits = field.decimal_digits if field.decimal_digits is not None else self.chance.choice((0, 0, 2))
        found = low + (high - low) * Decimal(self.chance.choice((0, self.chance.randrange(10**6), 10**6))) / 10**6
        return min(round(found, digits), high)

    def moment(self, field: Component) -> Any:
        """A day or a moment around now."""
        near = clock.now().astimezone(ZONE) + timedelta(minutes=self.chance.randrange(-9_000, 30_000))
        if field.not_past:
            near = max(near, clock.now().astimezone(ZONE))
        if field.subtype == "date":
            return date(near.year, near.month, near.day)
        minute = near.replace(second=0, microsecond=0)
        return minute if field.subtype == "datetime" else minute.time()
