"""
The web server: waitress, with limits for what a connection may take and how long.

Waitress reads requests in one thread, without waiting for anybody, and hands only whole ones to its threads; so
thousands of connections that are idle, or send slowly, cost memory and no thread. Added here: a request that is too
large is refused when its headers are there, before its body is kept anywhere, and one that is not whole in time is
closed. Where there are too many connections, or too much of requests that are not whole, whoever has kept us waiting
longest goes, so that who comes now is served.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import waitress
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer
from waitress.utilities import RequestEntityTooLarge

from casepath.engine import errors
from casepath.settings import Settings
from casepath.web import MAX_REQUEST, MAX_UPLOAD, create_app
from casepath.workers import rehearsing

#: Connections at the same time, and bytes of the bodies of all requests that are being received.
CONNECTIONS, BODIES = 4000, 512 * 1024 * 1024
#: Connections that wait to be accepted, and how many of them are accepted before others are looked at.
QUEUE, AT_ONCE = 4096, 200
#: So many bytes of a body are kept in memory, the rest in a file that is gone with its request.
IN_MEMORY = 64 * 1024
#: After so many bytes that came the bodies are counted.
COUNTED_EVERY = 8 * 1024 * 1024
#: Seconds for the headers of a request, and how slowly its body may come, in bytes per second.
HEADER_SECONDS, BODY_RATE = 20.0, 10_000
#: Seconds after which a connection on which nothing happens is closed.
IDLE_SECONDS = 60
MAX_HEADERS = 64 * 1024


class Request(HTTPRequestParser):
    """A request that is refused as soon as it is known to be too large; only forms with files may be as large."""

    completed: bool = False

    def received(self, chunk: bytes) -> int:
        """Take what has come; return how many bytes of it belong to this request."""
        consumed: int = super().received(chunk)
        with_files = self.headers.get("CONTENT_TYPE", "").startswith("multipart/form-data")
        limit = MAX_UPLOAD if with_files else MAX_REQUEST
        if max(self.content_length, self.body_bytes_received) > limit and not self.completed:
            self.error = RequestEntityTooLarge(f"Expected at most {limit} bytes / 至多 {limit} 字节")
            self.completed = True
        return consumed


class Channel(HTTPChannel):
    """A connection; a request that has begun has to become whole in time."""

    parser_class = Request
    #: Bytes that came on any connection since the bodies were counted; all are read in one thread.
    came: ClassVar[int] = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        """Accept a connection; where there are too many, let another one go."""
        super().__init__(*args, **options)
        #: When the last whole request was there, or the connection.
        self.waiting_since = self._begun_at = time.monotonic()
        if len(self.server.active_channels) > CONNECTIONS:
            idlest = min(self._others(), key=lambda each: each.waiting_since, default=None)
            if idlest is not None:
                idlest.will_close = True

    def received(self, chunk: bytes) -> bool:
        """Take what has come, and remember when a request began."""
        if self.request is None:
            self._begun_at = time.monotonic()
        taken: bool = super().received(chunk)
        if self.request is None:
            self.waiting_since = time.monotonic()
        Channel.came += len(chunk)
        if Channel.came > COUNTED_EVERY:
            Channel.came = 0
            self._make_room()
        return taken

    def handle_close(self) -> None:
        """Close it, with what came of a request that is not whole."""
        if self.request is not None:
            self.request.close()
        super().handle_close()

    def _others(self) -> list[Channel]:
        """Return connections that nobody is working for."""
        every = self.server.active_channels.values()
        return [each for each in every if each is not self and not each.requests and not each.will_close]

    def _make_room(self) -> None:
        """Let go of bodies that take longest to come, until the rest has room."""
        begun = [each for each in self._others() if each.request is not None and each.request.body_bytes_received]
        held = sum(each.request.body_bytes_received for each in begun)
        for slowest in sorted(begun, key=lambda each: each.waiting_since):
            if held <= BODIES:
                break
            held -= slowest.request.body_bytes_received
            slowest.will_close = True

    def readable(self) -> bool:
        """Whether more may come; asked at least once a second."""
        if self.request is not None and not self.requests and time.monotonic() > self._begun_at + self._patience():
            self.will_close = True
        more: bool = super().readable()
        return more

    def _patience(self) -> float:
        body = self.request.content_length or self.request.body_bytes_received
        return HEADER_SECONDS + body / BODY_RATE if self.request.headers_finished else HEADER_SECONDS


def listen(
    settings: Settings, *, public_demo: bool = False, before: Callable[[Any], Any] = lambda app: app
) -> tuple[Any, int]:
    """
    Return a server that listens already, and its port; `before` may put something before the application.

    Raises `OSError` or `InvalidInput` where the address cannot be had.
    """
    work = rehearsing.work(settings.time_zone)
    app = create_app(settings, public_demo=public_demo, rehearsal_work=work)
    sockets: dict[int, Any] = {}
    _allow_files(CONNECTIONS + 500)
    logging.getLogger("waitress").setLevel(logging.ERROR)
    try:
        server = waitress.create_server(
            before(app),
            map=sockets,
            host=settings.host,
            port=settings.port,
            threads=settings.threads,
            # `Channel` lets others go before.
            connection_limit=CONNECTIONS + 200,
            inbuf_overflow=IN_MEMORY,
            backlog=QUEUE,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=10,
            max_request_header_size=MAX_HEADERS,
            max_request_body_size=MAX_UPLOAD + 2,  # the limits of `Request` come first
            # `select` knows no more than 1,024 connections.
            asyncore_use_poll=True,
            ident="casepath",
        )
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{settings.host}:{settings.port}") from error
    except ValueError as error:
        raise errors.InvalidInput(
            "Expected the address of this machine as host, but found {host}", host=settings.host
        ) from error
    # A name of this machine may stand for several addresses.
    listening = [each for each in sockets.values() if isinstance(each, BaseWSGIServer)]
    for each in listening:
        each.channel_class = Channel
        each.handle_accept = partial(_accept_waiting, each)
    return server, int(listening[0].effective_port)


def _accept_waiting(server: BaseWSGIServer) -> None:
    """
    Accept all who wait, up to `AT_ONCE`.

    One for each look at all connections is too few: whoever finds the queue full tries again after seconds only.
    """
    for _ in range(AT_ONCE):
        before = len(server.active_channels)
        type(server).handle_accept(server)
        if len(server.active_channels) == before:
            break


def _allow_files(count: int) -> None:
    """Let this process have so many open files, as far as the system allows; each connection is one."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        resource = importlib.import_module("resource")  # Windows has no such limit
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < count:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
