"""
The shipped monthly and yearly report over 100,000 matters, on SQLite and PostgreSQL.

    python -m tests.benchmarks.bench_reports [--matters N] [--days N] [--database sqlite] [--quick]

The matters arrive over two years, or over so many days: with 30 all of them are in one month. Each has five process
instances that it called. Asked is a director who sees every matter; beside that stands what the same statements cost
the bare driver. Prints medians in seconds, and the seconds of this process's processor, which is all of it on SQLite
and tells more where the machine does other things too; ends with an error where a report takes longer than its limit.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import event

from casepath import demo, stories
from casepath.engine import database, deployments
from casepath.engine.database import measures
from casepath.engine.deployments import definitions
from casepath.engine.people.authorization import Person
from casepath.engine.queries import reports
from casepath.engine.reports import Period
from casepath.engine.time import clock
from tests import database as databases
from tests.acting import PROGRAM

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
#: Report, period, and seconds.
ASKED = (("monthly", Period(2026, 11), 2.0), ("yearly", Period(2026), 5.0))
ROUNDS = 3
#: When the last matter arrives, and how many are made by one statement.
END = datetime(2026, 12, 1, tzinfo=UTC)
BATCH = 5_000
CALLED = ("first_contact", "verify_and_dispatch", "resolution", "customer_feedback", "root_cause")
VALUES: dict[str, tuple[str, ...]] = {
    "channel": ("phone", "visit", "letter", "hotline", "web", "fax", "crm"),
    "category": ("sales_service", "repair_quality", "parts", "product_quality", "value_added"),
    "severity": ("ordinary", "ordinary", "ordinary", "medium", "major"),
    "cause": ("product", "after_sales", "attitude", "other"),
    "gap": ("procedure", "behaviour"),
    "first_asked": ("front_desk_wang", "consultant_chen", "advisor_li", "caller_liu"),
    "responsible_group": ("sales_director", "after_sales_director"),
}
DIRECTOR = Person(username="director", groups=frozenset({"customer_director"}), sees_all=True)


def main() -> None:
    """Fill a database of each kind, ask, and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--matters", type=int, default=100_000)
    arguments.add_argument("--days", type=int, default=730)
    arguments.add_argument("--database", choices=["sqlite", "postgresql"])
    arguments.add_argument("--quick", action="store_true", help="a tenth of the matters")
    options = arguments.parse_args()
    many = options.matters // 10 if options.quick else options.matters
    is_slow = False
    with tempfile.TemporaryDirectory() as folder:
        for kind in [options.database] if options.database else ["sqlite", "postgresql"]:
            pool = database.connect(made(kind, Path(folder)))
            begun = time.perf_counter()
            fill(pool, many, options.days)
            took = time.perf_counter() - begun
            print(f"{kind}: {many:,} matters of {options.days} days, made in {took:.0f} s", flush=True)
            print(f"  {'':<20} {'report':>8} {'processor':>9} {'bare SQL':>9} {'at most':>8}")
            for key, period, limit in ASKED:
                (spent, busy), (bare, _) = (medians(ask) for ask in asked(pool, key, period))
                print(f"  {key:<10}{period!s:<10} {spent:8.2f} {busy:9.2f} {bare:9.2f} {limit:8.2f}", flush=True)
                is_slow |= spent > limit
            pool.dispose()
    sys.exit(is_slow)


def made(kind: str, folder: Path) -> str:
    """Return the URL of an empty database of a kind."""
    if kind == "postgresql":
        return databases.PostgresServer().create("casepath_reports")
    url = f"sqlite:///{folder / 'casepath.db'}"
    databases.create_tables(url)
    return url


def asked(pool: sqlalchemy.Engine, key: str, period: Period) -> Iterator[Callable[[], object]]:
    """Yield what is measured: the report, and its statements alone."""
    sessions = database.sessions(pool, read_only=True)

    def reckon() -> object:
        with sessions.begin() as session:
            return reports.reckon(session, reports.opened(session, key, by=DIRECTOR), period, by=DIRECTOR)

    statements: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if "measurements" in statement:
            statements.append((statement, parameters))

    event.listen(pool, "before_cursor_execute", note)
    reckon()
    event.remove(pool, "before_cursor_execute", note)

    def bare() -> None:
        with pool.connect() as connection:
            cursor: Any = connection.connection.cursor()
            for statement, parameters in statements:
                cursor.execute(statement, parameters)
                cursor.fetchall()

    yield reckon
    yield bare


def medians(ask: Callable[[], object]) -> tuple[float, float]:
    """Return what asking takes, in seconds: of the clock, and of the processor."""
    spent, busy = [], []
    for _ in range(ROUNDS):
        begun, worked = time.perf_counter(), time.process_time()
        ask()
        spent.append(time.perf_counter() - begun)
        busy.append(time.process_time() - worked)
    return statistics.median(spent), statistics.median(busy)


def fill(pool: sqlalchemy.Engine, many: int, days: int) -> None:
    """Deploy what is shipped, and make matters with what is measured of them, and what they have called."""
    sessions = database.sessions(pool)
    definitions.forget()
    clock.set_to(END)
    with sessions.begin() as session:
        demo.add_people(session, PROCESSES)
        for folder in stories.folders(PROCESSES):
            deployments.deploy(session, deployments.read_folder(folder), name=folder.name, by=PROGRAM)
        ids = {key: definitions.latest(session, "process", key).id for key in ("complaint", *CALLED)}
        found = measures.positions(session.connection(), "complaint")
    columns = {name: f"{kind}_{position}" for (name, kind), position in found.items()}
    tables = database.Base.metadata.tables
    for start in range(1, many + 1, BATCH):
        instances, measured, visits = [], [], []
        for number in range(start, min(start + BATCH, many + 1)):
            root = number * (len(CALLED) + 1)
            begun = END - timedelta(seconds=number * days * 86_400 // (many + 1))
            measured.append(row(number, root, begun, columns))
            for place, key in enumerate(("complaint", *CALLED)):
                instances.append(
                    {"id": root + place, "definition_id": ids[key], "definition_key": key, "state": "completed",
                     "root_id": root, "parent_id": root if place else None, "started_at": begun, "ended_at": begun,
                     "started_by": "front_desk_wang"}
                )  # fmt: skip
            visits += [
                {"process_instance_id": root + 4, "number": visit, "element_id": element, "element_type": "userTask",
                 "state": "completed", "started_at": begun, "ended_at": begun}
                for visit, element in enumerate(("review_call", "ask_feedback", "general_manager_measures"), 1)
                if visit < 3 or number % 20 == 0
            ]  # fmt: skip
        with pool.begin() as connection:
            connection.execute(tables["process_instances"].insert(), instances)
            connection.execute(tables["measurements"].insert(), measured)
            connection.execute(tables["activity_instances"].insert(), visits)
    with pool.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if pool.dialect.name == "postgresql" else "ANALYZE")


def row(number: int, root: int, begun: datetime, columns: dict[str, str]) -> dict[str, Any]:
    """Return what is measured of a matter."""
    at = measures.seconds(begun)
    worth: dict[str, Any] = {name: said[number * 7_919 % len(said)] for name, said in VALUES.items()}
    worth |= {
        "received_at": at,
        "contacted_at": at + number * 31 % 20_000,
        "resolved_at": at + number * 37 % 900_000,
        "handling_deadline": at + 600_000,
        "first_contact": number * 31 % 20_000,
        "handling": number * 37 % 900_000,
        "lateness": number * 37 % 900_000 - 600_000,
        "reporting": number * 17 % 10_000,
        "score": (number % 10 + 1) * measures.SCALE,
        "dissatisfied_count": number % 3 * measures.SCALE,
        "contact_attempts": number % 4 * measures.SCALE,
        "promised_amount": number % 5_000 * measures.SCALE,
    }
    held = {columns[name]: value for name, value in worth.items()}
    return {"process_instance_id": root, "process": "complaint", "state": "completed", "begun_at": at, **held}


if __name__ == "__main__":
    main()
