"""
Take what comes in through channels: `POST /incoming/<channel>/<kind>` with a token and JSON.

A recording may come with what is to be heard: as multipart, with the JSON as `message` and a file as `audio`.

The token is that of the connector in the settings, as `Authorization: Bearer …`. Whoever has none learns nothing: not
even which channels there are.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, g, jsonify, request

from casepath.engine import errors
from casepath.engine.deployments import channels
from casepath.engine.instances import arrivals
from casepath.engine.instances.arrivals import Audio, Kind
from casepath.web import auth, uploads
from casepath.web.incoming.rates import Rates

bp = Blueprint("incoming", __name__)

#: Bytes of one message.
MAX_BYTES = 256 * 1024
#: What one channel may tell in a minute, and how often one address may be wrong about its token.
PER_MINUTE, WRONG_PER_MINUTE = 600, 20
RATES, WRONG = Rates(PER_MINUTE), Rates(WRONG_PER_MINUTE)
#: How each refusal is answered.
STATUSES: Mapping[type[errors.EngineError], int] = {errors.NotFound: 404, errors.InvalidState: 409}


@bp.post("/incoming/<channel>/<any(report, reply, recording, item):kind>")
@auth.program
def take(channel: str, kind: Kind) -> tuple[Response, int]:
    """Take a message of a system outside: 201 where it is new, 200 where it was taken before."""
    address = request.remote_addr or ""
    if not WRONG.has_room(address):
        abort(429)
    if not is_known(channel):
        WRONG.count(address)
        return said("token", "Expected the token of this channel as Authorization: Bearer …", 401)
    if not RATES.count(channel):
        abort(429)
    audio: Audio | None = None
    if kind == "recording" and request.mimetype == "multipart/form-data":
        message, files = request.form.get("message", "").encode(), request.files.getlist("audio")
        if len(files) != 1:
            return said("audio", "Expected one file as “audio”, beside the JSON as “message”", 400)
        audio = Audio(name=files[0].filename or "", content=files[0].read())
    elif (request.content_length or 0) > MAX_BYTES:
        abort(413)
    else:
        message = request.get_data(cache=False)
    if len(message) > MAX_BYTES:
        abort(413)
    try:
        told = json.loads(message)
    except (ValueError, RecursionError):
        return said("json", "Expected JSON in UTF-8", 400)
    if not isinstance(told, dict) or not isinstance(told.get("number"), str):
        return said("json", "Expected an object with the “number” of the message", 400)
    try:
        with g.sessions.begin() as session:
            content = {name: value for name, value in told.items() if name != "number"}
            taken = arrivals.take(
                session, channel, kind, told["number"], content, audio=audio, max_size=uploads.MAX_BYTES
            )
    except errors.EngineError as refusal:
        status = next((code for kind, code in STATUSES.items() if isinstance(refusal, kind)), 400)
        return said(refusal.code, refusal.message, 409 if refusal.code == "arrival-differs" else status)
    found = {"id": taken.id, "known": taken.is_known, "process_instance": taken.process_instance_id}
    return jsonify(found), 200 if taken.is_known else 201


def is_known(channel: str) -> bool:
    """Tell whether the request has the token of the channel's setting."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    with g.readers.begin() as session:
        try:
            setting = channels.declared(session, channel).setting
        except errors.NotFound:
            setting = ""
    known = g.settings.connectors.get(setting)
    expected = known.token.get_secret_value() if known is not None else ""
    is_same = secrets.compare_digest(token.strip().encode(), expected.encode())
    return scheme.lower() == "bearer" and bool(expected) and is_same


def said(code: str, message: str, status: int) -> tuple[Response, int]:
    """Return a refusal for a program."""
    problem: dict[str, Any] = {"code": code, "message": message}
    return jsonify(problem), status
