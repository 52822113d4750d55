"""
YAML, as far as declarations need it: maps, lists, texts, numbers, true, false and null, within bounds.

There are no references, which few lines make larger than any memory, no types of other languages, and no key twice,
of which one would be lost. `yes`, `no` and `on` are texts, as people mean them who write values of forms.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from casepath.engine import errors
from casepath.engine.phrases import Phrase, Size

#: Bytes of a declaration, its nodes, and how deep they may stand in each other.
MAX_BYTES: Final = 200_000
MAX_NODES: Final = 20_000
MAX_DEPTH: Final = 20

_RESOLVED = (
    ("tag:yaml.org,2002:bool", r"true|false", "tf"),
    ("tag:yaml.org,2002:null", r"null|~|", ["n", "~", ""]),
    ("tag:yaml.org,2002:int", r"-?(0|[1-9][0-9]{0,17})", "-0123456789"),
    ("tag:yaml.org,2002:float", r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}", "-0123456789"),
)


class _Loader(yaml.SafeLoader):
    """Refuses what the module says, with `yaml.MarkedYAMLError`."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as in the base class

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.depth = self.nodes = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refused("expected no reference (*)", event)
        self.depth += 1
        self.nodes += 1
        if self.depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise _refused("expected less, or less deep", event)
        node: Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, ScalarNode) or key.value in seen:
                raise _refused("expected each key once, as a text", key)
            seen.add(key.value)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


def _refused(problem: str, at: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)


for _tag, _pattern, _first in _RESOLVED:
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_mapping)


def load(content: bytes, file: str) -> dict[str, Any]:
    """Return the map in a file; raises `DeploymentRefused` where there is none, or it is out of bounds."""
    if len(content) > MAX_BYTES:
        sizes = {"limit": Size(MAX_BYTES), "size": Size(len(content))}
        raise _unreadable(file, 0, Phrase("Expected at most {limit}, but found {size}", **sizes))
    try:
        value = yaml.load(content.decode("utf-8-sig"), _Loader)  # noqa: S506 - it is a safe one
    except UnicodeDecodeError:
        raise _unreadable(file, 0, Phrase("Expected text in UTF-8")) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        found = getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark else 0
        raise _unreadable(file, line, Phrase("Expected YAML, but found: {found}", found=found)) from None
    if not isinstance(value, dict):
        raise _unreadable(file, 1, Phrase("Expected a map of names"))
    return value


def _unreadable(file: str, line: int, phrase: Phrase) -> errors.DeploymentRefused:
    return errors.DeploymentRefused([errors.Finding(code="yaml", file=file, line=line, phrase=phrase)])
