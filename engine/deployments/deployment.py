"""
Deploy a set of files: check them all, then store them; and read what was deployed.

The files of one folder are one deployment. What is found by its key, such as a process or a register, or the calendar,
is no new version where its file has not changed; a process or register is one too when a form that comes with it has
changed, a process also when guidance has. Nothing is stored when there is any error; all errors of all files are
reported at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine import errors, forms, history, settings, texts
from casepath.engine.bpmn import Diagram, ProcessSpec, load_extensions
from casepath.engine.database import require_room
from casepath.engine.database.models import Definition, Deployment, Resource
from casepath.engine.deployments import (
    anew,
    channels,
    decisions,
    definitions,
    documents,
    groups,
    lookups,
    mentioned,
    purposes,
    registers,
    remembered,
    reports,
    selections,
    starts,
    translations,
)
from casepath.engine.history import Event, organisation
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import By
from casepath.engine.phrases import Phrase, Size
from casepath.engine.reports import Report
from casepath.engine.reports import read as read_report
from casepath.engine.time import clock
from casepath.engine.time.clock import Calendar

#: Files of a deployment, and bytes of one.
MAX_FILES = 2_000
MAX_BYTES = 20_000_000


@dataclass(frozen=True, kw_only=True)
class DeploymentResult:
    """What came of a deployment."""

    #: None where nothing in it was new.
    deployment: Deployment | None
    #: The new versions.
    definitions: list[Definition]
    warnings: list[errors.Finding]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Something in a file that is found by its key."""

    kind: str
    key: str
    name: str
    file: str
    version_tag: str | None = None
    executable: bool = True
    spec: ProcessSpec | None = None
    diagram: Diagram | None = None
    register: registers.Register | None = None
    channel: channels.Channel | None = None
    report: Report | None = None
    document: forms.Document | None = None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Files, what can be found in them by its key, and everything that is wrong with them."""

    resources: Mapping[str, bytes]
    found: list[_Found]
    findings: list[errors.Finding]


def read_folder(path: Path) -> dict[str, bytes]:
    """Return the files of a folder and the folders in it, by their path below it; hidden ones are left out."""
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    }


def deploy(
    session: Session,
    files: Mapping[str, bytes] | Checked,
    *,
    name: str,
    by: By,
    purpose: purposes.Purpose | None = None,
) -> DeploymentResult:
    """
    Check files and put what is new in them into the engine as one deployment, which the history of the house tells.

    To check takes seconds where files are large; what was checked before the transaction keeps nobody waiting. Raises
    `Forbidden`, or `DeploymentRefused` with every error of every file.
    """
    actor = identity.allowed(session, by, authorization.may_deploy, "deploy", "deployment", name)
    checked = files if isinstance(files, Checked) else check(files)
    resources, found = checked.resources, checked.found
    warnings = findings(session, checked)
    if any(finding.level == "error" for finding in warnings):
        raise errors.DeploymentRefused(warnings)
    # What is new is found by the newest version, of which there must not be two.
    organisation.lock(session)
    digests = {file: sha256(source).hexdigest() for file, source in resources.items()}
    fresh = [each for each in found if anew.is_new(session, each.kind, each.key, each.file, digests)]
    if not fresh:
        return DeploymentResult(deployment=None, definitions=[], warnings=warnings)
    remembered.change(session)
    deployment, ids = _store(session, resources, digests, name, actor.signature)
    stored = [_version(session, deployment, entry, ids[entry.file], digests[entry.file]) for entry in fresh]
    for entry, row in zip(fresh, stored, strict=True):
        if entry.spec is not None and entry.executable:
            starts.arm(session, row, entry.spec)
            reports.allot(session, entry.spec, entry.file)
        if entry.register is not None:
            registers.search_anew(session, entry.register, row)
        if entry.kind == "calendar":
            facts = {"version": row.version, "sha256": row.sha256, "deployment": deployment.id}
            organisation.record(session, Event(kind="calendar.deployed", facts=facts, by=actor.signature))
    purposes.record(session, deployment, stored, purpose, by=actor.signature)
    return DeploymentResult(deployment=deployment, definitions=stored, warnings=warnings)


def findings(session: Session, checked: Checked) -> list[errors.Finding]:
    """Return all that is wrong with files, beside what there is already too: what `deploy` refuses or warns of."""
    resources, found, unfit = checked.resources, checked.found, list(checked.findings)
    named = {each.file: each.register for each in found if each.register}
    filled = {entry.key: resources[entry.file] for entry in found if entry.kind == "form"}
    for entry in found:
        if entry.spec is not None and entry.executable:
            unfit += groups.unknown(session, entry.spec, entry.file)
            unfit += groups.empty(session, entry.spec, entry.file)
            unfit += lookups.unlinked(entry.spec, entry.file, filled)
        if entry.kind == "form":
            unfit += lookups.unfit(session, entry.key, entry.file, named.values(), filled)
    unfit += registers.unfit(session, named, filled)
    ways = [(each.file, each.channel) for each in found if each.channel]
    unfit += channels.unfit(session, ways, named.values(), {each.key for each in found if each.spec}, filled)
    run = [(each.file, each.spec) for each in found if each.spec]
    unfit += selections.unfit(session, run, named.values(), filled)
    specs = {entry.key: entry.spec for entry in found if entry.spec is not None and entry.executable}
    unfit += reports.unfit(session, {each.file: each.report for each in found if each.report}, specs)
    papers = {each.file: each.document for each in found if each.document}
    unfit += documents.unfit(session, papers, list(specs.values()), filled)
    if any(finding.level == "error" for finding in unfit):
        return unfit
    diagrams = {entry.file: entry.diagram for entry in found if entry.diagram is not None}
    return unfit + mentioned.unknown(session, diagrams, [(entry.kind, entry.key) for entry in found])


def use_extensions(modules: tuple[str, ...]) -> None:
    """
    Have diagrams read with the elements of these modules from now on.

    Raises `InvalidInput` where a module cannot be imported, or has something else than such elements.
    """
    load_extensions(modules)
    settings.current.extensions = modules


# -- checking ----------------------------------------------------------------------------------------------------------


def require_files(resources: Mapping[str, bytes]) -> None:
    """Raise `InvalidInput` where there are no files, or too many."""
    if not resources or len(resources) > MAX_FILES:
        raise errors.InvalidInput(
            "A deployment has 1 to {limit} files; {count} have arrived.",
            code="files-of-deployment",
            limit=MAX_FILES,
            count=len(resources),
        )


def check(resources: Mapping[str, bytes]) -> Checked:
    """Check files; raises `InvalidInput` where there are none, or too many."""
    require_files(resources)
    found, findings = list[_Found](), list[errors.Finding]()
    tables = {file: source for file, source in resources.items() if file.endswith(".dmn")}
    for file, source in resources.items():
        if len(source) > MAX_BYTES:
            sizes = {"limit": Size(MAX_BYTES), "size": Size(len(source))}
            findings.append(_finding(file, "too-large", "Expected at most {limit}, but found {size}", **sizes))
            continue
        try:
            entries, more = _read(file, source, tables)
        except errors.DeploymentRefused as error:
            findings += error.findings
        else:
            found += entries
            findings += more
    findings += _duplicates(found)
    findings += _too_long(resources, found)
    if not any(finding.level == "error" for finding in findings):
        findings += _unknown_names(resources, found)
        findings += translations.unnamed(resources, [(each.file, each.key) for each in found if each.spec])
    return Checked(resources=resources, found=found, findings=findings)


def _unknown_names(resources: Mapping[str, bytes], found: list[_Found]) -> list[errors.Finding]:
    """Return warnings for names that nothing gives a value; without forms nobody knows what comes from outside."""
    keys = {
        field.key
        for entry in found
        if entry.kind == "form"
        for field in forms.parse(resources[entry.file], entry.file).fields
    }
    diagrams = {entry.file: entry.diagram for entry in found if entry.diagram is not None} if keys else {}
    keys |= {name for entry in found if entry.spec for name in selections.variables(entry.spec)}
    return [finding for _, diagram in sorted(diagrams.items()) for finding in diagram.unknown_names(keys)]


def _finding(file: str, code: str, text: str, /, **facts: object) -> errors.Finding:
    return errors.Finding(code=code, file=file, phrase=Phrase(text, **facts))


def _read(file: str, content: bytes, tables: Mapping[str, bytes]) -> tuple[list[_Found], list[errors.Finding]]:
    path = PurePosixPath(file)
    if path.suffix in (".form", ".json", ".md") and (line := texts.foreign_line(content)) is not None:
        text = "Expected text in UTF-8, but line {line} is in another encoding, such as GBK (ANSI): save it as UTF-8"
        raise errors.DeploymentRefused([_finding(file, "not-utf-8", text, line=line)])
    if path.suffix in (".bpmn", ".bpmn20", ".xml"):
        return _read_bpmn(file, content)
    if path.suffix == ".dmn":
        model = decisions.read(content, file, tables)
        tags = model.version_tags
        return [
            _Found(kind="decision", key=key, name=name, file=file, version_tag=tags.get(key))
            for key, name in model.decisions.items()
        ], model.findings
    if path.suffix == ".form":
        _, findings = forms.check(content, file)
        key = _json(file, content).get("id") or path.stem
        return [_Found(kind="form", key=str(key), name=str(key), file=file)], findings
    if path.suffix == ".json" and path.parent.name == "registers":
        register = registers.read(file, _json(file, content))
        return [_Found(kind="register", key=register.key, name=register.name, file=file, register=register)], []
    if path.name == channels.FILE:
        return [
            _Found(kind="channel", key=channel.key, name=channel.name, file=file, channel=channel)
            for channel in channels.read(file, _json(file, content))
        ], []
    if path.name == "calendar.json":
        try:
            Calendar.from_json(_json(file, content))
        except errors.InvalidInput as error:
            finding = _finding(file, "calendar", "The calendar cannot be read: {reason}", reason=error.phrase)
            raise errors.DeploymentRefused([finding]) from None
        return [_Found(kind="calendar", key="calendar", name="calendar", file=file)], []
    if path.suffix in (".yaml", ".yml") and path.parent.name == "reports":
        report = read_report(file, content)
        return [_Found(kind="report", key=report.key, name=report.name, file=file, report=report)], []
    if translations.is_file(file):
        return [], list(translations.check(file, _json(file, content)))
    if path.suffix == ".md" and path.parent.name == "documents":
        document = documents.read(file, path.stem, content)
        return [_Found(kind="document", key=document.key, name=document.title, file=file, document=document)], []
    if path.suffix == ".md" and path.parent.name == "guidance":
        return [], forms.guidance.check(content, file)
    return [], []


def _json(file: str, content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        finding = _finding(file, "json", "Expected JSON, but found: {found}", found=str(error))
        raise errors.DeploymentRefused([finding]) from None
    if not isinstance(value, dict):
        raise errors.DeploymentRefused([_finding(file, "json", "Expected a JSON object")])
    return value


def _read_bpmn(file: str, content: bytes) -> tuple[list[_Found], list[errors.Finding]]:
    diagram = Diagram(content, file, modules=settings.current.extensions)
    specs, findings = diagram.read(settings.current.script_formats)
    findings += [finding for spec in specs for finding in reports.misdeclared(spec, file)]
    return [
        _Found(
            kind="process",
            key=spec.key,
            name=spec.label,
            file=file,
            version_tag=spec.version_tag,
            executable=spec.executable,
            spec=spec,
            diagram=diagram,
        )
        for spec in specs
    ], findings


def _duplicates(found: list[_Found]) -> list[errors.Finding]:
    seen: dict[tuple[str, str], str] = {}
    findings = []
    for entry in found:
        other = seen.setdefault((entry.kind, entry.key), entry.file)
        if other != entry.file:
            text = "'{key}' stands in {other} too; remove one"
            findings.append(_finding(entry.file, "duplicate-key", text, key=entry.key, other=other))
    return findings


def _too_long(resources: Mapping[str, bytes], found: list[_Found]) -> list[errors.Finding]:
    """Return what the tables have no room for: names of files, keys, tags of versions."""
    findings: list[errors.Finding] = []
    for file in resources:
        findings += _refused(file, Resource.name, file, "a file name")
    for entry in found:
        findings += _refused(entry.file, Definition.key, entry.key, "an id")
        findings += _refused(entry.file, Definition.version_tag, entry.version_tag, "a version tag")
    return findings


def _refused(file: str, column: object, value: str | None, name: str) -> list[errors.Finding]:
    try:
        require_room(column, value, name)
    except errors.InvalidInput as error:
        return [errors.Finding(code=error.code, file=texts.storable(file, limit=255), phrase=error.phrase)]
    return []


# -- storing -----------------------------------------------------------------------------------------------------------


def _store(
    session: Session, resources: Mapping[str, bytes], digests: Mapping[str, str], name: str, by: str | None
) -> tuple[Deployment, dict[str, int]]:
    whole = history.deployment_digest(digests)
    deployment = Deployment(name=name[:255], sha256=whole, created_at=clock.now(), created_by=by)
    session.add(deployment)
    session.flush()
    ids: dict[str, int] = {}
    for file, source in resources.items():
        row = Resource(deployment_id=deployment.id, name=file, sha256=digests[file], content=source)
        session.add(row)
        session.flush()
        ids[file] = row.id
    return deployment, ids


def _version(session: Session, deployment: Deployment, entry: _Found, resource_id: int, digest: str) -> Definition:
    try:
        version = definitions.latest(session, entry.kind, entry.key).version + 1
    except errors.NotFound:
        version = 1
    row = Definition(
        kind=entry.kind,
        key=entry.key,
        version=version,
        name=entry.name[:255],
        version_tag=entry.version_tag,
        deployment_id=deployment.id,
        resource_id=resource_id,
        sha256=digest,
        executable=entry.executable,
        suspended=False,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row
