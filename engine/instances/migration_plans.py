"""
Move running process instances from one version of a process to another.

A plan maps elements to elements. What waits keeps waiting: timers keep their due dates, user tasks their assignees,
external tasks their locks. An instance is migrated as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, history, runtime
from casepath.engine.bpmn import (
    Activity,
    Element,
    InclusiveGateway,
    ParallelGateway,
    ProcessSpec,
    Token,
    TokenWorkflow,
    dump,
    load,
    seen_by_receivers,
)
from casepath.engine.database import Base, correlation
from casepath.engine.database.models import ActivityInstance, ExternalTask, Job, ProcessInstance, Subscription, UserTask
from casepath.engine.deployments import definitions
from casepath.engine.errors import Finding
from casepath.engine.history import Event
from casepath.engine.people import access
from casepath.engine.people.authorization import By
from casepath.engine.phrases import Phrase
from casepath.engine.runtime import storage, told
from casepath.engine.time import clock

_activity_instances = Base.metadata.tables[ActivityInstance.__tablename__]
_external_tasks = Base.metadata.tables[ExternalTask.__tablename__]
_instances = Base.metadata.tables[ProcessInstance.__tablename__]
_jobs = Base.metadata.tables[Job.__tablename__]
_subscriptions = Base.metadata.tables[Subscription.__tablename__]
_user_tasks = Base.metadata.tables[UserTask.__tablename__]


@dataclass(frozen=True, kw_only=True)
class MigrationPlan:
    """How instances go from one version to another: element of the source to element of the target."""

    source_id: int
    target_id: int
    instructions: Mapping[str, str]


def draft(
    session: Session, source_id: int, target_id: int, overrides: Mapping[str, str] | None = None
) -> MigrationPlan:
    """Return a plan that maps elements of the same id and type, and what `overrides` says; raises `NotFound`."""
    source, target = definitions.process(session, source_id), definitions.process(session, target_id)
    instructions = {
        key: key for key, node in source.nodes.items() if key in target.nodes and type(target.nodes[key]) is type(node)
    }
    instructions.update(overrides or {})
    return MigrationPlan(source_id=source_id, target_id=target_id, instructions=instructions)


def validate(session: Session, plan: MigrationPlan) -> list[Finding]:
    """Return what is wrong with a plan itself, whatever instance it is for."""
    source, target = definitions.process(session, plan.source_id), definitions.process(session, plan.target_id)
    findings = []
    for old, new in plan.instructions.items():
        before, after = source.nodes.get(old), target.nodes.get(new)
        if before is None:
            findings.append(
                _finding(old, "source-element", "Expected element {old} in the source version, but found none", old=old)
            )
        elif after is None:
            findings.append(
                _finding(old, "target-element", "Expected element {new} in the target version, but found none", new=new)
            )
        elif type(before) is not type(after):
            findings.append(
                _finding(
                    old,
                    "element-type",
                    "Expected {new} to be a {tag}, as {old} is, but found a {after_tag}",
                    new=new,
                    tag=before.tag,
                    old=old,
                    after_tag=after.tag,
                )
            )
    return findings


def validate_instance(session: Session, plan: MigrationPlan, process_instance_id: int) -> list[Finding]:
    """Return why an instance cannot be migrated with this plan; raises `NotFound`."""
    row = runtime.lock(session, process_instance_id)
    if row.state not in ("active", "suspended") or row.definition_id != plan.source_id:
        return [
            _finding(
                "",
                "instance-state",
                "Expected a running instance of the source version, but found {state}, version {definition_id}",
                state=row.state,
                definition_id=row.definition_id,
            )
        ]
    running = runtime.load(session, row, clock.now())
    target = definitions.process(session, plan.target_id)
    return list(_instance_findings(plan, running, target))


def execute(session: Session, plan: MigrationPlan, process_instance_id: int, *, by: By, reason: str) -> None:
    """
    Migrate one instance.

    Raises `NotFound`, `Forbidden`, and `InvalidInput` naming every finding, with nothing changed.
    """
    actor = access.repairer(session, by, process_instance_id, "migrate")
    findings = validate(session, plan) + validate_instance(session, plan, process_instance_id)
    if findings:
        raise errors.InvalidInput("This plan cannot be executed: {reasons}", reasons=[each.phrase for each in findings])
    row = runtime.lock(session, process_instance_id)
    found = history.read_state(session, process_instance_id)
    now = clock.now()
    old = runtime.load(session, row, now)
    target = definitions.executable(session, plan.target_id)
    new = TokenWorkflow(target, old.environment, old.services)
    tokens, variables = _translated(plan, old, target)
    load(new, tokens, variables)
    _move_work(session, plan, old, target, process_instance_id)
    _move_waits(session, plan, new, process_instance_id)
    storage.write_effects(session.connection(), new, row, before=-1, now=now)
    stored_tokens, stored_variables = dump(new)
    correlation.store(session.connection(), row.id, seen_by_receivers(new))
    session.connection().execute(
        update(_instances)
        .where(_instances.c.id == process_instance_id)
        .values(
            tokens=stored_tokens, variables=stored_variables, definition_id=plan.target_id, definition_key=target.key
        )
    )
    # The row as it is now, of the target version.
    told.keep(session, new, runtime.lock(session, process_instance_id), now, declared_before=old.spec.properties)
    drafted = draft(session, plan.source_id, plan.target_id).instructions
    facts = {
        "definition": target.key,
        "from": definitions.definition(session, plan.source_id).version,
        "version": definitions.definition(session, plan.target_id).version,
        "instructions": {key: value for key, value in plan.instructions.items() if key != value},
        "left_out": sorted(drafted.keys() - plan.instructions.keys()),
        "reason": reason,
    }
    migrated = Event(kind="process_instance.migrated", facts=facts, by=actor.signature)
    history.record_move(session, process_instance_id, [migrated, *new.events], before=found, at=now)


def _finding(element_id: str, code: str, text: str, /, **facts: object) -> Finding:
    return Finding(code=code, element_id=element_id, phrase=Phrase(text, **facts))


def _instance_findings(plan: MigrationPlan, running: TokenWorkflow, target: ProcessSpec) -> Iterator[Finding]:
    for token in running.alive():
        element = token.node.bpmn_id
        mapped = target.nodes.get(plan.instructions.get(element, ""))
        if mapped is None:
            yield _finding(
                element,
                "instruction-missing",
                "Expected an instruction for {element}, where activity instance {number} is, but found none",
                element=element,
                number=token.number,
            )
            continue
        if _container_key(plan, token.node) != _inner_container(mapped):
            yield _finding(
                element,
                "sub-process",
                "Expected {mapped} in the same sub-process as {element}, but found another",
                mapped=mapped.bpmn_id,
                element=element,
            )
        repeats = isinstance(mapped, Activity) and mapped.loop is not None
        if isinstance(token.node, Activity) and repeats != (token.node.loop is not None):
            yield _finding(
                element,
                "repetition",
                "Expected {mapped} to repeat as {element} does, but it does not",
                mapped=mapped.bpmn_id,
                element=element,
            )
        if isinstance(token.node, (ParallelGateway, InclusiveGateway)) and _flow_id(plan, token, target) is None:
            yield _finding(
                element,
                "sequence-flow",
                "Expected a sequence flow to {mapped} for the token that waits at {element}, but found none",
                mapped=mapped.bpmn_id,
                element=element,
            )


def _inner_container(node: Element) -> str | None:
    """Return the id of the sub-process that an element stands in; empty for the process itself."""
    if node.container is None or node.container.container is None:
        return ""
    return node.container.bpmn_id


def _container_key(plan: MigrationPlan, node: Element) -> str | None:
    container = _inner_container(node)
    return plan.instructions.get(container) if container else ""


def _flow_id(plan: MigrationPlan, token: Token, target: ProcessSpec) -> str | None:
    """Return the flow of the target that stands for the one a token came by: the same id, or the same ends."""
    if token.flow is None:
        return None
    mapped = plan.instructions.get(token.node.bpmn_id)
    same = target.flows.get(token.flow.id)
    if same is not None and same.target.bpmn_id == mapped:
        return same.id
    source = plan.instructions.get(token.flow.source.bpmn_id)
    return next(
        (flow.id for flow in target.flows.values() if flow.source.bpmn_id == source and flow.target.bpmn_id == mapped),
        None,
    )


def _translated(plan: MigrationPlan, running: TokenWorkflow, target: ProcessSpec) -> tuple[str, str]:
    """Return the stored form of an instance in terms of the target version."""
    for token in running.alive():
        flow_id = _flow_id(plan, token, target)
        token.flow = target.flows[flow_id] if flow_id else None
        if "start" in token.memo:
            token.memo["start"] = plan.instructions.get(token.memo["start"], token.memo["start"])
    for token in running.alive():
        token.task_spec = target.nodes[plan.instructions[token.node.bpmn_id]]
    return dump(running)


def _move_work(
    session: Session, plan: MigrationPlan, running: TokenWorkflow, target: ProcessSpec, process_instance_id: int
) -> None:
    """Let user tasks, external tasks and visits follow; who has claimed what stays."""
    for token in running.alive():
        node = target.nodes[token.node.bpmn_id]
        common = {"element_id": node.bpmn_id}
        for table, more in (
            (_user_tasks, {"name": (node.bpmn_name or node.bpmn_id)[:255], "definition_id": plan.target_id}),
            (_external_tasks, {"definition_id": plan.target_id}),
        ):
            session.execute(
                update(table)
                .where(
                    table.c.process_instance_id == process_instance_id,
                    table.c.activity_instance == token.number,
                    table.c.ended_at.is_(None),
                )
                .values(**common, **more)
            )
        session.execute(
            update(_activity_instances)
            .where(
                _activity_instances.c.process_instance_id == process_instance_id,
                _activity_instances.c.number == token.number,
            )
            .values(**common)
        )


def _move_waits(session: Session, plan: MigrationPlan, new: TokenWorkflow, process_instance_id: int) -> None:
    """Keep what is waited for in both versions, drop what is not in the target, begin with what is new there."""
    kept: set[tuple[int, str]] = set()
    for table in (_jobs, _subscriptions):
        rows = session.execute(
            select(table.c.id, table.c.activity_instance, table.c.element_id).where(
                table.c.process_instance_id == process_instance_id, table.c.activity_instance.is_not(None)
            )
        ).all()
        for row in rows:
            mapped = plan.instructions.get(row.element_id)
            if mapped is None:
                session.execute(delete(table).where(table.c.id == row.id))
                continue
            session.execute(
                update(table).where(table.c.id == row.id).values(element_id=mapped, definition_id=plan.target_id)
            )
            kept.add((row.activity_instance, mapped))
    for number, node, token in _awaited(new):
        if (number, node.bpmn_id) not in kept:
            new.arm(number, node, token)


def _awaited(running: TokenWorkflow) -> Iterator[tuple[int, Element, Token | None]]:
    for token in running.alive():
        if token.waits:
            for node in token.node.awaited(token):
                yield token.number, node, token
    for scope in running.scopes.values():
        if not scope.memo.get("interrupted"):
            for start in running.event_starts(scope):
                yield scope.number, start, scope.owner
