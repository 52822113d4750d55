"""What matters and tasks are found by: any part of a fact or number, however written, and nothing that is gone."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, history
from casepath.engine.database import terms
from casepath.engine.database.models import SearchTerm
from casepath.engine.instances import process_instances
from casepath.engine.instances.task_views import Filters
from casepath.engine.people.authorization import Person
from casepath.engine.queries import instances, tasks
from tests import diagrams, factories
from tests.acting import PROGRAM, somebody
from tests.each import each

Transaction = sessionmaker[Session]

DIRECTOR = Person(username="director", groups=frozenset({"directors"}), sees_all=True)
DECLARED = (
    '<extensionElements><camunda:properties><camunda:property name="facts" value="who:text,number:text,told:text"/>'
    "</camunda:properties></extensionElements>"
)
DIAGRAM = diagrams.process(
    DECLARED, '<startEvent id="s"/>', '<userTask id="ask" camunda:assignee="${who}"/>', flow="s > ask", key="p"
)
VIN = "LSVAA4182E2123456"


@pytest.fixture(autouse=True)
def deployed(transaction: Transaction) -> None:
    with transaction.begin() as session:
        for name in ("director", "wang", "li"):
            factories.user(session, name)
        deployments.deploy(session, {"p.bpmn": DIAGRAM}, name="search", by=PROGRAM)


def begin(transaction: Transaction, business_key: str | None = "F-1", **values: str | None) -> int:
    with transaction.begin() as session:
        variables = {"who": "director", **values}
        return process_instances.start(session, "p", variables, business_key=business_key, by=PROGRAM).id


def found(session: Session, text: str, person: Person = DIRECTOR) -> list[int]:
    return [row.id for row in instances.page(session, person, instances.Filters(text=text)).rows]


@pytest.fixture
def matter(transaction: Transaction) -> int:
    return begin(transaction, number="京A·I0123", told=f"Ｍüller 王建国 {VIN}", other="x")


@each(
    "text, is_found",
    [
        ("müller", True), ("MULLER", True), ("ｍｕｌｌｅｒ", True), ("ller", True), ("i0123", True), ("国", True),
        ("京a i-0123", True), ("京Ａ·I0123", True), ("müller i0123", True), ("京AI0123", True), ("建", True),
        ("i0123 F-1", True), ("müller meier", False), ("f-1", True), ("Ｆ－１", True), ("müller - i0123", True),
        (VIN, True), (VIN[3:], True), (VIN[-4:].lower(), True), (VIN + "7", False), ("国建", False),
        ("%", False), ("_", False), ("·", False), ("meier", False), ("x", False), ("\U0010ffff", False),
    ],
)  # fmt: skip
def test_found__by_whatever_spelling(transaction: Transaction, matter: int, text: str, is_found: bool) -> None:
    with transaction.begin() as session:
        assert found(session, text) == ([matter] if is_found else [])
        assert len(tasks.page(session, DIRECTOR, "all", Filters(text=text)).rows) == is_found


def test_found__by_the_beginning_of_a_long_text_only(transaction: Transaction) -> None:
    number = begin(transaction, told="a" * (terms.READ - 3) + "xyz" + "q")

    with transaction.begin() as session:
        assert (found(session, "xyz"), found(session, "q")) == ([number], [])


@each("text", ["建 " * 100, " ".join(f"w{n}" for n in range(100)), VIN * 10, "ﷺ" * 60, "· " * 50])
def test_looked_for__no_more_than_is_cheap(text: str) -> None:
    assert 1 <= len(terms.words(text)) <= terms.MOST
    assert 1 <= len(terms.split(text)) <= terms.MOST


def test_found__by_what_is_true_now(transaction: Transaction) -> None:
    """What a fact and the number have in common stays found by the number."""
    number = begin(transaction, "TS-77", number="A·TS77")

    with transaction.begin() as session:
        process_instances.set_variables(session, number, {"number": "B9"}, by=PROGRAM, reason="mended")

    with transaction.begin() as session:
        assert [found(session, text) for text in ("ats77", "b9", "TS-77", "s7")] == [[], [number], [number], [number]]


def test_found__no_letter_of_what_was_erased(transaction: Transaction) -> None:
    number = begin(transaction, None, number="京A", told="王建国")
    with transaction.begin() as session:
        process_instances.cancel(session, number, by=PROGRAM, reason="wrong")
        history.erase(session, number, ["told", "who"], by=None, reason="asked for")

    with transaction.begin() as session:
        assert set(session.scalars(select(SearchTerm.term))) == {"京a", "a"}


def test_found__only_what_one_may_see(transaction: Transaction) -> None:
    of_wang, of_li = (begin(transaction, key, who=who) for key, who in (("A-1", "wang"), ("A-2", "li")))

    with transaction.begin() as session:
        people = (DIRECTOR, somebody("wang"), somebody("li"))
        assert [found(session, "a", person) for person in people] == [[of_li, of_wang], [of_wang], [of_li]]


def test_found__behind_many_that_one_may_not_see(transaction: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page looks at so many; one that shows nothing leads on to the next."""
    monkeypatch.setattr(instances, "LOOKED_AT", 2)
    own = begin(transaction, "A-0", who="wang")
    for number in range(1, 4):
        begin(transaction, f"A-{number}", who="li")

    with transaction.begin() as session:
        below: int | None = None
        pages = []
        while True:
            page = instances.page(session, somebody("wang"), instances.Filters(text="a"), below=below)
            pages.append([row.id for row in page.rows])
            below = page.next
            if below is None:
                break

    assert pages == [[], [own], []]


@each(
    "text, expected",
    [("ÉCOLE", "ecole"), ("ＡＢＣ１２３", "abc123"), ("Straße", "strasse"), ("王建国", "王建国"), ("が", "が")],
)
def test_folded__is_the_same_for_the_same(text: str, expected: str) -> None:
    assert terms.folded(text) == expected
