"""What the engine says: every text in the sources that may become words on a page, and its Chinese."""

from __future__ import annotations

import ast
import functools
import string
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from babel.messages.pofile import read_po

from casepath.engine import errors
from casepath.engine.bpmn.validation.events import TRIGGERS
from casepath.engine.decisions.feel.errors import LIMITS, TEXTS
from casepath.engine.phrases import LIST_SEPARATOR, NOTHING, Phrase

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "web" / "translations" / "zh_CN" / "LC_MESSAGES" / "engine.po"
PACKAGES = ("casepath", "engine", "web", "workers")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]

#: Which argument of a call is a text with gaps, by the last words of what is called.
TEXT_OF = {
    "Breach": 1,
    "DecisionError": 0,
    "EngineError": 0,
    "ExpressionError": 0,
    "ExpressionLimit": 0,
    "InvalidInput": 0,
    "OverBudget": 0,
    "Phrase": 0,
    "ScriptError": 0,
    "_finding": 2,
    "reading.wrong": 1,
    "self.wrong": 1,
    "_warning": 2,
    "_wrong": 1,
    "findings.error": 2,
    "findings.warning": 2,
    "self.error": 2,
    "self.find": 2,
    "self.found": 2,
}
#: Keywords of such calls that fill no gap.
NO_FACTS = {
    "ExpressionError": {"position", "text"},
    "ExpressionLimit": {"position", "text"},
    "InvalidInput": {"code"},
    "OverBudget": {"code"},
    "ScriptError": {"argument", "exception"},
    "find": {"level"},
}
#: Texts that are put together or looked up, with what they come from; such a call says nothing of its own.
ELSEWHERE = {
    "STATES": [*errors.InvalidState.STATES.values(), errors.InvalidState.STATE, errors.InvalidState.STATE_BY],
    "FEEL": [*TEXTS.values(), *LIMITS.values()],
    "TRIGGERS": list(TRIGGERS),
    "lists": [LIST_SEPARATOR, NOTHING],
}
#: Verbs that only addresses of pages name.
VERBS = {"cancel"}
#: What a column is called that nobody has named.
NAMES = {"a text", "a number", "a point in time"}
#: Nouns that no call names in full.
NOUNS = {"process definition", "decision definition", "form definition", "external task", "job", "user task"}


@dataclass(frozen=True, kw_only=True)
class Use:
    """A text that is said somewhere."""

    file: str
    line: int
    text: str
    #: What fills its gaps; None where that is not written beside it.
    facts: frozenset[str] | None
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A call whose text is not written beside it."""

    file: str
    line: int
    source: str


def gaps(text: str) -> set[str]:
    """Return the names of the gaps of a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@functools.cache
def chinese_texts() -> Mapping[str, str]:
    """Return the Chinese of each text."""
    with CATALOGUE.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}


def chinese(phrase: Phrase) -> str:
    """Return a phrase in Chinese; raises `KeyError` for a text that has none."""
    known = chinese_texts()
    return phrase.told(
        lambda text: known[text] if has_words(text) else known.get(text, text), lambda _, fact: str(fact)
    )


def has_words(text: str) -> bool:
    """Whether anything stands beside the gaps that could be translated."""
    return any(character.isalpha() for words, *_ in string.Formatter().parse(text) for character in words or "")


@functools.cache
def uses() -> tuple[list[Use], list[Unread]]:
    """Return every text that is said, and the calls whose texts cannot be read off."""
    found: list[Use] = []
    unread: list[Unread] = []
    for path in SOURCES:
        file = path.relative_to(ROOT).as_posix()
        for each in _of_file(_tree(path), file):
            (found if isinstance(each, Use) else unread).append(each)  # type: ignore[arg-type]
    elsewhere = ELSEWHERE | {
        "actions": [f"{verb} {{noun}} {{key}}" for verb in passed("verb") | VERBS],
        "nouns": [*passed("noun"), *NOUNS],
        "names": [*passed("name", "checked", "require", "require_room", "_refused"), *NAMES],
    }
    found += [Use(file=name, line=0, text=text, facts=None) for name, texts in elsewhere.items() for text in texts]
    return found, unread


def texts() -> dict[str, set[str]]:
    """Return every text with all the facts that it is given anywhere."""
    known: dict[str, set[str]] = {}
    for use in uses()[0]:
        known.setdefault(use.text, set()).update(gaps(use.text) if use.facts is None else use.facts)
    return known


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def _nodes(path: Path) -> tuple[list[ast.AST], dict[str, list[str]], list[ast.Call]]:
    """Return all that stands in a source, the texts that it gives to names, and its calls."""
    nodes = list(ast.walk(_tree(path)))
    return nodes, _assigned(nodes), [node for node in nodes if isinstance(node, ast.Call)]


def _called(call: ast.Call) -> str:
    """Return the last two words of what is called: `errors.InvalidInput`, or the last one."""
    match call.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name, value=ast.Name(id=owner) | ast.Attribute(attr=owner)):
            return f"{owner}.{name}"
        case ast.Attribute(attr=name):
            return name
    return ""


def _of_file(tree: ast.Module, file: str) -> Iterator[Use | Unread]:
    module = _assigned(tree.body)
    scopes: list[tuple[ast.AST, Mapping[str, list[str]]]] = [(tree, module)]
    while scopes:
        scope, names = scopes.pop()
        for node in _inside(scope):
            if isinstance(node, ast.FunctionDef):
                scopes.append((node, ChainMap(_assigned(list(ast.walk(node))), module)))
            elif isinstance(node, ast.Call):
                yield from _of_call(node, file, names)


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in a module or function, but not what stands in a function in it."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef):
            waiting += ast.iter_child_nodes(node)


def _assigned(nodes: list[ast.stmt] | list[ast.AST]) -> dict[str, list[str]]:
    """Return the texts that are given to names."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).extend(_texts(node.value, {}) or ())
    return {name: texts for name, texts in found.items() if texts}


def _texts(node: ast.AST, names: Mapping[str, list[str]]) -> list[str] | None:
    """Return the texts that an argument can be; None where that cannot be read off."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        one, other = _texts(node.body, names), _texts(node.orelse, names)
        return None if one is None or other is None else [*one, *other]
    if isinstance(node, ast.Name):
        return names.get(node.id)
    return None


def _of_call(call: ast.Call, file: str, names: Mapping[str, list[str]]) -> Iterator[Use | Unread]:
    called = _called(call)
    keywords = {each.arg: each.value for each in call.keywords}
    index = TEXT_OF.get(called, TEXT_OF.get(called.rpartition(".")[2]))
    if called == "__init__" and file.endswith("/errors.py"):
        index = 0
    if index is not None and len(call.args) > index:
        text = call.args[index]
        code = keywords.get("code")
        found = _texts(text, names)
        if found is None:
            yield Unread(file=file, line=call.lineno, source=ast.unparse(text))
        for each in found or ():
            said = code.value if isinstance(code, ast.Constant) else ""
            facts = frozenset(map(str, keywords)) - NO_FACTS.get(called.rpartition(".")[2], set())
            yield Use(file=file, line=call.lineno, text=each, facts=None if None in keywords else facts, code=str(said))


@functools.cache
def passed(parameter: str, *functions: str) -> set[str]:
    """Return every text that is written where a parameter of this name is asked for, of any function or of these."""
    places: dict[str, set[int]] = {}
    calls: list[tuple[ast.Call, dict[str, set[int]], Mapping[str, list[str]]]] = []
    for path in SOURCES:
        nodes, assigned, called = _nodes(path)
        own = _places(nodes, parameter)
        for name, found in own.items():
            places.setdefault(name, set()).update(found)
        # A function of the same file comes before those of that name elsewhere, also where it has no such parameter.
        own = {node.name: set() for node in nodes if isinstance(node, ast.FunctionDef)} | own
        calls += [(node, own, assigned) for node in called]
    texts: set[str] = set()
    for call, own, names in calls:
        callee = _called(call).rpartition(".")[2]
        if not functions or callee in functions:
            given = [each.value for each in call.keywords if each.arg == parameter and callee in places]
            chosen = own.get(callee, places.get(callee, set()))
            given += [call.args[place] for place in chosen if place < len(call.args)]
            texts.update(text for each in given for text in _texts(each, names) or ())
    return texts


def _places(nodes: list[ast.AST], parameter: str) -> dict[str, set[int]]:
    """Return which argument of its calls the parameter is, by the name of each function and class that has it."""
    classes = {id(each): node.name for node in nodes if isinstance(node, ast.ClassDef) for each in node.body}
    found: dict[str, set[int]] = {}
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and (place := _place(node, parameter)) is not None:
            name = classes[id(node)] if node.name == "__init__" else node.name
            found.setdefault(name, set()).add(place)
    return found


def _place(function: ast.FunctionDef, parameter: str) -> int | None:
    """Return which argument of a call it is."""
    every = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    names = [each.arg for each in every if each.arg != "self"]
    return names.index(parameter) if parameter in names else None
