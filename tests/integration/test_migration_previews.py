"""What would come of migrating instances: tried on copies, told by element, and what then happens."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database import Base
from casepath.engine.database.models import Job, ProcessInstance, Subscription, UserTask
from casepath.engine.instances import messages, migration_plans, migration_previews, process_instances, user_tasks
from casepath.engine.instances.migration_plans import MigrationPlan
from casepath.engine.instances.migration_previews import Tried
from casepath.engine.people import identity
from tests import diagrams
from tests.acting import PROGRAM

Sessions = sessionmaker[Session]

FORM = b'{"type": "default", "id": "f", "components": [{"type": "textfield", "key": "a", "label": "%s"}]}'


def drawn(
    *, called: str = "A", type_of_b: str = "userTask", late: str = "PT2H", paid: bool = True, inner: bool = False
) -> bytes:
    """A process with two branches: A with a deadline and a form, B, C after it; a message at the border of B."""
    b = f'<{type_of_b} id="B"/>'
    if inner:
        c = diagrams.container("Sub", '<startEvent id="S"/><userTask id="C"/><endEvent id="E"/>', flow="S > C; C > E")
    else:
        c = '<userTask id="C"/>'
    timer = f'<boundaryEvent id="Late" name="too late" attachedToRef="A">{diagrams.timer(late)}</boundaryEvent>'
    borders = timer * bool(late)
    borders += f'<boundaryEvent id="Paid" attachedToRef="B">{diagrams.message()}</boundaryEvent>' * paid
    flow = f"Start > Fork; Fork > A; Fork > B; A > End; B > {'Sub' if inner else 'C'}; {'Sub' if inner else 'C'} > End"
    flow += "; Late > End" * bool(late) + "; Paid > End" * paid
    return diagrams.process(
        f'<startEvent id="Start"/><parallelGateway id="Fork"/><userTask id="A" name="{called}" camunda:formKey="f"/>',
        b, c, borders, '<endEvent id="End"/>', flow=flow, root=diagrams.MESSAGE,
    )  # fmt: skip


def deploy(rows: Sessions, diagram: bytes, label: bytes = b"a") -> int:
    """Deploy a version; return its number."""
    with rows.begin() as session:
        files = {"p.bpmn": diagram, "forms/f.form": FORM % label}
        made = deployments.deploy(session, files, name="p", by=PROGRAM).definitions
        return next(each.id for each in made if each.kind == "process")


def start(rows: Sessions) -> int:
    with rows.begin() as session:
        return process_instances.start(session, "p", by=PROGRAM).id


def plan_of(rows: Sessions, old: int, new: int, **overrides: str) -> MigrationPlan:
    with rows.begin() as session:
        return migration_plans.draft(session, old, new, overrides)


def tried(rows: Sessions, plan: MigrationPlan, number: int) -> Tried:
    with rows.begin() as session:
        return migration_previews.preview(session, plan, number, by=PROGRAM)


def everything(rows: Sessions) -> dict[str, Any]:
    """All rows of all tables."""
    with rows.begin() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all())) for table in Base.metadata.sorted_tables
        }


def told(found: Tried) -> list[tuple[str, str, str]]:
    return [(each.verdict, each.element_id, str(each.phrase)) for each in found.reasons]


def test_preview__green_keeps_claims_and_timers(transaction: Sessions) -> None:
    """A deadline that would be another is kept as it runs, and so is whoever has the task: no reason."""
    old = deploy(transaction, drawn())
    number = start(transaction)
    new = deploy(transaction, drawn(late="PT9H"))
    with transaction.begin() as session:
        identity.create_user(session, "alice", name="Alice", by=PROGRAM)
        task = session.scalars(select(UserTask.id).where(UserTask.element_id == "A")).one()
        user_tasks.assign(session, task, "alice", by=PROGRAM, reason="hers")
        due = session.scalars(select(Job.due_at)).one()
    plan = plan_of(transaction, old, new)

    found = tried(transaction, plan, number)

    assert (found.verdict, sorted(found.elements), found.reasons) == ("green", ["A", "B"], [])
    with transaction.begin() as session:
        migration_plans.execute(session, plan, number, by=PROGRAM, reason="x")
        assert session.scalars(select(Job.due_at)).all() == [due]
        assert session.scalars(select(UserTask.assignee).where(UserTask.element_id == "A")).one() == "alice"


def test_preview__amber_says_what_is_another(transaction: Sessions) -> None:
    old = deploy(transaction, drawn())
    number = start(transaction)
    new = deploy(transaction, drawn(called="Ask", late="", paid=True), b"other")

    found = tried(transaction, plan_of(transaction, old, new), number)

    assert found.verdict == "amber"
    assert told(found) == [
        ("amber", "A", "The task is called “Ask” then, not “A”"),
        ("amber", "A", "The form of the task is another then; a draft may not fit it"),
        ("amber", "A", "“too late” is not waited for any more"),
    ]
    back = plan_of(transaction, new, old)
    with transaction.begin() as session:
        migration_plans.execute(session, plan_of(transaction, old, new), number, by=PROGRAM, reason="x")
    assert ("amber", "A", "“too late” is waited for from then on") in told(tried(transaction, back, number))


def test_preview__red_says_why(transaction: Sessions) -> None:
    old = deploy(transaction, drawn())
    number = start(transaction)
    new = deploy(transaction, drawn(type_of_b="manualTask", paid=False))

    found = tried(transaction, plan_of(transaction, old, new), number)

    assert found.verdict == "red"
    assert [(verdict, element) for verdict, element, _ in told(found)] == [("red", "B")]
    assert "Expected an instruction for B" in str(found.reasons[0].phrase)


def test_preview__a_plan_that_is_wrong_is_red_for_all(transaction: Sessions) -> None:
    old, new = deploy(transaction, drawn()), deploy(transaction, drawn(called="Ask"))
    with transaction.begin() as session:
        number = process_instances.start(session, "p", by=PROGRAM, version=1).id
    plan = plan_of(transaction, old, new, A="nowhere")

    found = tried(transaction, plan, number)

    with transaction.begin() as session:
        places = migration_previews.places(session, plan, [found])
    assert found.verdict == "red"
    assert [(place.element_id, place.counts["red"]) for place in places] == [("A", 1), ("B", 1)]


def test_places__counts_each_element_by_its_own_reasons(transaction: Sessions) -> None:
    old = deploy(transaction, drawn())
    numbers = [start(transaction) for _ in range(3)]
    with transaction.begin() as session:
        done = session.scalars(select(UserTask.id).where(UserTask.process_instance_id == numbers[0])).first()
        assert done is not None
        user_tasks.complete(session, done, {}, by=PROGRAM)
    new = deploy(transaction, drawn(called="Ask"))
    plan = plan_of(transaction, old, new)

    with transaction.begin() as session:
        assert migration_previews.running(session, plan, by=PROGRAM) == numbers
    found = [tried(transaction, plan, number) for number in numbers]

    with transaction.begin() as session:
        places = {place.element_id: place for place in migration_previews.places(session, plan, found)}
    assert {key: dict(place.counts) for key, place in places.items()} == {
        "A": {"green": 0, "amber": 2, "red": 0},
        "B": {"green": 3, "amber": 0, "red": 0},
    }
    assert [(str(phrase), times) for phrase, times in places["A"].reasons.items()] == [
        ("The task is called “Ask” then, not “A”", 2)
    ]
    assert (places["B"].target, places["B"].reasons) == ("B", {})


def test_preview__who_may(transaction: Sessions) -> None:
    """Whoever may see where instances stand may ask what would come of them; to migrate is another right."""
    old = deploy(transaction, drawn())
    number = start(transaction)
    plan = plan_of(transaction, old, deploy(transaction, drawn(called="Ask")))
    with transaction.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        identity.create_user(session, "han", name="Han", groups=["process_owner"], by=PROGRAM)
        identity.create_user(session, "nemo", name="Nemo", by=PROGRAM)

    with transaction.begin() as session:
        assert migration_previews.preview(session, plan, number, by="han").verdict == "amber"
    with transaction.begin() as session, pytest.raises(errors.Forbidden):
        migration_previews.preview(session, plan, number, by="nemo")
    with transaction.begin() as session, pytest.raises(errors.Forbidden):
        migration_previews.running(session, plan, by="nemo")
    with transaction.begin() as session, pytest.raises(errors.EngineError):
        migration_plans.execute(session, plan, number, by="han", reason="x")


def moved_on(rows: Sessions, number: int, chance: random.Random) -> None:
    """Let an instance go some way at random."""
    for _ in range(chance.randrange(3)):
        with rows.begin() as session:
            open_ones = (UserTask.process_instance_id == number, UserTask.state == "created")
            tasks = session.scalars(select(UserTask.id).where(*open_ones).order_by(UserTask.id)).all()
            waiting = session.scalars(select(Subscription.id).where(Subscription.process_instance_id == number)).all()
            if waiting and chance.random() < 0.3:
                messages.correlate(session, "order", process_instance_id=number, by=PROGRAM)
            elif tasks:
                user_tasks.complete(session, chance.choice(tasks), {}, by=PROGRAM)


def seen(rows: Sessions, number: int) -> dict[str, Any]:
    """What somebody finds of an instance: tasks, who has them, when they are due, what is waited for until when."""
    with rows.begin() as session:
        tasks = select(
            UserTask.activity_instance, UserTask.name, UserTask.assignee, UserTask.candidate_groups, UserTask.due_at
        ).where(UserTask.process_instance_id == number, UserTask.state == "created")  # fmt: skip
        jobs = select(Job.activity_instance, Job.kind, Job.due_at).where(Job.process_instance_id == number)
        waits = select(Subscription.activity_instance, Subscription.name)
        return {
            "tasks": sorted(map(tuple, session.execute(tasks))),
            "jobs": sorted(map(tuple, session.execute(jobs))),
            "waits": sorted(map(tuple, session.execute(waits.where(Subscription.process_instance_id == number)))),
        }


@pytest.mark.parametrize("seed", range(12))
def test_preview__says_what_then_happens(transaction: Sessions, seed: int) -> None:
    """Random versions, and instances anywhere in them: nothing is left of a try, and it told what came of it."""
    chance = random.Random(seed)

    def version() -> bytes:
        return drawn(
            called=chance.choice(["A", "Ask"]),
            type_of_b=chance.choice(["userTask", "userTask", "manualTask"]),
            late=chance.choice(["PT2H", "PT9H", ""]),
            paid=chance.random() < 0.6,
            inner=chance.random() < 0.3,
        )

    old = deploy(transaction, drawn(late=chance.choice(["PT2H", ""]), paid=chance.random() < 0.6))
    numbers = [start(transaction) for _ in range(6)]
    for number in numbers:
        moved_on(transaction, number, chance)
    plan = plan_of(transaction, old, deploy(transaction, version(), chance.choice([b"a", b"other", b"changed"])))
    with transaction.begin() as session:
        numbers = migration_previews.running(session, plan, by=PROGRAM)

    before = everything(transaction)
    found = {number: tried(transaction, plan, number) for number in numbers}
    assert everything(transaction) == before

    for number in numbers:
        then = seen(transaction, number)
        try:
            with transaction.begin() as session:
                migration_plans.execute(session, plan, number, by=PROGRAM, reason="newer")
        except errors.InvalidInput:
            assert found[number].verdict == "red", told(found[number])
            assert seen(transaction, number) == then
            continue
        assert found[number].verdict != "red", told(found[number])
        if found[number].verdict == "green":
            assert seen(transaction, number) == then
        with transaction.begin() as session:
            assert session.get_one(ProcessInstance, number).definition_id == plan.target_id
            assert list(history.verify_instance(session, number)) == []
