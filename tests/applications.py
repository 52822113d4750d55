"""The application for tests: a process compiles its templates once, not for each application that a test makes."""

from __future__ import annotations

from typing import Any

import jinja2
from flask import Flask
from jinja2.bccache import Bucket

from casepath.settings import Settings
from casepath.web import create_app


class _Compiled(jinja2.BytecodeCache):
    """What this process has compiled."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.known[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def make_app(settings: Settings, **options: Any) -> Flask:
    """Return what `create_app` returns."""
    made = create_app(settings, **options)
    made.jinja_env.bytecode_cache = _COMPILED
    return made
