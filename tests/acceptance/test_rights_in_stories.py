"""At every step of a story nobody does a task that is not meant for them; seeing it is another thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath import stories
from casepath.demo import EngineStage
from casepath.engine import database, errors
from casepath.engine.database.models import UserTask
from casepath.engine.instances import user_tasks
from casepath.engine.people import access, identity
from casepath.engine.time import clock
from casepath.workers import Surroundings
from casepath.workers.loop import Loop

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
STORIES = {story.id: story for story in stories.read_all(PROCESSES)}


class Watched(EngineStage):
    """Before each task is done, everybody tries to do everything that is open."""

    #: (element, user name) of what was refused to people who see it.
    seen: set[tuple[str, str]]
    #: (element, user name) of who may.
    allowed: set[tuple[str, str]]

    def complete(self, by: str, element_id: str, variables: Mapping[str, Any]) -> None:
        """Let everybody try, then go on."""
        with self.sessions.begin() as session:
            people = [identity.person(session, user.username) for user in identity.users(session)]
            open_tasks = select(UserTask).where(UserTask.business_key == self.business_key, UserTask.state == "created")
            for task in session.scalars(open_tasks).all():
                for person in people:
                    found = (task.element_id, person.username)
                    # What is known of somebody is not found out again at the next step.
                    if found in self.allowed:
                        continue
                    if self.tries(session, task.id, person):
                        self.allowed.add(found)
                    elif found not in self.seen and access.sees_task(session, person, task):
                        self.seen.add(found)
        super().complete(by, element_id, variables)

    def tries(self, session: Session, task_id: int, person: identity.Person) -> bool:
        """Tell whether a person may claim or complete a task; what does not fit the form was allowed until then."""
        may = False
        for command, arguments in ((user_tasks.claim, ()), (user_tasks.complete, ({"no_such_field": "x"},))):
            attempt = session.begin_nested()
            try:
                command(session, task_id, *arguments, by=person)
                may = True
            except errors.InvalidVariables:
                may = True
            except (errors.NotFound, errors.Forbidden, errors.InvalidState):
                pass
            attempt.rollback()
        return may


@pytest.fixture
def stage(dealership_on_sqlite: str) -> Iterator[Watched]:
    """The dealership with its processes and people."""
    pool = database.connect(dealership_on_sqlite)
    sessions = database.sessions(pool)
    made = Watched(sessions, Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai")).rest)
    made.seen, made.allowed = set(), set()
    yield made
    clock.reset()
    pool.dispose()


def test_promise__is_approved_by_nobody_who_only_sees_it(stage: Watched) -> None:
    stories.play(STORIES["promise_refused"], stage)

    approvers = {username for element, username in stage.allowed if element == "approve_promise"}
    assert approvers == {"fm_feng"}
    assert {("approve_promise", "caller_liu"), ("approve_promise", "general_manager_qian")} <= stage.seen
    assert {element for element, username in stage.allowed if username == "auditor_jiang"} == set()
    assert {element for element, username in stage.allowed if username == "admin_yang"} == set()


def test_major_complaint__each_does_their_own(stage: Watched) -> None:
    """The manufacturer's tasks are not the dealer's, though the general manager sees them; no caller manages."""
    stories.play(STORIES["engine_fire"], stage)

    does = {element: {name for each, name in stage.allowed if each == element} for element, _ in stage.allowed}
    assert does["fm_guide"] == {"fm_feng"}
    assert ("fm_guide", "general_manager_qian") in stage.seen
    assert "caller_liu" not in does["analyse_root_cause"]
    assert ("analyse_root_cause", "caller_liu") in stage.seen
    assert not any(name == "auditor_jiang" for names in does.values() for name in names)
    assert {name for element, name in stage.seen if element == "fm_guide"} >= {"auditor_jiang", "admin_yang"}
