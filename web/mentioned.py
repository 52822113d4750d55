"""Who is told of a comment because it names him, said to whoever has written it."""

from __future__ import annotations

from collections.abc import Iterable

from flask import flash, g
from sqlalchemy.orm import Session

from casepath.engine.instances import mentions
from casepath.engine.queries import people
from casepath.web.languages import gettext

#: A sentence, and how it is shown.
Said = tuple[str, str]


def told(session: Session, business_key: str, text: str) -> list[Said]:
    """Return who is told of a comment, who may not see the matter now, and which names nobody has."""
    found = mentions.of(session, business_key, text)
    others = [username for username in found.told if username != g.person.username]
    names = people.names(session, {*others, *found.strangers})

    def listed(usernames: Iterable[str]) -> str:
        return gettext(", ").join(sorted(names.get(each, each) for each in usernames))

    said = []
    if others:
        said.append((gettext("%(names)s will be told of it.", names=listed(others)), "success"))
    if found.strangers:
        called = listed(found.strangers)
        said.append((gettext("%(names)s may not see this matter and were not told.", names=called), "warning"))
    if found.unknown:
        called = gettext(", ").join(f"{mentions.SIGN}{word}" for word in found.unknown)
        said.append((gettext("Nobody is called %(names)s; the comment is kept as it is.", names=called), "warning"))
    return said


def say(said: Iterable[Said]) -> None:
    """Have the next page say it; once the comment is kept."""
    for text, tone in said:
        flash(text, tone)
