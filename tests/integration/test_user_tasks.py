"""What people do to user tasks, short of completing them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors, history
from casepath.engine.database.models import ProcessInstance, UserTask, UserTaskCandidate
from casepath.engine.instances import user_tasks
from casepath.engine.people.authorization import Person
from casepath.engine.runtime.urgency import FAR_FUTURE
from tests import factories
from tests.acting import ADMINISTRATOR, OPERATOR, PROGRAM

Sessions = sessionmaker[Session]
Command = Callable[..., Any]

DUE = datetime(2999, 10, 8, 9, 0, tzinfo=UTC)


@pytest.fixture
def task_id(transaction: Sessions) -> int:
    """A task that the group of Alice and Bob may claim; Charlie is a stranger, Dora directs them, Audrey audits."""
    with transaction.begin() as session:
        for key in ("service", "sales", "auditor"):
            factories.group(session, key)
        factories.group(session, "directors", distributes=["service"])
        factories.group(session, "board", sees_all=True)
        factories.user(session, "alice", groups=["service"])
        factories.user(session, "bob", groups=["service"])
        factories.user(session, "charlie", groups=["sales"])
        factories.user(session, "dora", groups=["directors"])
        factories.user(session, "selma", groups=["board"])
        factories.user(session, "audrey", groups=["auditor"])
        factories.user(session, "gone", groups=["service"], active=False)
        return factories.user_task(session).id


def run(transaction: Sessions, command: Command, *arguments: Any, **options: Any) -> Any:
    with transaction.begin() as session:
        return command(session, *arguments, **options)


def stored(transaction: Sessions, task_id: int) -> UserTask:
    with transaction.begin() as session:
        return user_tasks.get(session, task_id)


def candidates(transaction: Sessions, task_id: int) -> list[tuple[str, bool]]:
    with transaction.begin() as session:
        rows = session.scalars(select(UserTaskCandidate).where(UserTaskCandidate.user_task_id == task_id))
        return [(row.name, row.claimed) for row in rows]


def events(transaction: Sessions, task_id: int) -> list[tuple[str, str | None, dict[str, Any]]]:
    with transaction.begin() as session:
        task = user_tasks.get(session, task_id)
        assert history.verify(session, task.process_instance_id) == []
        found = history.events(session, task.process_instance_id)
        return [(e.kind, e.by, dict(e.facts)) for e in found if e.kind.startswith("user_task.")]


def test_get__no_such_task(transaction: Sessions) -> None:
    with pytest.raises(errors.NotFound):
        run(transaction, user_tasks.get, 99)


def test_claim__free(transaction: Sessions, task_id: int) -> None:
    task = run(transaction, user_tasks.claim, task_id, by="alice")

    assert task.assignee == "alice"
    assert candidates(transaction, task_id) == [("service", True)]
    assert events(transaction, task_id) == [("user_task.claimed", "alice", {})]


def test_claim__one_s_own_again(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")
    run(transaction, user_tasks.claim, task_id, by="alice")

    assert len(events(transaction, task_id)) == 1


def test_claim__somebody_was_first(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")

    with pytest.raises(errors.InvalidState, match="alice has it now") as refusal:
        run(transaction, user_tasks.claim, task_id, by="bob")

    assert refusal.value.by == "alice"


def test_unclaim__may_be_claimed_again(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")
    run(transaction, user_tasks.unclaim, task_id, by="alice")

    assert candidates(transaction, task_id) == [("service", False)]
    assert run(transaction, user_tasks.claim, task_id, by="bob").assignee == "bob"


def test_unclaim__nobody_has_it(transaction: Sessions, task_id: int) -> None:
    with pytest.raises(errors.InvalidState):
        run(transaction, user_tasks.unclaim, task_id, by="dora", reason="on holiday")


def test_unclaim__nobody_could_claim_it(transaction: Sessions, task_id: int) -> None:
    with transaction.begin() as session:
        lonely = factories.user_task(session, assignee="alice", candidate_groups=()).id

    with pytest.raises(errors.InvalidState):
        run(transaction, user_tasks.unclaim, lonely, by="alice")


def test_assign__to_a_colleague(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")

    task = run(transaction, user_tasks.assign, task_id, " Bob", by="alice")

    assert (task.assignee, task.owner) == ("bob", None)
    assert events(transaction, task_id)[-1] == ("user_task.assigned", "alice", {"assignee": "bob"})


def test_assign__by_a_superior_who_says_why(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")

    with pytest.raises(errors.InvalidInput, match="a reason"):
        run(transaction, user_tasks.assign, task_id, "bob", by="dora")
    run(transaction, user_tasks.assign, task_id, "bob", by="dora", reason=" Alice is ill ")

    assert events(transaction, task_id)[-1] == (
        "user_task.assigned", "dora", {"assignee": "bob", "reason": "Alice is ill"}
    )  # fmt: skip


@pytest.mark.parametrize("to", ["charlie", "dora", "selma", "audrey"])
def test_assign__only_to_those_who_may_have_it(transaction: Sessions, task_id: int, to: str) -> None:
    """Not even by an administrator, and not to the superior who hands it on."""
    for by in ("alice", "dora", ADMINISTRATOR, PROGRAM):
        with pytest.raises(errors.InvalidInput, match="may not have this task"):
            run(transaction, user_tasks.assign, task_id, to, by=by, reason="so it is")


def test_assign__without_candidates_to_a_colleague_of_whoever_has_it(transaction: Sessions, task_id: int) -> None:
    with transaction.begin() as session:
        hers = factories.user_task(session, assignee="alice", candidate_groups=()).id

    with pytest.raises(errors.InvalidInput):
        run(transaction, user_tasks.assign, hers, "charlie", by="alice")
    assert run(transaction, user_tasks.assign, hers, "bob", by="alice").assignee == "bob"


def test_assign__of_nobody_to_anybody_but_oneself(transaction: Sessions, task_id: int) -> None:
    with transaction.begin() as session:
        factories.group(session, "operator")
        factories.user(session, "otto", groups=["operator"])
        nobody_s = factories.user_task(session, candidate_groups=()).id

    for to in ("otto", "audrey"):
        with pytest.raises(errors.InvalidInput):
            run(transaction, user_tasks.assign, nobody_s, to, by="otto", reason="nobody else is there")
    assert run(transaction, user_tasks.assign, nobody_s, "charlie", by="otto", reason="x").assignee == "charlie"


def test_assign__not_by_whom_it_is_lent_to(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")
    run(transaction, user_tasks.delegate, task_id, "charlie", by="alice")

    with pytest.raises(errors.Forbidden):
        run(transaction, user_tasks.assign, task_id, "bob", by="charlie")
    assert run(transaction, user_tasks.assign, task_id, "bob", by="alice").owner is None


@pytest.mark.parametrize("to", ["nobody", "gone", ""])
@pytest.mark.parametrize("command", [user_tasks.assign, user_tasks.delegate])
def test_assign__to_nobody(transaction: Sessions, task_id: int, command: Command, to: str) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")

    with pytest.raises(errors.InvalidInput):
        run(transaction, command, task_id, to, by="alice")


def test_delegate__and_give_back(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")

    lent = run(transaction, user_tasks.delegate, task_id, "charlie", by="alice")
    assert (lent.assignee, lent.owner) == ("charlie", "alice")
    with pytest.raises(errors.Forbidden):
        run(transaction, user_tasks.complete, task_id, {}, by="charlie")

    back = run(transaction, user_tasks.resolve, task_id, by="charlie")
    assert (back.assignee, back.owner) == ("alice", "alice")
    assert [kind for kind, _, _ in events(transaction, task_id)][1:] == ["user_task.delegated", "user_task.resolved"]


def test_delegate__on_and_on_goes_back_to_the_owner(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")
    run(transaction, user_tasks.delegate, task_id, "charlie", by="alice")
    run(transaction, user_tasks.delegate, task_id, "bob", by="charlie")

    assert run(transaction, user_tasks.resolve, task_id, by="bob").assignee == "alice"


@pytest.mark.parametrize("to", ["alice", "bob"])
def test_delegate__to_owner_or_oneself(transaction: Sessions, task_id: int, to: str) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")
    run(transaction, user_tasks.delegate, task_id, "bob", by="alice")

    with pytest.raises(errors.InvalidInput):
        run(transaction, user_tasks.delegate, task_id, to, by="bob")


def test_unclaim__delegated(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")
    run(transaction, user_tasks.delegate, task_id, "bob", by="alice")

    with pytest.raises(errors.InvalidState, match="delegated"):
        run(transaction, user_tasks.unclaim, task_id, by="bob")


def test_save_draft__read_again(transaction: Sessions, task_id: int) -> None:
    typed = {"on": date(2026, 1, 2), "amount": Decimal("1.50"), "text": "说明", "list": ["a", "b"]}

    run(transaction, user_tasks.save_draft, task_id, typed, by="alice")

    assert user_tasks.draft(stored(transaction, task_id)) == typed
    assert events(transaction, task_id) == []


def test_save_draft__somebody_else_took_it(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")

    with pytest.raises(errors.InvalidState) as refusal:
        run(transaction, user_tasks.save_draft, task_id, {}, by="bob")

    assert refusal.value.by == "alice"


def test_save_draft__too_long(transaction: Sessions, task_id: int) -> None:
    with pytest.raises(errors.InvalidInput):
        run(transaction, user_tasks.save_draft, task_id, {"text": "x" * 200_000}, by="alice")


def test_set_due__task_lists_follow(transaction: Sessions, task_id: int) -> None:
    task = run(transaction, user_tasks.set_due, task_id, DUE, by="dora")

    assert (task.due_at, task.sort_at) == (DUE, DUE)
    with transaction.begin() as session:
        assert session.scalars(select(UserTaskCandidate.sort_at)).all() == [DUE]
    assert events(transaction, task_id) == [("user_task.changed", "dora", {"due_at": DUE})]


def test_set_due__none_comes_last(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.set_due, task_id, DUE, by="dora")

    assert run(transaction, user_tasks.set_due, task_id, None, by="dora").sort_at == FAR_FUTURE


def test_set_follow_up__one_s_own(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")

    assert run(transaction, user_tasks.set_follow_up, task_id, DUE, by="alice").follow_up_at == DUE


@pytest.mark.parametrize(
    ("hand", "given"), [(user_tasks.assign, ["bob"]), (user_tasks.delegate, ["bob"]), (user_tasks.unclaim, [])]
)
def test_set_follow_up__ends_when_another_has_the_task(
    transaction: Sessions, task_id: int, hand: Callable[..., UserTask], given: list[str]
) -> None:
    """Else it would be in nobody's list, and whoever has it would not know why."""
    run(transaction, user_tasks.claim, task_id, by="alice")
    run(transaction, user_tasks.set_follow_up, task_id, DUE, by="alice")

    assert run(transaction, hand, task_id, *given, by="alice").follow_up_at is None


def test_set_follow_up__of_the_diagram_stays_when_another_has_the_task(transaction: Sessions, task_id: int) -> None:
    with transaction.begin() as session:
        session.get_one(UserTask, task_id).follow_up_at = DUE

    assert run(transaction, user_tasks.claim, task_id, by="alice").follow_up_at == DUE


def test_set_follow_up__nothing_hides_what_is_overdue(transaction: Sessions, task_id: int, clock: ModuleType) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")
    run(transaction, user_tasks.set_due, task_id, clock.now() - timedelta(minutes=1), by="dora")

    with pytest.raises(errors.InvalidInput) as refusal:
        run(transaction, user_tasks.set_follow_up, task_id, clock.now() + timedelta(days=1), by="alice", reason="away")

    assert refusal.value.code == "follow-up-overdue"
    assert run(transaction, user_tasks.set_follow_up, task_id, None, by="alice").follow_up_at is None


def test_set_priority__limits(transaction: Sessions, task_id: int) -> None:
    assert run(transaction, user_tasks.set_priority, task_id, 100, by="dora").priority == 100
    for priority in (-1, 101):
        with pytest.raises(errors.InvalidInput):
            run(transaction, user_tasks.set_priority, task_id, priority, by="dora")


#: Every command with what it needs beside the task.
COMMANDS: list[tuple[Command, tuple[Any, ...]]] = [
    (user_tasks.assign, ("bob",)),
    (user_tasks.claim, ()),
    (user_tasks.complete, ({},)),
    (user_tasks.delegate, ("bob",)),
    (user_tasks.resolve, ()),
    (user_tasks.save_draft, ({},)),
    (user_tasks.set_due, (DUE,)),
    (user_tasks.set_follow_up, (DUE,)),
    (user_tasks.set_priority, (1,)),
    (user_tasks.unclaim, ()),
]
EACH_COMMAND = pytest.mark.parametrize(
    ("command", "arguments"), COMMANDS, ids=[command.__name__ for command, _ in COMMANDS]
)
#: Rules are asked before the database has a say.
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@ONE_DATABASE
@EACH_COMMAND
def test_every_command__stranger(
    transaction: Sessions, task_id: int, command: Command, arguments: tuple[Any, ...]
) -> None:
    """Is told that there is no such task, as with a number that nobody has."""
    with pytest.raises(errors.NotFound) as existing:
        run(transaction, command, task_id, *arguments, by="charlie")
    with pytest.raises(errors.NotFound) as missing:
        run(transaction, command, 9999, *arguments, by="charlie")

    assert existing.value.message.replace(str(task_id), "9999") == missing.value.message


@ONE_DATABASE
@EACH_COMMAND
def test_every_command__auditor(
    transaction: Sessions, task_id: int, command: Command, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(errors.Forbidden):
        run(transaction, command, task_id, *arguments, by="audrey")


@ONE_DATABASE
@EACH_COMMAND
def test_every_command__deactivated_user(
    transaction: Sessions, task_id: int, command: Command, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(errors.NotFound):
        run(transaction, command, task_id, *arguments, by="gone")


@ONE_DATABASE
@EACH_COMMAND
@pytest.mark.parametrize("state", ["completed", "cancelled"])
def test_every_command__ended_task(
    transaction: Sessions, task_id: int, command: Command, arguments: tuple[Any, ...], state: str, clock: ModuleType
) -> None:
    """Whoever comes too late is told who was first, not that something is forbidden."""
    with transaction.begin() as session:
        session.execute(update(UserTask).values(state=state, assignee="alice", ended_at=clock.now()))

    with pytest.raises(errors.InvalidState) as refusal:
        run(transaction, command, task_id, *arguments, by="bob")

    assert refusal.value.state == state
    assert refusal.value.by == ("alice" if state == "completed" else None)


@EACH_COMMAND
def test_every_command__suspended_process_instance(
    transaction: Sessions, task_id: int, command: Command, arguments: tuple[Any, ...]
) -> None:
    """All wait but the draft, which is nobody's business yet, and to claim what one has, which changes nothing."""
    with transaction.begin() as session:
        session.execute(update(ProcessInstance).values(state="suspended"))

        session.execute(update(UserTask).values(assignee="alice", owner="alice"))
    if command is user_tasks.resolve:
        with transaction.begin() as session:
            session.execute(update(UserTask).values(owner="bob"))
    by = "dora" if command in {user_tasks.set_due, user_tasks.set_priority} else "alice"

    if command in {user_tasks.save_draft, user_tasks.claim}:
        run(transaction, command, task_id, *arguments, by=by)
    else:
        with pytest.raises(errors.InvalidState, match="the process is suspended"):
            run(transaction, command, task_id, *arguments, by=by)


def test_claim__person_who_is_logged_in(transaction: Sessions, task_id: int) -> None:
    """Is held to the rules without being looked up again."""
    stranger, colleague = Person(username="x"), Person(username="y", groups=frozenset({"service"}))

    with pytest.raises(errors.NotFound):
        run(transaction, user_tasks.claim, task_id, by=stranger)

    assert run(transaction, user_tasks.claim, task_id, by=colleague).assignee == "y"


def test_complete__of_somebody_else(transaction: Sessions, task_id: int) -> None:
    run(transaction, user_tasks.claim, task_id, by="alice")

    with pytest.raises(errors.InvalidState, match="alice has it now"):
        run(transaction, user_tasks.complete, task_id, {}, by="bob")
    with pytest.raises(errors.Forbidden):
        run(transaction, user_tasks.complete, task_id, {}, by="dora")


def test_claim__seeing_is_not_acting(transaction: Sessions, task_id: int) -> None:
    """Neither whoever sees all nor a superior takes or does what they are no candidates of."""
    for by in ("selma", "dora", "audrey", OPERATOR, ADMINISTRATOR):
        for command, arguments in ((user_tasks.claim, ()), (user_tasks.complete, ({},))):
            with pytest.raises(errors.Forbidden):
                run(transaction, command, task_id, *arguments, by=by)


@pytest.mark.parametrize("name", ["nobody_at_all", "program:test", ""])
def test_complete__by_a_name_that_is_no_user_s(transaction: Sessions, task_id: int, name: str) -> None:
    with pytest.raises(errors.NotFound, match=f"no user “{name}”"):
        run(transaction, user_tasks.complete, task_id, {}, by=name)


def test_claim__by_a_program(transaction: Sessions, task_id: int) -> None:
    """It completes, but has nothing."""
    with pytest.raises(errors.Forbidden):
        run(transaction, user_tasks.claim, task_id, by=PROGRAM)


def test_claim__auditor_among_the_candidates(transaction: Sessions, task_id: int) -> None:
    """Changes nothing, whatever other groups would allow."""
    with transaction.begin() as session:
        factories.user(session, "both", groups=["service", "auditor"])

    for command, arguments in COMMANDS:
        with pytest.raises(errors.Forbidden):
            run(transaction, command, task_id, *arguments, by="both")


