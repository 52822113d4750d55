"""`casepath processes`: two versions of a process, told as text, and what runs moved from one to the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from casepath.commands import main
from casepath.engine import database, deployments
from casepath.engine.database.models import ProcessInstance
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances
from casepath.engine.people import identity
from tests.acting import PROGRAM
from tests.each import each

OLDER = deployments.read_folder(Path(__file__).resolve().parents[1] / "web" / "request")
NEWER = {
    **OLDER,
    "request.bpmn": OLDER["request.bpmn"].replace(b'"directors"', b'"service"'),
    "guidance/contact.en.md": OLDER["guidance/contact.en.md"] + b"Be short.\n",
}

RUNNING = select(ProcessInstance.definition_id).order_by(ProcessInstance.id)


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


def run(folder: Path, *arguments: str, command: str = "diff") -> Result:
    return CliRunner().invoke(main, ["--data", str(folder), "processes", command, *arguments])


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


@pytest.fixture
def started(folder: Path) -> Path:
    """The same with two instances of the older version."""
    pool = database.connect(f"sqlite:///{folder / 'casepath.db'}")
    with database.sessions(pool).begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        identity.create_user(session, "otto", name="Otto", groups=["operator"], by=PROGRAM)
        for name in ("王芳", "李强"):
            sent = {"customer_name": name, "channel": "phone"}
            process_instances.start(session, "request", sent, version=1, by=PROGRAM)
    pool.dispose()
    return folder


def versions_of(folder: Path) -> list[int]:
    pool = database.connect(f"sqlite:///{folder / 'casepath.db'}")
    with database.sessions(pool, read_only=True).begin() as session:
        found = [definitions.definition(session, each).version for each in session.scalars(RUNNING)]
    pool.dispose()
    return found


def test_migrate__only_tells(started: Path) -> None:
    result = run(started, "request", "1", command="migrate")

    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "request v1 to v2: 2 instances, 2 green, 0 amber, 0 red"
    assert "contact “联系客户” → contact: 2 green, 0 amber, 0 red" in result.output
    assert versions_of(started) == [1, 1]


def test_migrate__those_that_go_on_as_before(started: Path) -> None:
    done = ("--do", "green", "--by", "otto", "--reason", "newer")
    result = run(started, "request", "1", "2", *done, command="migrate")

    assert result.output.splitlines()[-1] == "migrated: 2, not migrated: 0"
    assert versions_of(started) == [2, 2]
    assert run(started, "request", "1", command="migrate").output.startswith("request v1 to v2: 0 instances")


def test_migrate__not_what_cannot(started: Path) -> None:
    done = ("--map", "contact=nowhere", "--do", "all", "--by", "otto", "--reason", "newer")
    result = run(started, "request", "1", *done, command="migrate")

    assert "0 green, 0 amber, 2 red" in result.output
    assert "2 × Expected element nowhere in the target version, but found none" in result.output
    assert result.output.splitlines()[-1] == "migrated: 0, not migrated: 2"


def test_migrate__each_refusal_is_told(started: Path) -> None:
    done = ("--do", "green", "--by", "nobody", "--reason", "newer")
    result = run(started, "request", "1", *done, command="migrate")

    assert result.stderr.count("instance ") == 2
    assert result.stdout.splitlines()[-1] == "migrated: 0, not migrated: 2"
    assert versions_of(started) == [1, 1]


@each(
    "words, said",
    [
        (("request", "1", "--do", "green"), "--by and --reason"),
        (("request", "1", "--map", "x"), "OLD=NEW"),
        (("request", "9"), "no process definition"),
        (("nowhere", "1"), "nowhere"),
    ],
)
def test_migrate__what_is_missing(folder: Path, words: tuple[str, ...], said: str) -> None:
    result = run(folder, *words, command="migrate")

    assert result.exit_code != 0
    assert said in result.output
