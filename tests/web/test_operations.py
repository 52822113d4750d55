"""Incidents, jobs and external tasks: only operators see them and have them tried again."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, runtime, settings
from casepath.engine.deployments import definitions, registers
from casepath.engine.instances import external_tasks, incidents, jobs, process_instances
from casepath.engine.instances.external_tasks import Topic
from casepath.engine.people import identity
from casepath.engine.queries import operations
from casepath.engine.registers import records
from tests import wards
from tests.acting import PROGRAM
from tests.web.matters import Matter
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]
PRINTING = Path(__file__).parent / "printing"
PAGES = (
    "/operations/", "/operations/jobs", "/operations/external-tasks", "/operations/mails", "/operations/workers",
)  # fmt: skip


@pytest.fixture
def operator(visit: Visit, rows: Rows) -> Visitor:
    """Somebody who operates the engine; the process `printing` is deployed."""
    definitions.forget()
    with rows.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        identity.create_user(session, "operator", name="Operator", groups=["operator"], by=PROGRAM)
        deployments.deploy(session, deployments.read_folder(PRINTING), name="printing", by=PROGRAM)
    return visit("operator")


def begin(rows: Rows, **variables: object) -> int:
    """Start an instance; its external task waits. Return the instance."""
    with rows.begin() as session:
        return process_instances.start(session, "printing", variables, by="alice").id


def fetch(rows: Rows) -> int:
    """Give the external task to a worker; return it."""
    with rows.begin() as session:
        topics = [Topic(name="print", lock_for=timedelta(minutes=5))]
        (fetched,) = external_tasks.fetch_and_lock(session, topics, worker_id="printer", limit=1)
        return fetched.id


def fail(rows: Rows, message: str = "没有纸") -> int:
    """Let the worker fail for good; return the external task."""
    task_id = fetch(rows)
    with rows.begin() as session:
        external_tasks.fail(
            session,
            task_id,
            worker_id="printer",
            message=message,
            details="Traceback …",
            retries=0,
            retry_in=timedelta(),
        )
    return task_id


def open_incidents(rows: Rows) -> list[operations.IncidentRow]:
    with rows.begin() as session:
        return operations.incidents(session)[0]


def only_job(rows: Rows, state: str) -> operations.JobRow:
    with rows.begin() as session:
        (found,) = operations.jobs(session, state=state)[0]
        return found


class TestWhoMay:
    def test_navigation__shown_only_to_those_who_may(self, operator: Visitor, alice: Visitor) -> None:
        assert 'href="/operations/"' in text(operator.get("/tasks/"))
        assert 'href="/operations/"' not in text(alice.get("/tasks/"))

    @pytest.mark.parametrize(
        "command", ["incidents/99/resolve", "jobs/99/retry", "external-tasks/99/retry", "external-tasks/99/unlock"]
    )
    def test_commands__on_what_is_not_there(self, operator: Visitor, command: str) -> None:
        assert operator.post(f"/operations/{command}").status_code == 404

    def test_commands__need_the_token_of_the_session(self, operator: Visitor) -> None:
        assert operator.client.post("/operations/incidents/1/resolve").status_code == 400


class TestIncidents:
    def test_index__empty(self, operator: Visitor) -> None:
        assert "没有受阻的流程" in text(operator.get("/operations/"))

    def test_index__where_what_and_details(self, operator: Visitor, rows: Rows) -> None:
        begin(rows)
        fail(rows, "<script>没有纸</script>")
        page = text(operator.get("/operations/"))
        assert "<strong>打印表单</strong>" in page
        assert 'href="/matters/show/PR0001"' in page
        assert "&lt;script&gt;没有纸" in page
        assert "<script>没有纸" not in page
        assert "Traceback …" in page

    def test_resolve__the_worker_gets_it_again(self, operator: Visitor, rows: Rows) -> None:
        begin(rows)
        task_id = fail(rows)
        (incident,) = open_incidents(rows)
        answer = operator.post(f"/operations/incidents/{incident.id}/resolve")
        assert answer.status_code == 303
        assert open_incidents(rows) == []
        assert fetch(rows) == task_id
        assert "Operator" in text(operator.get("/operations/?state=resolved"))

    def test_resolve__twice(self, operator: Visitor, rows: Rows) -> None:
        begin(rows)
        fail(rows)
        (incident,) = open_incidents(rows)
        operator.post(f"/operations/incidents/{incident.id}/resolve")
        assert operator.post(f"/operations/incidents/{incident.id}/resolve").status_code == 409

    @pytest.mark.parametrize(
        ("language", "said"),
        [("zh_CN", "应有条件成立的顺序流或默认顺序流"), ("en", "whose condition holds, or a default flow")],
    )
    def test_told__in_the_language_of_the_reader(
        self, operator: Visitor, rows: Rows, clock: ModuleType, language: str, said: str
    ) -> None:
        """What the engine itself said; the pages of the matter and its timeline say it alike."""
        number = begin(rows, ready="soon")
        task_id = fetch(rows)
        with rows.begin() as session:
            external_tasks.complete(session, task_id, worker_id="printer")
        clock.move(timedelta(hours=2))
        jobs.run_due(rows)
        operator.post("/language", {"language": language})

        assert said in text(operator.get("/operations/"))
        assert text(operator.get(f"/matters/instances/{number}", follow_redirects=True)).count(said) == 2

    def test_resolve__after_a_value_was_repaired(self, operator: Visitor, rows: Rows, clock: ModuleType) -> None:
        """A gateway without a way out stands still until somebody gives it the value it needs."""
        number = begin(rows, ready="soon")
        task_id = fetch(rows)
        with rows.begin() as session:
            external_tasks.complete(session, task_id, worker_id="printer")
        clock.move(timedelta(hours=2))
        jobs.run_due(rows)
        (incident,) = open_incidents(rows)
        operator.post(f"/matters/instances/{number}/variables", {"name": "ready", "value": "yes", "reason": "补录"})
        assert operator.post(f"/operations/incidents/{incident.id}/resolve").status_code == 303
        with rows.begin() as session:
            assert process_instances.get(session, number).state == "completed"
            assert incidents.get(session, incident.id).state == "resolved"

    def test_index__pages_by_key(self, operator: Visitor, rows: Rows) -> None:
        for _ in range(27):
            begin(rows)
            fail(rows)
        page = text(operator.get("/operations/"))
        link = re.search(r'href="([^"]+)" rel="next"', page)
        assert link
        second = text(operator.get(html.unescape(link[1])))
        assert (page.count("/resolve"), second.count("/resolve")) == (25, 2)


class TestJobs:
    @pytest.fixture
    def waiting(self, operator: Visitor, rows: Rows) -> operations.JobRow:
        """A timer of an instance."""
        begin(rows)
        task_id = fetch(rows)
        with rows.begin() as session:
            external_tasks.complete(session, task_id, worker_id="printer")
        return only_job(rows, "waiting")

    def test_jobs__when_they_are_due(self, operator: Visitor, waiting: operations.JobRow) -> None:
        page = text(operator.get("/operations/jobs"))
        assert "<strong>一小时后</strong>" in page
        assert "等待 1 项，其中已到时 0 项" in page

    def test_jobs__records_that_are_found_by_other_fields(
        self, operator: Visitor, rows: Rows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(registers, "AT_ONCE", 1)
        with rows.begin() as session:
            mine = {"readers": ["operator"], "writers": ["operator"]}
            patients, beds = {**wards.PATIENT, **mine}, {**wards.BED, **mine}
            deployments.deploy(session, wards.ward(patient=patients, bed=beds), name="ward", by=PROGRAM)
            records.create(session, "patient", {"name": "梅一"}, by=PROGRAM)
            files = wards.ward(patient={**patients, "search": ["phone"]}, bed=beds)
            deployments.deploy(session, files, name="ward", by=PROGRAM)
        page = text(operator.get("/operations/jobs"))
        assert "按其他字段检索的记录" in page
        assert '<span class="beneath">病人</span>' in page

    def test_retry__failed(self, operator: Visitor, rows: Rows, waiting: operations.JobRow) -> None:
        for _ in range(3):
            with rows.begin() as session:
                jobs.fail(session, waiting.id, "坏了", "RuntimeError")
        assert "坏了" in text(operator.get("/operations/jobs?state=failed"))
        assert operator.post(f"/operations/jobs/{waiting.id}/retry").status_code == 303
        assert only_job(rows, "waiting").retries == 3
        assert open_incidents(rows) == []

    def test_retry__not_failed(self, operator: Visitor, waiting: operations.JobRow) -> None:
        assert operator.post(f"/operations/jobs/{waiting.id}/retry").status_code == 409

    @pytest.mark.parametrize(
        "query", ["state=x", "after=x", "after=~", "after=2026-01-01T00:00:00%2B00:00~99999999999999999999"]
    )
    def test_jobs__senseless_addresses(self, operator: Visitor, waiting: operations.JobRow, query: str) -> None:
        assert "<strong>一小时后</strong>" in text(operator.get(f"/operations/jobs?{query}"))


class TestExternalTasks:
    def test_list__who_has_it(self, operator: Visitor, rows: Rows) -> None:
        begin(rows)
        fetch(rows)
        page = text(operator.get("/operations/external-tasks"))
        assert "printer" in page
        assert "/unlock" in page

    def test_list__by_state(self, operator: Visitor, rows: Rows) -> None:
        begin(rows)
        assert "打印表单" in text(operator.get("/operations/external-tasks?state=created"))
        assert "打印表单" not in text(operator.get("/operations/external-tasks?state=failed"))

    def test_unlock__any_worker_may_fetch_it(self, operator: Visitor, rows: Rows) -> None:
        begin(rows)
        task_id = fetch(rows)
        assert operator.post(f"/operations/external-tasks/{task_id}/unlock").status_code == 303
        assert fetch(rows) == task_id

    def test_retry__failed(self, operator: Visitor, rows: Rows) -> None:
        begin(rows)
        task_id = fail(rows)
        assert operator.post(f"/operations/external-tasks/{task_id}/retry").status_code == 303
        assert open_incidents(rows) == []
        assert fetch(rows) == task_id

    def test_retry__ended(self, operator: Visitor, rows: Rows) -> None:
        begin(rows)
        task_id = fetch(rows)
        with rows.begin() as session:
            external_tasks.complete(session, task_id, worker_id="printer")
        assert operator.post(f"/operations/external-tasks/{task_id}/retry").status_code == 409


@pytest.mark.parametrize(("limit", "status"), [("step_moves", 422), (None, 500)])
def test_taken_back__whoever_typed_keeps_it_and_operators_see_why(
    visit: Visit, rows: Rows, matter: Matter, monkeypatch: pytest.MonkeyPatch, limit: str | None, status: int
) -> None:
    """Over budget, or an error of ours."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    alice, operator = visit("alice"), visit("operator")
    sent = {"note": "联系不上，已留言", "solved": "yes"}
    with monkeypatch.context() as patched:
        if limit:
            patched.setattr(settings.current, limit, 0)
        else:
            patched.setattr(runtime.storage, "write_visits", fail)
        answer = alice.post(f"/tasks/{matter.task_id}/complete", sent)

    assert answer.status_code == status
    assert "联系不上，已留言" in text(answer)
    page = text(operator.get("/operations/"))
    assert "0 步" in page if limit else "ZeroDivisionError" in page
    assert "secret detail" not in page
    assert matter.key in page
    assert ">关闭</button>" in page
    assert alice.post(f"/tasks/{matter.task_id}/complete", sent).status_code == 303
    assert open_incidents(rows) == []
