"""What is found in files that are deployed, for tests: the same as before in the same file with the same settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from casepath.engine import settings
from casepath.engine.deployments import definitions

#: Larger files, in bytes, are there for being large; and how many others are kept.
MAX_BYTES, MAX_FILES = 200_000, 1_000

Entries = list[Any]
Read = Callable[[str, bytes, Mapping[str, bytes]], tuple[Entries, Entries]]


class Remembered:
    """
    What `engine.deployments.deployment` reads in a file, once in a process.

    What is refused is read again, and so is what modules of extensions read: a test may write another one of that name.
    """

    known: ClassVar[dict[tuple[object, ...], tuple[Entries, Entries]]] = {}

    def __init__(self, read: Read) -> None:
        self.read = read

    def __call__(self, file: str, content: bytes, tables: Mapping[str, bytes]) -> tuple[Entries, Entries]:
        """Return what is found by its key, and what is wrong."""
        if len(content) > MAX_BYTES or settings.current.extensions:
            return self.read(file, content, tables)
        others = tuple(tables.items()) if file.endswith(".dmn") else ()
        key = (file, content, others, dataclasses.astuple(settings.current))
        if key not in self.known:
            if len(self.known) >= MAX_FILES:
                self.known.clear()
            self.known[key] = self.read(file, content, tables)
        entries, findings = self.known[key]
        return list(entries), list(findings)


def forget() -> None:
    """Have every file read again, for tests that change what reads them."""
    Remembered.known.clear()
    definitions.forget_files()
