"""What a diagram says to people, beside what it does; and the diagram with the names of another language."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from casepath.engine import errors, xml
from casepath.engine.bpmn.parser.markup import (
    BPMN,
    child_text,
    extension,
    extensions,
    initial_variables,
    properties,
    tag,
)

DI, DC = "{http://www.omg.org/spec/BPMN/20100524/DI}", "{http://www.omg.org/spec/DD/20100524/DC}"
#: About how wide a letter of a label is, how wide labels of several words are made at most, and what is left beside
#: the longest one, in units of diagrams.
LETTER, WIDEST, MARGIN = 7, 90, 8
#: How high one line of a label is.
LINE = 14
#: What has data objects of its own within a process.
CONTAINERS = frozenset({"subProcess", "transaction", "adHocSubProcess"})


@dataclass(frozen=True, kw_only=True)
class DiagramTexts:
    """What a diagram says to people, beside what it does."""

    #: Element id → name and documentation.
    names: Mapping[str, str]
    documentation: Mapping[str, str]
    #: Of the start event by which people start it; None where no form belongs to it.
    start_form_key: str | None
    #: The start events by which people start it.
    starts: tuple[str, ...]
    #: Whether people are offered to start it: it has a start event that waits for nothing, and is not only called.
    can_be_started: bool
    candidate_starters: tuple[str, ...]
    #: Documentation of the process itself.
    about: str
    #: Gateway or activity → sequence flow that is taken when no condition holds.
    default_flows: Mapping[str, str]
    #: Business rule task → key of its decision.
    decisions: Mapping[str, str]
    #: Business rule task → variable that holds what was decided.
    results: Mapping[str, str]
    #: Call activities that take what they name, instead of all that the called process gives back.
    takes_named: frozenset[str]
    #: The variables that the process begins with: its data objects that are given a value.
    initial: Mapping[str, str]
    #: The same of its sub-processes, outer ones first, each with the ids of the elements in it.
    initial_inside: tuple[tuple[frozenset[str], Mapping[str, str]], ...]
    #: Element id → its extension properties.
    properties: Mapping[str, Mapping[str, str]]
    #: Of the names, those in the language that was asked for.
    translated: Mapping[str, str] = field(default_factory=dict)

    def called(self, element_id: str, name: str) -> str:
        """Return what an element is called in the language that was asked for, else the name that it has."""
        return self.translated.get(element_id, name)


def read_texts(content: bytes, key: str) -> DiagramTexts:
    """Read the texts of the process with a key from BPMN XML; nothing where there is none in it, or no XML."""
    try:
        root = xml.parse(content, "diagram")
    except errors.DeploymentRefused:
        # Accepted once, by other rules for files.
        root = etree.Element("definitions")
    process = next((each for each in root.iter(f"{BPMN}process") if each.get("id") == key), etree.Element("process"))
    elements = [each for each in process.iter() if each.get("id")]
    starts = [each for each in process.findall(f"{BPMN}startEvent") if _waits_for_nothing(each)]
    return DiagramTexts(
        names={each.get("id", ""): " ".join(each.get("name", "").split()) for each in elements if each.get("name")},
        documentation={each.get("id", ""): _documentation(each) for each in elements if _documentation(each)},
        starts=tuple(each.get("id", "") for each in starts),
        start_form_key=next((key for key in (extension(each, "formKey") for each in starts) if key), None),
        can_be_started=bool(starts) and extension(process, "isStartableInTasklist") != "false",
        candidate_starters=tuple(
            name.strip() for name in (extension(process, "candidateStarterGroups") or "").split(",") if name.strip()
        ),
        about=_documentation(process),
        default_flows={each.get("id", ""): each.get("default", "") for each in elements if each.get("default")},
        decisions={
            each.get("id", ""): extension(each, "decisionRef") or ""
            for each in elements
            if extension(each, "decisionRef")
        },
        results={
            each.get("id", ""): extension(each, "resultVariable") or ""
            for each in elements
            if extension(each, "resultVariable") and extension(each, "decisionRef")
        },
        takes_named=frozenset(each.get("id", "") for each in elements if _takes_named(each)),
        initial=initial_variables(process),
        initial_inside=tuple(
            (frozenset(inner.get("id", "") for inner in each.iterdescendants()), found)
            for each in elements
            if tag(each) in CONTAINERS and (found := initial_variables(each))
        ),
        properties={each.get("id", ""): found for each in elements if (found := properties(each))},
    )


def renamed(content: bytes, names: Mapping[str, str]) -> bytes:
    """Return a diagram with other names, by element id; its labels have room for them."""
    root = xml.parse(content, "diagram")
    for element in root.iter(f"{BPMN}*"):
        if (name := names.get(element.get("id", ""))) is not None:
            element.set("name", name)
    for label in root.iter(f"{DI}BPMNLabel"):
        shape = label.getparent()
        bounds = label.find(f"{DC}Bounds")
        name = names.get(shape.get("bpmnElement", "")) if shape is not None else None
        if name and shape is not None and bounds is not None:
            _widen(bounds, name)
            around = shape.find(f"{DC}Bounds")
            if around is not None:
                _lift(bounds, name, float(around.get("y", 0)))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _widen(bounds: etree._Element, name: str) -> None:
    """Make room for the words of a label, about the middle that it has: it was drawn for other ones."""
    width = float(bounds.get("width", 0))
    longest = max((len(word) for word in name.split()), default=0) * LETTER + MARGIN
    wanted = max(width, longest, min(WIDEST, len(name) * LETTER / 2))
    bounds.set("x", f"{float(bounds.get('x', 0)) - (wanted - width) / 2:g}")
    bounds.set("width", f"{wanted:g}")


def _lift(bounds: etree._Element, name: str, below: float) -> None:
    """Move a label up that stands above its shape, by what its words take more than those that it was drawn for."""
    y, height = float(bounds.get("y", 0)), float(bounds.get("height", 0))
    lines = len(textwrap.wrap(name, max(int(float(bounds.get("width", 0)) / LETTER), 1)))
    if y + height <= below and lines * LINE > height:
        bounds.set("y", f"{y + height - lines * LINE:g}")
        bounds.set("height", f"{lines * LINE:g}")


def _waits_for_nothing(start: etree._Element) -> bool:
    return not any(str(child.tag).endswith("EventDefinition") for child in start)


def _takes_named(element: etree._Element) -> bool:
    taken = list(extensions(element, "out"))
    return bool(taken) and not any(each.get("variables") == "all" for each in taken)


def _documentation(element: etree._Element) -> str:
    return child_text(element, "documentation") or ""
