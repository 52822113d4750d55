"""Tell a load balancer whether this process can answer, and whether the engine behind it moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy
from flask import Blueprint, Flask, Response, g, jsonify
from sqlalchemy.orm import Session

from casepath.engine.people import authorization
from casepath.engine.queries import watch
from casepath.engine.queries.watch import Standstill, Watch
from casepath.engine.time import clock
from casepath.web import auth, navigation

bp = Blueprint("health", __name__)


def init_app(app: Flask) -> None:
    """Make `standstills()` known to templates."""
    app.jinja_env.globals["standstills"] = standstills


def standstills() -> Sequence[Standstill]:
    """Return what stands still, for those who can do something about it; nothing where the database does not answer."""
    return () if g.person is None or g.get("database_away", False) else _standstills()


@navigation.asked
def _standstills(session: Session) -> Sequence[Standstill]:
    return watch.standstills(session) if authorization.may_operate(g.person) else ()


@bp.get("/healthz")
@auth.public
def healthz() -> Response:
    """Answer 200 when the database answers."""
    with g.readers.begin() as session:
        session.execute(sqlalchemy.text("SELECT 1"))
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
@auth.public
def readyz() -> tuple[Response, int]:
    """Answer 200 while the engine moves, 503 with the reasons when it does not."""
    with g.readers.begin() as session:
        found = watch.look(session)
    answer = jsonify(as_json(found))
    answer.headers["Cache-Control"] = "no-store"
    return answer, 503 if found.standstills else 200


def as_json(found: Watch) -> dict[str, Any]:
    """Return what programs are told; ages in seconds. The names of machines are nobody's business here."""
    return {
        "ready": not found.standstills,
        "reasons": [
            {"code": each.code, "thread": each.thread or None, "seconds": age(each.since)}
            for each in found.standstills
        ],
        "oldest_due_job": age(found.oldest_due),
        "topics": [
            {"name": each.name, "waiting": each.waiting, "seconds": age(each.since), "served": each.is_served}
            for each in found.topics
        ],
        "threads": [
            {"name": each.name, "running": age(each.began_at), "seen": age(each.seen_at), "restarts": each.restarts}
            for each in found.threads
            if each.ended_at is None
        ],
    }


def age(at: datetime | None) -> int | None:
    """Return how many seconds ago something was."""
    return None if at is None else max(int((clock.now() - at).total_seconds()), 0)
