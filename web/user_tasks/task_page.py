"""What the page of a user task shows: its form with what stands in it, guidance, the matter, and what one may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import g, render_template, request, url_for
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine import forms as engine_forms
from casepath.engine.forms import Form
from casepath.engine.instances import user_tasks
from casepath.engine.people import authorization
from casepath.engine.people.authorization import Person
from casepath.engine.queries import deployed, people, tasks, user_task
from casepath.engine.queries.tasks import TaskRow
from casepath.engine.queries.user_task import TaskDetail
from casepath.web import forms, languages, phrases
from casepath.web.languages import gettext
from casepath.web.names import named


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What a person may do to a task as it is now."""

    claim: bool
    unclaim: bool
    assign: bool
    delegate: bool
    #: To give a delegated task back to its owner; as the owner, to take it back.
    resolve: bool
    recall: bool
    complete: bool
    follow_up: bool
    #: The task is not this person's: whoever takes it away or hands it on says why.
    explains: bool


def visible(session: Session, task_id: int, person: Person) -> TaskDetail:
    """
    Return a task; raises `NotFound` for those who may not see it, as if it were not there.

    Its form is kept for this request, to show with its words what was typed and cannot be kept.
    """
    task = user_task.find(session, task_id)
    if not authorization.may_see_task(person, task.candidacy):
        raise errors.NotFound("user task", task_id)
    g.form = form_of(session, task)
    return named(session, task)


def rights(task: TaskDetail, person: Person) -> Rights:
    """Return what a person may do to a task."""
    is_open = task.state == "created" and not task.is_suspended
    has_it = task.assignee is not None
    may = authorization
    return Rights(
        claim=is_open and not has_it and may.may_claim(person, task.candidacy),
        unclaim=is_open
        and has_it
        and not task.candidacy.is_lent
        and may.may_unclaim(person, task.candidacy)
        and may.has_candidates(task.candidacy),
        assign=is_open and may.may_assign(person, task.candidacy),
        delegate=is_open and has_it and may.may_delegate(person, task.candidacy),
        resolve=is_open and task.candidacy.is_lent and task.assignee == person.username,
        recall=is_open and task.candidacy.is_lent and task.owner == person.username,
        complete=is_open and may.may_complete(person, task.candidacy),
        follow_up=is_open and has_it and may.may_set_follow_up(person, task.candidacy),
        explains=not may.may_hand_on(person, task.candidacy),
    )


def render(
    session: Session,
    task_id: int,
    person: Person,
    refusal: errors.InvalidInput | None = None,
    *,
    refused: str = "",
) -> str:
    """
    Return the page of a task; with a refusal, what was typed stays in the fields and what is wrong beside them.

    `refused` says what is wrong with another form of the page: who is to have the task, and when it is to come back.
    """
    task = visible(session, task_id, person)
    allowed = rights(task, person)
    variables = user_task.variables(session, task)
    shown = fields(task, variables, refusal)
    return render_template(
        "user_tasks/show.html",
        task=task,
        may=allowed,
        fields=shown,
        refused=[each for each in forms.flat(shown) if each.error] if refusal else [],
        other_errors=other_errors(shown, refusal),
        refused_action=refused,
        has_draft=bool(task.draft) and refusal is None,
        depends=has_conditions(g.form),
        guidance=deployed.guidance(session, task.definition_id, task.element_id, languages.chosen()),
        about=deployed.texts(session, task.definition_id).documentation.get(task.element_id, ""),
        summary=summary(session, task.definition_id, variables),
        groups=people.group_names(session),
        receivers=receivers(session, task, person) if allowed.assign else [],
        people=others(task, people.choices(session), person) if allowed.delegate else [],
    )


def render_fields(session: Session, task_id: int, person: Person) -> str:
    """Return only the fields, for what is typed at the moment."""
    task = visible(session, task_id, person)
    shown = fields(task, user_task.variables(session, task), typed=True)
    return render_template("forms/fragment.html", fields=shown, disabled=not rights(task, person).complete)


def fields(
    task: TaskDetail,
    variables: Mapping[str, Any],
    refusal: errors.InvalidInput | None = None,
    *,
    typed: bool = False,
) -> list[forms.Field]:
    """Return the fields of a task's form: filled with what was typed, else the draft, else the variables."""
    form = g.form
    if form is None:
        return []
    texts = forms.submitted(form, request.form) if refusal is not None or typed else task.draft
    return forms.fields(form, variables, texts=texts, refusal=refusal)


def drafted(session: Session, task: TaskDetail) -> dict[str, str | list[str]]:
    """Return what stands in the fields that are shown, those that are empty too: an unticked box stays so."""
    form = g.form
    if form is None:
        return forms.typed(request.form)
    texts = forms.submitted(form, request.form)
    hidden = engine_forms.hidden(form, user_task.variables(session, task), g.settings.zone, texts=texts)
    return {key: text for key, text in texts.items() if key not in hidden or text}


def form_of(session: Session, task: TaskDetail) -> Form | None:
    """Return the form of a task; None where it has none."""
    return deployed.form(session, task.form_key, task.definition_id)


def following(session: Session, task: TaskDetail, person: Person) -> TaskRow | None:
    """Return what the same person can do next in the same matter; None where others go on."""
    found = tasks.with_business_key(session, person, task.business_key) if task.business_key else []
    mine = next((row for row in found if row.assignee in {None, person.username}), None)
    return named(session, mine) if mine is not None else None


def completed_text(task: TaskDetail, following: TaskRow | None) -> Markup:
    """Return what is said when a task is completed, with a link to the next one."""
    said = escape(gettext("“%(task)s” is completed.", task=task.name))
    if following is None:
        return said
    link = Markup('<a href="{}">{}</a>').format(url_for("user_tasks.show", task_id=following.id), following.name)
    return said + " " + escape(gettext("Next in this matter:")) + " " + link


def has_conditions(form: Form | None) -> bool:
    """Tell whether what a form shows depends on what is typed."""
    return form is not None and form.has_conditions


def other_errors(shown: list[forms.Field], refusal: errors.InvalidInput | None) -> list[str]:
    """Return what is wrong and has no field on the page."""
    if not isinstance(refusal, errors.InvalidVariables):
        return [phrases.sentence(refusal)] if refusal else []
    known = {each.key for each in forms.flat(shown)}
    return [phrases.told(error.phrase) for error in refusal.errors if error.field not in known]


def summary(session: Session, definition_id: int, variables: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return label and value of what the start form asked for, as it stands now."""
    form = deployed.form(session, deployed.texts(session, definition_id).start_form_key, definition_id)
    if form is None:
        return []
    choices = forms.options(form)
    return [
        (label, forms.said(variables[key], choices.get(key, {})))
        for key, label in forms.labels(form).items()
        if variables.get(key) not in (None, "", [])
    ]


def receivers(session: Session, task: TaskDetail, person: Person) -> list[tuple[str, str]]:
    """Return whom a person can hand the task to: those who may have it."""
    among = user_tasks.circle(session, task.candidacy, person)
    found = people.choices(session) if among is None else people.choices(session, among)
    return others(task, found, person)


def others(task: TaskDetail, found: list[tuple[str, str]], person: Person) -> list[tuple[str, str]]:
    """Return these people without whoever has the task, and without oneself where there is nothing to take."""
    own = person.username if task.assignee or not authorization.has_candidates(task.candidacy) else ""
    return [each for each in found if each[0] not in {task.assignee, own}]
