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

from tests.mutation.changing import Mutant, mutants
from tests.mutation.rules import TESTS
from tests.mutation.touching import DURATIONS, measured, touching

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(__file__).resolve().parent / "site"
#: Seconds that tests may take at least, and how many times as long as without a change; then they hang.
LEAST_PATIENCE, PATIENCE = 30, 5
#: Test runs that have not ended.
RUNNING: set[subprocess.Popen[str]] = set()

#: What becomes of a change when the tests run.
Fate = Literal["fails", "hangs", "survives"]


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
    parser.add_argument("modules", nargs="*", metavar="module", help="parts of paths, such as 'clock'; all without")
    parser.add_argument("--sample", type=int, metavar="N", help="only N changes, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="another number draws other ones")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="tests at the same time")
    options = parser.parse_args()
    chosen = [name for name in TESTS if not options.modules or any(part in name for part in options.modules)]
    if not chosen:
        parser.error(f"expected parts of {', '.join(TESTS)}")
    sys.exit(run(chosen, options.sample, options.seed, options.jobs))


def run(modules: list[str], sample: int | None, seed: int, jobs: int) -> int:
    """Try the mutants of these modules; return 1 where tests fail without any change."""
    possible = [mutant for module in modules for mutant in mutants(ROOT, module)]
    if sample is not None:
        random.Random(seed).shuffle(possible)
    drawn = list(itertools.islice((mutant for mutant in possible if mutant.is_python), sample))
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
            fates = Counter(pool.map(lambda mutant: fate(mutant, folder, touched[mutant.module]), drawn))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop(*RUNNING)
            raise
    noticed = len(drawn) - fates["survives"]
    print(f"\n\n{noticed} of {len(drawn)} changes were noticed ({noticed / len(drawn):.1%}), "
          f"{fates['hangs']} of them because the tests took too long.")  # fmt: skip
    return 0


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
    """Run the tests that touch a mutant; print it where none fails, else a dot."""
    tests = touched.lines.get(mutant.line)
    try:
        chosen = TESTS[mutant.module] if tests is None else tuple(tests)
        failure = run_tests(chosen, mutant.module, mutant.code, folder, touched.patience) if chosen else ""
        found: Fate = "fails" if failure else "survives"
    except subprocess.TimeoutExpired:
        found = "hangs"
    print(f"\n{mutant}" if found == "survives" else ".", end="", flush=True)
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
        changed = {"CASEPATH_MUTANT": f"{ROOT / module}{os.pathsep}{file.name}", "PYTHONPATH": path}
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
