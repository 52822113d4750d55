"""
Mentions: people whom a comment names as `@name`, by their user name or whole name; who may see the matter is told.

To be told so lets nobody see what he could not see before.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from casepath.engine import phrases
from casepath.engine.database.models import User
from casepath.engine.instances import notifications
from casepath.engine.instances.wordings import Wording
from casepath.engine.people import access, authentication, identity
from casepath.engine.people.authorization import Actor
from casepath.engine.phrases import Phrase

SIGN = "@"
#: Mentions of one comment that are looked at, and characters of a name.
MOST, LONGEST = 20, identity.MAX_NAME_LENGTH
#: People who are suggested, and how many of those who are called so are asked whether they may see the matter.
FEW, ASKED = 8, 40
#: What is taken for a name that nobody has, up to the next space or mark.
WORD = re.compile(r"\w(?:[\w.-]*\w)?")


@dataclass(frozen=True, kw_only=True)
class Mentioned:
    """Whom a text names: user names, and the words that name nobody."""

    told: Collection[str]
    #: Those who may not see the matter, and are told nothing.
    strangers: Collection[str]
    #: What stands behind a sign as a name and is that of nobody who may log in, as it is written.
    unknown: Collection[str]


def of(session: Session, business_key: str, text: str) -> Mentioned:
    """Return whom a text about a matter names."""
    named, unknown = _named(session, text)
    told = [username for username in named if _sees(session, username, business_key)]
    strangers = [username for username in named if username not in told]
    return Mentioned(told=told, strangers=strangers, unknown=unknown)


def tell(session: Session, business_key: str, process_instance_id: int, text: str, *, by: Actor) -> None:
    """Tell those who are named in a comment that somebody else has written."""
    told = {username for username in of(session, business_key, text).told if username != by.signature}
    # What was written stays in the comment alone, where it can be erased.
    phrase = Phrase("{who} mentioned you in a comment.", who=by.name or str(by.signature))
    notifications.notify(
        session,
        told,
        kind="mention",
        wording=Wording(subject=str(phrase), text=phrases.dumps(phrase)),
        business_key=business_key,
        process_instance_id=process_instance_id,
    )


def suggested(session: Session, business_key: str, begun: str) -> list[tuple[str, str]]:
    """Return user name and name of people who may see a matter and whose names have what is typed; at most `FEW`."""
    query = select(User.username, User.name).where(User.active)
    if begun:
        like = User.name.icontains(begun, autoescape=True)
        query = query.where(or_(like, User.username.istartswith(begun, autoescape=True)))
    found: list[tuple[str, str]] = []
    for username, name in session.execute(query.order_by(User.name, User.username).limit(ASKED)).all():
        if len(found) < FEW and _sees(session, username, business_key):
            found.append((username, name or username))
    return found


def _sees(session: Session, username: str, business_key: str) -> bool:
    return access.sees_matter(session, identity.person(session, username), business_key)


def _named(session: Session, text: str) -> tuple[list[str], list[str]]:
    """
    Return the active users whom a text names, in its order, and the words behind a sign that are nobody's name.

    At each sign the longest name counts that begins there.
    """
    # Behind a letter the sign is that of an address.
    signs = [at for at, each in enumerate(text) if _plain(each) == SIGN and not (at and _is_latin(text[at - 1]))]
    begun = {
        at: [text[at + 1 : end] for end in range(at + 2, min(at + 1 + LONGEST, len(text)) + 1) if _ends(text, end)]
        for at in signs[:MOST]
    }
    pieces = {piece for found in begun.values() for piece in found}
    called: dict[str, list[str]] = {}
    names = {authentication.normal(piece) for piece in pieces}
    as_written = pieces | {_plain(piece) for piece in pieces}
    meant = or_(User.username.in_(names), User.name.in_(as_written))
    query = select(User.username, User.name).where(User.active, meant).order_by(User.username)
    for username, name in session.execute(query):
        called.setdefault(username, []).append(username)
        if name and name != username:
            called.setdefault(name, []).append(username)
    found: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for at, pieces_here in begun.items():
        known = next((each for piece in reversed(pieces_here) if (each := _called(called, piece))), [])
        found |= dict.fromkeys(known)
        if not known and (word := WORD.match(text, at + 1, at + 1 + LONGEST)):
            unknown[word[0]] = None
    return list(found), list(unknown)


def _called(called: dict[str, list[str]], piece: str) -> list[str]:
    return called.get(piece) or called.get(_plain(piece)) or called.get(authentication.normal(piece), [])


def _plain(text: str) -> str:
    """Return a text with letters and signs of the usual width: names are kept as they were written, in either."""
    return unicodedata.normalize("NFKC", text)


def _ends(text: str, end: int) -> bool:
    """Tell whether a name may end here: not within a word of letters that have spaces between their words."""
    return not (end < len(text) and _is_latin(text[end - 1]) and _is_latin(text[end]))


def _is_latin(character: str) -> bool:
    plain = _plain(character)[0]
    return plain == "_" or (plain.isalnum() and ord(plain) < 0x2E80)
