"""
Topics that tell people something: `notify`, `remind`, `escalate` and `dispatch`.

Inputs: `recipients` (`user:wang`, `group:customer_director`, `task:contact` for whoever has that user task of the same
process instance, or just a name), `subject`, `text`, and `document`, the key of an archived document or the beginning
of the name of a file, which an e-mail carries: one that the engine made, else one of people; `dispatch` has to have one
and needs no subject. With `open_tasks` the text ends with what is open in the matter, who has it, and until when;
with `once_a_day` nobody gets a second one of the kind about a matter on one day. Everybody gets a notice inside the
product; those with an address an e-mail too, where e-mail is configured. Notices and mails are written in the
transaction that completes the task; the mails are sent afterwards, by `outbox`.

Each reader gets `<activity>.subject` and `<activity>.text` of `texts.zh.json` or `texts.en.json` beside the diagram, if
they are there, expressions as the inputs are; `words.<variable>` is there a value as people read it in that language:
by its `variables.<variable>.<value>`, the options of forms or the names of groups, lists, yes and no, local times.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from casepath.engine import errors, papers
from casepath.engine.deployments import definitions, documents
from casepath.engine.expressions import Environment, Expression, compile_expression
from casepath.engine.instances import attachments, notifications
from casepath.engine.instances.wordings import Wording
from casepath.engine.people import identity
from casepath.engine.people.account_rules import LANGUAGES
from casepath.engine.people.authorization import ENGINE
from casepath.engine.queries import deployed, user_task, vocabulary
from casepath.workers import Result, Unrecoverable, Work, topic
from casepath.workers.documents import file_name

log = logging.getLogger(__name__)

#: The language of diagrams, which readers get where there are no other words.
OWN = "zh_CN"


@dataclass(frozen=True, kw_only=True)
class Document:
    """An archived file."""

    id: int
    name: str
    size: int


@topic("notify", rehearsed=True)
def notify(work: Work) -> Result:
    """Tell people something."""
    return tell(work, "notice")


@topic("remind", rehearsed=True)
def remind(work: Work) -> Result:
    """Remind people of something that is due."""
    return tell(work, "reminder")


@topic("escalate", rehearsed=True)
def escalate(work: Work) -> Result:
    """Report to superiors that something was not done."""
    return tell(work, "escalation")


@topic("dispatch", rehearsed=True)
def dispatch(work: Work) -> Result:
    """Send an archived document to those concerned."""
    if work.task.business_key is None:
        raise Unrecoverable("Expected a business key, under which the document is kept, but found none")
    return tell(work, "notice", always_with_document=True)


def tell(work: Work, kind: str, *, always_with_document: bool = False) -> Result:
    """Find out who is told what; it is written when the task is completed."""
    with work.surroundings.readers.begin() as session:
        usernames = resolve(session, work.names("recipients"), work.task.process_instance_id)
        document = attached(session, work) if always_with_document or work.text("document") else None
        wording = Wording(subject=work.text("subject"), text=work.text("text"))
        if always_with_document and document is not None:
            wording = Wording(
                subject=wording.subject or f"{work.task.business_key} {document.name}",
                text=wording.text or f"{document.name} ({document.size:,} B)",
            )
        if not wording.subject.strip():
            raise Unrecoverable("Expected a subject, but found none")
        translated = translations(session, work, wording)
        wording = with_open_tasks(session, work, wording, OWN)
        attachment_id = document.id if document is not None else None

    def write(session: Session) -> None:
        notifications.notify(
            session,
            usernames,
            kind=kind,
            wording=wording,
            translated=translated,
            business_key=work.task.business_key,
            idempotency_key=work.task.idempotency_key,
            process_instance_id=work.task.process_instance_id,
            by_mail=work.surroundings.mail is not None,
            attachment_id=attachment_id,
            once_a_day=bool(work.task.variables.get("once_a_day")),
        )

    return Result(local_variables={"recipient_count": len(usernames)}, also=write)


def attached(session: Session, work: Work) -> Document:
    """Return the newest file of the matter that the diagram means; raises `Unrecoverable`."""
    key, name = work.task.business_key or "", work.text("document").strip()
    if not name:
        raise Unrecoverable("Expected a document, but found none")
    kept = attachments.list_of(session, key)
    own = [entry for entry in kept if entry.created_by == ENGINE.signature]
    with suppress(errors.NotFound):
        name = attachments.safe_name(file_name(key, documents.newest(session, name).title))
        # What people call so was not made from the document.
        kept = own
    # Who may add files to a matter has none of them sent in the place of what was archived: that is looked at last.
    found = [
        entry
        for entry in (*kept, *own)
        if entry.name.startswith(name) or entry.name.removeprefix(f"{key} ").startswith(name)
    ]
    if not found:
        titles = titles_of(session, work.task.definition_id, name)
        names = {attachments.safe_name(file_name(key, title)) for title in titles}
        found = [entry for entry in own if entry.name in names]
    if not found:
        raise Unrecoverable(f"Expected a document '{name}' with {key}, but found none")
    newest = found[-1]
    return Document(id=newest.id, name=newest.name, size=newest.size)


def titles_of(session: Session, definition_id: int, template: str) -> set[str]:
    """Return what a diagram calls the archive of a document that was never deployed: all steps, under that title."""
    found = set()
    for node in definitions.process(session, definition_id).nodes.values():
        inputs = {each.target: each.source.text for each in node.input_mappings if isinstance(each.source, Expression)}
        if inputs.get("template") == template:
            found.add(inputs.get("title") or definitions.definition(session, definition_id).name or "")
    return found


def translations(session: Session, work: Work, wording: Wording) -> dict[str, Wording]:
    """Return what is said in each language, where it is another thing than readers without one get."""
    deployment_id = definitions.definition(session, work.task.definition_id).deployment_id
    own = with_open_tasks(session, work, wording, OWN)
    found: dict[str, Wording] = {}
    for language in LANGUAGES:
        said = deployed.translation(session, deployment_id, file_language(language))
        here = Wording(
            subject=said.get(f"{work.task.element_id}.subject", ""), text=said.get(f"{work.task.element_id}.text", "")
        )
        # To know what everything is called takes longer than all else here, and few texts ask for it.
        words = in_words(session, work, language) if "words" in here.subject + here.text else {}
        subject = told(session, work, here.subject, words, wording.subject)
        text = told(session, work, here.text, words, wording.text)
        if (each := with_open_tasks(session, work, Wording(subject=subject, text=text), language)) != own:
            found[language] = each
    return found


def file_language(language: str) -> str:
    """Return how the files of deployments call the language of an account: `zh` for `zh_CN`."""
    return language.partition("_")[0]


def told(session: Session, work: Work, template: str, words: Mapping[str, Any], own: str) -> str:
    """Return an input as `template` has it, else, also where there is none, as the diagram: nothing is kept back."""
    if not template:
        return own
    environment = Environment(
        calendar=definitions.calendar(session),
        business_key=work.task.business_key,
        process_instance_id=work.task.process_instance_id,
    )
    try:
        variables = {"words": words, **work.task.variables}
        value = compile_expression(template).evaluate(variables, environment)
    except errors.ExpressionError as error:
        task = work.task
        log.warning("task %s: %r of %s is not translated: %s", task.id, template, task.element_id, error.message)
        return own
    return str(value).strip() or own


def in_words(session: Session, work: Work, language: str) -> dict[str, Any]:
    """Return the variables of a task with their values as people read them in a language; numbers stay numbers."""
    zone = ZoneInfo(work.surroundings.time_zone)
    code = file_language(language)
    called = vocabulary.of(session, code)
    return {
        name: papers.LANGUAGES[code].said(value, zone, called.values(name))
        if isinstance(value, str | bool | list | datetime)
        else value
        for name, value in work.task.variables.items()
    }


def with_open_tasks(session: Session, work: Work, wording: Wording, language: str) -> Wording:
    """Add one line for each open user task of the matter, where the diagram asks for it."""
    key = work.task.business_key
    if key is None or not work.task.variables.get("open_tasks"):
        return wording
    zone = ZoneInfo(work.surroundings.time_zone)
    lines = [wording.text]
    for task in user_task.open_in(session, key, "" if language == OWN else language):
        due = f" · {task.due_at.astimezone(zone):%Y-%m-%d %H:%M}" if task.due_at else ""
        who = papers.LANGUAGES[file_language(language)].separator.join(task.who)
        lines.append(f"· {task.name} · {who}{due}")
    return Wording(subject=wording.subject, text="\n".join(line for line in lines if line))


def resolve(session: Session, recipients: Iterable[str], process_instance_id: int) -> list[str]:
    """
    Return the user names that recipients stand for; raises `Unrecoverable` where one stands for nobody known.

    A user task stands for nobody once it is done, and who was to be told of it alone need not be any more.
    """
    found: set[str] = set()
    may_be_done = False
    for recipient in recipients:
        kind, _, name = recipient.rpartition(":")
        try:
            if kind == "group":
                identity.group(session, name)
                found |= identity.members(session, [name])
            elif kind == "task":
                found |= user_task.concerned(session, process_instance_id, name)
                may_be_done = True
            elif kind in ("", "user"):
                found.add(identity.get(session, name).username)
            else:
                raise Unrecoverable(f"Expected user:…, group:… or task:…, but found '{recipient}'")
        except errors.NotFound as error:
            raise Unrecoverable(error.message) from error
    if not found and not may_be_done:
        raise Unrecoverable("Expected at least one recipient, but found none")
    return sorted(found)
