"""
The topic that makes documents: `archive` writes the printable form of a matter and keeps it with it.

The sheet tells what people handed in, step by step in the order of time, each with who did it and when, exactly as the
history keeps it. It is one HTML file without anything from outside: it prints on A4 and can be read in twenty years.

Inputs: `template`, with which its name begins, and `title`, which stands above it: the name of the process without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import jinja2
from sqlalchemy.orm import Session

from casepath.engine.deployments import definitions
from casepath.engine.instances import attachments
from casepath.engine.people.authorization import ENGINE
from casepath.engine.queries import handed_in, people
from casepath.engine.queries.handed_in import Step
from casepath.workers import Result, Unrecoverable, Work, topic
from casepath.workers.readable import local, written

#: What stands where a value was erased.
ERASED = "（已删除）"

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
                by=ENGINE,
                process_instance_id=work.task.process_instance_id,
            )
    return Result(local_variables={"document": marker})


def sheet(session: Session, work: Work) -> bytes:
    """Return the sheet as HTML."""
    task = work.task
    zone = ZoneInfo(work.surroundings.time_zone)
    definition = definitions.definition(session, task.definition_id)
    reference = task.business_key or task.process_instance_id
    # Tried again later, it is the same sheet.
    steps = list(handed_in.steps(session, reference, until=task.created_at))
    names = people.names(session, {name for step in steps for name in (step.by, step.acted_for)})
    page = _templates.get_template("sheet.html").render(
        title=work.text("title") or definition.name,
        business_key=task.business_key,
        process=definition.name,
        version=definition.version,
        printed_at=local(task.created_at, zone),
        sections=[
            {
                "title": step.title,
                "round": step.round,
                "rows": list(rows(step, zone)),
                "by": names.get(step.by or "", step.by),
                "acted_for": names.get(step.acted_for or "", step.acted_for),
                "at": local(step.at, zone),
            }
            for step in steps
        ],
    )
    return page.encode()


def rows(step: Step, zone: ZoneInfo) -> Iterator[dict[str, str]]:
    """Yield what was handed in, in the order of the form; what the form does not name comes after it."""
    fields = step.form.fields if step.form is not None else ()
    for field in fields:
        label = field.label.text or field.key
        if field.key in step.erased:
            yield {"label": label, "value": ERASED}
        elif step.values.get(field.key) not in (None, "", []):
            options = {option.value: option.label.text for option in field.options}
            yield {"label": label, "value": written(step.values[field.key], zone, options)}
    for key in sorted((step.values.keys() | step.erased) - {field.key for field in fields}):
        if step.form is None or key in step.erased:
            value = ERASED if key in step.erased else written(step.values[key], zone, {})
            yield {"label": key, "value": value}
