"""What processes, tasks and elements are called in the language of the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Protocol, TypeVar

from sqlalchemy.orm import Session

from casepath.engine.deployments import definitions
from casepath.engine.queries import deployed
from casepath.engine.queries.instances import InstanceView, MatterRow, OpenTask
from casepath.engine.queries.tasks import TaskRow
from casepath.engine.queries.user_task import TaskDetail
from casepath.engine.queries.versions import DeploymentView, Version
from casepath.web import filters, languages

Row = TypeVar("Row", InstanceView, MatterRow, OpenTask, TaskDetail, TaskRow)


class Task(Protocol):
    """A user task, as a command returns it."""

    @property
    def definition_id(self) -> int: ...

    @property
    def element_id(self) -> str: ...

    @property
    def name(self) -> str: ...


def title(session: Session, task: Task) -> str:
    """Return what a user task is called in the language of the reader."""
    language = languages.of_names()
    return deployed.texts(session, task.definition_id, language).called(task.element_id, task.name)


def processes(session: Session) -> list[tuple[str, str]]:
    """Return key and name of every deployed process, the name of its newest version in the language of the reader."""
    language = languages.of_names()
    found = [
        (each.key, deployed.texts(session, each.id, language).called(each.key, each.name or each.key))
        for each in definitions.list_definitions(session)
    ]
    return sorted(found, key=lambda each: each[1])


def version(session: Session, row: Version) -> Version:
    """Return a deployed version with its name in the language of the reader, as far as there is any."""
    language = languages.of_names()
    translated = deployed.translation(session, row.deployment_id, language) if language else {}
    return replace(row, name=translated.get(row.key, row.name))


def deployment(session: Session, view: DeploymentView) -> DeploymentView:
    """Return a deployment with what was new in it by its names in the language of the reader."""
    return replace(view, versions=[version(session, each) for each in view.versions])


def holders(tasks: Sequence[OpenTask], groups: Mapping[str, tuple[str, str]]) -> list[str]:
    """Return who has these tasks, each once: people by their names, else the groups that may claim them."""
    found: list[str] = []
    for task in tasks:
        may_claim = [filters.group_name(key, groups) for key in task.candidate_groups]
        found += [task.assignee_name] if task.assignee_name else may_claim
    return list(dict.fromkeys(found))


def named(session: Session, row: Row) -> Row:
    """Return a row with the names of its process and element in the language of the reader, as far as there are any."""
    language = languages.of_names()
    if not language:
        return row
    said = deployed.texts(session, row.definition_id, language)
    known: dict[str, Any] = {each.name: getattr(row, each.name) for each in fields(row)}
    changed: dict[str, Any] = {}
    if "element_id" in known:
        changed["name"] = said.called(known["element_id"], known["name"])
    if "definition_name" in known:
        changed["definition_name"] = said.called(known["definition_key"], known["definition_name"])
    if "open_tasks" in known:
        changed["open_tasks"] = [named(session, each) for each in known["open_tasks"]]
    return replace(row, **changed)
