"""
Tickets: what a form for people outside carries instead of a session, signed, so that nobody else can make one.

Each is of one page that was shown, and says when: who sends it faster than anybody types, or a day later, is asked to
send it again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from casepath.engine.database import values
from casepath.engine.time import clock

#: How soon nobody has filled in a form yet, and for how long a page may stay open.
SOONEST, LATEST = timedelta(seconds=3), timedelta(days=1)


def new() -> str:
    """Return a ticket for a page that is shown now."""
    return _signed("form").dumps([secrets.token_urlsafe(16), clock.now().isoformat()])


def kept(ticket: str) -> str:
    """Return a ticket that may still be used, for the same page shown again; a new one where there is none."""
    age = _age(ticket)
    return ticket if age is not None and age[1] <= LATEST else new()


def is_early(ticket: str) -> bool:
    """Tell whether a ticket is ours, and came back faster than anybody types."""
    age = _age(ticket)
    return age is not None and age[1] < SOONEST


def number(ticket: str, channel: str, typed: Mapping[str, Any]) -> str | None:
    """
    Return under which number what was typed arrives: sent twice from one page it is the same one.

    None for a ticket that is not ours, too young, or too old.
    """
    shown = _age(ticket)
    if shown is None or not SOONEST <= shown[1] <= LATEST:
        return None
    return hashlib.sha256(f"{shown[0]} {channel} {values.dumps(dict(typed))}".encode()).hexdigest()


def told(business_key: str) -> str:
    """Return a number as the address of the page carries it that tells it."""
    return _signed("told").dumps(business_key)


def telling(text: str) -> str | None:
    """Return the number that an address carries; None where it is not ours."""
    try:
        return str(_signed("told").loads(text))
    except BadSignature:
        return None


def _age(ticket: str) -> tuple[str, timedelta] | None:
    """Return of which page a ticket is, and how long ago that was shown; None where it is not ours."""
    try:
        page, shown_at = _signed("form").loads(ticket)
    except BadSignature:
        return None
    return page, clock.now() - datetime.fromisoformat(shown_at)


def _signed(salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.config["SECRET_KEY"]), salt=f"public-{salt}")
