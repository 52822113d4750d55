"""
What an adapter of the conformance runs is derived from: their own base class and errors where they can be imported.

The runs import the module `world` that lies beside them; without them the same names are defined here.
"""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

#: Variables of an instance, or given to it.
Variables = Mapping[str, object]
#: An open user task: its id, the id of its element, its name.
OpenTask = tuple[Hashable, str, str]
Files = Sequence[tuple[str, bytes]]


def _conformance() -> ModuleType | None:
    try:
        module = importlib.import_module("world")
    except ImportError:
        return None
    return module if hasattr(module, "NotWaiting") and hasattr(module, "World") else None


_found = None if TYPE_CHECKING else _conformance()

if TYPE_CHECKING or _found is None:

    class World:
        """Any number of deployed processes and instances, one clock, one storage; at rest after every call."""

        language = "camunda"
        script_format: str | None = "python"
        own_variables: frozenset[str] = frozenset()

    class Refused(Exception):
        """The model was refused at deployment."""

    class NotOpen(LookupError):
        """The task to complete does not exist or is no longer open."""

    class NotWaiting(LookupError):
        """Nobody waits for the message, and it starts no process."""

    class Unsupported(Exception):
        """This world has no such operation."""

else:
    World, Refused, NotOpen = _found.World, _found.Refused, _found.NotOpen
    NotWaiting, Unsupported = _found.NotWaiting, _found.Unsupported
