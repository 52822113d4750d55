"""The rules of the map in `engine/__init__.py`, as tests."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from casepath.engine import bpmn
from tests.each import each

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("casepath", "engine", "web", "workers")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
WRITTEN_BY_ALEMBIC = ROOT / "engine" / "database" / "alembic" / "versions"
BPMN = ROOT / "engine" / "bpmn"

#: The floors of the engine, from the ground up; a room imports rooms of lower floors only.
FLOORS = (
    {"errors", "phrases", "settings", "texts", "xml"},
    {"database", "time"},
    {"decisions", "expressions", "history", "papers"},
    {"bpmn", "forms", "people", "reports"},
    {"deployments"},
    {"registers", "runtime"},
    {"instances"},
    {"queries"},
    {"rehearsal"},
)
#: Rooms whose `__init__` names all they offer; what stands in their modules is nobody else's business.
DOORS = {
    "casepath.engine.bpmn",
    "casepath.engine.deployments",
    "casepath.engine.expressions",
    "casepath.engine.forms",
    "casepath.engine.history",
    "casepath.engine.papers",
    "casepath.engine.rehearsal",
    "casepath.engine.reports",
    "casepath.engine.runtime",
    "casepath.web.forms",
}

FORBIDDEN_IMPORTS = {
    "casepath": {"SpiffWorkflow", "casepath.engine.bpmn", "casepath.engine.runtime"},
    "engine": {"flask", "casepath.web", "casepath.workers", "casepath.settings"},
    "web": {
        "SpiffWorkflow",
        "casepath.engine.bpmn",
        "casepath.engine.runtime",
        "casepath.engine.database.models",
        "casepath.workers",
    },
    "workers": {
        "SpiffWorkflow",
        "flask",
        "casepath.engine.bpmn",
        "casepath.engine.runtime",
        "casepath.engine.database.models",
        "casepath.web",
    },
}

#: Who opens or applies transactions for everybody else.
TRANSACTION_OWNERS = {"engine/database/connection.py"}

ASKS_THE_TIME = {"date.today", "datetime.now", "datetime.today", "datetime.utcnow", "func.now", "time.time"}

MAX_LINES = 400
FORBIDDEN_WORDS = {"helper", "helpers", "manager", "util", "utils", "info", "obj"}
#: Functions of FEEL; nothing of the business.
LETTER_CASES = {"lower_case", "upper_case"}
FORBIDDEN_NAMES = {"data", "human_task", "process_model", "runtime_service"}
#: Of SpiffWorkflow's classes, which `engine/bpmn` extends.
GIVEN_NAMES = {"data", "_do_engine_steps"}


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


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    """All that stands in the source."""
    return list(ast.walk(tree(path)))


@functools.cache
def imports(path: Path) -> set[str]:
    """Every module that the source imports, with all modules above it: `a.b.c`, `a.b` and `a`."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    paths = [module.split(".") for module in found]
    return {".".join(parts[:end]) for parts in paths for end in range(1, len(parts) + 1)}


@functools.cache
def calls(path: Path) -> set[str]:
    """The last two parts of the name of everything that the source calls: `session.commit`."""
    functions = (node.func for node in nodes(path) if isinstance(node, ast.Call))
    return {".".join(ast.unparse(function).split(".")[-2:]) for function in functions}


def identifiers(path: Path) -> Iterator[str]:
    """Every name that the source itself gives: classes, functions, parameters, variables, attributes of `self`."""
    for node in nodes(path):
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
    if BPMN in path.parents and identifier in GIVEN_NAMES:
        return False
    if bare in FORBIDDEN_NAMES or bare.startswith("do_") or found & FORBIDDEN_WORDS:
        return True
    if package(path) == "engine" and found & {"case", "cases"} and bare not in LETTER_CASES:
        return True
    return BPMN not in path.parents and bool(found & {"workflow", "workflows"})


every_source = each("path", SOURCES)


@functools.cache
def modules() -> dict[str, Path]:
    """Every module under the name by which it is imported."""
    found: dict[str, Path] = {}
    for path in SOURCES:
        dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[dotted if package(path) == "casepath" else f"casepath.{dotted}"] = path
    return found


def own_imports(path: Path) -> set[str]:
    """The modules of ours that the source imports itself, the deepest of each name."""
    found = imports(path) & set(modules())
    return {module for module in found if not any(other.startswith(f"{module}.") for other in found)}


def room(module: str) -> str | None:
    """The room of the engine in which a module lies."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and parts[1] == "engine" else None


def all_of(path: Path) -> set[str]:
    """The names in the `__all__` of a source."""
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def circles(graph: Mapping[str, set[str]]) -> list[str]:
    """Every module from which a way leads back to itself."""

    def reachable(start: str) -> set[str]:
        found: set[str] = set()
        open_ends = [start]
        while open_ends:
            for module in graph.get(open_ends.pop(), set()) - found:
                found.add(module)
                open_ends.append(module)
        return found

    return sorted(module for module in graph if module in reachable(module))


@every_source
def test_imports_flow_one_way(path: Path) -> None:
    assert imports(path) & FORBIDDEN_IMPORTS[package(path)] == set()


def test_every_room_has_a_floor_and_says_what_may_live_there() -> None:
    rooms = {name for module in modules() if (name := room(module))}

    assert rooms == set().union(*FLOORS)
    assert [name for name in rooms if not ast.get_docstring(tree(modules()[f"casepath.engine.{name}"]))] == []


def test_rooms_import_lower_floors_only() -> None:
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    wrong = [
        f"{module} imports {other}"
        for module, path in modules().items()
        for other in own_imports(path)
        if (own := room(module)) and (its := room(other)) and own != its and floor[own] <= floor[its] > 0
    ]

    assert wrong == []


def test_no_file_imports_itself_by_a_circle() -> None:
    graph = {module: own_imports(path) - {module} for module, path in modules().items()}

    assert circles(graph) == []


def test_rooms_with_a_door_are_entered_by_it() -> None:
    """What such a room offers is named in the `__all__` of its `__init__`."""
    wrong = []
    for module, path in modules().items():
        for node in nodes(path):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            door = next((each for each in DOORS if f"{node.module}.".startswith(f"{each}.")), None)
            if door is None or f"{module}.".startswith(f"{door}."):
                continue
            offered = all_of(modules()[door]) if node.module == door else set()
            wrong += [f"{module}: {node.module}.{alias.name}" for alias in node.names if alias.name not in offered]

    assert wrong == []


@every_source
def test_only_engine_bpmn_knows_spiffworkflow(path: Path) -> None:
    assert "SpiffWorkflow" not in imports(path) or BPMN in path.parents


@every_source
def test_engine_bpmn_is_entered_by_its_door(path: Path) -> None:
    if BPMN in path.parents:
        return

    inner = {module for module in imports(path) if module.startswith("engine.bpmn.")}

    assert {module.removeprefix("engine.bpmn.") for module in inner} <= set(bpmn.__all__)


def test_no_file_of_engine_bpmn_imports_in_a_circle() -> None:
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in BPMN.rglob("*.py")}
    below = {module.removesuffix(".__init__"): imports(path) for module, path in files.items()}
    # A package stands above what is in it: naming it there is only part of a path.
    left = {module: {other for other in found & below.keys() if not module.startswith(f"{other}.")} - {module}
            for module, found in below.items()}  # fmt: skip

    while ground := {module for module, found in left.items() if not found & left.keys()}:
        left = {module: found for module, found in left.items() if module not in ground}

    assert sorted(left) == []


@every_source
def test_nobody_commits_by_hand(path: Path) -> None:
    if name(path) in TRANSACTION_OWNERS:
        return

    assert {call for call in calls(path) if call.rpartition(".")[2] in {"commit", "rollback"}} == set()


@every_source
def test_only_the_clock_asks_the_time(path: Path) -> None:
    if name(path) == "engine/time/clock.py":
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


def test_engine_and_workers_know_no_business() -> None:
    """Another trade is served by other files in `processes/`."""
    words_of_business = re.compile(r"complaint|dealer|vehicle|抱怨|投诉|经销商", re.IGNORECASE)
    told = [path for path in SOURCES if package(path) in {"engine", "workers"}]

    assert [name(path) for path in told if words_of_business.search(path.read_text(encoding="utf-8"))] == []


def test_processes_have_scenarios() -> None:
    folders = {diagram.parent for diagram in (ROOT / "processes").rglob("*.bpmn")}

    assert sorted(name(folder) for folder in folders if not (folder / "scenarios.yaml").is_file()) == []


@each(
    "identifier, found",
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
    assert breaks_glossary(identifier, ROOT / "engine" / "errors.py") is found
