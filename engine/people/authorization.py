"""
One question: may this one do this to that? Pure rules, each with its name; the nouns of the engine ask them.

Whoever acts is a `Person`, held to these rules, or a `Program`, which is held to forms and states only: the engine
itself, a worker, the command line. Nobody becomes one by a name: a text is the name of a user, or is refused.

Seeing, claiming, completing, handing on and administering are rights of their own; none of them brings another one.
Roles of the engine are groups with fixed keys. What only some may see is hidden from strangers as if it were not there;
what somebody may see but not change is refused openly.

    administrator   people and groups; operates the engine; hands user tasks on to those who may have them
    operator        jobs, incidents, instances that are stuck; hands user tasks on as well
    process_owner   diagrams, decision tables, forms
    auditor         sees every process instance and its history, and changes nothing, whatever other groups would allow
    substitute      does the user tasks of somebody who is away, for that one, and sees their matters
    sees_all        a property of groups, such as directors: sees every process instance
    distributes     a property of groups: sees the user tasks of the groups it names, and hands them on
    involved        started the process instance, has or had a user task in it, or may claim or distribute one
    told            was told of the matter, and reads it
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, Concatenate, ParamSpec

from sqlalchemy import Row

from casepath.engine.database.models import UserTask

ADMINISTRATOR = "administrator"
AUDITOR = "auditor"
OPERATOR = "operator"
PROCESS_OWNER = "process_owner"

#: Groups that every installation has.
ROLES = (ADMINISTRATOR, AUDITOR, OPERATOR, PROCESS_OWNER)

P = ParamSpec("P")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who acts: a user who is logged in."""

    username: str
    name: str = ""
    groups: frozenset[str] = frozenset()
    #: Belongs to a group whose people see every process instance.
    sees_all: bool = False
    #: Groups whose user tasks this one hands on.
    distributes: frozenset[str] = frozenset()
    email: str | None = None
    language: str = "zh_CN"
    #: Somebody else has given the password and knows it: another one has to be chosen before anything else.
    has_given_password: bool = False
    #: Those who are away now and have this one do their user tasks.
    stands_in_for: tuple[Person, ...] = ()

    @property
    def signature(self) -> str | None:
        """How the history names whoever acts."""
        return self.username

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


#: How names of programs begin, unlike any user's.
_OF_PROGRAMS = "program:"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that acts without anybody: whoever runs it has given it leave, and answers for what it does."""

    name: str

    @property
    def signature(self) -> str | None:
        """How the history names it, unlike any user; the engine itself has no name there."""
        return f"{_OF_PROGRAMS}{self.name}" if self.name else None


def username(signature: str | None) -> str | None:
    """Return the user whom a signature in the history names; None for the engine and for programs."""
    return None if signature is None or signature.startswith(_OF_PROGRAMS) else signature


#: The engine itself: what timers do, and messages on their way.
ENGINE = Program("")

Actor = Person | Program
#: Who acts, where a command asks for it; a text is the name of an active user.
By = Person | Program | str


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


@lru_cache(maxsize=1024)
def _names(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


def _acting(rule: Callable[Concatenate[Person, P], bool]) -> Callable[Concatenate[Person, P], bool]:
    """Return a rule that holds for nobody who audits: who looks at everything changes nothing."""

    @wraps(rule)
    def guarded(person: Person, /, *args: P.args, **kwargs: P.kwargs) -> bool:
        return not person.is_auditor and rule(person, *args, **kwargs)

    return guarded


def acting_as(person: Person, rule: Callable[[Person, Candidacy], bool], task: Candidacy) -> Person | None:
    """
    Return by whose right somebody may do something to a user task; None where he may not.

    That is his own, or that of one of those for whom he stands in. Auditors stand in for nobody.
    """
    if rule(person, task):
        return person
    absent = () if person.is_auditor else person.stands_in_for
    return next((each for each in absent if rule(each, task)), None)


# Of the engine as a whole


@_acting
def may_deploy(person: Person) -> bool:
    return person.is_process_owner or person.is_administrator


@_acting
def may_rehearse(person: Person) -> bool:
    """To play a draft: whoever may draw it."""
    return may_deploy(person)


@_acting
def may_operate(person: Person) -> bool:
    """To repair: jobs, incidents and external tasks; suspend, cancel, modify and migrate instances, set variables."""
    return person.is_operator or person.is_administrator


def sees_names(person: Person) -> bool:
    """To read the names of what only the engine calls by one: variables and elements of diagrams without words."""
    return bool(person.groups.intersection(ROLES))


@_acting
def may_manage_people(person: Person) -> bool:
    return person.is_administrator


@_acting
def may_appoint(person: Person, *, is_own: bool) -> bool:
    """To name who does somebody's user tasks for a while."""
    return is_own or may_manage_people(person)


@_acting
def may_share_views(person: Person, group: str) -> bool:
    """To keep a view of the task lists for all members of a group, to change it and to take it away."""
    return group in person.groups or may_manage_people(person)


@_acting
def may_erase(person: Person) -> bool:
    return person.is_administrator


@_acting
def may_start(person: Person, candidate_groups: Collection[str] = ()) -> bool:
    """Whoever works here may start a process, unless its diagram names the groups that may."""
    if candidate_groups:
        return person.is_administrator or not person.groups.isdisjoint(candidate_groups)
    return bool(person.groups)


# Of registers


def may_read_register(person: Person, readers: Collection[str], writers: Collection[str]) -> bool:
    """Those whom its declaration names, and whoever has to look at everything."""
    if person.is_auditor or person.is_administrator:
        return True
    return not person.groups.isdisjoint((*readers, *writers))


@_acting
def may_write_register(person: Person, writers: Collection[str]) -> bool:
    return not person.groups.isdisjoint(writers)


# Of reports


def may_read_report(person: Person, readers: Collection[str]) -> bool:
    """Those whom its declaration names, and whoever has to look at everything; what counts is what they may see."""
    return person.is_auditor or person.is_administrator or not person.groups.isdisjoint(readers)


# Of process instances


def may_see_every_instance(person: Person) -> bool:
    return person.sees_all or person.is_auditor or person.is_operator or person.is_administrator


def may_see_instance(person: Person, *, involved: bool) -> bool:
    return involved or may_see_every_instance(person)


def may_see_standing(person: Person) -> bool:
    """To see how many instances stand at each element of a process, without which and whose they are."""
    return may_deploy(person) or may_see_every_instance(person)


def may_take_proof(person: Person) -> bool:
    """To take away the proof of a matter, with all that is known of it: whoever audits, and those who see every one."""
    return person.is_auditor or person.sees_all


def may_comment(person: Person) -> bool:
    """To write comments and attach files, where one sees the matter."""
    return not person.is_auditor


def may_report_to(person: Person, *, involved: bool) -> bool:
    """To report what has happened, which moves it: a message."""
    return involved and not person.is_auditor


# Of user tasks


def is_candidate(person: Person, task: Candidacy) -> bool:
    return person.username in task.candidate_users or not person.groups.isdisjoint(task.candidate_groups)


def has_candidates(task: Candidacy) -> bool:
    return bool(task.candidate_users or task.candidate_groups)


def is_superior(person: Person, task: Candidacy) -> bool:
    """Whether it is for a group whose user tasks this one distributes."""
    return not person.distributes.isdisjoint(task.candidate_groups)


def has_it(person: Person, task: Candidacy) -> bool:
    """Whether it is this one's; what is lent is its owner's."""
    return person.username == (task.owner if task.is_lent else task.assignee)


def takes_part(person: Person, task: Candidacy) -> bool:
    """Whether an open task is this one's, or may become it, or is his to distribute."""
    return person.username in {task.assignee, task.owner} or is_candidate(person, task) or is_superior(person, task)


@_acting
def may_claim(person: Person, task: Candidacy) -> bool:
    return person.username == task.assignee or is_candidate(person, task)


@_acting
def may_distribute(person: Person, task: Candidacy) -> bool:
    """To take it from whoever has it and give it to another who may have it, and to set due date and priority."""
    return may_operate(person) or is_superior(person, task)


@_acting
def may_unclaim(person: Person, task: Candidacy) -> bool:
    return person.username == task.assignee or may_distribute(person, task)


@_acting
def may_hand_on(person: Person, task: Candidacy) -> bool:
    """To give it to a colleague as one's own: whoever has it, or might claim it while nobody has it."""
    return has_it(person, task) or (task.assignee is None and is_candidate(person, task))


@_acting
def may_assign(person: Person, task: Candidacy) -> bool:
    return may_hand_on(person, task) or may_distribute(person, task)


@_acting
def may_have(person: Person, task: Candidacy) -> bool:
    """To be given it; one without candidates goes to those whom `engine.instances.user_tasks` finds close to it."""
    return is_candidate(person, task)


@_acting
def may_delegate(person: Person, task: Candidacy) -> bool:
    return person.username == task.assignee


@_acting
def may_resolve(person: Person, task: Candidacy) -> bool:
    return task.is_lent and person.username in {task.assignee, task.owner}


@_acting
def may_save_draft(person: Person, task: Candidacy) -> bool:
    return person.username == task.assignee or (task.assignee is None and is_candidate(person, task))


@_acting
def may_complete(person: Person, task: Candidacy) -> bool:
    """Whoever has it, or might claim it while nobody has it; what is delegated is given back instead."""
    return may_save_draft(person, task) and not task.is_lent


@_acting
def may_set_follow_up(person: Person, task: Candidacy) -> bool:
    return person.username == task.assignee or may_distribute(person, task)
