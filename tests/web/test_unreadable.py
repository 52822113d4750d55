"""Processes that were accepted when they were deployed and are no more: looked at everywhere, moved nowhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from casepath.engine import database, deployments
from casepath.engine.database.models import Resource
from casepath.engine.deployments import definitions
from casepath.engine.instances import (
    external_tasks,
    incidents,
    jobs,
    migration_plans,
    process_instances,
    user_tasks,
)
from casepath.engine.time import clock
from casepath.workers import Result, Surroundings, Work
from casepath.workers.loop import Loop
from tests import database as databases
from tests import diagrams
from tests.acting import PROGRAM
from tests.each import each
from tests.web.populated import FOLDERS, ROLES, Populated
from tests.web.test_roles import RIGHTS, Place
from tests.web.visitor import Visitor, text

#: As it was accepted while Python scripts were on.
SCRIPT = b'<scriptTask id="old" scriptFormat="python"><script>x = 1</script></scriptTask></process>'
#: A healthy process.
OTHER = diagrams.process(
    '<startEvent id="a"/><serviceTask id="b" camunda:type="external" camunda:topic="notify"/><endEvent id="c"/>',
    flow="a > b\nb > c", key="other",
)  # fmt: skip
#: What starts or moves a process, and where it is no longer offered.
OTHERWISE = {
    "GET /register/<key>": 409,
    "POST /register/<key>/fields": 409,
    "POST /register/<key>/draft": 409,
    "POST /register/<key>": 409,
    "POST /tasks/<int:task_id>/complete": 409,
    "POST /matters/messages/<matter:reference>": 409,
    "POST /matters/instances/<int:instance_id>/variables": 409,
    "POST /matters/instances/<int:instance_id>/tokens": 409,
    "GET /registers/<key>/start/": 200,
    "GET /registers/<key>/start/<process>": 409,
    "POST /registers/<key>/start/<process>/fields": 409,
    "POST /registers/<key>/start/<process>": 409,
}


@pytest.fixture(scope="module")
def refused(populated: tuple[Path, Populated], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Everything there is, with no process that can be executed."""
    folder = tmp_path_factory.mktemp("unreadable")
    first = folder / "first.db"
    databases.copy_file(populated[0], first)
    with closing(sqlite3.connect(first)) as rows, rows:
        for number, content in rows.execute("SELECT id, content FROM resources WHERE name LIKE '%.bpmn'").fetchall():
            changed = content.replace(b"</process>", SCRIPT).replace(b"</bpmn:process>", bpmn(SCRIPT))
            assert changed != content
            rows.execute("UPDATE resources SET content = ? WHERE id = ?", (changed, number))
    definitions.forget_files()
    place = Place(folder, first, populated[1])
    yield place
    place.close()
    definitions.forget_files()


def bpmn(text: bytes) -> bytes:
    """The same elements with the prefix that some diagrams have."""
    return text.replace(b"<", b"<bpmn:").replace(b"<bpmn:/", b"</bpmn:")


def test_pages__are_all_there(refused: Place) -> None:
    """Each address answers as it did, but for what starts or moves a process: that says why it cannot."""
    found = {}
    for row in RIGHTS:
        given = dict(zip(ROLES, map(int, row.answers.split()), strict=True))
        role = next((each for each in ("administrator", "member", "director") if given[each] < 400), None)
        if role is not None:
            refused.restore()
            answer = refused.answer(row, role)
            if answer.status_code != given[role]:
                found[row.route] = answer.status_code
            answer.close()
    assert found == OTHERWISE


@each("address", ["/processes/show/matter", "/matters/show/{key}", "/tasks/{free}", "/register/request"])
def test_pages__say_why(refused: Place, address: str) -> None:
    refused.restore()
    page = text(Visitor(refused.app.test_client(), "administrator").get(address.format(**asdict(refused.there))))
    assert "已不能执行：脚本格式应为以下之一" in page
    assert "已不能执行" in text(Visitor(refused.app.test_client(), "alice").get("/processes/"))


def test_worker__tells_of_it_and_does_all_else(refused: Place) -> None:
    """Work of such a process is not done: nothing could come of it. It stands with its reason, and can be ended."""
    refused.restore()
    sessions = database.sessions(refused.app.extensions["database"])
    done: list[int] = []
    with sessions.begin() as session:
        deployments.deploy(session, {"other.bpmn": OTHER}, name="other", by=PROGRAM)
        external_tasks.set_retries(session, refused.there.external_task_id, 3, by=PROGRAM)
        jobs.retry(session, refused.there.job_id, by=PROGRAM)
        other = process_instances.start(session, "other", by=PROGRAM).id

    def handler(work: Work) -> Result:
        done.append(work.task.process_instance_id)
        return Result()

    loop = Loop(Surroundings(sessions=sessions), handlers={"notify": handler})
    for _ in range(5):
        loop.rest()
        clock.move(timedelta(hours=1))

    with sessions.begin() as session:
        assert done == [other]
        assert process_instances.get(session, other).state == "completed"
        kinds = {each.kind: each.message for each in incidents.list_open(session, refused.there.instance_id)}
        assert kinds.keys() >= {"job", "external_task"}
        assert "can be executed no more" in kinds["external_task"]
        process_instances.cancel(session, refused.there.instance_id, by=PROGRAM, reason="x")


def test_instance__goes_on_in_another_version(refused: Place) -> None:
    refused.restore()
    sessions = database.sessions(refused.app.extensions["database"])
    with sessions.begin() as session:
        good = deployments.read_folder(FOLDERS / "matter")
        mended = good["matter.bpmn"].replace(b"</bpmn:process>", b"</bpmn:process><!-- mended -->")
        deployments.deploy(session, {**good, "matter.bpmn": mended}, name="mended", by=PROGRAM)
        target = definitions.latest(session, "process", "matter").id
        plan = migration_plans.draft(session, refused.there.definition_id, target)
        migration_plans.execute(session, plan, refused.there.instance_id, by=PROGRAM, reason="x")
        user_tasks.complete(session, refused.there.free, {"solved": "yes"}, by="alice")


def test_file__of_which_nothing_can_be_read(refused: Place) -> None:
    """All pages that ask for processes are there; a task of it says why it cannot be shown."""
    refused.restore()
    matter = update(Resource).where(Resource.name.endswith("matter.bpmn"))
    broken = matter.values(content=b"<definitions", sha256="0" * 64)
    with database.sessions(refused.app.extensions["database"]).begin() as session:
        session.execute(broken)
    definitions.forget_files()
    visitor = Visitor(refused.app.test_client(), "administrator")
    found = {}
    for row in RIGHTS:
        given = int(row.answers.split()[list(ROLES).index("administrator")])
        if row.route.startswith("GET") and given < 400:
            answer = visitor.get(refused.address(row))
            if answer.status_code != given:
                found[row.route] = answer.status_code
            answer.close()
    lists = {route: status for route, status in OTHERWISE.items() if route.startswith("GET")}
    assert found == {**lists, "GET /tasks/<int:task_id>": 409}
