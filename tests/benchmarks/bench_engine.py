"""
What a step costs, side by side in one run: the engine, a bare sqlite3 transaction, and SpiffWorkflow as it comes.

    python -m tests.benchmarks.bench_engine [--quick]

The bare transaction executes the very statements that the step of the engine wrote with, on a copy of the database as
it was before. All databases are files, with a write-ahead log and synchronous=FULL. Times of single steps are the lower
tenth of all, so that other work on the machine disturbs less.
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
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy
from SpiffWorkflow.bpmn.serializer.workflow import BpmnWorkflowSerializer
from sqlalchemy import event, func, select

from engine import clock, jobs, process_instances, user_tasks
from engine.models import ProcessInstance, UserTask
from tests.bare_spiffworkflow import Bare, python
from tests.diagrams import container, nodes, process, timer
from tests.world import BEGIN, World

LOOP = process(
    nodes("startEvent Begin; exclusiveGateway Again Enough; userTask A; endEvent Done"),
    flow="Begin > Again; Again > A; A > Enough; Enough > Again [${again}]; Enough > Done [${again == false}]",
)
#: Columns of the table that is printed.
Row = tuple[str, str, str, str]
Statement = tuple[str, Any, bool]


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
    """Complete a user task against the same statements in bare sqlite3."""
    with _world() as (world, folder):
        instance = _start_loop(world)
        _complete(world, instance, 50)
        world.restart()
        with sqlite3.connect(folder / "casepath.db") as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        shutil.copyfile(folder / "casepath.db", folder / "bare.db")
        world.restart()
        _complete(world, instance, 1)
        number = max(1000 // divisor, 100)
        recorded: list[list[Statement]] = []
        with _recording(world, recorded):
            _complete(world, instance, 50)
        mine = _typical(_complete(world, instance, number))
        bare = _typical(_replay(folder / "bare.db", recorded))
    rate = 1 / mine
    return [
        ("complete a user task, durable", "about 1,000/s", f"{rate:,.0f}/s", f"{mine * 1000:.2f} ms"),
        ("  against bare sqlite3 that writes the same", "≤ 20 ×", f"{mine / bare:.1f} ×",
         f"{bare * 1e6:.0f} µs for {len(recorded[-1])} statements"),
    ]


def growth(divisor: int) -> list[Row]:
    """The same late in the life of one instance."""
    last = 10_000 // divisor
    with _world() as (world, _):
        instance = _start_loop(world)
        took = _complete(world, instance, last + 100)
        first, late = _typical(took[10:210]), _typical(took[-200:])
    return [(f"step {last:,} against step 10", "≤ 1.2 ×", f"{late / first:.2f} ×",
             f"{first * 1000:.2f} ms, then {late * 1000:.2f} ms")]


def against_spiffworkflow(_divisor: int) -> list[Row]:
    """SpiffWorkflow with its JSON serializer into SQLite, at round 50."""
    with _world() as (world, folder):
        instance = _start_loop(world)
        mine = _typical(_complete(world, instance, 60)[40:])
        connection = sqlite3.connect(folder / "spiff.db", isolation_level=None)
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE w (id INTEGER, state)")
        registry = BpmnWorkflowSerializer.configure()
        serializer = BpmnWorkflowSerializer(registry)
        bare = Bare(python(LOOP))
        connection.execute("INSERT INTO w VALUES (1, ?)", (serializer.serialize_json(bare.workflow),))
        took = []
        for _ in range(60):
            begun = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            text = connection.execute("SELECT state FROM w WHERE id = 1").fetchone()[0]
            bare.workflow = serializer.deserialize_json(text)
            bare.complete("A", again=True)
            connection.execute("UPDATE w SET state = ? WHERE id = 1", (serializer.serialize_json(bare.workflow),))
            connection.execute("COMMIT")
            took.append(time.perf_counter() - begun)
        connection.close()
    theirs = _typical(took[40:])
    return [("SpiffWorkflow with its serializer, round 50", "≥ 5 × slower", f"{theirs / mine:.1f} × slower",
             f"{theirs * 1000:.2f} ms")]


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
                    process_instances.start(session, "p", {}, by=None)
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
    gc.collect()
    for _ in range(times):
        with world.sessions() as session:
            task = session.scalars(
                select(UserTask.id).where(UserTask.process_instance_id == instance, UserTask.state == "created")
            ).one()
        begun = time.perf_counter()
        with world.sessions.begin() as session:
            user_tasks.complete(session, task, {"again": True}, by="ann")
        took.append(time.perf_counter() - begun)
    return took


@contextmanager
def _recording(world: World, recorded: list[list[Statement]]) -> Iterator[None]:
    """Record the statements that write, one list for each transaction."""
    bind = world.sessions.kw["bind"]

    def begin(_connection: sqlalchemy.Connection) -> None:
        recorded.append([])

    def execute(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            recorded[-1].append((statement, parameters, many))

    event.listen(bind, "begin", begin)
    event.listen(bind, "before_cursor_execute", execute)
    yield
    event.remove(bind, "begin", begin)
    event.remove(bind, "before_cursor_execute", execute)
    recorded[:] = [statements for statements in recorded if statements]


def _replay(path: Path, recorded: Sequence[Sequence[Statement]]) -> list[float]:
    """Execute recorded transactions with nothing but sqlite3; returns what each took, in seconds."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    took = []
    for statements in recorded:
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for statement, parameters, many in statements:
            if many:
                connection.executemany(statement, parameters)
            else:
                connection.execute(statement, parameters).fetchall()
        connection.execute("COMMIT")
        took.append(time.perf_counter() - begun)
    connection.close()
    return took


def _typical(took: Sequence[float]) -> float:
    """The lower tenth of the times: what a step takes when nothing else on the machine is in its way."""
    return statistics.quantiles(took, n=10)[0]


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
