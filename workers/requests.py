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
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from urllib.parse import urlsplit

#: Bytes that are read of an answer.
MAX_ANSWER = 64_000
#: Seconds that a connection has at least, however long its name was looked up; without any it would wait for nothing.
LEAST_LEFT = 0.001
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
    end = threading.Timer(connection.timeout, connection.cut)
    end.daemon = True
    try:
        end.start()
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(_words(error)) from None
        _begin(connection, request)
        if connection.is_late:
            raise Unreachable(f"The connection did not stand within {timeout} s")
        hand_over()
        try:
            connection.endheaders(request.body)
            response = connection.getresponse()
            content = response.read(MAX_ANSWER)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Broken(_words(error)) from None
        if connection.is_late:
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


def _connection(url: str, timeout: float, is_private_allowed: bool) -> _Plain:
    """Return a connection to an address that was looked at, with the time that is left; raises `Unreachable`."""
    ends_at = time.monotonic() + timeout
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        addresses = _addresses(host, port, timeout)
    except (OSError, ValueError) as error:
        raise Unreachable(_words(error)) from None
    if not is_private_allowed and not all(_is_public(each) for each in addresses):
        raise Unreachable("The address lies in a private network, which the settings do not allow")
    left = max(ends_at - time.monotonic(), LEAST_LEFT)
    if parts.scheme == "https":
        return _Secure(host, addresses[0], port, left)
    if parts.scheme == "http" and is_private_allowed:
        return _Plain(host, addresses[0], port, left)
    raise Unreachable("Expected an address that begins with https://")


def _addresses(host: str, port: int, timeout: float) -> list[str]:
    """Return where a name leads; raises `OSError` or `ValueError`, and `Unreachable` where that is not said in time."""
    answer: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except Exception as error:
            answer.set_exception(error)
        else:
            answer.set_result([str(each[4][0]) for each in found])

    # Nothing ends the asking itself: who waits for it does not wait longer.
    threading.Thread(target=look_up, name=f"look up {host}", daemon=True).start()
    try:
        return answer.result(timeout)
    except TimeoutError:
        if answer.done():
            raise
        raise Unreachable(f"Where the server is was not said within {timeout} s") from None


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
    """A connection to an address, whatever its name leads to now, that another thread can cut."""

    #: In seconds.
    timeout: float

    def __init__(self, host: str, address: str, port: int, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self.address = address
        self.is_late = False
        self._held: socket.socket | None = None

    def connect(self) -> None:
        """Connect to the address; raises `OSError`."""
        self.hold(socket.create_connection((self.address, self.port), self.timeout))

    def hold(self, connected: socket.socket) -> None:
        """Go on with a socket; raises `TimeoutError` where the connection was cut before there was one."""
        # The connection lets go of its own where the server will close, and still reads.
        self.sock = self._held = connected
        if self.is_late:
            raise TimeoutError("The connection did not stand in time")

    def cut(self) -> None:
        """End it whatever is done with it just now."""
        self.is_late = True
        if self._held is not None:
            try:
                # The way beneath TLS: its own would have what is read just now go on without it.
                socket.socket.shutdown(self._held, socket.SHUT_RDWR)
            except OSError:
                self._held.close()


class _Secure(_Plain):
    """The same through TLS, verified for the name."""

    default_port = 443

    def connect(self) -> None:
        """Connect to the address, and have it prove that it has the name; raises `OSError`."""
        super().connect()
        # The handshake comes after it is known whose it is, so that it is cut too where it takes too long.
        context = ssl.create_default_context()
        secure = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
        self.hold(secure)
        secure.do_handshake()


def _words(error: Exception) -> str:
    """Return what went wrong, on one line; nothing that was sent."""
    return " ".join(str(error).split()) or type(error).__name__
