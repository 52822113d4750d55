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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutation.changing import Mutant, mutants
from tests.mutation.rules import TESTS

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(__file__).resolve().parent / "site"
#: Seconds that tests may take at least, and how many times as long as without a change; then they hang.
LEAST_PATIENCE, PATIENCE = 30, 5


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
    names = sorted({mutant.module for mutant in drawn})
    with tempfile.TemporaryDirectory(prefix="casepath-mutants-") as folder, ThreadPoolExecutor(jobs) as pool:
        patience = {}
        for name, (seconds, fails) in zip(names, pool.map(lambda name: unchanged(name, folder), names), strict=True):
            if fails:
                print(f"The tests of {name} fail without a change:\n{fails}")
                return 1
            patience[name] = max(LEAST_PATIENCE, PATIENCE * seconds)
        print(f"{len(drawn)} changes in {len(names)} modules", flush=True)
        lived = list(pool.map(lambda mutant: survives(mutant, folder, patience[mutant.module]), drawn))
    killed = len(lived) - sum(lived)
    print(f"\n{killed} of {len(lived)} changes were noticed ({killed / len(lived):.1%}).")
    return 0


def unchanged(module: str, folder: str) -> tuple[float, str]:
    """Run the tests of a module as it is; return how long they took, in seconds, and what they say if they fail."""
    started = time.monotonic()
    said = failure(module, (ROOT / module).read_text(encoding="utf-8"), folder, 900)
    return time.monotonic() - started, said


def survives(mutant: Mutant, folder: str, patience: float) -> bool:
    """Run the tests that belong to a mutant and print it where none fails."""
    if failure(mutant.module, mutant.code, folder, patience):
        return False
    print(f"survives: {mutant}", flush=True)
    return True


def failure(module: str, code: str, folder: str, patience: float) -> str:
    """Run the tests of a module with this code in its place; return what they say where one fails, else nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".py", dir=folder, encoding="utf-8") as file:
        file.write(code)
        file.flush()
        command = [sys.executable, "-m", "pytest", *TESTS[module], "-qx", "-n0", "-p", "no:cacheprovider",
                   "-m", "not browser and not postgresql", "--hypothesis-seed=0", "--tb=short"]  # fmt: skip
        paths = [str(SITE), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {
            **os.environ,
            "CASEPATH_MUTANT": f"{ROOT / module}{os.pathsep}{file.name}",
            "PYTHONPATH": os.pathsep.join(paths),
            # What fails here is not to be tried again in other runs.
            "HYPOTHESIS_STORAGE_DIRECTORY": folder,
        }
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                said, _ = process.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                return f"They are not done after {patience:.0f} s."
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    return said[-3000:] if process.returncode else ""


if __name__ == "__main__":
    main()
