"""
One request to a server outside, guarded: it lasts so long and no longer, and reads so much and no more.

TLS is verified, redirections are not followed. Names are looked up once, and none of their addresses may lie in a
private network unless that is allowed; the connection goes to the address that was looked at.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

#: Bytes that are read of an answer.
MAX_ANSWER = 64_000
#: Whose last 32 bits are an address of IPv4, to which a gateway may lead.
_LEADING_ON = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))


class Unreachable(Exception):
    """Nothing of the request has left: the server cannot be reached, or may not be, or cannot be asked like that."""


class Broken(Exception):
    """The request has left, or part of it, and nobody knows what became of it."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of a server."""

    method: str
    #: Left out where a request is shown, as are the headers: there may be secrets in them.
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a server answers."""

    status: int
    #: Cut at `MAX_ANSWER`.
    text: str


def send(request: Request, *, timeout: float, is_private_allowed: bool, hand_over: Callable[[], None]) -> Reply:
    """
    Send a request and return the answer, all of it within `timeout` seconds.

    `hand_over` is called when the connection stands, just before anything leaves. Raises `Unreachable` or `Broken`, and
    whatever `hand_over` raises.
    """
    connection = _connection(request.url, timeout, is_private_allowed)
    # A server that lets single bytes drip keeps each step short: the whole has an end too.
    is_late = threading.Event()
    end = threading.Timer(timeout, _cut, [connection, is_late])
    end.daemon = True
    try:
        end.start()
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(_words(error)) from None
        _begin(connection, request)
        if is_late.is_set():
            raise Unreachable(f"The connection did not stand within {timeout} s")
        hand_over()
        try:
            connection.endheaders(request.body)
            response = connection.getresponse()
            content = response.read(MAX_ANSWER)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Broken(_words(error)) from None
        if is_late.is_set():
            raise Broken(f"The answer did not end within {timeout} s")
        return Reply(status=response.status, text=content.decode("utf-8", "replace"))
    finally:
        end.cancel()
        connection.close()


def _begin(connection: http.client.HTTPConnection, request: Request) -> None:
    """Write what is asked, of which nothing leaves yet; raises `Unreachable` where that cannot be written."""
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {**request.headers, "Content-Length": str(len(request.body))}
    own = {name.lower() for name in headers}
    try:
        connection.putrequest(
            request.method, target, skip_host="host" in own, skip_accept_encoding="accept-encoding" in own
        )
        for name, value in headers.items():
            connection.putheader(name, value)
    except (http.client.HTTPException, ValueError):
        # The words of the error have the secret in them.
        raise Unreachable("The address or a header in the settings has signs that cannot be sent") from None


def _connection(url: str, timeout: float, is_private_allowed: bool) -> http.client.HTTPConnection:
    """Return a connection to an address that was looked at; raises `Unreachable`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise Unreachable(_words(error)) from None
    addresses = [str(each[4][0]) for each in found]
    if not is_private_allowed and not all(_is_public(each) for each in addresses):
        raise Unreachable("The address lies in a private network, which the settings do not allow")
    if parts.scheme == "https":
        return _Secure(host, addresses[0], port, timeout)
    if parts.scheme == "http" and is_private_allowed:
        return _Plain(host, addresses[0], port, timeout)
    raise Unreachable("Expected an address that begins with https://")


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.is_site_local:
            return False
        if any(found in network for network in _LEADING_ON):
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        else:
            found = found.sixtofour or found
    return found.is_global and not found.is_multicast


class _Plain(http.client.HTTPConnection):
    """A connection to an address, whatever its name leads to now."""

    def __init__(self, host: str, address: str, port: int, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self.address = address

    def connect(self) -> None:
        """Connect to the address."""
        self.sock = socket.create_connection((self.address, self.port), self.timeout)


class _Secure(_Plain):
    """The same through TLS, verified for the name."""

    default_port = 443

    def connect(self) -> None:
        """Connect to the address, and have it prove that it has the name."""
        super().connect()
        # The handshake comes after it is known whose it is, so that it is cut too where it takes too long.
        context = ssl.create_default_context()
        secure = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock = secure
        secure.do_handshake()


def _cut(connection: http.client.HTTPConnection, is_late: threading.Event) -> None:
    """End a connection whatever is done with it just now."""
    is_late.set()
    held = connection.sock
    if held is not None:
        try:
            held.shutdown(socket.SHUT_RDWR)
        except OSError:
            held.close()


def _words(error: Exception) -> str:
    """Return what went wrong, on one line; nothing that was sent."""
    return " ".join(str(error).split()) or type(error).__name__
