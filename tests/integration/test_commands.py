"""The command `casepath`: what it says, what it does, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from casepath import demo
from casepath.commands import main
from casepath.engine import database, deployments
from casepath.engine.instances import process_instances
from casepath.engine.people import identity, passwords
from tests import factories
from tests.acting import ALICE
from tests.each import each

ROOT = Path(__file__).resolve().parents[2]
REQUEST = ROOT / "tests" / "web" / "request"
#: How long a server may take to stop, in seconds: five are promised where the machine is not busy with other tests.
STOPS_WITHIN = 30
#: How long a busy machine may take to start one.
STARTS_WITHIN = 90

Found = list[tuple[tuple[str, ...], click.Command]]


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Found:
    """Return every subcommand with the words that call it."""
    found: Found = []
    for name, command in group.commands.items():
        inner = every_command(command, (*path, name)) if isinstance(command, click.Group) else []
        found += [((*path, name), command), *inner]
    return found


COMMANDS = every_command(main)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the command with a data folder of the test's own."""
    for name in [name for name in os.environ if name.startswith("CASEPATH_")]:
        monkeypatch.delenv(name)

    def run(*words: str, **environment: str) -> Result:
        settings = {"CASEPATH_DATA_FOLDER": str(tmp_path / "data"), **environment}
        return CliRunner().invoke(main, list(words), env=settings)

    return run


@pytest.fixture
def sessions(run: Any, tmp_path: Path) -> Iterator[Any]:
    """Transactions on the database of `run`, which has all tables."""
    assert run("upgrade").exit_code == 0
    pool = database.connect(f"sqlite:///{tmp_path / 'data' / 'casepath.db'}")
    yield database.sessions(pool)
    pool.dispose()


@each("words, command", COMMANDS)
def test_help__of_every_command(run: Any, words: tuple[str, ...], command: click.Command) -> None:
    result = run(*words, "--help")

    assert result.exit_code == 0
    assert f"casepath {' '.join(words)}" in result.output.replace("main", "casepath", 1)
    assert command.help is not None
    assert all(option.help for option in command.params if isinstance(option, click.Option) and not option.is_eager)


def test_deploy__accepted(run: Any) -> None:
    first, second = run("deploy", str(REQUEST)), run("deploy", str(REQUEST))

    assert first.exit_code == second.exit_code == 0
    assert "request v1" in first.output
    assert "nothing new" in second.output


def test_deploy__what_and_why_are_on_record(run: Any, sessions: Any) -> None:
    assert run("deploy", str(REQUEST), "--what", "requests", "--why", "they come").exit_code == 0
    half = run("deploy", str(REQUEST), "--what", "requests")

    assert half.exit_code == 2
    assert "why it changes" in half.output
    with sessions.begin() as session:
        (made,) = deployments.purposes.made(session, [1]).values()
    assert made.purpose == deployments.Purpose(what="requests", why="they come")


def test_deploy__refused_with_every_finding(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    diagram = (REQUEST / "request.bpmn").read_text(encoding="utf-8")
    (folder / "request.bpmn").write_text(re.sub(r'targetRef="[^"]+"', 'targetRef="nowhere"', diagram), encoding="utf-8")

    result = run("deploy", str(folder), str(REQUEST))

    assert result.exit_code == 1
    assert "broken: refused" in result.output
    assert result.output.count("nowhere") >= 2
    assert "request v1" in result.output


def test_users__added_listed_and_given_a_password(run: Any, sessions: Any) -> None:
    added = run("users", "add", "wang", "--name", "王芳", "--group", "auditor", "--password", "quiet-river-42")
    changed = run("users", "password", "wang", "--password", "loud-river-43")

    assert (added.exit_code, changed.exit_code) == (0, 0)
    assert "wang\t王芳\tactive\tauditor" in run("users", "list").output
    with sessions.begin() as session:
        asked = identity.credentials(session, "wang", "")
    assert asked.accept("loud-river-43").username == "wang"
    assert asked.accept("quiet-river-42").username is None


@each(
    "words, said",
    [
        (("users", "add", "li", "--name", "L", "--password", "short"), "8"),
        (("users", "add", "li", "--name", "L", "--password", "quiet-river-42", "--group", "none"), "group “none”"),
        (("users", "password", "li", "--password", "quiet-river-42"), "user “li”"),
        (("history", "verify", "--instance", "99"), "process instance “99”"),
        (("users", "import", str(REQUEST / "request.bpmn")), "JSON"),
        (("users", "import", __file__), "JSON"),
    ],
)
def test_refusal__is_one_sentence(run: Any, words: tuple[str, ...], said: str) -> None:
    result = run(*words)

    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert said in result.output
    assert result.output.count("\n") == 1


def test_users__imported_once(run: Any) -> None:
    file = str(ROOT / "processes" / "shared" / "groups.json")
    first, second = run("users", "import", file), run("users", "import", file)

    assert re.search(r"[1-9]\d* groups and [1-9]\d* users added", first.output)
    assert second.output == "0 groups and 0 users added.\n"


def test_upgrade__twice(run: Any) -> None:
    assert [run("upgrade").output for _ in range(2)] == ["The database is up to date.\n"] * 2


@pytest.fixture
def instance_id(run: Any, sessions: Any) -> int:
    """A process instance with a history."""
    run("deploy", str(REQUEST))
    with sessions.begin() as session:
        variables = {"customer_name": "王建国", "channel": "phone", "demands": ["media"]}
        return process_instances.start(session, "request", variables, by=ALICE).id


def test_verify__intact(run: Any, instance_id: int) -> None:
    assert run("history", "verify").output == "The history is intact.\n"
    assert run("history", "verify", "--instance", str(instance_id)).exit_code == 0


def test_verify__names_the_event_that_was_changed(run: Any, sessions: Any, instance_id: int) -> None:
    with sessions.begin() as session:
        session.execute(text('UPDATE history_events SET "by" = \'bob\' WHERE sequence = 1'))

    result = run("history", "verify")

    assert result.exit_code == 1
    assert re.search(rf"process instance {instance_id}: .*event 1\b", result.output)
    assert "Error: Expected an intact history, but found problems: 1" in result.output


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"CASEPATH_PORT": "99999"}, "port"),
        ({"CASEPATH_TIME_ZONE": "Mars/Olympus"}, "Asia/Shanghai"),
        ({"CASEPATH_DATABASE_URL": "oracle://user:secret@server/name"}, "postgresql://"),
        ({"CASEPATH_DATABASE_URL": "nonsense"}, "sqlite:///"),
        ({"CASEPATH_CONFIG_FILE": "/nowhere/casepath.toml"}, "/nowhere/casepath.toml"),
        ({"CASEPATH_DATA_FOLDER": "/dev/null/data"}, "/dev/null/data"),
        ({"CASEPATH_DATABASE_URL": f"sqlite:///{__file__}"}, "file is not a database"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_settings__wrong_ones_are_told_in_one_sentence(run: Any, environment: Mapping[str, str], said: str) -> None:
    result = run("upgrade", **environment)

    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert said in result.output
    assert "secret" not in result.output
    assert result.output.count("\n") == 1


def test_settings__name_in_the_environment_that_is_none(run: Any) -> None:
    result = run("upgrade", CASEPATH_DATABSE_URL="postgresql://server/name")

    assert result.output.startswith("Warning: CASEPATH_DATABSE_URL is no setting.\n")


@pytest.mark.parametrize("words", [("demo",), ("serve", "--demo", "--port", "0")])
def test_demo__folder_of_processes_is_not_there(run: Any, words: tuple[str, ...]) -> None:
    result = run(*words, CASEPATH_PROCESSES_FOLDER="/nowhere")

    assert result.output == "Error: Expected a folder of processes, but found no /nowhere\n"


def test_serve__host_that_is_none(run: Any) -> None:
    result = run("serve", "--port", "0", "--host", "nowhere.invalid", CASEPATH_PUBLIC_URL="https://nowhere.invalid")

    assert result.output.endswith("Error: Expected the address of this machine as host, but found nowhere.invalid\n")


def test_serve__not_to_other_machines_with_passwords_that_everybody_knows(run: Any, sessions: Any) -> None:
    with sessions.begin() as session:
        factories.user(session, "owner_han").password_hash = passwords.hashed(demo.PASSWORD)
        factories.user(session, "somebody_else").password_hash = passwords.hashed(demo.PASSWORD)

    result = run("serve", "--port", "0", "--host", "0.0.0.0", CASEPATH_PUBLIC_URL="https://casepath.dealer.example")

    assert result.exit_code == 1
    assert "found 1 (owner_han …)" in result.output


@pytest.mark.parametrize(("line", "said"), [("prot = 80", "prot"), ('port = "x', "casepath.toml")])
def test_settings__wrong_file_is_told(run: Any, tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "casepath.toml").write_text(f"{line}\n", encoding="utf-8")

    result = run("upgrade")

    assert result.exit_code == 1
    assert result.output.startswith("Error: Expected")
    assert said in result.output


def test_database__does_not_answer(run: Any) -> None:
    result = run("upgrade", CASEPATH_DATABASE_URL="postgresql://127.0.0.1:1/none")

    assert result.exit_code == 1
    assert "Error: The database does not answer" in result.output


@contextmanager
def started(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command as its users do, in a group of processes of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CASEPATH_")}
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "casepath"), "--data", str(folder), *words],
        cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def read_until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Read what a process says up to a line that fits."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"Expected {pattern}, but found {''.join(said)}")


def assert_nothing_is_left(process: subprocess.Popen[str]) -> None:
    """No process of its group is alive."""
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve__answers_and_stops(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "serve", "--port", "0") as process:
        address = read_until(process, r"Serving (http://127\.0\.0\.1:[1-9]\d*)").group(1)
        with urllib.request.urlopen(f"{address}/healthz", timeout=STARTS_WITHIN) as answer:
            assert (answer.status, answer.read()) == (200, b"ok\n")

        process.send_signal(number)
        process.wait(STOPS_WITHIN)

        assert process.returncode == 0
        assert_nothing_is_left(process)


def test_serve__port_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with started(tmp_path, "serve", "--port", port) as process:
            said, _ = process.communicate(timeout=STARTS_WITHIN)

    assert process.returncode == 1
    assert "Traceback" not in said
    assert port in said


def test_worker__stops(tmp_path: Path) -> None:
    with started(tmp_path, "worker") as process:
        read_until(process, "serves .*notify")

        process.send_signal(signal.SIGTERM)
        process.wait(STOPS_WITHIN)

        assert process.returncode == 0
        assert_nothing_is_left(process)
