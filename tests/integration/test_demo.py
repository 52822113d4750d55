"""Which stories the demo plays: what was begun before is left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath import demo, stories
from casepath.engine.time import clock
from tests import factories

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
STORIES = stories.read_all(PROCESSES)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def begin(session: Session, story: stories.Story) -> None:
    """Leave an instance of a story."""
    instance = factories.process_instance(session, of=factories.definition(session, key=story.process))
    instance.started_at = story.begins_at
    session.flush()


def test_unplayed__all_where_there_is_nothing(transaction: sessionmaker[Session]) -> None:
    with transaction.begin() as session:
        assert demo.unplayed(session, PROCESSES) == STORIES


def test_unplayed__the_rest_of_a_run_that_was_interrupted(transaction: sessionmaker[Session]) -> None:
    with transaction.begin() as session:
        for story in STORIES[:5]:
            begin(session, story)

        assert demo.unplayed(session, PROCESSES) == STORIES[5:]


def test_unplayed__none_where_work_is_done(transaction: sessionmaker[Session]) -> None:
    with transaction.begin() as session:
        instance = factories.process_instance(session, of=factories.definition(session, key=STORIES[0].process))
        assert instance.started_at <= clock.now()

        assert demo.unplayed(session, PROCESSES) == []
