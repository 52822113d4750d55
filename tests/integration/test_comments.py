"""What people note about a matter."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session, sessionmaker

from engine import comments, errors, history
from tests import factories

Sessions = sessionmaker[Session]

KEY = "TS2026-0001"


@pytest.fixture
def process_instance_id(transaction: Sessions) -> int:
    """A matter that Alice has registered; Charlie is a stranger, Audrey audits."""
    with transaction.begin() as session:
        factories.group(session, "auditor")
        factories.user(session, "alice")
        factories.user(session, "charlie")
        factories.user(session, "audrey", groups=["auditor"])
        return factories.process_instance(session, started_by="alice").id


def test_add__kept_and_on_record(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        comments.add(session, KEY, " 客户要求\r\n尽快回复 ", by="alice")
        comments.add(session, KEY, "second", by="alice")

    with transaction.begin() as session:
        assert [comment.text for comment in comments.list_of(session, KEY)] == ["客户要求\n尽快回复", "second"]
        event = history.events(session, process_instance_id)[0]
        assert (event.kind, event.by, event.variables) == ("comment.added", "alice", {"text": "客户要求\n尽快回复"})


@pytest.mark.parametrize("text", ["", " \n", "x" * 10_001, "a\x00b", "\ud800"])
def test_add__no_text(transaction: Sessions, process_instance_id: int, text: str) -> None:
    with pytest.raises(errors.InvalidInput), transaction.begin() as session:
        comments.add(session, KEY, text, by="alice")


@pytest.mark.parametrize(("who", "refusal"), [("charlie", errors.NotFound), ("audrey", errors.Forbidden)])
def test_add__who_may_not(
    transaction: Sessions, process_instance_id: int, who: str, refusal: type[errors.EngineError]
) -> None:
    with pytest.raises(refusal), transaction.begin() as session:
        comments.add(session, KEY, "x", by=who)


def test_add__no_such_matter(transaction: Sessions, process_instance_id: int) -> None:
    for who in ("alice", "program"):
        with pytest.raises(errors.NotFound), transaction.begin() as session:
            comments.add(session, "TS9999", "x", by=who)
