"""Proof of a matter that somebody takes away: who may, and that it was taken, stands in the history of the house."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.models import ProcessInstance
from casepath.engine.history import Event, bundle, organisation
from casepath.engine.people import access, authorization, identity
from casepath.engine.people.authorization import By, Person

#: A business key, or the number of the outermost process instance of a matter without one.
Reference = str | int

TAKEN = "proof.taken"


def take(session: Session, reference: Reference, *, by: By) -> None:
    """
    Have it on record that somebody takes away what is known of a matter.

    Raises `NotFound` for strangers, `Forbidden` for those who may only look.
    """
    actor = identity.actor(session, by)
    if isinstance(actor, Person):
        if isinstance(reference, int):
            access.process_instance(session, actor, reference)
        else:
            access.matter(session, actor, reference)
        if not authorization.may_take_proof(actor):
            raise errors.Forbidden("take the proof of", "matter", reference, actor.username)
    facts = {"matter": reference, "process_instances": _instances(session, reference)}
    organisation.record(session, Event(kind=TAKEN, facts=facts, by=actor.signature))


def write(
    session: Session, file: BinaryIO, reference: Reference, *, story: Mapping[str, bytes], signatory: bundle.Signatory
) -> None:
    """
    Write the proof of a matter, as `history.bundle.write` does, for whoever has taken it; raises `NotFound`.

    The session has to see the database as it is at one moment.
    """
    numbers = _instances(session, reference)
    bundle.write(session, file, numbers, matter=reference, story=story, signatory=signatory)


def _instances(session: Session, reference: Reference) -> list[int]:
    """Return the numbers of the process instances of a matter, in order; raises `NotFound`."""
    query = select(ProcessInstance.id).where(_belongs(reference)).order_by(ProcessInstance.id)
    found = list(session.scalars(query))
    if not found:
        raise errors.NotFound("matter", reference)
    return found


def _belongs(reference: Reference) -> ColumnElement[bool]:
    if isinstance(reference, int):
        return ProcessInstance.root_id == reference
    return ProcessInstance.business_key == reference
