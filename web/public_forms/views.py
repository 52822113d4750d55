"""
A form that anybody may send, where the installation allows it (`public_forms`): without an account, session or script.

What is sent is an item of its channel (`engine.instances.arrivals`), which starts a process in which people look at it
first. Whoever sends learns its number and nothing else: the form names no records, and what is typed is compared with
nothing. Programs are held off by a field that people do not see, by tickets, and by how much is taken in an hour.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.deployments import Channel, channels, definitions
from casepath.engine.forms import Form
from casepath.engine.instances import arrivals, process_instances
from casepath.engine.queries import deployed
from casepath.web import auth, forms, languages
from casepath.web.incoming.rates import Rates
from casepath.web.languages import gettext
from casepath.web.public_forms import tickets

bp = Blueprint("public_forms", __name__, url_prefix="/open")

#: Bytes of one form; what one address may try and send in an hour, and what all together may send through a channel.
MAX_BYTES = 64 * 1024
HOUR = timedelta(hours=1)
TRIES, SENT, OF_ALL = 60, 6, 60
TRIED, TAKEN = Rates(TRIES, HOUR), Rates(SENT, HOUR)
#: The ticket, and the field that is to stay empty: people do not see it.
TICKET, TRAP = "page.ticket", "website"


@bp.before_request
def choose_language() -> None:
    """Show the page in the language that its address or the browser asks for: there is no session to remember one."""
    if not g.settings.public_forms:
        abort(404)
    languages.ask_for(request.args.get("language") or request.accept_languages.best_match(("zh-CN", "en")) or "")


@bp.get("/<channel>")
@auth.program
def show(channel: str) -> str:
    """Show the form, empty."""
    with g.readers.begin() as session:
        return render(*opened(session, channel), {})


@bp.post("/<channel>")
@auth.program
def send(channel: str) -> Response | tuple[str, int]:
    """Take what was filled in, and tell its number; what does not fit is shown at its field."""
    if (request.content_length or 0) > MAX_BYTES:
        abort(413)
    address = request.remote_addr or ""
    with g.readers.begin() as session:
        found, form = opened(session, channel)
    keys = {field.key for field in form.fields}
    typed = {key: value for key, value in forms.typed(request.form).items() if key in keys}
    if not TRIED.count(address):
        return render(found, form, typed, gettext("That was very often. Please try again later, or call.")), 429
    if request.form.get(TRAP, "").strip():
        return render(found, form, typed, gettext("Please leave the last field empty and send it again.")), 422
    number = tickets.number(request.form.get(TICKET, ""), channel, typed)
    if number is None:
        if tickets.is_early(request.form.get(TICKET, "")):
            told = gettext("That was faster than anybody types. Please look through it and send it once more.")
        else:
            told = gettext("This page is too old. Please look through it and send it once more.")
        return render(found, form, typed, told), 422
    try:
        with g.sessions.begin() as session:
            if not arrivals.is_known(session, channel, number) and not has_room(session, channel, address):
                told = gettext("Just now there are too many. Please try again later, or call.")
                return render(found, form, typed, told), 429
            taken = arrivals.take(session, channel, "item", number, {"variables": typed})
            assert taken.process_instance_id is not None
            key = process_instances.get(session, taken.process_instance_id).business_key or ""
    except errors.InvalidVariables as refusal:
        return render(found, form, typed, refusal=refusal), 422
    if not taken.is_known:
        TAKEN.count(address)
    language = languages.chosen()
    return redirect(url_for(".received", channel=channel, number=tickets.told(key), language=language), 303)


@bp.get("/<channel>/received/<number>")
@auth.program
def received(channel: str, number: str) -> str:
    """Tell the number under which something has arrived."""
    key = tickets.telling(number)
    with g.readers.begin() as session:
        found, _ = opened(session, channel)
    if key is None:
        abort(404)
    return render_template("public_forms/received.html", name=name(found), number=key, channel=channel)


def has_room(session: Session, channel: str, address: str) -> bool:
    """Whether an address, and all together, may send one more through a channel in this hour."""
    return TAKEN.has_room(address) and arrivals.count_within(session, channel, HOUR, most=OF_ALL) < OF_ALL


def opened(session: Session, channel: str) -> tuple[Channel, Form]:
    """Return a channel open to everybody, with its form; raises `NotFound` also where that names records or people."""
    found = channels.declared(session, channel)
    if found.is_public and found.starts is not None:
        definition = definitions.latest(session, "process", found.starts.process)
        form = deployed.form(session, deployed.texts(session, definition.id).start_form_key, definition.id)
        # What is looked up would tell who is known here, a choice of people who works here.
        if form is not None and not form.lookups and not form.members_of:
            return found, form
    raise errors.NotFound("channel", channel)


def name(of: Channel) -> str:
    """Return what a channel is called in the language of the page."""
    return of.name if languages.is_chinese() or not of.name_en else of.name_en


def render(
    of: Channel, form: Form, typed: dict[str, Any], message: str = "", refusal: errors.InvalidVariables | None = None
) -> str:
    """Return the page with what was typed and what is wrong with it."""
    fields = forms.fields(form, texts=typed, refusal=refusal)
    return render_template(
        "public_forms/show.html",
        name=name(of),
        channel=of.key,
        fields=fields,
        refused=[each for each in forms.flat(fields) if each.error],
        message=message,
        # Whoever was too fast need not wait anew.
        ticket=tickets.kept(request.form.get(TICKET, "")),
        ticket_name=TICKET,
        trap=TRAP,
        is_trapped=bool(request.form.get(TRAP, "").strip()),
    )
