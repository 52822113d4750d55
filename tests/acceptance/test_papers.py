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
from casepath.engine.papers import Heading, Paper, Paragraph, Run, pdf
from casepath.engine.queries import papers as template
from casepath.engine.queries.papers import Printing
from casepath.engine.time import clock
from tests.acceptance import papers
from tests.acceptance.wandering import ZONE

#: Random matters that pass nearly every element and have nearly every kind of event of the first two dozen; each is
#: played on one kind of database. The command plays more.
ON_EACH = [
    ("sqlite", (1, 4, 11, 19)),
    pytest.param("postgresql", (17, 20, 22), marks=pytest.mark.postgresql),
]


@pytest.fixture
def sessions(dealership_url: str) -> Iterator[sessionmaker[Session]]:
    """The dealership, where nothing has happened yet."""
    pool = database.connect(dealership_url)
    yield database.sessions(pool)
    clock.reset()
    pool.dispose()


@pytest.mark.parametrize(("dealership_url", "seeds"), ON_EACH, indirect=["dealership_url"])
def test_papers__of_random_matters(sessions: sessionmaker[Session], seeds: tuple[int, ...]) -> None:
    told: Counter[str] = Counter()
    for seed in seeds:
        _, found, steps = papers.play(sessions, seed)
        assert found == [], f"seed {seed}"
        told += steps

    # Rounds are among them, and what customers do.
    assert any("（第 2 次）" in title for title in told)
    assert len(told) > 30


@pytest.mark.parametrize("dealership_url", ["sqlite"], indirect=True)
def test_problems__finds_what_is_wrong(sessions: sessionmaker[Session]) -> None:
    """What would be found is made by hand: another paper is kept instead of the one of a matter, or it stood still."""
    key, _, _ = papers.play(sessions, 1)

    for change in ("value", "order", "section", "signature"):
        with sessions() as session:
            (entry,) = papers.papers(session, key)
            entry.content = pdf(changed(session, key, entry, change))
            session.flush()
            assert list(papers.problems(session, key)) != [], change
    with sessions() as session:
        assert list(papers.problems(session, key)) == []
        told = select(HistoryEvent.id).where(HistoryEvent.kind == "external_task.completed").limit(1)
        session.execute(update(HistoryEvent).where(HistoryEvent.id.in_(told)).values(kind="external_task.failed"))
        (found,) = papers.incidents(session, key)
        assert "external_task.failed" in found


def changed(session: Session, key: str, entry: Attachment, change: str) -> Paper:
    """Return the paper of a matter as it should not be."""
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
    return replace(told, blocks=tuple(blocks))


def printing(entry: Attachment) -> Printing:
    """When a paper was made."""
    return Printing(at=entry.created_at, zone=ZONE)
