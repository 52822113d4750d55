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
from pathlib import Path
from typing import Literal

from tests.mutation.changing import Mutant, mutants
from tests.mutation.rules import TESTS

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(__file__).resolve().parent / "site"
#: Seconds that tests may take at least, and how many times as long as without a change; then they hang.
LEAST_PATIENCE, PATIENCE = 30, 5
#: Test runs that have not ended.
RUNNING: set[subprocess.Popen[str]] = set()

#: What becomes of a change when the tests run.
Fate = Literal["fails", "hangs", "survives"]


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
            patience = {}
            needed = sorted({TESTS[mutant.module] for mutant in drawn})
            for tests, (seconds, failure) in zip(needed, pool.map(lambda tests: unchanged(tests, folder), needed),
                                                 strict=True):  # fmt: skip
                if failure:
                    print(f"Tests fail without a change:\n{failure}")
                    return 1
                patience[tests] = max(LEAST_PATIENCE, PATIENCE * seconds)
            print(f"{len(drawn)} changes", flush=True)
            fates = Counter(pool.map(lambda mutant: fate(mutant, folder, patience[TESTS[mutant.module]]), drawn))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop(*RUNNING)
            raise
    noticed = len(drawn) - fates["survives"]
    print(f"\n\n{noticed} of {len(drawn)} changes were noticed ({noticed / len(drawn):.1%}), "
          f"{fates['hangs']} of them because the tests took too long.")  # fmt: skip
    return 0


def unchanged(tests: tuple[str, ...], folder: str) -> tuple[float, str]:
    """Run tests without a change; return how long they took, in seconds, and what they say where one fails."""
    started = time.monotonic()
    failure = run_tests(tests, "", "", folder, None)
    return time.monotonic() - started, failure


def fate(mutant: Mutant, folder: str, patience: float) -> Fate:
    """Run the tests that belong to a mutant; print it where none fails, else a dot."""
    try:
        failure = run_tests(TESTS[mutant.module], mutant.module, mutant.code, folder, patience)
        found: Fate = "fails" if failure else "survives"
    except subprocess.TimeoutExpired:
        found = "hangs"
    print(f"\n{mutant}" if found == "survives" else ".", end="", flush=True)
    return found


def run_tests(tests: tuple[str, ...], module: str, code: str, folder: str, patience: float | None) -> str:
    """
    Run tests with this code in the place of a module, if any; return what they say where one fails, else nothing.

    Raises `subprocess.TimeoutExpired` where they take more than `patience` seconds.
    """
    command = [sys.executable, "-m", "pytest", *tests, "-qx", "-n0", "-p", "no:cacheprovider",
               "-m", "not browser and not postgresql", "--hypothesis-seed=0", "--tb=short"]  # fmt: skip
    # What fails here is not to be tried again in other runs.
    environment = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": folder}
    with tempfile.NamedTemporaryFile("w", suffix=".py", dir=folder, encoding="utf-8") as file:
        file.write(code)
        file.flush()
        if module:
            environment["CASEPATH_MUTANT"] = f"{ROOT / module}{os.pathsep}{file.name}"
            environment["PYTHONPATH"] = os.pathsep.join([str(SITE), *filter(None, [os.environ.get("PYTHONPATH")])])
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
