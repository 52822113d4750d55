"""Requests to servers outside: each ends in its time, however slowly the other side goes."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from casepath.workers import requests
from casepath.workers.requests import Broken, Request, Unreachable
from tests.each import each

#: A certificate for this machine, signed by itself, with its key.
CERTIFICATE = Path(__file__).parents[1] / "fixtures" / "localhost.pem"
BODY = b"{}"
#: What is allowed, and what it may take at most on a machine under load, in seconds.
ALLOWED, PATIENCE = 1.0, 10.0


@contextmanager
def listening(answer: Callable[[socket.socket], object], *, tls: bool) -> Iterator[str]:
    """Yield the address of a server that has one connection answered by a test, until it is left."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def serve() -> None:
        with suppress(OSError):
            accepted, _ = server.accept()
            with context.wrap_socket(accepted, server_side=True) if tls else accepted as connection:
                # All of it: who closes with something unread takes the answer back.
                asked = b""
                while not asked.endswith(BODY) and (more := connection.recv(65_536)):
                    asked += more
                answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.getsockname()[1]}/"
    thread.join(PATIENCE)


def dripping(beginning: bytes) -> Callable[[socket.socket], None]:
    """Return what answers a byte at a time, each well within what a step may take, for longer than anybody waits."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(beginning)
        end = time.monotonic() + 2 * PATIENCE
        while time.monotonic() < end:
            connection.sendall(b".")
            threading.Event().wait(0.05)

    return drip


def send(url: str, timeout: float = ALLOWED) -> requests.Reply:
    request = Request(method="POST", url=url, headers={}, body=BODY)
    return requests.send(request, timeout=timeout, is_private_allowed=True, hand_over=lambda: None)


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


@pytest.mark.parametrize("tls", [False, True])
def test_send__returns_what_is_answered(tls: bool) -> None:
    with listening(lambda connection: connection.sendall(b"HTTP/1.0 200 OK\r\n\r\ntaken"), tls=tls) as url:
        reply = send(url, PATIENCE)

    assert (reply.status, reply.text) == (200, "taken")


@pytest.mark.parametrize("tls", [False, True])
@each(
    "beginning",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: ",
    ],
)
def test_send__an_answer_that_drips_is_left_in_time(beginning: bytes, tls: bool) -> None:
    began = time.monotonic()
    with listening(dripping(beginning), tls=tls) as url, pytest.raises(Broken):
        send(url)

    assert time.monotonic() - began < PATIENCE


@pytest.mark.parametrize("tls", [False, True])
def test_send__a_connection_that_stands_too_late(monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:
    connect = socket.create_connection

    def late(*given: Any, **more: Any) -> socket.socket:
        threading.Event().wait(2 * ALLOWED)
        return connect(*given, **more)

    monkeypatch.setattr(socket, "create_connection", late)

    with listening(dripping(b""), tls=tls) as url, pytest.raises(Unreachable, match="in time"):
        send(url)


def test_send__a_name_that_is_not_found_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: is_over.wait(2 * PATIENCE) and [])

    began = time.monotonic()
    with pytest.raises(Unreachable, match=f"within {ALLOWED} s"):
        send("https://slow.example/")

    assert time.monotonic() - began < PATIENCE
    is_over.set()


def test_send__a_name_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(Unreachable, match="not known"):
        send("https://nowhere.example/")
