"""The papers of random matters tell what happened; `python -m tests.acceptance.papers` plays as many as one likes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from lxml import html
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database
from casepath.engine.database.models import Attachment, HistoryEvent
from casepath.engine.time import clock
from tests.acceptance import papers

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
    """What would be found is made by hand, on the paper of one matter."""
    key, _, _ = papers.play(sessions, 1)
    with sessions.begin() as session:
        (entry,) = session.scalars(select(Attachment).where(Attachment.business_key == key))
        parts = html.fromstring(entry.content.decode())
        first, second = parts.xpath("//section")[:2]
        match change:
            case "value":
                first.find(".//td").text += "0"
            case "order":
                second.addnext(first)
            case "section":
                second.getparent().remove(second)
            case "signature":
                second.xpath("p[@class='signed']")[0].text = "李四 · 2026-11-02 09:07"
        entry.content = html.tostring(parts, encoding="unicode").encode()
    with sessions.begin() as session:
        assert list(papers.problems(session, key)) != []


@pytest.mark.parametrize("dealership_url", ["sqlite"], indirect=True)
def test_incidents__finds_where_a_matter_stood_still(sessions: sessionmaker[Session]) -> None:
    key, _, _ = papers.play(sessions, 1)
    with sessions.begin() as session:
        told = select(HistoryEvent.id).where(HistoryEvent.kind == "external_task.completed").limit(1)
        stood = update(HistoryEvent).where(HistoryEvent.id.in_(told)).values(kind="external_task.failed")
        session.execute(stood)

        (found,) = papers.incidents(session, key)

    assert "external_task.failed" in found
