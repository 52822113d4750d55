"""
What deployments hold beside the diagrams' semantics: forms, guidance, and the texts that pages show of a diagram.

Resources never change, so what is read from one is remembered by its hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lxml import etree
from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors, xml
from casepath.engine.bpmn import BPMN, child_text, extension, properties
from casepath.engine.database.models import Definition, Resource
from casepath.engine.decisions.dmn import DecisionTable
from casepath.engine.deployments import definitions
from casepath.engine.forms import Form

DI, DC = "{http://www.omg.org/spec/BPMN/20100524/DI}", "{http://www.omg.org/spec/DD/20100524/DC}"
#: About how wide a letter of a label is, how wide labels of several words are made at most, and what is left beside
#: the longest one, in units of diagrams.
LETTER, WIDEST, MARGIN = 7, 90, 8
#: What `texts.<language>.json` says of variables and their values: `variables.colour`, `variables.colour.red`.
VARIABLES = "variables."


@dataclass(frozen=True, kw_only=True)
class DiagramTexts:
    """What a diagram says to people, beside what it does."""

    #: Element id → name and documentation.
    names: Mapping[str, str]
    documentation: Mapping[str, str]
    #: Of the start event by which people start it; None where no form belongs to it.
    start_form_key: str | None
    #: Whether a person can start it: it has a start event that waits for nothing.
    can_be_started: bool
    candidate_starters: tuple[str, ...]
    #: Documentation of the process itself.
    about: str
    #: Gateway or activity → sequence flow that is taken when no condition holds.
    default_flows: Mapping[str, str]
    #: Business rule task → key of its decision.
    decisions: Mapping[str, str]
    #: Business rule task → variable that holds the one value it answers.
    results: Mapping[str, str]
    #: Element id → its extension properties.
    properties: Mapping[str, Mapping[str, str]]
    #: Of the names, those in the language that was asked for.
    translated: Mapping[str, str] = field(default_factory=dict)

    def called(self, element_id: str, name: str) -> str:
        """Return what an element is called in the language that was asked for, else the name that it has."""
        return self.translated.get(element_id, name)


@dataclass(frozen=True, kw_only=True)
class StartableProcess:
    """A process that a person may start."""

    definition_id: int
    key: str
    name: str
    version: int
    texts: DiagramTexts


def texts(session: Session, definition_id: int, language: str = "") -> DiagramTexts:
    """
    Return what a process definition's diagram says to people; raises `NotFound`.

    With a language the names are those of `texts.<language>.json`, as far as the deployment has one and it names them.
    """
    found = session.execute(
        select(Definition.key, Resource.sha256, Resource.id, Definition.deployment_id)
        .join(Resource, Resource.id == Definition.resource_id)
        .where(Definition.id == definition_id, Definition.kind == "process")
    ).one_or_none()
    if found is None:
        raise errors.NotFound("process definition", definition_id)
    key, sha256, resource_id, deployment_id = found
    known = _remembered.get((key, sha256))
    if known is None:
        content = session.execute(select(Resource.content).where(Resource.id == resource_id)).scalar_one()
        known = _remembered[(key, sha256)] = read_texts(content, key)
    translated = translation(session, deployment_id, language) if language else {}
    return replace(known, names={**known.names, **translated}, translated=translated) if translated else known


def translation(session: Session, deployment_id: int, language: str) -> Mapping[str, str]:
    """Return the names of elements in another language than that of the diagrams, by id; empty where none came."""
    found = session.execute(
        select(Resource.id, Resource.sha256).where(
            Resource.deployment_id == deployment_id, Resource.name == f"texts.{language}.json"
        )
    ).one_or_none()
    if found is None:
        return {}
    if found.sha256 not in _translated:
        content = session.execute(select(Resource.content).where(Resource.id == found.id)).scalar_one()
        _translated[found.sha256] = {str(key): str(name) for key, name in json.loads(content).items()}
    return _translated[found.sha256]


def words(session: Session, language: str) -> dict[tuple[str, str | None], str]:
    """
    Return what variables (with None) and their values are called in a language, by the texts of all deployments.

    Processes call each other and hand variables on, so that their words belong to all; the newest say how.
    """
    query = select(Resource.deployment_id).where(Resource.name == f"texts.{language}.json").order_by(Resource.id)
    said: dict[tuple[str, str | None], str] = {}
    for deployment_id in session.scalars(query):
        for key, text in translation(session, deployment_id, language).items():
            if key.startswith(VARIABLES):
                name, _, value = key.removeprefix(VARIABLES).partition(".")
                said[name, value or None] = text
    return said


def diagram(session: Session, definition_id: int, language: str = "") -> bytes:
    """Return the file of a process as it came, or with the names of another language where it has them."""
    content = definitions.content(session, definition_id)
    deployment_id = definitions.definition(session, definition_id).deployment_id
    translated = translation(session, deployment_id, language) if language else {}
    if not translated:
        return content
    root = xml.parse(content, "diagram")
    for element in root.iter(f"{BPMN}*"):
        if (name := translated.get(element.get("id", ""))) is not None:
            element.set("name", name)
    for label in root.iter(f"{DI}BPMNLabel"):
        shape = label.getparent()
        bounds = label.find(f"{DC}Bounds")
        name = translated.get(shape.get("bpmnElement", "")) if shape is not None else None
        if name and bounds is not None:
            _widen(bounds, name)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _widen(bounds: etree._Element, name: str) -> None:
    """Make room for the words of a label, about the middle that it has: it was drawn for other ones."""
    width = float(bounds.get("width", 0))
    longest = max((len(word) for word in name.split()), default=0) * LETTER + MARGIN
    wanted = max(width, longest, min(WIDEST, len(name) * LETTER / 2))
    bounds.set("x", f"{float(bounds.get('x', 0)) - (wanted - width) / 2:g}")
    bounds.set("width", f"{wanted:g}")


_remembered: dict[tuple[str, str], DiagramTexts] = {}
_translated: dict[str, Mapping[str, str]] = {}


def read_texts(content: bytes, key: str) -> DiagramTexts:
    """Read the texts of the process with a key from BPMN XML; nothing where it holds no such process."""
    root = xml.parse(content, "diagram")
    process = next((each for each in root.iter(f"{BPMN}process") if each.get("id") == key), etree.Element("process"))
    elements = [each for each in process.iter() if each.get("id")]
    starts = [each for each in process.findall(f"{BPMN}startEvent") if _waits_for_nothing(each)]
    return DiagramTexts(
        names={each.get("id", ""): " ".join(each.get("name", "").split()) for each in elements if each.get("name")},
        documentation={each.get("id", ""): _documentation(each) for each in elements if _documentation(each)},
        start_form_key=next((key for key in (extension(each, "formKey") for each in starts) if key), None),
        can_be_started=bool(starts),
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
            if extension(each, "resultVariable") and extension(each, "mapDecisionResult") == "singleEntry"
        },
        properties={each.get("id", ""): found for each in elements if (found := properties(each))},
    )


def startable(session: Session, language: str = "") -> list[StartableProcess]:
    """Return the newest version of each process that a person may start, in the order of their names."""
    processes = []
    for each in definitions.list_definitions(session, "process"):
        if each.executable and not each.suspended:
            said = texts(session, each.id, language)
            name = said.called(each.key, each.name or each.key)
            processes.append(
                StartableProcess(definition_id=each.id, key=each.key, name=name, version=each.version, texts=said)
            )
    return [each for each in processes if each.texts.can_be_started]


def starters(session: Session) -> list[tuple[str, ...]]:
    """Return the groups that may start each process that a person may start; empty where everybody may."""
    newest = [
        each for each in definitions.list_definitions(session, "process") if each.executable and not each.suspended
    ]
    known = (
        _remembered.get((each.key, each.sha256)) or texts(session, each.id) for each in newest
    )
    return [said.candidate_starters for said in known if said.can_be_started]


def form(session: Session, form_key: str | None, definition_id: int) -> Form | None:
    """Return the form of a key, the one deployed with a definition first; None without."""
    return definitions.form(session, form_key, definition_id) if form_key else None


def decision_table(session: Session, definition_id: int | None) -> DecisionTable | None:
    """Return the table of a decision definition for display; None where it is no table or there is none."""
    found = session.get(Definition, definition_id) if definition_id is not None else None
    if found is None or found.kind != "decision":
        return None
    tables = definitions.decision_model(session, found).tables
    return next((table for table in tables if table.decision_id == found.key), None)


def guidance(session: Session, definition_id: int, element_id: str, language: str) -> str | None:
    """Return the guidance for an element in a language, else in the one there is, as Markdown; None without."""
    deployment_id = definitions.definition(session, definition_id).deployment_id
    names = [f"guidance/{element_id}.md", f"guidance/{element_id}.en.md"]
    for name in reversed(names) if language == "en" else names:
        content = definitions.resource(session, deployment_id, name)
        if content is not None:
            return content.decode("utf-8", "replace")
    return None


def _waits_for_nothing(start: etree._Element) -> bool:
    return not any(str(child.tag).endswith("EventDefinition") for child in start)


def _documentation(element: etree._Element) -> str:
    return child_text(element, "documentation") or ""
