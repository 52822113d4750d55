"""`casepath delivery` and `casepath batch`: listed, begun, approved, stopped, tried again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from casepath.commands import main
from casepath.engine import database
from tests import channels, factories
from tests.integration.test_batches import bulk

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Call the command on a database with three guests, and a delivery that did not arrive."""
    address = f"sqlite:///{tmp_path / 'casepath.db'}"
    pool = database.connect(address)
    database.upgrade(pool)
    with database.sessions(pool).begin() as session:
        factories.group(session, "service")
        factories.user(session, "alice", groups=["service"])
        channels.deploy(session, channels.SMS, bulk=bulk())
        for name in ("Anna A", "Anna B", "Bert"):
            channels.guest(session, name, f"138 {name}")
        factories.delivery(session, state="undeliverable", answer="400 no such number")
    pool.dispose()

    def call(*words: object) -> Result:
        settings = {"CASEPATH_DATA_FOLDER": str(tmp_path / "data"), "CASEPATH_DATABASE_URL": address}
        return CliRunner().invoke(main, [*map(str, words)], env=settings)

    return call


def test_delivery__listed_and_tried_again(run: Run) -> None:
    assert "1\tundeliverable" in run("delivery", "list").stdout
    assert run("delivery", "retry", 1).stdout == "delivery 1: retried\n"
    assert "1\twaiting" in run("delivery", "list", "--state", "waiting").stdout
    assert run("delivery", "give-up", 1).exit_code == 0
    refused = run("delivery", "retry", 1, 9)
    assert (refused.exit_code, refused.stdout) == (1, "")


def test_batch__started_for_what_a_search_finds(run: Run) -> None:
    assert run("batch", "start", "bulk", "--search", "Anna").stdout == "batch 1: running, 2 records\n"
    assert run("batch", "list").stdout == "1\trunning\tbulk v1\t0/2\t0\n"
    assert run("batch", "stop", 1).stdout == "batch 1: stopped\n"


def test_batch__more_than_the_limit_waits_for_a_user(run: Run) -> None:
    assert run("batch", "start", "bulk", "--search", "").stdout == "batch 1: proposed, 3 records\n"
    assert run("batch", "approve", 1, "--by", "nobody").exit_code == 1
    assert run("batch", "approve", 1, "--by", "alice").stdout == "batch 1: running\n"


def test_batch__refused(run: Run) -> None:
    assert run("batch", "start", "bulk").exit_code == 2
    assert run("batch", "start", "bulk", "--key", "G99999").exit_code == 1
    assert run("batch", "start", "bulk", "--key", "G00001", "--variables", "{").exit_code == 2
    assert "nothing" in run("batch", "start", "nothing", "--key", "G00001").stderr
