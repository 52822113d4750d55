"""What runs without people: incidents, jobs, external tasks, e-mails and deliveries that wait, workers."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine.deployments import definitions, registers
from casepath.engine.instances import deliveries as delivery_queue
from casepath.engine.instances import external_tasks, incidents, jobs
from casepath.engine.instances import mails as mail_queue
from casepath.engine.people import authorization
from casepath.engine.queries import deliveries, deployed, mails, operations, people, watch
from casepath.engine.queries.operations import Place
from casepath.web import languages
from casepath.web.auth import requires
from casepath.web.languages import gettext
from casepath.web.navigation import row_id
from casepath.web.registers import wording
from casepath.web.user_tasks.inbox import key_from, key_text

bp = Blueprint("operations", __name__, url_prefix="/operations")

INCIDENT_STATES = ("open", "resolved")
JOB_STATES = ("waiting", "failed")
EXTERNAL_TASK_STATES = ("created", "locked", "failed")


@bp.get("/")
@requires(authorization.may_operate)
def index() -> str:
    """Show incidents."""
    state = chosen_state(INCIDENT_STATES) or "open"
    with g.readers.begin() as session:
        rows, below = operations.incidents(session, state=state, below=row_id(request.args.get("below")))
        return render_template(
            "operations/index.html",
            rows=rows,
            next=below,
            state=state,
            states=INCIDENT_STATES,
            counts=operations.counts(session),
            called=place_names(session, [row.place for row in rows]),
            names=people.names(session, [row.resolved_by for row in rows]),
        )


@bp.get("/jobs")
@requires(authorization.may_operate)
def job_list() -> str:
    """Show jobs: timers, continuations, messages on their way."""
    state = chosen_state(JOB_STATES) or "waiting"
    with g.readers.begin() as session:
        rows, after = operations.jobs(session, state=state, after=key_from(request.args.get("after")))
        return render_template(
            "operations/jobs.html",
            rows=rows,
            next=key_text(after),
            state=state,
            states=JOB_STATES,
            counts=operations.counts(session),
            called=place_names(session, [row.place for row in rows]),
        )


@bp.get("/external-tasks")
@requires(authorization.may_operate)
def external_task_list() -> str:
    """Show external tasks that have not ended."""
    state = chosen_state(EXTERNAL_TASK_STATES)
    with g.readers.begin() as session:
        after = row_id(request.args.get("after")) or 0
        rows, after_next = operations.external_tasks(session, state=state, after=after)
        return render_template(
            "operations/external_tasks.html",
            rows=rows,
            next=after_next,
            state=state,
            states=EXTERNAL_TASK_STATES,
            counts=operations.counts(session),
            called=place_names(session, [row.place for row in rows]),
        )


@bp.get("/mails")
@requires(authorization.may_operate)
def mail_list() -> str:
    """Show e-mails: at first those that a person should look at, where there are any."""
    with g.readers.begin() as session:
        counts = operations.counts(session)
        state = chosen_state(mails.STATES) or ("undeliverable" if counts["mail_undeliverable"] else "waiting")
        rows, below = mails.page(session, languages.chosen(), states=[state], below=row_id(request.args.get("below")))
        return render_template(
            "operations/mails.html",
            rows=rows,
            next=below,
            state=state,
            states=mails.STATES,
            counts=counts,
            oldest=mails.oldest(session),
        )


@bp.get("/deliveries")
@requires(authorization.may_operate)
def delivery_list() -> str:
    """Show what goes out through channels: at first what a person should look at, where there is any."""
    with g.readers.begin() as session:
        counts = operations.counts(session)
        state = chosen_state(deliveries.STATES) or next(
            (each for each in deliveries.TROUBLED if counts[f"delivery_{each}"]), "waiting"
        )
        below = row_id(request.args.get("below"))
        rows, following = deliveries.page(session, languages.chosen(), states=[state], below=below)
        return render_template(
            "operations/deliveries.html",
            rows=rows,
            next=following,
            state=state,
            states=deliveries.STATES,
            counts=counts,
            oldest=deliveries.oldest(session),
        )


@bp.get("/workers")
@requires(authorization.may_operate)
def worker_list() -> str:
    """Show which workers live, and what waits for them."""
    with g.readers.begin() as session:
        return render_template("operations/workers.html", watch=watch.look(session), counts=operations.counts(session))


@bp.post("/incidents/<int:incident_id>/resolve")
def resolve(incident_id: int) -> Response:
    """Have what is stuck tried again."""
    with g.sessions.begin() as session:
        incidents.resolve(session, incident_id, by=g.person)
    return tried_again("operations.index")


@bp.post("/jobs/<int:job_id>/retry")
def retry_job(job_id: int) -> Response:
    """Have a failed job executed again."""
    with g.sessions.begin() as session:
        jobs.retry(session, job_id, by=g.person)
    return tried_again("operations.job_list")


@bp.post("/external-tasks/<int:task_id>/retry")
def retry_external_task(task_id: int) -> Response:
    """Give an external task new attempts."""
    with g.sessions.begin() as session:
        external_tasks.set_retries(session, task_id, by=g.person)
    return tried_again("operations.external_task_list")


@bp.post("/external-tasks/<int:task_id>/unlock")
def unlock(task_id: int) -> Response:
    """Take an external task from a worker that does not answer any more."""
    with g.sessions.begin() as session:
        external_tasks.unlock(session, task_id, by=g.person)
    flash(gettext("It is free again; any worker may fetch it."), "success")
    return redirect(url_for(".external_task_list"), 303)


@bp.post("/mails/<int:mail_id>/retry")
def retry_mail(mail_id: int) -> Response:
    """Have an e-mail tried again."""
    with g.sessions.begin() as session:
        mail_queue.retry(session, mail_id, by=g.person)
    return tried_again("operations.mail_list")


@bp.post("/mails/<int:mail_id>/give-up")
def give_up_mail(mail_id: int) -> Response:
    """Have an e-mail not sent any more."""
    with g.sessions.begin() as session:
        mail_queue.give_up(session, mail_id, by=g.person)
    flash(gettext("It is not sent any more; the notice stays."), "success")
    return redirect(url_for(".mail_list"), 303)


@bp.post("/deliveries/<int:delivery_id>/retry")
def retry_delivery(delivery_id: int) -> Response:
    """Have a delivery tried again."""
    with g.sessions.begin() as session:
        delivery_queue.retry(session, delivery_id, by=g.person)
    return tried_again("operations.delivery_list")


@bp.post("/deliveries/<int:delivery_id>/give-up")
def give_up_delivery(delivery_id: int) -> Response:
    """Have a delivery not sent any more."""
    with g.sessions.begin() as session:
        delivery_queue.give_up(session, delivery_id, by=g.person)
    flash(gettext("It is not sent any more."), "success")
    return redirect(url_for(".delivery_list"), 303)


def tried_again(endpoint: str) -> Response:
    """Say that something will be tried again, and return to its list."""
    flash(gettext("It is tried again."), "success")
    return redirect(url_for(endpoint), 303)


def chosen_state(states: Iterable[str]) -> str:
    """Return the state of the address; nothing for one that makes no sense."""
    return next((state for state in states if state == request.args.get("state")), "")


def place_names(session: Session, places: Iterable[Place]) -> dict[tuple[int, str | None], str]:
    """Return what processes, elements in them, and registers are called, by definition and element id, if any."""
    found: dict[tuple[int, str | None], str] = {}
    for place in places:
        if place.definition_id is not None:
            definition = definitions.definition(session, place.definition_id)
            if definition.kind == "register":
                found[place.definition_id, None] = wording.name(registers.declared(session, definition.key))
                continue
            said = deployed.texts(session, place.definition_id, languages.of_names())
            found[place.definition_id, None] = said.called(definition.key, definition.name)
            if place.element_id is not None:
                found[place.definition_id, place.element_id] = said.names.get(place.element_id, place.element_id)
    return found
