"""The commands and programs that the documentation shows do what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session, sessionmaker

from casepath.commands import main
from casepath.engine import deployments
from casepath.engine.instances import process_instances
from tests import acting, diagrams
from tests.each import each

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
EVERYTHING = "\n".join(PAGES.values())
SHELL = re.findall(r"```sh\n(.*?)```", PAGES["operator.md"], re.DOTALL)
PROGRAM = re.findall(r"```python\n(.*?)```", PAGES["process-owner.md"], re.DOTALL)[0]
#: A program that tells the options of modules; in one process, since each would import the engine again.
HELP = """
import contextlib, runpy, sys
_, *modules = sys.argv
sys.argv[1:] = ["--help"]
for number, module in enumerate(modules):
    print(end="\\0" if number else "")
    with contextlib.suppress(SystemExit):
        runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def shown(start: str) -> list[str]:
    """Return the commands that begin so, each once, wherever the documentation shows them."""
    return sorted(set(re.findall(rf"(?:`|^)({start} [^`\n#]*?) *(?=[`\n#])", EVERYTHING, re.MULTILINE)))


def bash(script: str, folder: Path, *programs: Path) -> str:
    """Run a script that stops at the first failure; returns what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CASEPATH_")}
    paths = [str(path) for path in (Path(sys.executable).parent, *programs)]
    environment["PATH"] = os.pathsep.join([*paths, environment["PATH"]])
    result = subprocess.run(
        ["bash", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


#: The first line of a file of heads is no command.
@each("command", [command for command in shown("casepath") if not command.startswith("casepath heads ")])
def test_casepath__knows_every_command_and_option_that_is_shown(command: str) -> None:
    result = CliRunner().invoke(main, [*shlex.split(command.replace("FOLDER…", "web"))[1:], "--help"])

    assert result.exit_code == 0, result.output


def test_modules__know_every_option_that_is_shown() -> None:
    wanted: dict[str, set[str]] = {}
    for command in shown("python -m"):
        module, *words = shlex.split(command)[2:]
        wanted.setdefault(module, set()).update(word for word in words if word.startswith("--"))
    told = subprocess.run([sys.executable, "-c", HELP, *wanted], cwd=ROOT, capture_output=True, text=True, check=True)
    known = dict(zip(wanted, told.stdout.split("\0"), strict=True))

    missing = [(module, each) for module, options in wanted.items() for each in options if each not in known[module]]
    assert missing == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "benchmarks").glob("bench_*.py")), ids=lambda path: path.stem)
def test_bench__every_one_may_be_quick(path: Path) -> None:
    source = path.read_text(encoding="utf-8")

    assert "--quick" in source or "argparse" not in source


def test_backup__as_it_is_shown(tmp_path: Path) -> None:
    run = CliRunner().invoke
    added = ["--name", "W", "--password", "quiet-river-42"]
    assert run(main, ["--data", str(tmp_path / ".data"), "users", "add", "wang", *added]).exit_code == 0
    copies = tmp_path / "backups"
    copies.mkdir()
    copy = re.compile(r"/backups/casepath-\d{8}T\d{6}Z\.db")

    bash(copy.sub(f"{copies}/casepath-*.db", SHELL[0]).replace(" /backups", f" {copies}"), tmp_path)

    assert "wang" in run(main, ["--data", str(tmp_path / "restored"), "users", "list"]).output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_migration__with_the_program_that_is_shown(transaction: sessionmaker[Session], database_url: str) -> None:
    ids = []
    for name in ("old_element", "new_element"):
        elements = diagrams.nodes(f"startEvent S; userTask {name}")
        diagram = diagrams.process(elements, flow=f"S > {name}", key="complaint")
        with transaction.begin() as session:
            deployed = deployments.deploy(session, {"c.bpmn": diagram}, name="c", by=acting.PROGRAM)
            ids += [row.id for row in deployed.definitions]
            if len(ids) == 1:
                number = process_instances.start(session, "complaint", {}, by=acting.PROGRAM).id
    program = PROGRAM.replace("17", str(number)).replace("sqlite:////…/casepath.db", database_url)
    assert database_url in program

    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert said.strip() == ""
    with transaction.begin() as session:
        assert process_instances.get(session, number).definition_id == ids[1]
