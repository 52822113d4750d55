"""Events of the history in words: what happened, who did it, and why a gateway chose its way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from casepath.engine import history
from casepath.engine.decisions.dmn import DecisionTable
from casepath.engine.deployments import definitions
from casepath.engine.people import authorization
from casepath.engine.phrases import from_json
from casepath.engine.queries import deployed, people
from casepath.engine.queries.events import Change, Entry
from casepath.web import filters, languages, phrases, words
from casepath.web.languages import gettext
from casepath.web.words import Words

#: Events that tell in a phrase of the engine what went wrong.
ENGINE_FAILURES = frozenset({"activity.failed", "incident.opened"})


#: How user names look; `people.names` knows which are some.
USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


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
    #: With which values: label and value.
    details: list[tuple[str, str]]
    #: Why a gateway chose its way.
    reasons: list[str]
    by: str
    element_id: str | None
    #: What the diagram says about the element.
    about: str = ""
    #: Decision definition with the rows that matched, to be shown as its table.
    decision: tuple[int, list[int]] | None = None


class Instance(Protocol):
    """What has to be known of a process instance of the matter."""

    @property
    def id(self) -> int: ...

    @property
    def definition_id(self) -> int: ...


class Teller:
    """Tells the events of one matter; looks up names and labels once."""

    def __init__(
        self,
        session: Session,
        found: Sequence[Instance],
        usernames: Iterable[str | None],
        changes: Mapping[str, Sequence[Change]] | None = None,
        *,
        every_step: bool = False,
    ) -> None:
        self.session = session
        self.changes = changes or {}
        self.every_step = every_step
        self.texts: dict[int, deployed.DiagramTexts] = {}
        self.processes: dict[int, str] = {}
        self.people = people.names(session, usernames)
        self.first = min(instance.id for instance in found)
        definition_ids = sorted({instance.definition_id for instance in found})
        told = words.of(session, definition_ids)
        # Who has what is a value, too.
        self.words = replace(told, anywhere={**told.anywhere, **self.people})
        for definition_id in definition_ids:
            texts = self.texts[definition_id] = deployed.texts(session, definition_id, languages.of_names())
            definition = definitions.definition(session, definition_id)
            self.processes[definition_id] = texts.called(definition.key, definition.name)

    def tell(self, entry: Entry) -> Line:
        """Return an event in words."""
        symbol, tone, text = self.sentence(entry)
        by_program = entry.kind.startswith("external_task.") and entry.by not in self.people
        return Line(
            id=entry.id,
            process_instance_id=entry.process_instance_id,
            sequence=entry.sequence,
            at=entry.at,
            icon=symbol,
            tone=tone,
            text=text,
            details=self.details(entry),
            reasons=self.reasons(entry) if entry.kind == "gateway.decided" else [],
            by="" if by_program else self.person(entry.by),
            element_id=entry.element_id,
            about=self.about(entry) if entry.kind in EXPLAINED else "",
            decision=matched(entry),
        )

    def sentence(self, entry: Entry) -> tuple[str, str, str]:
        """Return symbol, tone and text."""
        if entry.kind == "process_instance.started" and entry.process_instance_id != self.first:
            name = self.processes.get(entry.definition_id, "")
            return "flag", "engine", gettext("The process “%(name)s” began", name=name)
        known = SENTENCES.get(entry.kind)
        if known is None:
            return "info", "quiet", entry.kind
        symbol, tone, say = known
        facts = {
            "way": self.way(entry),
            "to": self.person(entry.facts.get("assignee")) or "—",
            "file": next((str(value) for value in entry.variables.values()), "—"),
        }
        return symbol, tone, say(self.element(entry.definition_id, entry.element_id), facts)

    def subject(self, entry: Entry) -> str:
        """Return what an event is about, in a word."""
        called = SUBJECTS.get(entry.kind.partition(".")[0])
        return called() if called is not None else entry.kind

    def element(self, definition_id: int, element_id: str | None) -> str:
        """Return the name of an element of a diagram."""
        texts = self.texts.get(definition_id)
        return (texts.names.get(element_id or "") if texts else None) or element_id or ""

    def about(self, entry: Entry) -> str:
        """Return the documentation of an element of a diagram."""
        texts = self.texts.get(entry.definition_id)
        return texts.documentation.get(entry.element_id or "", "") if texts else ""

    def way(self, entry: Entry) -> str:
        """Return the labels of the flows that a gateway chose."""
        if entry.kind != "gateway.decided":
            return ""
        texts = self.texts[entry.definition_id]
        chosen = entry.facts.get("holding") or [texts.default_flows.get(entry.element_id or "", "")]
        return gettext(", ").join(texts.names[flow] for flow in chosen if flow in texts.names)

    def person(self, username: str | None) -> str:
        """Return the name of somebody, or of a program."""
        if username and authorization.username(username) is None:
            return gettext("Program %(name)s", name=username.partition(":")[2])
        return self.people.get(username, username) if username else ""

    def reasons(self, entry: Entry) -> list[str]:
        """Return which values a gateway read, who gave them and when."""
        return [self._reason(entry, name, value) for name, value in entry.variables.items()]

    def _reason(self, entry: Entry, name: str, value: Any) -> str:
        said = {"label": self.words.label(name), "value": self.words.said(name, value)}
        given = [change for change in self.changes.get(name, ()) if change.event_id < entry.id]
        if not given or given[-1].by not in self.people or given[-1].value != value:
            return gettext("because %(label)s = %(value)s", **said)
        name, when = self.person(given[-1].by), filters.moment(given[-1].at)
        return gettext("because %(label)s = %(value)s (%(name)s, %(when)s)", **said, name=name, when=when)

    def details(self, entry: Entry) -> list[tuple[str, str]]:
        """Return what belongs to an event: values, what was decided, a reason."""
        facts = entry.facts
        shown: list[tuple[str, str]] = []
        match entry.kind:
            case "gateway.decided" | "attachment.added":
                pass
            case "external_task.failed":
                shown = [(gettext("Message"), str(text)) for text in entry.variables.values()]
            case "comment.added":
                shown = [(gettext("Text"), str(text)) for text in entry.variables.values()]
            case "notification.sent":
                shown = [(gettext("Subject"), str(text)) for text in entry.variables.values()]
                shown.append((gettext("To"), gettext(", ").join(self.person(to) for to in facts.get("to", ()))))
            case "decision.evaluated":
                shown = self._decided(entry)
            case "process_instance.modified":
                shown = [self._instruction(entry, each) for each in facts.get("instructions", ())]
            case _:
                shown = self._values(entry)
        due_at = facts.get("due") if entry.kind == "user_task.created" else None
        if due_at:
            shown.append((gettext("Due"), filters.value(datetime.fromisoformat(str(due_at)))))
        said = entry.variables.get(history.ERROR_TEXT)
        phrase = from_json(said) if entry.kind in ENGINE_FAILURES else None
        wrong = phrases.told_or(phrase, str(said or facts.get("message") or ""))
        acted_for = self.person(facts.get("for")) if entry.kind.startswith("user_task.") else ""
        told = (
            (gettext("For"), acted_for),
            (gettext("Reason"), filters.end_reason(str(facts.get("reason") or ""))),
            (gettext("Message"), wrong),
        )
        return shown + [(label, str(text)) for label, text in told if text]

    def _values(self, entry: Entry) -> list[tuple[str, str]]:
        everything = self.every_step or entry.kind == "variables.set"
        return [
            (self.words.label(name), self.words.said(name, value))
            for name, value in entry.variables.items()
            if value not in (None, "", []) and (everything or name in self.words.labels) and name != history.ERROR_TEXT
        ]

    def _decided(self, entry: Entry) -> list[tuple[str, str]]:
        asked = [
            (self.words.label(name), self.words.said(name, value))
            for name, value in entry.variables.items()
            if name != "="
        ]
        table = deployed.decision_table(self.session, entry.facts.get("definition"))
        return asked + answers(entry.variables.get("="), table, self.words)

    def _instruction(self, entry: Entry, instruction: Mapping[str, Any]) -> tuple[str, str]:
        if "cancel" in instruction:
            return gettext("Taken away"), f"#{instruction['cancel']}"
        verb, element_id = next(iter(instruction.items()))
        label = gettext("Started before") if verb == "start_before" else gettext("Started after")
        return label, self.element(entry.definition_id, str(element_id))


def answers(result: Any, table: DecisionTable | None, told: Words) -> list[tuple[str, str]]:
    """Return what a decision answered, by the words for its outputs; texts in the language of the request."""
    if isinstance(result, list):
        return [pair for each in result for pair in answers(each, table, told)]
    columns = table.outputs if table else ()
    if not isinstance(result, Mapping):
        if len(columns) != 1:
            return [(gettext("Result"), filters.value(result))]
        result = {columns[0].name: result}
    labels = {column.name: column.label for column in columns}
    return [
        (told.labels.get(name) or labels.get(name) or name, told.said(name, value))
        for name, value in words.in_language(result).items()
        if value is not None
    ]


def mentioned(entries: Iterable[Entry]) -> set[str | None]:
    """Return the user names in events, and what may be some among their values."""
    found: set[str | None] = set()
    for entry in entries:
        found |= {entry.by, entry.facts.get("assignee"), entry.facts.get("for"), *entry.facts.get("to", ())}
        found |= {value for value in entry.variables.values() if isinstance(value, str) and USERNAME.fullmatch(value)}
    return found


def matched(entry: Entry) -> tuple[int, list[int]] | None:
    """Return which decision was evaluated and which of its rows matched, from 1."""
    if entry.kind != "decision.evaluated" or "definition" not in entry.facts:
        return None
    tables = entry.facts.get("matched", {}).get(entry.facts.get("decision"), [])
    return int(entry.facts["definition"]), [row for rows in tables for row in rows]


def decided(name: str, way: str) -> str:
    """Say how a gateway decided."""
    return gettext("“%(name)s” → %(way)s", name=name, way=way) if way else gettext("Decided: %(name)s", name=name)


#: Events that are the first to name an element: what the diagram says about it is told with them.
EXPLAINED = frozenset({"user_task.created", "gateway.decided", "external_task.completed", "timer.fired"})

#: What an event is about: the first part of its kind → what it is called.
SUBJECTS: dict[str, Callable[[], str]] = {
    "process_instance": lambda: gettext("Process"),
    "activity": lambda: gettext("Step"),
    "gateway": lambda: gettext("Decision of a way"),
    "user_task": lambda: gettext("Task"),
    "external_task": lambda: gettext("Work of the system"),
    "timer": lambda: gettext("Timer"),
    "continuation": lambda: gettext("Continuation"),
    "message": lambda: gettext("Message event"),
    "signal": lambda: gettext("Signal event"),
    "variables": lambda: gettext("Values"),
    "values": lambda: gettext("Values"),
    "decision": lambda: gettext("Decision table"),
    "script": lambda: gettext("Script"),
    "call": lambda: gettext("Called process"),
    "error": lambda: gettext("Error"),
    "escalation": lambda: gettext("Escalation"),
    "incident": lambda: gettext("Incident"),
    "comment": lambda: gettext("Comment"),
    "attachment": lambda: gettext("File"),
    "notification": lambda: gettext("Notification"),
}

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
    "activity.failed": ("alert", "alert", lambda name, facts: gettext("Error at “%(name)s”", name=name)),
    "activity.cancelled": ("next", "quiet", lambda name, facts: gettext("“%(name)s” was ended early", name=name)),
    "gateway.decided": ("diagram", "engine", lambda name, facts: decided(name, facts["way"])),
    "user_task.created": ("inbox", "engine", lambda name, facts: gettext("New task “%(name)s”", name=name)),
    "user_task.claimed": ("person", "person", lambda name, facts: gettext("“%(name)s” was claimed", name=name)),
    "user_task.unclaimed": ("back", "person", lambda name, facts: gettext("“%(name)s” was given back", name=name)),
    "user_task.assigned": (
        "person",
        "person",
        lambda name, facts: gettext("“%(name)s” was handed to %(to)s", name=name, to=facts["to"]),
    ),
    "user_task.delegated": (
        "person",
        "person",
        lambda name, facts: gettext("“%(name)s” was delegated to %(to)s", name=name, to=facts["to"]),
    ),
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
    "external_task.retried": (
        "check",
        "person",
        lambda name, facts: gettext("“%(name)s” is tried again", name=name),
    ),
    "timer.armed": ("clock", "quiet", lambda name, facts: gettext("The time of “%(name)s” is waited for", name=name)),
    "timer.fired": ("clock", "engine", lambda name, facts: gettext("The time of “%(name)s” had come", name=name)),
    "message.received": ("bell", "person", lambda name, facts: gettext("Reported: “%(name)s”", name=name)),
    "message.sent": ("next", "engine", lambda name, facts: gettext("Message sent by “%(name)s”", name=name)),
    "signal.received": ("bell", "engine", lambda name, facts: gettext("Signal came to “%(name)s”", name=name)),
    "signal.sent": ("next", "engine", lambda name, facts: gettext("Signal sent by “%(name)s”", name=name)),
    "variables.set": ("file", "person", lambda name, facts: gettext("Values were changed by hand")),
    "values.erased": ("alert", "person", lambda name, facts: gettext("Values were erased")),
    "decision.evaluated": ("book", "engine", lambda name, facts: gettext("Decision “%(name)s”", name=name)),
    "continuation.executed": ("next", "quiet", lambda name, facts: gettext("“%(name)s” went on", name=name)),
    "script.run": ("pulse", "quiet", lambda name, facts: gettext("Script “%(name)s”", name=name)),
    "call.started": ("next", "engine", lambda name, facts: gettext("Handed over by “%(name)s”", name=name)),
    "call.returned": ("back", "quiet", lambda name, facts: gettext("What “%(name)s” called has ended", name=name)),
    "call.failed": ("alert", "alert", lambda name, facts: gettext("What “%(name)s” called has failed", name=name)),
    "error.thrown": ("alert", "alert", lambda name, facts: gettext("Error at “%(name)s”", name=name)),
    "error.caught": ("alert", "engine", lambda name, facts: gettext("The error was caught")),
    "error.reported": ("alert", "person", lambda name, facts: gettext("Error reported at “%(name)s”", name=name)),
    "escalation.reported": ("alert", "person", lambda name, facts: gettext("Escalated by “%(name)s”", name=name)),
    "escalation.thrown": ("alert", "engine", lambda name, facts: gettext("Escalated by “%(name)s”", name=name)),
    "escalation.caught": ("alert", "engine", lambda name, facts: gettext("The escalation was taken up")),
    "incident.opened": ("alert", "alert", lambda name, facts: gettext("Stuck at “%(name)s”", name=name)),
    "incident.resolved": ("check", "person", lambda name, facts: gettext("“%(name)s” is tried again", name=name)),
    "incident.retried": ("check", "person", lambda name, facts: gettext("“%(name)s” is tried again", name=name)),
    "comment.added": ("file", "person", lambda name, facts: gettext("Comment")),
    "attachment.added": (
        "file",
        "person",
        lambda name, facts: gettext("File “%(name)s” added", name=facts["file"]),
    ),
    "attachment.removed": ("alert", "person", lambda name, facts: gettext("A file was removed")),
    "notification.sent": ("bell", "engine", lambda name, facts: gettext("Notification sent")),
}
