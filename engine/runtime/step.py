"""
`advance`: the one way a process instance moves.

Start, a completed user task, a due timer, a finished external task, a message, a modification: each is a trigger. It is
applied to what is alive, everything runs on to the next wait states, and the difference is stored, all in the
transaction of the caller. A process that is called, or a caller that is returned to, moves in the same transaction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from casepath.engine import bpmn, errors, history, settings
from casepath.engine.bpmn import Budget, CallCancelled, Called, Escalated, Outcome, TokenWorkflow, triggers
from casepath.engine.database import Base, terms, values
from casepath.engine.database.models import Definition, ProcessInstance
from casepath.engine.database.statements import Statement
from casepath.engine.deployments import definitions
from casepath.engine.expressions import Environment
from casepath.engine.people import authorization, identity
from casepath.engine.runtime import storage, taken_back, told
from casepath.engine.runtime.rows import InstanceRow, lock, read
from casepath.engine.runtime.services import Services
from casepath.engine.time import clock

_instances = Base.metadata.tables[ProcessInstance.__tablename__]

_save = Statement(
    update(_instances)
    .where(_instances.c.id == bindparam("instance_id"), _instances.c.history_length == bindparam("before"))
    .values(
        tokens=bindparam("tokens"),
        variables=bindparam("variables"),
        history_length=bindparam("length"),
        history_hash=bindparam("head"),
        state_salt=bindparam("salt"),
        state=bindparam("state"),
        ended_at=bindparam("ended_at"),
        end_reason=bindparam("end_reason"),
    )
)
_child = Statement(
    select(_instances.c.id).where(
        _instances.c.parent_id == bindparam("parent_id"),
        _instances.c.parent_activity_instance == bindparam("number"),
        _instances.c.ended_at.is_(None),
    )
)
_begin = Statement(insert(_instances).returning(_instances.c.id))
_name_root = Statement(
    update(_instances).where(_instances.c.id == bindparam("instance_id")).values(root_id=_instances.c.id)
)

#: Moves of process instances that come of one trigger, and processes that call each other, one inside the other: more
#: means that they call in a circle.
MAX_STEPS, MAX_DEPTH = 2_000, 50

Step = tuple[int, triggers.Trigger, str | None]


def advance(
    session: Session,
    instance: int | InstanceRow,
    trigger: triggers.Trigger,
    *,
    by: str | None,
    at: datetime | None = None,
) -> None:
    """
    Apply a trigger to a process instance and run it, those it calls and those that called it to their next wait states.

    `instance` is its id, or the row that `lock` returned if nothing has moved it since; `at` is when it happens, where
    that is known already. Raises `NotFound` or `InvalidState` where the trigger does not fit what is alive, and
    `OverBudget` where all that comes of it is too much for one step; whoever has the transaction takes back what was
    written of it.
    """
    row = lock(session, instance) if isinstance(instance, int) else instance
    taken_back.begin(session, row.definition_key, row.id, trigger, by)
    alone = session.get_bind().dialect.name == "sqlite"
    budget = Budget(seconds=settings.current.seconds_of_step(keeps_all_waiting=alone))
    # All that comes of one trigger happens at one moment: who plays the history again has no other.
    now = at or clock.now()
    steps = deque(_step(session, row, trigger, by, now, budget))
    moved = 1
    while steps:
        process_instance_id, following, who = steps.popleft()
        if (moved := moved + 1) > MAX_STEPS:
            raise errors.OverBudget(
                "Called processes should come to rest somewhere, but they still move after {limit} steps, begun by "
                "{process}. Nothing was changed; please tell the process owner.",
                code="calls-for-ever",
                limit=MAX_STEPS,
                process=row.definition_key,
            )
        steps.extend(_step(session, read(session.connection(), process_instance_id), following, who, now, budget))
    taken_back.end(session)


def begin(
    session: Session,
    definition: Definition,
    variables: Mapping[str, Any],
    *,
    business_key: str | None,
    by: str | None,
    start_element: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> int:
    """Make the row of a new process instance and start it; return its id. Its history begins with the facts."""
    now = clock.now()
    process_instance_id = _insert(session, definition, business_key, by, now)
    start = triggers.Start(
        variables=variables,
        start_element=start_element,
        facts={
            "definition": definition.key,
            "version": definition.version,
            "business_key": business_key,
            **(facts or {}),
        },
    )
    # Nobody else can see it yet, so that there is nothing to lock.
    advance(session, read(session.connection(), process_instance_id), start, by=by, at=now)
    return process_instance_id


def _insert(
    session: Session,
    definition: Definition,
    business_key: str | None,
    by: str | None,
    now: datetime,
    caller: InstanceRow | None = None,
    number: int | None = None,
) -> int:
    connection = session.connection()
    row = {
        "definition_id": definition.id,
        "definition_key": definition.key,
        "business_key": business_key,
        "state": "active",
        "root_id": caller.root_id if caller is not None else None,
        "parent_id": caller.id if caller is not None else None,
        "parent_activity_instance": number,
        "tokens": "",
        "variables": "{}",
        "history_length": 0,
        "history_hash": "",
        "started_at": now,
        "started_by": by,
    }
    process_instance_id = int(_begin.rows(connection, row)[0].id)
    if caller is None:
        _name_root.change(connection, {"instance_id": process_instance_id})
    if business_key and (caller is None or caller.business_key != business_key):
        root_id = caller.root_id if caller is not None else process_instance_id
        terms.replace(connection, process_instance_id, root_id, [], [business_key])
    return process_instance_id


def environment(
    session: Session, row: InstanceRow, now: datetime, by: str | None = None, acts_for: str | None = None
) -> Environment:
    """
    Return what expressions of a process instance may know beside its variables.

    `by` is who moves it; `acts_for` is the user by whose right, where that is another.
    """
    user = authorization.username(by)
    right_of = acts_for or user
    return Environment(
        now=now,
        calendar=definitions.calendar(session),
        business_key=row.business_key,
        process_instance_id=row.id,
        user=user,
        groups=partial(identity.groups_of, session, right_of) if right_of else frozenset,
    )


def load(
    session: Session,
    row: InstanceRow,
    now: datetime,
    *,
    by: str | None = None,
    acts_for: str | None = None,
    budget: Budget | None = None,
) -> TokenWorkflow:
    """
    Return what is alive in a process instance, to be moved by somebody, by his own right or that of another.

    Raises `Unreadable` where nothing is known of its process any more.
    """
    spec = definitions.process(session, row.definition_id)
    services = Services(session, row.definition_id, now)
    running = TokenWorkflow(spec, environment(session, row, now, by, acts_for), services, budget)
    if row.tokens:
        if not spec.nodes:
            definitions.executable(session, row.definition_id)
        bpmn.load(running, row.tokens, row.variables)
    return running


def activity_variables(session: Session, instance: int | InstanceRow, activity_instance: int) -> dict[str, Any]:
    """
    Return all variables that an activity sees, its own first.

    `instance` is the id of its process instance, or the row that `lock` returned. Raises `NotFound` where it is not
    alive.
    """
    row = read(session.connection(), instance) if isinstance(instance, int) else instance
    if (token := load(session, row, clock.now()).tasks.get(activity_instance)) is None:
        raise errors.NotFound("activity instance", activity_instance)
    return dict(token.variables())


def _step(
    session: Session, row: InstanceRow, trigger: triggers.Trigger, by: str | None, now: datetime, budget: Budget
) -> list[Step]:
    heard = isinstance(trigger, (triggers.CallReturned, triggers.CallFailed, triggers.Escalate))
    if heard and row.state not in ("active", "suspended"):
        # It has ended in this very transaction, by what the process that it called has thrown before.
        return []
    _require_fitting(row, trigger)
    if not isinstance(trigger, triggers.Cancel):
        definitions.executable(session, row.definition_id)
    acts_for = trigger.facts.get("for") if isinstance(trigger, triggers.CompleteUserTask) else None
    running = load(session, row, now, by=by, acts_for=acts_for, budget=budget)
    before = running.last_number
    bpmn.apply(running, trigger, by=by)
    steps = _call(session, running, row, by, now)
    steps += _store(session, running, row, before, now, trigger)
    # What was begun has to be written, too: also that keeps others waiting.
    budget.check_time(row.definition_key)
    return steps


def _require_fitting(row: InstanceRow, trigger: triggers.Trigger) -> None:
    """A suspended instance lets itself be repaired and hears what it called; one that has ended does not move."""
    repairs = (triggers.Cancel, triggers.SetVariables, triggers.Modify)
    patient = (*repairs, triggers.CallReturned, triggers.CallFailed, triggers.Escalate)
    if row.state == "active" or (row.state == "suspended" and isinstance(trigger, patient)):
        return
    raise errors.InvalidState("move", "process instance", row.id, row.state)


def _call(session: Session, running: TokenWorkflow, row: InstanceRow, by: str | None, now: datetime) -> list[Step]:
    """Make the instances of processes that are called; a call to what is not there leaves its activity standing."""
    steps: list[Step] = []
    depth = running.root.memo.get("depth", 0) + 1
    for effect in list(running.effects):
        if isinstance(effect, Called) and effect.number in running.tasks:
            token = running.tasks[effect.number]
            if depth > MAX_DEPTH:
                raise errors.OverBudget(
                    "At most {limit} processes may call each other, one inside the other, but {process} calls one "
                    "more. Nothing was changed; please tell the process owner.",
                    code="calls-too-deep",
                    limit=MAX_DEPTH,
                    process=row.definition_key,
                )
            try:
                definition = definitions.called(session, row.definition_id, effect)
                definitions.executable(session, definition.id)
            except errors.EngineError as error:
                token.memo.pop("called", None)
                running.fail(token, error)
                continue
            child = _insert(session, definition, effect.business_key, by, now, row, effect.number)
            named = {"definition": definition.key, "version": definition.version, "business_key": effect.business_key}
            running.record("call.started", token, facts={**named, "process_instance": child})
            start = triggers.Start(variables=effect.variables, tracks=effect.tracks, depth=depth, facts=named)
            steps.append((child, start, by))
        elif isinstance(effect, CallCancelled):
            sought = {"parent_id": row.id, "number": effect.number}
            found = _child.rows(session.connection(), sought)
            steps += [(child.id, triggers.Cancel(reason="caller", by_caller=True), by) for child in found]
    return steps


def _store(
    session: Session, running: TokenWorkflow, row: InstanceRow, before: int, now: datetime, trigger: triggers.Trigger
) -> list[Step]:
    outcome = running.outcome
    connection = session.connection()
    storage.write_effects(connection, running, row, before, now)
    storage.write_visits(connection, running, row.id, now)
    if row.taken_back:
        taken_back.settle(connection, running, row.id, trigger, now)
    match running.stuck():
        case False, True:
            storage.open_stuck(connection, running, row.id, now)
        case True, False:
            storage.resolve_stuck(connection, running, row.id, now)
    if outcome is not None:
        kind = f"process_instance.{outcome.state}"
        if not isinstance(trigger, triggers.Cancel):
            running.record(kind, None, facts={"reason": outcome.reason} if outcome.reason else None)
    tokens, variables = bpmn.dump(running) if outcome is None else ("", values.dumps({"0": running.root.variables}))
    storage.write_correlation(connection, running, row, variables)
    if variables != row.variables or outcome is not None:
        told.keep(session, running, row, now)
    after = history.State(
        salt=history.new_salt(),
        state=outcome.state if outcome else row.state,
        tokens=tokens,
        variables=variables,
    )
    sealed = history.seal(
        row.id,
        row.history_length,
        row.history_hash,
        running.events,
        at=now,
        before=history.State(salt=row.state_salt, state=row.state, tokens=row.tokens, variables=row.variables),
        after=after,
    )
    storage.write_history(connection, sealed.rows)
    landed = _save.change(
        connection,
        {
            "instance_id": row.id,
            "before": row.history_length,
            "tokens": tokens,
            "variables": variables,
            "length": sealed.length,
            "head": sealed.head,
            "salt": after.salt,
            "state": after.state,
            "ended_at": now if outcome else None,
            "end_reason": outcome.reason if outcome else None,
        },
    )
    if landed:
        return _report(running, row, outcome, trigger)
    raise errors.InvalidState("move", "process instance", row.id, "moved by somebody else")


def _report(running: TokenWorkflow, row: InstanceRow, outcome: Outcome | None, trigger: triggers.Trigger) -> list[Step]:
    """Return what the caller of a process instance has to be told."""
    number = row.parent_activity_instance
    if row.parent_id is None or number is None:
        return []
    # A caller that asks for nothing by name takes back what was set, and that at the end of the call only.
    asks = "set" not in running.root.memo
    steps: list[Step] = [
        (
            row.parent_id,
            triggers.Escalate(
                activity_instance=number,
                escalation_code=effect.code,
                variables=effect.variables,
                results=_handed_back(running, effect.results) if asks or effect.interrupts else {},
            ),
            None,
        )
        for effect in running.effects
        if isinstance(effect, Escalated)
    ]
    if outcome is None or (isinstance(trigger, triggers.Cancel) and trigger.by_caller):
        return steps
    if outcome.state == "completed":
        handed_back = _handed_back(running, running.root.variables)
        returned = triggers.CallReturned(activity_instance=number, variables=handed_back)
        steps.append((row.parent_id, returned, None))
    else:
        error = outcome.error
        failed = triggers.CallFailed(
            activity_instance=number,
            error_code=error.error_code if error else None,
            message=error.message if error else f"Process instance {row.id} was cancelled: {outcome.reason}",
            variables=error.variables if error else {},
            results=running.root.variables if error and asks else {},
        )
        steps.append((row.parent_id, failed, None))
    return steps


def _handed_back(running: TokenWorkflow, held: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a caller gets of the variables of the process at its end: all, or those that were set in it."""
    tracked = running.root.memo.get("set")
    return dict(held) if tracked is None else {name: held[name] for name in tracked if name in held}
