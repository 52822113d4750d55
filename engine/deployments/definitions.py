"""
What was deployed, for reading: definitions by key and version, their files, and processes ready to run.

A file is parsed once and kept in memory, by its content: definitions never change. The calendar is the newest one that
was deployed; another operating system process notices a new one within `CALENDAR_AGE`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any, TypeVar

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from casepath.engine import bpmn, errors, forms, settings
from casepath.engine.bpmn import Called, Diagram, ProcessSpec, StartEvent, UserTask, aside, form_name, read_texts
from casepath.engine.database import facts
from casepath.engine.database.models import Definition, Resource
from casepath.engine.decisions import dmn
from casepath.engine.decisions.dmn import DecisionModel
from casepath.engine.deployments import remembered
from casepath.engine.forms import Form
from casepath.engine.people import identity
from casepath.engine.phrases import Phrase
from casepath.engine.time import clock
from casepath.engine.time.clock import Calendar

log = logging.getLogger(__name__)

Declaration = TypeVar("Declaration")

#: How long a calendar is used before a newer one is looked for.
CALENDAR_AGE = timedelta(minutes=1)
#: How many processes, files of decisions and forms are kept each, and of declarations, beside those of the databases in
#: use.
MAX_FILES, MAX_DECLARATIONS = 256, 1024


#: Every page asks for these; to write them anew each time would take longer than to execute them.
_of_kind = select(Definition).where(Definition.kind == bindparam("kind"))
_in_order = Definition.name, Definition.version.desc()
_newest = (
    select(Definition.key, func.max(Definition.version).label("version"))
    .where(Definition.kind == bindparam("kind"))
    .group_by(Definition.key)
    .subquery()
)
_listed = {
    False: _of_kind.order_by(*_in_order),
    True: _of_kind.join(
        _newest, (_newest.c.key == Definition.key) & (_newest.c.version == Definition.version)
    ).order_by(*_in_order),
}
_newest_forms = _listed[True].with_only_columns(Definition.id)
_contents = (
    select(Definition.id, Resource.content)
    .join(Resource, Resource.id == Definition.resource_id)
    .where(Definition.id.in_(bindparam("ids", expanding=True)))
)
_latest = _of_kind.where(Definition.key == bindparam("key")).order_by(Definition.version.desc()).limit(1)
_of_deployment = _latest.where(
    Definition.deployment_id <= bindparam("deployment"),
    Definition.sha256.in_(select(Resource.sha256).where(Resource.deployment_id == bindparam("deployment"))),
)
_newest_form = (
    select(Definition.id)
    .where(Definition.kind == "form", Definition.key == bindparam("key"))
    .order_by(Definition.version.desc())
    .limit(1)
)

#: What else is read of files, by kind and key of the definition and the hash of the file, whatever database it is in.
_declarations: dict[tuple[str, str, str], Any] = {}


def forget() -> None:
    """Drop what is kept in memory of databases; it is asked for again when it is needed."""
    remembered.forget()


def forget_files() -> None:
    """Drop what was read of files, whatever database they are in; they are read again when they are needed."""
    forget()
    _declarations.clear()
    for kept in (_read_form, _process, _decisions):
        kept.cache_clear()


def definition(session: Session, definition_id: int) -> Definition:
    """Return a definition; raises `NotFound`."""
    found = session.get(Definition, definition_id)
    if found is None:
        raise errors.NotFound("definition", definition_id)
    return found


def latest(session: Session, kind: str, key: str) -> Definition:
    """Return the newest version of what has this key; raises `NotFound`."""
    found = session.scalars(_latest, {"kind": kind, "key": key}).first()
    if found is None:
        raise errors.NotFound(f"{kind} definition", key)
    return found


def find(
    session: Session,
    kind: str,
    key: str,
    *,
    version: int | None = None,
    version_tag: str | None = None,
    deployment_id: int | None = None,
) -> Definition:
    """
    Return the version of this number, with this tag, or of this deployment; else the newest.

    That of a deployment is an older one where its file came unchanged. Raises `NotFound`.
    """
    query = _latest if deployment_id is None else _of_deployment
    if version is not None:
        query = query.where(Definition.version == version)
    if version_tag is not None:
        query = query.where(Definition.version_tag == version_tag)
    found = session.scalars(query, {"kind": kind, "key": key, "deployment": deployment_id}).first()
    if found is None:
        raise errors.NotFound(f"{kind} definition", key)
    return found


def list_definitions(session: Session, kind: str = "process", *, latest_only: bool = True) -> list[Definition]:
    """Return the definitions of a kind, by name, the newest version of each first."""
    return list(session.scalars(_listed[latest_only], {"kind": kind}))


def content(session: Session, definition_id: int) -> bytes:
    """Return the file that a definition came in; raises `NotFound`."""
    found = session.get(Resource, definition(session, definition_id).resource_id)
    assert found is not None
    return found.content


def declaration(session: Session, found: Definition, read: Callable[[bytes], Declaration]) -> Declaration:
    """Return what the file of a definition declares, as `read` finds it there at the first call."""
    own = found.kind, found.key, found.sha256
    declared: Declaration | None = _declarations.get(own)
    if declared is None:
        declared = read(content(session, found.id))
        if len(_declarations) >= MAX_DECLARATIONS:
            _declarations.clear()
        _declarations[own] = declared
    return declared


def resource(session: Session, deployment_id: int, name: str) -> bytes | None:
    """Return a file of a deployment: by its path, or by the end of it where just one file has that end."""
    rows = session.execute(select(Resource.name, Resource.id).where(Resource.deployment_id == deployment_id)).all()
    exact = [row.id for row in rows if row.name == name]
    ending = [row.id for row in rows if row.name.endswith(f"/{name}")]
    found = exact or (ending if len(ending) == 1 else [])
    if not found:
        return None
    row = session.get(Resource, found[0])
    return row.content if row else None


def form(session: Session, form_key: str, definition_id: int | None = None) -> Form | None:
    """
    Return a form: the one that came with a process definition where it has one of that key, else the newest.

    Prefixes of Camunda's form keys (`camunda-forms:deployment:`) and the file ending do not count.
    """
    found = _form_id(session, form_key, definition_id)
    if found is None:
        return None
    return _with_people(session, _form(session, found))


def coming_form(session: Session, form_key: str, sources: Mapping[str, bytes]) -> Form | None:
    """
    Return a form as it is after a deployment: the one that comes, of `sources` by their keys, else the newest.

    None where there is none, or the one that comes cannot be read; its own check tells why.
    """
    source = sources.get(form_name(form_key))
    return forms.check(source, form_key)[0] if source is not None else form(session, form_key)


def latest_forms(session: Session) -> list[Form]:
    """Return the newest version of every form, by name."""
    newest, cached = session.scalars(_newest_forms, {"kind": "form"}).all(), remembered.of(session).forms
    if missing := [each for each in newest if each not in cached]:
        cached.update((row.id, _read_form(row.content)) for row in session.execute(_contents, {"ids": missing}))
    return [_with_people(session, cached[each]) for each in newest]


def declared_facts(session: Session) -> list[str]:
    """Return the facts by which the newest version of any process says that its matters are known, each once."""
    declared = [declaration(session, each, partial(_facts, each.key)) for each in list_definitions(session)]
    return list(dict.fromkeys(name for names in declared for name in names))


def _facts(key: str, file: bytes) -> tuple[str, ...]:
    properties = read_texts(file, key).properties.get(key, {})
    return facts.declared(properties.get(facts.PROPERTY, ""))


def accepted(
    session: Session,
    form_key: str | None,
    definition_id: int,
    submitted: Mapping[str, Any],
    known: Callable[[], Mapping[str, Any]] | None = None,
    *,
    element_id: str | None = None,
) -> Mapping[str, Any]:
    """
    Return the variables that are submitted to an element: those of its form where there is one, else all of them.

    `known` gives the variables that conditions of the form may ask for, and that stay where nobody touches them. Raises
    `InvalidVariables` with everything that does not fit the form, whoever has filled it in.
    """
    found = _form_id(session, form_key, definition_id) if form_key else None
    if found is None:
        return submitted
    filled = _with_people(session, _form(session, found))
    variables = known() if known is not None else {}
    node = process(session, definition_id).nodes.get(element_id) if element_id is not None else None
    properties = node.properties if node is not None else {}
    zone = clock.time_zone(settings.current.time_zone)
    return forms.validate(filled, submitted, zone, variables=variables, properties=properties)


def _form(session: Session, form_id: int) -> Form:
    cached = remembered.of(session).forms
    if form_id not in cached:
        cached[form_id] = _read_form(content(session, form_id))
    return cached[form_id]


def _with_people(session: Session, found: Form) -> Form:
    """Return a form with whoever may be chosen now, where it has people chosen: they come and go, the form stays."""
    if not found.members_of:
        return found
    members = (forms.Member(*row) for row in identity.memberships(session, found.members_of))
    return forms.with_people(found, tuple(members))


def _form_id(session: Session, form_key: str, definition_id: int | None) -> int | None:
    key = form_name(form_key)
    if definition_id is not None:
        known = remembered.of(session).own_forms
        if (key, definition_id) not in known:
            deployment_id = definition(session, definition_id).deployment_id
            own = _newest_form.where(Definition.deployment_id == deployment_id)
            known[key, definition_id] = session.scalar(own, {"key": key})
        if (found := known[key, definition_id]) is not None:
            return found
    return session.scalar(_newest_form, {"key": key})


def start_forms(session: Session, definition_id: int) -> dict[str, str]:
    """Return the form keys of all start events of a process, those of event sub-processes included, by element id."""
    nodes = process(session, definition_id).nodes.values()
    return {node.bpmn_id: node.form_key for node in nodes if isinstance(node, StartEvent) and node.form_key}


def form_keys(session: Session, definition_id: int) -> list[tuple[str, str, str]]:
    """Return id, name and form key of each element of a process that has a form, the start events first."""
    return forms_of(process(session, definition_id))


def forms_of(spec: ProcessSpec) -> list[tuple[str, str, str]]:
    """Return what `form_keys` does, of a process that is not deployed yet."""
    starts = [
        (start.bpmn_id, start.bpmn_name or spec.label, start.form_key)
        for start in spec.root.start_events
        if start.form_key
    ]
    tasks = [
        (node.bpmn_id, node.bpmn_name or node.bpmn_id, node.form_key.text)
        for node in spec.nodes.values()
        if isinstance(node, UserTask) and node.form_key is not None
    ]
    return starts + tasks


def process(session: Session, definition_id: int) -> ProcessSpec:
    """
    Return a process as it was deployed, parsed at the first call: to be looked at.

    That is possible for ever; what is to move asks `executable`. Raises `NotFound`.
    """
    cache = remembered.of(session)
    spec = cache.processes.get(definition_id)
    if spec is None:
        found = definition(session, definition_id)
        source = session.get(Resource, found.resource_id)
        assert source is not None
        with aside():
            how = settings.current.extensions, settings.current.script_formats
            try:
                spec = _process(source.content, source.name, found.key, *how)
            except MemoryError:
                raise  # That says nothing of the file.
            except Exception as error:
                log.error("version %s of %s cannot be read: %s", found.version, found.key, type(error).__name__)
                spec = bpmn.unreadable(found.key, source.name, _why(error))
        cache.processes[definition_id] = spec
    return spec


def _why(error: Exception) -> Phrase:
    if isinstance(error, errors.DeploymentRefused):
        return error.findings[0].phrase
    if isinstance(error, errors.EngineError):
        return error.phrase
    return Phrase("the file cannot be read ({error})", error=type(error).__name__)


def executable(session: Session, definition_id: int) -> ProcessSpec:
    """
    Return a process ready to run.

    Raises `NotFound`, or `Unreadable` where what was accepted once no longer is: Python scripts were turned off, or an
    extension is not installed any more.
    """
    spec = process(session, definition_id)
    if spec.refused:
        found = definition(session, definition_id)
        raise errors.Unreadable(found.name or found.key, found.version, spec.refused[0])
    return spec


def decision_model(session: Session, found: Definition) -> DecisionModel:
    """Return the decisions of a file, parsed at the first call; what it imports comes from its deployment."""
    cache = remembered.of(session)
    model = cache.decisions.get(found.id)
    if model is None:
        of_deployment = Resource.deployment_id == found.deployment_id, Resource.name.endswith(".dmn")
        rows = session.execute(select(Resource.name, Resource.content).where(*of_deployment).order_by(Resource.name))
        files = tuple((row.name, row.content) for row in rows)
        source = session.get(Resource, found.resource_id)
        assert source is not None
        with aside():
            model = cache.decisions[found.id] = _decisions(source.content, source.name, files)
    return model


@lru_cache(maxsize=MAX_FILES)
def _read_form(content: bytes) -> Form:
    return forms.read(json.loads(content))


@lru_cache(maxsize=MAX_FILES)
def _process(
    content: bytes, file: str, key: str, modules: tuple[str, ...], script_formats: frozenset[str]
) -> ProcessSpec:
    return Diagram(content, file, modules=modules).process(key, script_formats)


@lru_cache(maxsize=MAX_FILES)
def _decisions(content: bytes, file: str, files: tuple[tuple[str, bytes], ...]) -> DecisionModel:
    return dmn.parse(content, file, files)


def called(session: Session, caller_id: int, call: Called) -> Definition:
    """Return the process definition that a call activity of another one means; raises `NotFound`."""
    same = definition(session, caller_id).deployment_id if call.same_deployment else None
    return find(session, "process", call.key, version=call.version, version_tag=call.version_tag, deployment_id=same)


def calendar(session: Session) -> Calendar | None:
    """Return the calendar that was deployed, None where none is deployed."""
    cache = remembered.of(session)
    now = clock.now()
    read_at = cache.calendar_read_at
    if read_at is None or not read_at <= now < read_at + CALENDAR_AGE:
        try:
            found = latest(session, "calendar", "calendar")
        except errors.NotFound:
            cache.calendar = None
        else:
            mapping: Mapping[str, object] = json.loads(content(session, found.id))
            cache.calendar = Calendar.from_json(mapping)
        cache.calendar_read_at = now
    return cache.calendar

