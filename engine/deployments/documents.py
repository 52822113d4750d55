"""Documents that were deployed, and what they name: elements of processes, fields of forms, facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from casepath.engine import errors, forms
from casepath.engine.bpmn import ProcessSpec, StartEvent, UserTask, form_name
from casepath.engine.database import facts
from casepath.engine.database.models import Definition
from casepath.engine.deployments import definitions
from casepath.engine.forms import Document, Form
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
    known = _documents.get((found.key, found.sha256))
    if known is None:
        source = definitions.content(session, found.id).decode("utf-8-sig")
        known = _documents[found.key, found.sha256] = forms.documents.parse(found.key, source)
    return known


#: By key and the hash of the file, which never changes.
_documents: dict[tuple[str, str], Document] = {}


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
    asked = _asked(session, processes.values(), sources)
    known = {name for spec in processes.values() for name in facts.declared(spec.properties.get("facts", ""))}
    for file, document in named.items():
        for key in sorted(document.processes - processes.keys()):
            yield _warning(file, 1, "Expected a process that is there, but nobody has '{key}'", key=key)
        for element, field, line in forms.documents.mentions(document):
            if element not in asked:
                yield _warning(
                    file, line, "Expected an element at which people fill in a form, but nobody has '{key}'",
                    key=element,
                )  # fmt: skip
            elif field is not None and field != "step" and asked[element] and field not in asked[element]:
                yield _finding(
                    file, line, "Expected a field of the form at “{element}”, but found “{field}”",
                    element=element, field=field,
                )  # fmt: skip
        for name, line in forms.documents.facts(document):
            if name not in known:
                yield _warning(file, line, "Expected a fact that a process declares, but nobody has '{key}'", key=name)


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
            if isinstance(node, UserTask) or key is not None:
                form = _form(session, key if isinstance(key, str) or key is None else key.text, sources)
                found.setdefault(node.bpmn_id, set()).update(field.key for field in (form.fields if form else ()))
    return found


def _form(session: Session, key: str | None, sources: Mapping[str, bytes]) -> Form | None:
    if key is None:
        return None
    source = sources.get(form_name(key))
    return forms.parse(source, key) if source is not None else definitions.form(session, key)


def _finding(file: str, line: int, text: str, /, **found: object) -> errors.Finding:
    return errors.Finding(code=CODE, file=file, line=line, phrase=Phrase(text, **found))


def _warning(file: str, line: int, text: str, /, **found: object) -> errors.Finding:
    return errors.Finding(level="warning", code=CODE, file=file, line=line, phrase=Phrase(text, **found))
