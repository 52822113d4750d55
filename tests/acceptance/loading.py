"""
Clients that send slowly, half, too much and nonsense, beside people who work, who must not notice.

    python -m tests.acceptance.loading --idle 2000 --seconds 60 [--postgresql]

A real server listens on 127.0.0.1. Nobody who works is refused, and of 100 of their requests 99 are answered within a
second; neither memory nor disk of the server grows. Those who attack are as many as `--idle` and `attacking` say, and
end with the time. How long the same takes without them is told as well, as it is for a busy machine.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from casepath.engine import database, deployments
from casepath.engine.people import identity
from tests import database as databases
from tests.acceptance.attacking import attack_from_outside
from tests.acting import PROGRAM
from tests.servers import PASSWORD, Browser, serving

REQUEST = Path(__file__).resolve().parents[1] / "web" / "request"
PEOPLE = 10
#: Seconds between two requests of one person, who reads and types meanwhile.
PAUSE = 1.0
#: A photo as a telephone makes it small.
PHOTO = b"\xff\xd8\xff\xe0" + bytes(100_000)
#: What may have come to the server's memory and to the disk at the end, in bytes, beside what people have made.
MEMORY, DISK = 250_000_000, 700_000_000
#: Seconds within which 99 of 100 requests are answered.
WITHIN = 1.0


# -- those who work ----------------------------------------------------------------------------------------------------


@dataclass
class Told:
    """What those who work have seen."""

    took: list[float] = field(default_factory=list)
    #: What was answered other than with success.
    refused: list[str] = field(default_factory=list)

    def percentile(self, percent: int) -> float:
        """Within how many seconds so many of 100 requests were answered."""
        return sorted(self.took)[min(len(self.took) * percent // 100, len(self.took) - 1)]

    def __str__(self) -> str:
        p50, p99 = (self.percentile(percent) * 1000 for percent in (50, 99))
        return f"{len(self.took)} requests, p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {max(self.took) * 1000:.0f} ms"


def work(address: str, username: str, until: float, told: Told) -> None:
    """Do what somebody does: log in, look into the inbox, register, open a task, add a photo, complete it."""
    browser = Browser(address)

    def send(path: str, **sent: object) -> str:
        begun = time.monotonic()
        page = browser.send(path, **sent)  # type: ignore[arg-type]
        told.took.append(time.monotonic() - begun)
        time.sleep(PAUSE)
        return page

    try:
        # A log-in hashes a password, which takes long on purpose.
        browser.log_in(username)
        for _ in itertools.takewhile(lambda done: not done or time.monotonic() < until, itertools.count()):
            send("/tasks/")
            matter = send("/register/request", customer_name="王建国", channel="phone", demands="media")
            task = re.findall(r'href="(/tasks/\d+)"', matter)[0]
            send(task)
            send(f"{task}/attach", file=("matter.files", PHOTO))
            send(f"{task}/complete", result="已联系", solved="yes")
    except (OSError, IndexError) as error:
        told.refused.append(f"{username}: {error!r}")


def begin_work(address: str, people: int, seconds: float, told: Told) -> list[threading.Thread]:
    """Have so many people work for so long."""
    until = time.monotonic() + seconds
    each = [threading.Thread(target=work, args=(address, f"user{number}", until, told)) for number in range(people)]
    for thread in each:
        thread.start()
    return each


# -- both --------------------------------------------------------------------------------------------------------------


def install(url: str) -> None:
    """Make an installation with a process, and people who register and contact customers."""
    pool = database.connect(url)
    database.upgrade(pool)
    with database.sessions(pool).begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        for key in ("service", "directors"):
            identity.add_group(session, key, name=key.title(), by=PROGRAM)
        for number in range(PEOPLE):
            identity.create_user(session, f"user{number}", name="U", groups=["service"], password=PASSWORD, by=PROGRAM)
        deployments.deploy(session, deployments.read_folder(REQUEST), name="request", by=PROGRAM)
    pool.dispose()


def memory(pid: int) -> int:
    """Return how many bytes a process has in memory."""
    status = Path(f"/proc/{pid}/statm").read_text(encoding="ascii")
    return int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def on_disk(pid: int) -> int:
    """Return how many bytes the open files of a process have that no folder shows any more."""
    total = 0
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(each.readlink()).endswith(" (deleted)"):
                total += each.stat().st_size
    return total


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a run."""

    told: Told
    #: The same people, a while before.
    alone: Told
    #: How much more the server had at its highest, in bytes.
    memory: int
    disk: int
    #: What is left in the folder for temporary files.
    left: list[str]

    def problems(self) -> list[str]:
        """Return all that must not be."""
        found = self.alone.refused + self.told.refused
        # A machine that is busy already takes longer whoever is there.
        if self.told.percentile(99) >= max(WITHIN, 2 * self.alone.percentile(99)):
            found.append(f"99 of 100 requests took up to {self.told.percentile(99):.2f} s")
        if self.memory > MEMORY:
            found.append(f"the server took {self.memory / 1e6:.0f} MB more of memory")
        if self.disk > DISK:
            found.append(f"the server had {self.disk / 1e6:.0f} MB in temporary files")
        return [*found, *(f"left behind: {name}" for name in self.left)]

    def __str__(self) -> str:
        return (f"alone: {self.alone}\nbeside attackers: {self.told}\n"
                f"memory +{self.memory / 1e6:.0f} MB, temporary files {self.disk / 1e6:.0f} MB")  # fmt: skip


def load(url: str, folder: Path, *, idle: int, seconds: float, people: int = PEOPLE, share: float = 1.0) -> Outcome:
    """Have people, `PEOPLE` at most, work and others attack for so long."""
    install(url)
    temporary = folder / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "CASEPATH_DATA_FOLDER": str(folder / "data"),
                   "CASEPATH_DATABASE_URL": url, "TMPDIR": str(temporary)}  # fmt: skip
    told, alone, highest, disk = Told(), Told(), 0, 0
    with serving(environment) as (address, server):
        for each in begin_work(address, people, seconds / 3, alone):
            each.join()
        before = memory(server.pid)
        attackers = multiprocessing.get_context("spawn").Process(
            target=attack_from_outside, args=(address, idle, share, seconds + 5), daemon=True
        )
        attackers.start()
        workers = begin_work(address, people, seconds, told)
        while any(each.is_alive() for each in workers):
            highest, disk = max(highest, memory(server.pid)), max(disk, on_disk(server.pid))
            time.sleep(0.5)
        attackers.terminate()
        attackers.join()
        left = [each.name for each in temporary.iterdir()]
    return Outcome(told=told, alone=alone, memory=highest - before, disk=disk, left=left)


def main() -> None:
    """Run it with the numbers of the command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    options.add_argument("--idle", type=int, default=2000)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--postgresql", action="store_true")
    chosen = options.parse_args()
    postgres = databases.PostgresServer() if chosen.postgresql else None
    folder = Path(tempfile.mkdtemp())
    try:
        url = postgres.create("loading", template="template0") if postgres else f"sqlite:///{folder / 'casepath.db'}"
        outcome = load(url, folder, idle=chosen.idle, seconds=chosen.seconds)
    finally:
        shutil.rmtree(folder)
        if postgres:
            postgres.stop()
    print(outcome)
    problems = outcome.problems()
    for problem in problems:
        print(f"  {problem}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
