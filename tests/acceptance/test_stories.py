"""Every story of `processes/`, told through the pages and the workers, and by its history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from casepath import stories
from casepath.engine import database, history
from casepath.engine.database import measures
from casepath.engine.database.models import Delivery, Incident, Notification
from casepath.engine.instances import process_instances
from casepath.engine.time import clock
from casepath.settings import Settings
from casepath.stories import Story
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.acceptance.stage import RequestStage, by_validity
from tests.applications import make_app
from tests.replaying import assert_replays

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
STORIES = stories.read_all(PROCESSES)
SHANGHAI = ZoneInfo("Asia/Shanghai")
#: The longest of each process is told on PostgreSQL too, so that every process has run there through its pages and the
#: workers; what the two kinds of database do differently is for the integration tests, which run on both.
LONGEST = [max(stories.read(path), key=lambda story: len(story.steps)) for path in PROCESSES.glob("*/scenarios.yaml")]
TOLD = [pytest.param("sqlite", story, id=f"{story.id}-sqlite") for story in STORIES] + [
    pytest.param("postgresql", story, id=f"{story.id}-postgresql", marks=pytest.mark.postgresql)
    for story in sorted(LONGEST, key=lambda story: story.id)  # each worker collects the same
]


@pytest.fixture
def stage(dealership_url: str, tmp_path: Path) -> Iterator[RequestStage]:
    """The pages and a worker, with the dealership's processes and people."""
    settings = Settings(data_folder=tmp_path / "kept", database_url=dealership_url, secret_key=SecretStr("secret"))
    app = make_app(settings)
    sessions = database.sessions(app.extensions["database"])
    yield RequestStage(app, sessions, Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai")))
    clock.reset()
    app.extensions["database"].dispose()


@pytest.mark.parametrize(("dealership_url", "story"), TOLD, indirect=["dealership_url"])
def test_story__told_to_its_end(story: Story, stage: RequestStage) -> None:
    stories.play(story, stage)

    assert_path(story, stage)
    begun = [instance for instance in stage.instances() if instance.parent_id is None]
    assert {instance.state for instance in begun} == {story.expect.get("state", "completed")}
    assert_variables(story, stage)
    assert_deliveries(story, stage)
    assert_measured(story, stage)
    assert_nothing_is_wrong(stage)
    if stage.app.extensions["database"].name == "sqlite":  # each is told there; what is told is the same on both
        assert assert_replays(stage.sessions) >= len(stage.instances())


def assert_path(story: Story, stage: RequestStage) -> None:
    """The elements of the story were completed in this order, and others never entered."""
    path = iter(stage.path())
    assert [element for element in story.expect.get("path", []) if element not in path] == []
    assert set(story.expect.get("not_visited", [])) & stage.visited() == set()


def assert_variables(story: Story, stage: RequestStage) -> None:
    """The variables are as the story says: of what runs, the called process first; of what has ended, the caller."""
    found: dict[str, Any] = {}
    for instance in sorted(stage.instances(), key=by_validity):
        with stage.sessions.begin() as session:
            found.update(process_instances.variables(session, instance.id))
    expected = story.expect.get("variables", {})
    assert {name: found.get(name) for name in expected} == expected


def assert_deliveries(story: Story, stage: RequestStage) -> None:
    """This went out, and nothing else."""
    if "deliveries" in story.expect:
        with stage.sessions.begin() as session:
            found = session.execute(select(Delivery.state, Delivery.text).order_by(Delivery.id)).all()
        assert [{"state": row.state, "text": row.text} for row in found] == story.expect["deliveries"]


def assert_measured(story: Story, stage: RequestStage) -> None:
    """What the matter measures, such as the working time until something, is what the story reckons: seconds."""
    for name, expected in story.expect.get("measured", {}).items():
        with stage.sessions.begin() as session:
            outermost = min(stage.instances(), key=lambda instance: instance.id)
            positions = measures.positions(session.connection(), outermost.definition_key)
            held = measures.held(session.connection(), outermost.id) or {}
        ((_, kind),) = [each for each in positions if each[0] == name]
        assert (name, held[f"{kind}_{positions[name, kind]}"]) == (name, expected)


def assert_nothing_is_wrong(stage: RequestStage) -> None:
    """No incident is open, and the history of each instance verifies."""
    with stage.sessions.begin() as session:
        assert session.scalars(select(Incident.message).where(Incident.state == "open")).all() == []
        assert list(history.verify_all(session)) == []


@pytest.mark.parametrize("dealership_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("told", "steps"), [("mental_distress", 7), ("several_departments", 6), ("wrong_pdi", 24)])
def test_story__left_alone(told: str, steps: int, stage: RequestStage) -> None:
    """Where several deadlines of a matter are watched, nobody is reminded twice on one day."""
    story = next(story for story in STORIES if story.id == told)
    stories.begin(story, stage)
    for step in story.steps[:steps]:
        stories.play_step(step, stage)

    stage.move_to(clock.now() + timedelta(days=12))

    with stage.sessions.begin() as session:
        rows = session.execute(
            select(Notification.username, Notification.created_at).where(Notification.kind == "reminder")
        ).all()
    reminded = Counter((row.username, row.created_at.astimezone(SHANGHAI).date()) for row in rows)
    assert len(reminded) >= 3
    assert [each for each, count in reminded.items() if count > 1] == []


def test_stories__enough_of_them() -> None:
    assert len(STORIES) >= 12
    assert len({story.id for story in STORIES}) == len(STORIES)


def test_stories__every_process_has_some() -> None:
    folders = {path.parent for path in PROCESSES.glob("*/*.bpmn")}

    assert all(stories.read(folder / "scenarios.yaml") for folder in folders)
