"""
What an open task sees beside the variables of its scopes: how many files of each kind its matter has.

A diagram asks with the property `files` of the task: `photos:image/*, letters:application/pdf` makes `photos` the
number of pictures and `letters` that of PDF files, whatever else is called so.
"""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from casepath.engine.database.models import Attachment, ProcessInstance
from casepath.engine.deployments import definitions

#: The property of a task, and what stands for any kind behind its `/`.
PROPERTY = "files"
ANY = "/*"


class Task(Protocol):
    """A user task, or what is told of one."""

    @property
    def process_instance_id(self) -> int: ...
    @property
    def definition_id(self) -> int: ...
    @property
    def element_id(self) -> str: ...


def files(session: Session, task: Task) -> dict[str, int]:
    """Return how many files its matter has of each kind that the task asks for, by the name it gives them."""
    node = definitions.process(session, task.definition_id).nodes.get(task.element_id)
    declared = node.properties.get(PROPERTY, "") if node is not None else ""
    wanted = [part.partition(":") for part in declared.split(",") if part.strip()]
    if not wanted:
        return {}
    of_matter = select(ProcessInstance.business_key).where(ProcessInstance.id == task.process_instance_id)
    kinds = select(Attachment.media_type, func.count()).where(Attachment.business_key == of_matter.scalar_subquery())
    counted = session.execute(kinds.group_by(Attachment.media_type)).all()
    return {
        name.strip(): sum(number for kind, number in counted if _fits(kind, pattern.strip()))
        for name, _, pattern in wanted
    }


def _fits(media_type: str, pattern: str) -> bool:
    return media_type.startswith(pattern[:-1]) if pattern.endswith(ANY) else media_type == pattern
