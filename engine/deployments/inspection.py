"""
Check files of strangers in a process of its own, which may take only so much time and memory.

Who answers people must not stand still, nor run out of memory, for a file that was made for it, or by a fault of ours
that nobody knows yet. What comes back is plain JSON: nothing of the other process is trusted.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from casepath.engine import errors, phrases, settings
from casepath.engine.deployments import deployment
from casepath.engine.phrases import Phrase, Size

#: Seconds of the processor, and on the clock of a machine that has much else to do.
SECONDS = 10
PATIENCE = 60
#: Bytes of memory, with what the engine itself needs.
MEMORY = 1_000_000_000
#: What the process ends with that has run out of memory.
OUT_OF_MEMORY = 3

#: What was checked before is forked from a process that has the engine loaded and nothing else, threads least of all.
_context: Any = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")


def inspect(resources: Mapping[str, bytes], *, seconds: int = SECONDS, memory: int = MEMORY) -> list[errors.Finding]:
    """
    Return what is wrong with files, as `check` finds it; at most so many seconds of the processor and bytes of memory.

    What takes more is one more error. Raises `InvalidInput` where there are no files, or too many.
    """
    deployment.require_files(resources)
    if sys.platform != "win32":
        _context.set_forkserver_preload([__name__])
    receiving, sending = _context.Pipe(duplex=False)
    own = (settings.current.extensions, settings.current.python_scripts)
    process = _context.Process(target=_answer, args=(sending, dict(resources), seconds, memory, *own), daemon=True)
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
        return _read(found)
    if code and code > 0 and code != OUT_OF_MEMORY:
        raise RuntimeError(f"Expected files to be checked by another process, but it ended with {code}")
    phrase = Phrase(
        "Expected files that can be checked in {seconds} s with {memory}, but these take more; deploy them in smaller "
        "parts",
        seconds=seconds,
        memory=Size(memory),
    )
    return [errors.Finding(code="check-too-long", file=next(iter(resources), ""), phrase=phrase)]


def _answer(
    sending: Connection,
    resources: dict[str, bytes],
    seconds: int,
    memory: int,
    extensions: tuple[str, ...],
    python_scripts: bool,
) -> None:
    """Check files in this process, and send what was found."""
    try:
        _limit(seconds, memory)
        settings.current.python_scripts = python_scripts
        deployment.use_extensions(extensions)
        findings = deployment.check(resources).findings
        sending.send_bytes(json.dumps([_written(each) for each in findings]).encode())
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


def _written(finding: errors.Finding) -> dict[str, Any]:
    return {
        "level": finding.level,
        "code": finding.code,
        "file": finding.file,
        "element_id": finding.element_id,
        "name": finding.name,
        "line": finding.line,
        "phrase": phrases.as_json(finding.phrase),
    }


def _read(found: bytes) -> list[errors.Finding]:
    return [errors.Finding(**{**each, "phrase": _phrase(each["phrase"])}) for each in json.loads(found)]


def _phrase(stored: object) -> Phrase:
    found = phrases.from_json(stored)
    assert found is not None, stored
    return found
