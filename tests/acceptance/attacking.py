"""Clients that do harm: slow, half, too large and nonsense; they need nothing of the engine, and so begin at once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

POST = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\n"
UPLOAD = b"Content-Type: multipart/form-data; boundary=x\r\n"

Attack = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def say_nothing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Wait until the server has enough of it."""
    await reader.read()


async def trickle(writer: asyncio.StreamWriter, text: bytes) -> None:
    """Send a byte each second."""
    for byte in text:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


async def half_headers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin headers that never end."""
    writer.write(POST)
    await trickle(writer, b"X-Slow: " + b"x" * 1000)


async def half_body(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin a small form that never ends."""
    writer.write(POST + b"Content-Length: 1000\r\n\r\n")
    await trickle(writer, b"x" * 1000)


async def half_upload(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send most of a file as fast as it goes, and then nothing."""
    writer.write(POST + UPLOAD + b"Content-Length: 31000000\r\n\r\n")
    for _ in range(30):
        writer.write(bytes(1_000_000))
        await writer.drain()
    await reader.read()


async def too_large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say that a gigabyte comes, and send it."""
    writer.write(POST + b"Content-Length: 1000000000\r\n\r\n" + bytes(65536))
    await reader.read()


async def chunks(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send chunks without an end."""
    writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + bytes(65536) + b"\r\n")
        await writer.drain()


async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send whole, broken and no requests, one behind the other, without reading the answers."""
    chance = random.Random(7)
    whole = b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    writer.write(b"".join(chance.choice([whole, whole[9:], chance.randbytes(40), b"\r\n"]) for _ in range(50)))
    await writer.drain()
    await reader.read()


#: How many of each at the same time, and how long each one rests before it comes again.
ATTACKERS: Mapping[Attack, tuple[int, float]] = {
    half_headers: (200, 0.5),
    half_body: (200, 0.5),
    half_upload: (20, 5.0),
    too_large: (10, 0.5),
    chunks: (5, 1.0),
    nonsense: (5, 1.0),
}


async def come_again(address: tuple[str, int], attack: Attack, rest: float) -> None:
    """Attack over and over, whenever the server has closed the connection."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(*address)
            try:
                await attack(reader, writer)
            finally:
                writer.transport.abort()
        await asyncio.sleep(rest)


async def attack_all(address: tuple[str, int], idle: int, share: float, seconds: float) -> None:
    """Have all attack for so long; `share` of those in `ATTACKERS`."""
    wanted = [come_again(address, say_nothing, 1.0) for _ in range(idle)]
    for attack, (count, rest) in ATTACKERS.items():
        wanted += [come_again(address, attack, rest) for _ in range(max(1, round(count * share)))]
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*wanted), seconds)


def attack_from_outside(address: str, idle: int, share: float, seconds: float) -> None:
    """Be the process of those who attack."""
    found = urlsplit(address)
    assert found.hostname == "127.0.0.1"
    asyncio.run(attack_all((found.hostname, found.port or 0), idle, share, seconds))
