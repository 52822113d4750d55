"""
The topic that makes documents: `archive` prints a document of a matter as PDF and keeps it with it.

Inputs: `template`, the key of a document that was deployed; without one all that people handed in is printed, step by
step, under `title` or the name of the process. The paper tells what had happened when the task began, so that it is the
same when it is tried again. It is set outside of any transaction, and kept in the one that completes the task: once.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from importlib import resources
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.deployments import definitions, documents
from casepath.engine.forms import Document
from casepath.engine.forms import documents as templates
from casepath.engine.instances import attachments
from casepath.engine.papers import PDF, Paper, pdf
from casepath.engine.people.authorization import ENGINE
from casepath.engine.queries import papers
from casepath.engine.queries.papers import Printing
from casepath.workers import Result, Unrecoverable, Work, topic


@topic("archive", rehearsed=True)
def archive(work: Work) -> Result:
    """Print a document of a matter and keep it; the same task keeps it once, however often it is tried."""
    key = work.task.business_key
    if key is None:
        raise Unrecoverable("Expected a business key, under which the document is kept, but found none")
    try:
        with work.surroundings.readers.begin() as session:
            paper = printed(session, work, key)
        content = pdf(paper)
    except (errors.ExpressionLimit, errors.InvalidInput) as error:
        raise Unrecoverable(error.message) from error
    name = file_name(key, paper.title)

    def keep(session: Session) -> None:
        attachments.add(
            session,
            key,
            name=name,
            content=content,
            media_type=PDF,
            by=ENGINE,
            process_instance_id=work.task.process_instance_id,
        )

    return Result(local_variables={"document": name}, also=keep)


def printed(session: Session, work: Work, key: str) -> Paper:
    """Return the paper that a task asks for."""
    task = work.task
    printing = Printing(at=task.created_at, zone=ZoneInfo(work.surroundings.time_zone))
    return papers.of_matter(session, template(session, work), key, printing)


def template(session: Session, work: Work) -> Document:
    """Return the document that a task names, or the one of all steps where it names none that was deployed."""
    try:
        return documents.newest(session, work.text("template"))
    except errors.NotFound:
        title = work.text("title") or definitions.definition(session, work.task.definition_id).name
        return replace(every_step(), title=title)


@functools.cache
def every_step() -> Document:
    """Return the document of all that people handed in."""
    file = resources.files("casepath.workers").joinpath("steps.md")
    return templates.parse("steps", file.read_text(encoding="utf-8"))


def file_name(key: str, title: str) -> str:
    """Return what the file of a document is called."""
    return f"{key} {title}.pdf"
