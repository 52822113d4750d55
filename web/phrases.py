"""
What the engine says, in the language of the request.

The engine gives English words with facts (`engine.phrases`); their Chinese is in the catalogue `engine`. What was found
is shown shortened and on one line, counts with their separators, sizes with their unit, people by name; templates
escape all of it.
"""

from __future__ import annotations

from datetime import timedelta

import flask_babel
from flask import Flask, g

from casepath.engine import errors
from casepath.engine.forms import Words
from casepath.engine.phrases import Phrase, Size, shortened
from casepath.engine.queries import people
from casepath.web import filters, languages
from casepath.web.languages import gettext

#: Characters of something found in a sentence.
MAX_FOUND = 100
#: Facts that count; other numbers name something, or are what somebody wrote.
COUNTS = frozenset({"count", "least", "length", "limit"})
#: Facts that are user names.
USERNAMES = frozenset({"by", "user"})


def init_app(app: Flask) -> None:
    """Make the filter known to templates."""
    app.jinja_env.filters["told"] = told_or


def told_or(phrase: Phrase | None, message: str | None) -> str:
    """Return a phrase of the engine, else the message of whoever reported something."""
    return told(phrase) if phrase is not None else message or ""


def sentence(error: errors.EngineError) -> str:
    """Say what was expected and what was found."""
    if isinstance(error, errors.InvalidVariables):
        return gettext("; ").join(told(each.phrase) for each in error.errors)
    return told(error.phrase)


def told(phrase: Phrase) -> str:
    """Return a phrase with its facts."""
    return phrase.told(languages.of_engine, fact)


def fact(name: str, value: object) -> str:
    """Return a fact of this name as the language writes it."""
    if isinstance(value, Size):
        return size(value)
    if isinstance(value, Words):
        return words(value)
    if isinstance(value, timedelta):
        return filters.duration(value)
    if name in USERNAMES:
        return name_of(str(value))
    if name == "state":
        return shown(filters.state(str(value)))
    if name in COUNTS and isinstance(value, int):
        return str(flask_babel.format_decimal(value))
    return shown(value)


def words(of: Words) -> str:
    """Return a text of a form in the language of the request, in that of the form where it has no other."""
    return of.text if languages.is_chinese() or not of.english else of.english


def name_of(username: str) -> str:
    """Return how a user is called."""
    with g.readers.begin() as session:
        return shown(people.names(session, [username]).get(username, username))


def shown(found: object) -> str:
    """Return something found on one line and not too long."""
    return shortened(" ".join(str(found).split()), MAX_FOUND)


def size(count: int) -> str:
    """Return a number of bytes in the largest unit, rounded up so that too much is never shown as just enough."""
    for unit, name in ((1_000_000, "MB"), (1_000, "kB")):
        if count >= unit:
            return f"{flask_babel.format_decimal(-(-count * 10 // unit) / 10)} {name}"
    return gettext("%(count)s bytes", count=count)
