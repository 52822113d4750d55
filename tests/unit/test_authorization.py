"""Who may do what: every rule, for every role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from casepath.engine.people import authorization
from casepath.engine.people.authorization import ENGINE, Candidacy, Person, Program

PEOPLE = {
    "administrator": Person(username="ada", groups=frozenset({"administrator"})),
    "assignee": Person(username="alice", groups=frozenset({"service"})),
    "auditor": Person(username="audrey", groups=frozenset({"auditor"})),
    "candidate": Person(username="bob", groups=frozenset({"service"})),
    "auditing_candidate": Person(username="aubrey", groups=frozenset({"auditor", "service"})),
    "director": Person(username="dora", groups=frozenset({"directors"}), sees_all=True),
    "no_groups": Person(username="nemo"),
    "operator": Person(username="otto", groups=frozenset({"operator"})),
    "process_owner": Person(username="olivia", groups=frozenset({"process_owner"})),
    "superior": Person(username="sue", groups=frozenset({"superiors"}), distributes=frozenset({"service"})),
    "stranger": Person(username="charlie", groups=frozenset({"sales"})),
}

Rule = Callable[..., bool]

EVERYBODY_WHO_ACTS = "administrator assignee candidate director operator process_owner stranger superior"

#: Who may do what to the engine as a whole, or to a matter that they see.
GENERAL: dict[Rule, str] = {
    authorization.may_comment: EVERYBODY_WHO_ACTS + " no_groups",
    authorization.may_deploy: "administrator process_owner",
    authorization.may_erase: "administrator",
    authorization.may_manage_people: "administrator",
    authorization.may_operate: "administrator operator",
    authorization.may_rehearse: "administrator process_owner",
    authorization.may_see_every_instance: "administrator auditing_candidate auditor director operator",
    authorization.may_see_standing: "administrator auditing_candidate auditor director operator process_owner",
    authorization.may_start: EVERYBODY_WHO_ACTS,
    authorization.may_take_proof: "auditing_candidate auditor director",
}

#: Who may do what to a register that sales may read and service may write, and to a report for service.
REGISTERS: dict[Rule, str] = {
    authorization.may_read_register: "administrator assignee auditing_candidate auditor candidate stranger",
    authorization.may_write_register: "assignee candidate",
    authorization.may_read_report: "administrator assignee auditing_candidate auditor candidate",
}

FREE = Candidacy(candidate_groups=frozenset({"service"}))
HERS = Candidacy(assignee="alice", candidate_groups=frozenset({"service"}))
LENT_TO_HER = Candidacy(assignee="alice", owner="bob", candidate_groups=frozenset({"service"}))
DISTRIBUTE = "administrator operator superior"

#: Who may do what to a user task of the group that the assignee and the candidate belong to.
TASKS: dict[tuple[Rule, str], str] = {
    (authorization.may_claim, "free"): "assignee candidate",
    (authorization.may_have, "free"): "assignee candidate",
    (authorization.may_hand_on, "free"): "assignee candidate",
    (authorization.may_distribute, "free"): DISTRIBUTE,
    (authorization.may_assign, "free"): f"assignee candidate {DISTRIBUTE}",
    (authorization.may_unclaim, "free"): DISTRIBUTE,
    (authorization.may_delegate, "free"): "",
    (authorization.may_resolve, "free"): "",
    (authorization.may_save_draft, "free"): "assignee candidate",
    (authorization.may_complete, "free"): "assignee candidate",
    (authorization.may_set_follow_up, "free"): DISTRIBUTE,
    (authorization.may_claim, "hers"): "assignee candidate",
    (authorization.may_hand_on, "hers"): "assignee",
    (authorization.may_distribute, "hers"): DISTRIBUTE,
    (authorization.may_assign, "hers"): f"assignee {DISTRIBUTE}",
    (authorization.may_unclaim, "hers"): f"assignee {DISTRIBUTE}",
    (authorization.may_delegate, "hers"): "assignee",
    (authorization.may_resolve, "hers"): "",
    (authorization.may_save_draft, "hers"): "assignee",
    (authorization.may_complete, "hers"): "assignee",
    (authorization.may_set_follow_up, "hers"): f"assignee {DISTRIBUTE}",
    (authorization.may_hand_on, "lent"): "candidate",
    (authorization.may_assign, "lent"): f"candidate {DISTRIBUTE}",
    (authorization.may_delegate, "lent"): "assignee",
    (authorization.may_resolve, "lent"): "assignee candidate",
    (authorization.may_save_draft, "lent"): "assignee",
    (authorization.may_complete, "lent"): "",
}
STATES = {"free": FREE, "hers": HERS, "lent": LENT_TO_HER}

#: Who may do what to a process instance, involved in it or not.
INSTANCES: dict[tuple[Rule, bool], str] = {
    (authorization.may_see_instance, False): "administrator auditing_candidate auditor director operator",
    (authorization.may_see_instance, True): " ".join(PEOPLE),
    (authorization.may_report_to, False): "",
    (authorization.may_report_to, True): f"{EVERYBODY_WHO_ACTS} no_groups",
}


#: Who may name a substitute: for oneself, for another.
SUBSTITUTES = {True: f"{EVERYBODY_WHO_ACTS} no_groups", False: "administrator"}


def allowed(rule: Rule, *arguments: Any, **options: Any) -> set[str]:
    return {role for role, person in PEOPLE.items() if rule(person, *arguments, **options)}


def label(value: Rule | str | bool) -> str:
    """The same in every process, unlike the text of a function."""
    return str(getattr(value, "__name__", value))


@pytest.mark.parametrize("rule", GENERAL, ids=label)
def test_rule__of_the_engine(rule: Rule) -> None:
    assert allowed(rule) == set(GENERAL[rule].split())


@pytest.mark.parametrize(("rule", "state"), TASKS, ids=label)
def test_rule__of_a_user_task(rule: Rule, state: str) -> None:
    assert allowed(rule, STATES[state]) == set(TASKS[rule, state].split())


@pytest.mark.parametrize(("rule", "involved"), INSTANCES, ids=label)
def test_rule__of_a_process_instance(rule: Rule, involved: bool) -> None:
    assert allowed(rule, involved=involved) == set(INSTANCES[rule, involved].split())


@pytest.mark.parametrize("rule", REGISTERS, ids=lambda rule: rule.__name__)
def test_rule__of_a_register(rule: Rule) -> None:
    named = [("sales",), ("service",)] if rule is authorization.may_read_register else [("service",)]

    assert allowed(rule, *named) == set(REGISTERS[rule].split())


@pytest.mark.parametrize("is_own", SUBSTITUTES)
def test_may_appoint(is_own: bool) -> None:
    assert allowed(authorization.may_appoint, is_own=is_own) == set(SUBSTITUTES[is_own].split())


def test_may_share_views() -> None:
    assert allowed(authorization.may_share_views, "service") == {"administrator", "assignee", "candidate"}


def test_acting_as__oneself_before_another_and_no_auditor_for_anybody() -> None:
    alice = PEOPLE["assignee"]
    nemo = Person(username="nemo", stands_in_for=(alice,))
    bob = Person(username="bob", groups=frozenset({"service"}), stands_in_for=(alice,))
    auditor = Person(username="audrey", groups=frozenset({"auditor"}), stands_in_for=(alice,))

    found = [authorization.acting_as(person, authorization.may_complete, FREE) for person in (nemo, bob, auditor)]

    assert found == [alice, bob, None]


def test_username__of_people_only() -> None:
    signatures = (PEOPLE["assignee"].signature, Program("demo").signature, ENGINE.signature)

    assert [authorization.username(signature) for signature in signatures] == ["alice", None, None]


def test_rule__every_one_is_in_a_table() -> None:
    rules = {name for name in vars(authorization) if name.startswith("may_")}

    tested = {rule.__name__ for rule in GENERAL} | {rule.__name__ for rule, _ in [*TASKS, *INSTANCES]}
    tested |= {authorization.may_appoint.__name__, authorization.may_share_views.__name__}
    tested |= {rule.__name__ for rule in REGISTERS}
    assert rules == tested


def test_may_start__groups_named_by_the_diagram() -> None:
    assert allowed(authorization.may_start, {"sales"}) == {"administrator", "stranger"}


def test_may_complete__candidate_user_without_a_group() -> None:
    task = Candidacy(candidate_users=frozenset({"nemo"}))

    assert allowed(authorization.may_complete, task) == {"no_groups"}


def test_takes_part__whom_it_is_for_who_has_it_who_lent_it_who_distributes_it() -> None:
    assert allowed(authorization.takes_part, FREE) == {"assignee", "auditing_candidate", "candidate", "superior"}
    assert allowed(authorization.takes_part, Candidacy(assignee="alice", owner="charlie")) == {"assignee", "stranger"}
