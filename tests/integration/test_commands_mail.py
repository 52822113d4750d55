"""`casepath mail`: e-mails listed, tried again and given up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from casepath.commands import main
from casepath.engine import database
from casepath.engine.database.models import Mail
from casepath.engine.history import organisation
from tests import factories

Run = Callable[..., Result]
STATES = ("undeliverable", "waiting", "undeliverable", "uncertain", "sent")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with a mail in each of some states, numbered from 1."""
    address = f"sqlite:///{tmp_path / 'casepath.db'}"
    pool = database.connect(address)
    database.upgrade(pool)
    with database.sessions(pool).begin() as session:
        factories.group(session, "operator")
        factories.user(session, "olivia", groups=["operator"])
        factories.user(session, "alice").email = "alice@house.test"
        for state in STATES:
            factories.mail(session, state=state, answer="550 no such box")
    pool.dispose()
    return address


@pytest.fixture
def run(url: str, tmp_path: Path) -> Run:
    """Call the command."""

    def run(*words: object) -> Result:
        settings = {"CASEPATH_DATA_FOLDER": str(tmp_path / "data"), "CASEPATH_DATABASE_URL": url}
        return CliRunner().invoke(main, ["mail", *map(str, words)], env=settings)

    return run


def states(url: str) -> list[str]:
    pool = database.connect(url)
    with database.sessions(pool).begin() as session:
        found = list(session.scalars(select(Mail.state).order_by(Mail.id)))
    pool.dispose()
    return found


def test_list__newest_first_with_what_the_mail_server_said(run: Run) -> None:
    found = run("list", "--state", "undeliverable", "--state", "sent", "--limit", 2)

    lines = found.stdout.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [["5", "sent"], ["3", "undeliverable"]]
    assert lines[1].split("\t")[4:] == ["alice <alice@house.test>", "", "550 no such box"]
    assert "1 waiting, 0 sending, 1 sent, 1 uncertain, 2 undeliverable, 0 given_up; the oldest waits" in found.stderr


def test_retry__named_ones_and_all_that_are_undeliverable(run: Run, url: str) -> None:
    found = run("retry", 4, "--undeliverable")

    assert found.output.splitlines() == ["mail 1: retried", "mail 3: retried", "mail 4: retried"]
    assert states(url) == ["waiting", "waiting", "waiting", "waiting", "sent"]


def test_give_up__by_whom(run: Run, url: str) -> None:
    assert run("give-up", "--uncertain", "--by", "olivia").output == "mail 4: given up\n"

    pool = database.connect(url)
    with database.sessions(pool).begin() as session:
        (event,) = organisation.events(session)
    pool.dispose()
    assert (event.kind, event.by, event.facts) == ("mail.given_up", "olivia", {"mail": 4})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("retry", 5), "mail 5: It is not possible to retry mail 5: it is in state “sent”."),
        (("retry", 99), "mail 99: There is no mail “99”, or it is not meant for you."),
        (("retry", 1, "--by", "alice"), "mail 1: alice may not retry mail 1."),
        (("give-up",), "Name the numbers of mails, or all of a state."),
    ],
    ids=str,
)
def test_change__refused(run: Run, url: str, words: tuple[object, ...], said: str) -> None:
    found = run(*words)

    assert found.exit_code != 0
    assert said in found.output
    assert states(url) == list(STATES)
