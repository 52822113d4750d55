"""
Whether the papers that are signed tell what happened: random matters are played, and their papers read against history.
No step of theirs may end in an incident.

    python -m tests.acceptance.papers --histories 1000 [--seed 1]

The expected paper is put together from the rows of the history, the diagrams and the forms as files, by nothing of what
writes it: each completed step once, in the order of time, with the values of its own event, who and when. What is there
is read off the PDF that was kept, page by page, by another program; only blanks do not count.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as day_time
from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database
from casepath.engine.database import values
from casepath.engine.database.models import Attachment
from casepath.engine.instances import attachments
from casepath.engine.time import clock
from tests import database as databases
from tests import pdf
from tests.acceptance.wandering import FLOWS, PROCESSES, ZONE, Wanderer

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"

#: What stands above every paper, whichever process has it made, and above and below each page.
TITLE = "顾客投诉处理表"
HEAD = "启程汽车销售服务有限公司（示例）编号{key}"
FOOT = re.compile(
    r"(?:客户抱怨|重大投诉)处理流程投诉电话[\d-]+（示例）截至\d+年\d+月\d+日\d\d:\d\d第(\d+)页，共(\d+)页$"
)

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
    #: Whether several people are to do it beside each other, which is one round of it.
    for_several: bool


@functools.cache
def drawn(process: str) -> dict[str, Drawn]:
    """Every element of a process by its id."""
    folder = PROCESSES / process
    root = etree.parse(folder / f"{process}.bpmn").getroot()
    return {
        key: Drawn(
            name=each.get("name") or key,
            form=each.get(f"{CAMUNDA}formKey"),
            for_several=each.find(f"{BPMN}multiInstanceLoopCharacteristics") is not None,
        )
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
    here = at.astimezone(ZONE)
    return f"{written(here)} {here:%H:%M}"


def written(day: date) -> str:
    """A day as people write it."""
    return f"{day.year}年{day.month}月{day.day}日"


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
            return written(value)
        case day_time():
            return f"{value:%H:%M}"
        case Decimal():
            return f"{value:f}"
    return str(labels.get(value, value))


def expected(session: Session, key: str, until: datetime) -> list[Section]:
    """What the paper of a matter should tell that was made at a moment."""
    found: list[Section] = []
    turns: defaultdict[tuple[str, str], dict[int, None]] = defaultdict(dict)
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
        # Nothing leads back to what several do within one call of its process.
        turns[event.definition_key, element_id][event.process_instance_id if element.for_several else -event.id] = None
        time_no = len(turns[event.definition_key, element_id])
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
        found.append((title, f"{who}　{local(event.at)}", rows))
    return found


def whole(key: str, until: datetime, sections: list[Section]) -> str:
    """All that the paper of a matter should tell, without blanks."""
    parts = [TITLE, f"编号：{key}截至{local(until)}"]
    for title, signed, rows in sections:
        parts += [title, *(part for row in rows for part in row), signed]
    return pdf.bare("".join(parts))


def printed(paper: bytes, key: str) -> str:
    """What a paper tells, without blanks and without what stands above and below each page."""
    pages = [pdf.bare(page) for page in pdf.pages(paper)]
    told = []
    for number, page in enumerate(pages, 1):
        foot = FOOT.search(page)
        assert foot is not None, page
        assert foot.groups() == (str(number), str(len(pages)))
        told.append(page.removeprefix(HEAD.format(key=key)).removesuffix(foot[0]))
    return "".join(told)


def papers(session: Session, key: str) -> list[Attachment]:
    """The papers that were kept with a matter."""
    return [entry for entry in attachments.list_of(session, key) if entry.name == f"{key} {TITLE}.pdf"]


def problems(session: Session, key: str) -> Iterator[str]:
    """Yield what the papers of a matter tell otherwise than its history."""
    made = papers(session, key)
    if not made:
        yield f"{key} has ended without a paper"
    for entry in made:
        # The paper is of the moment at which its step began, which is when the step before it was done.
        sections = expected(session, key, entry.created_at)
        is_, should = printed(attachments.content(session, entry.id), key), whole(key, entry.created_at, sections)
        if is_ != should:
            at = next((place for place, (one, other) in enumerate(zip(is_, should, strict=False)) if one != other), -1)
            yield f"{key}: at {at} “{is_[max(at - 20, 0) : at + 40]}”, not “{should[max(at - 20, 0) : at + 40]}”"


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
        told = Counter(
            title
            for entry in papers(session, wanderer.key)
            for title, _, _ in expected(session, wanderer.key, entry.created_at)
        )
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
