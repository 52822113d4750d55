"""Matters: find one, see where it stands and how it came there, add to it, and repair it where one may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import errors, history, texts
from casepath.engine.instances import (
    attachments,
    comments,
    incidents,
    media_types,
    mentions,
    messages,
    process_instances,
    watches,
)
from casepath.engine.people import access
from casepath.engine.people.authorization import Person
from casepath.engine.queries import deployed, events, instances, papers, people, rounds, trails
from casepath.engine.queries.instances import Reference
from casepath.web import (
    facts,
    filters,
    headers,
    languages,
    mentioned,
    names,
    once,
    phrases,
    spreadsheets,
    uploads,
    workbooks,
)
from casepath.web.errors import wants_json
from casepath.web.languages import gettext
from casepath.web.navigation import row_id
from casepath.web.process_instances import asked, list_file, matter_page
from casepath.web.process_instances.sentences import noun
from casepath.web.process_instances.timeline import Teller, folded
from casepath.web.registers import lookups

bp = Blueprint("process_instances", __name__, url_prefix="/matters")

MAX_REASON = 1000
MAX_VARIABLE_NAME = 255
#: What `engine.history` may find.
WRONG = {
    "added": lazy_gettext("it was added afterwards."),
    "changed": lazy_gettext("it was changed."),
    "duplicated": lazy_gettext("it is there twice."),
    "earlier": lazy_gettext("it is dated before the one before it."),
    "erased": lazy_gettext("a value is gone, and no erasure says so."),
    "missing": lazy_gettext("it is missing."),
    "swapped": lazy_gettext("it changed places with another one."),
    "truncated": lazy_gettext("it was cut off, with what came after it."),
    "altered": lazy_gettext("something stored with it is not as its history tells."),
    "lost": lazy_gettext("something that its history tells of is gone."),
    "unrecorded": lazy_gettext("something is stored with it that no event tells of."),
}


@bp.get("/")
def index() -> str:
    """Show one page of the matters that the person may see."""
    with g.readers.begin() as session:
        wanted = asked.of(session, g.person)
        found = instances.page(session, g.person, wanted.filters, below=row_id(request.args.get("below")))
        groups = people.group_names(session)
        return render_template(
            "process_instances/index.html",
            page=replace(found, rows=[names.named(session, row) for row in found.rows]),
            facts=facts.of_instances(session, [row.id for row in found.rows]),
            who={row.id: names.holders(row.open_tasks, groups) for row in found.rows},
            asked=wanted,
            filters=wanted.filters,
            states=asked.STATES,
            definitions=names.processes(session),
            lists=papers.lists(session),
        )


@bp.get("/list.xlsx")
def list_xlsx() -> FlaskResponse:
    """Return the whole list, as far as a file reaches, as a workbook."""
    with g.readers.begin() as session:
        return workbooks.answer(gettext("Matters"), list_file.table(session, g.person))


@bp.get("/show/<matter:reference>")
def matter(reference: Reference) -> str:
    """Show a matter."""
    with g.readers.begin() as session:
        return matter_page.render(session, reference, g.person)


@bp.get("/instances/<int:instance_id>")
def instance(instance_id: int) -> Response:
    """Lead to the matter that an instance belongs to."""
    with g.readers.begin() as session:
        found = access.process_instance(session, g.person, instance_id)
        return redirect(url_for(".matter", reference=found.business_key or found.root_id or found.id))


@bp.get("/timeline/<matter:reference>")
def timeline(reference: Reference) -> str:
    """Return older events of a matter."""
    with g.readers.begin() as session:
        found = matter_page.found(session, g.person, reference)
        every_step = matter_page.wants_every_step(g.person)
        changes = events.changes(session, reference)
        of_people = None if every_step else events.handed_in(changes)
        page = events.page(session, reference, below=row_id(request.args.get("below")), of_people=of_people)
        usernames = matter_page.events_usernames(page.rows, changes)
        numbers = rounds.numbers(session, reference)
        teller = Teller(session, found, usernames, changes, rounds=numbers, every_step=every_step)
        lines = folded([teller.tell(entry) for entry in page.rows])
        return render_template(
            "process_instances/timeline.html",
            lines=lines,
            next=page.next,
            reference=reference,
            tables=matter_page.tables(session, lines, teller.words),
            day=request.args.get("day", ""),
        )


@bp.get("/timeline.csv/<matter:reference>")
def timeline_csv(reference: Reference) -> Response:
    """Return all events of a matter for a spreadsheet, in the reader's language and the time of the house."""
    with g.readers.begin() as session:
        found = matter_page.found(session, g.person, reference)
        rows = list(events.every(session, reference))
        changes = events.changes(session, reference)
        usernames = matter_page.events_usernames(rows, changes)
        teller = Teller(session, found, usernames, changes, rounds=rounds.numbers(session, reference), every_step=True)
        tells_names = teller.words.tells_names
        heads = [gettext("Process"), gettext("Event"), gettext("When"), gettext("Kind"), gettext("Element")]
        heads += [gettext("Round"), gettext("What happened"), gettext("Who"), gettext("Details"), gettext("Hash")]
        table: list[list[object]] = [[*heads, *([gettext("Instance"), gettext("Code")] if tells_names else [])]]
        for entry in rows:
            line = teller.tell(entry)
            told = [*line.details, *line.folded]
            pairs = (gettext("%(label)s: %(value)s", label=label, value=value) for label, value in told)
            details = gettext("; ").join([*line.reasons, *pairs])
            process, at = teller.processes[entry.definition_id], f"{filters.local(entry.at):%Y-%m-%d %H:%M:%S}"
            element = teller.element(entry.definition_id, entry.element_id)
            cells = [process, entry.sequence, at, noun(entry.kind), element, line.round or "", line.text]
            codes = [entry.process_instance_id, entry.kind] if tells_names else []
            who = teller.person(entry.by) if tells_names else line.by
            table.append([*cells, who, details, entry.hash, *codes])
    return spreadsheets.answer(f"{reference}.csv", table)


@bp.get("/instances/<int:instance_id>/diagram")
def diagram(instance_id: int) -> Response:
    """Return the diagram that an instance runs on."""
    with g.readers.begin() as session:
        instance = access.process_instance(session, g.person, instance_id)
        content = deployed.diagram(session, instance.definition_id, languages.of_names())
    return FlaskResponse(content, mimetype="application/xml")


@bp.get("/instances/<int:instance_id>/path")
def path(instance_id: int) -> Response:
    """Return the path that an instance has taken."""
    with g.readers.begin() as session:
        access.process_instance(session, g.person, instance_id)
        return jsonify(trails.trail(session, instance_id))


@bp.post("/comments/<path:business_key>")
def comment(business_key: str) -> Response | tuple[str, int]:
    """Add a comment."""
    sent = once.Submission()
    told: list[mentioned.Said] = []
    try:
        with g.sessions.begin() as session:
            is_new = sent.made(session) is None
            if is_new:
                text = request.form.get("text", "")
                comments.add(session, business_key, text, by=g.person)
                told = mentioned.told(session, business_key, text)
    except errors.InvalidInput as refusal:
        return again(business_key, "comment", refusal)
    mentioned.say(told)
    flash(gettext("The comment is added.") if is_new else once.told_before(), "success")
    return back(business_key)


@bp.post("/watch/<path:business_key>")
def watch(business_key: str) -> Response:
    """Be told of what happens in a matter, or no longer."""
    wanted = bool(request.form.get("watch"))
    try:
        with g.sessions.begin() as session:
            if wanted:
                watches.watch(session, business_key, by=g.person)
            else:
                watches.leave(session, business_key, by=g.person.username)
    except errors.InvalidInput as refusal:
        flash(phrases.sentence(refusal), "error")
    else:
        said = gettext("You will be told what happens here.") if wanted else gettext("You watch this no longer.")
        flash(said, "success")
    return redirect(url_for(".matter", reference=business_key), 303)


@bp.get("/people/<path:business_key>")
def mentionable(business_key: str) -> Response:
    """Return who may be mentioned about a matter and is called as is typed."""
    begun = texts.storable(request.args.get("q", "")[: mentions.LONGEST])
    with g.readers.begin() as session:
        access.matter(session, g.person, business_key)
        found = mentions.suggested(session, business_key, begun)
    return jsonify([{"username": username, "name": name} for username, name in found])


@bp.post("/attachments/<path:business_key>")
def attach(business_key: str) -> Response | tuple[str, int]:
    """Add files: all of them, or none; a script that sends them and stays on the page is told where to go on."""
    try:
        files = [(file.filename or "", file.read()) for file in uploads.chosen("files")]
        sent = once.Submission(*(part for name, content in files for part in (name.encode(), content)))
        with g.sessions.begin() as session:
            is_new = sent.made(session) is None
            for name, content in files if is_new else []:
                attachments.add(
                    session, business_key, name=name, content=content, by=g.person, max_size=uploads.MAX_BYTES
                )
    except errors.InvalidInput as refusal:
        if wants_json():
            raise
        return again(business_key, "files", refusal)
    flash(gettext("%(count)s files are added.", count=len(files)) if is_new else once.told_before(), "success")
    return jsonify(location=back(business_key).location) if wants_json() else back(business_key)


@bp.get("/files/<int:attachment_id>")
def file(attachment_id: int) -> Response:
    """Return a file; photos may be shown in the page, recordings played in it, the rest is downloaded."""
    with g.readers.begin() as session:
        found = attachments.get(session, attachment_id)
        try:
            access.matter(session, g.person, found.business_key)
        except errors.NotFound:
            raise errors.NotFound("attachment", attachment_id) from None
        content = attachments.content(session, attachment_id)
    answer = FlaskResponse(content, mimetype=found.media_type)
    is_played = found.media_type in media_types.PLAYED
    shown = (found.media_type in media_types.IMAGES or is_played) and "download" not in request.args
    answer.headers["Content-Disposition"] = headers.content_disposition(found.name, inline=shown)
    # Whatever it contains, it runs nothing.
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    if is_played:
        # Players ask for a part at a time; without that nobody can go to a place in it, and some play nothing at all.
        answer.make_conditional(request, accept_ranges=True, complete_length=len(content))
    return answer


@bp.post("/messages/<matter:reference>")
def message(reference: Reference) -> Response | tuple[str, int]:
    """Report what has happened: a message that an instance of the matter waits for."""
    name = request.form.get("report.message", "")
    sent = once.Submission()
    try:
        with incidents.noting(g.sessions) as session:
            matter_page.found(session, g.person, reference)
            is_new = sent.made(session) is None
            if is_new:
                report(session, reference, name)
    except errors.InvalidInput as refusal:
        return again(reference, f"message:{name}", refusal)
    said = gettext("It is reported; the process goes on accordingly.")
    flash(said if is_new else once.told_before(), "success")
    return back(reference)


def report(session: Session, reference: Reference, name: str) -> None:
    """Give a message to the instance of a matter that waits for it, with the values of its form."""
    awaited = matter_page.awaited(session, reference, name, g.person)
    messages.correlate(
        session, name, business_key=reference if isinstance(reference, str) else None,
        variables=lookups.sent(session, matter_page.message_form(session, awaited)),
        process_instance_id=awaited.process_instance_id, by=g.person,
    )  # fmt: skip


@bp.post("/instances/<int:instance_id>/<any(cancel, suspend, resume):verb>")
def switch(instance_id: int, verb: str) -> Response | tuple[str, int]:
    """Cancel, suspend or resume an instance."""
    return repaired(instance_id, verb, getattr(process_instances, verb))


@bp.post("/instances/<int:instance_id>/variables")
def set_variable(instance_id: int) -> Response | tuple[str, int]:
    """Change a variable by hand."""

    def command(session: Session, number: int, *, by: Person, reason: str) -> None:
        name, value = request.form.get("name", "").strip(), matter_page.typed_value(request.form.get("value", ""))
        if not name.isidentifier() or len(name) > MAX_VARIABLE_NAME:
            raise errors.InvalidInput(
                "The name of a variable has at most 255 letters, digits and '_', and no digit first; you wrote "
                "“{name}”.",
                code="variable-name",
                name=name,
            )
        process_instances.set_variables(session, number, {name: value}, by=by, reason=reason)

    return repaired(instance_id, "variables", command)


@bp.post("/instances/<int:instance_id>/tokens")
def move(instance_id: int) -> Response | tuple[str, int]:
    """Move tokens by hand: take some away, put one before an element."""

    def command(session: Session, number: int, *, by: Person, reason: str) -> None:
        numbers = [row_id(each) for each in request.form.getlist("cancel")]
        taken = [process_instances.CancelActivity(activity_instance=each) for each in numbers if each is not None]
        element_id = request.form.get("start_before", "")
        put = [process_instances.StartBefore(element_id=element_id)] if element_id else []
        if not put and not taken:
            raise errors.InvalidInput(
                "Please choose a token to take away, or an element to start before; neither was chosen.",
                code="moves-nothing",
            )
        process_instances.modify(session, number, [*put, *taken], by=by, reason=reason)

    return repaired(instance_id, "tokens", command)


def repaired(instance_id: int, form: str, command: Callable[..., None]) -> Response | tuple[str, int]:
    """Do something to an instance by hand, for a reason; shows the page again where what was typed does not fit."""
    with g.readers.begin() as session:
        instance = access.process_instance(session, g.person, instance_id)
        reference = instance.business_key or instance.root_id or instance.id
    try:
        reason = texts.checked(request.form.get("reason", ""), name="a reason", limit=MAX_REASON)
        with incidents.noting(g.sessions) as session:
            command(session, instance_id, by=g.person, reason=reason)
    except errors.InvalidInput as refusal:
        return again(reference, f"{form}-{instance_id}", refusal)
    flash(gettext("Done; it stands in the timeline."), "success")
    return back(reference)


@bp.get("/verify/<matter:reference>")
def verify(reference: Reference) -> str:
    """Verify the history of a matter."""
    with g.readers.begin() as session:
        found = matter_page.found(session, g.person, reference)
        problems = [problem for each in found for problem in history.verify_instance(session, each.id)]
    return render_template("process_instances/verified.html", problems=[(each, said(each)) for each in problems])


def said(problem: history.Problem) -> str:
    """Say what is wrong with an event of the history, or beside it."""
    where = {"number": problem.sequence, "instance": problem.process_instance_id}
    if problem.sequence:
        return gettext("Instance #%(instance)s, event %(number)s: ", **where) + str(WRONG[problem.what])
    return gettext("Instance #%(instance)s: ", **where) + str(WRONG[problem.what])


def again(reference: Reference, form: str, refusal: errors.InvalidInput) -> tuple[str, int]:
    """Return the page of the matter with a form that was refused, and what was typed into it."""
    with g.readers.begin() as session:
        return matter_page.render(session, reference, g.person, matter_page.Refused(form=form, error=refusal)), 422


def back(reference: Reference) -> Response:
    """Return to the page of the matter."""
    return redirect(url_for(".matter", reference=reference), 303)
