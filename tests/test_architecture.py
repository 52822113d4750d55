"""The rules of the map in `engine/__init__.py`, as tests."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("engine", "web", "workers")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
WRITTEN_BY_ALEMBIC = ROOT / "engine" / "alembic" / "versions"
BPMN = ROOT / "engine" / "bpmn"

FORBIDDEN_IMPORTS = {
    "engine": {"flask", "web", "workers"},
    "web": {"SpiffWorkflow", "engine.bpmn", "engine.models", "engine.runtime", "workers"},
    "workers": {"SpiffWorkflow", "engine.bpmn", "engine.models", "engine.runtime", "flask", "web"},
}
#: Entry points start the worker loop beside the server.
ALLOWED_IMPORTS = {"web/commands.py": {"workers"}, "web/demo.py": {"workers"}, "web/serving.py": {"workers"}}

#: Who opens or applies transactions for everybody else.
TRANSACTION_OWNERS = {"engine/database.py"}

ASKS_THE_TIME = {"date.today", "datetime.now", "datetime.today", "datetime.utcnow", "func.now", "time.time"}

MAX_LINES = 400
FORBIDDEN_WORDS = {"helper", "helpers", "manager", "util", "utils", "info", "obj"}
#: Functions of FEEL; nothing of the business.
LETTER_CASES = {"lower_case", "upper_case"}
FORBIDDEN_NAMES = {"data", "human_task", "process_model", "runtime_service"}


def name(path: Path) -> str:
    """The path below the project, with `/`."""
    return path.relative_to(ROOT).as_posix()


def package(path: Path) -> str:
    """`engine`, `web` or `workers`."""
    return path.relative_to(ROOT).parts[0]


@functools.cache
def tree(path: Path) -> ast.Module:
    """The parsed source."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=name(path))


def imports(path: Path) -> set[str]:
    """Every module that the source imports, with all modules above it: `a.b.c`, `a.b` and `a`."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    paths = [module.split(".") for module in found]
    return {".".join(parts[:end]) for parts in paths for end in range(1, len(parts) + 1)}


def calls(path: Path) -> set[str]:
    """The last two parts of the name of everything that the source calls: `session.commit`."""
    functions = (node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
    return {".".join(ast.unparse(function).split(".")[-2:]) for function in functions}


def identifiers(path: Path) -> Iterator[str]:
    """Every name that the source itself gives: classes, functions, parameters, variables, attributes of `self`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr


def words(identifier: str) -> set[str]:
    """The words of an identifier in lower case: `UserTask`, `user_task` and `USER_TASK` have the same."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", identifier).lower().split("_")
    return {part for part in parts if part}


def breaks_glossary(identifier: str, path: Path) -> bool:
    """Whether the glossary forbids the identifier in this source."""
    found = words(identifier)
    bare = identifier.lower().strip("_")
    if bare in FORBIDDEN_NAMES or bare.startswith("do_") or found & FORBIDDEN_WORDS:
        return True
    if package(path) == "engine" and found & {"case", "cases"} and bare not in LETTER_CASES:
        return True
    return BPMN not in path.parents and bool(found & {"workflow", "workflows"})


every_source = pytest.mark.parametrize("path", SOURCES, ids=name)


@every_source
def test_imports_flow_one_way(path: Path) -> None:
    forbidden = FORBIDDEN_IMPORTS[package(path)] - ALLOWED_IMPORTS.get(name(path), set())

    assert imports(path) & forbidden == set()


@every_source
def test_only_engine_bpmn_knows_spiffworkflow(path: Path) -> None:
    assert "SpiffWorkflow" not in imports(path) or BPMN in path.parents


@every_source
def test_nobody_commits_by_hand(path: Path) -> None:
    if name(path) in TRANSACTION_OWNERS:
        return

    assert {call for call in calls(path) if call.rpartition(".")[2] in {"commit", "rollback"}} == set()


@every_source
def test_only_the_clock_asks_the_time(path: Path) -> None:
    if name(path) == "engine/clock.py":
        return

    assert calls(path) & ASKS_THE_TIME == set()


@every_source
def test_files_are_small_and_explained(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert ast.get_docstring(tree(path))
    assert lines <= MAX_LINES or WRITTEN_BY_ALEMBIC in path.parents


@every_source
def test_identifiers_keep_to_the_glossary(path: Path) -> None:
    assert sorted({identifier for identifier in identifiers(path) if breaks_glossary(identifier, path)}) == []


def test_processes_have_scenarios() -> None:
    folders = {diagram.parent for diagram in (ROOT / "processes").rglob("*.bpmn")}

    assert sorted(name(folder) for folder in folders if not (folder / "scenarios.yaml").is_file()) == []


@pytest.mark.parametrize(
    ("identifier", "found"),
    [
        ("UserTaskManager", True),
        ("caseNumber", True),
        ("lower_case", False),
        ("data", True),
        ("form_data", False),
        ("database", False),
        ("_do_start", True),
        ("information", False),
        ("OBJ_ID", True),
        ("workflow", True),
    ],
)
def test_breaks_glossary(identifier: str, found: bool) -> None:
    assert breaks_glossary(identifier, ROOT / "engine" / "runtime.py") is found
