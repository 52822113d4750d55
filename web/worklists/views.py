"""The page of a worklist, and the way from one task to the next."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.queries import people
from casepath.web import facts, navigation
from casepath.web.names import named
from casepath.web.user_tasks import task_page
from casepath.web.worklists import today

bp = Blueprint("worklists", __name__, url_prefix="/worklists")

#: Tasks that the page lists; what stands behind them comes up as they are done.
SHOWN = 50

bp.add_app_template_global(today.entries, "worklists")
bp.add_app_template_global(today.current, "current_worklist")


@bp.get("/<process>")
def show(process: str) -> str:
    """Show what is due today."""
    with g.readers.begin() as session:
        worklist = today.named(session, g.person, process)
        found = today.rows(session, g.person, process)
        rows = [named(session, row) for row in found[:SHOWN]]
        return render_template(
            "worklists/show.html",
            worklist=worklist,
            rows=rows,
            count=len(found),
            facts=facts.of_instances(session, [row.process_instance_id for row in rows]),
            groups=people.group_names(session),
        )


@bp.post("/<process>/next")
def next_task(process: str) -> Response:
    """Go to the next task, which belongs to whoever asks from now on; `after` is one that is passed over."""
    with g.sessions.begin() as session:
        today.named(session, g.person, process)
        number = navigation.row_id(request.form.get("after"))
        try:
            after = task_page.visible(session, number, g.person) if number is not None else None
        except errors.NotFound:
            after = None  # Somebody has it meanwhile.
        task_id = today.begin(session, g.person, process, after=after)
    return redirect(url_for(".show", process=process) if task_id is None else today.address(task_id, process), 303)
