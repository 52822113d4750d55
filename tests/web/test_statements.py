"""How often pages ask the database: as often for many rows as for few, in the language that needs other names too."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.instances import process_instances
from tests.acting import PROGRAM
from tests.web.prepared import REQUEST
from tests.web.visitor import Visitor

VARIABLES = {"customer_name": "王建国", "channel": "phone", "demands": ["media"]}
ENGLISH = {"request": "Request of a customer", "contact": "Call them"}
PAGES = (
    "/tasks/?view=claimable", "/tasks/?view=all", "/tasks/calendar?view=all", "/tasks/list.xlsx?view=all",
    "/matters/", "/matters/?q=王", "/matters/list.xlsx", "/search/?q=王", "/notifications/", "/processes/",
)  # fmt: skip


@pytest.fixture
def begin(rows: sessionmaker[Session], request_process: str) -> Callable[[int], None]:
    """Begin some matters, each pair of them of a process version of its own."""

    def begin(count: int) -> None:
        for number in range(count):
            with rows.begin() as session:
                if number % 2:
                    texts = json.dumps(ENGLISH | {"received": f"It came in {count}/{number}"}).encode()
                    files = deployments.read_folder(REQUEST) | {"texts.en.json": texts}
                    deployments.deploy(session, files, name="request", by=PROGRAM)
            with rows.begin() as session:
                process_instances.start(session, "request", VARIABLES, by="alice")

    return begin


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_pages__ask_as_often_for_many_rows_as_for_few(
    visit: Callable[[str | None], Visitor], rows: sessionmaker[Session], begin: Callable[[int], None], language: str
) -> None:
    visitor, asked = visit("alice"), list[str]()
    visitor.post("/language", {"language": language, "next": "/"})

    def statements(page: str) -> list[str]:
        visitor.get(page)  # what never changes is read once
        asked.clear()
        assert visitor.get(page).status_code == 200
        return list(asked)

    with rows() as session:
        pool = session.get_bind().engine
    begin(2)
    event.listen(pool, "before_cursor_execute", lambda *told: asked.append(told[2]))
    few = {page: statements(page) for page in PAGES}
    begin(6)
    many = {page: statements(page) for page in PAGES}

    assert all(few.values())
    more = {page: sorted(set(many[page]) - set(few[page])) or many[page] for page in PAGES
            if len(many[page]) > len(few[page])}  # fmt: skip
    assert not more
