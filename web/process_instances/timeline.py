"""Events of the history in words: what happened, who did it, and why a gateway chose its way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from flask import g
from sqlalchemy.orm import Session

from casepath.engine import history
from casepath.engine.deployments import definitions
from casepath.engine.instances import wordings
from casepath.engine.instances.wordings import Wording
from casepath.engine.phrases import from_json, loads
from casepath.engine.queries import deliveries, deployed, people
from casepath.engine.queries.events import Change, Entry
from casepath.web import filters, languages, phrases, words
from casepath.web.languages import gettext
from casepath.web.process_instances.sentences import SENTENCES
from casepath.web.registers import wording
from casepath.web.words import Words

#: Events that tell in a phrase of the engine what went wrong.
ENGINE_FAILURES = frozenset({"activity.failed", "incident.opened"})

#: Events that are the first to name an element: what the diagram says about it is told with them.
EXPLAINED = frozenset({"user_task.created", "gateway.decided", "external_task.completed", "timer.fired"})


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
    #: Which time a task was done that was done more than once, from 1.
    round: int | None
    #: With which values: label and value; of many those by which people know the matter.
    details: list[tuple[str, str]]
    #: The others.
    folded: list[tuple[str, str]]
    #: Why a gateway chose its way.
    reasons: list[str]
    by: str
    element_id: str | None
    #: The number of the matter that it began.
    began: str = ""
    #: What the diagram says about the element.
    about: str = ""
    #: How often it happened one time after another, and when first.
    times: int = 1
    since: datetime | None = None
    #: Decision definition with the rows that matched, to be shown as its table.
    decision: tuple[int, list[int]] | None = None


class Instance(Protocol):
    """What has to be known of a process instance of the matter."""

    @property
    def id(self) -> int: ...

    @property
    def definition_id(self) -> int: ...


class Teller:
    """
    Tells the events of one matter; looks up names and labels once.

    Of values, and of elements of diagrams, that nobody has given words the names are told to those only who look after
    the engine (`Words.tells_names`).
    """

    def __init__(
        self,
        session: Session,
        found: Sequence[Instance],
        usernames: Iterable[str | None],
        changes: Mapping[str, Sequence[Change]] | None = None,
        *,
        rounds: Mapping[int, int] | None = None,
        every_step: bool = False,
        moment: Callable[[datetime], str] = filters.moment,
    ) -> None:
        self.session = session
        self.changes = changes or {}
        self.rounds = rounds or {}
        self.every_step = every_step
        self.moment = moment
        self.texts: dict[int, deployed.DiagramTexts] = {}
        self.processes: dict[int, str] = {}
        self.people = people.names(session, usernames)
        self.facts = definitions.declared_facts(session)
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
        details, others = self.details(entry)
        return Line(
            id=entry.id,
            process_instance_id=entry.process_instance_id,
            sequence=entry.sequence,
            at=entry.at,
            icon=symbol,
            tone=tone,
            text=text,
            round=self.rounds.get(entry.id),
            details=details,
            folded=others,
            reasons=self.reasons(entry) if entry.kind == "gateway.decided" else [],
            by=self.doer(entry),
            element_id=entry.element_id,
            began=str(entry.facts["number"]) if entry.kind == "message.began" else "",
            about=self.about(entry) if entry.kind in EXPLAINED else "",
            decision=matched(entry),
        )

    def doer(self, entry: Entry) -> str:
        """Return the name of who did something; nothing where the process itself or a program did."""
        is_consequence = entry.is_called and (entry.kind == "process_instance.started" or "by_caller" in entry.facts)
        return "" if is_consequence or entry.by not in self.people else self.person(entry.by)

    def sentence(self, entry: Entry) -> tuple[str, str, str]:
        """Return symbol, tone and text."""
        process = self.processes.get(entry.definition_id, "")
        if entry.kind == "process_instance.started" and (entry.is_called or entry.process_instance_id != self.first):
            return "flag", "engine", gettext("The process “%(name)s” began", name=process)
        if entry.kind == "process_instance.cancelled" and "by_caller" in entry.facts:
            text = gettext("The process “%(name)s” ended with the one that had called it", name=process)
            return "next", "quiet", text
        if entry.kind == "process_instance.completed" and entry.is_called:
            return "check", "quiet", gettext("The process “%(name)s” has ended", name=process)
        known = SENTENCES.get(entry.kind)
        if known is None:
            return "info", "quiet", entry.kind
        symbol, tone, say = known
        said = self.said(entry)
        facts = {
            "kind": entry.facts.get("kind"),
            "way": self.way(entry),
            "to": self.receivers(entry),
            "file": next((str(value) for value in entry.variables.values()), "—"),
            "subject": phrases.told_or(loads(said.text), said.subject),
            "by": self.doer(entry),
            "channel": self.channel(entry),
            "address": self.recipient(entry),
            "state": filters.state(str(entry.facts.get("state", ""))),
            "number": entry.facts.get("number"),
        }
        return symbol, tone, say(self.element(entry.definition_id, entry.element_id), facts)

    def said(self, entry: Entry) -> Wording:
        """Return what people were told, in the language of the page where there are words in it."""
        known = entry.variables if entry.kind == "notification.sent" else {}
        own = Wording(subject=known.get("subject", "—"), text=known.get("text", ""))
        return wordings.told(own, known.get("wordings", {}), languages.chosen())

    def receivers(self, entry: Entry) -> str:
        """Return to whom a task was handed, or who was told."""
        told = entry.facts.get("to") or [entry.facts.get("assignee")]
        return gettext(", ").join(self.person(each) for each in told if each) or "—"

    def channel(self, entry: Entry) -> str:
        """Return what the channel is called through which something went out or came in."""
        key = entry.facts.get("channel")
        return deliveries.channel_name(self.session, key, languages.chosen()) if isinstance(key, str) else ""

    def recipient(self, entry: Entry) -> str:
        """Return to whom something went out: the title of a record that the reader may see, else as it was written."""
        to = str(entry.variables.get("to", "—"))
        register = entry.facts.get("register")
        if not register or "to" not in entry.variables:
            return to
        return wording.titles(self.session, g.person, [(register, to)]).get((register, to), to)

    def element(self, definition_id: int, element_id: str | None) -> str:
        """Return the name of an element of a diagram."""
        texts = self.texts.get(definition_id)
        name = (texts.names.get(element_id or "") if texts else None) or ""
        if name or not element_id:
            return name
        return element_id if self.words.tells_names else gettext("a step without a name")

    def about(self, entry: Entry) -> str:
        """Return the documentation of an element of a diagram."""
        texts = self.texts.get(entry.definition_id)
        said = texts.documentation.get(entry.element_id or "", "") if texts else ""
        return said if said != self.element(entry.definition_id, entry.element_id) else ""

    def way(self, entry: Entry) -> str:
        """Return the labels of the flows that a gateway chose."""
        if entry.kind != "gateway.decided":
            return ""
        texts = self.texts[entry.definition_id]
        chosen = entry.facts.get("holding") or [texts.default_flows.get(entry.element_id or "", "")]
        return gettext(", ").join(texts.names[flow] for flow in chosen if flow in texts.names)

    def person(self, username: str | None) -> str:
        """Return the name of somebody, or of a program."""
        return self.people.get(username) or filters.doer(username) if username else ""

    def reasons(self, entry: Entry) -> list[str]:
        """Return which values a gateway read, who gave them in which step and when."""
        return [self._reason(entry, name, label, said) for name, label, said in self.words.pairs(entry.variables)]

    def _reason(self, entry: Entry, name: str, label: str, value: str) -> str:
        given = [change for change in self.changes.get(name, ()) if change.event_id < entry.id]
        if not given or given[-1].by not in self.people or given[-1].value != entry.variables[name]:
            return gettext("because %(label)s = %(value)s", label=label, value=value)
        return gettext(
            "because %(label)s = %(value)s (%(name)s in “%(step)s”, %(when)s)",
            label=label,
            value=value,
            name=self.person(given[-1].by),
            step=self.step(given[-1]),
            when=self.moment(given[-1].at),
        )

    def step(self, change: Change) -> str:
        """Return the name of the step in which a value was given."""
        if change.is_registration:
            return gettext("Registration")
        if change.element_id is None:
            return gettext("Changed by hand")
        return self.element(change.definition_id, change.element_id)

    def details(self, entry: Entry) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Return what belongs to an event: values, what was decided, a reason; and the values that may be folded."""
        facts = entry.facts
        shown: list[tuple[str, str]] = []
        others: list[tuple[str, str]] = []
        match entry.kind:
            case "gateway.decided" | "attachment.added":
                pass
            case "external_task.failed":
                shown = [(gettext("Message"), str(text)) for text in entry.variables.values()]
            case "comment.added":
                shown = [(gettext("Text"), str(text)) for text in entry.variables.values()]
            case "notification.sent":
                shown = self._told(entry)
            case "delivery.queued" | "arrival.reply" | "arrival.recording" | "arrival.report":
                shown = self._sent(entry)
            case "decision.evaluated":
                shown = self._decided(entry)
            case "process_instance.modified":
                shown = [self._instruction(entry, each) for each in facts.get("instructions", ())]
            case _:
                shown, others = self.values(entry)
        due_at = facts.get("due") if entry.kind == "user_task.created" else None
        if due_at:
            shown.append((gettext("Due"), filters.value(datetime.fromisoformat(str(due_at)))))
        said = entry.variables.get(history.ERROR_TEXT)
        phrase = from_json(said) if entry.kind in ENGINE_FAILURES else None
        wrong = phrases.told_or(phrase, str(said or facts.get("message") or ""))
        acted_for = self.person(facts.get("for")) if entry.kind.startswith("user_task.") else ""
        told = (
            (gettext("For"), acted_for),
            (gettext("Batch"), f"#{facts['batch']}" if "batch" in facts else ""),
            (gettext("Reason"), filters.end_reason(str(facts.get("reason") or ""))),
            (gettext("Message"), wrong),
        )
        return shown + [(label, str(text)) for label, text in told if text], others

    def values(self, entry: Entry) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Return the values that were given and by which people know the matter, and the others; one alone is told."""
        told = self.words.pairs(entry.variables, named_only=not self.every_step and entry.kind != "variables.set")
        pairs = [(name, (label, said)) for name, label, said in told if name != history.ERROR_TEXT]
        if len(pairs) == 1:
            return [pair for _, pair in pairs], []
        known = sorted((self.facts.index(name), pair) for name, pair in pairs if name in self.facts)
        return [pair for _, pair in known], [pair for name, pair in pairs if name not in self.facts]

    def _told(self, entry: Entry) -> list[tuple[str, str]]:
        """Return the text of a notice; what the engine itself says is its subject already."""
        text = self.said(entry).text
        return [(gettext("Text"), text)] if self.every_step and text and loads(text) is None else []

    def _sent(self, entry: Entry) -> list[tuple[str, str]]:
        """Return the text of what went out or came in, with what came of it, or when and where it is."""
        labels = {"text": gettext("Text"), "at": gettext("When"), "url": gettext("Address")}
        shown = [(label, str(entry.variables[name])) for name, label in labels.items() if name in entry.variables]
        state = deliveries.state(self.session, entry.facts["delivery"]) if entry.kind == "delivery.queued" else None
        return shown + ([(gettext("State"), filters.state(state))] if state else [])

    def _decided(self, entry: Entry) -> list[tuple[str, str]]:
        """Return what was answered; and, where every step is told, what was asked: the table shows it to others."""
        told = self.words.pairs(entry.variables) if self.every_step else []
        asked = [(label, said) for name, label, said in told if name != "="]
        definition_id = entry.facts.get("definition")
        table = deployed.decision_table(self.session, definition_id)
        labels = words.labels(self.session, definition_id, table.outputs) if definition_id and table else {}
        return asked + answers(entry.variables.get("="), labels, self.words)

    def _instruction(self, entry: Entry, instruction: Mapping[str, Any]) -> tuple[str, str]:
        if "cancel" in instruction:
            return gettext("Taken away"), f"#{instruction['cancel']}"
        verb, element_id = next(iter(instruction.items()))
        label = gettext("Started before") if verb == "start_before" else gettext("Started after")
        return label, self.element(entry.definition_id, str(element_id))


def folded(lines: Iterable[Line]) -> list[Line]:
    """Return lines of which those are one, the newest, that say the same one after another, as daily reminders do."""
    kept: list[Line] = []
    for line in lines:
        newer = kept[-1] if kept else None
        is_bare = not (line.by or line.details or line.folded or line.reasons or line.decision)
        if newer is not None and is_bare and line.icon == newer.icon == "bell" and line.text == newer.text:
            kept[-1] = replace(newer, times=newer.times + 1, since=line.at)
        else:
            kept.append(line)
    return kept


def answers(result: Any, outputs: Mapping[str, str], told: Words) -> list[tuple[str, str]]:
    """Return what a decision answered, by the words for its outputs; texts in the language of the request."""
    if isinstance(result, list):
        pairs = [pair for each in result for pair in answers(each, outputs, told)]
        labels = list(dict.fromkeys(label for label, _ in pairs))
        return [(labels[0], gettext(", ").join(said for _, said in pairs))] if len(labels) == 1 else pairs
    if not isinstance(result, Mapping):
        if len(outputs) != 1:
            return [(gettext("Result"), filters.value(result))]
        result = {next(iter(outputs)): result}
    called = {name: label for name, label in outputs.items() if label} | dict(told.labels)
    # A form may have a field of the same name into which people write; what a table answers are keys all the same.
    told = replace(told, labels=called, written=frozenset())
    return [(label, said) for _, label, said in told.pairs(words.in_language(result))]


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
