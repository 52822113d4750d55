"""
What is printed: the documents that were deployed, filled with what the history of matters tells.

What people handed in is as it was handed in, in the step in which it was; what has not happened is not there. Steps,
files, and whether and when a matter ended are those of the moment for which it is printed, however late that is done;
facts and names are those that are known when it is done. What is said of a matter itself is that of its first
process instance, where several share its number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.models import Attachment, ProcessInstance
from casepath.engine.deployments import definitions, documents
from casepath.engine.forms import Document
from casepath.engine.papers import Paper, PaperLanguage
from casepath.engine.people import access
from casepath.engine.people.authorization import Person
from casepath.engine.queries import facts, handed_in, people, vocabulary
from casepath.engine.queries.handed_in import Step
from casepath.engine.queries.instances import Reference, belongs
from casepath.engine.queries.vocabulary import Vocabulary

#: Matters of one list.
MAX_MATTERS = 1_000


@dataclass(frozen=True, kw_only=True)
class Printing:
    """For when, by whom and on which clock something is printed."""

    at: datetime
    zone: ZoneInfo
    #: Full name; empty where nobody is named.
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class _Words:
    """What variables' values are called on paper."""

    language: PaperLanguage
    zone: ZoneInfo
    called: Vocabulary

    def say(self, name: str | None, value: Any) -> str:
        """Return a value as people read it."""
        return self.language.said(value, self.zone, self.called.values(name or ""))


def offered(session: Session, reference: Reference, printing: Printing) -> list[Document]:
    """Return the documents that can be printed of a matter now, by title."""
    keys = set(session.scalars(select(ProcessInstance.definition_key).where(belongs(reference))))
    mine = [each for each in _of_matters(session) if not each.processes or each.processes & keys]
    wanted = {name for each in mine if each.when is not None for name in each.when.free}
    known = _known(session, reference, printing, wanted, mine[0].language) if wanted else {}
    return [each for each in mine if each.is_offered(known, now=printing.at)]


def lists(session: Session) -> list[Document]:
    """Return the documents that list the matters of a period, by title."""
    return [each for each in documents.every(session) if each.is_list]


def of_matter(session: Session, document: Document, reference: Reference, printing: Printing) -> Paper:
    """Return a document as it reads for what happened in a matter until then; raises `ExpressionLimit`."""
    known = _known(session, reference, printing, _wanted(document), document.language)
    return _paper(session, document, known, printing)


def of_period(
    session: Session, document: Document, person: Person, first: date, last: date, printing: Printing
) -> Paper:
    """
    Return a list of the matters that a person may see and that began between two days, both of them included.

    Raises `InvalidInput` where they are more than one list holds, and `ExpressionLimit`.
    """
    instances = _begun(session, document, person, first, last, printing.zone)
    states = [_state(each, printing.at) for each in instances]
    period = {"from": first, "until": last, "count": len(states)}
    period |= {state: states.count(state) for state in ("open", "completed", "cancelled")}
    known = {**_printed(printing), "period": period, "matters": _each_known(session, document, instances, printing)}
    return _paper(session, document, known, printing)


def _paper(session: Session, document: Document, known: Mapping[str, Any], printing: Printing) -> Paper:
    words = _words(session, document.language, printing.zone)
    return document.paper(known, words.say, now=printing.at.astimezone(printing.zone))


def _words(session: Session, language: PaperLanguage, zone: ZoneInfo) -> _Words:
    return _Words(language=language, zone=zone, called=vocabulary.of(session, language.code))


def _of_matters(session: Session) -> Iterator[Document]:
    return (each for each in documents.every(session) if not each.is_list)


# -- what is known -----------------------------------------------------------------------------------------------------


def _printed(printing: Printing) -> dict[str, Any]:
    return {"printed_at": printing.at, "printed_by": printing.by or None}


def _known(
    session: Session, reference: Reference, printing: Printing, wanted: Collection[str], language: PaperLanguage
) -> dict[str, Any]:
    """Return what is known of a matter, of what takes time only what is wanted; raises `NotFound`."""
    first = session.scalars(select(ProcessInstance).where(belongs(reference)).order_by(ProcessInstance.id)).first()
    if first is None:
        raise errors.NotFound("matter", reference)
    steps = list(handed_in.steps(session, reference, until=printing.at)) if {"rounds", "steps"} & set(wanted) else []
    known = facts.of_matter(session, reference) if "facts" in wanted else {}
    files = list(_files(session, reference, until=printing.at)) if "files" in wanted else []
    names = _names(session, [first], steps, files)
    words = _words(session, language, printing.zone) if "steps" in wanted else None
    told = _Telling(session=session, names=names, language=language, printing=printing, words=words)
    own = told.of_instance(first, known, steps)
    return {**_printed(printing), **own, "files": [{**each, "by": told.person(each["by"])} for each in files]}


def _each_known(
    session: Session, document: Document, instances: Sequence[ProcessInstance], printing: Printing
) -> Iterator[dict[str, Any]]:
    wanted = _wanted(document)
    keys = [each.business_key for each in instances if each.business_key]
    steps = handed_in.steps_of_matters(session, keys, until=printing.at) if "rounds" in wanted else {}
    known = facts.of_roots(session, [each.id for each in instances]) if "facts" in wanted else {}
    names = _names(session, instances, [step for of_one in steps.values() for step in of_one], [])
    told = _Telling(session=session, names=names, language=document.language, printing=printing)
    for each in instances:
        yield told.of_instance(each, known.get(each.id, {}), steps.get(each.business_key or "", []))


def _wanted(document: Document) -> set[str]:
    return {name for use in document.uses for name in use.expression.free}


@dataclass(frozen=True, kw_only=True)
class _Telling:
    """What is needed to tell what happened in matters."""

    session: Session
    #: Full names by user names.
    names: Mapping[str, str]
    language: PaperLanguage
    printing: Printing
    #: Where there are none, the rows of steps are not told.
    words: _Words | None = None

    def of_instance(
        self, instance: ProcessInstance, known: Mapping[str, Any], steps: Sequence[Step]
    ) -> dict[str, Any]:
        """Return what is known of a matter, by its outermost process instance."""
        rounds: dict[str, list[dict[str, Any]]] = {}
        told: list[dict[str, Any]] = []
        for step in steps:
            about = self.about(step)
            erased = dict.fromkeys(step.erased, self.language.erased)
            rounds.setdefault(step.element_id or "", []).append({**step.values, **erased, "step": about})
            told.append({**about, "rows": list(_rows(step, self.words)) if self.words is not None else []})
        return {
            "number": instance.business_key,
            "process": definitions.definition(self.session, instance.definition_id).name,
            "state": _state(instance, self.printing.at),
            "started_at": instance.started_at,
            "started_by": self.person(instance.started_by),
            "ended_at": instance.ended_at if _has_ended(instance, self.printing.at) else None,
            "facts": dict(known),
            "rounds": rounds,
            "steps": told,
        }

    def about(self, step: Step) -> dict[str, Any]:
        """Return who did a step and when, beside its name."""
        by = self.person(step.by)
        if by and step.acted_for:
            by = self.language.acted_for.format(name=by, other=self.person(step.acted_for))
        at = self.language.said(step.at, self.printing.zone, {})
        return {
            "title": step.title + (self.language.round.format(number=step.round) if step.round > 1 else ""),
            "round": step.round,
            "by": by,
            "at": step.at,
            "signed": f"{by}　{at}" if by else at,
        }

    def person(self, username: str | None) -> str | None:
        """Return what somebody is called."""
        return self.names.get(username or "", username)


def _rows(step: Step, words: _Words) -> Iterator[dict[str, str]]:
    """Yield what was handed in, in the order of the form; behind it what was erased of what the form does not name."""
    language = words.language
    fields = step.form.fields if step.form is not None else ()
    for field in fields:
        label = vocabulary.said(field.label, language.code) or field.key
        if field.key in step.erased:
            yield {"label": label, "value": language.erased}
        elif step.values.get(field.key) not in (None, "", []):
            options = {option.value: vocabulary.said(option.label, language.code) for option in field.options}
            yield {"label": label, "value": language.said(step.values[field.key], words.zone, options)}
    for key in sorted((step.values.keys() | step.erased) - {field.key for field in fields}):
        if step.form is None or key in step.erased:
            value = language.erased if key in step.erased else language.said(step.values[key], words.zone, {})
            yield {"label": key, "value": value}


def _files(session: Session, reference: Reference, *, until: datetime) -> Iterator[dict[str, Any]]:
    if isinstance(reference, int):
        return
    query = select(Attachment.name, Attachment.created_at, Attachment.created_by).order_by(Attachment.id)
    query = query.where(Attachment.business_key == reference, Attachment.created_at <= until)
    for name, at, by in session.execute(query):
        yield {"name": name, "at": at, "by": by}


def _names(
    session: Session, instances: Iterable[ProcessInstance], steps: Iterable[Step], files: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    usernames = [each.started_by for each in instances] + [each["by"] for each in files]
    return people.names(session, [*usernames, *(name for step in steps for name in (step.by, step.acted_for))])


def _begun(
    session: Session, document: Document, person: Person, first: date, last: date, zone: ZoneInfo
) -> list[ProcessInstance]:
    begin, end = (datetime.combine(day, datetime.min.time(), zone) for day in (first, last + timedelta(days=1)))
    query = select(ProcessInstance).where(
        ProcessInstance.parent_id.is_(None),
        ProcessInstance.started_at >= begin,
        ProcessInstance.started_at < end,
        access.seen_by(person),
    )
    if document.processes:
        query = query.where(ProcessInstance.definition_key.in_(document.processes))
    found = list(session.scalars(query.order_by(ProcessInstance.id).limit(MAX_MATTERS + 1)))
    if len(found) > MAX_MATTERS:
        text = "A list has at most {limit} matters, and more began in this period; please choose a shorter one."
        raise errors.InvalidInput(text, code="period-too-long", limit=MAX_MATTERS)
    return found


def _has_ended(instance: ProcessInstance, at: datetime) -> bool:
    return instance.ended_at is not None and instance.ended_at <= at


def _state(instance: ProcessInstance, at: datetime) -> str:
    """Return what it was at a moment: `open`, `completed` or `cancelled`."""
    return instance.state if _has_ended(instance, at) else "open"
