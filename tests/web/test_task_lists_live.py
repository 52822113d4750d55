"""Task lists follow what others do, and are worked through by the keyboard."""

from __future__ import annotations

import re
from datetime import timedelta
from types import ModuleType

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.database.models import UserTask
from casepath.engine.instances import user_tasks
from tests import factories
from tests.acting import PROGRAM
from tests.web.conftest import LogIn
from tests.web.visitor import LINKED, Visitor, text

Rows = sessionmaker[Session]


@pytest.fixture
def numbers(rows: Rows) -> list[int]:
    """Three free tasks of the group `service`."""
    with rows.begin() as session:
        of = factories.definition(session)
        instances = [factories.process_instance(session, of=of, business_key=f"K-{number}") for number in range(3)]
        return [factories.user_task(session, of=instance).id for instance in instances]


def seen(page: str) -> str:
    """Return the address under which a list asks for what is new."""
    (address,) = re.findall(r'data-live hx-get="([^"]+)"', page)
    return str(address).replace("&amp;", "&")


def test_list__is_sent_only_where_it_has_changed(alice: Visitor, rows: Rows, numbers: list[int]) -> None:
    address = seen(text(alice.get("/tasks/?view=claimable")))

    same = alice.get(address, headers=LINKED)
    assert (same.status_code, same.data) == (204, b"")
    with rows.begin() as session:
        user_tasks.claim(session, numbers[1], by="bob")
    page = text(alice.get(address, headers=LINKED))
    assert "<html" not in page
    assert "K-1" not in page
    assert alice.get(seen(page), headers=LINKED).status_code == 204


def test_list__is_sent_anew_as_a_deadline_comes_nearer(
    alice: Visitor, rows: Rows, numbers: list[int], clock: ModuleType
) -> None:
    now = clock.now()
    clock.set_to(now)
    with rows.begin() as session:
        user_tasks.set_due(session, numbers[0], now + timedelta(hours=5), by=PROGRAM)
    address = seen(text(alice.get("/tasks/?view=claimable")))

    assert alice.get(address, headers=LINKED).status_code == 204
    clock.set_to(now + timedelta(hours=3))
    assert alice.get(address, headers=LINKED).status_code == 200


def test_list__without_scripts_its_address_is_the_page(alice: Visitor, numbers: list[int]) -> None:
    assert "<html" in text(alice.get(seen(text(alice.get("/tasks/?view=claimable")))))


@pytest.mark.browser
def test_list__follows_and_stays_while_something_is_chosen(
    page: Page, address: str, log_in: LogIn, rows: Rows, numbers: list[int]
) -> None:
    page.clock.install()
    log_in("alice")
    page.goto(f"{address}/tasks/?view=claimable")
    boxes = page.locator('input[name="page.task"]')
    expect(boxes).to_have_count(3)
    boxes.first.check()
    with rows.begin() as session:
        user_tasks.claim(session, numbers[2], by="bob")

    page.clock.run_for(25_000)
    expect(boxes).to_have_count(3)
    boxes.first.uncheck()
    page.clock.run_for(25_000)
    expect(boxes).to_have_count(2)


@pytest.mark.browser
def test_keys__through_a_list(page: Page, address: str, log_in: LogIn, rows: Rows, numbers: list[int]) -> None:
    log_in("alice")
    page.goto(f"{address}/tasks/?view=claimable")
    bar = page.locator("#several")
    expect(bar).to_be_hidden()

    for key in ("j", "x", "j", "j", "k", "x"):
        page.keyboard.press(key)
    expect(page.locator(".is-current")).to_have_id(f"task-{numbers[1]}")
    expect(page.locator('input[name="page.task"]:checked')).to_have_count(2)
    expect(bar).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("c")
    expect(page.get_by_role("status").first).to_contain_text("2 个任务现在归您办理")

    with rows.begin() as session:
        assert [session.get_one(UserTask, number).assignee for number in numbers] == ["alice", "alice", None]


@pytest.mark.browser
def test_keys__claim_only_where_the_reader_is(
    page: Page, address: str, log_in: LogIn, rows: Rows, numbers: list[int]
) -> None:
    log_in("alice")
    page.goto(f"{address}/tasks/?view=claimable")
    page.keyboard.press("c")
    expect(page.locator("tr[data-row]")).to_have_count(3)

    for key in ("j", "j", "c"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile(f"/tasks/{numbers[1]}"))
    with rows.begin() as session:
        assert [session.get_one(UserTask, number).assignee for number in numbers] == [None, "alice", None]


@pytest.mark.browser
def test_keys__type_where_somebody_types(page: Page, address: str, log_in: LogIn, numbers: list[int]) -> None:
    log_in("alice")
    page.goto(f"{address}/tasks/?view=claimable")
    page.locator("#q").press_sequentially("jxc?")

    expect(page.locator("#q")).to_have_value("jxc?")
    expect(page.locator('input[name="page.task"]:checked')).to_have_count(0)
    expect(page.locator("#keys")).to_be_hidden()
