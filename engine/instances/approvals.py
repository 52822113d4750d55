"""Batches that wait until somebody else lets them begin: who may, and who is told that one waits."""

from __future__ import annotations

from sqlalchemy.orm import Session

from casepath.engine import phrases
from casepath.engine.database.models import Batch
from casepath.engine.deployments import Register, definitions, registers, selections
from casepath.engine.instances import notifications
from casepath.engine.instances.wordings import Wording
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import ADMINISTRATOR, Actor, Person
from casepath.engine.phrases import Phrase


def may_approve(session: Session, batch: Batch, actor: Actor) -> bool:
    """Tell whether somebody may let a batch begin: not who has proposed it, nor who may not read its records."""
    is_own = actor.signature is not None and actor.signature == batch.created_by
    if is_own or not reads(actor, registers.declared(session, batch.register)):
        return False
    return not isinstance(actor, Person) or authorization.may_start(actor, _groups(session, batch))


def reads(actor: Actor, register: Register) -> bool:
    """Tell whether somebody may read the records of a register."""
    return not isinstance(actor, Person) or authorization.may_read_register(actor, register.readers, register.writers)


def ask(session: Session, batch: Batch) -> None:
    """Tell those who may let a batch begin that it waits for one of them; administrators, where there is nobody."""
    register = registers.declared(session, batch.register)
    groups = _groups(session, batch) or {*register.readers, *register.writers}
    usernames = _who_may(session, batch, groups) or _who_may(session, batch, {ADMINISTRATOR})
    name = definitions.definition(session, batch.definition_id).name
    phrase = Phrase(
        "“{process}” for {count} records waits until somebody lets it begin (batch {batch}).",
        process=name, count=batch.size, batch=batch.id,
    )  # fmt: skip
    notifications.notify(
        session,
        usernames,
        kind="notice",
        wording=Wording(subject=str(phrase), text=phrases.dumps(phrase)),
        idempotency_key=_key(batch),
    )


def settle(session: Session, batch: Batch) -> None:
    """Note that nobody need look at a batch any more for which others were asked."""
    notifications.settle(session, _key(batch))


def _groups(session: Session, batch: Batch) -> set[str]:
    """Return the groups that may let a batch begin; empty where the diagram names none."""
    spec = definitions.process(session, batch.definition_id)
    selection = selections.of(spec)
    return set((selection and selection.approvers) or spec.candidate_starters)


def _who_may(session: Session, batch: Batch, groups: set[str]) -> list[str]:
    members = sorted(identity.members(session, groups))
    return [each for each in members if may_approve(session, batch, identity.person(session, each))]


def _key(batch: Batch) -> str:
    return f"batch {batch.id} proposed"
