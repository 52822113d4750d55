"""
The web server: waitress, with limits for what a connection may take and how long.

Waitress reads requests in one thread, without waiting for anybody, and hands only whole ones to its threads; so
thousands of connections that are idle, or send slowly, cost memory and no thread. Added here: a request that is too
large is refused when its headers are there, before its body is kept anywhere, and one that is not whole in time is
closed.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import time
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer
from waitress.utilities import RequestEntityTooLarge

from casepath.engine import errors
from casepath.settings import Settings
from casepath.web import MAX_REQUEST, MAX_UPLOAD, create_app

#: Connections at the same time; who comes later waits until one ends.
CONNECTIONS = 4000
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
    _begun_at = 0.0

    def received(self, chunk: bytes) -> bool:
        """Take what has come, and remember when a request began."""
        if self.request is None:
            self._begun_at = time.monotonic()
        taken: bool = super().received(chunk)
        return taken

    def readable(self) -> bool:
        """Whether more may come; asked at least once a second."""
        if self.request is not None and not self.requests and time.monotonic() > self._begun_at + self._patience():
            self.will_close = True
        more: bool = super().readable()
        return more

    def _patience(self) -> float:
        body = self.request.content_length or self.request.body_bytes_received
        return HEADER_SECONDS + body / BODY_RATE if self.request.headers_finished else HEADER_SECONDS


def listen(settings: Settings, *, public_demo: bool = False) -> tuple[Any, int]:
    """
    Return a server that listens already, and its port.

    Raises `OSError` or `InvalidInput` where the address cannot be had.
    """
    app = create_app(settings, public_demo=public_demo)
    sockets: dict[int, Any] = {}
    _allow_files(CONNECTIONS + 500)
    logging.getLogger("waitress").setLevel(logging.ERROR)
    try:
        server = waitress.create_server(
            app,
            map=sockets,
            host=settings.host,
            port=settings.port,
            threads=settings.threads,
            connection_limit=CONNECTIONS,
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
    return server, int(listening[0].effective_port)


def _allow_files(count: int) -> None:
    """Let this process have so many open files, as far as the system allows; each connection is one."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        resource = importlib.import_module("resource")  # Windows has no such limit
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < count:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
