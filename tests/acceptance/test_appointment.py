"""Appointments: who is reminded by a message and who by a call, as the record of the customer says at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from casepath import stories
from casepath.demo import EngineStage
from casepath.engine import database
from casepath.engine.database.models import Delivery, Record, UserTask
from casepath.engine.registers import records
from casepath.engine.time import clock
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.acting import PROGRAM

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
TOLD = {story.id: story for story in stories.read(PROCESSES / "appointment" / "scenarios.yaml")}


@pytest.fixture
def people(dealership_on_sqlite: str) -> Iterator[EngineStage]:
    """The dealership's processes, people and a worker, without pages."""
    engine = database.connect(dealership_on_sqlite)
    sessions = database.sessions(engine)
    yield EngineStage(sessions, Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai")).rest)
    clock.reset()
    engine.dispose()


@pytest.mark.parametrize("agreed", [True, False])
def test_reminder__by_what_the_customer_agrees_to_when_it_is_due(people: EngineStage, agreed: bool) -> None:
    """Whoever agreed and does so no more is called; whoever agrees meanwhile is written to."""
    told = TOLD["reminded_by_message"]
    at_first = {**told.start["variables"], "consents_to_messages": agreed}
    stories.play(replace(told, start={**told.start, "variables": at_first}, steps=[], expect={}), people)
    with people.sessions.begin() as session:
        customer = session.scalars(select(Record).where(Record.register == "customer")).one()
        values = {"customer_name": "龙女士", "customer_kind": "private", "customer_phone": "15400000045"}
        submitted = {**values, "consents_to_messages": not agreed}
        records.change(session, customer.id, submitted, revision=customer.revision, by=PROGRAM)

    people.move_to(datetime.fromisoformat("2026-12-03T09:00:00+08:00"))

    assert came_of(people) == ((["remind_customer"], []) if agreed else ([], ["sent"]))


def test_changed_price__is_told_in_a_call_however_the_customer_agrees_to_messages(people: EngineStage) -> None:
    told = TOLD["moved_then_reminded_by_message"]
    changed = {"parts_arrived": "yes", "price_changed": "yes", "new_price": 880}
    steps = [{**step, "variables": changed} if step.get("complete") == "confirm_parts" else step for step in told.steps]
    stories.play(replace(told, steps=steps[:-1], expect={}), people)

    people.move_to(datetime.fromisoformat("2026-12-10T09:00:00+08:00"))

    assert came_of(people) == (["remind_customer"], ["sent"])


def came_of(people: EngineStage) -> tuple[list[str], list[str]]:
    """Return which tasks are open, and what became of each message."""
    people.work()
    with people.sessions.begin() as session:
        tasks = session.scalars(select(UserTask.element_id).where(UserTask.state == "created")).all()
        return list(tasks), list(session.scalars(select(Delivery.state).order_by(Delivery.id)))
