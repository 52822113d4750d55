"""
Play random models on the engine and on the reference, and count the differences.

    python -m tests.token_game --models 10000 [--seed 0] [--jobs 2] [--world tests.world:World] [--restart 0.1]
    python -m tests.token_game --show 4711      the diagram of one model
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.token_game.models import generate
from tests.token_game.tournament import play_in_processes, summary
from tests.token_game.writer import Spelling, write


def main() -> int:
    """Run the command; 1 when anything was different."""
    parser = argparse.ArgumentParser(prog="python -m tests.token_game", description=(__doc__ or "").split("\n")[1])
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first model")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--world", default="tests.world:World", help="module:Class of what is compared")
    parser.add_argument("--restart", type=float, default=0.1, help="how probable a restart is after an action")
    parser.add_argument("--show", type=int, metavar="SEED", help="print the diagram of a model and stop")
    options = parser.parse_args()
    if options.show is not None:
        print(write(generate(options.show).processes, Spelling.random(random.Random(options.show))).decode())
        return 0
    begun, results = time.monotonic(), []
    seeds = list(range(options.seed, options.seed + options.models))
    for result in play_in_processes(seeds, options.world, restart=options.restart, jobs=options.jobs):
        results.append(result)
        if result.verdict in ("different", "unsound"):
            print(result, flush=True)
        if len(results) % 500 == 0:
            print(f"{len(results)} models, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    print(summary(results))
    return int(any(result.verdict in ("different", "unsound") for result in results))


if __name__ == "__main__":
    sys.exit(main())
