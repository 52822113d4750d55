"""
Messages among 100,000 process instances that wait for them, on SQLite and PostgreSQL.

    python -m tests.benchmarks.bench_messages [--waiting N] [--quick]

Measured is one message with everything that comes of it: found, the instance moved, stored. One instance is made by the
engine and copied by SQL, with business keys and orders of their own. Prints the medians in milliseconds of wall and of
processor time; ends with an error where a median is above the limit.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy.orm import Session

from casepath.engine import database, deployments, errors
from casepath.engine.database import correlation
from casepath.engine.deployments import definitions
from casepath.engine.instances import messages, process_instances
from tests import database as databases
from tests import diagrams
from tests.acting import PROGRAM

#: Milliseconds.
LIMIT = 5.0
ROUNDS = 60
BATCH = 10_000
#: What of an instance is copied, and which columns name it.
TABLES = {
    "process_instances": "id",
    "subscriptions": "process_instance_id",
    "correlation_values": "process_instance_id",
}

CONVERSATION = """
    <message id="M" name="paid"/>
    <correlationProperty id="order"><correlationPropertyRetrievalExpression messageRef="M">
    <messagePath>order</messagePath></correlationPropertyRetrievalExpression></correlationProperty>
    <collaboration id="Both"><participant id="One" processRef="waiting"/><participant id="Two"/>
    <conversation id="Talk"><participantRef>One</participantRef><participantRef>Two</participantRef>
    <correlationKey id="Key"><correlationPropertyRef>order</correlationPropertyRef></correlationKey></conversation>
    </collaboration>
"""
SUBSCRIPTION = """
    <correlationSubscription correlationKeyRef="Key"><correlationPropertyBinding correlationPropertyRef="order">
    <dataPath>order</dataPath></correlationPropertyBinding></correlationSubscription>
"""
WAITING = diagrams.process(
    SUBSCRIPTION,
    '<startEvent id="Start"/><receiveTask id="Wait" messageRef="M"/><userTask id="A"/>',
    flow="Start > Wait; Wait > A",
    key="waiting",
    root=CONVERSATION,
)

Ask = Callable[[Session, int], object]
ASKED: dict[str, Ask] = {
    "correlate by business key": lambda session, number: messages.correlate(
        session, "paid", business_key=f"K{number}", by=PROGRAM
    ),
    "correlate by variable": lambda session, number: messages.correlate(
        session, "paid", correlation={"order": number}, by=PROGRAM
    ),
    "correlate, several wait": lambda session, number: refused(session),
    "deliver by business key": lambda session, number: messages.deliver(
        session, "paid", business_key=f"K{number}", correlation={}, variables={}
    ),
    "deliver by correlation": lambda session, number: messages.deliver(
        session, "paid", business_key=None, correlation={"order": number}, variables={}
    ),
    "deliver by both": lambda session, number: messages.deliver(
        session, "paid", business_key=f"K{number}", correlation={"order": number}, variables={}
    ),
}


def main() -> None:
    """Fill a database of each kind, measure, and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--waiting", type=int, default=100_000)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the instances")
    options = arguments.parse_args()
    many = options.waiting // 10 if options.quick else options.waiting
    slowest = 0.0
    for pool in pools():
        begun = time.perf_counter()
        fill(pool, many)
        took = time.perf_counter() - begun
        print(f"{pool.dialect.name}: {many:,} instances that wait, made in {took:.0f} s", flush=True)
        sessions = database.sessions(pool)
        numbers = iter(range(2, many))
        for name, ask in ASKED.items():
            slowest = max(slowest, measure(name, sessions, ask, [next(numbers) for _ in range(ROUNDS)]))
        pool.dispose()
    print(f"slowest {slowest:.1f} ms, at most {LIMIT} is wanted")
    sys.exit(slowest > LIMIT)


def pools() -> Iterator[sqlalchemy.Engine]:
    """Yield an empty database of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'casepath.db'}"
        databases.create_tables(url)
        yield database.connect(url)
    definitions.forget()
    yield database.connect(databases.PostgresServer().create("casepath_messages"))


def fill(pool: sqlalchemy.Engine, many: int) -> None:
    """Have one instance wait for a message, and copy it."""
    sessions = database.sessions(pool)
    with sessions.begin() as session:
        deployments.deploy(session, {"waiting.bpmn": WAITING}, name="benchmark", by=PROGRAM)
    with sessions.begin() as session:
        values = {"order": 1, "city": "上海"}
        first = process_instances.start(session, "waiting", values, business_key="K1", by=PROGRAM).id
    for begin in range(2, many + 1, BATCH):
        with sessions.begin() as session:
            numbers = range(begin, min(begin + BATCH, many + 1))
            for table, owner in TABLES.items():
                copy(session, database.Base.metadata.tables[table], owner, first, numbers)
    if pool.dialect.name == "postgresql":
        # As its autovacuum would, a minute later.
        with pool.begin() as connection:
            connection.exec_driver_sql("ANALYZE")


def copy(session: Session, table: sqlalchemy.Table, owner: str, first: int, numbers: Sequence[int]) -> None:
    """Copy what one instance has in a table for others, with a business key and an order of their own."""
    rows = [dict(row) for row in session.execute(sqlalchemy.select(table).where(table.c[owner] == first)).mappings()]
    session.execute(table.insert(), [changed(row, owner, number) for number in numbers for row in rows])


def changed(row: dict[str, object], owner: str, number: int) -> dict[str, object]:
    """Return the row as the instance of that number has it."""
    new = {name: value for name, value in row.items() if name != "id"} | {owner: number}
    if "root_id" in new:
        new |= {"root_id": number, "variables": json.dumps({"0": {"order": number, "city": "上海"}})}
    if "business_key" in new:
        new["business_key"] = f"K{number}"
    if "correlation_key" in new:
        new["correlation_key"] = correlation.key({"order": number})
    if new.get("name") == "order":
        new["value"] = correlation.text(number)
    return new


def refused(session: Session) -> None:
    """Send a message that all of them wait for."""
    try:
        messages.correlate(session, "paid", correlation={"city": "上海"}, by=PROGRAM)
    except errors.SeveralWaiting:
        return
    raise AssertionError("Expected that several wait, but found one")


def measure(name: str, sessions: sqlalchemy.orm.sessionmaker[Session], ask: Ask, numbers: Sequence[int]) -> float:
    """Ask for each of the numbers; print the medians and return that of the wall time, in milliseconds."""
    wall: list[float] = []
    processor: list[float] = []
    for number in numbers:
        with timed(wall, time.perf_counter), timed(processor, time.process_time), sessions.begin() as session:
            ask(session, number)
    print(f"  {name:<28} {statistics.median(wall):6.2f} ms, processor {statistics.median(processor):6.2f}", flush=True)
    return statistics.median(wall)


@contextmanager
def timed(spent: list[float], clock: Callable[[], float]) -> Iterator[None]:
    """Note how long something took, in milliseconds."""
    begun = clock()
    yield
    spent.append((clock() - begun) * 1000)


if __name__ == "__main__":
    main()
