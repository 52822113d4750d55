"""
What a condition costs, side by side in one run: ours, a Python lambda, SpiffWorkflow's evaluation, simpleeval.

    python -m tests.benchmarks.bench_expressions

Each figure is the best of many short runs, taken in turns, so that other work on the machine disturbs all alike. Ours
returns with the result the values that were read, which the history needs; the others do not.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from typing import Any

import simpleeval
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine

from engine.expressions import Environment, compile_expression

LIMIT = 5.0
RUNS, ROUNDS = 300, 200
ENVIRONMENT = Environment()
VARIABLES: dict[str, Any] = {
    "severity": "high", "amount": 1500, "vip": False, "resolved": True, "customer": {"age": 30, "name": "Li Lei"},
}  # fmt: skip
#: Ours, the same in Python, and as a lambda.
CONDITIONS: list[tuple[str, str, Callable[[dict[str, Any]], object]]] = [
    ("${severity == 'high'}", "severity == 'high'", lambda v: v["severity"] == "high"),
    ("${amount > 1000}", "amount > 1000", lambda v: v["amount"] > 1000),
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
        "${amount * 2 + 1 > 3000 && !empty customer.name}",
        "amount * 2 + 1 > 3000 and customer['name'] != ''",
        lambda v: v["amount"] * 2 + 1 > 3000 and v["customer"]["name"] != "",
    ),
]


def main() -> None:
    """Measure every condition and print the table."""
    print("| condition | lambda, ns | ours, ns | ratio | simpleeval parsed, ns | SpiffWorkflow, ns |")
    print("|---|---|---|---|---|---|")
    worst = 0.0
    for text, python, function in CONDITIONS:
        bare, ours, simple, spiff = _measure(_contestants(text, python, function))
        worst = max(worst, ours / bare)
        print(f"| `{text}` | {bare:.0f} | {ours:.0f} | {ours / bare:.1f} | {simple:.0f} | {spiff:.0f} |")
    print(f"\nOurs costs at most {worst:.1f} times a lambda; the aim is {LIMIT}.")


def _contestants(text: str, python: str, function: Callable[[dict[str, Any]], object]) -> list[Callable[[], object]]:
    """Return what is to be measured; all are warm."""
    expression = compile_expression(text)
    simple = simpleeval.EvalWithCompoundTypes(names=VARIABLES)
    parsed = simple.parse(python)
    spiff = PythonScriptEngine().environment
    contestants: list[Callable[[], object]] = [
        lambda: function(VARIABLES),
        lambda: expression.condition(VARIABLES, ENVIRONMENT)[0],
        lambda: simple.eval(python, previously_parsed=parsed),
        lambda: spiff.evaluate(python, VARIABLES),
    ]
    results = {bool(contestant()) for contestant in contestants}
    if len(results) != 1:
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
