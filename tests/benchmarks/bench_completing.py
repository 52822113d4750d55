"""
What completing a user task costs the processor, also by turns with another checkout, such as that of an older version.

    python -m tests.benchmarks.bench_completing [--quick] [--against PATH]

A user task stands before a gateway that leads to another one, on a file of SQLite as an installation has it. Each
checkout plays in a process of its own, with its own `tests.world`; the two take turns of 25 completions, and what is
compared are the medians of turns, so that whatever else the machine does disturbs both alike.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
#: Completions of one turn, turns of each checkout, and completions before the first one.
TURN, TURNS, WARM_UP = 25, 60, 100

#: Seconds of the processor: of the call alone, and of the whole transaction.
Cost = tuple[float, float]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_completing")
    parser.add_argument("--quick", action="store_true", help="a tenth of the turns")
    parser.add_argument("--against", type=Path, metavar="PATH", help="another checkout")
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        play()
        return
    checkouts = [ROOT] if options.against is None else [options.against.resolve(), ROOT]
    turns = by_turns(checkouts, TURNS // 10 if options.quick else TURNS)
    print(f"| {'what':<21} | {' | '.join(f'{checkout.name:>12}' for checkout in checkouts)} |")
    for index, what in enumerate(("the call alone", "the whole transaction")):
        medians = [statistics.median(turn[index] for turn in costs) for costs in turns]
        found = [f"{median * 1000:.2f} ms" for median in medians]
        if len(medians) > 1:
            found[-1] += f", {medians[-1] / medians[0]:.2f} ×"
        print(f"| {what:<21} | {' | '.join(f'{text:>12}' for text in found)} |")


def by_turns(checkouts: Sequence[Path], times: int) -> list[list[Cost]]:
    """Return for each checkout the medians of its turns."""
    with ExitStack() as stack:
        players = [stack.enter_context(_player(checkout)) for checkout in checkouts]
        for player in players:
            _turn(player, WARM_UP)
        found: list[list[Cost]] = [[] for _ in players]
        for _ in range(times):
            for player, costs in zip(players, found, strict=True):
                costs.append(_turn(player, TURN))
        return found


@contextmanager
def _player(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    own = checkout / ".venv" / "bin" / "python"
    command = [str(own if own.exists() else sys.executable), str(Path(__file__).resolve()), "--play"]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    with subprocess.Popen(
        command, cwd=checkout, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as player:
        yield player
        assert player.stdin is not None
        player.stdin.close()


def _turn(player: subprocess.Popen[str], times: int) -> Cost:
    assert player.stdin is not None
    assert player.stdout is not None
    player.stdin.write(f"{times}\n")
    player.stdin.flush()
    call, whole = json.loads(player.stdout.readline())
    return call, whole


def play() -> None:
    """Complete as often as each line of the input says, and write the medians of what that took."""
    # Of the checkout that plays, which may be older than this file: nothing but what has always been there.
    from tests import world as worlds
    from tests.diagrams import nodes, process

    diagram = process(
        nodes("startEvent S; userTask A B C; exclusiveGateway G"),
        flow="S > A; A > G; G > B [${again}]; G > C [${again == false}]",
    )
    complete = vars(worlds)["user_tasks"].complete
    with tempfile.TemporaryDirectory(prefix="casepath-bench-") as folder:
        world = worlds.World(f"sqlite:///{folder}/casepath.db")
        world.deploy([("p.bpmn", diagram)])
        for line in sys.stdin:
            calls, wholes = [], []
            for _ in range(int(line)):
                ((task_id, _element, _name),) = world.open_tasks(world.start("p", {"again": False}, "key"))
                begun = time.process_time()
                with world.sessions.begin() as session:
                    called = time.process_time()
                    complete(session, task_id, {"again": True}, by=worlds.ACTOR)
                    calls.append(time.process_time() - called)
                wholes.append(time.process_time() - begun)
            print(json.dumps([statistics.median(calls), statistics.median(wholes)]), flush=True)
        world.close()


if __name__ == "__main__":
    main()
