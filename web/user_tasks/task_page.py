"""What the page of a user task shows: its form with what stands in it, guidance, the matter, and what one may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import g, render_template, request, url_for
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine import forms as engine_forms
from casepath.engine.forms import Form
from casepath.engine.instances import receivers as user_task_receivers
from casepath.engine.instances.task_changes import Rule
from casepath.engine.people import access, authorization
from casepath.engine.people.authorization import Person
from casepath.engine.queries import begun, context, deployed, people, rounds, tasks, user_task
from casepath.engine.queries.rounds import Round
from casepath.engine.queries.tasks import TaskRow
from casepath.engine.queries.user_task import TaskDetail
from casepath.web import facts, filters, forms, guidance, languages, phrases, words
from casepath.web.languages import gettext
from casepath.web.names import named
from casepath.web.navigation import matter_address
from casepath.web.registers import lookups, matters
from casepath.web.user_tasks import around, came_from

#: Earlier rounds that a page shows; the timeline of the matter has them all.
MAX_ROUNDS = 20
#: How often a page asks what a task has begun: a worker does so at once, where one runs.
ASKED = 10


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
    #: Whether what is typed into the form is kept.
    keeps_draft: bool
    #: The user for whom one stands in here; None where one acts for oneself, or not at all.
    acts_for: str | None
    #: The task is not this person's: whoever takes it away or hands it on says why.
    explains: bool


@dataclass(frozen=True, kw_only=True)
class Lendable:
    """To whom a task can be lent: user names and names."""

    first: people.Choices
    others: people.Choices


def remember_form(session: Session, task_id: int) -> TaskDetail:
    """Keep the form of a task for this request, to show with its words what was typed and cannot be kept."""
    task = user_task.find(session, task_id)
    g.form = form_of(session, task)
    return task


def sent(session: Session, task_id: int) -> dict[str, Any]:
    """Return what this request has typed into the form of a task; raises `NotFound`."""
    return lookups.sent(session, form_of(session, user_task.find(session, task_id)))


def visible(session: Session, task_id: int, person: Person) -> TaskDetail:
    """Return a task; raises `NotFound` for those who may not see it, as if it were not there."""
    access.user_task(session, person, task_id)
    return named(session, remember_form(session, task_id))


def rights(task: TaskDetail, person: Person) -> Rights:
    """Return what a person may do to a task."""
    is_open = task.state == "created" and not task.is_suspended
    has_it, rules = task.assignee is not None, authorization

    def may(rule: Rule) -> bool:
        return is_open and rules.acting_as(person, rule, task.candidacy) is not None

    own = {person.username, *(each.username for each in person.stands_in_for)}
    tried = (rules.may_save_draft, rules.may_claim, rules.may_resolve, rules.may_assign)
    right_of = next((found for rule in tried if (found := rules.acting_as(person, rule, task.candidacy))), person)
    return Rights(
        claim=not has_it and may(rules.may_claim),
        unclaim=has_it
        and not task.candidacy.is_lent
        and may(rules.may_unclaim)
        and rules.has_candidates(task.candidacy),
        assign=may(rules.may_assign),
        delegate=has_it and may(rules.may_delegate),
        resolve=is_open and task.candidacy.is_lent and task.assignee in own,
        recall=is_open and task.candidacy.is_lent and task.owner in own,
        complete=may(rules.may_complete),
        follow_up=has_it and not task.is_overdue and may(rules.may_set_follow_up),
        keeps_draft=may(rules.may_save_draft),
        acts_for=(right_of.name or right_of.username) if is_open and right_of is not person else None,
        explains=not may(rules.may_hand_on),
    )


def render(
    session: Session,
    task_id: int,
    person: Person,
    refusal: errors.InvalidInput | None = None,
    *,
    refused: str = "",
    typed: bool = False,
) -> str:
    """
    Return the page of a task; with a refusal, what was typed stays in the fields and what is wrong beside them.

    `refused` says what is wrong with something else on the page: who is to have the task, when it is to come back, what
    is added to the matter. `typed` says whether what was typed into the form came along, and is shown again.
    """
    task = visible(session, task_id, person)
    allowed = rights(task, person)
    variables = user_task.variables(session, task)
    rounds_before = rounds.before(session, task)
    shown = fields(session, task, variables, rounds_before, refusal, typed=typed)
    return render_template(
        "user_tasks/show.html",
        task=task,
        may=allowed,
        fields=shown,
        rounds=earlier_rounds(session, rounds_before[-MAX_ROUNDS:]),
        earlier_rounds=len(rounds_before[:-MAX_ROUNDS]),
        round_number=rounds_before[-1].number + 1 if rounds_before else 1,
        refused=[each for each in forms.flat(shown) if each.error] if refusal else [],
        other_errors=other_errors(shown, refusal),
        refused_action=refused,
        has_draft=bool(task.draft) and refusal is None,
        depends=depends_on_answers(g.form) or deployed.depends(session, task.definition_id, task.element_id),
        guidance=guidance_for(session, task, variables, refusal=refusal, typed=typed),
        refusal=deployed.refusal(session, task.definition_id) if task.state == "created" else None,
        about=deployed.texts(session, task.definition_id, languages.of_names()).documentation.get(task.element_id, ""),
        context=in_context(session, task),
        open_matters=open_matters(session, task, variables, person),
        summary=summary(session, task.definition_id, variables),
        around=around.of(session, task, person),
        comment=request.form.get("matter.comment", ""),
        came_from=came_from,
        facts=facts.of_instances(session, [task.process_instance_id])[task.process_instance_id],
        groups=people.group_names(session),
        receivers=receivers(session, task, person) if allowed.assign else None,
        lendable=lendable(session, task, person) if allowed.delegate else None,
    )


def render_fields(session: Session, task_id: int, person: Person) -> str:
    """Return only the fields, for what is typed at the moment."""
    task = visible(session, task_id, person)
    variables = user_task.variables(session, task)
    shown = fields(session, task, variables, rounds.before(session, task), typed=True)
    told = guidance_for(session, task, variables, typed=True)
    disabled = not rights(task, person).complete
    return render_template("forms/fragment.html", fields=shown, disabled=disabled, guidance=told)


def guidance_for(
    session: Session,
    task: TaskDetail,
    variables: Mapping[str, Any],
    *,
    refusal: errors.InvalidInput | None = None,
    typed: bool = False,
) -> str | None:
    """Return the guidance as it reads for what stands in the form, as Markdown."""
    form: Form | None = g.form
    texts = forms.submitted(form, request.form) if form and (refusal is not None or typed) else task.draft
    return guidance.of_element(session, task.definition_id, task.element_id, form, variables, texts)


def fields(
    session: Session,
    task: TaskDetail,
    variables: Mapping[str, Any],
    rounds_before: Sequence[Round],
    refusal: errors.InvalidInput | None = None,
    *,
    typed: bool = False,
) -> list[forms.Field]:
    """
    Return the fields of a task's form: filled with what was typed, else the draft, else the variables.

    What every round answers anew begins empty, the last round's answer beside it; a task that is done shows what was
    handed in with it.
    """
    form = g.form
    if form is None:
        return []
    anew = form.answered_anew(deployed.texts(session, task.definition_id).properties.get(task.element_id, {}))
    if anew:
        anew -= rounds.given_to(session, task).keys()
    held = {key: value for key, value in variables.items() if key not in anew}
    texts = forms.submitted(form, request.form) if refusal is not None or typed else task.draft
    texts, copied = lookups.filled(session, form, texts or {})
    if task.state == "completed":
        held, texts = dict(rounds.handed_in(session, task)), {}
    earlier = None
    # Where several answered the last round beside each other, none of their answers is the one before this.
    if rounds_before and [each.number for each in rounds_before].count(rounds_before[-1].number) == 1:
        last = rounds_before[-1]
        answered = {key: value for key, value in last.values.items() if key in anew}
        earlier = forms.Earlier(caption=round_caption(session, last), values=answered)
    filled = guidance.of_form(session, task.definition_id, form, held, texts)
    shown = forms.fields(form, held, texts=texts, refusal=refusal, earlier=earlier, filled=filled)
    return lookups.shown(session, form, shown, {**held, **texts}, copied) if task.state == "created" else shown


def drafted(session: Session, task: TaskDetail) -> dict[str, str | list[str]]:
    """Return what stands in the fields that are shown, those that are empty too: an unticked box stays so."""
    form = g.form
    if form is None:
        return forms.typed(request.form)
    texts = forms.submitted(form, request.form)
    hidden = engine_forms.hidden(form, user_task.variables(session, task), g.settings.zone, texts=texts)
    return {key: text for key, text in texts.items() if key not in hidden or text}


def earlier_rounds(session: Session, rounds_before: Sequence[Round]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return of each earlier round, the last one first, when it was and what was answered: label and value."""
    form: Form | None = g.form
    if form is None:
        return []
    return [(round_caption(session, each), said(form, each.values)) for each in reversed(rounds_before)]


def round_caption(session: Session, of: Round) -> str:
    """Return which round it was, whose and when."""
    who = people.names(session, [of.by]).get(of.by or "", of.by or "")
    return gettext("Round %(number)s, %(name)s, %(when)s", number=of.number, name=who, when=filters.moment(of.at))


def said(form: Form, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return label and value of what is filled in, in the order of a form."""
    choices = forms.options(form)
    return [
        (label, forms.said(values[key], choices.get(key, {})))
        for key, label in forms.labels(form).items()
        if values.get(key) not in (None, "", [])
    ]


def form_of(session: Session, task: TaskDetail) -> Form | None:
    """Return the form of a task; None where it has none."""
    return deployed.form(session, task.form_key, task.definition_id)


def following(session: Session, task: TaskDetail, person: Person) -> TaskRow | None:
    """Return what the same person can do next in the same matter; None where others go on, or only later."""
    found = tasks.with_business_key(session, person, task.business_key) if task.business_key else []
    mine = next((row for row in found if row.assignee in {None, person.username} and not row.is_put_off), None)
    return named(session, mine) if mine is not None else None


def completed_text(session: Session, task: TaskDetail, following: TaskRow | None) -> Markup:
    """Return what is said when a task is completed, with links to what it has begun and to the next one."""
    said = escape(gettext("“%(task)s” is completed.", task=task.name)) + begun_text(session, task)
    if following is None:
        return said
    link = Markup('<a href="{}">{}</a>').format(url_for("user_tasks.show", task_id=following.id), following.name)
    return said + " " + escape(gettext("Next in this matter:")) + " " + link


def begun_text(session: Session, task: TaskDetail, tried: int = 0) -> Markup:
    """Return which matters a task has begun; as long as messages are on their way, the page asks again for them."""
    found = begun.after(session, task)
    if found.underway and tried < ASKED:
        again = url_for("user_tasks.begun", task_id=task.id, tried=tried + 1)
        pending = Markup('<span hx-get="{}" hx-trigger="load delay:1s" hx-swap="outerHTML"></span>')
        return Markup(" ") + pending.format(again)
    link = Markup('<a class="register-number" href="{}">{}</a>')
    links = Markup(" ").join(link.format(matter_address(number), number) for number in found.numbers)
    return Markup(" {} {}").format(gettext("Begun:"), links) if links else Markup()


def depends_on_answers(form: Form | None) -> bool:
    """Tell whether what a form shows depends on what is typed."""
    return form is not None and (form.has_conditions or bool(form.lookups))


def other_errors(shown: list[forms.Field], refusal: errors.InvalidInput | None) -> list[str]:
    """Return what is wrong and has no field on the page."""
    if not isinstance(refusal, errors.InvalidVariables):
        return [phrases.sentence(refusal)] if refusal else []
    known = {each.key for each in forms.flat(shown)}
    return [phrases.told(error.phrase) for error in refusal.errors if error.field not in known]


def in_context(session: Session, task: TaskDetail) -> list[tuple[str, str, bool]]:
    """
    Return label and value of what the diagram wants to be shown with a task, in its order.

    The third part says whether it is a telephone number.
    """
    shown = context.of(session, task)
    told = words.of(session, [task.definition_id]) if shown else None
    if told is None:
        return []
    return [(told.label(name), told.said(name, value), name in told.phones) for name, value in shown.items()]


def open_matters(
    session: Session, task: TaskDetail, variables: Mapping[str, Any], person: Person
) -> list[forms.KnownMatter]:
    """Return the other open matters of the records whose open ones the diagram wants to be shown with a task."""
    if task.state != "created":
        return []
    pointed = context.records(session, task, variables)
    found = matters.of(session, person, pointed, [], state="open") if pointed else []
    return [each for each in found if each.reference != task.reference]


def summary(session: Session, definition_id: int, variables: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return label and value of what the start form asked for, as it stands now."""
    form = deployed.form(session, deployed.texts(session, definition_id).start_form_key, definition_id)
    return said(form, variables) if form is not None else []


def receivers(session: Session, task: TaskDetail, person: Person) -> people.Choices:
    """Return whom a person can hand the task to: those who may have it."""
    right_of = authorization.acting_as(person, authorization.may_assign, task.candidacy) or person
    among = user_task_receivers.circle(session, task.candidacy, right_of)
    found = people.choices(session) if among is None else people.choices(session, among)
    return others(task, found, person)


def lendable(session: Session, task: TaskDetail, person: Person) -> Lendable:
    """Return whom a person can ask for help with the task: those who may have it first, then whoever works here."""
    first = others(task, people.choices(session, task.candidacy), person)
    everybody = others(task, people.choices(session), person)
    rest = [each for each in everybody.people if each not in first.people]
    return Lendable(first=first, others=replace(everybody, people=rest))


def others(task: TaskDetail, found: people.Choices, person: Person) -> people.Choices:
    """Return these people without whoever has the task, and without oneself where there is nothing to take."""
    own = person.username if task.assignee or not authorization.has_candidates(task.candidacy) else ""
    return replace(found, people=[each for each in found.people if each[0] not in {task.assignee, own}])
