"""What is long is shown in pages, and nothing behind the first page is lost."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import insert
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.database.models import Incident, Membership, Notification, User
from casepath.engine.instances import user_tasks
from casepath.engine.time import clock
from tests.web.matters import Matter
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]
MANY = 501


def add_people(rows: Rows) -> None:
    """More who may have the tasks of `service` than are listed; the last one is 欧阳修."""
    with rows.begin() as session:
        names = [f"p{number:03}" for number in range(MANY)]
        people = [{"username": name, "name": name, "active": True, "created_at": clock.now()} for name in names]
        session.execute(insert(User), [*people, {**people[0], "username": "zz-ouyang", "name": "欧阳修"}])
        belonging = [{"username": name, "group_key": "service"} for name in [*names, "zz-ouyang"]]
        session.execute(insert(Membership), belonging)


def test_choose_person__of_a_few_from_a_list(alice: Visitor, matter: Matter) -> None:
    page = text(alice.get(f"/tasks/{matter.task_id}"))

    assert '<select id="assign-to"' in page
    assert "<datalist" not in page


def test_choose_person__whoever_is_not_listed_by_name(alice: Visitor, matter: Matter, rows: Rows) -> None:
    add_people(rows)
    page = text(alice.get(f"/tasks/{matter.task_id}"))
    assert '<input id="assign-to" name="to" list="assign-to-people"' in page
    assert "zz-ouyang" not in page

    assert alice.post(f"/tasks/{matter.task_id}/assign", {"to": "欧阳修"}).status_code == 303

    with rows.begin() as session:
        assert user_tasks.get(session, matter.task_id).assignee == "zz-ouyang"


def test_choose_person__a_name_that_two_have_is_refused(alice: Visitor, matter: Matter, rows: Rows) -> None:
    add_people(rows)
    with rows.begin() as session:
        session.get_one(User, "p000").name = "欧阳修"

    assert alice.post(f"/tasks/{matter.task_id}/assign", {"to": "欧阳修"}).status_code == 422


def test_notices_of_a_matter__all_can_be_reached(alice: Visitor, matter: Matter, rows: Rows) -> None:
    with rows.begin() as session:
        told = {"username": "bob", "kind": "notice", "business_key": matter.key, "text": "", "created_at": clock.now()}
        session.execute(insert(Notification), [{**told, "subject": f"notice-{number:03}"} for number in range(120)])

    seen: set[str] = set()
    address: str | None = f"/matters/show/{matter.key}"
    while address:
        page = text(alice.get(address))
        seen |= (new := set(re.findall(r"notice-\d{3}", page)))
        assert 0 < len(new) <= 50
        following = re.search(r'href="(/matters/show/[^"]*notices=\d+)#notices"', page)
        address = following[1] if following else None

    assert len(seen) == 120


def test_incidents_of_a_matter__the_oldest_and_how_many(alice: Visitor, matter: Matter, rows: Rows) -> None:
    with rows.begin() as session:
        stuck = {"kind": "stuck", "process_instance_id": matter.id, "state": "open", "created_at": clock.now()}
        session.execute(insert(Incident), [{**stuck, "message": f"stuck-{number:03}"} for number in range(120)])

    page = text(alice.get(f"/matters/show/{matter.key}"))

    assert re.findall(r"stuck-\d{3}", page) == [f"stuck-{number:03}" for number in range(20)]
    assert "另有 100 处受阻" in page
