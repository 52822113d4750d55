"""The page of substitutes, what a substitute sees of a task, and what is said of one that is lent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.instances import user_tasks
from casepath.engine.people import identity
from casepath.engine.time import clock
from tests.acting import PROGRAM
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]
Visit = Callable[[str | None], Visitor]


def appointment(first: int = 0, last: int = 1, substitute: str = "stranger") -> dict[str, str]:
    """What is typed to have somebody stand in."""
    days = {name: f"{clock.now() + timedelta(days=number):%Y-%m-%d}" for name, number in
            (("from", first), ("until", last))}  # fmt: skip
    return {"substitute": substitute, **days}


def test_own__named_shown_and_ended(alice: Visitor, visit: Visit) -> None:
    assert alice.post("/substitutes/alice", appointment()).status_code == 303

    assert "Stranger 代 Alice" in text(alice.get("/substitutes/"))
    assert "Stranger 代 Alice" in text(visit("stranger").get("/substitutes/"))
    assert alice.post("/substitutes/alice/1/end").status_code == 303
    assert "没有代理" in text(alice.get("/substitutes/"))


def test_another_s__for_administrators_only(alice: Visitor, visit: Visit) -> None:
    administrator = visit("administrator")

    assert administrator.post("/substitutes/alice", appointment()).status_code == 303
    assert "Stranger 代 Alice" in text(administrator.get("/substitutes/alice"))
    assert visit("bob").get("/substitutes/alice").status_code == 403
    assert visit("bob").post("/substitutes/alice", appointment()).status_code == 403
    assert visit("bob").post("/substitutes/alice/1/end").status_code == 403


@pytest.mark.parametrize("changed", [{"until": ""}, {"until": "2020-01-01"}, {"from": "x"}, {"substitute": "alice"}])
def test_own__refused_with_what_was_typed(alice: Visitor, changed: dict[str, str]) -> None:
    answer = alice.post("/substitutes/alice", appointment() | changed)

    assert answer.status_code == 422
    assert "没有代理" in text(answer)


def test_substitute__works_on_the_task_of_the_other(
    rows: Rows, alice: Visitor, visit: Visit, task_id: int
) -> None:
    alice.post(f"/tasks/{task_id}/claim")
    stranger = visit("stranger")
    before = stranger.get(f"/tasks/{task_id}").status_code
    alice.post("/substitutes/alice", appointment())

    listed, page = text(stranger.get("/tasks/")), text(stranger.get(f"/tasks/{task_id}"))
    done = stranger.post(f"/tasks/{task_id}/complete", {"result": "已联系", "solved": "yes"})

    assert before == 404
    assert "代 Alice" in listed
    assert "您代 Alice 办理" in page
    assert done.status_code == 303, text(done)
    assert "由 Stranger 代 Alice" in text(alice.get(f"/tasks/{task_id}"))


def test_lent__stays_in_the_list_and_the_notice_is_in_the_reader_s_language(
    rows: Rows, alice: Visitor, bob: Visitor, task_id: int
) -> None:
    with rows.begin() as session:
        identity.set_language(session, "bob", "en", by=PROGRAM)
        user_tasks.claim(session, task_id, by="alice")
        user_tasks.delegate(session, task_id, "bob", by="alice")
        name = user_tasks.get(session, task_id).name

    assert "在 Bob 处" in text(alice.get("/tasks/"))
    assert f"Alice asks you to fill in the task “{name}” and to give it back." in text(bob.get("/notifications/"))
    bob.post(f"/tasks/{task_id}/resolve")
    assert f"Bob已将任务“{name}”还给您。" in text(alice.get("/notifications/"))


def test_locked_out__the_task_is_free_again(rows: Rows, alice: Visitor, visit: Visit, task_id: int) -> None:
    alice.post(f"/tasks/{task_id}/claim")

    visit("administrator").post("/people/users/alice/deactivate")

    with rows.begin() as session:
        assert user_tasks.get(session, task_id).assignee is None
