"""The list of matters as the rows of a workbook, with days, moments and numbers as such."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.orm import Session

from casepath.engine.deployments import definitions
from casepath.engine.people.authorization import Person
from casepath.engine.queries import facts, instances, people
from casepath.web import filters, names, words, workbooks
from casepath.web.facts import cell
from casepath.web.languages import gettext
from casepath.web.process_instances import asked

#: Matters that are read at once.
AT_ONCE = 500


def table(session: Session, person: Person) -> Iterator[list[object]]:
    """Yield a row of headings and one for each matter of the list that the address asks for, with all of its facts."""
    narrowed, told = asked.of(session, person).filters, words.of(session)
    groups, declared = people.group_names(session), definitions.declared_facts(session)
    heads = [gettext("Number"), gettext("Process"), gettext("State"), gettext("Where it stands"), gettext("Who")]
    heads += [gettext("Due"), gettext("Registered"), gettext("Ended")]
    yield [*heads, *(told.label(name) for name in declared)]

    def page(below: int | None) -> instances.MatterPage:
        return instances.page(session, person, narrowed, below=below, limit=AT_ONCE)

    for found in workbooks.page_by_page(page):
        known = facts.of_instances(session, {row.id for row in found})
        for row in (names.named(session, each) for each in found):
            steps = gettext(", ").join(each.name for each in row.open_tasks)
            who = gettext(", ").join(names.holders(row.open_tasks, groups))
            held = [row.business_key or f"#{row.id}", row.definition_name, filters.state(row.state), steps, who]
            dates = [row.due_at, row.started_at, row.ended_at]
            yield [*held, *dates, *(cell(told, known[row.id], name) for name in declared)]
