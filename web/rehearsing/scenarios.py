"""Scenarios as a page shows them: which pass, which part and where, and what none of them reaches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from flask import render_template, request
from sqlalchemy.orm import Session

from casepath.engine import errors, rehearsal, texts
from casepath.engine.queries import deployed, versions
from casepath.engine.queries.versions import Version
from casepath.engine.rehearsal import Coverage, Draft, Outcome, Recording
from casepath.web import languages, phrases, words
from casepath.web.process_instances.sentences import decided
from casepath.web.rehearsing import asked, shown

#: Folder of a deployment in which its scenarios lie.
FOLDER = "scenarios"


@dataclass(frozen=True, kw_only=True)
class Line:
    """What came of one scenario, in words."""

    outcome: Outcome
    #: Why its next step could not be played.
    refusal: str
    #: The step that could not be played.
    step: str
    expected: str
    found: str


@dataclass(frozen=True, kw_only=True)
class ShownTable:
    """A table with the rows that are reached, and the numbers of the others."""

    table: words.Table
    reached: list[int]
    unreached: list[int]


def sent(session: Session, process: Version) -> tuple[list[tuple[str, Recording]], list[tuple[str, str]]]:
    """
    Return the scenarios that lie beside the process and those that were sent, by name; and what is wrong with others.
    """
    beside = versions.companions(session, versions.file_name(session, process.id))
    files = {
        name: content
        for name, content in sorted(beside.items())
        if PurePosixPath(name).parent.name == FOLDER and name.endswith(".json")
    }
    for file in request.files.getlist("rehearsal.scenarios"):
        if file.filename:
            files[texts.storable(file.filename, limit=255)] = file.read()
    found, wrong = list[tuple[str, Recording]](), list[tuple[str, str]]()
    for name, content in files.items():
        title = PurePosixPath(name).name.removesuffix(".json").removesuffix(".rehearsal")
        try:
            recording = rehearsal.read(content.decode("utf-8", "replace"))
            if recording.process != process.key:
                raise errors.InvalidInput("This is a rehearsal of another process.", code="rehearsal-of-another")
        except errors.InvalidInput as refusal:
            wrong.append((title, phrases.sentence(refusal)))
        else:
            found.append((title, recording))
    return found, wrong


def render(
    session: Session,
    process: Version,
    outcomes: Sequence[Outcome],
    coverage: Coverage,
    wrong: Sequence[tuple[str, str]],
    draft: Draft,
) -> str:
    """Return the page, in the sandbox of a draft."""
    definition_id = coverage.definition_id
    diagram, english = asked.drawn()
    names: Mapping[str, str] = {}
    xml = ""
    if outcomes and definition_id:
        names = deployed.texts(session, definition_id, languages.of_names()).names
        xml = deployed.diagram(session, definition_id, languages.of_names()).decode("utf-8", "replace")
    return render_template(
        "rehearsing/scenarios.html",
        process=process,
        is_draft=bool(draft.files),
        lines=[line(session, each, process.key) for each in outcomes],
        passing=sum(each.passes for each in outcomes),
        wrong=wrong,
        reached=sum(bool(count) for count in coverage.elements.values()),
        elements=len(coverage.elements),
        unreached=[names.get(key) or key for key, count in coverage.elements.items() if not count],
        flows=[
            decided(names.get(coverage.sources[key]) or coverage.sources[key], names[key])
            for key, count in coverage.flows.items()
            if not count and names.get(key)
        ],
        tables=tables(session, coverage),
        xml=xml,
        path=json.dumps(path(coverage)),
        recording=request.form.get("rehearsal.recording", ""),
        diagram=diagram,
        english=english,
        max_scenarios=rehearsal.MAX_SCENARIOS,
    )


def path(coverage: Coverage) -> dict[str, Any]:
    """Return what is reached as `web/assets/viewer.js` reads it."""
    return {
        "elements": {
            key: {"state": "visited" if count else "unreached", "count": count}
            for key, count in coverage.elements.items()
        },
        "flows": [key for key, count in coverage.flows.items() if count],
    }


def line(session: Session, outcome: Outcome, process: str) -> Line:
    """Return what came of one scenario."""
    next_ones = outcome.recording.inputs[outcome.played :]
    parting = outcome.parting
    return Line(
        outcome=outcome,
        refusal=phrases.sentence(outcome.refusal) if outcome.refusal else "",
        step=shown.step(session, next_ones[0], process) if outcome.refusal and next_ones else "",
        expected=shown.called(session, parting.expected, parting.process) if parting else "",
        found=shown.called(session, parting.found, parting.process) if parting else "",
    )


def tables(session: Session, coverage: Coverage) -> list[ShownTable]:
    """Return the tables of a process with the rows that are reached."""
    told = words.of(session)
    found = []
    for each in coverage.tables:
        table = deployed.decision_table(session, each.definition_id)
        if table is not None:
            found.append(
                ShownTable(
                    table=words.table(session, each.definition_id, table, told),
                    reached=[number for number, count in enumerate(each.rows, 1) if count],
                    unreached=each.unreached,
                )
            )
    return found
