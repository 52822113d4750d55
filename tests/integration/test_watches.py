"""Who watches a matter is told what others do there, once, as long as he may see it."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.instances import comments, departures, process_instances, user_tasks, watches
from casepath.engine.people import access, identity
from casepath.engine.people.authorization import Person
from casepath.engine.queries import instances, notices
from tests import diagrams, factories
from tests.acting import PROGRAM

Transaction = sessionmaker[Session]

DIAGRAM = diagrams.process(
    '<startEvent id="s"/>', '<userTask id="ask" name="Ask" camunda:candidateGroups="service"/>',
    '<endEvent id="done"/>', flow="s > ask; ask > done", key="p",
)  # fmt: skip


@pytest.fixture(autouse=True)
def begun(transaction: Transaction) -> None:
    with transaction.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        for key in ("service", "sales"):
            factories.group(session, key)
        for username, group in (("alice", "service"), ("bob", "service"), ("charlie", "sales")):
            factories.user(session, username, groups=[group])
        deployments.deploy(session, {"p.bpmn": DIAGRAM}, name="p", by=PROGRAM)
        process_instances.start(session, "p", business_key="K", by=PROGRAM)
        comments.add(session, "K", "before", by="bob")


def rest(session: Session) -> None:
    while watches.tell_news(session):
        pass


def told(session: Session, username: str) -> list[str]:
    found = [notice for matter in notices.page(session, username).rows for notice in matter.notices]
    return [str(notice.phrase) for notice in reversed(found) if notice.kind == "news"]


def test_tell_news__of_what_others_do_once(transaction: Transaction) -> None:
    with transaction.begin() as session:
        process_instances.start(session, "p", business_key="M", by="alice")
        watches.watch(session, "M", by="alice")
        watches.watch(session, "M", by="alice")
        rest(session)
        assert told(session, "alice") == []

        comments.add(session, "M", "by myself", by="alice")
        comments.add(session, "M", "by another", by="bob")
        user_tasks.complete(session, user_tasks.open_of(session, "M", "ask"), {}, by="bob")
        rest(session)
        rest(session)

        assert told(session, "alice") == [
            "Bob added a comment.", "Bob completed the task “Ask”.", "The matter is completed.",
        ]  # fmt: skip
        assert told(session, "bob") == []
        (instance,) = access.matter(session, identity.person(session, "alice"), "M")
        assert list(history.verify(session, instance.id)) == []


def test_tell_news__a_matter_ends_with_its_first_process_instance(transaction: Transaction) -> None:
    with transaction.begin() as session:
        first, second = (process_instances.start(session, "p", business_key="M", by="alice").id for _ in range(2))
        watches.watch(session, "M", by="alice")
        process_instances.cancel(session, second, by=PROGRAM, reason="x")
        rest(session)
        assert told(session, "alice") == []
        process_instances.cancel(session, first, by=PROGRAM, reason="x")
        rest(session)

        assert told(session, "alice") == ["The matter was cancelled."]


def test_tell_news__much_at_once_is_counted(transaction: Transaction) -> None:
    with transaction.begin() as session:
        watches.watch(session, "K", by="alice")
        for _ in range(watches.MOST + 3):
            comments.add(session, "K", "x", by="bob")
        rest(session)

        assert told(session, "alice")[-1] == "3 more things happened here."
        assert len(told(session, "alice")) == watches.MOST + 1


def test_tell_news__what_happens_while_it_looks_is_told_once(
    transaction: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = watches._lengths

    def and_meanwhile(session: Session, business_key: str) -> dict[str, int]:
        found = look(session, business_key)
        comments.add(session, "K", "meanwhile", by="bob")
        process_instances.start(session, "p", business_key="K", by=PROGRAM)
        return found

    with transaction.begin() as session:
        watches.watch(session, "K", by="alice")
        comments.add(session, "K", "x", by="bob")
        with monkeypatch.context() as patched:
            patched.setattr(watches, "_lengths", and_meanwhile)
            watches.tell_news(session)
        assert told(session, "alice") == ["Bob added a comment."]
        rest(session)

        assert told(session, "alice") == ["Bob added a comment."] * 2


def test_tell_news__not_whoever_has_left_it(transaction: Transaction) -> None:
    with transaction.begin() as session:
        watches.watch(session, "K", by="alice")
        watches.leave(session, "K", by="alice")
        comments.add(session, "K", "x", by="bob")
        rest(session)

        assert told(session, "alice") == []


def test_tell_news__not_whoever_may_see_it_no_longer(transaction: Transaction) -> None:
    with transaction.begin() as session:
        watches.watch(session, "K", by="alice")
        identity.set_groups(session, "alice", ["sales"], by=PROGRAM)
        comments.add(session, "K", "x", by="bob")
        rest(session)

        assert told(session, "alice") == []
        assert not watches.is_watched(session, "K", "alice")


def test_watch__only_what_one_may_see(transaction: Transaction) -> None:
    with transaction.begin() as session:
        with pytest.raises(errors.NotFound):
            watches.watch(session, "K", by="charlie")
        with pytest.raises(errors.Forbidden):
            watches.watch(session, "K", by=PROGRAM)


def test_watch__news_give_no_right_to_see(transaction: Transaction) -> None:
    with transaction.begin() as session:
        watches.watch(session, "K", by="alice")
        comments.add(session, "K", "x", by="bob")
        rest(session)
        assert len(told(session, "alice")) == 1
        identity.set_groups(session, "alice", ["sales"], by=PROGRAM)

        assert not access.sees_matter(session, identity.person(session, "alice"), "K")


def test_watch__not_too_many(transaction: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "MAX_WATCHED", 1)
    with transaction.begin() as session:
        process_instances.start(session, "p", business_key="L", by=PROGRAM)
        watches.watch(session, "K", by="alice")
        with pytest.raises(errors.InvalidInput, match="At most 1"):
            watches.watch(session, "L", by="alice")
        watches.watch(session, "K", by="alice")


def test_page__of_what_is_watched(transaction: Transaction) -> None:
    with transaction.begin() as session:
        process_instances.start(session, "p", business_key="L", by=PROGRAM)
        watches.watch(session, "K", by="alice")
        alice = Person(username="alice", groups=frozenset({"service"}))
        wanted = instances.Filters(numbers=watches.of_user(session, "alice"))

        assert [row.business_key for row in instances.page(session, alice, wanted).rows] == ["K"]


def test_erase__watches_go_with_their_owner(transaction: Transaction) -> None:
    with transaction.begin() as session:
        watches.watch(session, "K", by="bob")
        departures.lock_out(session, "bob", by=PROGRAM)
        departures.erase(session, "bob", by=PROGRAM, reason="left")

        assert not watches.is_watched(session, "K", "bob")
