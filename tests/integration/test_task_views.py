"""Views of task lists: whose they are, who changes them, and what they may show."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.database.models import OrganisationEvent
from casepath.engine.instances import departures, process_instances, task_views
from casepath.engine.instances.task_views import Filters, Settings
from casepath.engine.people import identity
from casepath.engine.queries import tasks
from tests import diagrams, factories
from tests.acting import PROGRAM
from tests.each import each

Transaction = sessionmaker[Session]

DECLARED = (
    '<extensionElements><camunda:properties><camunda:property name="facts" value="who:text,size:integer"/>'
    "</camunda:properties></extensionElements>"
)
DIAGRAM = diagrams.process(
    DECLARED, '<startEvent id="s"/>', '<userTask id="ask" camunda:candidateGroups="service"/>', flow="s > ask", key="p"
)
LATE = Settings(
    list="all",
    filters=Filters(text="x", due="overdue", facts={"who": "wang"}, order="-fact.who"),
    columns=("fact.who", "due", "fact.size"),
)


@pytest.fixture(autouse=True)
def deployed(transaction: Transaction) -> None:
    with transaction.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        for key in ("service", "sales"):
            factories.group(session, key)
        for name, groups in (("alice", ["service"]), ("bob", ["service"]), ("charlie", ["sales"])):
            factories.user(session, name, groups=groups)
        factories.user(session, "ada", groups=["administrator"])
        factories.user(session, "audrey", groups=["auditor", "service"])
        deployments.deploy(session, {"p.bpmn": DIAGRAM}, name="p", by=PROGRAM)


def seen(session: Session, username: str) -> list[str]:
    return [view.name for view in task_views.of_person(session, identity.person(session, username))]


def told(session: Session) -> list[str]:
    kinds = select(OrganisationEvent.kind).where(OrganisationEvent.kind.like("view.%"))
    return list(session.scalars(kinds.order_by(OrganisationEvent.sequence)))


def test_save__keeps_everything(transaction: Transaction) -> None:
    with transaction.begin() as session:
        kept = task_views.save(session, "  Late   ones ", LATE, by="alice")
    with transaction.begin() as session:
        alice = identity.person(session, "alice")
        assert task_views.get(session, alice, kept.id) == kept
        assert (kept.name, kept.group, kept.settings) == ("Late ones", None, LATE)


def test_of_person__ones_own_and_those_of_ones_groups(transaction: Transaction) -> None:
    with transaction.begin() as session:
        task_views.save(session, "A", LATE, by="alice")
        task_views.save(session, "Z", LATE, group="service", by="alice")

        assert [seen(session, name) for name in ("alice", "bob", "charlie")] == [["Z", "A"], ["Z"], []]


def test_change__of_a_group_is_for_its_members_and_administrators(transaction: Transaction) -> None:
    with transaction.begin() as session:
        view = task_views.save(session, "Z", LATE, group="service", by="alice")

        task_views.change(session, view.id, name="Y", by="bob")
        task_views.change(session, view.id, settings=Settings(list="claimable"), by="ada")
        with pytest.raises(errors.NotFound):
            task_views.change(session, view.id, name="X", by="charlie")
        with pytest.raises(errors.Forbidden):
            task_views.change(session, view.id, name="X", by="audrey")
        with pytest.raises(errors.Forbidden):
            task_views.save(session, "X", LATE, group="service", by="charlie")

        assert seen(session, "alice") == ["Y"]
        assert task_views.get(session, identity.person(session, "bob"), view.id).settings == Settings(list="claimable")
        task_views.remove(session, view.id, by="bob")
        assert seen(session, "alice") == []
        assert told(session) == ["view.created", "view.changed", "view.changed", "view.removed"]


def test_change__ones_own_is_nobody_elses(transaction: Transaction) -> None:
    with transaction.begin() as session:
        view = task_views.save(session, "A", LATE, by="alice")

        for stranger in ("bob", "ada"):
            with pytest.raises(errors.NotFound):
                task_views.remove(session, view.id, by=stranger)
        task_views.change(session, view.id, name="A", settings=Settings(), by="alice")
        assert told(session) == []


@each(
    "settings, code",
    [
        (Settings(list="others"), "view-unknown"),  # type: ignore[arg-type]
        (Settings(columns=("colour",)), "view-unknown"),
        (Settings(columns=("fact.colour",)), "view-unknown"),
        (Settings(filters=Filters(facts={"colour": "red"})), "view-unknown"),
        (Settings(filters=Filters(order="who")), "view-unknown"),
        (Settings(filters=Filters(due="never")), "view-unknown"),
        (Settings(columns=("due",) * 13), "view-too-large"),
        (Settings(filters=Filters(text="x" * 256)), "text-too-long"),
    ],
)
def test_save__refuses_what_no_list_can_show(transaction: Transaction, settings: Settings, code: str) -> None:
    with transaction.begin() as session, pytest.raises(errors.InvalidInput) as refusal:
        task_views.save(session, "A", settings, by="alice")

    assert refusal.value.code == code


def test_save__one_of_a_name_and_not_too_many(transaction: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_views, "MAX_VIEWS", 2)
    with transaction.begin() as session:
        task_views.save(session, "A", LATE, by="alice")
        task_views.save(session, "A", LATE, by="bob")
        with pytest.raises(errors.InvalidInput, match="already"):
            task_views.save(session, "A", replace(LATE, list="mine"), by="alice")
        task_views.save(session, "B", LATE, by="alice")
        with pytest.raises(errors.InvalidInput, match="At most 2"):
            task_views.save(session, "C", LATE, by="alice")


def test_change__another_name_where_there_is_room_for_no_further_view(
    transaction: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_views, "MAX_VIEWS", 2)
    with transaction.begin() as session:
        view, _ = (task_views.save(session, name, LATE, by="alice") for name in ("A b", "C"))

        task_views.change(session, view.id, name="A  b", by="alice")
        task_views.change(session, view.id, name="B", by="alice")
        with pytest.raises(errors.InvalidInput, match="already"):
            task_views.change(session, view.id, name="C", by="alice")

        assert seen(session, "alice") == ["B", "C"]


def test_erase__views_go_with_their_owner(transaction: Transaction) -> None:
    with transaction.begin() as session:
        task_views.save(session, "A", LATE, by="bob")
        departures.lock_out(session, "bob", by="ada")
        departures.erase(session, "bob", by="ada", reason="left")
        identity.set_active(session, "bob", True, by="ada")

        assert seen(session, "bob") == []


class TestFacts:
    @pytest.fixture(autouse=True)
    def begun(self, transaction: Transaction) -> None:
        with transaction.begin() as session:
            for number, (who, size) in enumerate([("wang", 10), ("li", 9), (None, 100), ("zhao", None)]):
                held = {name: value for name, value in (("who", who), ("size", size)) if value is not None}
                process_instances.start(session, "p", held, business_key=f"K-{number}", by=PROGRAM)

    @each(
        "order, wanted",
        [("fact.who", "1032"), ("-fact.who", "3012"), ("fact.size", "1023"), ("-fact.size", "2013")],
    )
    def test_page__in_the_order_of_a_fact(self, transaction: Transaction, order: str, wanted: str) -> None:
        with transaction.begin() as session:
            alice, found, after = identity.person(session, "alice"), "", None
            while not found or after is not None:
                page = tasks.page(session, alice, "all", Filters(order=order), after=after, limit=3)
                found += "".join(str(row.business_key)[-1] for row in page.rows)
                after = page.next

        assert found == wanted

    @each("facts, number", [({"who": "li"}, 1), ({"size": "9"}, 1), ({"who": "li", "size": "10"}, 0), ({}, 4)])
    def test_tally__counts_what_fits(self, transaction: Transaction, facts: dict[str, str], number: int) -> None:
        with transaction.begin() as session:
            alice, wanted = identity.person(session, "alice"), Filters(facts=facts)

            assert tasks.tally(session, alice, "claimable", wanted) == (number, False)
            assert len(tasks.page(session, alice, "claimable", wanted).rows) == number

    def test_tally__looks_only_so_far(self, transaction: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tasks, "STRETCH", 2)
        with transaction.begin() as session:
            wanted = replace(Filters(), facts={"who": "zhao"})

            assert tasks.tally(session, identity.person(session, "alice"), "claimable", wanted) == (0, True)


@each("group", [None, "service"])
@each("other", [False, True])
def test_save__two_at_once_are_one(transaction: Transaction, group: str | None, other: bool) -> None:
    barrier = Barrier(2)
    settings = (LATE, replace(LATE, list="mine") if other else LATE)

    def attempt(shown: Settings) -> bool:
        with transaction() as session:
            barrier.wait(timeout=10)
            try:
                task_views.save(session, f"V{group}{other}", shown, group=group, by="alice")
                session.commit()
            except errors.InvalidInput:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, settings)) == [not other, True]
    with transaction.begin() as session:
        assert seen(session, "alice").count(f"V{group}{other}") == 1


def test_change__the_name_of_another_one_at_once(transaction: Transaction) -> None:
    with transaction.begin() as session:
        views = [task_views.save(session, name, LATE, by="alice").id for name in ("A", "B")]
    barrier = Barrier(2)

    def attempt(view: int) -> bool:
        with transaction() as session:
            barrier.wait(timeout=10)
            try:
                task_views.change(session, view, name="C", by="alice")
                session.commit()
            except errors.InvalidInput:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, views)) == [False, True]
