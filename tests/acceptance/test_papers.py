"""The papers of random matters tell what happened; `python -m tests.acceptance.papers` plays as many as one likes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database
from casepath.engine.database.models import Attachment, HistoryEvent
from casepath.engine.deployments import documents
from casepath.engine.papers import Heading, Paragraph, Run, pdf
from casepath.engine.queries import papers as template
from casepath.engine.queries.papers import Printing
from casepath.engine.time import clock
from tests.acceptance import papers
from tests.acceptance.wandering import ZONE

HISTORIES = 12


@pytest.fixture
def sessions(dealership_url: str) -> Iterator[sessionmaker[Session]]:
    """The dealership, where nothing has happened yet."""
    pool = database.connect(dealership_url)
    yield database.sessions(pool)
    clock.reset()
    pool.dispose()


def test_papers__of_random_matters(sessions: sessionmaker[Session]) -> None:
    told: Counter[str] = Counter()
    for seed in range(HISTORIES):
        _, found, steps = papers.play(sessions, seed)
        assert found == [], f"seed {seed}"
        told += steps

    # Rounds are among them, and what customers do.
    assert any("（第 2 次）" in title for title in told)
    assert len(told) > HISTORIES


@pytest.mark.parametrize("dealership_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", ["value", "order", "section", "signature"])
def test_problems__finds_a_paper_that_tells_otherwise(sessions: sessionmaker[Session], change: str) -> None:
    """What would be found is made by hand: another paper is kept instead of the one of a matter."""
    key, _, _ = papers.play(sessions, 1)
    with sessions.begin() as session:
        (entry,) = papers.papers(session, key)
        told = template.of_matter(session, documents.newest(session, "complaint_form"), key, printing(entry))
        blocks = list(told.blocks)
        first, second, *_ = [place for place, block in enumerate(blocks) if isinstance(block, Heading)][1:]
        match change:
            case "value":
                blocks[first + 1] = blocks[second + 1]
            case "order":
                blocks[first], blocks[second] = blocks[second], blocks[first]
            case "section":
                del blocks[first:second]
            case "signature":
                blocks[second - 1] = Paragraph(line=((), (Run(text="李四　2026年11月2日 09:07"),)))
        entry.content = pdf(replace(told, blocks=tuple(blocks)))
    with sessions.begin() as session:
        assert list(papers.problems(session, key)) != []


def printing(entry: Attachment) -> Printing:
    """When a paper was made."""
    return Printing(at=entry.created_at, zone=ZONE)


@pytest.mark.parametrize("dealership_url", ["sqlite"], indirect=True)
def test_incidents__finds_where_a_matter_stood_still(sessions: sessionmaker[Session]) -> None:
    key, _, _ = papers.play(sessions, 1)
    with sessions.begin() as session:
        told = select(HistoryEvent.id).where(HistoryEvent.kind == "external_task.completed").limit(1)
        stood = update(HistoryEvent).where(HistoryEvent.id.in_(told)).values(kind="external_task.failed")
        session.execute(stood)

        (found,) = papers.incidents(session, key)

    assert "external_task.failed" in found
