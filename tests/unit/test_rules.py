"""`docs/rules.md` has every rule of the dealership's documents, and says truly where it stands and what keeps it."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from tests.each import each
from tests.outside import DOCUMENTS

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = ROOT / "processes"
#: The documents in their order; 003 has five parts.
ORDER = ("000", "001", "002", "003-1", "003-2", "003-3", "003-4", "003-5", "004")
KEPT, PARTLY, GUIDANCE, NOT_YET, NO_SOFTWARE = "已落实", "部分", "指引", "尚未", "不属于"
#: The parts of diagrams and tables that only say how they are drawn.
DRAWINGS = ("BPMNDiagram", "DMNDI")
#: How readings stand between the characters of one document.
READING = re.compile(r"\([a-zà-ǜ]+\)")
#: A longer quotation is a sentence, and the words of a rule are ours.
MAX_TERM = 24


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A line of the table."""

    document: str
    place: str
    text: str
    terms: tuple[str, ...]
    state: str
    kept_by: str

    @property
    def elements(self) -> list[str]:
        """What is named of `processes/`: `file#element`, or a file."""
        return re.findall(r"`([^`]+)`", self.kept_by)

    def __str__(self) -> str:
        return f"{self.document} {self.place}: {self.text}"


def listed() -> Iterator[Rule]:
    """Yield the rules in the order of the page."""
    for line in (ROOT / "docs" / "rules.md").read_text(encoding="utf-8").splitlines():
        if re.match(r"\| 00\d", line):
            where, text, terms, state, kept_by = (cell.strip() for cell in line.strip("|").split("|"))
            document, _, place = where.partition(" ")
            quoted = tuple(re.findall(r"「([^」]+)」", terms))
            yield Rule(document=document, place=place, text=text, terms=quoted, state=state, kept_by=kept_by)


RULES = list(listed())


def plain(text: str) -> str:
    """Return a text without spaces and readings, which stand anywhere in the documents."""
    return READING.sub("", "".join(text.split()))


def documents() -> dict[str, str]:
    """Return the texts by the name that the page gives them; 003 in its parts."""
    read = {path.name[:3]: path.read_text(encoding="utf-8") for path in DOCUMENTS.glob("*.txt")}
    _, *parts = re.split(r"^第.篇[:：]", read.pop("003"), flags=re.MULTILINE)
    return {name: plain(text) for name, text in read.items()} | {
        f"003-{number}": plain(text) for number, text in enumerate(parts, 1)
    }


@functools.cache
def elements(path: Path) -> set[str]:
    """Return what can be named of a file: elements, rows, fields and their options, headings."""
    if path.suffix in (".bpmn", ".dmn"):
        meant = (part for part in etree.parse(path).getroot() if etree.QName(part).localname not in DRAWINGS)
        return {element.get("id", "") for part in meant for element in part.iter("{*}*")}
    if path.suffix == ".form":
        return set(named(json.loads(path.read_text(encoding="utf-8"))["components"]))
    if path.suffix == ".md":
        return set(re.findall(r"^(?:## |\*\*)([^*\n]+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    return set()


def named(components: list[dict[str, object]]) -> Iterator[str]:
    """Yield what a form has: keys, options as `key=value`, and ids of the texts between."""
    for component in components:
        key = component.get("key")
        yield str(key or component["id"])
        options = component.get("values", [])
        assert isinstance(options, list)
        yield from (f"{key}={option['value']}" for option in options)


@each("rule", RULES)
def test_rule__names_what_is_there(rule: Rule) -> None:
    for element in rule.elements:
        name, sign, part = element.partition("#")
        assert (PROCESSES / name).is_file(), f"no file {name}"
        assert not sign or part in elements(PROCESSES / name), f"no {part} in {name}"


@each("rule", RULES)
def test_rule__says_what_keeps_it_or_why_nothing_does(rule: Rule) -> None:
    systems = re.findall(r"（([C-R])）", rule.kept_by)

    assert rule.text
    assert rule.kept_by
    assert rule.state in (KEPT, PARTLY, GUIDANCE, NOT_YET, NO_SOFTWARE)
    assert bool(systems) == (rule.state in (PARTLY, NOT_YET))
    assert ("缺：" in rule.kept_by) == (rule.state == PARTLY)
    if rule.state in (KEPT, PARTLY, GUIDANCE):
        assert rule.elements
    if rule.state == KEPT:
        assert not all(element.partition("#")[0].endswith(".md") for element in rule.elements)


@each("rule", RULES)
def test_rule__quotes_terms_and_no_sentences(rule: Rule) -> None:
    assert rule.terms
    assert all(len(term) <= MAX_TERM and not re.search("[。！？]", term) for term in rule.terms)


def test_rules__are_all_and_stand_once() -> None:
    found = [rule.document for rule in RULES]
    twice = Counter((rule.document, rule.text) for rule in RULES) + Counter(
        (rule.document, rule.terms) for rule in RULES
    )

    assert len(RULES) >= 350
    assert list(dict.fromkeys(found)) == list(ORDER)
    assert found == sorted(found)
    assert [line for line, count in twice.items() if count > 1] == []


@pytest.mark.documents
@each("name", ORDER)
def test_terms__stand_in_their_document_in_this_order(name: str) -> None:
    text = documents()[name]
    position = 0
    for rule in (rule for rule in RULES if rule.document == name):
        assert [term for term in rule.terms if plain(term) not in text] == [], rule
        # The first term of a rule stands where its document has the rule: not before that of the line above.
        position = text.find(plain(rule.terms[0]), position)
        assert position >= 0, f"{rule}: 「{rule.terms[0]}」 stands only before the rule above"
