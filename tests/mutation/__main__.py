"""`python3 dev.py mutate`: change rules, run their tests, print what survives."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.mutation.accepted import ACCEPTED
from tests.mutation.changing import Mutant, mutants
from tests.mutation.rules import GROUPS, TESTS
from tests.mutation.touching import DURATIONS, measured, touching

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(__file__).resolve().parent / "site"
#: Seconds that tests may take at least, and how many times as long as without a change; then they hang.
LEAST_PATIENCE, PATIENCE = 30, 5
#: Test runs that have not ended.
RUNNING: set[subprocess.Popen[str]] = set()

#: What becomes of a change when the tests run; one that survives may be accepted.
Fate = Literal["fails", "hangs", "accepted", "survives"]


@dataclass(frozen=True, kw_only=True)
class Touched:
    """What was learnt of a module without a change."""

    #: The tests that touch a line; None for all.
    lines: dict[int, list[str] | None]
    #: How long the tests of a change may take, in seconds.
    patience: float


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="dev.py mutate", description="Change rules and see what no test notices.")
    parser.add_argument(
        "parts", nargs="*", metavar="module", help="groups such as 'timers', or parts of paths; all without"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="only N changes, drawn at random, of each group alike")
    parser.add_argument("--seed", type=int, default=0, help="another number draws other ones")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="tests at the same time")
    options = parser.parse_args()
    chosen = [
        [
            module
            for module in modules
            if not options.parts or any(part in f"{group} {module}" for part in options.parts)
        ]
        for group, modules in GROUPS.items()
    ]
    if not any(chosen):
        parser.error(f"expected {', '.join(GROUPS)}, or parts of {', '.join(TESTS)}")
    sys.exit(run(draw(chosen, options.sample, random.Random(options.seed)), options.jobs))


def draw(groups: list[list[str]], sample: int | None, by: random.Random) -> list[Mutant]:
    """Return the mutants of these modules, or a sample of them: as many of each group, as far as it has them."""
    possible = [[mutant for module in modules for mutant in mutants(ROOT, module)] for modules in groups]
    if sample is not None:
        for group in possible:
            by.shuffle(group)
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(*possible))
    return list(itertools.islice((mutant for mutant in in_turn if mutant is not None and mutant.is_python), sample))


def run(drawn: list[Mutant], jobs: int) -> int:
    """Try these mutants; return 1 where tests fail without any change."""
    with tempfile.TemporaryDirectory(prefix="casepath-mutants-") as folder, ThreadPoolExecutor(jobs) as pool:
        try:
            touched: dict[str, Touched] = {}
            needed = sorted({TESTS[mutant.module] for mutant in drawn})
            for tests, failure in zip(needed, pool.map(lambda tests: learn(tests, folder, touched), needed),
                                      strict=True):  # fmt: skip
                if failure:
                    print(f"Tests of {', '.join(tests)} fail without a change:\n{failure}")
                    return 1
            print(f"{len(drawn)} changes", flush=True)
            fates = list(pool.map(lambda mutant: fate(mutant, folder, touched[mutant.module]), drawn))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop(*RUNNING)
            raise
    print("\n")
    for group, modules in GROUPS.items():
        tell(group, [became for mutant, became in zip(drawn, fates, strict=True) if mutant.module in modules])
    tell("together", fates)
    return 0


def tell(what: str, fates: list[Fate]) -> None:
    """Print how many of some changes were noticed."""
    if fates:
        count = Counter(fates)
        noticed = count["fails"] + count["hangs"]
        print(f"{what}: {noticed} of {len(fates)} changes noticed ({noticed / len(fates):.1%}, {count['hangs']} as the "
              f"tests took too long), {count['accepted']} accepted, {count['survives']} unnoticed")  # fmt: skip


def learn(tests: tuple[str, ...], folder: str, touched: dict[str, Touched]) -> str:
    """Run tests without a change, and note which of them touch which line; return what they say where one fails."""
    place = Path(tempfile.mkdtemp(dir=folder))
    modules = [module for module, its in TESTS.items() if its == tests]
    command = measured([ROOT / module for module in modules], place / "lines")
    more = {DURATIONS: str(place / "durations")}
    started = time.monotonic()
    failure = ran(command, (*tests, "-p", "tests.mutation.touching"), folder, more, None)
    patience = max(LEAST_PATIENCE, PATIENCE * (time.monotonic() - started))
    if not failure:
        for module in modules:
            lines = touching(ROOT / module, place / "lines", place / "durations")
            touched[module] = Touched(lines=lines, patience=patience)
    return failure


def fate(mutant: Mutant, folder: str, touched: Touched) -> Fate:
    """Run the tests that touch a mutant; print it where none fails, with the reason where that is known, else a dot."""
    tests = touched.lines.get(mutant.line)
    try:
        chosen = TESTS[mutant.module] if tests is None else tuple(tests)
        failure = run_tests(chosen, mutant.module, mutant.code, folder, touched.patience) if chosen else ""
    except subprocess.TimeoutExpired:
        failure = None
    reason = ACCEPTED.get(mutant.module, {}).get((mutant.before, mutant.after))
    found: Fate = "fails" if failure else "hangs"
    told = "."
    if failure == "":
        told, found = f"\n{mutant}", "survives"
        if reason:
            told, found = f"{told}\n    accepted, because {reason}", "accepted"
    print(told, end="", flush=True)
    return found


def run_tests(tests: tuple[str, ...], module: str, code: str, folder: str, patience: float | None) -> str:
    """
    Run tests with this code in the place of a module; return what they say where one fails, else nothing.

    Raises `subprocess.TimeoutExpired` where they take more than `patience` seconds.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".py", dir=folder, encoding="utf-8") as file:
        file.write(code)
        file.flush()
        path = os.pathsep.join([str(SITE), *filter(None, [os.environ.get("PYTHONPATH")])])
        changed = {"MUTANT_MODULE": f"{ROOT / module}{os.pathsep}{file.name}", "PYTHONPATH": path}
        return ran([sys.executable], tests, folder, changed, patience)


def ran(python: list[str], tests: tuple[str, ...], folder: str, more: dict[str, str], patience: float | None) -> str:
    """Run tests with more variables in the environment; returns and raises as `run_tests` does."""
    command = [*python, "-m", "pytest", *tests, "-qx", "-n0", "-p", "no:cacheprovider",
               "-m", "not browser and not postgresql", "--hypothesis-seed=0", "--tb=short"]  # fmt: skip
    # What fails here is not to be tried again in other runs.
    environment = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": folder, **more}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        RUNNING.add(process)
        try:
            said, _ = process.communicate(timeout=patience)
        finally:
            stop(process)
            RUNNING.discard(process)
    return said[-3000:] if process.returncode else ""


def stop(*processes: subprocess.Popen[str]) -> None:
    """End test runs with all that they started."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
