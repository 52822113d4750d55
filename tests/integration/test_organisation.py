"""The history of the house: every change of people, groups and the calendar, in one chain."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database.models import Mail, OrganisationEvent, OrganisationHistory
from casepath.engine.history import EventView, organisation
from casepath.engine.history.chain import without
from casepath.engine.instances import departures
from casepath.engine.people import identity
from tests import factories
from tests.acting import ADMINISTRATOR, PROGRAM, somebody

Sessions = sessionmaker[Session]

PASSWORD = "quiet-river-42"
PEOPLE: dict[str, Any] = {
    "groups": [
        {"key": "directors", "name": "总监", "sees_all": True, "distributes": ["desk"]},
        {"key": "desk", "name": "前台"},
    ],
    "people": [{"username": "wang", "name": "王芳", "email": "wang@example.com", "groups": ["desk"]}],
}


@pytest.fixture
def house(transaction: Sessions) -> Sessions:
    """Two groups of the house beside those of the engine, and Wang."""
    with transaction.begin() as session:
        identity.import_people(session, PEOPLE, by=PROGRAM)
    return transaction


def told(house: Sessions, after: int = 0) -> list[EventView]:
    with house.begin() as session:
        assert list(history.verify_all(session)) == []
        return organisation.events(session, after=after)


def length(house: Sessions) -> int:
    return len(told(house))


def test_import__each_group_and_user_is_on_record(house: Sessions) -> None:
    events = told(house)

    assert [event.kind for event in events] == ["group.created"] * 6 + ["user.created", "people.imported"]
    assert {event.by for event in events} == {"program:test"}
    assert events[4].facts == {
        "group": "directors", "name": "总监", "name_en": None, "sees_all": True, "distributes": ["desk"],
    }  # fmt: skip
    wang = events[6]
    assert wang.facts == {"user": "wang", "groups": ["desk"], "language": "zh_CN", "has_password": False}
    assert wang.variables == {"name": "王芳", "email": "wang@example.com"}


def test_import__again_tells_of_no_change(house: Sessions) -> None:
    before = length(house)
    with house.begin() as session:
        identity.import_people(session, PEOPLE, by=PROGRAM)

    assert [event.kind for event in told(house, before)] == ["people.imported"]


def test_changes__by_whom_and_what(house: Sessions) -> None:
    before = length(house)
    with house.begin() as session:
        identity.set_groups(session, "wang", ["directors", "auditor"], by=ADMINISTRATOR)
        identity.set_password(session, "wang", PASSWORD, by=ADMINISTRATOR)
        identity.set_language(session, "wang", "en", by=somebody("wang"))
        identity.set_active(session, "wang", False, by=ADMINISTRATOR)
        identity.set_active(session, "wang", False, by=ADMINISTRATOR)
        identity.add_group(session, "desk", name="前台", sees_all=True, by=ADMINISTRATOR)

    events = told(house, before)
    assert [(event.kind, event.by, dict(event.facts)) for event in events] == [
        ("membership.removed", "ada", {"user": "wang", "group": "desk"}),
        ("membership.added", "ada", {"user": "wang", "group": "auditor"}),
        ("membership.added", "ada", {"user": "wang", "group": "directors"}),
        ("user.password_changed", "ada", {"user": "wang", "has_password": True}),
        ("user.changed", "wang", {"user": "wang", "language": "en"}),
        ("user.deactivated", "ada", {"user": "wang"}),
        ("group.changed", "ada", {"group": "desk", "name": "前台", "name_en": None, "sees_all": True,
                                  "distributes": []}),
    ]  # fmt: skip


def test_change_password__with_the_old_one_as_a_proof(house: Sessions) -> None:
    with house.begin() as session:
        identity.set_password(session, "wang", PASSWORD, by=PROGRAM)
    before = length(house)
    with house.begin() as session:
        attempt = identity.authenticate(session, "wang", "wrong", "127.0.0.1")
        with pytest.raises(errors.Forbidden):
            identity.change_password(session, attempt, "another-river-43")
        with pytest.raises(errors.Forbidden):
            identity.set_password(session, "wang", "another-river-43", by="wang")
        attempt = identity.authenticate(session, "wang", PASSWORD, "127.0.0.1")
        identity.change_password(session, attempt, "another-river-43")

    (event,) = told(house, before)
    assert (event.kind, event.by) == ("user.password_changed", "wang")
    assert "river" not in json.dumps([event.facts, event.variables])


def test_calendar__is_on_record(house: Sessions) -> None:
    before = length(house)
    with house.begin() as session:
        calendar = json.dumps({"zone": "Asia/Shanghai", "hours": {"mon-fri": [["09:00", "18:30"]]}}).encode()
        deployed = deployments.deploy(session, {"calendar.json": calendar}, name="shared", by=PROGRAM)

    event, made = told(house, before)
    assert [event.kind, made.kind] == ["calendar.deployed", "deployment.made"]
    assert (event.facts["version"], event.facts["sha256"]) == (1, deployed.definitions[0].sha256)


def test_refused__leaves_no_event(house: Sessions) -> None:
    before = length(house)

    with pytest.raises(errors.NotFound), house.begin() as session:
        identity.set_groups(session, "wang", ["nowhere"], by=PROGRAM)

    assert length(house) == before


def test_administrator_who_audits__is_none(house: Sessions) -> None:
    """Somebody has to be left who can let people in again; an auditor cannot."""
    with house.begin() as session:
        identity.set_groups(session, "wang", ["administrator"], by=PROGRAM)

    with pytest.raises(errors.InvalidInput), house.begin() as session:
        identity.set_groups(session, "wang", ["administrator", "auditor"], by=PROGRAM)


@pytest.mark.parametrize(
    ("forgery", "found"),
    [
        (update(OrganisationEvent).where(OrganisationEvent.sequence == 7).values(facts="{}"), (7, "changed")),
        (update(OrganisationEvent).where(OrganisationEvent.sequence == 7).values(by="mallory"), (7, "changed")),
        (delete(OrganisationEvent).where(OrganisationEvent.sequence == 3), (3, "missing")),
        (delete(OrganisationEvent).where(OrganisationEvent.sequence == 8), (8, "truncated")),
        (update(OrganisationHistory).values(length=6), (7, "added")),
        (delete(OrganisationHistory), (1, "added")),
    ],
    ids=["facts", "by", "missing", "truncated", "added", "headless"],
)
def test_verify__names_what_was_forged(house: Sessions, forgery: Any, found: tuple[int, str]) -> None:
    with house.begin() as session:
        session.execute(forgery)
        problems = organisation.verify(session)

    assert found in [(problem.sequence, problem.what) for problem in problems]
    assert str(problems[0]).startswith("the organisation: event")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_verify__a_date_that_is_none(house: Sessions) -> None:
    with house.begin() as session:
        session.execute(text("UPDATE organisation_events SET at = 'never' WHERE sequence = 2"))
        problems = organisation.verify(session)

    assert [(problem.sequence, problem.what) for problem in problems] == [(2, "changed")]


def test_record__many_at_once(house: Sessions) -> None:
    """One chain, whoever changes what at the same time."""
    before = length(house)

    def rename(number: int) -> None:
        with house.begin() as session:
            identity.add_group(session, f"group{number % 3}", name=f"{number}", by=PROGRAM)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(rename, range(18)))

    assert length(house) == before + 18


def test_erase__names_and_addresses_go_and_the_chain_holds(house: Sessions) -> None:
    with house.begin() as session:
        identity.create_user(session, "li", name="李娜", email="li@example.com", by=PROGRAM)
        identity.set_groups(session, "wang", ["desk", "directors"], by=PROGRAM)
        departures.lock_out(session, "wang", by=ADMINISTRATOR)
    before = length(house)

    with house.begin() as session:
        assert departures.erase(session, "wang", by=ADMINISTRATOR, reason="he has left") == 2

    events = told(house)  # verifies
    assert "王芳" not in repr(events)
    assert "wang@example.com" not in repr(events)
    assert [event.erased for event in events if event.erased] == [{"name", "email"}]
    assert events[-1].facts == {"user": "wang", "erased": {"7": ["email", "name"]}, "reason": "he has left"}
    assert [event.kind for event in events[before:]] == ["membership.removed"] * 2 + ["values.erased"]
    with house.begin() as session:
        gone = identity.get(session, "wang")
        assert (gone.name, gone.email, gone.password_hash) == ("wang", None, None)
        assert [each.variables["name"] for each in events if "name" in each.variables] == ["李娜"]


def test_erase__where_mails_went(house: Sessions) -> None:
    with house.begin() as session:
        mail = factories.mail(session, username="wang")
        mail.address, mail.answer, number = "wang@example.com", "451 <wang@example.com> later", mail.id
        departures.lock_out(session, "wang", by=ADMINISTRATOR)
        departures.erase(session, "wang", by=PROGRAM, reason="he has left")

    with house.begin() as session:
        mail = session.get_one(Mail, number)
        assert (mail.address, mail.answer, mail.state) == (None, None, "given_up")


@pytest.mark.parametrize(("username", "reason", "code"), [("ada", "r", "user-active"), ("gone", " ", "text-missing")])
def test_erase__refuses_who_is_active_and_no_reason(house: Sessions, username: str, reason: str, code: str) -> None:
    with house.begin() as session:
        factories.user(session, "ada")
        factories.user(session, "gone").active = False
    before = length(house)

    with pytest.raises(errors.InvalidInput) as refused, house.begin() as session:
        departures.erase(session, username, by=PROGRAM, reason=reason)

    assert (refused.value.code, length(house)) == (code, before)


def test_erase__a_value_that_only_disappears_is_found(house: Sessions) -> None:
    """A digest without an erasure on record."""
    with house.begin() as session:
        stored = session.scalars(select(OrganisationEvent.variables).where(OrganisationEvent.sequence == 7)).one()
        rest, _ = without(str(stored), ["name"])
        session.execute(update(OrganisationEvent).where(OrganisationEvent.sequence == 7).values(variables=rest))
        problems = organisation.verify(session)

    assert [(problem.sequence, problem.what) for problem in problems] == [(7, "erased")]
