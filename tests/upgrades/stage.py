"""A stage on which one story at a time moves: the instances of all others are suspended meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from casepath.demo import EngineStage
from casepath.engine.database.models import Job, ProcessInstance, UserTask
from casepath.engine.instances import messages
from casepath.engine.people.authorization import Program
from casepath.engine.time import clock

NEXT_DUE = (
    select(func.min(Job.due_at))
    .outerjoin(ProcessInstance, ProcessInstance.id == Job.process_instance_id)
    .where(Job.state == "waiting", func.coalesce(ProcessInstance.state, "") != "suspended")
)


class LonelyStage(EngineStage):
    """Plays a story on the engine; what is suspended stays behind, and does not hold the clock."""

    def move_to(self, at: datetime) -> None:
        """Move the clock from one due job to the next, so that each is executed at its time."""
        self.work()
        while (due := self.next_due()) is not None and due <= at:
            clock.set_to(max(due, clock.now()))
            self.work()
            if self.next_due() == due:
                raise AssertionError(f"a job that was due at {due} is still waiting")
        clock.set_to(max(at, clock.now()))
        self.work()

    def message(self, by: str, name: str, variables: Mapping[str, Any]) -> None:
        """Report what has happened: who did so in an earlier version may have no right to it any more."""
        with self.sessions.begin() as session:
            messages.correlate(session, name, business_key=self.business_key, variables=variables, by=Program(by))

    def next_due(self) -> datetime | None:
        """When the next job of an instance that is not suspended is due."""
        with self.sessions.begin() as session:
            return session.scalar(NEXT_DUE)

    def expect_open(self, element_ids: Sequence[str]) -> None:
        """Exactly these user tasks are open."""
        with self.sessions.begin() as session:
            found = session.scalars(
                select(UserTask.element_id).where(
                    UserTask.business_key == self.business_key, UserTask.state == "created"
                )
            ).all()
        assert sorted(found) == sorted(element_ids)
