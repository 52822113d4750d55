"""Check files of strangers in a process of its own, which may take only so much time and memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from casepath.engine import errors, phrases, settings
from casepath.engine.deployments import apart, deployment
from casepath.engine.phrases import Phrase, Size


def inspect(
    resources: Mapping[str, bytes], *, seconds: int = apart.SECONDS, memory: int = apart.MEMORY
) -> list[errors.Finding]:
    """
    Return what is wrong with files, as `check` finds it; at most so many seconds of the processor and bytes of memory.

    What takes more is one more error. Raises `InvalidInput` where there are no files, or too many.
    """
    deployment.require_files(resources)
    own = (settings.current.extensions, settings.current.python_scripts)
    found = apart.answer(_check, dict(resources), *own, seconds=seconds, memory=memory)
    if found is not None:
        return _read(found)
    phrase = Phrase(
        "Expected files that can be checked in {seconds} s with {memory}, but these take more; deploy them in smaller "
        "parts",
        seconds=seconds,
        memory=Size(memory),
    )
    return [errors.Finding(code="check-too-long", file=next(iter(resources), ""), phrase=phrase)]


def _check(resources: dict[str, bytes], extensions: tuple[str, ...], python_scripts: bool) -> bytes:
    settings.current.python_scripts = python_scripts
    deployment.use_extensions(extensions)
    findings = deployment.check(resources).findings
    return json.dumps([_written(each) for each in findings]).encode()


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
