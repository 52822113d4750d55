"""
Who reads and writes the records of a register: those whom its declaration names.

Whoever may not read a register is told that it is not there, its records neither.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.deployments import Register, registers
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import Actor, By, Person


def readable(session: Session, by: By) -> list[Register]:
    """Return the registers that somebody may read, by name."""
    actor = identity.actor(session, by)
    return [each for each in registers.every(session) if may_read(actor, each)]


def register(session: Session, key: str, *, by: By) -> Register:
    """Return a register; raises `NotFound`, also for whoever may not read it."""
    found = registers.declared(session, key)
    if not may_read(identity.actor(session, by), found):
        raise errors.NotFound("register", key)
    return found


def writer(session: Session, by: By, declared: Register, verb: str, noun: str, key: object) -> Actor:
    """Return who writes in a register; raises `NotFound` for strangers, `Forbidden` for those who only read."""
    actor = identity.actor(session, by)
    if not may_read(actor, declared):
        raise errors.NotFound(noun, key)
    if not may_write(actor, declared):
        raise errors.Forbidden(verb, noun, key, actor.signature or "")
    return actor


def merger(session: Session, by: By, declared: Register, verb: str, key: object) -> Actor:
    """Return who merges records of a register; raises `NotFound` for strangers, `Forbidden` for all who do not."""
    actor = writer(session, by, declared, verb, "record", key)
    if not may_merge(actor, declared):
        raise errors.Forbidden(verb, "record", key, actor.signature or "")
    return actor


def may_read(actor: Actor, declared: Register) -> bool:
    """Tell whether somebody may read the records of a register."""
    return not isinstance(actor, Person) or authorization.may_read_register(actor, declared.readers, declared.writers)


def may_write(actor: Actor, declared: Register) -> bool:
    """Tell whether somebody may add records to a register and change them."""
    return not isinstance(actor, Person) or authorization.may_write_register(actor, declared.writers)


def may_merge(actor: Actor, declared: Register) -> bool:
    """Tell whether somebody may merge records of a register, and take them apart again."""
    return may_write(actor, declared) and (
        not isinstance(actor, Person) or authorization.may_write_register(actor, declared.mergers)
    )
