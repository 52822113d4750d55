"""Which callers are believed behind proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from casepath.web.proxies import believing
from tests.each import each

NETWORKS = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@each(
    "peer, forwarded, caller",
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("", "198.51.100.7", ""),
    ],
)
def test_believing__the_last_address_that_is_no_proxy(peer: str, forwarded: str, caller: str) -> None:
    assert seen(peer, HTTP_X_FORWARDED_FOR=forwarded)["REMOTE_ADDR"] == caller


def test_believing__scheme_and_host_of_the_nearest_proxy() -> None:
    told = {"HTTP_X_FORWARDED_PROTO": "http, https", "HTTP_X_FORWARDED_HOST": "evil.example, casepath.example"}
    trusted, other = seen("10.0.0.1", **told), seen("192.0.2.1", **told)

    assert (trusted["wsgi.url_scheme"], trusted["HTTP_HOST"]) == ("https", "casepath.example")
    assert (other["wsgi.url_scheme"], other["HTTP_HOST"]) == ("http", "inside")


def seen(peer: str, **headers: str) -> dict[str, Any]:
    """What the application behind the proxies is told."""
    found: dict[str, Any] = {}

    def application(environ: dict[str, Any], _start: object) -> Iterable[bytes]:
        found.update(environ)
        return []

    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", "HTTP_HOST": "inside", **headers}
    believing(application, NETWORKS)(environ, None)
    return found
