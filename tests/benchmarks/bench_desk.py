"""
What a person at a desk of the dealership waits for: the calls of the day, and customers taken from a workbook.

    python -m tests.benchmarks.bench_desk [--calls N] [--rows N] [--quick]

Runs on SQLite and PostgreSQL, through the pages. The worklist has so many calls that are due: its first page, and from
one call, completed, to the next, which is one click. The workbook (XLSX) has a customer in each row; two of them do not
fit. Prints what each takes on the clock and of this process's processor, which is all of it on SQLite and tells more
where the machine does other things too; ends with an error where the processor alone takes longer than the limit.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import openpyxl
import sqlalchemy
from lxml import html
from pydantic import SecretStr

from casepath import commands, demo, stories
from casepath.engine import database
from casepath.engine.database.models import Record
from casepath.engine.instances import messages
from casepath.engine.registers import files, records
from casepath.engine.time import clock
from casepath.settings import Settings
from casepath.workers import Surroundings
from casepath.workers.channels import BREATH
from casepath.workers.loop import Loop
from tests import database as databases
from tests.acting import PROGRAM
from tests.applications import make_app
from tests.benchmarks.bench_records import values_of
from tests.web.visitor import Visitor, text

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
#: Seconds: of the first page, and of the workbook for fifty thousand rows.
SHOWN, TAKEN = 0.2, 60.0
ROUNDS = 11
#: Numbers of those who are called: none of them is in the workbook.
ABOVE = 10_000_000

#: Seconds on the clock, and of the processor.
Took = tuple[float, float]
REACHED = {"call_way": "phone", "call_outcome": "reached", "satisfied": "yes", "score_attitude": "5",
           "discussed": "保养", "agreed": "下次再约"}  # fmt: skip


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--calls", type=int, default=500)
    arguments.add_argument("--rows", type=int, default=50_000)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the rows")
    options = arguments.parse_args()
    rows = options.rows // 10 if options.quick else options.rows
    is_slow = False
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'casepath.db'}"
        databases.create_tables(url)
        for address in (url, databases.PostgresServer().create("casepath_desk")):
            app = make_app(Settings(data_folder=Path(folder), database_url=address, secret_key=SecretStr("secret")))
            pool = app.extensions["database"]
            begin(pool, options.calls)
            shown, on = worklist(Visitor(app.test_client(), "caller_liu"))
            taken = workbook(pool, Visitor(app.test_client(), "administrator_xu"), rows, options.calls)
            print(f"{pool.dialect.name}: {options.calls} calls {said(shown)}, to the next {said(on)}")
            print(f"  {rows:,} rows {said(taken)}", flush=True)
            is_slow |= shown[1] > SHOWN or taken[1] > TAKEN * rows / 50_000
            pool.dispose()
    sys.exit(is_slow)


def begin(pool: sqlalchemy.Engine, many: int) -> None:
    """Put the dealership there, with its people, and have so many calls wait for a caller, due within the hour."""
    sessions = database.sessions(pool)
    with sessions.begin() as session:
        demo.add_people(session, PROCESSES)
    with contextlib.redirect_stdout(io.StringIO()):
        assert commands.deploy_folders(pool, stories.folders(PROCESSES), PROGRAM)
    about = clock.now() - timedelta(days=1)
    with sessions.begin() as session:
        for number in range(many):
            customer = records.create(
                session, "customer", {**values_of(ABOVE + number), "consents_to_calls": True}, by=PROGRAM
            ).key
            called = {
                "call_purpose": "service_3", "call_group": "follow_up_caller", "call_about": about,
                "call_due": clock.now() + timedelta(hours=1), "customer": customer, "vehicle": None,
                "repair_order": None, "caller": None,
            }  # fmt: skip
            messages.correlate(session, "follow_up_call", variables=called, by=PROGRAM)
    Loop(Surroundings(sessions=sessions)).rest()


def worklist(caller: Visitor) -> tuple[Took, Took]:
    """Return what the first page takes, and what it takes from a completed call to the page of the next one."""
    address, shown, on = "/worklists/follow_up_call", list[Took](), list[Took]()
    for _ in range(ROUNDS):
        begun = now()
        page = text(caller.get(address))
        shown.append(since(begun))
        task = html.fromstring(page).xpath("string((//table//a[@class='title']/@href)[1])")
        begun = now()
        answer = caller.post(f"{task.partition('?')[0]}/complete", {**REACHED, "page.worklist": "follow_up_call"})
        assert answer.status_code == 303, text(answer)
        caller.get(answer.headers["Location"])
        on.append(since(begun))
    return median(shown), median(on)


def now() -> Took:
    """The clock and the processor."""
    return time.perf_counter(), time.process_time()


def since(begun: Took) -> Took:
    """Return how many seconds have passed on both."""
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def median(of: Sequence[Took]) -> Took:
    """Return the medians of both."""
    return statistics.median(each[0] for each in of), statistics.median(each[1] for each in of)


def said(took: Took) -> str:
    """Return both as people read them."""
    return f"{took[0] * 1000:,.0f} ms ({took[1] * 1000:,.0f} of the processor)"


def workbook(pool: sqlalchemy.Engine, visitor: Visitor, many: int, calls: int) -> Took:
    """Take a workbook of customers beside those who are called, and return what it takes."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["客户姓名/单位", "客户类别", "联系电话"])
    for number in range(many):
        held = values_of(number)
        sheet.append([held["customer_name"], "私家", held["customer_phone"] if number not in (7, 70) else "x"])
    content = io.BytesIO()
    book.save(content)
    content.seek(0)
    sessions = database.sessions(pool)
    begun = now()
    answer = visitor.post("/registers/customer/import", {"file": (content, "customers.xlsx")})
    sent = since(begun)
    assert answer.status_code == 303, text(answer)[:2000]
    taker, longest = files.Taker(sessions, database.sessions(pool, read_only=True)), 0.0
    while (step := time.perf_counter()) and taker.step():
        longest = max(longest, time.perf_counter() - step)
        time.sleep(BREATH)
    took = since(begun)
    print(f"  sent {said(sent)}, longest step {longest * 1000:,.0f} ms, reading the file among them")
    with sessions.begin() as session:
        counted = sqlalchemy.select(sqlalchemy.func.count()).where(Record.register == "customer")
        there = session.scalar(counted)
    assert there == many - 2 + calls, there
    return took


if __name__ == "__main__":
    main()
