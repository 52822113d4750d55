"""What the page of a matter shows: diagrams with the path, tasks, timeline, values, files, comments, and actions."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from flask import g, render_template, request
from flask import session as flask_session
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.deployments import definitions
from casepath.engine.forms import Form
from casepath.engine.instances import attachments, comments, incidents, media_types, process_instances, watches
from casepath.engine.people import access, authorization
from casepath.engine.people.authorization import Person
from casepath.engine.queries import (
    deliveries,
    deployed,
    events,
    instances,
    mails,
    notices,
    papers,
    people,
    present,
    rounds,
    tasks,
)
from casepath.engine.queries import facts as facts_of
from casepath.engine.queries.instances import Awaited, Reference
from casepath.engine.queries.papers import Printing
from casepath.engine.queries.rounds import Round
from casepath.engine.time import clock
from casepath.web import facts, forms, guidance, headers, languages, phrases, uploads, words
from casepath.web.names import named
from casepath.web.navigation import part_of, row_id
from casepath.web.process_instances.timeline import Line, Teller, folded, mentioned
from casepath.web.registers import lookups, matters, record_page, wording
from casepath.web.words import Words

T = TypeVar("T")
#: Variable → what it became, oldest first.
Changes = Mapping[str, list[events.Change]]

#: Which events the timeline tells.
READINGS = ("people", "all")
#: Sorts what no step of somebody has given behind all events.
BY_ITSELF = sys.maxsize

#: Incidents that a page names; all of them stand on the page *Operations*.
MAX_STUCK = 20
#: Process instances on one page, to be looked at and repaired.
MAX_INSTANCES = 20
#: Changes of one variable, and steps in which values became what they are; all of them stand in the timeline.
MAX_CHANGES, MAX_STEPS = 20, 50
#: Letters of a variable's value typed by hand.
MAX_VALUE = 100_000


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A form of the page that was refused; it is shown again with what was typed."""

    #: Which form: `comment`, `files`, `message:` with the name of the message, or a verb with the instance's number.
    form: str
    error: errors.InvalidInput

    @property
    def text(self) -> str:
        """What is wrong, where it is not said at single fields."""
        return "" if isinstance(self.error, errors.InvalidVariables) else phrases.sentence(self.error)


@dataclass(frozen=True, kw_only=True)
class Report:
    """Something that may be reported: a message that is waited for, with its form."""

    awaited: Awaited
    label: str
    about: str
    fields: list[forms.Field]
    refused: bool


@dataclass(frozen=True, kw_only=True)
class Value:
    """One variable with everything it has been."""

    name: str
    label: str
    value: str
    #: The newest ones, oldest first: the change, its step, the value.
    changes: list[tuple[events.Change, str, str]]
    change_count: int


@dataclass(frozen=True, kw_only=True)
class Known:
    """Values that became what they are in one step of somebody; or by themselves, where nobody is named."""

    title: str = ""
    round: int | None = None
    by: str | None = None
    at: datetime | None = None
    values: list[Value] = field(default_factory=list)


def render(session: Session, reference: Reference, person: Person, refused: Refused | None = None) -> str:
    """Return the page, with a form that was refused; raises `NotFound` for strangers."""
    headers.allow_style_attributes()
    views = found(session, person, reference)
    business_key = reference if isinstance(reference, str) else None
    notes, next_note = listed(session, business_key, "comments", comments.page)
    told, next_told = listed(session, business_key, "notices", partial(notices.of_matter, language=languages.chosen()))
    open_tasks, next_task = tasks.of_matter(session, reference, skipped=row_id(request.args.get("tasks")) or 0)
    files, next_file = listed(session, business_key, "files", attachments.page)
    changes = events.changes(session, reference)
    versions = {view.id: view.definition_id for view in views}
    stuck = incidents.list_open(session, *versions, limit=MAX_STUCK)
    every_step = wants_every_step(person)
    page = events.page(session, reference, of_people=None if every_step else events.handed_in(changes))
    rounds_of = rounds.numbers(session, reference)
    usernames = events_usernames(page.rows, changes)
    usernames += [note.created_by for note in notes] + [each.username for each in told]
    usernames += [view.started_by for view in views] + [each.created_by for each in files]
    teller = Teller(session, views, usernames, changes, rounds=rounds_of, every_step=every_step)
    involved = is_involved(session, person, reference)
    lines = folded([teller.tell(entry) for entry in page.rows])
    variables = present.of(session, reference)
    sent, next_sent = listed(
        session, business_key, "deliveries", partial(deliveries.of_matter, language=languages.chosen())
    )
    ranked, next_instance = part_of(by_rank(views)[::-1], "instances", size=MAX_INSTANCES)
    records, next_record = part_of(record_page.of_matter(session, reference), "records")
    steps = known(teller, changes, variables, rounds.together(session, reference))
    return render_template(
        "process_instances/show.html",
        reference=reference,
        business_key=business_key,
        facts=facts.named(teller.words, facts_of.of_matter(session, reference)),
        records=records,
        next_record=next_record,
        joined=matters.joined(session, person, reference),
        documents=papers.offered(session, reference, Printing(at=clock.now(), zone=g.settings.zone)),
        instances=[named(session, each) for each in ranked],
        next_instance=next_instance,
        newest=named(session, by_rank(views)[-1]),
        first=views[0],
        open_tasks=[named(session, each) for each in open_tasks],
        next_task=next_task,
        sees=lambda task: tasks.sees(person, task),
        lines=lines,
        tables=tables(session, lines, teller.words),
        next=page.next,
        every_step=every_step,
        # The first step is what the matter began with.
        known=[*steps[:1], *steps[1:][-MAX_STEPS:]],
        unshown_steps=max(len(steps) - 1 - MAX_STEPS, 0),
        unnamed=unnamed(teller, changes, variables),
        notes=notes,
        next_note=next_note,
        next_file=next_file,
        told=told,
        next_told=next_told,
        mails=mails.of_notices(session, [each.id for each in told]),
        deliveries=sent,
        next_sent=next_sent,
        recipients=wording.titles(session, person, {(each.register or "", each.record_key or "") for each in sent}),
        photos=[each for each in files if each.media_type in media_types.IMAGES],
        phone_photos=media_types.PHONE_PHOTOS,
        audio=media_types.AUDIO,
        played=media_types.PLAYED,
        files=files,
        names=teller.people,
        element_names={key: texts.names for key, texts in teller.texts.items()},
        groups=people.group_names(session),
        reports=reports(session, reference, refused) if authorization.may_report_to(person, involved=involved) else [],
        refusals=filter(None, {deployed.refusal(session, view.definition_id) for view in views if not view.ended_at}),
        stuck=stuck,
        unshown=incidents.count_open(session, list(versions)) - len(stuck),
        incident_names={
            each.id: teller.element(versions[each.process_instance_id or 0], each.element_id) for each in stuck
        },
        alive={view.id: instances.alive(session, view.id) for view in ranked if view.ended_at is None},
        may_add=business_key is not None and authorization.may_comment(person),
        is_watched=business_key is not None and watches.is_watched(session, business_key, person.username),
        may_take_proof=authorization.may_take_proof(person),
        may_repair=authorization.may_operate(person),
        refused=refused,
        max_files=uploads.MAX_FILES,
        max_bytes=uploads.MAX_BYTES,
        max_size=phrases.size(uploads.MAX_BYTES),
        typed=request.form if refused else {},
        taken=request.form.getlist("cancel") if refused else [],
    )


def listed(
    session: Session, business_key: str | None, name: str, page: Callable[..., tuple[list[T], int | None]]
) -> tuple[list[T], int | None]:
    """Return the page of a list that the address asks for, and below which id the next one begins."""
    if business_key is None:
        return [], None
    return page(session, business_key, below=row_id(request.args.get(name)))


def found(session: Session, person: Person, reference: Reference) -> list[instances.InstanceView]:
    """Return the process instances of a matter that a person may see, oldest first; raises `NotFound`."""
    if isinstance(reference, int):
        access.process_instance(session, person, reference)
    else:
        access.matter(session, person, reference)
    views = instances.of_matter(session, reference)
    if not views:
        raise errors.NotFound("matter", reference)
    return views


def by_rank(views: list[instances.InstanceView]) -> list[instances.InstanceView]:
    """Return process instances in the order of importance: what was called before what was begun, oldest first."""
    return sorted(views, key=lambda view: (view.parent_id is None, view.id))


def is_involved(session: Session, person: Person, reference: Reference) -> bool:
    """Tell whether somebody who may see a matter has a part in it, and does not only see every one."""
    if isinstance(reference, int):
        return access.is_part_of(session, person, process_instances.get(session, reference))
    return access.is_involved(session, person, reference)


def wants_every_step(person: Person) -> bool:
    """
    Tell whether the reader wants every event told, and not only those of people: as he says now or has said before.

    Who audits wants it, as long as he says nothing else.
    """
    asked = request.args.get("steps")
    if asked in READINGS:
        flask_session["steps"] = asked
    return bool(flask_session.get("steps", "all" if person.is_auditor else "people") == "all")


def known(
    teller: Teller, changes: Changes, present: Mapping[str, Any], together: Mapping[int, Mapping[int, Round]]
) -> list[Known]:
    """
    Return the values that have words, by the steps in which they became what they are, in the order of time.

    Of what several people said `together`, each in his own step, all is told.
    """
    steps: dict[int, Known] = {}
    for value in values(teller, changes, present):
        last = value.changes[-1][0] if value.changes else None
        if value.name not in teller.words.labels:
            continue
        if last is None or last.by not in teller.people:
            steps.setdefault(BY_ITSELF, Known()).values.append(value)
            continue
        began = Known(title=teller.step(last), round=teller.rounds.get(last.event_id), by=last.by, at=last.at)
        if last.event_id not in together:
            steps.setdefault(last.event_id, replace(began, values=[])).values.append(value)
        for event_id, of_one in together.get(last.event_id, {}).items():
            if of_one.values.get(value.name) not in (None, "", []):
                step = steps.setdefault(event_id, replace(began, by=of_one.by, at=of_one.at, values=[]))
                step.values.append(said_by_one(teller, value, of_one))
    return [replace(steps[key], values=told_apart(teller, steps[key].values)) for key in sorted(steps)]


def said_by_one(teller: Teller, value: Value, of: Round) -> Value:
    """Return a value as one of several people said it, each for himself: what the others said does not change it."""
    return replace(value, value=teller.words.said(value.name, of.values[value.name]), change_count=1)


def told_apart(teller: Teller, values: list[Value]) -> list[Value]:
    """Return values of which those with the same label name the process that gave them."""
    labels = Counter(value.label for value in values)
    return [
        replace(value, label=f"{value.label} · {teller.processes[value.changes[-1][0].definition_id]}")
        if labels[value.label] > 1 and value.changes
        else value
        for value in values
    ]


def unnamed(teller: Teller, changes: Changes, present: Mapping[str, Any]) -> list[Value]:
    """Return the values without words, by their names, for those only who look after the engine."""
    if not teller.words.tells_names:
        return []
    return [value for value in values(teller, changes, present) if value.name not in teller.words.labels]


def values(teller: Teller, changes: Changes, present: Mapping[str, Any]) -> Iterator[Value]:
    """Yield all that is known, in the order of the forms and then of the names, each with its newest changes."""
    told = teller.words
    order = {name: number for number, name in enumerate(told.labels)}
    now = {**{name: kept[-1].value for name, kept in changes.items()}, **present}
    for name, value in sorted(now.items(), key=lambda item: (order.get(item[0], len(order)), item[0])):
        kept = changes.get(name, [])
        if len(kept) > 1 or value not in (None, "", []):
            yield Value(
                name=name,
                label=told.label(name),
                value=told.said(name, value),
                changes=[(each, teller.step(each), told.said(name, each.value)) for each in kept[-MAX_CHANGES:]],
                change_count=len(kept),
            )


def events_usernames(rows: Iterable[events.Entry], changes: Mapping[str, list[events.Change]]) -> list[str | None]:
    """Return the user names in events and changes."""
    return [*mentioned(rows), *(change.by for kept in changes.values() for change in kept)]


def tables(session: Session, lines: Iterable[Line], told: Words) -> dict[int, words.Table]:
    """Return the tables of the decisions among the lines, by the id of the line."""
    shown: dict[int, words.Table] = {}
    for line in lines:
        found = deployed.decision_table(session, line.decision[0]) if line.decision else None
        if line.decision is not None and found is not None:
            shown[line.id] = words.table(session, line.decision[0], found, told)
    return shown


def reports(session: Session, reference: Reference, refused: Refused | None) -> list[Report]:
    """Return what may be reported in a matter, each message once."""
    reported: dict[str, Report] = {}
    for awaited_message in instances.awaited_messages(session, reference):
        if awaited_message.name in reported:
            continue
        texts = deployed.texts(session, awaited_message.definition_id, languages.of_names())
        error = refused.error if refused and refused.form == f"message:{awaited_message.name}" else None
        wrong = error if isinstance(error, errors.InvalidVariables) else None
        form = message_form(session, awaited_message)
        typed = forms.submitted(form, request.form) if wrong is not None and form is not None else None
        reported[awaited_message.name] = Report(
            awaited=awaited_message,
            label=texts.names.get(awaited_message.element_id, awaited_message.name),
            about=texts.documentation.get(awaited_message.element_id, ""),
            fields=report_fields(session, awaited_message, form, typed, wrong) if form else [],
            refused=error is not None,
        )
    return list(reported.values())


def report_fields(
    session: Session,
    awaited_message: Awaited,
    form: Form,
    typed: Mapping[str, Any] | None,
    refusal: errors.InvalidInput | None,
) -> list[forms.Field]:
    """Return the fields of the form with which something is reported."""
    filled = guidance.of_form(session, awaited_message.definition_id, form, {}, typed)
    shown = forms.fields(form, texts=typed, refusal=refusal, filled=filled)
    return lookups.offered(session, shown, lookups.registers_of(form))


def message_form(session: Session, awaited_message: Awaited) -> Form | None:
    """Return the form that belongs to the event of a message; None where it has none."""
    keys = definitions.start_forms(session, awaited_message.definition_id)
    return deployed.form(session, keys.get(awaited_message.element_id), awaited_message.definition_id)


def awaited(session: Session, reference: Reference, name: str, person: Person) -> Awaited:
    """Return the message of a matter that is waited for; raises `NotFound` or `NotWaiting`."""
    found(session, person, reference)
    for each in instances.awaited_messages(session, reference):
        if each.name == name:
            return each
    raise errors.NotWaiting(name, str(reference))


def typed_value(text: str) -> Any:
    """Return a value typed by hand: JSON where it is JSON, else the text itself."""
    if len(text) > MAX_VALUE:
        raise errors.InvalidInput(
            "A value has at most {limit} characters; this one has {length}.",
            code="value-too-long",
            limit=MAX_VALUE,
            length=len(text),
        )
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
