"""
What the engine refuses, in a sentence that says what was expected and what was found, in the language of the request.

The engine names the reason by a code and gives the facts (`engine.refusals`, `engine.errors`); the words are here. What
was found is shown shortened and on one line, and templates escape it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flask_babel
from flask import g
from flask_babel import lazy_gettext

from casepath.engine import errors
from casepath.engine.queries import people
from casepath.web import filters
from casepath.web.languages import gettext

#: Characters of something found in a sentence.
MAX_FOUND = 60
#: Facts that count, and those of them that count bytes; other numbers name something, or are what somebody wrote.
COUNTS = frozenset({"count", "least", "length", "limit"})
SIZES: Mapping[str, frozenset[str]] = {
    "file-empty": frozenset({"limit"}),
    "file-too-large": frozenset({"limit", "size"}),
}

#: Of `engine.refusals.ENTRIES`.
ENTRIES: Mapping[str, Any] = {
    "text-missing": lazy_gettext("Please write %(name)s; there is nothing yet."),
    "text-not-unicode": lazy_gettext("Please write %(name)s in ordinary characters; something in it is none."),
    "text-too-long": lazy_gettext("At most %(limit)s characters are possible for %(name)s; yours has %(length)s."),
    "file-empty": lazy_gettext("“%(file)s” is empty; a file has something in it, at most %(limit)s."),
    "file-missing": lazy_gettext("Please choose at least one file; none has arrived."),
    "file-too-large": lazy_gettext("“%(file)s” has %(size)s; a file may have at most %(limit)s."),
    "file-type": lazy_gettext("“%(file)s” cannot be deployed; the name of a file ends in one of: %(expected)s."),
    "files-of-deployment": lazy_gettext("A deployment has 1 to %(limit)s files; %(count)s have arrived."),
    "files-of-matter": lazy_gettext("A matter has at most %(limit)s files; this would be number %(count)s."),
    "files-of-request": lazy_gettext(
        "At most %(limit)s files can be sent at once; %(count)s have arrived. Please send them in several steps."
    ),
    "administrator-last": lazy_gettext("At least one active administrator has to be left; after this there is none."),
    "email": lazy_gettext("Please write an e-mail address, such as name@example.com; you wrote “%(email)s”."),
    "group-key": lazy_gettext("A key has 1 to 64 letters, digits, '_', '.' and '-'; you wrote “%(key)s”."),
    "language": lazy_gettext("Please choose one of the languages %(expected)s; “%(language)s” has arrived."),
    "password-length": lazy_gettext("A password has %(least)s to %(limit)s characters; yours has %(length)s."),
    "password-user-name": lazy_gettext("A password must not contain the user name; yours does."),
    "password-variety": lazy_gettext("A password has at least %(least)s different characters; yours has %(count)s."),
    "user-name": lazy_gettext(
        "A user name has 1 to 64 letters, digits, '_', '.', '@', '+' and '-'; you wrote “%(username)s”."
    ),
    "user-name-taken": lazy_gettext("The user name must be new, but “%(username)s” exists."),
    "day": lazy_gettext("Please choose a day such as 2026-10-01; you wrote “%(found)s”."),
    "delegate-again": lazy_gettext("Please choose somebody else; “%(username)s” has this task already."),
    "draft-too-long": lazy_gettext("A draft has at most %(limit)s characters; yours has %(length)s."),
    "priority": lazy_gettext("A priority is a number from 0 to %(limit)s; you wrote “%(priority)s”."),
    "not-a-candidate": lazy_gettext(
        "“%(username)s” may not have this task; please choose one of those it is meant for."
    ),
    "user-inactive": lazy_gettext("Please choose an active user; “%(username)s” is none."),
    "business-key": lazy_gettext("A number of a matter has 1 to %(limit)s characters; this one has %(length)s."),
    "business-key-format": lazy_gettext(
        "The numbers of this process are made with a format that cannot be used: “%(format)s”. Expected is text with "
        "{number} once, and {year}, {month} and {day} where wanted. Please tell the process owner."
    ),
    "element-gone": lazy_gettext(
        "The process stands at %(element)s (token %(token)s), but the diagram of “%(process)s” has no such element. "
        "Please tell the process owner."
    ),
    "calls-for-ever": lazy_gettext(
        "Called processes should come to rest somewhere, but they still move after %(limit)s steps, begun by "
        "%(process)s. Nothing was changed; please tell the process owner."
    ),
    "element-without-exit": lazy_gettext("Something has to come after %(element)s, but nothing does."),
    "moves-nothing": lazy_gettext(
        "Please choose a token to take away, or an element to start before; neither was chosen."
    ),
    "never-waits": lazy_gettext(
        "The process should come to rest somewhere, but it still moves after %(limit)s steps, last at %(element)s. "
        "Nothing was changed; please tell the process owner."
    ),
    "not-executable": lazy_gettext("A process to start has to be executable, but “%(process)s” only documents."),
    "scope-missing": lazy_gettext("For this %(element)s has to be running, but it is not."),
    "scope-unclear": lazy_gettext(
        "%(element)s should be running once, so that it is clear where to start; it is running %(count)s times."
    ),
    "start-unclear": lazy_gettext(
        "It is not clear where this process begins when somebody starts it: expected is a start event without message, "
        "signal or condition; found are %(found)s. Please tell the process owner."
    ),
    "variable-name": lazy_gettext(
        "The name of a variable has at most 255 letters, digits and '_', and no digit first; you wrote “%(name)s”."
    ),
    "value-characters": lazy_gettext("Please write the value in ordinary characters; something in it is none."),
    "value-key": lazy_gettext("The keys of a map have to be texts; one is %(found)s."),
    "value-number": lazy_gettext("Numbers have to be finite and of reasonable size; one is not: %(found)s."),
    "value-text": lazy_gettext("The value has to be readable, but it is not: %(found)s."),
    "value-too-deep": lazy_gettext("Lists and maps may stand inside each other %(limit)s deep; these are deeper."),
    "value-too-long": lazy_gettext("A value has at most %(limit)s characters; this one has %(length)s."),
    "value-too-wide": lazy_gettext("A value has at most %(limit)s lists, maps and dates; this one has more."),
    "value-type": lazy_gettext(
        "A value is a text, a number, true, false, null, a date, a time, a duration, a list or a map; this one is "
        "%(found)s."
    ),
    "value-zone": lazy_gettext("A date and time needs its time zone; %(found)s has none."),
}
#: What a text is for: `name` of `engine.texts.checked`.
TEXT_NAMES: Mapping[str, Any] = {
    "a comment": lazy_gettext("a comment"),
    "a name": lazy_gettext("a name"),
    "a reason": lazy_gettext("a reason"),
    "a worker id": lazy_gettext("a worker id"),
    "an English name": lazy_gettext("an English name"),
    "an error code": lazy_gettext("an error code"),
}
#: Of `engine.refusals.FIELDS`.
FIELDS: Mapping[str, Any] = {
    "control-characters": lazy_gettext("Please write ordinary characters; there are control characters in it."),
    "not-a-choice": lazy_gettext("Please tick it or not; “%(found)s” has arrived."),
    "not-a-date": lazy_gettext("Please write a date, such as 2026-10-01; you wrote “%(found)s”."),
    "not-a-number": lazy_gettext("Please write a number, such as 12.5; you wrote “%(found)s”."),
    "not-a-phone": lazy_gettext("Please write a telephone number, such as 138 0000 0000; you wrote “%(found)s”."),
    "not-a-text": lazy_gettext("Please write a text; you wrote “%(found)s”."),
    "not-a-time": lazy_gettext("Please write a time, such as 14:30; you wrote “%(found)s”."),
    "not-a-moment": lazy_gettext("Please write a date and a time, such as 2026-10-01 14:30; you wrote “%(found)s”."),
    "not-an-email": lazy_gettext("Please write an e-mail address, such as name@example.com; you wrote “%(found)s”."),
    "not-an-option": lazy_gettext("Please choose one of the options; “%(found)s” is none of them."),
    "past": lazy_gettext("Please choose today or a later day; %(found)s has passed."),
    "pattern": lazy_gettext("This does not have the expected form (%(expected)s); you wrote “%(found)s”."),
    "required": lazy_gettext("Please fill this in."),
    "several-lines": lazy_gettext("Please write one line; there are %(count)s."),
    "several-options": lazy_gettext("Please choose one of the options; %(count)s have arrived."),
    "too-large": lazy_gettext("At most %(limit)s is possible; you wrote %(found)s."),
    "too-long": lazy_gettext("At most %(limit)s characters are possible; you wrote %(length)s."),
    "too-many-digits": lazy_gettext(
        "At most %(limit)s digits behind the decimal point are possible; you wrote %(found)s."
    ),
    "too-short": lazy_gettext("At least %(limit)s characters are needed; you wrote %(length)s."),
    "too-small": lazy_gettext("At least %(limit)s is needed; you wrote %(found)s."),
    "unknown-field": lazy_gettext("The form has no field “%(found)s”."),
}
#: What `NotFound` names.
NOUNS: Mapping[str, Any] = {
    "activity instance": lazy_gettext("activity"),
    "attachment": lazy_gettext("file"),
    "comment": lazy_gettext("comment"),
    "decision definition": lazy_gettext("decision table"),
    "definition": lazy_gettext("version"),
    "deployment": lazy_gettext("deployment"),
    "element": lazy_gettext("element"),
    "external task": lazy_gettext("external task"),
    "file": lazy_gettext("file"),
    "form definition": lazy_gettext("form"),
    "group": lazy_gettext("group"),
    "incident": lazy_gettext("incident"),
    "job": lazy_gettext("job"),
    "matter": lazy_gettext("matter"),
    "open user task": lazy_gettext("open task"),
    "process": lazy_gettext("process"),
    "process definition": lazy_gettext("process"),
    "process instance": lazy_gettext("process instance"),
    "scope": lazy_gettext("activity"),
    "user": lazy_gettext("user"),
    "user task": lazy_gettext("task"),
    "version": lazy_gettext("version"),
    "waiting event": lazy_gettext("waiting event"),
}
#: What `Forbidden` and `InvalidState` name: verb and noun.
ACTIONS: Mapping[tuple[str, str], Any] = {
    ("assign", "user task"): lazy_gettext("hand over this task"),
    ("cancel", "process instance"): lazy_gettext("cancel this process"),
    ("change", "external task"): lazy_gettext("change this external task"),
    ("change", "group"): lazy_gettext("change groups"),
    ("change", "user"): lazy_gettext("change users"),
    ("change", "user task"): lazy_gettext("change this task"),
    ("change the variables of", "process instance"): lazy_gettext("change the values of this process"),
    ("claim", "user task"): lazy_gettext("claim this task"),
    ("complete", "user task"): lazy_gettext("complete this task"),
    ("contribute to", "matter"): lazy_gettext("add something to this matter"),
    ("delegate", "user task"): lazy_gettext("delegate this task"),
    ("deploy", "deployment"): lazy_gettext("deploy processes"),
    ("erase values of", "process instance"): lazy_gettext("erase values of this process"),
    ("migrate", "process instance"): lazy_gettext("move this process to another version"),
    ("move", "process instance"): lazy_gettext("move this process on"),
    ("move tokens of", "process instance"): lazy_gettext("move the tokens of this process"),
    ("open", "page"): lazy_gettext("open this page"),
    ("remove", "attachment"): lazy_gettext("remove this file"),
    ("remove", "comment"): lazy_gettext("remove this comment"),
    ("report to", "matter"): lazy_gettext("report something in this matter"),
    ("resolve", "incident"): lazy_gettext("have this incident tried again"),
    ("resolve", "user task"): lazy_gettext("give this task back to its owner"),
    ("resume", "process instance"): lazy_gettext("resume this process"),
    ("retry", "job"): lazy_gettext("have this job tried again"),
    ("save the draft of", "user task"): lazy_gettext("save a draft of this task"),
    ("send", "signal"): lazy_gettext("send this signal"),
    ("set the retries of", "external task"): lazy_gettext("have this external task tried again"),
    ("start", "process definition"): lazy_gettext("start this process"),
    ("suspend", "process instance"): lazy_gettext("suspend this process"),
    ("unclaim", "user task"): lazy_gettext("give this task back"),
    ("unlock", "external task"): lazy_gettext("free this external task"),
}
#: What has happened to a thing whose state does not allow what was asked: noun and state.
STATES: Mapping[tuple[str, str], Any] = {
    ("process definition", "suspended"): lazy_gettext("No new ones are started at the moment."),
    ("process instance", "active"): lazy_gettext("It is running."),
    ("process instance", "cancelled"): lazy_gettext("It was cancelled."),
    ("process instance", "completed"): lazy_gettext("It has come to its end."),
    ("process instance", "moved by somebody else"): lazy_gettext("Somebody else has just moved it on."),
    ("process instance", "suspended"): lazy_gettext("It is suspended; this is possible again when it is resumed."),
    ("user task", "cancelled"): lazy_gettext("It is no longer needed: the process went another way."),
    ("user task", "claimed"): lazy_gettext("%(name)s has it now."),
    ("user task", "completed"): lazy_gettext("%(name)s has completed it."),
    ("user task", "created"): lazy_gettext("Nobody has it at the moment."),
    ("user task", "delegated"): lazy_gettext("It is delegated at the moment."),
    ("user task", "suspended"): lazy_gettext(
        "The process is suspended; this is possible again when it is resumed."
    ),
}


def sentence(error: errors.EngineError) -> str:
    """Say what was expected and what was found; nothing where only the engine's own words are known."""
    facts = told(error.facts)
    match error:
        case errors.InvalidEntry():
            return entry(error)
        case errors.InvalidVariables():
            return gettext("; ").join(field(each) for each in error.errors)
        case errors.NotFound():
            return not_found(str(error.facts["noun"]), facts["key"])
        case errors.Forbidden():
            return forbidden(error)
        case errors.InvalidState():
            return state(error)
        case errors.NotWaiting() if error.facts["business_key"]:
            return gettext("%(key)s does not wait for “%(name)s”.", key=facts["business_key"], name=facts["name"])
        case errors.NotWaiting():
            return gettext("Nobody waits for “%(name)s”.", name=facts["name"])
        case errors.SeveralWaiting():
            found = gettext(", ").join(shown(each) for each in error.found)
            return gettext("Several wait for “%(name)s”: %(found)s.", name=facts["name"], found=found)
    return ""


def entry(error: errors.InvalidEntry) -> str:
    """Say what is wrong with what somebody entered."""
    facts = told(error.facts, SIZES.get(error.code, frozenset()))
    if error.code.startswith("text-"):
        name = str(error.facts["name"])
        facts["name"] = str(TEXT_NAMES.get(name, name))
    return str(ENTRIES[error.code]) % facts


def field(error: errors.FieldError) -> str:
    """Say what is wrong with one value of a form."""
    text = FIELDS.get(error.code)
    return str(text) % told(error.facts) if text else error.message


def not_found(noun: str, key: str) -> str:
    """Say what there is not."""
    if noun not in NOUNS:
        return ""
    return gettext("There is no %(noun)s “%(key)s”, or it is not meant for you.", noun=NOUNS[noun], key=key)


def forbidden(error: errors.Forbidden) -> str:
    """Say who may not do what."""
    action = ACTIONS.get((str(error.facts["verb"]), str(error.facts["noun"])))
    name = name_of(error.facts["user"])
    if action is None:
        return gettext("You are logged in as %(name)s.", name=name)
    return gettext("You are logged in as %(name)s, who may not %(action)s.", name=name, action=action)


def state(error: errors.InvalidState) -> str:
    """Say what was wanted, what has happened meanwhile, and who did it where the engine knows."""
    noun, found = str(error.facts["noun"]), str(error.facts["state"])
    action = ACTIONS.get((str(error.facts["verb"]), noun))
    known = STATES.get((noun, found))
    if known is None:
        is_so = gettext("Its state is “%(state)s”.", state=shown(filters.state(found)))
    else:
        is_so = str(known) % {"name": name_of(error.by)}
    return gettext("You wanted to %(action)s. %(found)s", action=action, found=is_so) if action else is_so


def name_of(username: object) -> str:
    """Return how a user is called; `Somebody` where nobody is known."""
    if not isinstance(username, str) or not username:
        return gettext("Somebody")
    with g.readers.begin() as session:
        return shown(people.names(session, [username]).get(username, username))


def told(facts: Mapping[str, object], sizes: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return facts as the language writes them: counts with their separators, sizes with their unit."""
    said = {}
    for name, fact in facts.items():
        if isinstance(fact, int) and name in sizes:
            said[name] = size(fact)
        elif isinstance(fact, int) and name in COUNTS:
            said[name] = str(flask_babel.format_decimal(fact))
        else:
            said[name] = shown(fact)
    return said


def shown(fact: object) -> str:
    """Return something found on one line and not too long."""
    text = " ".join(str(fact).split())
    return text if len(text) <= MAX_FOUND else text[: MAX_FOUND - 1] + "…"


def size(count: int) -> str:
    """Return a number of bytes in the largest unit, rounded up so that too much is never shown as just enough."""
    for unit, name in ((1_000_000, "MB"), (1_000, "kB")):
        if count >= unit:
            return f"{flask_babel.format_decimal(-(-count * 10 // unit) / 10)} {name}"
    return gettext("%(count)s bytes", count=count)
