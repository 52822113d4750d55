"""What people note about a matter."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, history
from casepath.engine.instances import comments
from tests import factories
from tests.acting import ADMINISTRATOR, PROGRAM
from tests.each import each

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
        kept = comments.page(session, KEY)[0]
        assert [comment.text for comment in kept] == ["客户要求\n尽快回复", "second"]
        event = history.events(session, process_instance_id)[0]
        assert (event.kind, event.by, event.facts) == ("comment.added", "alice", {"comment": kept[0].id})
        assert list(event.variables.values()) == ["客户要求\n尽快回复"]


def test_remove__text_is_gone_everywhere(transaction: Sessions, process_instance_id: int) -> None:
    with transaction.begin() as session:
        first, second = (comments.add(session, KEY, text, by="alice").id for text in ("秘密", "stays"))
        comments.remove(session, first, by=ADMINISTRATOR, reason="客户要求")

    with transaction.begin() as session:
        assert [comment.id for comment in comments.page(session, KEY)[0]] == [second]
        events = history.events(session, process_instance_id)
        assert history.verify(session, process_instance_id) == []
    assert [list(event.variables.values()) for event in events] == [[], ["stays"], []]
    assert (events[-1].kind, events[-1].by, events[-1].facts["reason"]) == ("values.erased", "ada", "客户要求")


def test_remove__no_such_comment(transaction: Sessions) -> None:
    with pytest.raises(errors.NotFound), transaction.begin() as session:
        comments.remove(session, 99, by=ADMINISTRATOR, reason="x")


@each("text", ["", " \n", "x" * 10_001, "a\x00b", "\ud800"])
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
    for who in ("alice", PROGRAM):
        with pytest.raises(errors.NotFound), transaction.begin() as session:
            comments.add(session, "TS9999", "x", by=who)
