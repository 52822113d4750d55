"""What is done with several tasks of a list at once: each on its own, and whatever cannot be done says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from flask import Blueprint, flash, g, redirect, render_template, request
from flask_babel import ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.forms import Form
from casepath.engine.instances import incidents, user_tasks
from casepath.engine.people import access
from casepath.engine.queries import deployed, people, user_task
from casepath.engine.queries.user_task import TaskDetail
from casepath.web import filters, forms, languages, names, navigation, phrases
from casepath.web.errors import reason_of
from casepath.web.languages import gettext
from casepath.web.user_tasks import came_from, task_page

bp = Blueprint("several_tasks", __name__, url_prefix="/tasks/several")

#: Tasks that are done at once, and reasons that are told of those that cannot be.
MOST, TOLD = 50, 5
#: Fields of a form that can be filled in for several tasks at once.
SHORT = 8

Change = Callable[[Session, int], object]


@dataclass
class Outcome:
    """What came of it."""

    done: list[int] = field(default_factory=list)
    #: Why each task stays as it was that does.
    refused: dict[int, errors.EngineError] = field(default_factory=dict)


@bp.post("/claim")
def claim() -> Response:
    """Take tasks for oneself."""
    had: set[int] = set()

    def take(session: Session, task_id: int) -> None:
        before = user_tasks.get(session, task_id).assignee
        if user_tasks.claim(session, task_id, by=g.person).assignee == before:
            had.add(task_id)

    outcome = one_by_one(take)
    outcome.done = [task_id for task_id in outcome.done if task_id not in had]
    if had:
        flash(ngettext("%(num)s task was yours already.", "%(num)s tasks were yours already.", len(had)), "notice")
    return told(outcome, ngettext("%(num)s task is yours now.", "%(num)s tasks are yours now.", len(outcome.done)))


@bp.post("/assign")
def assign() -> Response:
    """Hand tasks to somebody."""
    reason = request.form.get("reason", "")
    with g.readers.begin() as session:
        to = people.chosen(session, request.form.get("to", ""))
        name = people.names(session, [to]).get(to, to)
    outcome = one_by_one(lambda session, task_id: user_tasks.assign(session, task_id, to, by=g.person, reason=reason))
    count = len(outcome.done)
    said = ngettext("%(num)s task is handed to %(name)s.", "%(num)s tasks are handed to %(name)s.", count, name=name)
    return told(outcome, said)


@bp.post("/follow-up")
def follow_up() -> Response:
    """Hide tasks from the lists until the morning of a day."""
    reason = request.form.get("late", "")
    try:
        at = filters.start_of_day(request.form.get("day", ""))
        if at is None:
            raise errors.InvalidInput("Please choose a day after today; that one has begun.", code="follow-up-over")
    except errors.InvalidInput as refusal:
        flash(phrases.sentence(refusal), "error")
        return redirect(came_from.address(), 303)
    outcome = one_by_one(
        lambda session, task_id: user_tasks.set_follow_up(session, task_id, at, by=g.person, reason=reason)
    )
    day, count = filters.day(at), len(outcome.done)
    said = ngettext(
        "%(num)s task is put off until %(day)s.", "%(num)s tasks are put off until %(day)s.", count, day=day
    )
    return told(outcome, said)


@bp.post("/form")
def form() -> str | Response:
    """Show the one form that is filled in for all of them; lead back where they have no such form."""
    with g.readers.begin() as session:
        found = [task_page.visible(session, task_id, g.person) for task_id in chosen()]
        if (reason := unlike(session, found)) is None:
            return page(session, found)
    flash(reason, "error")
    return redirect(came_from.address(), 303)


@bp.post("/complete")
def complete() -> Response | tuple[str, int]:
    """Complete tasks with what was filled in once; what does not fit the form is shown at its fields."""
    with g.readers.begin() as session:
        found = [task_page.visible(session, task_id, g.person) for task_id in chosen()]
        reason = unlike(session, found)
    if reason is not None:
        flash(reason, "error")
        return redirect(came_from.address(), 303)
    outcome = one_by_one(
        lambda session, task_id: user_tasks.complete(session, task_id, task_page.sent(session, task_id), by=g.person),
        within=lambda: incidents.noting(g.sessions),
    )
    count = len(outcome.done)
    done = ngettext("%(num)s task is completed.", "%(num)s tasks are completed.", count)
    unfit = {number: why for number, why in outcome.refused.items() if isinstance(why, errors.InvalidVariables)}
    if outcome.done and not unfit:
        return told(outcome, done)
    # What was typed stays, for those that may still be completed with it.
    left = [each for each in found if each.id in (unfit or outcome.refused)]
    others = {number: why for number, why in outcome.refused.items() if number not in unfit}
    say(Outcome(done=outcome.done, refused=others), done)
    with g.readers.begin() as session:
        return page(session, left, next(iter(unfit.values()), None), typed=True), 422 if unfit else 409


def page(
    session: Session, found: Sequence[TaskDetail], refusal: errors.InvalidInput | None = None, *, typed: bool = False
) -> str:
    """Return the page with the form that all of these tasks have; `typed` says whether it was sent already."""
    first = found[0]
    shape = task_page.form_of(session, first)
    shown: list[forms.Field] = []
    if shape is not None:
        # What else the first matter has may decide what is shown.
        own = {part.key for part in shape.fields}
        held = {key: value for key, value in user_task.variables(session, first).items() if key not in own}
        texts = forms.submitted(shape, request.form) if typed else {}
        shown = forms.fields(shape, held, texts=texts, refusal=refusal)
    return render_template(
        "user_tasks/several.html",
        tasks=found,
        name=first.name,
        fields=shown,
        refused=[each for each in forms.flat(shown) if each.error] if refusal else [],
        other_errors=task_page.other_errors(shown, refusal),
        about=filters.readable(
            deployed.texts(session, first.definition_id, languages.of_names()).documentation.get(first.element_id, "")
        ),
        depends=shape is not None and shape.has_conditions,
        listed=came_from.listed(),
        back=came_from.address(),
    )


def unlike(session: Session, found: Sequence[TaskDetail]) -> str | None:
    """Say why tasks cannot be completed with one form that is filled in once; None where they can."""
    if not found:
        return gettext("Please choose some tasks first.")
    first = found[0]
    if any((each.definition_key, each.element_id) != (first.definition_key, first.element_id) for each in found):
        return gettext("Only the same step of several matters can be completed at once; these are different ones.")
    shape = task_page.form_of(session, first)
    if any(task_page.form_of(session, each) != shape for each in found):
        return gettext("These tasks have different versions of their form; please complete them one by one.")
    if shape is None:
        return None
    if not is_plain(shape):
        return gettext("The form of this step is too long to be filled in for several matters at once.")
    for each in found:
        if is_answered(session, each, shape):
            return gettext(
                "Something of this form is answered in %(number)s already; please complete it by itself.",
                number=each.business_key or each.id,
            )
    return None


def is_plain(shape: Form) -> bool:
    """Tell whether a form is short, and names no records, which each matter has its own of."""
    return len(shape.fields) <= SHORT and not shape.lookups


def is_answered(session: Session, task: TaskDetail, shape: Form) -> bool:
    """Tell whether the matter has an answer of a form, or somebody has begun to fill it in: that would be lost."""
    variables = user_task.variables(session, task)
    anew = shape.answered_anew(deployed.texts(session, task.definition_id).properties.get(task.element_id, {}))
    held = [variables.get(part.key) for part in shape.fields if part.key not in anew]
    # An empty box is no answer; a zero is one.
    return any(task.draft.values()) or any(value is not False and value not in (None, "", []) for value in held)


def chosen() -> list[int]:
    """Return the tasks that are chosen, each once."""
    numbers = (navigation.row_id(text) for text in request.form.getlist("page.task"))
    return list(dict.fromkeys(number for number in numbers if number is not None))[:MOST]


def one_by_one(
    change: Change, *, within: Callable[[], AbstractContextManager[Session]] | None = None
) -> Outcome:
    """Do something to each of the tasks, in a transaction of its own; those that cannot be changed stay as they are."""
    outcome = Outcome()
    for task_id in chosen():
        try:
            with (within or g.sessions.begin)() as session:
                change(session, task_id)
        except errors.EngineError as refusal:
            outcome.refused[task_id] = refusal
        else:
            outcome.done.append(task_id)
    return outcome


def called(task_id: int) -> str:
    """Return what a task is called that its reader may see; only its number otherwise."""
    with g.readers.begin() as session:
        try:
            access.user_task(session, g.person, task_id)
        except errors.NotFound:
            return str(task_id)
        task = names.named(session, user_task.find(session, task_id))
    return f"{task.name} {task.business_key or ''}".strip()


def told(outcome: Outcome, done: str) -> Response:
    """Lead back to the list, which says what was done and what was not."""
    if not chosen():
        flash(gettext("Please choose some tasks first."), "error")
    say(outcome, done)
    return redirect(came_from.address(), 303)


def say(outcome: Outcome, done: str) -> None:
    """Have the next page say what was done and what was not."""
    if outcome.done:
        flash(done, "success")
    for task_id, why in list(outcome.refused.items())[:TOLD]:
        flash(gettext("%(task)s: %(reason)s", task=called(task_id), reason=reason_of(why)), "error")
    if (more := len(outcome.refused) - TOLD) > 0:
        flash(ngettext("%(num)s more stays as it was.", "%(num)s more stay as they were.", more), "error")
