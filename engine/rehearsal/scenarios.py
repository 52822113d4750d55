"""
Scenarios: recordings that say which way they went. All are played on a draft, which tells what goes another way there,
and what no scenario reaches: elements, sequence flows, rows of decision tables.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database import values
from casepath.engine.database.models import ActivityInstance, HistoryEvent, ProcessInstance
from casepath.engine.deployments import definitions
from casepath.engine.people.authorization import By
from casepath.engine.queries import deployed
from casepath.engine.rehearsal.playing import Draft, Work, rehearse
from casepath.engine.rehearsal.recording import Path, Recording

#: Scenarios that are played at once, and seconds after which no further one is begun.
MAX_SCENARIOS = 50
MAX_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Parting:
    """Where a scenario went another way than it did: process, what was expected there, and what came instead."""

    process: str
    #: Ids of elements; empty where nothing was expected, or nothing came.
    expected: str
    found: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one scenario."""

    name: str
    recording: Recording
    #: How many of its inputs could be played, and why not the next.
    played: int = 0
    refusal: errors.EngineError | None = None
    parting: Parting | None = None
    #: Whether there was no time left for it.
    is_left_out: bool = False

    @property
    def passes(self) -> bool:
        """Whether all of it could be played and went the way it did."""
        return not self.is_left_out and self.refusal is None and self.parting is None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A decision table with how often each of its rows was answered by."""

    definition_id: int
    key: str
    rows: Sequence[int]

    @property
    def unreached(self) -> list[int]:
        """The rows that no scenario reaches, from 1."""
        return [number for number, count in enumerate(self.rows, 1) if not count]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How often scenarios reached each part of a process; 0 where none does."""

    definition_id: int = 0
    elements: Mapping[str, int] = field(default_factory=dict)
    flows: Mapping[str, int] = field(default_factory=dict)
    #: Sequence flow → the element that it leaves.
    sources: Mapping[str, str] = field(default_factory=dict)
    tables: Sequence[Table] = ()


@dataclass(kw_only=True)
class _Reached:
    definition_id: int = 0
    elements: Counter[str] = field(default_factory=Counter)
    flows: Counter[str] = field(default_factory=Counter)
    sources: dict[str, str] = field(default_factory=dict)
    rows: Counter[tuple[str, int]] = field(default_factory=Counter)
    tables: dict[str, Table] = field(default_factory=dict)


def path(session: Session) -> Path:
    """Return the way that the rehearsal went whose session this is: of each process instance the elements in order."""
    query = (
        select(ProcessInstance.id, ProcessInstance.definition_key, ActivityInstance.element_id)
        .join(ActivityInstance, ActivityInstance.process_instance_id == ProcessInstance.id)
        .order_by(ProcessInstance.id, ActivityInstance.number)
    )
    found: dict[int, tuple[str, list[str]]] = {}
    for number, key, element in session.execute(query):
        found.setdefault(number, (key, []))[1].append(element)
    return tuple((key, tuple(elements)) for key, elements in found.values())


def run(
    session: Session, draft: Draft, scenarios: Sequence[tuple[str, Recording]], *, by: By, work: Work | None = None
) -> tuple[list[Outcome], Coverage]:
    """
    Play scenarios on a draft, each from its beginning; return what came of each, and what all of them reach.

    Raises as `rehearse` does, and `InvalidInput` for more than `MAX_SCENARIOS`.
    """
    if len(scenarios) > MAX_SCENARIOS:
        raise errors.InvalidInput(
            "At most {limit} scenarios can be played at once.", code="rehearsal-scenarios", limit=MAX_SCENARIOS
        )
    end = time.monotonic() + MAX_SECONDS
    reached = _Reached()
    outcomes = []
    for name, recording in scenarios:
        if time.monotonic() > end:
            outcomes.append(Outcome(name=name, recording=recording, is_left_out=True))
            continue
        with (
            rehearse(session, draft, recording, by=by, work=work) as found,
            found.readers.begin() as inside,
        ):
            went = path(inside)
            outcomes.append(
                Outcome(
                    name=name,
                    recording=recording,
                    played=len(found.recording.inputs),
                    refusal=found.refusal,
                    parting=_parting(recording.path, went) if recording.path and found.refusal is None else None,
                )
            )
            _note(inside, draft.process, reached)
    coverage = Coverage(
        definition_id=reached.definition_id,
        elements=reached.elements,
        flows=reached.flows,
        sources=reached.sources,
        tables=[
            Table(
                definition_id=each.definition_id,
                key=each.key,
                rows=[reached.rows[each.key, number + 1] for number in range(len(each.rows))],
            )
            for each in reached.tables.values()
        ],
    )
    return outcomes, coverage


def _parting(expected: Path, found: Path) -> Parting | None:
    """Return where two ways part first; None where they are one."""
    nothing: tuple[str, tuple[str, ...]] = ("", ())
    for (key, there), (other, here) in zip_longest(expected, found, fillvalue=nothing):
        if key != other:
            return Parting(process=key or other, expected=(*there, "")[0] if key else "", found=(*here, "")[0])
        for one, another in zip_longest(there, here, fillvalue=""):
            if one != another:
                return Parting(process=key, expected=one, found=another)
    return None


def _note(session: Session, process: str, reached: _Reached) -> None:
    """Count what one scenario reached."""
    newest = definitions.latest(session, "process", process)
    if not reached.definition_id:
        reached.definition_id = newest.id
        for node in definitions.process(session, newest.id).nodes.values():
            reached.elements[node.bpmn_id] += 0
            for flow in node.outgoing:
                reached.flows[flow.id] += 0
                reached.sources[flow.id] = node.bpmn_id
        for key in sorted(set(deployed.texts(session, newest.id).decisions.values())):
            _note_table(session, key, reached)
    visits = select(ActivityInstance.element_id, ActivityInstance.flow_id).join(
        ProcessInstance, ProcessInstance.id == ActivityInstance.process_instance_id
    )
    for element, came_by in session.execute(visits.where(ProcessInstance.definition_id == newest.id)).all():
        reached.elements[element] += 1
        if came_by:
            reached.flows[came_by] += 1
    for text in session.scalars(select(HistoryEvent.facts).where(HistoryEvent.kind == "decision.evaluated")):
        facts: Any = values.loads(text)
        for key, answers in facts.get("matched", {}).items():
            for row in (row for answer in answers for row in answer):
                reached.rows[key, row] += 1


def _note_table(session: Session, key: str, reached: _Reached) -> None:
    try:
        found = definitions.latest(session, "decision", key)
    except errors.NotFound:
        return
    table = deployed.decision_table(session, found.id)
    if table is not None:
        reached.tables[key] = Table(
            definition_id=found.id, key=key, rows=[0 for _ in table.rules]
        )
