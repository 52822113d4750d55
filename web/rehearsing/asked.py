"""What a request brings of a rehearsal: the draft, the recording, and the step that somebody asks for."""

from __future__ import annotations

import json
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from casepath.engine import errors, rehearsal
from casepath.engine.queries import versions
from casepath.engine.queries.versions import Version
from casepath.engine.rehearsal import Draft, Input, Recording
from casepath.web import forms
from casepath.web.definitions import files
from casepath.web.navigation import row_id

#: Characters of values that are typed by hand.
MAX_VALUES = 100_000


def diagram() -> str:
    """Return the diagram that is drawn; empty where what is in force is rehearsed."""
    sent = request.files.get("diagram")
    return sent.read().decode("utf-8", "replace") if sent is not None else request.form.get("rehearsal.diagram", "")


def english() -> str:
    """Return the English names that were entered with the drawing, as JSON."""
    return request.form.get("english", request.form.get("rehearsal.english", ""))


def draft(session: Session, process: Version) -> Draft:
    """Return the files that are rehearsed: the drawing with what is deployed beside it; none without a drawing."""
    drawn = _once(diagram)
    if not drawn.strip():
        return Draft(files={}, process=process.key)
    name = versions.file_name(session, process.id)
    entered = _mapping(_once(english))
    beside = {**versions.companions(session, name), name: drawn.encode(errors="surrogatepass")}
    return Draft(files={**beside, **files.with_english(name, entered)}, process=process.key)


def recording(process: str) -> Recording:
    """Return the recording, without its last step or all of them where that is asked for; raises `InvalidInput`."""
    text = request.form.get("rehearsal.recording", "")
    found = rehearsal.read(text) if text and act() != "restart" else rehearsal.begun(process)
    if found.process != process:
        raise errors.InvalidInput("This is no recording of a rehearsal.", code="rehearsal-unreadable")
    return found.first(len(found.inputs) - 1) if act() == "undo" and found.inputs else found


def act() -> str:
    """Return what is asked for: `play`, `error`, `undo`, `restart`, or nothing."""
    return request.form.get("rehearsal.act", "")


def is_looking() -> bool:
    """Tell whether the form is only shown again as it is typed."""
    return not act() and "rehearsal.choose" not in request.form and "diagram" not in request.files


def chosen() -> tuple[str, str, int]:
    """Return kind, element and number of what is chosen to be done next; empty where nothing is."""
    text = request.form.get("rehearsal.choose") or request.form.get("rehearsal.chosen", "")
    kind, _, rest = text.partition(":")
    element, _, number = rest.rpartition(":")
    return (kind, element, row_id(number) or 0) if element or kind == "start" else ("", "", 0)


def step() -> Input | None:
    """Return the step that is asked for; None where there is none. Raises `InvalidInput`."""
    length = request.form.get("rehearsal.wait")
    if length is not None:
        if length:
            rehearsal.span(length)
        return Input(kind="wait", length=length)
    if act() not in ("play", "error"):
        return None
    kind, element, number = chosen()
    by = request.form.get("rehearsal.by", "").strip()[:255]
    typed: dict[str, Any] = {key: text for key, text in forms.typed(request.form).items() if "." not in key}
    if "rehearsal.values" in request.form:
        typed |= values(request.form["rehearsal.values"])
    match kind:
        case "start":
            return Input(kind="start", by=by, values=typed)
        case "complete":
            return Input(kind="complete", element=element, number=number, by=by, values=typed)
        case "answer" if act() == "error":
            code = request.form.get("rehearsal.code", "").strip()[:255]
            return Input(kind="error", element=element, number=number, name=code)
        case "answer":
            return Input(kind="answer", element=element, number=number, values=typed)
        case "message":
            return Input(kind="message", name=element, by=by, values=typed)
    raise errors.InvalidInput("Please choose what is to be done.", code="rehearsal-nothing-chosen")


def values(text: str) -> dict[str, Any]:
    """Return values that are typed by hand, one `name = value` in a line; raises `InvalidInput` for another line."""
    found: dict[str, Any] = {}
    for line in text[:MAX_VALUES].splitlines():
        name, sign, value = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not sign or not name:
            raise errors.InvalidInput(
                "Please write one value in a line, as name = value; “{line}” is none.",
                code="rehearsal-values",
                line=line[:100],
            )
        try:
            found[name] = json.loads(value)
        except (ValueError, RecursionError):
            found[name] = value
    return found


def _once(read: Any) -> str:
    """Return what can be read of the request once only."""
    key = f"rehearsal.{read.__name__}"
    if key not in request.environ:
        request.environ[key] = read()
    found: str = request.environ[key]
    return found


def drawn() -> tuple[str, str]:
    """Return the diagram and the English names, to stand in the form of the page again."""
    return _once(diagram), _once(english)


def _mapping(sent: str) -> dict[str, object]:
    try:
        found = json.loads(sent or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
