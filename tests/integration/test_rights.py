"""Every public command × everybody × the states of what it is for; and `docs/rights.md` says just that."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, errors
from casepath.engine.people.authorization import By
from tests import database as databases
from tests import rights
from tests.rights import COMMANDS, PEOPLE, STATES, There

Sessions = sessionmaker[Session]

DOCS = Path(__file__).parents[2] / "docs"

Place = tuple[Session, dict[str, There]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Place]:
    """A session on a database with a matter in each state, and these matters."""
    url = databases.copy_file(sqlite_template, tmp_path_factory.mktemp("rights") / "rights.db")
    pool = database.connect(url)
    with database.sessions(pool)() as session:
        old, new = rights.fill(session)
        there = {state: rights.make(session, f"K-{state}", old, new) for state in STATES}
        for state, bring in STATES.items():
            bring(session, there[state])
        yield session, there
        session.rollback()
    pool.dispose()


def answer(session: Session, name: str, there: There, by: By) -> str:
    """✓ done, · refused, – told that it is not there, ! told in which state it is; nothing has changed then."""
    attempt = session.begin_nested()
    try:
        COMMANDS[name](session, there, by)
    except (errors.NotFound, errors.NotWaiting):
        return "–"
    except errors.Forbidden:
        return "·"
    except errors.InvalidState:
        return "!"
    finally:
        attempt.rollback()
        session.expunge_all()
    return "✓"


def cells(page: str) -> list[dict[str, list[str]]]:
    """Return the tables of a page that tell of commands: command → what stands in the cells behind it."""
    found: list[dict[str, list[str]]] = []
    within = False
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        row = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and not within:
            found.append({})
        elif line.startswith("|") and "`" in line:
            found[-1][row[1].strip("`")] = row[2:]
        within = line.startswith("|")
    return [table for table in found if table]


def test_commands__every_public_function_is_one_or_is_known_to_need_nobody() -> None:
    known = [set(COMMANDS), rights.READS, rights.OF_THE_ENGINE, rights.OF_WORKERS, rights.OF_ONESELF]

    assert set(rights.public_functions()) == set().union(*known)
    assert sum(map(len, known)) == len(set().union(*known))


def test_commands__take_who_acts() -> None:
    for name in COMMANDS:
        noun, _, verb = name.partition(".")
        function = getattr(next(each for each in rights.NOUNS if each.__name__.endswith(f".{noun}")), verb)
        by = inspect.signature(function).parameters["by"]
        assert (by.kind, by.default, by.annotation) == (by.KEYWORD_ONLY, by.empty, "By"), name


def test_tables__have_every_command() -> None:
    assert {name for table in rights.TABLES for name in table.rows} == set(COMMANDS)


@pytest.mark.parametrize("table", rights.TABLES, ids=lambda table: f"{next(iter(table.rows))}-{table.state}")
def test_walk__everybody_is_answered_as_written(place: Place, table: rights.Table) -> None:
    session, there = place

    answered = {
        name: "".join(answer(session, name, there[table.state], PEOPLE[role][0]) for role in table.roles)
        for name in table.rows
    }

    assert answered == table.rows


@pytest.mark.parametrize("name", COMMANDS)
def test_walk__a_name_that_is_no_user_s_is_nobody(place: Place, name: str) -> None:
    session, there = place

    assert {answer(session, name, there["free"], by) for by in ("nobody_at_all", "program:test", "")} == {"–"}


@pytest.mark.parametrize("page", ["rights.md", "rights.zh-CN.md"])
def test_docs__say_what_everybody_is_answered(page: str) -> None:
    written = [{name: "".join(cell or "·" for cell in row) for name, row in table.items()} for table in cells(page)]

    assert written == [dict(table.rows) for table in rights.TABLES]
