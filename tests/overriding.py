"""What `engine/bpmn` overrides of SpiffWorkflow."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType

from casepath.engine import bpmn

#: Where Python itself asks for them.
OWN = frozenset({"__init__", "__eq__", "__hash__", "__module__", "__doc__", "__dict__", "__weakref__"})


def our_classes() -> list[type]:
    """Return the classes of `engine/bpmn` that extend one of SpiffWorkflow."""
    found: dict[type, None] = {}
    for module in pkgutil.walk_packages(bpmn.__path__, "casepath.engine.bpmn."):
        for each in vars(importlib.import_module(module.name)).values():
            if isinstance(each, type) and each.__module__.startswith("casepath.engine.bpmn") and bases(each):
                found[each] = None
    return list(found)


def bases(ours: type) -> list[type]:
    """Return the classes of SpiffWorkflow that a class of ours extends, nearest first."""
    return [each for each in ours.__mro__ if each.__module__.startswith("SpiffWorkflow")]


def overrides() -> Iterator[tuple[type, str, type]]:
    """Yield each method and property of SpiffWorkflow that is overridden: by which class of ours, and whose it is."""
    for ours in our_classes():
        for name, member in list(vars(ours).items()):
            if name not in OWN and isinstance(member, FunctionType | property):
                base = next((each for each in bases(ours) if name in vars(each)), None)
                if base is not None:
                    yield ours, name, base


def parameters(member: object) -> list[str]:
    """Return the names of the parameters of a method; those of what gives a property's value."""
    function = member.fget if isinstance(member, property) else member
    assert callable(function)
    return list(inspect.signature(function).parameters)
