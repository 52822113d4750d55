"""What each kind of event is called, and the sentence that tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import lazy_gettext

from casepath.web.languages import gettext

#: What an event is about, by the noun with which its kind begins.
NOUNS = {
    "process_instance": lazy_gettext("Process"),
    "activity": lazy_gettext("Step"),
    "gateway": lazy_gettext("Branch"),
    "user_task": lazy_gettext("Task"),
    "external_task": lazy_gettext("Automatic work"),
    "timer": lazy_gettext("Time"),
    "message": lazy_gettext("Report"),
    "signal": lazy_gettext("Signal"),
    "variables": lazy_gettext("Values"),
    "values": lazy_gettext("Values"),
    "decision": lazy_gettext("Decision"),
    "script": lazy_gettext("Script"),
    "call": lazy_gettext("Called process"),
    "continuation": lazy_gettext("Save point"),
    "error": lazy_gettext("Error"),
    "escalation": lazy_gettext("Escalation"),
    "incident": lazy_gettext("Incident"),
    "comment": lazy_gettext("Comment"),
    "attachment": lazy_gettext("File"),
    "notification": lazy_gettext("Notice"),
    "delivery": lazy_gettext("Delivery"),
    "arrival": lazy_gettext("Arrival"),
}

Say = Callable[[str, Mapping[str, Any]], str]


def tried_again(name: str, facts: Mapping[str, Any]) -> str:
    """Say that somebody has something tried again, or that it is."""
    if facts["by"]:
        return gettext("Had “%(name)s” tried again", name=name)
    return gettext("“%(name)s” is tried again", name=name)


#: Kind of event → symbol, tone, sentence.
SENTENCES: dict[str, tuple[str, str, Say]] = {
    "process_instance.started": (
        "flag",
        "person",
        lambda name, facts: gettext("Registered the matter") if facts["by"] else gettext("The matter was registered"),
    ),
    "process_instance.completed": ("check", "engine", lambda name, facts: gettext("The process has ended")),
    "process_instance.cancelled": (
        "alert",
        "alert",
        lambda name, facts: gettext("Cancelled the process") if facts["by"] else gettext("The process was cancelled"),
    ),
    "process_instance.suspended": (
        "clock",
        "alert",
        lambda name, facts: gettext("Suspended the process") if facts["by"] else gettext("The process was suspended"),
    ),
    "process_instance.resumed": (
        "next",
        "person",
        lambda name, facts: gettext("Resumed the process") if facts["by"] else gettext("The process was resumed"),
    ),
    "process_instance.modified": (
        "alert",
        "person",
        lambda name, facts: gettext("Moved tokens by hand") if facts["by"] else gettext("Tokens were moved by hand"),
    ),
    "process_instance.migrated": (
        "next",
        "person",
        lambda name, facts: (
            gettext("Moved it to another version") if facts["by"] else gettext("Moved to another version")
        ),
    ),
    "activity.completed": ("next", "quiet", lambda name, facts: gettext("“%(name)s” is done", name=name)),
    "activity.failed": ("alert", "alert", lambda name, facts: gettext("Error at “%(name)s”", name=name)),
    "activity.cancelled": (
        "next",
        "quiet",
        lambda name, facts: gettext("“%(name)s” was no longer needed", name=name),
    ),
    "gateway.decided": ("diagram", "engine", lambda name, facts: decided(name, facts["way"])),
    "user_task.created": ("inbox", "engine", lambda name, facts: gettext("New task “%(name)s”", name=name)),
    "user_task.claimed": ("person", "person", lambda name, facts: gettext("Claimed “%(name)s”", name=name)),
    "user_task.unclaimed": ("back", "person", lambda name, facts: gettext("Gave “%(name)s” back", name=name)),
    "user_task.assigned": (
        "person",
        "person",
        lambda name, facts: gettext("Handed “%(name)s” to %(to)s", name=name, to=facts["to"]),
    ),
    "user_task.delegated": (
        "person",
        "person",
        lambda name, facts: gettext("Delegated “%(name)s” to %(to)s", name=name, to=facts["to"]),
    ),
    "user_task.resolved": (
        "back",
        "person",
        lambda name, facts: gettext("Gave “%(name)s” back to its owner", name=name),
    ),
    "user_task.changed": ("clock", "person", lambda name, facts: gettext("Rescheduled “%(name)s”", name=name)),
    "user_task.completed": ("check", "person", lambda name, facts: gettext("Completed “%(name)s”", name=name)),
    "external_task.created": (
        "pulse",
        "quiet",
        lambda name, facts: gettext("Work for a worker: “%(name)s”", name=name),
    ),
    "external_task.completed": (
        "pulse",
        "engine",
        lambda name, facts: gettext("Done by itself: “%(name)s”", name=name),
    ),
    "external_task.failed": ("alert", "alert", lambda name, facts: gettext("A worker failed at “%(name)s”", name=name)),
    "external_task.retried": ("check", "person", tried_again),
    "timer.armed": ("clock", "quiet", lambda name, facts: gettext("The time of “%(name)s” is waited for", name=name)),
    "timer.fired": ("clock", "engine", lambda name, facts: gettext("The time of “%(name)s” had come", name=name)),
    "message.received": ("bell", "person", lambda name, facts: gettext("Reported “%(name)s”", name=name)),
    "message.sent": ("next", "engine", lambda name, facts: gettext("Message sent by “%(name)s”", name=name)),
    "message.began": (
        "flag",
        "engine",
        lambda name, facts: gettext("“%(name)s” began %(number)s", name=name, number=facts["number"]),
    ),
    "signal.received": ("bell", "engine", lambda name, facts: gettext("Signal came to “%(name)s”", name=name)),
    "signal.sent": ("next", "engine", lambda name, facts: gettext("Signal sent by “%(name)s”", name=name)),
    "variables.set": ("file", "person", lambda name, facts: gettext("Changed values by hand")),
    "variables.mapped": ("file", "quiet", lambda name, facts: gettext("Values set by “%(name)s”", name=name)),
    "values.erased": (
        "alert",
        "person",
        lambda name, facts: gettext("Erased values") if facts["by"] else gettext("Values were erased"),
    ),
    "decision.evaluated": ("book", "engine", lambda name, facts: gettext("Decision “%(name)s”", name=name)),
    "continuation.executed": ("next", "quiet", lambda name, facts: gettext("“%(name)s” went on", name=name)),
    "script.run": ("pulse", "quiet", lambda name, facts: gettext("Script “%(name)s”", name=name)),
    "call.started": ("next", "quiet", lambda name, facts: gettext("“%(name)s” begins a process of its own", name=name)),
    "call.returned": ("back", "quiet", lambda name, facts: gettext("What “%(name)s” called has ended", name=name)),
    "call.failed": ("alert", "alert", lambda name, facts: gettext("What “%(name)s” called has failed", name=name)),
    "error.thrown": ("alert", "alert", lambda name, facts: gettext("Error at “%(name)s”", name=name)),
    "error.caught": ("alert", "engine", lambda name, facts: gettext("The error was caught")),
    "error.reported": ("alert", "person", lambda name, facts: gettext("Error reported at “%(name)s”", name=name)),
    "escalation.reported": ("alert", "person", lambda name, facts: gettext("Escalated by “%(name)s”", name=name)),
    "escalation.thrown": ("alert", "engine", lambda name, facts: gettext("Escalated by “%(name)s”", name=name)),
    "escalation.caught": ("alert", "engine", lambda name, facts: gettext("The escalation was taken up")),
    "incident.opened": ("alert", "alert", lambda name, facts: gettext("Stuck at “%(name)s”", name=name)),
    "incident.resolved": ("check", "person", tried_again),
    "incident.retried": ("check", "person", tried_again),
    "comment.added": ("file", "person", lambda name, facts: gettext("Commented")),
    "attachment.added": (
        "file",
        "person",
        lambda name, facts: gettext("Added the file “%(name)s”", name=facts["file"]),
    ),
    "attachment.removed": (
        "alert",
        "person",
        lambda name, facts: gettext("Removed a file") if facts["by"] else gettext("A file was removed"),
    ),
    "notification.sent": ("bell", "engine", lambda name, facts: notified(facts)),
    "delivery.queued": (
        "bell",
        "engine",
        lambda name, facts: gettext("“%(channel)s” to %(to)s", channel=facts["channel"], to=facts["address"]),
    ),
    "arrival.report": (
        "info",
        "engine",
        lambda name, facts: gettext("“%(channel)s” reports: %(state)s", **facts),
    ),
    "arrival.reply": ("bell", "person", lambda name, facts: gettext("Reply by “%(channel)s”", **facts)),
    "arrival.recording": ("file", "engine", lambda name, facts: gettext("Recording from “%(channel)s”", **facts)),
    "arrival.item": (
        "flag",
        "engine",
        lambda name, facts: gettext("Came from “%(channel)s” under the number %(number)s", **facts),
    ),
}


def noun(kind: str) -> str:
    """Return what an event of a kind is about; the kind itself where there is no word for it."""
    return str(NOUNS.get(kind.partition(".")[0], kind))


def notified(facts: Mapping[str, Any]) -> str:
    """Say who was told what, in one line."""
    said = {"to": facts["to"], "subject": facts["subject"]}
    match facts["kind"]:
        case "reminder":
            return gettext("Reminded %(to)s: %(subject)s", **said)
        case "escalation":
            return gettext("Reported to %(to)s: %(subject)s", **said)
    return gettext("Told %(to)s: %(subject)s", **said)


def decided(name: str, way: str) -> str:
    """Say how a gateway decided."""
    return gettext("“%(name)s” → %(way)s", name=name, way=way) if way else gettext("Decided: %(name)s", name=name)
