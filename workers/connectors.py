"""
Connectors: what takes a delivery out of the house.

`log` only writes that it went out; what it was shows the page of deliveries. `http` hands it to a server as JSON, as
the declaration of the channel says; address, headers and secret are in the settings of the installation, and stand in
no log and no answer that is kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, unquote_plus, urlencode

from casepath.engine.deployments import Channel, channels
from casepath.engine.expressions import compile_expression
from casepath.engine.instances.deliveries import Outgoing
from casepath.engine.time import clock
from casepath.workers import Endpoint, requests
from casepath.workers.sending import Answer, Away, Refused, Unanswered

#: What a server answers where not this one is wrong but how it is asked, so that all the others would be too.
OF_THE_SERVER = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405, 407})
#: What it answers where the same may be taken later.
FOR_THE_MOMENT = frozenset({408, 409, 423, 425, 429})
#: Bytes that are sent.
MAX_BODY = 1_000_000
#: Under which header the key goes along by which a server drops a double.
KEY_HEADER = "Idempotency-Key"
#: What stands in the place of a secret.
HIDDEN = "…"
#: Secrets shorter than this are no secrets, and would take words apart.
LEAST_HIDDEN = 6


def http(item: Outgoing, channel: Channel, endpoint: Endpoint | None, hand_over: Callable[[], None]) -> Answer:
    """
    Hand a delivery to a server; `hand_over` is called just before it leaves, and may raise `Withdrawn`.

    Raises `Away`, `Refused` or `Unanswered`.
    """
    if endpoint is None or not endpoint.url:
        raise Away(f"There is no setting connectors.{channel.setting} with a url")
    now = clock.now()
    try:
        body = json.dumps(filled(channel.body, item, now), ensure_ascii=False, allow_nan=False).encode()
    except Exception as error:
        # Whatever a template makes of one delivery must not keep the others waiting.
        raise Refused(f"The body cannot be written: {type(error).__name__}", for_good=True) from error
    if len(body) > MAX_BODY:
        raise Refused(f"The body is larger than {MAX_BODY} bytes", for_good=True)
    query, headers = signed(channel.signature, endpoint, body, now)
    headers |= {"Content-Type": "application/json; charset=utf-8", KEY_HEADER: item.key, **dict(endpoint.headers)}
    try:
        reply = requests.send(
            requests.Request(method=channel.method, url=joined(endpoint.url, query), headers=headers, body=body),
            timeout=endpoint.timeout,
            is_private_allowed=endpoint.private,
            hand_over=hand_over,
        )
    except requests.Unreachable as error:
        raise Away(hidden(str(error), endpoint)) from None
    except requests.Broken as error:
        raise Unanswered(hidden(str(error), endpoint)) from None
    return judged(reply, channel, endpoint)


def judged(reply: requests.Reply, channel: Channel, endpoint: Endpoint) -> Answer:
    """Return an answer that is a yes; raises `Away` or `Refused`."""
    text = hidden(f"{reply.status} {reply.text}", endpoint)
    if reply.status in OF_THE_SERVER:
        raise Away(text)
    if not 200 <= reply.status < 300:
        raise Refused(text, for_good=reply.status < 500 and reply.status not in FOR_THE_MOMENT)
    said = fields(reply.text)
    if any(said.get(name) in _several(value) for name, value in channel.again.items()):
        raise Refused(text, for_good=False)
    if any(said.get(name) not in _several(value) for name, value in channel.accepted.items()):
        raise Refused(text, for_good=True)
    number = said.get(channel.number) if channel.number else None
    return Answer(text=text, number=None if number is None else str(number))


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def fields(text: str) -> Mapping[str, Any]:
    """Return what an answer says, where it is an object of JSON."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def filled(body: Any, item: Outgoing, now: datetime) -> Any:
    """Return a body with its expressions evaluated; a text that is one expression has its value as it is."""
    names = {name for each in channels.expressions(body) for name in each.names}
    known = {
        "to": item.address or "",
        "text": item.text,
        "key": item.key,
        "number": item.business_key or "",
        "at": now.astimezone(UTC).isoformat(timespec="seconds"),
    }
    return _filled(body, {**dict.fromkeys(names), **item.fields, **known})


def _filled(body: Any, variables: Mapping[str, Any]) -> Any:
    if isinstance(body, str):
        value = compile_expression(body).evaluate(variables)
        return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)
    if isinstance(body, dict):
        return {name: _filled(each, variables) for name, each in body.items()}
    return [_filled(each, variables) for each in body] if isinstance(body, list) else body


def signed(
    signature: channels.Signature | None, endpoint: Endpoint, body: bytes, now: datetime
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters and the headers that prove who sends."""
    if signature is None:
        return {}, {}
    timestamp = str(int(now.timestamp() * 1000))
    variables = {"timestamp": timestamp, "secret": endpoint.secret, "body": body.decode()}
    text = str(signature.text.evaluate(variables))
    digest = hmac.new(endpoint.secret.encode(), text.encode(), hashlib.sha256)
    proof = base64.b64encode(digest.digest()).decode() if signature.encoding == "base64" else digest.hexdigest()
    said = {signature.name: proof} | ({signature.timestamp: timestamp} if signature.timestamp else {})
    return (said, {}) if signature.place == "query" else ({}, said)


def joined(url: str, query: Mapping[str, str]) -> str:
    """Return an address with further parameters."""
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def hidden(text: str, endpoint: Endpoint) -> str:
    """Return a text without anything of the settings that nobody should read."""
    secrets = {endpoint.secret, *endpoint.headers.values(), *re.split(r"[?&=/]", endpoint.url)}
    # A server may repeat the token alone, without `Bearer` before it; what the address said with `%`; `/` as `\/`.
    secrets |= {part for value in endpoint.headers.values() for part in re.split(r"[\s,;]+", value)}
    secrets |= {said for each in secrets for said in (unquote(each), unquote_plus(each), each.replace("/", "\\/"))}
    for secret in sorted((each for each in secrets if len(each) >= LEAST_HIDDEN), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
