"""Users and groups."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors
from casepath.engine.database.models import EndedSession
from casepath.engine.people import identity
from tests import factories
from tests.acting import PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]

PEOPLE: dict[str, Any] = {
    "groups": [
        {"key": "directors", "name": "客户总监", "nameEn": "Customer directors", "seesAll": True},
        {"key": "front_desk", "name": "前台", "name_en": "Front desk"},
    ],
    "people": [
        {"username": "wang", "name": "王芳", "email": "wang@example.com", "groups": ["front_desk"]},
        {"username": "li", "name": "李总", "groups": ["directors", "administrator"]},
    ],
}


def test_create_user__becomes_a_person(transaction: Sessions) -> None:
    with transaction.begin() as session:
        factories.group(session, "service")
        factories.group(session, "directors", sees_all=True)
        groups = ["service", "directors"]
        identity.create_user(session, " ALICE ", name="爱丽丝", email="a@example.com", groups=groups, by=PROGRAM)

    with transaction.begin() as session:
        person = identity.person(session, "Alice")

    assert (person.username, person.name, person.email) == ("alice", "爱丽丝", "a@example.com")
    assert person.groups == {"service", "directors"}
    assert person.sees_all


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@each(
    "wrong",
    [
        {"username": ""},
        {"username": "two words"},
        {"username": "-x"},
        {"username": "x" * 65},
        {"username": "<b>"},
        {"name": " "},
        {"name": "x" * 101},
        {"name": "nul\x00"},
        {"email": "nowhere"},
        {"email": "a@b\nBcc: c@d"},
        {"language": "xx"},
        {"password": "short"},
    ],
)
def test_create_user__refused(transaction: Sessions, wrong: dict[str, str]) -> None:
    fields = {"username": "alice", "name": "Alice", **wrong}

    with pytest.raises(errors.InvalidInput), transaction.begin() as session:
        identity.create_user(session, fields.pop("username"), **fields, by=PROGRAM)


@pytest.mark.parametrize("other", ["alice", "ALICE", "ａｌｉｃｅ"])
def test_create_user__looks_like_another(transaction: Sessions, other: str) -> None:
    with transaction.begin() as session:
        factories.user(session, "alice")

    with pytest.raises(errors.InvalidInput, match="exists"), transaction.begin() as session:
        identity.create_user(session, other, name="x", by=PROGRAM)


def test_create_user__no_such_group(transaction: Sessions) -> None:
    with pytest.raises(errors.NotFound), transaction.begin() as session:
        identity.create_user(session, "alice", name="x", groups=["nowhere"], by=PROGRAM)


def test_members__active_ones(transaction: Sessions) -> None:
    with transaction.begin() as session:
        factories.group(session, "service")
        factories.group(session, "sales")
        factories.user(session, "alice", groups=["service", "sales"])
        factories.user(session, "bob", groups=["sales"])
        factories.user(session, "charlie", groups=["service"], active=False)

        assert identity.members(session, ["service"]) == {"alice"}
        assert identity.members(session, ["service", "sales"]) == {"alice", "bob"}
        assert identity.members(session, []) == frozenset()


def test_person__deactivated(transaction: Sessions) -> None:
    with transaction.begin() as session:
        factories.user(session, "alice", active=False)

        with pytest.raises(errors.NotFound):
            identity.person(session, "alice")


def test_person_since__ends_with_a_new_password(transaction: Sessions, clock: ModuleType) -> None:
    clock.set_to(clock.now())
    with transaction.begin() as session:
        factories.user(session, "alice")
        begun_at = clock.now()
        assert identity.person_since(session, "alice", begun_at) is not None

        clock.move(timedelta(hours=1))
        identity.set_password(session, "alice", "correct horse", by=PROGRAM)

        assert identity.person_since(session, "alice", begun_at) is None
        assert identity.person_since(session, "alice", clock.now()) is not None


def test_person_since__ends_when_deactivated(transaction: Sessions, clock: ModuleType) -> None:
    with transaction.begin() as session:
        factories.user(session, "alice")
        identity.set_active(session, "alice", active=False, by=PROGRAM)

        assert identity.person_since(session, "alice", clock.now()) is None


def test_person_since__ends_with_its_session_and_no_other(transaction: Sessions, clock: ModuleType) -> None:
    with transaction.begin() as session:
        identity.create_user(session, "alice", name="Alice", by=PROGRAM)
        identity.create_user(session, "bob", name="Bob", by=PROGRAM)
        begun_at = clock.now()
        for _ in range(2):
            identity.end_session(session, " Alice", begun_at, expires_at=begun_at + timedelta(hours=12))

        assert identity.person_since(session, "alice", begun_at) is None
        assert identity.person_since(session, "alice", begun_at + timedelta(microseconds=1)) is not None
        assert identity.person_since(session, "bob", begun_at) is not None


def test_end_session__many_at_once(transaction: Sessions, clock: ModuleType) -> None:
    begun_at = clock.now()

    def leave(_: int) -> None:
        with transaction.begin() as session:
            identity.end_session(session, "alice", begun_at, expires_at=begun_at + timedelta(hours=12))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(leave, range(16)))

    with transaction.begin() as session:
        assert len(session.scalars(select(EndedSession)).all()) == 1


def test_end_session__forgets_those_that_have_ended_by_themselves(transaction: Sessions, clock: ModuleType) -> None:
    for _ in range(2):
        clock.move(timedelta(hours=13))
        with transaction.begin() as session:
            identity.end_session(session, "alice", clock.now(), expires_at=clock.now() + timedelta(hours=12))

    with transaction.begin() as session:
        assert len(session.scalars(select(EndedSession)).all()) == 1


def test_person_since__nobody(transaction: Sessions, clock: ModuleType) -> None:
    with transaction.begin() as session:
        assert identity.person_since(session, "alice", clock.now()) is None


def test_set_groups__replaces_them(transaction: Sessions) -> None:
    with transaction.begin() as session:
        for key in ("service", "sales", "parts"):
            factories.group(session, key)
        factories.user(session, "alice", groups=["service", "sales"])

        identity.set_groups(session, "alice", ["sales", "parts"], by=PROGRAM)

        assert identity.groups_of(session, "alice") == {"sales", "parts"}


def test_set_groups__last_administrator_stays(transaction: Sessions) -> None:
    with transaction.begin() as session:
        factories.group(session, "administrator")
        factories.user(session, "ada", groups=["administrator"])
        factories.user(session, "alice", groups=["administrator"], active=False)

    with pytest.raises(errors.InvalidInput), transaction.begin() as session:
        identity.set_groups(session, "ada", [], by=PROGRAM)
    with pytest.raises(errors.InvalidInput), transaction.begin() as session:
        identity.set_active(session, "ada", active=False, by=PROGRAM)


def test_import_people__groups_of_the_file_and_of_the_engine(transaction: Sessions) -> None:
    with transaction.begin() as session:
        imported = identity.import_people(session, PEOPLE, by=PROGRAM)

        assert (imported.groups, imported.users) == (6, 2)
        li = identity.person(session, "li")
        assert (li.name, li.sees_all, li.is_administrator) == ("李总", True, True)
        assert identity.group(session, "directors").name_en == "Customer directors"
        assert identity.group(session, "front_desk").name_en == "Front desk"


def test_import_people__of_the_project(transaction: Sessions) -> None:
    shared = Path(__file__).parents[2] / "processes" / "shared" / "groups.json"
    with transaction.begin() as session:
        imported = identity.import_people(session, json.loads(shared.read_bytes()), by=PROGRAM)

        assert imported.users > 0
        assert all(identity.person(session, user.username).groups for user in identity.users(session))


def test_import_people__again_keeps_what_people_changed(transaction: Sessions) -> None:
    with transaction.begin() as session:
        identity.import_people(session, PEOPLE, by=PROGRAM)
        identity.set_groups(session, "wang", ["directors"], by=PROGRAM)

    with transaction.begin() as session:
        imported = identity.import_people(session, PEOPLE, by=PROGRAM)

        assert (imported.groups, imported.users) == (0, 0)
        assert identity.groups_of(session, "wang") == {"directors"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@each(
    "wrong",
    [
        {"groups": {}},
        {"groups": ["directors"]},
        {"groups": [{"key": "x"}]},
        {"groups": [{"key": "a b", "name": "x"}]},
        {"people": [{"username": "x"}]},
        {"people": [{"username": "x", "name": "x", "groups": "directors"}]},
        {"people": [{"username": 7, "name": "x"}]},
    ],
)
def test_import_people__another_shape(transaction: Sessions, wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidInput), transaction.begin() as session:
        identity.import_people(session, wrong, by=PROGRAM)
