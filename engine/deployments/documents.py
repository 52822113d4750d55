"""Documents that were deployed, and what they name: elements of processes, fields of forms, facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from casepath.engine import errors, forms
from casepath.engine.bpmn import ProcessSpec, StartEvent, UserTask
from casepath.engine.database import facts
from casepath.engine.database.models import Definition
from casepath.engine.deployments import definitions
from casepath.engine.forms import Document
from casepath.engine.phrases import Phrase

#: Of what is wrong with a document.
CODE = "document"


def newest(session: Session, key: str) -> Document:
    """Return the newest version of a document: it is printed as it is now, whenever its matter began. `NotFound`."""
    try:
        found = definitions.latest(session, "document", key)
    except errors.NotFound:
        raise errors.NotFound("document", key) from None
    return _parsed(session, found)


def every(session: Session) -> list[Document]:
    """Return the newest version of each document, by title."""
    return [_parsed(session, found) for found in definitions.list_definitions(session, "document")]


def _parsed(session: Session, found: Definition) -> Document:
    def parsed(file: bytes) -> Document:
        return forms.documents.parse(found.key, file.decode("utf-8-sig"))

    return definitions.declaration(session, found, parsed)


def read(file: str, key: str, content: bytes) -> Document:
    """Return the document of a file; raises `DeploymentRefused` where something in it cannot be read."""
    try:
        return forms.documents.parse(key, content.decode("utf-8-sig"))
    except errors.InvalidInput as error:
        raise errors.DeploymentRefused([errors.Finding(code=error.code, file=file, phrase=error.phrase)]) from None


def unfit(
    session: Session, named: Mapping[str, Document], specs: Sequence[ProcessSpec], sources: Mapping[str, bytes]
) -> Iterator[errors.Finding]:
    """
    Yield what documents, by their files, name and is not there.

    `specs` are the processes and `sources` the forms by key that come with them; what has come before counts as well.
    A field that no form of an element has is an error; an element, process or fact may still come.
    """
    if not named:
        return
    processes = {spec.key: spec for spec in (*_deployed(session), *specs)}
    asked, declared = _asked(session, processes.values(), sources), _declared(processes.values())
    for file, document in named.items():
        for key in sorted(document.processes - processes.keys()):
            yield _warning(
                file, "unknown-process", "Expected a process that is there, but nobody has '{key}'", key=key
            )
        mentions = list(forms.documents.mentions(document))
        for element in sorted({element for element, _, _ in mentions} - asked.keys()):
            yield _warning(
                file, "unknown-element", "Expected an element at which people fill in a form, but nobody has '{key}'",
                key=element,
            )  # fmt: skip
        for element, line in {element: line for element, _, line in reversed(mentions)}.items():
            if "step" in asked.get(element, ()):
                yield _finding(
                    file, CODE, "Line {line}: the form at “{element}” has a field “step”, which says here who did it",
                    line=line, element=element,
                )  # fmt: skip
        for element, field, line in mentions:
            if field not in (None, "step", *(asked.get(element) or [field])):
                yield _finding(
                    file, CODE, "Line {line}: expected a field of the form at “{element}”, but found “{field}”",
                    line=line, element=element, field=field,
                )  # fmt: skip
        for name in sorted(set(forms.documents.facts(document)) - declared):
            yield _warning(
                file, "unknown-fact", "Expected a fact that a process declares, but nobody has '{key}'", key=name
            )


def known(session: Session) -> dict[str, set[str]]:
    """Return the elements at which people fill in a form and the facts, by the kind of what documents name."""
    processes = list(_deployed(session))
    return {"element": set(_asked(session, processes, {})), "fact": _declared(processes)}


def _deployed(session: Session) -> Iterator[ProcessSpec]:
    for found in definitions.list_definitions(session, "process"):
        if found.executable:
            yield definitions.process(session, found.id)


def _asked(session: Session, specs: Iterable[ProcessSpec], sources: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Return what is asked at each element that people fill in a form at, by its id; nothing where none is known."""
    found: dict[str, set[str]] = {}
    for spec in specs:
        for node in spec.nodes.values():
            key = node.form_key if isinstance(node, StartEvent | UserTask) else None
            name = key if isinstance(key, str) or key is None else key.text
            if isinstance(node, UserTask) or name is not None:
                form = definitions.coming_form(session, name, sources) if name is not None else None
                found.setdefault(node.bpmn_id, set()).update(field.key for field in (form.fields if form else ()))
    return found


def _declared(specs: Iterable[ProcessSpec]) -> set[str]:
    """Return the facts that processes declare."""
    return {name for spec in specs for name in facts.declared(spec.properties.get("facts", ""))}


def _finding(file: str, code: str, text: str, /, **found: object) -> errors.Finding:
    return errors.Finding(code=code, file=file, phrase=Phrase(text, **found))


def _warning(file: str, code: str, text: str, /, **found: object) -> errors.Finding:
    return errors.Finding(level="warning", code=code, file=file, phrase=Phrase(text, **found))
