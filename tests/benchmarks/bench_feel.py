"""
What FEEL costs, side by side in one run: ours, SpiffWorkflow's evaluation of the same in Python, simpleeval, feelin.

    python -m tests.benchmarks.bench_feel [--feelin FOLDER]

A decision table of 10 rules and 4 inputs, one unary test, one expression. Ours evaluates with decimals, limits, and the
record of matched rows that the history needs. `FOLDER` is one where `npm install feelin` was run; without it, feelin is
left out. It runs in Node.js with the same texts, which it parses anew each time: it has no compiled form.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import simpleeval
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine

from casepath.engine.decisions import dmn
from casepath.engine.decisions.feel import compile_feel, compile_unary_tests
from tests.unit.dmn_files import decision, definitions, input_data, table

LIMIT = 200.0
RUNS, ROUNDS = 50, 60
Contestants = dict[str, Callable[[], object]]

INPUTS = ["kind: string", "amount: number", "safe: boolean", "days: number"]
#: Cells in FEEL, and the same in Python.
ROWS: list[tuple[list[str], list[str]]] = [
    (
        [kinds, f"[{number * 10}..{number * 10 + 9}]", safe, f">= {number}"],
        [python, f"{number * 10} <= amount <= {number * 10 + 9}", safe_python, f"days >= {number}"],
    )
    for number, (kinds, python, safe, safe_python) in enumerate(
        [
            ('"a", "b"', "kind == 'a' or kind == 'b'", "true", "safe"),
            ('"c"', "kind == 'c'", "false", "not safe"),
            ('not("a")', "kind != 'a'", "-", "True"),
            ("-", "True", "true", "safe"),
            ('"d"', "kind == 'd'", "-", "True"),
        ]
        * 2
    )
]
VALUES: dict[str, Any] = {"kind": "d", "amount": 95, "safe": True, "days": 20}
#: What feelin runs in Node.js: the name, the texts, and in microseconds the best of many short runs.
FEELIN = """
const { evaluate, unaryTest } = require(process.argv[1] + '/node_modules/feelin');
const { rows, values, test, expression } = JSON.parse(process.argv[2]);
const names = ['kind', 'amount', 'safe', 'days'];
const truth = result => result && typeof result === 'object' && 'value' in result ? result.value : result;
const decide = () => rows.findIndex(cells => cells.every((cell, index) =>
  cell === '-' || truth(unaryTest(cell, { ...values, '?': values[names[index]] })) === true));
const measure = run => {
  let best = Infinity;
  for (let round = 0; round < 60; round++) {
    const start = process.hrtime.bigint();
    for (let index = 0; index < 20; index++) run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 20 / 1000);
  }
  return best;
};
if (decide() !== 9) throw new Error('Expected row 10, but found row ' + (decide() + 1));
console.log(JSON.stringify([
  measure(decide),
  measure(() => unaryTest(test, { '?': 5 })),
  measure(() => evaluate(expression, values)),
]));
"""
TEST, TEST_PYTHON = "[1..10], > 100", "1 <= value <= 10 or value > 100"
EXPRESSION = 'amount * 1.1 + days > 100 and kind = "d"'
EXPRESSION_PYTHON = "amount * 1.1 + days > 100 and kind == 'd'"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_feel")
    parser.add_argument("--feelin", type=Path, default=Path(), help="folder with node_modules/feelin")
    parser.add_argument("--quick", action="store_true", help="the same: it takes only seconds")
    folder: Path = parser.parse_args().feelin.resolve()
    measured = [_measure(contestants) for contestants in (_table(), _test(), _expression())]
    feelin = _feelin(folder)
    print("| what | ours, µs | SpiffWorkflow, µs | simpleeval, µs | feelin, µs |")
    print("|---|---|---|---|---|")
    for place, what in enumerate(("table of 10 rules × 4 inputs", f"test `{TEST}`", f"expression `{EXPRESSION}`")):
        ours, spiff, simple = measured[place]
        other = "not installed" if feelin is None else f"{feelin[place]:.1f}"
        print(f"| {what} | {ours:.1f} | {spiff:.1f} | {simple:.1f} | {other} |")
    print(f"\nThe table costs {measured[0][0]:.0f} µs; the aim is at most {LIMIT:.0f}.")


def _table() -> Contestants:
    rows = [f"{' | '.join(cells)} | {number}" for number, (cells, _) in enumerate(ROWS, 1)]
    elements = [input_data(*column.split(": ")) for column in INPUTS]
    logic = table(INPUTS, ["row"], *rows, policy="FIRST")
    requires = [f"input:{column.partition(':')[0]}" for column in INPUTS]
    model = dmn.parse(definitions(*elements, decision("Row", logic, *requires)), "table.dmn")
    spiff = PythonScriptEngine().environment
    simple = simpleeval.SimpleEval(names=VALUES)
    parsed = [[(cell, simple.parse(cell)) for cell in cells] for _, cells in ROWS]

    def by_spiff() -> int:
        return next(
            place for place, (_, cells) in enumerate(ROWS, 1) if all(spiff.evaluate(cell, VALUES) for cell in cells)
        )

    def by_simpleeval() -> int:
        return next(
            place
            for place, cells in enumerate(parsed, 1)
            if all(simple.eval(cell, previously_parsed=tree) for cell, tree in cells)
        )

    return {"ours": lambda: model.evaluate("Row", VALUES).value, "spiff": by_spiff, "simpleeval": by_simpleeval}


def _test() -> Contestants:
    tests = compile_unary_tests(TEST)
    return {"ours": lambda: tests.matches(5, {}), **_python(TEST_PYTHON, {"value": 5})}


def _expression() -> Contestants:
    expression = compile_feel(EXPRESSION)
    return {"ours": lambda: expression.evaluate(VALUES), **_python(EXPRESSION_PYTHON, VALUES)}


def _python(text: str, names: dict[str, Any]) -> Contestants:
    spiff = PythonScriptEngine().environment
    simple = simpleeval.SimpleEval(names=names)
    parsed = simple.parse(text)
    return {
        "spiff": lambda: spiff.evaluate(text, names),
        "simpleeval": lambda: simple.eval(text, previously_parsed=parsed),
    }


def _measure(contestants: Contestants) -> list[float]:
    """Return the microseconds of each, taken in turns, so that other work on the machine disturbs all alike."""
    results = {contestant() for contestant in contestants.values()}
    if len(results) != 1:
        raise RuntimeError(f"Expected the same result of all, but found {results}")
    timers = [timeit.Timer(contestant) for contestant in contestants.values()]
    best = [float("inf")] * len(timers)
    for _ in range(ROUNDS):
        for place, timer in enumerate(timers):
            best[place] = min(best[place], timer.timeit(RUNS) / RUNS * 1e6)
    return best


def _feelin(folder: Path) -> list[float] | None:
    """Return the microseconds of feelin, None where it or Node.js is not there."""
    node = shutil.which("node")
    if node is None or not (folder / "node_modules" / "feelin").is_dir():
        return None
    given = {"rows": [cells for cells, _ in ROWS], "values": VALUES, "test": TEST, "expression": EXPRESSION}
    command = [node, "-e", FEELIN, str(folder), json.dumps(given)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    figures: list[float] = json.loads(output)
    return figures


if __name__ == "__main__":
    main()
