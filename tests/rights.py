"""
Every public command of the nouns, and something to try it on: who may do it in which state stands in `docs/rights.md`.

A command takes who acts as `by`. What else is public only reads, or is for workers and the engine itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from casepath.engine import deployments, rehearsal
from casepath.engine.bpmn.triggers import StartBefore
from casepath.engine.database import numbers
from casepath.engine.database.models import Definition, UserTask, UserTaskCandidate
from casepath.engine.instances import (
    approvals,
    arrivals,
    attachments,
    batches,
    comments,
    deliveries,
    departures,
    drafts,
    external_tasks,
    incidents,
    jobs,
    mails,
    messages,
    migration_plans,
    migration_previews,
    notifications,
    process_instances,
    proofs,
    signs,
    submissions,
    task_views,
    user_tasks,
    watches,
)
from casepath.engine.people import identity, substitutes
from casepath.engine.people.authorization import By
from casepath.engine.registers import doubles, files, imports, records
from casepath.engine.time import clock
from tests import diagrams, factories, wards
from tests.acting import PROGRAM
from tests.web.populated import failed_job

NOUNS: tuple[ModuleType, ...] = (
    approvals, arrivals, attachments, batches, comments, deliveries, departures, deployments, doubles, drafts,
    external_tasks, files, identity, imports, incidents, jobs, mails, messages, migration_plans,
    migration_previews, notifications, numbers, process_instances, proofs, records, rehearsal, signs, submissions,
    substitutes, task_views, user_tasks, watches,
)  # fmt: skip

#: What reads.
READS = frozenset({
    "approvals.may_approve", "approvals.reads", "arrivals.count_within", "arrivals.is_known",
    "attachments.content", "attachments.digest", "attachments.get", "attachments.list_of", "attachments.page",
    "attachments.safe_name", "batches.are_running", "batches.get", "batches.may_stop",
    "batches.preview", "comments.instance_of", "comments.page", "deliveries.are_due", "deployments.check",
    "deployments.content", "deployments.inspect", "deployments.definition",
    "deployments.find", "deployments.findings", "deployments.form",
    "deployments.latest", "deployments.list_definitions",
    "deployments.process", "deployments.read_folder",
    "deployments.resource", "deployments.still_unknown", "deployments.use_extensions", "drafts.text_of",
    "external_tasks.are_waiting", "external_tasks.get", "files.get", "identity.actor",
    "identity.allowed", "identity.authenticate", "identity.credentials", "identity.distributed", "identity.get",
    "identity.group", "identity.groups", "identity.groups_of", "identity.members",
    "identity.memberships", "identity.normal",
    "identity.person", "identity.person_since", "identity.users", "incidents.count_open",
    "incidents.get", "incidents.list_open",
    "jobs.next_due", "mails.are_due", "migration_plans.draft", "migration_plans.validate",
    "migration_plans.validate_instance", "migration_previews.places", "migration_previews.preview",
    "migration_previews.running", "numbers.check_format",
    "process_instances.accepted", "process_instances.get", "process_instances.newest_number",
    "doubles.remaining",
    "process_instances.require_starter",
    "process_instances.scopes", "process_instances.variables",
    "process_instances.was_started", "proofs.write", "records.get", "records.values_of", "rehearsal.begun",
    "rehearsal.of", "rehearsal.path", "rehearsal.read", "rehearsal.span", "substitutes.concerning",
    "task_views.get", "task_views.may_change", "task_views.of_person",
    "user_tasks.draft", "user_tasks.get", "user_tasks.open_of", "watches.is_news", "watches.is_watched",
    "watches.of_user",
})  # fmt: skip
#: What is the engine's own: due work, what one process sends to another, numbers given out in a transaction, the
#: transaction of a step itself.
OF_THE_ENGINE = frozenset({
    "approvals.ask", "approvals.settle",
    "arrivals.take", "batches.run", "deliveries.put", "deliveries.report",
    "incidents.noting", "jobs.fail", "jobs.run_due", "messages.deliver", "messages.hand_over",
    "notifications.notify", "notifications.settle", "mails.enqueue", "numbers.business_key", "numbers.formatted",
    "numbers.next_number", "numbers.next_numbers", "numbers.several", "signs.ring", "watches.tell_news",
})  # fmt: skip
#: What only the worker does that has it: named by `worker_id`, or by the number of its attempt.
OF_WORKERS = frozenset({
    "deliveries.due", "deliveries.hand_over", "deliveries.settle", "deliveries.take",
    "mails.hand_over", "mails.settle", "mails.take",
    "external_tasks.complete", "external_tasks.extend_lock", "external_tasks.fail", "external_tasks.fetch_and_lock",
    "external_tasks.hand_over", "external_tasks.lock", "external_tasks.throw_error", "signs.end", "signs.give",
})  # fmt: skip
#: What concerns nothing but the user's own: session, old password as a proof, what was read, drafts, forms sent.
OF_ONESELF = frozenset({
    "drafts.discard", "drafts.get", "drafts.list_of", "drafts.save",
    "identity.change_password", "identity.end_session", "identity.note", "notifications.mark_read",
    "submissions.claim", "submissions.settle", "watches.leave",
})  # fmt: skip

#: Who acts: user name and groups. Lena is lent a task, Dora's group distributes the tasks of `service`.
PEOPLE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "has it": ("alice", ("service",)),
    "is lent it": ("lena", ("sales",)),
    "candidate": ("bob", ("service",)),
    "superior": ("dora", ("directors",)),
    "sees all": ("selma", ("board",)),
    "operator": ("otto", ("operator",)),
    "administrator": ("ada", ("administrator",)),
    "process owner": ("olivia", ("process_owner",)),
    "auditor": ("audrey", ("auditor",)),
    "auditing candidate": ("aubrey", ("auditor", "service")),
    "other group": ("charlie", ("sales",)),
    "no group": ("nemo", ()),
}
COLLEAGUE = "dan"
#: Registers that the other group reads and writes.
WARD = wards.ward(
    patient={**wards.PATIENT, "readers": [], "writers": ["sales"]},
    bed={**wards.BED, "readers": [], "writers": ["sales"]},
)
#: Somebody who is locked out.
GONE = "gwen"
DIAGRAM = diagrams.process(
    '<startEvent id="Start"/>',
    '<userTask id="Solve" name="Solve" camunda:candidateGroups="service"/>',
    '<boundaryEvent id="News" attachedToRef="Solve" cancelActivity="false"><messageEventDefinition messageRef="News_"/>'
    "</boundaryEvent>",
    '<userTask id="Done" name="Done" camunda:candidateGroups="archive"/>',
    '<endEvent id="Heard"/>',
    flow="Start > Solve; Solve > Done; News > Heard",
    root='<message id="News_" name="news"/>',
)


#: Is started for patients; for more than one somebody else has to agree.
EACH = diagrams.process(
    '<extensionElements><camunda:properties><camunda:property name="forEach" value="patient"/>'
    '<camunda:property name="approvalAbove" value="1"/></camunda:properties></extensionElements>',
    '<startEvent id="Begin"/><endEvent id="Over"/>', flow="Begin > Over", key="each",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class There:
    """What a command is tried on."""

    key: str
    instance_id: int
    task_id: int
    old: int
    new: int
    comment_id: int
    attachment_id: int
    job_id: int
    incident_id: int
    external_task_id: int
    substitution_id: int
    mail_id: int
    delivery_id: int
    batch_id: int
    import_id: int
    record_keys: tuple[str, ...]
    record_id: int
    archived_id: int
    #: Two records that may be one, and one that was merged into another.
    twin_ids: tuple[int, int]
    merged_id: int
    view_id: int


Command = Callable[[Session, There, By], object]
def rehearsed(session: Session, by: By) -> None:
    """Play nothing on what is in force."""
    draft = rehearsal.Draft(files={}, process="each")
    with rehearsal.rehearse(session, draft, rehearsal.begun("each"), by=by):
        pass


COMMANDS: Mapping[str, Command] = {
    "attachments.add": lambda session, it, by: attachments.add(session, it.key, name="a", content=b"x", by=by),
    "attachments.remove": lambda session, it, by: attachments.remove(session, it.attachment_id, by=by, reason="x"),
    "batches.approve": lambda session, it, by: batches.approve(session, it.batch_id, by=by),
    "batches.propose": lambda session, it, by: batches.propose(session, "each", it.record_keys[:1], by=by),
    "batches.stop": lambda session, it, by: batches.stop(session, it.batch_id, by=by),
    "comments.add": lambda session, it, by: comments.add(session, it.key, "x", by=by),
    "comments.remove": lambda session, it, by: comments.remove(session, it.comment_id, by=by, reason="x"),
    "deliveries.give_up": lambda session, it, by: deliveries.give_up(session, it.delivery_id, by=by),
    "deliveries.retry": lambda session, it, by: deliveries.retry(session, it.delivery_id, by=by),
    "departures.erase": lambda session, it, by: departures.erase(session, GONE, by=by, reason="x"),
    "departures.lock_out": lambda session, it, by: departures.lock_out(session, COLLEAGUE, by=by),
    "deployments.deploy": lambda session, it, by: deployments.deploy(session, {"p.bpmn": DIAGRAM}, name="p", by=by),
    "external_tasks.set_priority": lambda session, it, by: external_tasks.set_priority(
        session, it.external_task_id, 1, by=by),
    "external_tasks.set_retries": lambda session, it, by: external_tasks.set_retries(
        session, it.external_task_id, 1, by=by),
    "external_tasks.unlock": lambda session, it, by: external_tasks.unlock(session, it.external_task_id, by=by),
    "identity.add_group": lambda session, it, by: identity.add_group(session, "new", name="n", by=by),
    "identity.create_user": lambda session, it, by: identity.create_user(session, "new", name="n", by=by),
    "identity.import_people": lambda session, it, by: identity.import_people(session, {}, by=by),
    "identity.set_active": lambda session, it, by: identity.set_active(session, COLLEAGUE, False, by=by),
    "identity.set_digest": lambda session, it, by: identity.set_digest(session, COLLEAGUE, 8, by=by),
    "identity.set_groups": lambda session, it, by: identity.set_groups(session, COLLEAGUE, [], by=by),
    "identity.set_language": lambda session, it, by: identity.set_language(session, COLLEAGUE, "en", by=by),
    "identity.set_password": lambda session, it, by: identity.set_password(session, COLLEAGUE, None, by=by),
    "doubles.distinguish": lambda session, it, by: doubles.distinguish(session, *it.twin_ids, by=by),
    "doubles.merge": lambda session, it, by: doubles.merge(
        session, *it.twin_ids, (), seen=dict.fromkeys(it.twin_ids, 1), by=by),
    "doubles.separate": lambda session, it, by: doubles.separate(session, it.merged_id, by=by),
    "files.begin": lambda session, it, by: files.begin(
        session, "patient", b"name\n", name="a.csv", headings=["name"], fields=["name"], by=by),
    "files.stop": lambda session, it, by: files.stop(session, it.import_id, by=by),
    "imports.take": lambda session, it, by: imports.take(session, "patient", [], by=by),
    "incidents.resolve": lambda session, it, by: incidents.resolve(session, it.incident_id, by=by),
    "jobs.retry": lambda session, it, by: jobs.retry(session, it.job_id, by=by),
    "mails.give_up": lambda session, it, by: mails.give_up(session, it.mail_id, by=by),
    "mails.retry": lambda session, it, by: mails.retry(session, it.mail_id, by=by),
    "messages.correlate": lambda session, it, by: messages.correlate(session, "news", business_key=it.key, by=by),
    "messages.signal": lambda session, it, by: messages.signal(session, "alarm", by=by),
    "migration_plans.execute": lambda session, it, by: migration_plans.execute(
        session, migration_plans.draft(session, it.old, it.new), it.instance_id, by=by, reason="x"),
    "process_instances.cancel": lambda session, it, by: process_instances.cancel(
        session, it.instance_id, by=by, reason="x"),
    "process_instances.erase": lambda session, it, by: process_instances.erase(
        session, it.instance_id, ["x"], by=by, reason="x"),
    "process_instances.modify": lambda session, it, by: process_instances.modify(
        session, it.instance_id, [StartBefore(element_id="Done")], by=by, reason="x"),
    "process_instances.resume": lambda session, it, by: process_instances.resume(
        session, it.instance_id, by=by, reason="x"),
    "process_instances.set_variables": lambda session, it, by: process_instances.set_variables(
        session, it.instance_id, {"x": 1}, by=by, reason="x"),
    "process_instances.start": lambda session, it, by: process_instances.start(session, "p", by=by),
    "process_instances.suspend": lambda session, it, by: process_instances.suspend(
        session, it.instance_id, by=by, reason="x"),
    "proofs.take": lambda session, it, by: proofs.take(session, it.key, by=by),
    "records.archive": lambda session, it, by: records.archive(session, it.record_id, by=by),
    "records.change": lambda session, it, by: records.change(
        session, it.record_id, {"name": "other"}, revision=1, by=by),
    "records.create": lambda session, it, by: records.create(session, "patient", {"name": "n"}, by=by),
    "records.erase": lambda session, it, by: records.erase(session, it.archived_id, ["phone"], by=by, reason="x"),
    "records.restore": lambda session, it, by: records.restore(session, it.archived_id, by=by),
    "rehearsal.rehearse": lambda session, it, by: rehearsed(session, by),
    "rehearsal.run": lambda session, it, by: rehearsal.run(
        session, rehearsal.Draft(files={}, process="each"), [("a", rehearsal.begun("each"))], by=by),
    "substitutes.appoint": lambda session, it, by: substitutes.appoint(
        session, "alice", COLLEAGUE, begins_at=clock.now(), ends_at=clock.now() + timedelta(days=1), by=by),
    "substitutes.dismiss": lambda session, it, by: substitutes.dismiss(session, it.substitution_id, by=by),
    "task_views.change": lambda session, it, by: task_views.change(session, it.view_id, name="other", by=by),
    "task_views.remove": lambda session, it, by: task_views.remove(session, it.view_id, by=by),
    "task_views.save": lambda session, it, by: task_views.save(
        session, "new", task_views.Settings(), group="sales", by=by),
    "user_tasks.assign": lambda session, it, by: user_tasks.assign(
        session, it.task_id, COLLEAGUE, by=by, reason="x"),
    "user_tasks.claim": lambda session, it, by: user_tasks.claim(session, it.task_id, by=by),
    "user_tasks.complete": lambda session, it, by: user_tasks.complete(session, it.task_id, {}, by=by),
    "user_tasks.delegate": lambda session, it, by: user_tasks.delegate(session, it.task_id, COLLEAGUE, by=by),
    "user_tasks.resolve": lambda session, it, by: user_tasks.resolve(session, it.task_id, by=by),
    "user_tasks.save_draft": lambda session, it, by: user_tasks.save_draft(session, it.task_id, {}, by=by),
    "user_tasks.set_due": lambda session, it, by: user_tasks.set_due(session, it.task_id, None, by=by),
    "user_tasks.set_follow_up": lambda session, it, by: user_tasks.set_follow_up(session, it.task_id, None, by=by),
    "user_tasks.set_priority": lambda session, it, by: user_tasks.set_priority(session, it.task_id, 1, by=by),
    "user_tasks.unclaim": lambda session, it, by: user_tasks.unclaim(session, it.task_id, by=by, reason="x"),
    "watches.watch": lambda session, it, by: watches.watch(session, it.key, by=by),
}  # fmt: skip

def public_functions() -> Iterator[str]:
    """Yield the names of all public functions that the nouns define or hand on."""
    for noun in NOUNS:
        handed_on = getattr(noun, "__all__", ())
        for name, function in inspect.getmembers(noun, inspect.isfunction):
            if not name.startswith("_") and (function.__module__ == noun.__name__ or name in handed_on):
                yield f"{noun.__name__.rpartition('.')[2]}.{name}"


def fill(session: Session) -> tuple[int, int]:
    """Make people and two versions of a process; return the ids of these."""
    identity.import_people(session, {}, by=PROGRAM)
    for key in ("service", "sales", "archive"):
        factories.group(session, key)
    factories.group(session, "board", sees_all=True)
    factories.group(session, "directors", distributes=["service"])
    for username, groups in [*PEOPLE.values(), (COLLEAGUE, ("service",))]:
        factories.user(session, username, groups=groups)
    factories.user(session, GONE).active = False
    for content in (DIAGRAM.replace(b'name="Done"', b'name="Over"'), DIAGRAM):
        deployments.deploy(session, {"p.bpmn": content}, name="p", by=PROGRAM)
    deployments.deploy(session, WARD, name="w", by=PROGRAM)
    deployments.deploy(session, {"each.bpmn": EACH}, name="each", by=PROGRAM)
    versions = select(Definition.id).where(Definition.kind == "process", Definition.key == "p")
    old, new = session.scalars(versions.order_by(Definition.version))
    return old, new


def make(session: Session, key: str, old: int, new: int) -> There:
    """Start a matter of Alice, with one of everything."""
    instance = process_instances.start(session, "p", business_key=key, by="alice", version=1)
    job_id, incident_id = failed_job(session, instance.id)
    archived = records.create(session, "patient", {"name": "n"}, by=PROGRAM)
    records.archive(session, archived.id, by=PROGRAM)
    twin, other = (records.create(session, "patient", {"name": "t"}, by=PROGRAM).id for _ in range(2))
    merged = records.create(session, "patient", {"name": "n"}, by=PROGRAM).id
    into = records.create(session, "patient", {"name": "n"}, by=PROGRAM).id
    doubles.merge(session, merged, into, seen={merged: 1, into: 1}, by=PROGRAM)
    keys = tuple(records.create(session, "patient", {"name": name}, by=PROGRAM).key for name in ("m", "o"))
    external = factories.external_task(session, of=instance, activity_instance=99, state="failed", retries=0)
    return There(
        key=key,
        instance_id=instance.id,
        task_id=session.scalars(select(UserTask.id).where(UserTask.process_instance_id == instance.id)).one(),
        old=old,
        new=new,
        comment_id=comments.add(session, key, "x", by="alice").id,
        attachment_id=attachments.add(session, key, name="a", content=b"x", by="alice").id,
        job_id=job_id,
        incident_id=incident_id,
        external_task_id=external.id,
        substitution_id=substitutes.appoint(
            session, "alice", "nemo", begins_at=clock.now() + timedelta(days=300),
            ends_at=clock.now() + timedelta(days=301), by="alice",
        ).id,
        mail_id=factories.mail(session).id,
        delivery_id=factories.delivery(session, of=instance).id,
        batch_id=batches.propose(session, "each", keys, by=PROGRAM).id,
        import_id=files.begin(
            session, "patient", b"name\n", name="a.csv", headings=["name"], fields=["name"], by=PROGRAM
        ).id,
        record_keys=keys,
        record_id=records.create(session, "patient", {"name": "n"}, by=PROGRAM).id,
        archived_id=archived.id,
        twin_ids=(twin, other),
        merged_id=merged,
        view_id=task_views.save(session, key, task_views.Settings(), group="sales", by=PROGRAM).id,
    )


def lend(session: Session, there: There) -> None:
    """Have Alice lend the task to Lena."""
    user_tasks.claim(session, there.task_id, by="alice")
    user_tasks.delegate(session, there.task_id, "lena", by="alice")


def suspend(session: Session, there: There) -> None:
    """Suspend an instance whose task Alice has."""
    user_tasks.claim(session, there.task_id, by="alice")
    process_instances.suspend(session, there.instance_id, by=PROGRAM, reason="x")


def leave_to_alice(session: Session, there: There) -> None:
    """Make the task Alice's without any candidates."""
    task = session.get_one(UserTask, there.task_id)
    task.assignee, task.candidate_groups = "alice", "[]"
    session.execute(delete(UserTaskCandidate).where(UserTaskCandidate.user_task_id == task.id))
    session.flush()


#: In which state the user task of the instance is, or the instance itself.
STATES: Mapping[str, Callable[[Session, There], object]] = {
    "free": lambda session, it: None,
    "held": lambda session, it: user_tasks.claim(session, it.task_id, by="alice"),
    "lent": lend,
    "alone": leave_to_alice,
    "suspended": suspend,
    "completed": lambda session, it: user_tasks.complete(session, it.task_id, {}, by="alice"),
    "cancelled": lambda session, it: process_instances.cancel(session, it.instance_id, by=PROGRAM, reason="x"),
}


# What everybody is answered: ✓ done, · refused, – told that there is no such thing, ! told in which state it is.

GENERAL = ("administrator", "operator", "process owner", "auditor", "sees all", "superior", "other group", "no group")
MATTER = ("has it", "candidate", "superior", "sees all", "administrator", "operator", "process owner", "auditor",
          "auditing candidate", "other group")  # fmt: skip
LENT = ("has it", "is lent it", *MATTER[1:])


@dataclass(frozen=True, kw_only=True)
class Table:
    """Who is answered what for things in one state."""

    state: str
    roles: tuple[str, ...]
    #: Command → one sign for each role.
    rows: Mapping[str, str]


#: In the order of `docs/rights.md`.
TABLES: tuple[Table, ...] = (
    Table(state="free", roles=GENERAL, rows={
        "batches.approve": "✓·–··–✓–",
        "batches.propose": "✓––·––✓·",
        "batches.stop": "✓✓–··–✓–",
        "deliveries.give_up": "✓✓······",
        "deliveries.retry": "✓✓······",
        "departures.erase": "✓·······",
        "departures.lock_out": "✓·······",
        "deployments.deploy": "✓·✓·····",
        "doubles.distinguish": "·––·––✓–",
        "doubles.merge": "·––·––✓–",
        "doubles.separate": "·––·––✓–",
        "external_tasks.set_priority": "✓✓······",
        "external_tasks.set_retries": "✓✓······",
        "external_tasks.unlock": "!!······",
        "files.begin": "·––·––✓–",
        "files.stop": "––––––✓–",
        "identity.add_group": "✓·······",
        "identity.create_user": "✓·······",
        "identity.import_people": "✓·······",
        "identity.set_active": "✓·······",
        "identity.set_digest": "✓·······",
        "identity.set_groups": "✓·······",
        "identity.set_language": "✓·······",
        "identity.set_password": "✓·······",
        "imports.take": "·––·––✓–",
        "incidents.resolve": "✓✓······",
        "jobs.retry": "✓✓······",
        "mails.give_up": "✓✓······",
        "mails.retry": "✓✓······",
        "messages.signal": "✓✓······",
        "process_instances.start": "✓✓✓·✓✓✓·",
        "records.archive": "·––·––✓–",
        "records.change": "·––·––✓–",
        "records.create": "·––·––✓–",
        "records.erase": "✓––·––·–",
        "records.restore": "·––·––✓–",
        "rehearsal.rehearse": "✓·✓·····",
        "rehearsal.run": "✓·✓·····",
        "task_views.change": "✓–––––✓–",
        "task_views.remove": "✓–––––✓–",
        "task_views.save": "✓·····✓·",
    }),
    Table(state="free", roles=MATTER, rows={
        "attachments.add": "✓✓✓✓✓✓–··–",
        "attachments.remove": "····✓·····",
        "comments.add": "✓✓✓✓✓✓–··–",
        "comments.remove": "····✓·····",
        "messages.correlate": "✓✓✓···–··–",
        "migration_plans.execute": "····✓✓–··–",
        "process_instances.cancel": "····✓✓–··–",
        "process_instances.erase": "····✓·····",
        "process_instances.modify": "····✓✓–··–",
        "process_instances.resume": "····!!–··–",
        "process_instances.set_variables": "····✓✓–··–",
        "process_instances.suspend": "····✓✓–··–",
        "proofs.take": "···✓··–✓✓–",
        "watches.watch": "✓✓✓✓✓✓–✓✓–",
    }),
    Table(state="free", roles=MATTER, rows={
        "substitutes.appoint": "✓···✓·····",
        "substitutes.dismiss": "✓···✓·····",
    }),
    Table(state="suspended", roles=MATTER, rows={
        "attachments.add": "✓✓✓✓✓✓–··–",
        "attachments.remove": "····✓·····",
        "comments.add": "✓✓✓✓✓✓–··–",
        "comments.remove": "····✓·····",
        "messages.correlate": "✓✓✓···–··–",
        "migration_plans.execute": "····✓✓–··–",
        "process_instances.cancel": "····✓✓–··–",
        "process_instances.erase": "····✓·····",
        "process_instances.modify": "····✓✓–··–",
        "process_instances.resume": "····✓✓–··–",
        "process_instances.set_variables": "····✓✓–··–",
        "process_instances.suspend": "····!!–··–",
        "proofs.take": "···✓··–✓✓–",
    }),
    Table(state="cancelled", roles=MATTER, rows={
        "attachments.add": "✓––✓✓✓–··–",
        "attachments.remove": "····✓·····",
        "comments.add": "✓––✓✓✓–··–",
        "comments.remove": "····✓·····",
        "messages.correlate": "––––––––––",
        "process_instances.cancel": "·––·!!–··–",
        "process_instances.erase": "····✓·····",
        "process_instances.modify": "·––·!!–··–",
        "process_instances.resume": "·––·!!–··–",
        "process_instances.set_variables": "·––·!!–··–",
        "process_instances.suspend": "·––·!!–··–",
        "proofs.take": "·––✓··–✓✓–",
    }),
    Table(state="free", roles=MATTER, rows={
        "user_tasks.assign": "✓✓✓·✓✓–··–",
        "user_tasks.claim": "✓✓····–··–",
        "user_tasks.complete": "✓✓····–··–",
        "user_tasks.delegate": "······–··–",
        "user_tasks.resolve": "······–··–",
        "user_tasks.save_draft": "✓✓····–··–",
        "user_tasks.set_due": "··✓·✓✓–··–",
        "user_tasks.set_follow_up": "··✓·✓✓–··–",
        "user_tasks.set_priority": "··✓·✓✓–··–",
        "user_tasks.unclaim": "··!·!!–··–",
    }),
    Table(state="held", roles=MATTER, rows={
        "user_tasks.assign": "✓!✓·✓✓–··–",
        "user_tasks.claim": "✓!····–··–",
        "user_tasks.complete": "✓!····–··–",
        "user_tasks.delegate": "✓!····–··–",
        "user_tasks.resolve": "·!····–··–",
        "user_tasks.save_draft": "✓!····–··–",
        "user_tasks.set_due": "·!✓·✓✓–··–",
        "user_tasks.set_follow_up": "✓!✓·✓✓–··–",
        "user_tasks.set_priority": "·!✓·✓✓–··–",
        "user_tasks.unclaim": "✓!✓·✓✓–··–",
    }),
    Table(state="lent", roles=LENT, rows={
        "user_tasks.assign": "✓·!✓·✓✓–··–",
        "user_tasks.claim": "!✓!····–··–",
        "user_tasks.complete": "!·!····–··–",
        "user_tasks.delegate": "!✓!····–··–",
        "user_tasks.resolve": "✓✓!····–··–",
        "user_tasks.save_draft": "!✓!····–··–",
        "user_tasks.set_due": "!·!✓·✓✓–··–",
        "user_tasks.set_follow_up": "!✓!✓·✓✓–··–",
        "user_tasks.set_priority": "!·!✓·✓✓–··–",
        "user_tasks.unclaim": "!!!!·!!–··–",
    }),
    Table(state="alone", roles=MATTER, rows={
        "user_tasks.assign": "✓––·✓✓–··–",
        "user_tasks.claim": "✓––···–··–",
        "user_tasks.complete": "✓––···–··–",
        "user_tasks.delegate": "✓––···–··–",
        "user_tasks.resolve": "·––···–··–",
        "user_tasks.save_draft": "✓––···–··–",
        "user_tasks.set_due": "·––·✓✓–··–",
        "user_tasks.set_follow_up": "✓––·✓✓–··–",
        "user_tasks.set_priority": "·––·✓✓–··–",
        "user_tasks.unclaim": "!––·!!–··–",
    }),
    Table(state="suspended", roles=MATTER, rows={
        "user_tasks.assign": "!!!·!!–··–",
        "user_tasks.claim": "✓!····–··–",
        "user_tasks.complete": "!!····–··–",
        "user_tasks.delegate": "!!····–··–",
        "user_tasks.resolve": "·!····–··–",
        "user_tasks.save_draft": "✓!····–··–",
        "user_tasks.set_due": "·!!·!!–··–",
        "user_tasks.set_follow_up": "!!!·!!–··–",
        "user_tasks.set_priority": "·!!·!!–··–",
        "user_tasks.unclaim": "!!!·!!–··–",
    }),
    Table(state="completed", roles=MATTER, rows={
        "user_tasks.assign": "!!!!!!–!!–",
        "user_tasks.claim": "!!!!!!–!!–",
        "user_tasks.complete": "!!!!!!–!!–",
        "user_tasks.delegate": "!!!!!!–!!–",
        "user_tasks.resolve": "!!!!!!–!!–",
        "user_tasks.save_draft": "!!!!!!–!!–",
        "user_tasks.set_due": "!!!!!!–!!–",
        "user_tasks.set_follow_up": "!!!!!!–!!–",
        "user_tasks.set_priority": "!!!!!!–!!–",
        "user_tasks.unclaim": "!!!!!!–!!–",
    }),
    Table(state="cancelled", roles=MATTER, rows={
        "user_tasks.assign": "!!!!!!–!!–",
        "user_tasks.claim": "!!!!!!–!!–",
        "user_tasks.complete": "!!!!!!–!!–",
        "user_tasks.delegate": "!!!!!!–!!–",
        "user_tasks.resolve": "!!!!!!–!!–",
        "user_tasks.save_draft": "!!!!!!–!!–",
        "user_tasks.set_due": "!!!!!!–!!–",
        "user_tasks.set_follow_up": "!!!!!!–!!–",
        "user_tasks.set_priority": "!!!!!!–!!–",
        "user_tasks.unclaim": "!!!!!!–!!–",
    }),
)  # fmt: skip
