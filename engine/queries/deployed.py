"""
What deployments hold beside the diagrams' semantics: forms, guidance, and the texts that pages show of a diagram.

Resources never change, so what is read from one is remembered by its hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.bpmn import DiagramTexts as DiagramTexts  # noqa: PLC0414 - part of what is returned here
from casepath.engine.bpmn import read_texts, renamed
from casepath.engine.database.models import Definition, Resource
from casepath.engine.decisions.dmn import WORDING, DecisionTable
from casepath.engine.deployments import Selection, decisions, definitions, remembered, selections
from casepath.engine.forms import Form
from casepath.engine.forms import guidance as guidances
from casepath.engine.people import authorization
from casepath.engine.people.authorization import Person
from casepath.engine.phrases import Phrase
from casepath.engine.time import clock

#: What `texts.<language>.json` says an element, or a process, is about: `review.about`.
ABOUT = ".about"
#: What `texts.<language>.json` says of variables and their values: `variables.colour`, `variables.colour.red`.
VARIABLES = "variables."

#: Every page asks for these; to write them anew each time would take longer than to execute them.
_newest_named = (
    select(func.max(Resource.id).label("newest"), Resource.sha256)
    .where(Resource.name == bindparam("name"))
    .group_by(Resource.sha256)
    .order_by("newest")
)


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

    With a language its names and descriptions are those of `texts.<language>.json`, as far as the deployment has one
    and it says them.
    """
    own = "texts", definition_id, language
    return remembered.once(session, own, lambda: _read_texts(session, definition_id, language))


def _read_texts(session: Session, definition_id: int, language: str) -> DiagramTexts:
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
    if not translated:
        return known
    about = {name.removesuffix(ABOUT): text for name, text in translated.items() if name.endswith(ABOUT)}
    return replace(
        known,
        names={**known.names, **translated},
        documentation={**known.documentation, **about},
        about=about.get(key, known.about),
        translated=translated,
    )


def translation(session: Session, deployment_id: int, language: str) -> Mapping[str, str]:
    """Return the names of elements in another language than that of the diagrams, by id; empty where none came."""
    own = "translation", deployment_id, language
    return remembered.once(session, own, lambda: _read_translation(session, deployment_id, language))


def _read_translation(session: Session, deployment_id: int, language: str) -> Mapping[str, str]:
    found = session.execute(
        select(Resource.id, Resource.sha256).where(
            Resource.deployment_id == deployment_id, Resource.name == f"texts.{language}.json"
        )
    ).one_or_none()
    return _texts(session, found.id, found.sha256) if found is not None else {}


@dataclass(frozen=True, eq=False)
class Sayings:
    """What the texts of some files say of variables (with None) and their values."""

    texts: Mapping[tuple[str, str | None], str]


def words(session: Session, language: str) -> Sayings:
    """
    Return what variables and their values are called in a language, by the texts of all deployments.

    Processes call each other and hand variables on, so that their words belong to all; the newest say how.
    """
    rows = session.execute(_newest_named, {"name": f"texts.{language}.json"})
    files = [(resource_id, sha256) for resource_id, sha256 in rows]
    hashes = tuple(sha256 for _, sha256 in files)
    if hashes not in _words:
        said: dict[tuple[str, str | None], str] = {}
        for resource_id, sha256 in files:
            for key, text in _texts(session, resource_id, sha256).items():
                if key.startswith(VARIABLES):
                    name, _, value = key.removeprefix(VARIABLES).partition(".")
                    said[name, value or None] = text
        if len(_words) >= MAX_WORDS:
            _words.clear()
        _words[hashes] = Sayings(MappingProxyType(said))
    return _words[hashes]


def _texts(session: Session, resource_id: int, sha256: str) -> Mapping[str, str]:
    if sha256 not in _translated:
        content = session.execute(select(Resource.content).where(Resource.id == resource_id)).scalar_one()
        _translated[sha256] = {str(key): str(name) for key, name in json.loads(content).items()}
    return _translated[sha256]


def diagram(session: Session, definition_id: int, language: str = "") -> bytes:
    """Return the file of a process as it came, or with the names of another language where it has them."""
    content = definitions.content(session, definition_id)
    deployment_id = definitions.definition(session, definition_id).deployment_id
    translated = translation(session, deployment_id, language) if language else {}
    # What is said of variables, or of elements beside their names, has dots in its key.
    return renamed(content, translated) if any("." not in key for key in translated) else content


def in_other_words(diagram: bytes, names: Mapping[str, str]) -> bytes:
    """Return a diagram that is not deployed with other names, by element id; as it is where it cannot be read."""
    try:
        return renamed(diagram, names) if names else diagram
    except errors.DeploymentRefused:
        return diagram


_remembered: dict[tuple[str, str], DiagramTexts] = {}
_translated: dict[str, Mapping[str, str]] = {}
#: Words by the hashes of the files that say them, which never change.
_words: dict[tuple[str, ...], Sayings] = {}
#: How many of them are kept: two languages before and after a deployment, with room for those of tests.
MAX_WORDS = 16


def startable(session: Session, language: str = "", *, person: Person | None = None) -> list[StartableProcess]:
    """Return the newest version of each process that people may start, or this person, in the order of their names."""
    found = [_startable(session, each, language) for each in _newest(session)]
    return [each for each in found if each.texts.can_be_started and _may_start(person, each)]


def startable_for(
    session: Session, register: str, language: str = "", *, person: Person
) -> list[tuple[StartableProcess, Selection]]:
    """Return the processes that a person may start for records of a register, those that are started so only too."""
    chosen = selections.startable(session, register)
    found = [(_startable(session, each, language), selection) for each, selection in chosen]
    return [(each, selection) for each, selection in found if _may_start(person, each)]


def starters(session: Session) -> list[tuple[str, ...]]:
    """Return the groups that may start each process that a person may start; empty where everybody may."""
    known = (_remembered.get((each.key, each.sha256)) or texts(session, each.id) for each in _newest(session))
    return [said.candidate_starters for said in known if said.can_be_started]


def refusal(session: Session, definition_id: int) -> Phrase | None:
    """Return why nothing of a process moves any more, though it was accepted once; None where it can be executed."""
    try:
        definitions.executable(session, definition_id)
    except errors.Unreadable as error:
        return error.phrase
    return None


def not_startable(session: Session, key: str) -> errors.EngineError:
    """Return why a process is none of those that people may start: it can be executed no more, or there is none."""
    newest = next((each for each in definitions.list_definitions(session, "process") if each.key == key), None)
    if newest is not None and newest.executable:
        try:
            definitions.executable(session, newest.id)
        except errors.Unreadable as error:
            return error
    return errors.NotFound("process", key)


def _newest(session: Session) -> list[Definition]:
    return [
        each
        for each in definitions.list_definitions(session, "process")
        if each.executable and not each.suspended and not definitions.process(session, each.id).refused
    ]


def _startable(session: Session, definition: Definition, language: str) -> StartableProcess:
    said = texts(session, definition.id, language)
    name = said.called(definition.key, definition.name or definition.key)
    return StartableProcess(
        definition_id=definition.id, key=definition.key, name=name, version=definition.version, texts=said
    )


def _may_start(person: Person | None, process: StartableProcess) -> bool:
    return person is None or authorization.may_start(person, process.texts.candidate_starters)


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


def ill_worded(session: Session, definition_id: int) -> list[errors.Finding]:
    """Return what a decision table, and those beside it in its file, say otherwise than their columns want it."""
    found = definitions.definition(session, definition_id)
    return [each for each in definitions.decision_model(session, found).findings if each.code == WORDING]


def filled_guidance(
    session: Session, definition_id: int, element_id: str, language: str, known: Mapping[str, Any], say: guidances.Say
) -> str | None:
    """Return the guidance for an element as it reads for what is known; None without."""
    text = guidance(session, definition_id, element_id, language)
    return None if text is None else filled(session, definition_id, text, known, say)


def filled(session: Session, definition_id: int, text: str, known: Mapping[str, Any], say: guidances.Say) -> str:
    """
    Return a text of a deployment, as guidance and the texts of forms are written, as it reads for what is known.

    Decisions are those of the same deployment, else the newest; what cannot be decided is null.
    """
    if not guidances.depends(text):
        return text
    try:
        found = guidances.parse(text)
    except errors.InvalidInput:
        # Deployed before such texts were read.
        return text
    now = clock.now().astimezone(clock.zone_of(definitions.calendar(session)))
    deployment_id = definitions.definition(session, definition_id).deployment_id
    decided = {key: _decided(session, key, known, deployment_id) for key in found.decisions}
    return found.filled({**known, "decisions": decided}, say, now=now)


def depends(session: Session, definition_id: int, element_id: str) -> bool:
    """Tell whether the guidance for an element depends on what is known."""
    return any(guidances.depends(guidance(session, definition_id, element_id, each) or "") for each in ("", "en"))


def _decided(session: Session, key: str, known: Mapping[str, Any], deployment_id: int) -> Any:
    for deployment in (deployment_id, None):
        try:
            return decisions.evaluate(session, key, known, now=clock.now(), deployment_id=deployment).value
        except errors.NotFound:
            continue
        except (errors.DecisionError, errors.DeploymentRefused):
            # The latter: it was accepted once, and cannot be read any more.
            break
    return None


def guidance(session: Session, definition_id: int, element_id: str, language: str) -> str | None:
    """Return the guidance for an element in a language, else in the one there is, as Markdown; None without."""
    deployment_id = definitions.definition(session, definition_id).deployment_id
    names = [f"guidance/{element_id}.md", f"guidance/{element_id}.en.md"]
    for name in reversed(names) if language == "en" else names:
        content = definitions.resource(session, deployment_id, name)
        if content is not None:
            return content.decode("utf-8-sig", "replace")
    return None
