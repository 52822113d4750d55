"""Groups that diagrams name and the organisation does not have, or that have nobody: nobody would ever see the work."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.bpmn import ProcessSpec, UserTask
from casepath.engine.people import authorization, identity
from casepath.engine.phrases import Phrase

_COMPUTED = re.compile(r"[$#]\{[^}]*\}")


def unknown(session: Session, spec: ProcessSpec, file: str) -> Iterator[errors.Finding]:
    """
    Yield an error for each element of a process that names a group nobody has.

    Names that are computed are not looked at, and nothing is while there are no groups but the roles of the engine.
    """
    groups = identity.groups(session)
    keys = {group.key for group in groups} | set(authorization.ROLES)
    called = {name.lower() for group in groups for name in (group.key, group.name, group.name_en) if name}
    named = [(spec.key, spec.label, name) for name in spec.candidate_starters if name not in keys]
    for node in spec.nodes.values():
        if isinstance(node, UserTask):
            asked = [name for name in constants(node) if name not in keys]
            named += [(node.bpmn_id, node.bpmn_name or "", name) for name in [*asked, *lanes(node, called)]]
    for element_id, name, group in named if keys.difference(authorization.ROLES) else ():
        text = "Expected a group of the organisation, but found “{group}”; correct its key, or add the group before"
        yield errors.Finding(
            code="unknown-group", file=file, element_id=element_id, name=name, phrase=Phrase(text, group=group)
        )


def empty(session: Session, spec: ProcessSpec, file: str) -> Iterator[errors.Finding]:
    """Yield a warning for each user task whose candidate groups are there, but have no active member between them."""
    there = {group.key for group in identity.groups(session)}
    for node in spec.nodes.values():
        if isinstance(node, UserTask) and not node.assignee and not node.candidate_users:
            named = constants(node)
            if named and set(named) <= there and not is_computed(node) and not identity.members(session, named):
                yield errors.Finding(
                    level="warning",
                    code="empty-group",
                    file=file,
                    element_id=node.bpmn_id,
                    name=node.bpmn_name or "",
                    phrase=Phrase("Expected somebody in {groups}, but nobody is; add people to them", groups=named),
                )


def is_computed(task: UserTask) -> bool:
    """Tell whether some of the candidate groups of a task are known only when it begins."""
    return task.candidate_groups is not None and _COMPUTED.search(task.candidate_groups.text) is not None


def constants(task: UserTask) -> list[str]:
    """Return the candidate groups of a task that stand in the diagram as they are."""
    text = _COMPUTED.sub("{", task.candidate_groups.text) if task.candidate_groups is not None else ""
    return [name for part in text.split(",") if (name := part.strip()) and "{" not in name]


def lanes(task: UserTask, called: set[str]) -> list[str]:
    """Return the lane that alone says who does a task, where it is called like no group."""
    lane = task.process.lanes.get(task.bpmn_id)
    if lane is None or task.assignee or task.candidate_users or task.candidate_groups or lane.lower() in called:
        return []
    return [lane]
