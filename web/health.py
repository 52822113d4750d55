"""Tell a load balancer, and `dev.py run`, whether this process can answer."""

from __future__ import annotations

import sqlalchemy
from flask import Blueprint, Response, g

from casepath.web import auth

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@auth.public
def healthz() -> Response:
    """Answer 200 when the database answers; an error becomes 500."""
    with g.readers.begin() as session:
        session.execute(sqlalchemy.text("SELECT 1"))
    return Response("ok\n", mimetype="text/plain")
