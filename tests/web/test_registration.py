"""Starting a process with its form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.instances import process_instances
from casepath.engine.queries import tasks
from tests.web.conftest import DIRECTOR
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
FORM = {"customer_name": "王建国", "channel": "visit", "demands": ["return", "media"]}

pytestmark = pytest.mark.usefixtures("request_process")


def test_index__leads_to_the_only_process(alice: Visitor) -> None:
    assert alice.get("/register/").location == "/register/request"


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
