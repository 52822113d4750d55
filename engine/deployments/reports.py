"""
Reports that were deployed, and what a process measures for them: found by key, and checked against each other.

`reports/<key>.yaml` is one report. What it reads must be measured by one of its processes, as the type that it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors, reports
from casepath.engine.bpmn import ProcessSpec
from casepath.engine.database import measures
from casepath.engine.database.measures import KINDS
from casepath.engine.database.models import Definition
from casepath.engine.deployments import definitions
from casepath.engine.people import authorization, identity
from casepath.engine.phrases import Phrase
from casepath.engine.reports import BUILT_IN, OF_FACT, PARTS, Figure, Report, Table, Test

#: What types are made of that can be compared.
TIMES = ("duration", "working", "elapsed")
PASSES = "passes"


def declared(session: Session, key: str) -> Report:
    """Return the newest version of a report; raises `NotFound`."""
    try:
        found = definitions.latest(session, "report", key)
    except errors.NotFound:
        raise errors.NotFound("report", key) from None
    return _report(session, found)


def every(session: Session) -> list[Report]:
    """Return the newest version of each report, by name."""
    return [_report(session, found) for found in definitions.list_definitions(session, "report")]


def _report(session: Session, found: Definition) -> Report:
    return definitions.declaration(session, found, lambda file: reports.read(found.key, file))


def measured(session: Session, processes: Iterable[str]) -> dict[str, str]:
    """Return what the newest versions of processes measure, and the type of each; the first process counts."""
    types: dict[str, str] = {}
    for key in processes:
        try:
            found = definitions.latest(session, "process", key)
        except errors.NotFound:
            continue
        types = _types(definitions.process(session, found.id)) | types
    return types


def _types(spec: ProcessSpec) -> dict[str, str]:
    return {entry.name: entry.type for entry in measures.declared(spec.properties.get(measures.PROPERTY, ""))}


# -- what processes measure --------------------------------------------------------------------------------------------

def misdeclared(spec: ProcessSpec, file: str) -> Iterator[errors.Finding]:
    """Yield an error for everything that cannot be read in what a process measures."""
    for code, entry in measures.misread(spec.properties.get(measures.PROPERTY, "")):
        yield _mismeasured(spec, file, code, entry)


def _mismeasured(spec: ProcessSpec, file: str, code: str, entry: str) -> errors.Finding:
    match code:
        case "entry":
            text = "Expected a name and its type in what is measured, such as score:number, but found “{entry}”"
            phrase = Phrase(text, entry=entry)
        case "twice":
            phrase = Phrase("“{entry}” is measured twice; remove one", entry=entry)
        case "ends":
            phrase = Phrase("“{entry}” needs two moments that are measured themselves", entry=entry)
        case _:
            phrase = Phrase("Expected fewer values of the kind “{entry}” to be measured", entry=entry)
    return errors.Finding(code="measured", file=file, element_id=spec.key, name=spec.label, phrase=phrase)


def allot(session: Session, spec: ProcessSpec, file: str) -> None:
    """Make room for what a process measures; raises `DeploymentRefused` where its earlier versions have left none."""
    wanted = measures.declared(spec.properties.get(measures.PROPERTY, ""))
    full = measures.allot(session.connection(), spec.key, wanted) if wanted else None
    if full is not None:
        raise errors.DeploymentRefused([_mismeasured(spec, file, "many", full)])


# -- what reports read -------------------------------------------------------------------------------------------------


def unfit(session: Session, named: Mapping[str, Report], specs: Mapping[str, ProcessSpec]) -> Iterator[errors.Finding]:
    """
    Yield an error for what reports, by their files, name and is not there, or is of another type than they take it for.

    `specs` are the processes that come with them, by their keys; what has come before counts as well.
    """
    if not named:
        return
    there = set(specs) | set(session.scalars(select(Definition.key).where(Definition.kind == "process")))
    groups = {group.key for group in identity.groups(session)} | set(authorization.ROLES)
    for file, report in named.items():
        for key in sorted(set(report.every_process) - there):
            yield _finding(file, "", "Expected a process, but found “{process}”, which is not there", process=key)
        for group in sorted(report.readers - groups) if groups.difference(authorization.ROLES) else ():
            text = "Expected a group of the organisation, but found “{group}”; correct its key, or add the group before"
            yield _finding(file, "", text, group=group)
        for part in report.parts():
            old = measured(session, [key for key in part.processes if key not in specs])
            new = {name: type_ for key in part.processes if key in specs for name, type_ in _types(specs[key]).items()}
            yield from _unfit_facts(file, part, {**BUILT_IN, **old, **new})


def _unfit_facts(file: str, report: Report, types: Mapping[str, str]) -> Iterator[errors.Finding]:
    for fact, reader in report.facts():
        place = reader.fact if isinstance(reader, Test) else reader.id
        type_ = PASSES if reports.element_of(fact) else types.get(fact)
        if type_ is None:
            text = "Expected a fact that a process of the report measures, but found “{fact}”"
            yield _finding(file, place, text, fact=fact)
        elif not _fits(type_, fact, reader, types):
            mistaken = "“{fact}” is of the type “{type}”, which cannot be read like this"
            yield _finding(file, place, mistaken, fact=fact, type=type_)


def _fits(type_: str, fact: str, reader: Test | Figure | Table, types: Mapping[str, str]) -> bool:
    match reader:
        case Figure():
            is_number = type_ in ("number", PASSES)
            return reader.measure in OF_FACT and (type_ in TIMES if reader.unit else is_number)
        case Table():
            return type_ == "moment" if reader.by in PARTS else KINDS.get(type_) == "text"
        case Test() if fact != reader.fact:
            # It is what another one is compared with.
            return type_ == types.get(reader.fact) and type_ in ("moment", "number")
        case Test():
            return not (reader.values and KINDS.get(type_) != "text") and all(
                _compares(type_, bound.value) for bound in reader.bounds
            )


def _compares(type_: str, value: Decimal | timedelta | str) -> bool:
    match value:
        case timedelta():
            return type_ in TIMES
        case str():
            return type_ in ("moment", "number") and (value != "now" or type_ == "moment")
        case _:
            return type_ in ("number", PASSES)


def _finding(file: str, place: str, text: str, /, **facts: object) -> errors.Finding:
    return errors.Finding(code="report", file=file, element_id=place, phrase=Phrase(text, **facts))
