"""
What a step costs, side by side in one run: the engine, a bare sqlite3 transaction, and SpiffWorkflow as it comes.

    python -m tests.benchmarks.bench_engine [--quick]

The bare transaction executes the very statements that the step of the engine wrote with, on a copy of the database as
it was before. All databases are files, with a write-ahead log and synchronous=FULL. What is compared is measured by
turns; ratios are of medians, single times are the lower tenth of all, so that other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from SpiffWorkflow.bpmn.serializer.workflow import BpmnWorkflowSerializer
from sqlalchemy import func, select

from casepath.engine.database import statements
from casepath.engine.database.models import ProcessInstance, UserTask
from casepath.engine.instances import jobs, process_instances, user_tasks
from casepath.engine.time import clock
from tests.acting import PROGRAM
from tests.bare_spiffworkflow import Bare, python
from tests.diagrams import container, nodes, process, timer
from tests.world import BEGIN, World

LOOP = process(
    nodes("startEvent Begin; exclusiveGateway Again Enough; userTask A; endEvent Done"),
    flow="Begin > Again; Again > A; A > Enough; Enough > Again [${again}]; Enough > Done [${again == false}]",
)
#: Columns of the table that is printed.
Row = tuple[str, str, str, str]
Written = tuple[str, Any, bool]


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_engine")
    parser.add_argument("--quick", action="store_true", help="a tenth of the steps, timers and elements")
    quick = parser.parse_args().quick
    rows: list[Row] = []
    for measure in (steps, growth, against_spiffworkflow, state, deployment, timers):
        print(f"{measure.__name__} …", flush=True)
        rows += measure(10 if quick else 1)
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in [("what", "wanted", "found", ""), *rows]:
        print("| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |")


def steps(divisor: int) -> list[Row]:
    """Complete a user task, and after each time execute the same statements with bare sqlite3."""
    with _world() as (world, folder):
        instance = _start_loop(world)
        _complete(world, instance, 50)
        world.restart()
        with closing(sqlite3.connect(folder / "casepath.db")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(folder / "casepath.db", folder / "bare.db")
        world.restart()
        mine, bare, written = [], [], 0
        with _recording() as recorded, closing(_bare(folder / "bare.db")) as connection:
            for _ in range(max(2000 // divisor, 100)):
                recorded.clear()
                mine += _complete(world, instance, 1)
                bare.append(_replay(connection, recorded))
                written = len(recorded)
    return [
        ("complete a user task, durable", "about 1,000/s", f"{1 / _undisturbed(mine):,.0f}/s",
         f"{_undisturbed(mine) * 1000:.2f} ms"),
        ("  against bare sqlite3 that writes the same", "≤ 20 ×", _ratio(mine, bare),
         f"{_undisturbed(bare) * 1e6:.0f} µs for {written} statements"),
    ]


def growth(divisor: int) -> list[Row]:
    """Steps late in the life of one instance, and after each one early in the life of another."""
    last = 10_000 // divisor
    with _world() as (world, _):
        old = _start_loop(world)
        _complete(world, old, last)
        young = world.start("p", {"again": True}, "key")
        _complete(world, young, 10)
        late, early = [], []
        for _ in range(300):
            late += _complete(world, old, 1)
            early += _complete(world, young, 1)
    return [(f"step {last:,} against step 10", "≤ 1.2 ×", _ratio(late, early),
             f"{_undisturbed(late) * 1000:.2f} ms and {_undisturbed(early) * 1000:.2f} ms")]


def against_spiffworkflow(_divisor: int) -> list[Row]:
    """SpiffWorkflow with its JSON serializer into SQLite, rounds 46 to 55; after each time ten rounds of the engine."""
    serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure())
    theirs, mine = [], []
    with _world() as (world, folder):
        instance = _start_loop(world)
        _complete(world, instance, 45)
        with closing(_bare(folder / "spiff.db")) as connection:
            connection.execute("CREATE TABLE workflows (id INTEGER PRIMARY KEY, state TEXT)")
            for run in range(5):
                bare = Bare(python(LOOP))
                state = serializer.serialize_json(bare.workflow)
                connection.execute("INSERT INTO workflows VALUES (?, ?)", (run, state))
                one_round = partial(_complete_bare, connection, serializer, bare, run)
                rounds = [_timed(one_round) for _ in range(55)]
                theirs += rounds[45:]
                mine += _complete(world, instance, 10)
    return [("SpiffWorkflow with its serializer, round 50", "≥ 5 × slower", f"{_ratio(theirs, mine)} slower",
             f"{_undisturbed(theirs) * 1000:.2f} ms and {_undisturbed(mine) * 1000:.2f} ms")]


def _complete_bare(connection: sqlite3.Connection, serializer: BpmnWorkflowSerializer, bare: Bare, key: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    text = connection.execute("SELECT state FROM workflows WHERE id = ?", (key,)).fetchone()[0]
    bare.workflow = serializer.deserialize_json(text)
    bare.complete("A", again=True)
    connection.execute("UPDATE workflows SET state = ? WHERE id = ?", (serializer.serialize_json(bare.workflow), key))
    connection.execute("COMMIT")


def state(_divisor: int) -> list[Row]:
    """Bytes of the tokens at a wait state."""
    loop = '<multiInstanceLoopCharacteristics camunda:collection="people" camunda:elementVariable="person"/>'
    late = f'<boundaryEvent id="Late" attachedToRef="A">{timer("PT5H")}</boundaryEvent>'
    inner = container("Sub", nodes("startEvent T; parallelGateway Split; userTask B C"),
                      f'<userTask id="D">{loop}</userTask>', flow="T > Split; Split > B; Split > C; Split > D")
    diagram = process(nodes("startEvent S; parallelGateway Fork; userTask A"), late, inner,
                      flow="S > Fork; Fork > A; Fork > Sub")
    with _world() as (world, _):
        simple = _start_loop(world)
        _complete(world, simple, 50)
        world.deploy([("wide.bpmn", diagram.replace(b'id="p"', b'id="wide"'))])
        wide = world.start("wide", {"people": ["ann", "bob", "cem"]})
        sizes = [_tokens(world, simple), _tokens(world, wide)]
    return [("state, loop with a user task, beside variables", "≤ 2 KB", f"{sizes[0]} bytes", "after 50 rounds"),
            ("state, 7 tokens in 4 scopes, beside variables", "≤ 2 KB", f"{sizes[1]} bytes", "")]


def deployment(divisor: int) -> list[Row]:
    """Deploy a diagram of 1,000 elements."""
    number = 1000 // divisor
    keys = [f"T{each}" for each in range(number)]
    flow = "\n".join(f"{one} > {other}" for one, other in zip(["S", *keys], [*keys, "E"], strict=True))
    diagram = process(nodes("startEvent S; endEvent E; userTask " + " ".join(keys)), flow=flow)
    with _world() as (world, _):
        took = _timed(lambda: world.deploy([("long.bpmn", diagram)]))
    return [(f"deploy {number:,} user tasks in a row", "≤ 2 s", f"{took:.2f} s", "")]


def timers(divisor: int) -> list[Row]:
    """Many timers that are due at once, each in an instance of its own."""
    number = 10_000 // divisor
    wait = f'<intermediateCatchEvent id="Wait">{timer("PT1H")}</intermediateCatchEvent>'
    diagram = process(nodes("startEvent S; userTask A"), wait, flow="S > Wait; Wait > A")
    with _world() as (world, _):
        world.deploy([("timers.bpmn", diagram)])
        for _batch in range(0, number, 500):
            with world.sessions.begin() as session:
                for _each in range(min(500, number)):
                    process_instances.start(session, "p", {}, by=PROGRAM)
        clock.set_to(BEGIN + timedelta(hours=2))
        took = _timed(lambda: _run_due(world))
        with world.sessions.begin() as session:
            fired = session.scalar(select(func.count()).select_from(UserTask))
    return [(f"{number:,} timers due at once", "≥ 500/s, each once", f"{number / took:,.0f}/s",
             f"{fired} of {number} fired")]


# how it is measured


@contextmanager
def _world() -> Iterator[tuple[World, Path]]:
    folder = Path(tempfile.mkdtemp(prefix="casepath-bench-"))
    world = World(f"sqlite:///{folder / 'casepath.db'}")
    clock.set_to(BEGIN)
    try:
        yield world, folder
    finally:
        world.close()
        shutil.rmtree(folder)


def _start_loop(world: World) -> int:
    world.deploy([("loop.bpmn", LOOP)])
    return world.start("p", {"again": True}, "key")


def _complete(world: World, instance: int, times: int) -> list[float]:
    """Complete the open user task again and again; returns what each completion took, in seconds."""
    took = []
    for _ in range(times):
        with world.sessions() as session:
            task = session.scalars(
                select(UserTask.id).where(UserTask.process_instance_id == instance, UserTask.state == "created")
            ).one()
        begun = time.perf_counter()
        with world.sessions.begin() as session:
            user_tasks.complete(session, task, {"again": True}, by=PROGRAM)
        took.append(time.perf_counter() - begun)
    return took


@contextmanager
def _recording() -> Iterator[list[Written]]:
    """Record the statements that write."""
    recorded: list[Written] = []
    execute = statements.execute

    def recording(connection: Any, text: str, parameters: Any, *, many: bool = False) -> Any:
        if text.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            recorded.append((text, parameters, many))
        return execute(connection, text, parameters, many=many)

    with mock.patch.object(statements, "execute", recording):
        yield recorded


def _bare(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _replay(connection: sqlite3.Connection, written: Sequence[Written]) -> float:
    """Execute recorded statements in one transaction; returns what it took, in seconds."""
    begun = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    for statement, parameters, many in written:
        if many:
            connection.executemany(statement, parameters)
        else:
            connection.execute(statement, parameters).fetchall()
    connection.execute("COMMIT")
    return time.perf_counter() - begun


def _undisturbed(took: Sequence[float]) -> float:
    """The lower tenth of the times: what it takes when nothing else on the machine is in the way."""
    return statistics.quantiles(took, n=10)[0]


def _ratio(one: Sequence[float], other: Sequence[float]) -> str:
    """How many times longer the one takes: measured by turns, so that what disturbs one disturbs the other."""
    return f"{statistics.median(one) / statistics.median(other):.2f} ×"


def _tokens(world: World, instance: int) -> int:
    with world.sessions() as session:
        text = session.scalars(select(ProcessInstance.tokens).where(ProcessInstance.id == instance)).one()
    json.loads(text)
    return len(text.encode())


def _run_due(world: World) -> None:
    while jobs.run_due(world.sessions):
        pass


def _timed(action: Callable[[], object]) -> float:
    gc.collect()
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
