"""`docs/dependencies.md` names each dependency, and where it is imported; nothing else is."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PACKAGES = ("casepath", "engine", "web", "workers")
#: Modules of what comes with a dependency and is imported beside it.
BROUGHT = {
    "itsdangerous": "Flask",
    "markupsafe": "Flask",
    "pydantic_core": "pydantic",
    "pydantic_monty": "pydantic-monty",
    "werkzeug": "Flask",
}


def table(title: str) -> dict[str, list[str]]:
    """The rows of a table of the page, by the package."""
    part = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line] for line in lines]
    return {row[0].strip("`"): row[1:] for row in rows}


def project() -> dict[str, Any]:
    """The project as `pyproject.toml` describes it."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def names(requirements: list[str]) -> set[str]:
    """The packages of requirements."""
    return {re.split(r"[\[<>=!~ ]", each)[0] for each in requirements}


def scripts() -> dict[str, dict[str, str]]:
    """What `package.json` asks for."""
    found: dict[str, dict[str, str]] = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    return found


def modules_of(file: Path) -> set[str]:
    """The modules that a source imports, also those that it names when it needs them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                found |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module)
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(module))]):
                found.add(module)
    return {module.partition(".")[0] for module in found} - sys.stdlib_module_names - {"casepath"}


def imported() -> dict[str, set[str]]:
    """Where each dependency is imported: rooms of the engine, else packages."""
    owners = importlib.metadata.packages_distributions()
    found: dict[str, set[str]] = defaultdict(set)
    declared = {name.casefold(): name for name in names(project()["dependencies"])}
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            parts = file.relative_to(ROOT).parts
            place = "/".join(parts[:2]) if package == "engine" else package
            for module in modules_of(file):
                owner = BROUGHT.get(module) or owners.get(module, [module])[0]
                found[declared.get(owner.casefold(), owner)].add(place)
    return found


def test_page__names_what_runs() -> None:
    assert set(table("Where it runs")) == names(project()["dependencies"])


def test_page__names_what_the_browser_gets() -> None:
    assert set(table("In the browser")) == set(scripts()["dependencies"])


def test_page__names_what_builds_and_tests() -> None:
    needed = names(project()["optional-dependencies"]["dev"]) | set(scripts()["devDependencies"])

    assert set(table("To build and to test")) == needed


def test_page__says_why_and_who() -> None:
    for title in ("Where it runs", "In the browser", "To build and to test"):
        assert [name for name, cells in table(title).items() if not all(cells)] == []


def test_imports__are_where_the_page_says() -> None:
    said = {name: set(re.findall(r"`([\w/.]+)`", cells[3])) for name, cells in table("Where it runs").items()}
    # Loaded by others.
    said["psycopg"] = said["tzdata"] = set()

    assert imported() == {name: places for name, places in said.items() if places}
