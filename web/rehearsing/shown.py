"""How a rehearsal stands, as its page shows it; read in the rehearsal, by its clock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import render_template, request
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine import rehearsal as rehearsals
from casepath.engine.deployments import definitions
from casepath.engine.forms import Form
from casepath.engine.people.authorization import Candidacy
from casepath.engine.queries import deployed, events, people, rounds, trails, user_task
from casepath.engine.queries.people import Choices
from casepath.engine.queries.versions import Version
from casepath.engine.rehearsal import Input, Rehearsal, Standing
from casepath.web import forms, guidance, languages, names, phrases
from casepath.web.languages import gettext
from casepath.web.process_instances import matter_page
from casepath.web.process_instances.timeline import Line, Teller, folded, mentioned
from casepath.web.rehearsing import asked
from casepath.web.user_tasks.task_page import depends_on_answers, other_errors


@dataclass(frozen=True, kw_only=True)
class Open:
    """Something that somebody can do now."""

    #: `start`, `complete`, `answer` or `message`.
    kind: str
    element: str
    number: int = 0
    title: str
    #: Who can do it; None where nobody has to.
    people: Choices | None = None
    topic: str = ""
    error: str = ""

    @property
    def key(self) -> str:
        """How the page names it."""
        return f"{self.kind}:{self.element}:{self.number}"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is about to be done, with its form."""

    of: Open | None = None
    fields: Sequence[forms.Field] = ()
    has_form: bool = False
    depends: bool = False
    guidance: str | None = None
    refused: Sequence[forms.Field] = ()
    other_errors: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A process instance with its diagram and the way it took."""

    id: int
    parent_id: int | None
    title: str
    definition_id: int
    #: JSON as `web/assets/viewer.js` reads it.
    path: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """The timeline, and what its elements are called."""

    lines: list[Line] = field(default_factory=list)
    tables: Mapping[int, Any] = field(default_factory=dict)


def render(
    session: Session,
    found: Rehearsal,
    process: Version,
    *,
    refusal: errors.EngineError | None = None,
    typed: bool = False,
) -> str:
    """Return the part of the page that is told by the clock of the rehearsal."""
    standing = rehearsals.of(session, languages.chosen())
    every = opened(session, standing, process.key)
    picked = chosen(session, standing, process.key, refusal=refusal, typed=typed, every=every)
    newest = definitions.latest(session, "process", process.key)
    drawn = diagrams(session, standing)
    shown_ids = {each.definition_id for each in drawn} or {newest.id}
    language = languages.of_names()
    diagram, english = asked.drawn()
    timeline = told(session, standing)
    return render_template(
        "rehearsing/standing.html",
        process=process,
        standing=standing,
        open=every,
        chosen=picked,
        refusal=phrases.sentence(refusal) if refusal and not picked.refused and not picked.other_errors else "",
        drawn=drawn,
        diagrams={each: deployed.diagram(session, each, language).decode("utf-8", "replace") for each in shown_ids},
        first_definition=drawn[0].definition_id if drawn else newest.id,
        due=[(element(session, each.definition_id, each.element_id), each.at) for each in standing.due],
        stuck=[(element(session, versions_of(standing)[each.process_instance_id or 0], each.element_id or ""), each)
               for each in standing.stuck],
        lines=timeline.lines,
        tables=timeline.tables,
        names=people.names(session, [each.username for each in standing.told]),
        steps=[step(session, each, process.key) for each in found.recording.inputs],
        recording=found.recording.dumps(),
        diagram=diagram,
        english=english,
        by=request.form.get("rehearsal.by", ""),
        typed_values=request.form.get("rehearsal.values", "") if typed else "",
    )  # fmt: skip


def versions_of(standing: Standing) -> dict[int, int]:
    """Return the definition of each process instance."""
    return {each.id: each.definition_id for each in standing.instances}


def element(session: Session, definition_id: int, element_id: str) -> str:
    """Return what an element is called."""
    texts = deployed.texts(session, definition_id, languages.of_names())
    return texts.names.get(element_id) or element_id


def opened(session: Session, standing: Standing, process: str) -> list[Open]:
    """Return all that can be done now; where nothing was begun, that it begins."""
    if not standing.instances:
        newest = definitions.latest(session, "process", process)
        texts = deployed.texts(session, newest.id, languages.of_names())
        among = Candidacy(candidate_groups=frozenset(texts.candidate_starters)) if texts.candidate_starters else None
        title, starters = texts.called(newest.key, newest.name), people.choices(session, among)
        return [Open(kind="start", element="", title=title, people=starters)]
    found = [
        Open(kind="complete", element=each.task.element_id, number=each.number,
             title=names.named(session, each.task).name, people=each.people)
        for each in standing.tasks
    ]  # fmt: skip
    found += [
        Open(kind="answer", element=each.element_id, number=each.number, topic=each.topic, error=each.error,
             title=element(session, each.definition_id, each.element_id))
        for each in standing.work
    ]  # fmt: skip
    awaited = {each.name: each for each in standing.messages}
    return found + [
        Open(kind="message", element=name, title=element(session, each.definition_id, each.element_id),
             people=people.choices(session))
        for name, each in awaited.items()
    ]  # fmt: skip


def chosen(
    session: Session,
    standing: Standing,
    process: str,
    *,
    refusal: errors.EngineError | None = None,
    typed: bool = False,
    every: Sequence[Open] | None = None,
) -> Chosen:
    """Return what is chosen, else what is open first, with the fields of its form as they are typed."""
    every = opened(session, standing, process) if every is None else every
    if not every:
        return Chosen()
    kind, at, number = asked.chosen()
    wanted = next((each for each in every if (each.kind, each.element, each.number) == (kind, at, number)), None)
    of = wanted or every[0]
    definition_id, form, variables = form_of(session, standing, of, process)
    wrong = refusal if isinstance(refusal, errors.InvalidInput) and wanted is not None else None
    if form is None:
        return Chosen(of=of, other_errors=other_errors([], wrong))
    texts = forms.submitted(form, request.form) if typed and wanted is not None else {}
    held = {} if of.kind == "start" else anew(session, standing, of, form, variables)
    filled = guidance.of_form(session, definition_id, form, held, texts)
    fields = forms.fields(form, held, texts=texts, refusal=wrong, filled=filled)
    return Chosen(
        of=of,
        fields=fields,
        has_form=True,
        depends=depends_on_answers(form),
        guidance=guidance.of_element(session, definition_id, of.element, form, variables, texts),
        refused=[each for each in forms.flat(fields) if each.error] if wrong else [],
        other_errors=other_errors(fields, wrong),
    )


def anew(
    session: Session, standing: Standing, of: Open, form: Form, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what stands in a form already: all but what every round answers anew."""
    task = task_of(standing, of)
    if task is None:
        return dict(variables)
    emptied = form.answered_anew(deployed.texts(session, task.definition_id).properties.get(task.element_id, {}))
    emptied -= rounds.given_to(session, task).keys()
    return {key: value for key, value in variables.items() if key not in emptied}


def task_of(standing: Standing, of: Open) -> user_task.TaskDetail | None:
    """Return the user task that is chosen, if it is one."""
    same = (each.task for each in standing.tasks if (each.task.element_id, each.number) == (of.element, of.number))
    return next(same, None) if of.kind == "complete" else None


def form_of(session: Session, standing: Standing, of: Open, process: str) -> tuple[int, Form | None, dict[str, Any]]:
    """Return definition, form and variables of what is chosen."""
    if of.kind == "start":
        newest = definitions.latest(session, "process", process)
        texts = deployed.texts(session, newest.id)
        return newest.id, deployed.form(session, texts.start_form_key, newest.id), {}
    if of.kind == "message":
        awaited = next(each for each in standing.messages if each.name == of.element)
        return awaited.definition_id, matter_page.message_form(session, awaited), {}
    task = task_of(standing, of)
    if task is None:
        return 0, None, {}
    form = deployed.form(session, task.form_key, task.definition_id)
    return task.definition_id, form, dict(user_task.variables(session, task))


def diagrams(session: Session, standing: Standing) -> list[Drawn]:
    """Return each process instance with the way it took, the first one first."""
    return [
        Drawn(
            id=each.id,
            parent_id=each.parent_id,
            title=f"{names.named(session, each).definition_name} #{each.id}",
            definition_id=each.definition_id,
            path=json.dumps(trails.trail(session, each.id)),
        )
        for each in standing.instances
    ]


def told(session: Session, standing: Standing) -> Told:
    """Return the timeline of all matters of the rehearsal, newest first; it leads nowhere outside."""
    rows = [row for matter in standing.matters for row in events.page(session, matter, limit=200).rows]
    if not rows:
        return Told()
    rows.sort(key=lambda row: row.id, reverse=True)
    changes = {name: kept for matter in standing.matters for name, kept in events.changes(session, matter).items()}
    teller = Teller(session, standing.instances, mentioned(rows), changes)
    wanted = [row for row in rows if events.is_of_people(row, events.handed_in(changes)) or row.kind == "timer.fired"]
    lines = [replace(line, began="") for line in folded([teller.tell(row) for row in wanted])]
    return Told(lines=lines, tables=matter_page.tables(session, lines, teller.words))


def step(session: Session, given: Input, process: str) -> str:
    """Return one input of the recording in words."""
    who = people.names(session, [given.by]).get(given.by, given.by) if given.by else gettext("nobody")
    what = called(session, given.element, process) if given.element else given.name
    match given.kind:
        case "start":
            return gettext("%(who)s begins it", who=who)
        case "complete":
            return gettext("%(who)s completes “%(what)s”", who=who, what=what)
        case "answer":
            return gettext("“%(what)s” is answered", what=what)
        case "error":
            return gettext("“%(what)s” answers the error %(code)s", what=what, code=given.name)
        case "message":
            return gettext("%(who)s reports “%(what)s”", who=who, what=what)
    if given.length:
        return gettext("Time passes: %(length)s", length=LENGTHS.get(given.length, lambda: given.length)())
    return gettext("Time passes until the next thing is due")


def called(session: Session, element_id: str, process: str) -> str:
    """Return what an element is called, by the process of this key before the others."""
    known = definitions.list_definitions(session)
    for each in sorted(known, key=lambda each: each.key != process):
        name = deployed.texts(session, each.id, languages.of_names()).names.get(element_id)
        if name:
            return name
    return element_id


LENGTHS = {
    "PT1H": lambda: gettext("1 hour"),
    "P1D": lambda: gettext("1 day"),
    "P2D": lambda: gettext("2 days"),
    "P7D": lambda: gettext("1 week"),
}
