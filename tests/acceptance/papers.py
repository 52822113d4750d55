"""
Whether the papers that are signed tell what happened: random matters are played, and their papers read against history.
No step of theirs may end in an incident.

    python -m tests.acceptance.papers --histories 1000 [--seed 1]

The expected paper is put together from the rows of the history, the diagrams and the forms as files, by nothing of what
writes it: each completed step once, in the order of time, with the values of its own event, who and when.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as day_time
from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree, html
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database
from casepath.engine.database import values
from casepath.engine.instances import attachments
from casepath.engine.time import clock
from tests import database as databases
from tests.acceptance.wandering import FLOWS, PROCESSES, ZONE, Wanderer

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"

#: What stands above every paper, whichever process has it made.
TITLE = "顾客投诉处理表"

#: Title, signature, and what is written beside which label.
Section = tuple[str, str, tuple[tuple[str, str], ...]]

#: The events of a matter; nothing of the engine reads them like this.
EVENTS = text("""
    SELECT e.id, e.at, e.kind, e.element_id, e."by", e.facts, e.variables, e.process_instance_id,
           i.definition_key, i.parent_id
    FROM history_events e JOIN process_instances i ON i.id = e.process_instance_id
    WHERE i.business_key = :key ORDER BY e.id
""").columns(at=database.Base.metadata.tables["history_events"].c.at.type)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """An element as it stands in the file of its diagram."""

    name: str
    form: str | None


@functools.cache
def drawn(process: str) -> dict[str, Drawn]:
    """Every element of a process by its id."""
    folder = PROCESSES / process
    root = etree.parse(folder / f"{process}.bpmn").getroot()
    return {
        key: Drawn(name=each.get("name") or key, form=each.get(f"{CAMUNDA}formKey"))
        for each in root.iter(f"{BPMN}*")
        if (key := each.get("id"))
    }


@functools.cache
def start_event(process: str) -> str:
    """The start event of a process that people start."""
    root = etree.parse(PROCESSES / process / f"{process}.bpmn").getroot()
    starts = root.iterfind(f"{BPMN}process/{BPMN}startEvent")
    (found,) = [each for each in starts if not any(str(child.tag).endswith("EventDefinition") for child in each)]
    return str(found.get("id"))


@functools.cache
def fields(process: str, form: str) -> list[dict[str, Any]]:
    """The fields of a form in their order, those of groups where their group stands."""

    def within(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for each in components:
            if each.get("key") and each["type"] != "group":
                yield each
            yield from within(each.get("components", []))

    schema = json.loads((PROCESSES / process / "forms" / f"{form}.form").read_text(encoding="utf-8"))
    return list(within(schema["components"]))


@functools.cache
def people() -> dict[str, str]:
    """The names of all by their user names."""
    listed = json.loads((PROCESSES / "shared" / "groups.json").read_text(encoding="utf-8"))["people"]
    return {each["username"]: each["name"] for each in listed}


def local(at: datetime) -> str:
    """A moment on the clock of the house."""
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")


def shown(value: Any, field: dict[str, Any]) -> str:
    """A value as a person writes it down."""
    labels = {each["value"]: each["label"] for each in field.get("values", [])}
    match value:
        case bool():
            return "是" if value else "否"
        case list():
            return "、".join(labels[item] for item in value)
        case datetime():
            return local(value)
        case date():
            return f"{value:%Y-%m-%d}"
        case day_time():
            return f"{value:%H:%M}"
        case Decimal():
            return f"{value:f}"
    return str(labels.get(value, value))


def expected(session: Session, key: str, until: datetime) -> list[Section]:
    """What the paper of a matter should tell that was made at a moment."""
    found: list[Section] = []
    rounds: Counter[tuple[str, str]] = Counter()
    for event in session.execute(EVENTS, {"key": key}):
        facts: Any = values.loads(event.facts)
        stored: Any = values.loads(event.variables) if event.variables else {}
        by_person = event.kind in ("process_instance.started", "message.received") and event.by and stored
        if event.at > until or not (event.kind == "user_task.completed" or by_person):
            continue
        if event.kind == "process_instance.started":
            if event.parent_id is not None:
                continue
            element_id = start_event(event.definition_key)
        else:
            element_id = event.element_id
        element = drawn(event.definition_key)[element_id]
        rounds[event.definition_key, element_id] += 1
        time_no = rounds[event.definition_key, element_id]
        entered = {name: entry[1] for name, entry in stored.items()}
        asked = fields(event.definition_key, element.form) if element.form else []
        assert entered.keys() <= {field["key"] for field in asked}
        rows = tuple(
            (field.get("label") or field.get("dateLabel") or field["key"], shown(entered[field["key"]], field))
            for field in asked
            if entered.get(field["key"]) not in (None, "", [])
        )
        who = people().get(event.by, event.by)
        who += f"（代{people()[facts['for']]}）" if facts.get("for") else ""
        title = element.name + (f"（第 {time_no} 次）" if time_no > 1 else "")
        found.append((title, f"{who} · {local(event.at)}", rows))
    return found


def printed(paper: bytes) -> list[Section]:
    """What a paper tells."""
    page = html.fromstring(paper.decode())
    return [
        (
            section.findtext("h2").partition(". ")[2],
            section.xpath("string(p[@class='signed'])"),
            tuple((row.findtext("th"), row.findtext("td")) for row in section.xpath(".//tr")),
        )
        for section in page.xpath("//section")
    ]


def problems(session: Session, key: str) -> Iterator[str]:
    """Yield what the papers of a matter tell otherwise than its history."""
    made = [entry for entry in attachments.list_of(session, key) if entry.media_type == "text/html"]
    if not made:
        yield f"{key} has ended without a paper"
    for entry in made:
        # The paper is of the moment at which its step began, which is when the step before it was done.
        paper, wanted = printed(attachments.content(session, entry.id)), expected(session, key, entry.created_at)
        if paper != wanted:
            different = [(is_, should) for is_, should in zip(paper, wanted, strict=False) if is_ != should]
            yield f"{key} {entry.name}: {len(paper)} sections, not {len(wanted)}; {different[:1]}"
        if (title := html.fromstring(attachments.content(session, entry.id).decode()).findtext(".//h1")) != TITLE:
            yield f"{key} {entry.name}: the title is {title}"
        moments = [signed.rpartition(" · ")[2] for _, signed, _ in paper]
        if moments != sorted(moments):
            yield f"{key} {entry.name}: not in the order of time"


def incidents(session: Session, key: str) -> Iterator[str]:
    """Yield where a matter stood still until somebody repaired it: nothing that people may do leads there."""
    for event in session.execute(EVENTS, {"key": key}):
        if event.kind in ("incident.opened", "external_task.failed", "call.failed"):
            yield f"{key} {event.definition_key} {event.element_id}: {event.kind} {event.variables}"


def play(sessions: sessionmaker[Session], seed: int) -> tuple[str, list[str], Counter[str]]:
    """Play a random matter; return its key, what is wrong with its papers, and how often each step was printed."""
    chance = random.Random(seed)
    wanderer = Wanderer(sessions=sessions, chance=chance)
    wanderer.play(chance.choice(FLOWS))
    with sessions.begin() as session:
        found = [*problems(session, wanderer.key), *incidents(session, wanderer.key)]
        told = Counter(title for entry in attachments.list_of(session, wanderer.key) if entry.media_type == "text/html"
                       for title, _, _ in printed(attachments.content(session, entry.id)))  # fmt: skip
    return wanderer.key, found, told


def main() -> None:
    """Play many matters, each on a database of its own, and tell what their papers get wrong."""
    from tests.acceptance.conftest import prepare

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began, told, wrong = time.monotonic(), Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        template, path = Path(folder) / "template.db", Path(folder) / "casepath.db"
        databases.create_tables(f"sqlite:///{template}")
        prepare(f"sqlite:///{template}")
        for seed in range(options.seed, options.seed + options.histories):
            pool = database.connect(databases.copy_file(template, path))
            _, found, steps = play(database.sessions(pool), seed)
            pool.dispose()
            told += steps
            wrong += bool(found)
            for problem in found:
                print(f"seed {seed}: {problem}", flush=True)
    clock.reset()
    seconds = time.monotonic() - began
    sections = f"{told.total()} sections of {len(told)} titles"
    print(f"{options.histories} histories, {sections}, {wrong} wrong, {seconds:.0f} s")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
