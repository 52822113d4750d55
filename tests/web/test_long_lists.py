"""What is long is shown in pages, and nothing behind the first page is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from html import unescape

from flask import Flask
from sqlalchemy import insert, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database.models import (
    Attachment,
    Batch,
    BatchItem,
    Comment,
    Definition,
    Delivery,
    Deployment,
    Group,
    Incident,
    Job,
    Membership,
    Notification,
    ProcessInstance,
    Substitution,
    User,
    UserTask,
)
from casepath.engine.instances import user_tasks
from casepath.engine.registers import records
from casepath.engine.time import clock
from tests import factories
from tests.acting import PROGRAM
from tests.web.matters import Matter
from tests.web.populated import WARD
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]
#: More people than are listed to be chosen from.
PEOPLE = 501
#: More rows than any page has of one list.
MANY = 151


def add_people(rows: Rows, number: int = PEOPLE) -> None:
    """More who may have the tasks of `service` than are listed; the last one is 欧阳修."""
    with rows.begin() as session:
        names = [f"p{each:03}" for each in range(number)]
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


#: Rows of which there are few in any house: what people may start, and workers; and a paper, which is printed whole.
FEW = frozenset({"/register/", "/operations/workers", "/matters/register"})
ROW = re.compile(r"<(?:tr|li)[ >]")
#: More than any page has of one list, with its navigation.
MOST = 120


def fill(rows: Rows, matter: Matter) -> None:
    """Have more of everything than a page has."""
    now = clock.now()
    with rows.begin() as session:
        for number in range(3):
            factories.mail(session, state="undeliverable").answer = f"answer-{number}"
        instance = session.get_one(ProcessInstance, matter.id)
        made = {column.name: getattr(instance, column.name) for column in ProcessInstance.__table__.columns}
        ids = range(10_000, 10_000 + MANY)
        copies = [{**made, "id": each, "root_id": each, "business_key": f"X-{each}"} for each in ids]
        session.execute(insert(ProcessInstance), copies)
        task = session.get_one(UserTask, matter.task_id)
        columns = [column.name for column in UserTask.__table__.columns if column.name != "id"]
        tasks = {name: getattr(task, name) for name in columns}
        session.execute(insert(UserTask), [
            {**tasks, "process_instance_id": each, "business_key": f"X-{each}", "assignee": "alice"} for each in ids
        ])  # fmt: skip
        at = {"process_instance_id": matter.id, "state": "open", "created_at": now}
        session.execute(insert(Incident), [{**at, "kind": "stuck", "message": "m"} for _ in ids])
        job = {"kind": "timer", "state": "waiting", "due_at": now, "retries": 3, "created_at": now}
        session.execute(insert(Job), [{**job, "process_instance_id": matter.id} for _ in ids])
        told = {"username": "alice", "kind": "notice", "subject": "s", "text": "", "created_at": now}
        session.execute(insert(Notification), [{**told, "business_key": f"X-{each}"} for each in ids])
        session.execute(insert(Notification), [{**told, "business_key": matter.key} for _ in ids])
        session.execute(insert(Deployment), [
            {"name": "d", "sha256": "0" * 64, "created_at": now, "created_by": "alice"} for _ in ids
        ])  # fmt: skip
        definitions_of = {each.key: each for each in session.scalars(select(Definition))}
        for key in ("matter", "grade", "solve"):
            one = definitions_of[key]
            same = {column.name: getattr(one, column.name) for column in Definition.__table__.columns}
            del same["id"]
            session.execute(insert(Definition), [{**same, "version": number} for number in range(2, MANY)])
            session.execute(insert(Definition), [{**same, "key": f"{key}-{each}", "executable": False} for each in ids])
        session.execute(insert(Group), [{"key": f"g{each}", "name": f"g{each}"} for each in ids])
        absent = {"username": "alice", "begins_at": now, "ends_at": now + timedelta(days=1), "created_at": now}
        session.execute(insert(Substitution), [{**absent, "substitute": "bob"} for _ in ids])
        file = {"business_key": matter.key, "name": "a.txt", "media_type": "text/plain", "size": 1}
        file |= {"content": b"x", "sha256": "0" * 64, "created_by": "alice", "created_at": now}
        session.execute(insert(Attachment), [file for _ in ids])
        noted = {"process_instance_id": matter.id, "business_key": matter.key, "created_by": "alice"}
        session.execute(insert(Comment), [{**noted, "text": "t", "created_at": now} for _ in ids])
    add_people(rows, MANY)


#: More rows than a list of one matter, record or batch has on a page; and that.
OF_ONE, PAGE = 61, 50


def fill_matter(rows: Rows, matter: Matter) -> dict[str, int]:
    """
    Have more open tasks, called instances and deliveries in a matter than its page has, and more of one record.

    Return the numbers of a record and of a batch.
    """
    now = clock.now()
    ids = range(20_000, 20_000 + OF_ONE)
    with rows.begin() as session:
        task, instance = session.get_one(UserTask, matter.task_id), session.get_one(ProcessInstance, matter.id)
        columns = [column.name for column in UserTask.__table__.columns if column.name != "id"]
        tasks = {name: getattr(task, name) for name in columns}
        made = {column.name: getattr(instance, column.name) for column in ProcessInstance.__table__.columns}
        called = {**made, "parent_id": matter.id, "parent_activity_instance": task.activity_instance}
        session.execute(insert(ProcessInstance), [{**called, "id": each} for each in ids])
        held = [{**tasks, "process_instance_id": each, "name": f"open-{each}"} for each in ids]
        session.execute(insert(UserTask), held)
        sent = {"channel": "sms", "process_instance_id": matter.id, "business_key": matter.key, "fields": "{}"}
        sent |= {"state": "waiting", "created_at": now, "due_at": now}
        texts = [{"text": f"sent-{each}", "idempotency_key": str(each)} for each in ids]
        session.execute(insert(Delivery), [{**sent, **each} for each in texts])
        deployments.deploy(session, WARD, name="ward", by=PROGRAM)
        record = records.create(session, "patient", {"name": "王建国"}, by=PROGRAM)
        for number in range(OF_ONE):
            records.change(session, record.id, {"name": f"name-{number:03}"}, revision=number + 1, by=PROGRAM)
        labels = [{"label": f"B{each}", "patient": record.key} for each in ids]
        beds = [records.create(session, "bed", each, by=PROGRAM) for each in labels]
        batch = {"state": "running", "definition_id": instance.definition_id, "register": "bed", "size": OF_ONE}
        batch |= {"variables": "{}", "created_at": now, "created_by": "alice"}
        session.execute(insert(Batch), [batch for _ in ids])
        first = session.scalars(select(Batch.id).order_by(Batch.id)).first()
        items = [{"position": number, "record_id": bed.id, "state": "waiting"} for number, bed in enumerate(beds, 1)]
        session.execute(insert(BatchItem), [{**each, "batch_id": first} for each in items])
        return {"record": record.id, "batch": first or 0}


def test_walk__no_list_of_one_thing_shows_all_rows(visit: Visit, matter: Matter, rows: Rows) -> None:
    made = fill_matter(rows, matter)
    visitor = visit("administrator")
    read = cache(lambda address: text(visitor.get(address)))
    of_matter = f"/matters/show/{matter.key}"
    paged = {
        ("tasks", of_matter): r"open-\d+",
        ("instances", of_matter): r"id=\"form-suspend-(2\d{4})\"",
        ("deliveries", of_matter): r"sent-\d+",
        ("history", f"/records/{made['record']}"): r"→ (name-\d+)",
        ("after", f"/batches/{made['batch']}"): r"B2\d{4}",
        ("below", "/batches/"): r"/batches/(\d+)\"",
    }

    found = {name: len(walk(read, address, row, name)) for (name, address), row in paged.items()}
    assert found == dict.fromkeys(found, OF_ONE)

    shown = {name: len(set(re.findall(row, read(address)))) for (name, address), row in paged.items()}
    assert {name: count for name, count in shown.items() if count > PAGE} == {}
    task = read(f"/tasks/{matter.task_id}")
    assert 0 < len(set(re.findall(r"open-\d+", task))) <= 20
    assert f'href="{of_matter}#holders"' in task


def test_walk__no_page_shows_all_rows(visit: Visit, app: Flask, matter: Matter, rows: Rows) -> None:
    """Every page without arguments, and those of a matter: a new list has to be paged, or named in `FEW`."""
    fill(rows, matter)
    found = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments}
    assert found >= FEW
    addresses = {*found - FEW, "/tasks/?view=all", f"/matters/show/{matter.key}", f"/tasks/{matter.task_id}"}
    of_one = {"/processes/show/matter", "/processes/decisions/grade", "/processes/forms/solve"}
    addresses |= {*of_one, "/people/?group=service", "/substitutes/bob", f"/matters/timeline/{matter.key}"}

    lengths: dict[str, int] = {}
    for username in ("alice", "administrator"):
        visitor = visit(username)
        for address in sorted(addresses):
            answer = visitor.get(address)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                lengths[address] = max(lengths.get(address, 0), len(ROW.findall(text(answer))))

    assert {address: count for address, count in lengths.items() if count > MOST} == {}
    # It has looked at full pages: each of these has more than one.
    full = {"/tasks/", "/matters/", "/notifications/", "/operations/", "/operations/jobs", "/people/", "/people/groups"}
    full |= {*of_one, "/processes/", "/processes/decisions/", "/processes/forms/", "/processes/deployments/"}
    full |= {"/people/?group=service", "/substitutes/", "/substitutes/bob", f"/tasks/{matter.task_id}"}
    assert {address for address in full if lengths[address] < 25} == set()


#: Address → what a row of the list begins with; of each there are `MANY` at least.
PAGED = {
    "/processes/": r"/processes/show/(matter-\d+)",
    "/processes/decisions/": r"/processes/decisions/(grade-\d+)",
    "/processes/forms/": r"/processes/forms/(solve-\d+)",
    "/processes/show/matter": r"show/matter\?version=(\d+)\"",
    "/people/groups": r"<span class=\"beneath mono\">(g\d+)",
    "/people/?group=service": r"/people/users/(p\d+)",
    "/substitutes/alice": r"/substitutes/alice/(\d+)/end",
}


def test_paged__nothing_behind_the_first_page_is_lost(visit: Visit, matter: Matter, rows: Rows) -> None:
    fill(rows, matter)
    administrator = visit("administrator")

    read = cache(lambda address: text(administrator.get(address)))
    found = {address: len(walk(read, address, row)) for address, row in PAGED.items()}

    assert {address: count for address, count in found.items() if count not in {MANY - 1, MANY}} == {}


def walk(read: Callable[[str], str], address: str, row: str, name: str = "(?:after|below)") -> set[str]:
    """
    Return the rows on the page of an address and on all that follow; each of these has some of its own.

    An address names the following page under the `name` of the list.
    """
    following = re.compile(rf'<a class="button(?: button-small)?" href="([^"#]*[?;]{name}=[^"#]*)')
    seen: set[str] = set()
    while address:
        page = read(address)
        new = set(re.findall(row, page)) - seen
        assert new, address
        seen |= new
        found = following.search(page)
        address = unescape(found[1]) if found else ""
    return seen


def test_files_of_a_task__the_earlier_ones_are_in_the_matter(alice: Visitor, matter: Matter, rows: Rows) -> None:
    fill(rows, matter)
    page = text(alice.get(f"/tasks/{matter.task_id}"))

    for name in ("files", "comments"):
        assert '<span class="count">50+</span></div>' in page
        found = re.search(rf'href="(/matters/show/{matter.key}\?{name}=\d+)#{name}"', page)
        assert found is not None
        assert alice.get(found[1]).status_code == 200
