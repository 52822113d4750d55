"""`casepath processes diff`: two versions of a process, told as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from casepath.commands import main
from casepath.engine import database, deployments
from casepath.engine.deployments import definitions
from tests.acting import PROGRAM

OLDER = deployments.read_folder(Path(__file__).resolve().parents[1] / "web" / "request")
NEWER = {
    **OLDER,
    "request.bpmn": OLDER["request.bpmn"].replace(b'"directors"', b'"service"'),
    "guidance/contact.en.md": OLDER["guidance/contact.en.md"] + b"Be short.\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data of an installation with two versions of the process `request`."""
    pool = database.connect(f"sqlite:///{tmp_path / 'casepath.db'}")
    database.upgrade(pool)
    definitions.forget()
    with database.sessions(pool).begin() as session:
        for files in (OLDER, NEWER):
            deployments.deploy(session, files, name="request", by=PROGRAM)
    pool.dispose()
    definitions.forget()
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--data", str(folder), "processes", "diff", *arguments])


def test_diff(folder: Path) -> None:
    told = run(folder, "request", "1", "2").output

    assert told == run(folder, "request").output
    assert told.splitlines() == [
        "request v1 and v2",
        "~ request.bpmn",
        "  ~ userTask review “复核”",
        "      camunda:candidateGroups: directors → service",
        "~ guidance/contact.en.md",
        "    First the **mood**, then the matter.",
        "    {+Be short.+}",
    ]


def test_diff__the_other_way(folder: Path) -> None:
    told = run(folder, "request", "2", "1").output

    assert "camunda:candidateGroups: service → directors" in told
    assert "[-Be short.-]" in told


def test_diff__unknown(folder: Path) -> None:
    assert run(folder, "request", "1", "3").exit_code == 1
    assert run(folder, "other").exit_code == 1
