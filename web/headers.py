"""What every answer says to the browser: a strict Content-Security-Policy and its companions."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from flask import Flask, Response, g, request
from werkzeug.exceptions import BadHost

POLICY = (
    "default-src 'self'; img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
#: What a person sees must not be shown to the next one by the browser's or a proxy's memory.
PRIVATE = "no-store"


def init_app(app: Flask) -> None:
    """Refuse requests for another host than ours, and add the headers to every answer."""
    app.before_request(_require_our_host)
    app.after_request(_protect)


def allow_style_attributes() -> None:
    """Let this one page have `style` attributes made by scripts: diagrams cannot be drawn without."""
    g.style_attributes = True


def content_disposition(name: str, *, inline: bool = False) -> str:
    """Return the header that names a file, in any language: servers send nothing but Latin-1."""
    kind = "inline" if inline else "attachment"
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_" for letter in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _require_our_host() -> None:
    """Raise `BadHost` for another name than ours: it would stand in links; who asks for our health uses an address."""
    if request.blueprint != "health" and urlsplit(f"//{request.host}").hostname not in g.settings.hosts:
        raise BadHost


def _protect(response: Response) -> Response:
    policy = POLICY + ("; style-src-attr 'unsafe-inline'" if g.get("style_attributes") else "")
    headers = response.headers
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static":
        headers["Cache-Control"] = PRIVATE
        response.vary.add("Cookie")
    return response
