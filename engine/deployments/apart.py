"""
A process of its own for files of strangers, which may take only so much time and memory.

Who answers people must not stand still, nor run out of memory, for a file that was made for it, or by a fault of ours
that nobody knows yet. What comes back is bytes, best plain JSON: nothing of the other process is trusted.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

#: Seconds of the processor, and on the clock of a machine that has much else to do.
SECONDS = 10
PATIENCE = 60
#: Bytes of memory, with what the engine itself needs.
MEMORY = 1_000_000_000
#: What the process ends with that has run out of memory.
OUT_OF_MEMORY = 3

#: What was asked before is forked from a process that has the engine loaded and nothing else, threads least of all.
_context: Any = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")


def answer(function: Callable[..., bytes], *arguments: object, seconds: int, memory: int) -> bytes | None:
    """
    Return what a function of a module returns; at most so many seconds of the processor and bytes of memory.

    None where it takes more. Raises `RuntimeError` where the process ends for another reason.
    """
    if sys.platform != "win32":
        _context.set_forkserver_preload([function.__module__])
    receiving, sending = _context.Pipe(duplex=False)
    process = _context.Process(target=_send, args=(sending, function, arguments, seconds, memory), daemon=True)
    process.start()
    sending.close()
    found = b""
    try:
        if receiving.poll(PATIENCE):
            found = receiving.recv_bytes()
            process.join(PATIENCE)
    except EOFError:
        process.join(PATIENCE)
    code = process.exitcode
    process.kill()
    process.join()
    receiving.close()
    if found:
        return found
    if code and code > 0 and code != OUT_OF_MEMORY:
        raise RuntimeError(f"Expected another process to read files, but it ended with {code}")
    return None


def _send(
    sending: Connection, function: Callable[..., bytes], arguments: tuple[object, ...], seconds: int, memory: int
) -> None:
    """Call a function in this process, and send what it returns."""
    try:
        _limit(seconds, memory)
        sending.send_bytes(function(*arguments))
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)


def _limit(seconds: int, memory: int) -> None:
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not there on Windows

    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
