"""
Elements that were written for plain SpiffWorkflow: modules that the operator names in the settings.

Such a module has `OVERRIDE_PARSER_CLASSES`, as SpiffWorkflow's `BpmnParser` has it: full tag → parser and spec class.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.specs.base import TaskSpec

from casepath.engine import errors

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
#: Elements of BPMN that may be replaced: tasks for which nobody waits. Others are more than what they run.
REPLACEABLE = frozenset({"task", "manualTask", "serviceTask", "sendTask", "scriptTask", "businessRuleTask"})

#: Full tag → parser and spec class.
Registry = Mapping[str, tuple[type[TaskParser], type[TaskSpec]]]


@cache
def load(modules: tuple[str, ...]) -> Registry:
    """
    Return the elements of these modules; where two have the same tag, the later one counts.

    Raises `InvalidInput` where a module cannot be imported, or has something else than parsers and specs of tasks.
    """
    found: dict[str, tuple[type[TaskParser], type[TaskSpec]]] = {}
    for name in modules:
        try:
            entries = importlib.import_module(name).OVERRIDE_PARSER_CLASSES
        except (ImportError, AttributeError) as error:
            raise errors.InvalidInput(
                "Expected OVERRIDE_PARSER_CLASSES in the module {name}, but {reason}", name=name, reason=str(error)
            ) from error
        for tag, classes in entries.items():
            _require_fitting(name, tag, classes)
            found[tag] = classes
    return found


def _require_fitting(module: str, tag: str, classes: Any) -> None:
    parser, spec = classes
    if not issubclass(parser, TaskParser) or not issubclass(spec, TaskSpec):
        raise errors.InvalidInput(
            "Expected a parser and a spec of SpiffWorkflow for {tag} in {module}", tag=tag, module=module
        )
    name = etree.QName(tag)
    if name.namespace == BPMN and name.localname not in REPLACEABLE:
        raise errors.InvalidInput(
            "Expected one of {allowed} or an element of another namespace, but found {tag}",
            allowed=sorted(REPLACEABLE),
            tag=tag,
        )
