"""Starting a process with its form."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.instances import drafts, process_instances
from casepath.engine.queries import tasks
from tests import diagrams
from tests.acting import PROGRAM
from tests.web.prepared import DIRECTOR
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
FORM = {"customer_name": "王建国", "channel": "visit", "demands": ["return", "media"]}

pytestmark = pytest.mark.usefixtures("request_process")


def test_index__leads_to_the_only_process(alice: Visitor) -> None:
    assert alice.get("/register/").location == "/register/request"


def test_index__offers_nothing_that_is_only_called(alice: Visitor, rows: sessionmaker[Session]) -> None:
    called = diagrams.process('<startEvent id="S"/><endEvent id="E"/>', flow="S > E", key="part")
    offered = called.replace(b'id="part"', b'id="other"')
    hidden = called.replace(b'id="part"', b'id="part" camunda:isStartableInTasklist="false"')
    with rows.begin() as session:
        deployments.deploy(session, {"part.bpmn": hidden, "other.bpmn": offered}, name="parts", by=PROGRAM)

    found = re.findall(r'href="/register/(\w+)"', text(alice.get("/register/")))

    assert sorted(set(found)) == ["other", "request"]


def test_show__the_start_form(alice: Visitor) -> None:
    page = text(alice.get("/register/request"))
    assert "<h1>客户请求</h1>" in page
    assert '<label for="field-customer_name">客户姓名' in page
    assert page.count('type="checkbox"') == 2


def test_start__the_first_task_waits_and_the_number_is_told(alice: Visitor, rows: sessionmaker[Session]) -> None:
    answer = alice.post("/register/request", FORM)

    page = text(alice.get(answer.location))
    assert answer.status_code == 303
    assert "已登记，编号 RQ" in page
    with rows.begin() as session:
        (task,) = tasks.page(session, DIRECTOR, "all").rows
        kept = process_instances.variables(session, task.process_instance_id)
    assert task.name == "联系客户"
    assert str(task.business_key) in page
    assert kept == {"customer_name": "王建国", "channel": "visit", "demands": ["return", "media"]}


def test_start__errors_at_their_fields(alice: Visitor, rows: sessionmaker[Session]) -> None:
    answer = alice.post("/register/request", {"customer_name": "", "channel": "smoke", "demands": "<b>"})

    page = text(answer)
    assert answer.status_code == 422
    for key in ("customer_name", "channel", "demands"):
        assert f'id="error-{key}"' in page
    with rows.begin() as session:
        assert tasks.count(session, DIRECTOR, "all") == 0


def test_fields__keep_what_is_typed(alice: Visitor) -> None:
    shown = text(alice.post("/register/request/fields", {"customer_name": "<i>王</i>"}))
    assert "&lt;i&gt;王&lt;/i&gt;" in shown


@pytest.mark.parametrize("key", ["nothing", "..%2f..%2fetc", "x" * 3000])
def test_show__what_is_not_there(alice: Visitor, key: str) -> None:
    assert alice.get(f"/register/{key}").status_code == 404
    assert alice.post(f"/register/{key}", FORM).status_code == 404


@pytest.mark.parametrize(
    ("who", "status"),
    [("nobody", 302), ("stranger", 200), ("alice", 200), ("director", 200), ("administrator", 200)],
)
def test_show__for_whom_it_is(visit: Visit, who: str, status: int) -> None:
    visitor = visit(None if who == "nobody" else who)
    assert visitor.get("/register/request").status_code == status


BEGUN = {"customer_name": "王建国", "channel": "smoke", "demands": ["media"]}


class TestDraft:
    PAGE = "/register/request"

    def save(self, visitor: Visitor, **more: str) -> str:
        answer = visitor.post(f"{self.PAGE}/draft", {**BEGUN, **more})
        assert answer.status_code == 303
        return str(answer.location)

    def test_save__comes_back_as_it_was(self, alice: Visitor) -> None:
        page = text(alice.get(self.save(alice)))
        assert "草稿已保存" in page
        assert 'value="王建国"' in page
        assert re.search(r'value="media"\s+checked', page)

    def test_save__several_are_listed_and_one_is_changed_in_its_place(self, alice: Visitor) -> None:
        first = self.save(alice)
        self.save(alice, customer_name="李明")
        assert self.save(alice, **{"customer_name": "王小明", "draft.id": first.rpartition("=")[2]}) == first
        page = text(alice.get(self.PAGE))
        assert page.count("draft=") == 2
        assert "王小明" in page
        assert "李明" in page
        assert "王建国" not in page

    def test_start__the_draft_goes(self, alice: Visitor) -> None:
        draft_id = self.save(alice).rpartition("=")[2]
        assert alice.post(self.PAGE, {**BEGUN, "draft.id": draft_id}).status_code == 422
        assert "draft=" in text(alice.get(self.PAGE))
        assert alice.post(self.PAGE, {**FORM, "draft.id": draft_id}).status_code == 303
        assert "draft=" not in text(alice.get(self.PAGE))

    def test_discard(self, alice: Visitor) -> None:
        draft_id = self.save(alice).rpartition("=")[2]
        assert alice.post(f"{self.PAGE}/discard", {"draft.id": draft_id}).location == self.PAGE
        assert alice.get(f"{self.PAGE}?draft={draft_id}").status_code == 404

    def test_others__see_nothing_of_it(self, alice: Visitor, bob: Visitor) -> None:
        address = self.save(alice)
        assert bob.get(address).status_code == 404
        assert "draft=" not in text(bob.get(self.PAGE))

    def test_save__too_long_is_shown_again(self, alice: Visitor) -> None:
        answer = alice.post(f"{self.PAGE}/draft", {"customer_name": "x" * 200_000})
        assert answer.status_code == 422
        assert "草稿最多 200,000 个字符" in text(answer)


def test_drafts__stand_in_the_inbox_and_go_from_there(alice: Visitor, bob: Visitor) -> None:
    alice.post("/register/request/draft", {"customer_name": "王建国", "channel": "phone"})

    page = text(alice.get("/tasks/"))
    draft = re.search(r'href="/register/request\?draft=(\d+)">([^<]+)<', page)
    assert draft is not None
    assert draft[2].startswith("王建国")
    assert "客户请求 · 保存于" in page
    assert "王建国" not in text(bob.get("/tasks/"))

    answer = alice.post("/register/request/discard", {"draft.id": draft[1], "next": "/tasks/?view=mine"})

    assert answer.location == "/tasks/?view=mine"
    assert "王建国" not in text(alice.get("/tasks/"))


def test_drafts__of_a_process_that_is_gone_can_be_thrown_away(alice: Visitor, rows: sessionmaker[Session]) -> None:
    with rows.begin() as session:
        drafts.save(session, "no_such_process", {"customer_name": "王建国"}, by="alice")

    page = text(alice.get("/tasks/"))

    assert "no_such_process · 保存于" in page
    assert "/register/no_such_process/discard" in page
    assert 'href="/register/no_such_process' not in page
