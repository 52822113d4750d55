"""
One question: may this person do this to that? Pure rules, each with its name; `engine.people.access` asks them.

Roles of the engine are groups with fixed keys. What only some may see is hidden from strangers as if it were not there;
what somebody may see but not change is refused openly.

    administrator   people and groups; operates the engine
    operator        jobs, incidents, instances that are stuck
    process_owner   diagrams, decision tables, forms
    auditor         sees every process instance and its history, changes nothing
    sees_all        a property of groups, such as directors: sees every process instance, distributes its user tasks
    involved        started the process instance, has or had a user task in it, or may claim one
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from casepath.engine.database.models import UserTask
from casepath.engine.database.values import loads

ADMINISTRATOR = "administrator"
AUDITOR = "auditor"
OPERATOR = "operator"
PROCESS_OWNER = "process_owner"

#: Groups that every installation has.
ROLES = (ADMINISTRATOR, AUDITOR, OPERATOR, PROCESS_OWNER)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who asks: somebody who is logged in."""

    username: str
    name: str = ""
    groups: frozenset[str] = frozenset()
    #: Belongs to a group whose people see every process instance.
    sees_all: bool = False
    email: str | None = None
    language: str = "zh_CN"

    @property
    def is_administrator(self) -> bool:
        return ADMINISTRATOR in self.groups

    @property
    def is_auditor(self) -> bool:
        return AUDITOR in self.groups

    @property
    def is_operator(self) -> bool:
        return OPERATOR in self.groups

    @property
    def is_process_owner(self) -> bool:
        return PROCESS_OWNER in self.groups


@dataclass(frozen=True, kw_only=True)
class Candidacy:
    """Whom a user task belongs to."""

    assignee: str | None = None
    owner: str | None = None
    candidate_users: frozenset[str] = frozenset()
    candidate_groups: frozenset[str] = frozenset()

    @property
    def is_lent(self) -> bool:
        """Whether it is delegated and not yet given back."""
        return self.owner is not None and self.owner != self.assignee


def candidacy(task: UserTask | Row[*tuple[Any, ...]]) -> Candidacy:
    """Return whom a user task belongs to."""
    return Candidacy(
        assignee=task.assignee,
        owner=task.owner,
        candidate_users=_names(task.candidate_users),
        candidate_groups=_names(task.candidate_groups),
    )


def _names(text: str) -> frozenset[str]:
    names = loads(text)
    return frozenset(str(name) for name in names) if isinstance(names, list) else frozenset()


# Of the engine as a whole


def may_deploy(person: Person) -> bool:
    return person.is_process_owner or person.is_administrator


def may_operate(person: Person) -> bool:
    return person.is_operator or person.is_administrator


def may_manage_people(person: Person) -> bool:
    return person.is_administrator


def may_audit(person: Person) -> bool:
    return person.is_auditor or person.is_administrator


def may_report(person: Person) -> bool:
    return person.sees_all or person.is_process_owner or may_audit(person)


def may_erase(person: Person) -> bool:
    return person.is_administrator


def may_start(person: Person, candidate_groups: Collection[str] = ()) -> bool:
    """Whoever works here may start a process, unless its diagram names the groups that may; auditors only look."""
    if candidate_groups:
        return person.is_administrator or not person.groups.isdisjoint(candidate_groups)
    return person.sees_all or bool(person.groups - {AUDITOR})


# Of process instances


def may_see_every_instance(person: Person) -> bool:
    return person.sees_all or person.is_auditor or may_operate(person)


def may_see_instance(person: Person, *, involved: bool) -> bool:
    return involved or may_see_every_instance(person)


def may_comment(person: Person, *, involved: bool) -> bool:
    """To write comments and attach files."""
    return involved or person.sees_all or may_operate(person)


def may_cancel_instance(person: Person) -> bool:
    return person.sees_all or may_operate(person)


def may_modify_instance(person: Person) -> bool:
    """To suspend it, to move its tokens, to set its variables."""
    return may_operate(person)


# Of user tasks


def is_candidate(person: Person, task: Candidacy) -> bool:
    return person.username in task.candidate_users or not person.groups.isdisjoint(task.candidate_groups)


def may_see_task(person: Person, task: Candidacy) -> bool:
    has_it = person.username in {task.assignee, task.owner}
    return has_it or is_candidate(person, task) or may_see_every_instance(person)


def may_claim(person: Person, task: Candidacy) -> bool:
    return person.username == task.assignee or is_candidate(person, task) or person.sees_all


def may_unclaim(person: Person, task: Candidacy) -> bool:
    return person.username == task.assignee or may_distribute(person)


def may_assign(person: Person, task: Candidacy) -> bool:
    """To hand it on: whoever has it or might claim it while nobody has it, and those who distribute work."""
    free = task.assignee is None and is_candidate(person, task)
    return person.username == task.assignee or free or may_distribute(person)


def may_delegate(person: Person, task: Candidacy) -> bool:
    return person.username == task.assignee


def may_resolve(person: Person, task: Candidacy) -> bool:
    return task.is_lent and person.username in {task.assignee, task.owner}


def may_save_draft(person: Person, task: Candidacy) -> bool:
    return person.username == task.assignee or (task.assignee is None and may_claim(person, task))


def may_complete(person: Person, task: Candidacy) -> bool:
    """Whoever has it, or might claim it while nobody has it; what is delegated is given back instead."""
    return may_save_draft(person, task) and not task.is_lent


def may_distribute(person: Person) -> bool:
    """To give out the user tasks of others, and to set their due dates and priorities."""
    return person.sees_all or may_operate(person)


def may_set_follow_up(person: Person, task: Candidacy) -> bool:
    return person.username == task.assignee or may_distribute(person)
