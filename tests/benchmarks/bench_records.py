"""
Finding among 200,000 records of a register by part of a name, telephone, address or number, and taking rows of a file.

    python -m tests.benchmarks.bench_records [--records N] [--rows N] [--quick]

Runs on SQLite and PostgreSQL. Prints the medians in milliseconds of the first 20 that match, and what a thousand rows
of a file cost of the processor and on the clock; ends with an error where a search is above the limit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy
from sqlalchemy.orm import Session

from casepath.engine import database, deployments
from casepath.engine.deployments import Register
from casepath.engine.people.authorization import Program
from casepath.engine.queries import records as lists
from casepath.engine.queries.records import Filters
from casepath.engine.registers import access, imports, rows
from tests import database as databases
from tests.benchmarks.bench_search import FAMILIES, GIVEN, LIMIT, median

CUSTOMERS = Path(__file__).parents[2] / "processes" / "customers"
BENCH = Program("bench")
#: Records stored, and rows of a file taken, by one transaction.
TOGETHER, AT_ONCE = 5_000, 50
WORDS = {
    "a family name": "王",
    "a name": "王建",
    "a digit": "7",
    "a telephone": "13900123456",
    "its last four": "3456",
    "with its country": "+86 139 0012 3456",
    "a number": "KH100456",
    "a street": "示例路9",
    "a name and digits": "王 2345",
    "nothing": "不存在",
}


def main() -> None:
    """Fill a register of each kind of database, ask, take rows, and print what it took."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=200_000)
    arguments.add_argument("--rows", type=int, default=2_000)
    arguments.add_argument("--quick", action="store_true", help="a tenth of both")
    options = arguments.parse_args()
    part = 10 if options.quick else 1
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'casepath.db'}"
        databases.create_tables(url)
        for address in (url, databases.PostgresServer().create("casepath_records")):
            pool = database.connect(address)
            fill(pool, options.records // part)
            print(f"{pool.dialect.name}: {options.records // part:,} records", flush=True)
            for what, text in WORDS.items():
                took = searched(pool, text)
                print(f"  {what:<20} {took:9.1f}", flush=True)
                slowest = max(slowest, took)
            take(pool, options.records, options.rows // part)
            pool.dispose()
    print(f"slowest {slowest:.0f} ms, at most {LIMIT:.0f} is wanted")
    sys.exit(slowest > LIMIT)


def values_of(number: int) -> dict[str, str]:
    """Return what is said of a customer."""
    name = FAMILIES[number * 13 % 20] + GIVEN[number % 23] + GIVEN[number * 7 % 24]
    return {
        "customer_name": name, "customer_kind": "private", "customer_phone": f"139{number:08}",
        "contact_hours": "工作日18:00以后", "customer_address": f"上海市浦东新区示例路{number % 9973}弄",
    }  # fmt: skip


def fill(pool: sqlalchemy.Engine, many: int) -> None:
    """Store so many customers, and have the database know how many there are."""
    sessions = database.sessions(pool)
    with sessions.begin() as session:
        deployments.deploy(session, deployments.read_folder(CUSTOMERS), name="benchmark", by=BENCH)
    for start in range(0, many, TOGETHER):
        with sessions.begin() as session:
            held = [values_of(number) for number in range(start, min(start + TOGETHER, many))]
            register = customers(session)
            rows.add(session, register, dict(zip(rows.keys(session, register, held), held, strict=True)), by="bench")
    with pool.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if pool.dialect.name == "postgresql" else "PRAGMA optimize")


def customers(session: Session) -> Register:
    """Return the register that is searched."""
    return access.register(session, "customer", by=BENCH)


def searched(pool: sqlalchemy.Engine, text: str) -> float:
    """Return what a search takes, in milliseconds."""
    sessions = database.sessions(pool)

    def ask() -> object:
        with sessions.begin() as session:
            return lists.page(session, customers(session), Filters(text=text), limit=20)

    return median(ask)


def take(pool: sqlalchemy.Engine, known: int, many: int) -> None:
    """Take rows as those of a file, and print what a thousand cost."""
    sessions = database.sessions(pool)
    found = [imports.Row(line=line, submitted=values_of(known + line)) for line in range(many)]
    longest, begun, used = 0.0, time.perf_counter(), time.process_time()
    for start in range(0, many, AT_ONCE):
        began = time.perf_counter()
        with sessions.begin() as session:
            assert not imports.take(session, "customer", found[start : start + AT_ONCE], by=BENCH).refused
        longest = max(longest, time.perf_counter() - began)
    busy, passed = (time.process_time() - used) / many, (time.perf_counter() - begun) / many
    print(f"  1,000 rows: {busy * 1_000:.2f} s of the processor, {passed * 1_000:.2f} s on the clock")
    print(f"  longest step {longest:.2f} s")


if __name__ == "__main__":
    main()
