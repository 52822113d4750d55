"""
What a condition costs, side by side in one run: ours, simpleeval, SpiffWorkflow's evaluation, a Python lambda.

    python -m tests.benchmarks.bench_expressions

Each figure is the best of many short runs, taken in turns, so that other work on the machine disturbs all alike. Ours
returns with the result the values that were read, which the history needs; the others give the result only.
"""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import simpleeval
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine

from casepath.engine.expressions import Environment, compile_expression

#: How many times faster than simpleeval every condition must be.
LIMIT = 3.0
RUNS, ROUNDS = 300, 200
ENVIRONMENT = Environment()
VARIABLES: dict[str, Any] = {
    "severity": "high", "amount": 1500, "vip": False, "resolved": True, "customer": {"age": 30, "name": "Li Lei"},
    "price": Decimal("19.90"),
}  # fmt: skip
#: Ours, the same in Python, and as a lambda.
CONDITIONS: list[tuple[str, str, Callable[[dict[str, Any]], object]]] = [
    ("${severity == 'high'}", "severity == 'high'", lambda v: v["severity"] == "high"),
    ("${!resolved}", "not resolved", lambda v: not v["resolved"]),
    (
        "${severity == 'high' && amount > 1000}",
        "severity == 'high' and amount > 1000",
        lambda v: v["severity"] == "high" and v["amount"] > 1000,
    ),
    (
        "${severity == 'high' && (amount > 1000 || vip) && customer.age >= 18}",
        "severity == 'high' and (amount > 1000 or vip) and customer['age'] >= 18",
        lambda v: v["severity"] == "high" and (v["amount"] > 1000 or v["vip"]) and v["customer"]["age"] >= 18,
    ),
    (
        "${amount > 1000 && resolved == true}",
        "amount > 1000 and resolved == True",
        lambda v: v["amount"] > 1000 and v["resolved"] == True,  # noqa: E712 as it would be written by hand
    ),
    ("${price * 2 > 39}", "price * 2 > 39", lambda v: v["price"] * 2 > 39),
    (
        "${amount * 2 + 1 > 3000 && !empty customer.name}",
        "amount * 2 + 1 > 3000 and customer['name'] != ''",
        lambda v: v["amount"] * 2 + 1 > 3000 and v["customer"]["name"] != "",
    ),
]


def main() -> None:
    """Measure every condition and print the table."""
    print("Nanoseconds:\n")
    print("| condition | ours | simpleeval | ratio | SpiffWorkflow | lambda |")
    print("|---|---|---|---|---|---|")
    ratios = []
    for text, python, function in CONDITIONS:
        ours, simple, spiff, bare = _measure(_contestants(text, python, function))
        ratios.append(simple / ours)
        cell = text.replace("|", "\\|")
        print(f"| `{cell}` | {ours:.0f} | {simple:.0f} | {simple / ours:.1f} | {spiff:.0f} | {bare:.0f} |")
    print(f"\nOurs is {min(ratios):.1f} to {max(ratios):.1f} times faster than simpleeval; the limit is {LIMIT}.")
    sys.exit(min(ratios) < LIMIT)


def _contestants(text: str, python: str, function: Callable[[dict[str, Any]], object]) -> list[Callable[[], object]]:
    """Return what is to be measured; all are warm."""
    expression = compile_expression(text)
    simple = simpleeval.EvalWithCompoundTypes(names=VARIABLES)
    parsed = simple.parse(python)
    spiff = PythonScriptEngine().environment
    contestants: list[Callable[[], object]] = [
        lambda: expression.condition(VARIABLES, ENVIRONMENT)[0],
        lambda: simple.eval(python, previously_parsed=parsed),
        lambda: spiff.evaluate(python, VARIABLES),
        lambda: function(VARIABLES),
    ]
    results = [contestant() for contestant in contestants]
    if len(set(results)) != 1:
        raise RuntimeError(f"Expected the same result of all for {text}, but found {results}")
    return contestants


def _measure(contestants: list[Callable[[], object]]) -> list[float]:
    """Return the nanoseconds of each, without those of calling nothing."""
    timers = [timeit.Timer(contestant) for contestant in (lambda: None, *contestants)]
    best = [float("inf")] * len(timers)
    for _ in range(ROUNDS):
        for place, timer in enumerate(timers):
            best[place] = min(best[place], timer.timeit(RUNS) / RUNS * 1e9)
    return [figure - best[0] for figure in best[1:]]


if __name__ == "__main__":
    main()
