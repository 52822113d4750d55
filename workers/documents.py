"""
The topic that makes documents: `archive` writes the printable form of a matter and keeps it with it.

The sheet has the fields of all forms of the process, in the order of the diagram, with what was entered and lines for
the signatures. It is one HTML file without anything from outside: it prints on A4 and can be read in twenty years.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from sqlalchemy.orm import Session

from casepath.engine.deployments import definitions
from casepath.engine.instances import attachments
from casepath.workers import Result, Unrecoverable, Work, topic

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("casepath.workers", "templates"), autoescape=True, undefined=jinja2.StrictUndefined
)


@topic("archive")
def archive(work: Work) -> Result:
    """Write the sheet of a matter and keep it; the same task keeps it once, however often it is tried."""
    key = work.task.business_key
    if key is None:
        raise Unrecoverable("Expected a business key, under which the document is kept, but found none")
    stem = work.text("template") or "form"
    name = f"{stem}-{key}.html"
    with work.surroundings.sessions.begin() as session:
        marker = f"{stem}-{key}"
        kept = [entry for entry in attachments.list_of(session, key) if entry.name == name]
        content = sheet(session, work)
        if not any(entry.sha256 == attachments.digest(content) for entry in kept):
            attachments.add(
                session,
                key,
                name=name,
                content=content,
                media_type="text/html",
                by=None,
                process_instance_id=work.task.process_instance_id,
            )
    return Result(local_variables={"document": marker})


def sheet(session: Session, work: Work) -> bytes:
    """Return the sheet as HTML."""
    task = work.task
    zone = ZoneInfo(work.surroundings.time_zone)
    definition = definitions.definition(session, task.definition_id)
    sections = [
        {"title": title, "rows": rows}
        for title, form in forms(session, task.definition_id)
        if (rows := list(filled(form, task.variables, zone)))
    ]
    page = _templates.get_template("sheet.html").render(
        title=definition.name,
        business_key=task.business_key,
        version=definition.version,
        printed_at=task.created_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        sections=sections,
    )
    return page.encode()


def forms(session: Session, definition_id: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the forms of a process with the names of the elements that have them, in the order of the diagram."""
    seen = set()
    for name, form_key in definitions.form_keys(session, definition_id):
        form = definitions.form(session, form_key, definition_id)
        if form is not None and form_key not in seen:
            seen.add(form_key)
            yield name, form


def filled(form: Mapping[str, Any], variables: Mapping[str, Any], zone: ZoneInfo) -> Iterator[dict[str, str]]:
    """Yield the fields of a form that have a value, with their labels."""
    for component in form.get("components", ()):
        if component.get("components"):
            yield from filled(component, variables, zone)
        key = component.get("key")
        if key and variables.get(key) not in (None, "", []):
            yield {"label": str(component.get("label") or key), "value": written(component, variables[key], zone)}


def written(component: Mapping[str, Any], value: Any, zone: ZoneInfo) -> str:
    """Return a value as people read it: labels of options, yes and no, local times."""
    labels = {option.get("value"): str(option.get("label")) for option in component.get("values", ())}
    if isinstance(value, list):
        return "、".join(labels.get(item, str(item)) for item in value)
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, (date, time, Decimal)):
        return str(value)
    return labels.get(value, str(value))
