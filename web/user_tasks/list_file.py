"""A task list as the rows of a workbook, with days, moments and numbers as such."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from casepath.engine.people.authorization import Person
from casepath.engine.queries import facts, people, tasks
from casepath.engine.queries.tasks import TaskRow
from casepath.web import filters, words, workbooks
from casepath.web.facts import cell, named
from casepath.web.languages import gettext
from casepath.web.names import named as in_language
from casepath.web.user_tasks import asked, columns
from casepath.web.user_tasks.columns import Column
from casepath.web.words import Words

#: Tasks that are read at once.
AT_ONCE = 500


def table(session: Session, person: Person) -> Iterator[list[object]]:
    """Yield a row of headings and one for each task of the list that the address asks for, in its columns."""
    settings, told = asked.of(session, person, request.args).settings, words.of(session)
    shown = [column for column in columns.shown(told, settings) if column.name != "number"]
    groups = people.group_names(session)
    yield [gettext("Number"), gettext("Task"), *(column.label for column in shown)]

    def page(after: tasks.Key | None) -> tasks.TaskPage:
        return tasks.page(session, person, settings.list, settings.filters, after=after, limit=AT_ONCE)

    for found in workbooks.page_by_page(page):
        known = facts.of_instances(session, {row.process_instance_id for row in found})
        for row in found:
            task, of_matter = in_language(session, row), known.get(row.process_instance_id, {})
            yield [task.business_key, task.name, *(_cell(told, each, task, of_matter, groups) for each in shown)]


def _cell(
    told: Words, column: Column, task: TaskRow, known: facts.Facts, groups: dict[str, tuple[str, str]]
) -> object:
    if column.fact:
        return cell(told, known, column.fact)
    held: dict[str, Any] = {
        "matter": named(told, known).title,
        "due": task.due_at,
        "since": task.created_at,
        "priority": task.priority,
        "process": task.definition_name,
        "who": task.assignee_name or task.assignee or _candidates(task, groups),
    }
    return workbooks.typed(held[column.name], lambda found: found or "")


def _candidates(task: TaskRow, groups: dict[str, tuple[str, str]]) -> str:
    names = [filters.group_name(key, groups) for key in task.candidate_groups]
    return gettext(", ").join([*names, *task.candidate_users])
