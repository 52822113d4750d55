"""Events of the history in words: what happened, who did it, and why a gateway chose its way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from engine import definitions
from engine.queries import deployed, people
from engine.queries.events import Entry
from web import forms
from web.languages import gettext


@dataclass(frozen=True, kw_only=True)
class Line:
    """One event as the page shows it."""

    id: int
    process_instance_id: int
    sequence: int
    at: datetime
    #: Name of a symbol of the macro `icon`.
    icon: str
    #: `person`, `engine`, `alert` or `quiet`.
    tone: str
    text: str
    #: Why, or with which values: label and value.
    details: list[tuple[str, str]]
    by: str
    element_id: str | None
    #: Decision definition with the rows that matched, to be shown as its table.
    decision: tuple[int, list[int]] | None = None


class Teller:
    """Tells the events of one matter; looks up names and labels once."""

    def __init__(self, session: Session, definition_ids: Iterable[int], usernames: Iterable[str | None]) -> None:
        self.names: dict[int, Mapping[str, str]] = {}
        self.labels: dict[str, str] = {}
        self.options: dict[str, dict[str, str]] = {}
        self.people = people.names(session, usernames)
        for definition_id in set(definition_ids):
            self.names[definition_id] = deployed.texts(session, definition_id).names
            for _, form_key in definitions.form_keys(session, definition_id):
                form = deployed.form(session, form_key, definition_id) or {}
                self.labels |= forms.labels(form)
                self.options |= forms.options(form)

    def tell(self, entry: Entry) -> Line:
        """Return an event in words."""
        symbol, tone, text = self.sentence(entry)
        return Line(
            id=entry.id,
            process_instance_id=entry.process_instance_id,
            sequence=entry.sequence,
            at=entry.at,
            icon=symbol,
            tone=tone,
            text=text,
            details=self.details(entry),
            by=self.person(entry.by),
            element_id=entry.element_id,
            decision=matched(entry),
        )

    def sentence(self, entry: Entry) -> tuple[str, str, str]:
        """Return symbol, tone and text."""
        known = SENTENCES.get(entry.kind)
        if known is None:
            return "info", "quiet", entry.kind
        symbol, tone, say = known
        return symbol, tone, say(self.element(entry), {**entry.facts, "by": self.person(entry.by)})

    def element(self, entry: Entry) -> str:
        """Return the name of the element of an event."""
        return self.names.get(entry.definition_id, {}).get(entry.element_id or "", entry.element_id or "")

    def person(self, username: str | None) -> str:
        """Return somebody's name."""
        return self.people.get(username, username) if username else ""

    def label(self, name: str) -> str:
        """Return what a form calls a variable; the name itself where no form has it."""
        return self.labels.get(name, name)

    def said(self, name: str, value: Any) -> str:
        """Return a value as people read it."""
        return forms.said(value, self.options.get(name, {}))

    def details(self, entry: Entry) -> list[tuple[str, str]]:
        """Return what belongs to an event: the values, and for a gateway those that it read."""
        shown = [
            (gettext("Result") if name == "=" else self.label(name), self.said(name, value))
            for name, value in entry.variables.items()
            if value not in (None, "", [])
        ]
        reason = entry.facts.get("reason")
        if reason:
            shown.append((gettext("Reason"), str(reason)))
        if entry.facts.get("message"):
            shown.append((gettext("Message"), str(entry.facts["message"])))
        return shown


def matched(entry: Entry) -> tuple[int, list[int]] | None:
    """Return which decision was evaluated and which of its rows matched, from 1."""
    if entry.kind != "decision.evaluated" or "definition" not in entry.facts:
        return None
    tables = entry.facts.get("matched", {}).get(entry.facts.get("decision"), [])
    return int(entry.facts["definition"]), [row for rows in tables for row in rows]


Say = Callable[[str, Mapping[str, Any]], str]

#: Kind of event → symbol, tone, sentence.
SENTENCES: dict[str, tuple[str, str, Say]] = {
    "process_instance.started": ("flag", "person", lambda name, facts: gettext("The matter was registered")),
    "process_instance.completed": ("check", "engine", lambda name, facts: gettext("The process has ended")),
    "process_instance.cancelled": ("alert", "alert", lambda name, facts: gettext("The process was cancelled")),
    "process_instance.suspended": ("clock", "alert", lambda name, facts: gettext("The process was suspended")),
    "process_instance.resumed": ("next", "person", lambda name, facts: gettext("The process was resumed")),
    "process_instance.modified": ("alert", "person", lambda name, facts: gettext("Tokens were moved by hand")),
    "process_instance.migrated": ("next", "person", lambda name, facts: gettext("Moved to another version")),
    "activity.completed": ("next", "quiet", lambda name, facts: gettext("“%(name)s” is done", name=name)),
    "activity.cancelled": ("next", "quiet", lambda name, facts: gettext("“%(name)s” was ended early", name=name)),
    "gateway.decided": ("diagram", "engine", lambda name, facts: gettext("Decided: %(name)s", name=name)),
    "user_task.created": ("inbox", "engine", lambda name, facts: gettext("New task “%(name)s”", name=name)),
    "user_task.claimed": ("person", "person", lambda name, facts: gettext("“%(name)s” was claimed", name=name)),
    "user_task.unclaimed": ("back", "person", lambda name, facts: gettext("“%(name)s” was given back", name=name)),
    "user_task.assigned": ("person", "person", lambda name, facts: gettext("“%(name)s” was handed on", name=name)),
    "user_task.delegated": ("person", "person", lambda name, facts: gettext("“%(name)s” was delegated", name=name)),
    "user_task.resolved": (
        "back",
        "person",
        lambda name, facts: gettext("“%(name)s” went back to its owner", name=name),
    ),
    "user_task.changed": ("clock", "person", lambda name, facts: gettext("“%(name)s” was rescheduled", name=name)),
    "user_task.completed": ("check", "person", lambda name, facts: gettext("“%(name)s” was completed", name=name)),
    "external_task.created": (
        "pulse",
        "quiet",
        lambda name, facts: gettext("Work for a worker: “%(name)s”", name=name),
    ),
    "external_task.completed": ("check", "engine", lambda name, facts: gettext("A worker did “%(name)s”", name=name)),
    "external_task.failed": ("alert", "alert", lambda name, facts: gettext("A worker failed at “%(name)s”", name=name)),
    "timer.fired": ("clock", "engine", lambda name, facts: gettext("The time of “%(name)s” had come", name=name)),
    "message.received": ("bell", "person", lambda name, facts: gettext("Reported: “%(name)s”", name=name)),
    "message.sent": ("next", "engine", lambda name, facts: gettext("Message sent by “%(name)s”", name=name)),
    "signal.received": ("bell", "engine", lambda name, facts: gettext("Signal came to “%(name)s”", name=name)),
    "signal.sent": ("next", "engine", lambda name, facts: gettext("Signal sent by “%(name)s”", name=name)),
    "variables.set": ("file", "person", lambda name, facts: gettext("Values were changed by hand")),
    "values.erased": ("alert", "person", lambda name, facts: gettext("Values were erased")),
    "decision.evaluated": ("book", "engine", lambda name, facts: gettext("Decision “%(name)s”", name=name)),
    "script.run": ("pulse", "quiet", lambda name, facts: gettext("Script “%(name)s”", name=name)),
    "call.started": ("next", "engine", lambda name, facts: gettext("Handed over by “%(name)s”", name=name)),
    "call.failed": ("alert", "alert", lambda name, facts: gettext("What “%(name)s” called has failed", name=name)),
    "error.thrown": ("alert", "alert", lambda name, facts: gettext("Error at “%(name)s”", name=name)),
    "error.caught": ("alert", "engine", lambda name, facts: gettext("The error was caught")),
    "error.reported": ("alert", "person", lambda name, facts: gettext("Error reported at “%(name)s”", name=name)),
    "escalation.thrown": ("alert", "engine", lambda name, facts: gettext("Escalated by “%(name)s”", name=name)),
    "escalation.caught": ("alert", "engine", lambda name, facts: gettext("The escalation was taken up")),
    "incident.opened": ("alert", "alert", lambda name, facts: gettext("Stuck at “%(name)s”", name=name)),
    "incident.resolved": ("check", "person", lambda name, facts: gettext("“%(name)s” is tried again", name=name)),
    "incident.retried": ("check", "person", lambda name, facts: gettext("“%(name)s” is tried again", name=name)),
    "comment.added": ("file", "person", lambda name, facts: gettext("Comment")),
    "attachment.added": (
        "file",
        "person",
        lambda name, facts: gettext("File “%(name)s” added", name=facts.get("name", "")),
    ),
    "attachment.removed": ("alert", "person", lambda name, facts: gettext("A file was removed")),
    "notification.sent": ("bell", "engine", lambda name, facts: gettext("Notification sent")),
}
