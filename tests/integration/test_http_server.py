"""The web server under clients that send slowly, too much, or nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from casepath import http_server
from casepath.settings import Settings
from casepath.web import MAX_REQUEST, MAX_UPLOAD

ANSWER = b"HTTP/1.1 200 OK"
BEGUN = b"POST /login HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server that has little patience."""
    monkeypatch.setattr(http_server, "HEADER_SECONDS", 1.0)
    server, port = http_server.listen(Settings(data_folder=tmp_path, port=0, threads=4))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield port
    server.close()
    thread.join(10)


def ask(port: int, sent: bytes) -> bytes:
    """What the server answers until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client, contextlib.suppress(ConnectionError):
        client.sendall(sent)
        return b"".join(iter(lambda: client.recv(65536), b""))
    return b""


def page(port: int) -> bytes:
    return ask(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")


def test_half_sent_requests__hurt_nobody_and_end(port: int) -> None:
    """Two thousand of them, half of which say nothing at all."""
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(2000)]
    for client in idle[::2]:
        client.sendall(BEGUN)

    assert page(port).startswith(ANSWER)

    idle[0].settimeout(20)
    assert idle[0].recv(1) == b""  # closed, for its headers did not come in time
    for client in idle:
        client.close()


@pytest.mark.parametrize(
    ("content_type", "limit"), [("application/x-www-form-urlencoded", MAX_REQUEST), ("multipart/form-data", MAX_UPLOAD)]
)
def test_large_requests__are_refused_before_their_body(port: int, content_type: str, limit: int) -> None:
    head = f"Content-Type: {content_type}; boundary=x\r\nContent-Length: {limit + 1}\r\n\r\n"

    answer = ask(port, BEGUN + head.encode())

    assert answer.startswith(b"HTTP/1.1 413")
    assert str(limit).encode() in answer


def test_chunks__are_counted_as_they_come(port: int) -> None:
    chunk = b"80000\r\n" + b"x" * 0x80000 + b"\r\n"

    answer = ask(port, BEGUN + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * (MAX_REQUEST // 0x80000 + 2))

    assert answer.startswith(b"HTTP/1.1 413") or answer == b""  # reset, where it was still sending


def test_headers__have_a_limit(port: int) -> None:
    answer = ask(port, BEGUN + b"X: " + b"x" * http_server.MAX_HEADERS + b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 431") or answer == b""  # reset, where it was still sending


def test_body__may_come_slowly_within_its_time(port: int) -> None:
    """Longer than headers may take, since a body has its own time."""
    body = b"username=a&password=b" + b"&" * 20_000
    head = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(BEGUN + head.encode() + b"Connection: close\r\n\r\n" + body[:-1])
        time.sleep(1.5)
        client.sendall(body[-1:])
        answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 ")
    assert not answer.startswith(b"HTTP/1.1 413")


def test_connections__whoever_waits_longest_goes(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who comes has to wait until one ends by itself."""
    monkeypatch.setattr(http_server, "CONNECTIONS", 20)
    with contextlib.ExitStack() as opened:
        idle = [opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5)) for _ in range(20)]
        time.sleep(0.2)

        assert page(port).startswith(ANSWER)

        assert idle[0].recv(1) == b""
        idle[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle[-1].recv(65536).startswith(ANSWER)


def test_bodies__have_a_limit_together(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half-sent uploads do not fill disk or memory: the oldest goes, and the newest arrives."""
    monkeypatch.setattr(http_server, "BODIES", 3_000_000)
    monkeypatch.setattr(http_server, "COUNTED_EVERY", 200_000)
    head = b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 2000000\r\nConnection: close\r\n\r\n"
    with contextlib.ExitStack() as opened:
        halves = []
        for _ in range(5):
            halves.append(opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)))
            halves[-1].sendall(BEGUN + head + b"x" * 1_000_000)
            time.sleep(0.1)

        halves[-1].sendall(b"x" * 1_000_000)

        assert halves[-1].recv(65536).startswith(b"HTTP/1.1 ")
        with contextlib.suppress(ConnectionError):
            assert halves[0].recv(1) == b""
