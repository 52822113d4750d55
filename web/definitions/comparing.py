"""Two versions of a process with all that was deployed with them, or a draft and what is in force, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, g, render_template, request
from sqlalchemy.orm import Session

from casepath.engine import deployments, errors
from casepath.engine.deployments import comparison, definitions
from casepath.engine.instances import attachments
from casepath.engine.people import authorization
from casepath.engine.queries import deployed, versions
from casepath.engine.queries.versions import Version
from casepath.web import headers, languages, names
from casepath.web.auth import requires
from casepath.web.definitions import files
from casepath.web.definitions.differences import Reader
from casepath.web.navigation import row_id

bp = Blueprint("comparing", __name__, url_prefix="/processes")

#: Versions that can be chosen.
MAX_VERSIONS = 200


@bp.get("/show/<key>/compare")
def compare(key: str) -> str:
    """Show what is another in a version, the newest unless one is asked for, than in one before it."""
    headers.allow_style_attributes()
    with g.readers.begin() as session:
        newer = versions.one(session, "process", key, asked("to"))
        known, _ = versions.of_key(session, "process", key, limit=MAX_VERSIONS)
        earlier = asked("from") or max((each.version for each in known if each.version < newer.version), default=None)
        older = versions.one(session, "process", key, earlier or newer.version)
        sides = [versions.contents(session, each.deployment_id) for each in (older, newer)]
        name = versions.file_name(session, newer.id)
        made = deployments.purposes.made(session, {newer.deployment_id}).get(newer.deployment_id)
        # How many stand where is not for everybody, then as now.
        sees = authorization.may_see_standing(g.person)
        ran = [each for each in made.running if each.process == key] if made and sees else []
        said = deployed.texts(session, older.id, languages.of_names())
        return render_compared(
            session, sides, name, older, newer, known=known, made=made, ran=ran, texts=said,
            standing=_standing(session, older.id) if sees else None,
        )  # fmt: skip


@bp.post("/modeler/compare/<int:definition_id>")
@requires(authorization.may_deploy)
def compare_draft(definition_id: int) -> str:
    """Show what is another in what the editor holds than in the newest version of a process."""
    headers.allow_style_attributes()
    sent = request.files.get("diagram")
    if sent is None:
        raise errors.InvalidInput("Something is missing in what your browser sent.", code="nothing-sent")
    name = attachments.safe_name(sent.filename or "process.bpmn")
    content = sent.read()
    entered = _texts(request.form.get("english", ""))
    with g.readers.begin() as session:
        found = definitions.definition(session, definition_id)
        older = versions.one(session, "process", found.key)
        before = {**versions.companions(session, name), name: definitions.content(session, older.id)}
        after = {**before, name: content, **files.with_english(name, entered)}
        drawn = deployed.in_other_words(content, Reader.texts(after)).decode("utf-8", "replace")
        return render_compared(session, [before, after], name, older, draft=drawn)


def render_compared(
    session: Session,
    sides: list[dict[str, bytes]],
    name: str,
    older: Version,
    newer: Version | None = None,
    **more: Any,
) -> str:
    """Return the page of two versions; without `newer` of a draft."""
    before, after = sides
    try:
        compared, too_long = comparison.compare_apart(before, after), False
    except errors.InvalidInput:
        compared, too_long = [], True
    return render_template(
        "definitions/compare.html",
        process=names.version(session, newer or older),
        older=older,
        newer=newer,
        told=Reader(session, before, after).told(compared, name),
        too_long=too_long,
        **more,
    )


def _standing(session: Session, definition_id: int) -> Mapping[str, int]:
    """Return how many activities stand at each element of a version now, by its id."""
    return {key: each["count"] for key, each in versions.standing(session, definition_id)["elements"].items()}


def asked(name: str) -> int | None:
    """Return the number of a version in the address; raises `NotFound` for what is none."""
    text = request.args.get(name)
    number = row_id(text)
    if text and number is None:
        raise errors.NotFound("version", text[:20])
    return number


def _texts(sent: str) -> Mapping[str, object]:
    try:
        found = json.loads(sent or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
