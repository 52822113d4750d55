"""
Devices on which somebody has logged in before: told by a cookie that we have signed.

What is wrong there counts for the device alone, so that nobody who only knows a user name, or sits behind the same
address, can slow its owner down. The cookie opens nothing; the password is asked for all the same.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from casepath.engine.people import identity

#: Users that one device remembers, the last ones.
MAX_USERS = 5
#: How long, in seconds: half a year.
MAX_AGE = 60 * 60 * 24 * 182


def known(username: str) -> str:
    """Return the id of the device of this request where the user has logged in on it before; else nothing."""
    kept = _kept()
    return str(kept["id"]) if _digest(username) in kept["users"] else ""


def remember(answer: Response, username: str) -> None:
    """Have the browser tell later that this user has logged in on it."""
    kept, own = _kept(), _digest(username)
    users = [own, *[other for other in kept["users"] if other != own]][:MAX_USERS]
    answer.set_cookie(
        _name(),
        _serializer().dumps({"id": kept["id"], "users": users}),
        max_age=MAX_AGE,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def _kept() -> dict[str, Any]:
    try:
        found: dict[str, Any] = _serializer().loads(request.cookies.get(_name(), ""))
    except BadSignature:
        return {"id": secrets.token_urlsafe(16), "users": []}
    return found


def _name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device"


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="known device")


def _digest(username: str) -> str:
    """Return what stands for a user: whoever finds the cookie learns no name."""
    key: str = current_app.config["SECRET_KEY"]
    return hmac.new(key.encode(), identity.normal(username).encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:24]
