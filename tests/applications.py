"""The application for tests: what all of them have in common is made once in a process, not for each test's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import jinja2
from flask import Flask
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from casepath.engine import settings as engine_settings
from casepath.settings import Settings
from casepath.web import create_app
from tests import database


class _Compiled(jinja2.BytecodeCache):
    """What this process has compiled."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.known[bucket.key] = bucket.bytecode_to_string()


class _Rule(Rule):
    """An address of the pages; Werkzeug writes and compiles a function for each, which is half of what is made."""

    known: ClassVar[dict[tuple[str, str, bool], Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, repr(self.defaults), append_unknown)
        if key not in self.known:
            self.known[key] = super()._compile_builder(append_unknown)
        return self.known[key]


_COMPILED = _Compiled()


def make_app(settings: Settings, **options: Any) -> Flask:
    """Return what `create_app` returns."""
    with patch.object(Flask, "url_rule_class", _Rule):
        made = create_app(settings, **options)
    made.jinja_env.bytecode_cache = _COMPILED
    return made


class Shared:
    """An application that answers one test after the other, each on a database of its own."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self._file = folder / "casepath.db"
        self._settings = Settings(data_folder=folder / "kept", database_url=f"sqlite:///{self._file}", **settings)
        before = dataclasses.asdict(engine_settings.current)
        self.app = make_app(self._settings)
        for name, value in before.items():
            setattr(engine_settings.current, name, value)

    def begin(self, file: Path) -> None:
        """Have the database that is in a file; what is set is what this application sets."""
        self.end()
        database.copy_file(file, self._file)
        self._settings.apply()

    def end(self) -> None:
        """Let go of the database: who still had it, would not have the next one."""
        self.app.extensions["database"].dispose()
        for part in self._file.parent.glob(f"{self._file.name}*"):
            part.unlink()
