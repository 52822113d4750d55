"""All files of two versions, each compared by what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import yaml
from lxml import etree

from casepath.engine import errors, xml
from casepath.engine.deployments import translations
from casepath.engine.deployments.comparison import diagrams, entries, things, wording
from casepath.engine.deployments.comparison.tables import Tables
from casepath.engine.deployments.comparison.things import Thing, with_parts
from casepath.engine.deployments.comparison.trees import Part
from casepath.engine.deployments.comparison.values import Compared, Row
from casepath.engine.phrases import Phrase

#: Endings of files → what they are compared as.
KINDS = {
    ".bpmn": "diagram", ".bpmn20": "diagram", ".xml": "diagram", ".dmn": "decisions", ".form": "form", ".md": "text",
    ".txt": "text", ".json": "entries", ".yaml": "entries", ".yml": "entries",
}  # fmt: skip
#: In which order they are told.
ORDER = ("diagram", "decisions", "form", "text", "entries", "other")

Files = Mapping[str, bytes]
#: Language and element id → what is said of it there, by what it is said of.
Said = dict[tuple[str, str], dict[str, str]]


def compare(before: Files, after: Files) -> list[Compared]:
    """
    Return the files that are not the same in both, diagrams first; each difference of them is told once.

    What is said of an element in another language is told at the element. A file that cannot be read says why.
    """
    said = _said(before), _said(after)
    told: set[tuple[str, str]] = set()
    names = sorted(before.keys() | after.keys(), key=lambda name: (ORDER.index(kind(name)), name))
    texts = list(filter(_is_of_texts, names))
    found = [_file(name, before.get(name), after.get(name), said, told) for name in names if name not in texts]
    found += [_texts(name, before.get(name), after.get(name), told) for name in texts]
    return sorted((each for each in found if each is not None), key=lambda each: ORDER.index(each.kind))


def kind(name: str) -> str:
    """Return as what a file of this name is compared."""
    return KINDS.get(PurePosixPath(name).suffix, "other")


def _file(
    name: str, before: bytes | None, after: bytes | None, said: tuple[Said, Said], told: set[tuple[str, str]]
) -> Compared | None:
    state = "added" if before is None else "removed" if after is None else "changed"
    is_of_elements = kind(name) in {"diagram", "decisions"}
    if before == after and not (is_of_elements and said[0] != said[1]):
        return None
    same = Compared(name=name, kind=kind(name), state=state)
    try:
        found = replace(same, **_compared(name, before, after, said, told))
    except _Unreadable as reason:
        return replace(same, unreadable=reason.phrase)
    is_told = found.differences or found.pieces or state != "changed" or found.kind == "other"
    return found if is_told else None


class _Unreadable(Exception):
    def __init__(self, phrase: Phrase) -> None:
        super().__init__(str(phrase))
        self.phrase = phrase


def _compared(
    name: str, before: bytes | None, after: bytes | None, said: tuple[Said, Said], told: set[tuple[str, str]]
) -> dict[str, Any]:
    """Return what is told of a file, by the names of `Compared`; raises `_Unreadable`."""
    try:
        match kind(name):
            case "diagram":
                return _diagrams(_root(name, before), _root(name, after), said, told)
            case "decisions":
                return _decisions(_root(name, before), _root(name, after), said, told)
            case "form":
                return _forms(_json(before), _json(after))
            case "text":
                return {"pieces": wording.pieces(_decoded(before), _decoded(after))}
            case "entries":
                read = _json if name.endswith(".json") else _yaml
                return {"differences": entries.of_values(read(before), read(after))}
    except errors.DeploymentRefused as refusal:
        raise _Unreadable(refusal.findings[0].phrase) from None
    except UnicodeDecodeError:
        raise _Unreadable(Phrase("Expected text in UTF-8, but found another encoding")) from None
    except (ValueError, yaml.YAMLError) as error:
        raise _Unreadable(Phrase("It cannot be read: {found}", found=str(error))) from None
    except RecursionError:
        raise _Unreadable(Phrase("Expected parts that are not nested so deeply")) from None
    # Of the same size is not the same.
    had, has = ({} if each is None else {"bytes": len(each)} for each in (before, after))
    return {"differences": entries.of_values(had, has)}


def _root(name: str, content: bytes | None) -> etree._Element:
    """Return the root of an XML file; an empty one for a file that is not there."""
    return etree.Element("definitions") if content is None else xml.parse(content, name)


def _decoded(content: bytes | None) -> str:
    return (content or b"").decode("utf-8-sig")


def _json(content: bytes | None) -> Any:
    return {} if content is None else json.loads(_decoded(content))


def _yaml(content: bytes | None) -> Any:
    return {} if content is None else yaml.load(_decoded(content), Loader=yaml.CSafeLoader)


# -- kinds -------------------------------------------------------------------------------------------------------------


def _diagrams(
    before: etree._Element, after: etree._Element, said: tuple[Said, Said], told: set[tuple[str, str]]
) -> dict[str, Any]:
    olds, news = diagrams.things(before, after), diagrams.things(after, before)
    choices = diagrams.Choices(before), diagrams.Choices(after)
    found = _in_languages(olds, news, said, told)
    more = partial(diagrams.tried, *choices)
    return {"differences": things.differences(*found, more), "names": _names(olds, news)}


def _decisions(
    before: etree._Element, after: etree._Element, said: tuple[Said, Said], told: set[tuple[str, str]]
) -> dict[str, Any]:
    tables = Tables(before, after)
    olds, news = tables.things(0), tables.things(1)
    differences = things.differences(*_in_languages(olds, news, said, told), tables.order)
    shown = tuple(table for table in tables.shown() if any(_differs(row) for row in table.rows))
    return {"differences": differences, "names": _names(olds, news), "tables": shown}


def _differs(row: Row) -> bool:
    return row.moved or None in (row.before, row.after) or any(cell.before != cell.after for cell in row.cells)


def _forms(before: Any, after: Any) -> dict[str, Any]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        raise ValueError("Expected a JSON object")
    olds, news = entries.things(before), entries.things(after)
    return {"differences": things.differences(olds, news, entries.Places(olds, news).told), "names": _names(olds, news)}


def _names(before: list[Thing], after: list[Thing]) -> dict[str, str]:
    return {thing.id: thing.name for thing in (*before, *after) if thing.name and thing.type != "rule"}


# -- languages ---------------------------------------------------------------------------------------------------------


def _is_of_texts(name: str) -> bool:
    return translations.FILE.fullmatch(name) is not None


def _said(files: Files) -> Said:
    found: Said = {}
    for name, content in files.items():
        if _is_of_texts(name):
            try:
                texts = json.loads(content)
            except (ValueError, RecursionError):
                continue
            for key, text in texts.items() if isinstance(texts, dict) else ():
                element, _, of = key.partition(".")
                if isinstance(text, str):
                    found.setdefault((name, element), {})[of or "name"] = text
    return found


def _in_languages(
    before: list[Thing], after: list[Thing], said: tuple[Said, Said], told: set[tuple[str, str]]
) -> tuple[list[Thing], list[Thing]]:
    """Return the elements with what is said of them in other languages; `told` are those of whom it is told now."""
    files = {file for each in said for file, _ in each}
    own = {thing.id for thing in (*before, *after)}
    claimed = {(file, element) for file in files for element in own} - told
    told |= claimed
    olds, news = ({thing.id for thing in each} for each in (before, after))
    # What is said of an element stays behind where only the element went; then nothing of it is told.
    kept = {key for key in claimed if said[0].get(key) == said[1].get(key) and (key[1] in olds) != (key[1] in news)}
    claimed -= kept
    return _with_said(before, said[0], claimed, files), _with_said(after, said[1], claimed, files)


def _with_said(found: list[Thing], said: Said, claimed: set[tuple[str, str]], files: set[str]) -> list[Thing]:
    def parts(element: str) -> tuple[Part, ...]:
        return tuple(
            Part(label=file.removesuffix(".json"), key=of, value=text)
            for file in sorted(files)
            if (file, element) in claimed
            for of, text in sorted(said.get((file, element), {}).items())
        )

    seen: set[str] = set()
    with_said = []
    for thing in found:
        with_said.append(with_parts(thing, parts(thing.id) if thing.id not in seen else ()))
        seen.add(thing.id)
    return with_said


def _texts(name: str, before: bytes | None, after: bytes | None, told: set[tuple[str, str]]) -> Compared | None:
    """Return what differs in a file of texts, without what was told at elements."""
    state = "added" if before is None else "removed" if after is None else "changed"

    def rest(content: bytes | None) -> Any:
        found = _json(content)
        if not isinstance(found, dict):
            return found
        return {
            key: text
            for key, text in found.items()
            if (name, key.partition(".")[0]) not in told or not isinstance(text, str)
        }

    try:
        differences = entries.of_values(rest(before), rest(after))
    except (ValueError, RecursionError) as error:
        phrase = Phrase("It cannot be read: {found}", found=str(error))
        return Compared(name=name, kind="entries", state=state, unreadable=phrase)
    return Compared(name=name, kind="entries", state=state, differences=differences) if differences else None


