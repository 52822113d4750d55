"""
What a condition costs, side by side in one run: ours, a Python lambda, SpiffWorkflow's evaluation, simpleeval.

    python -m tests.benchmarks.bench_expressions

Each figure is the best of many short runs, taken in turns, so that other work on the machine disturbs all alike. Ours
returns with the result the values that were read, which the history needs. There are two lambdas: one that does the
same, and a bare one that gives the result only, as simpleeval and SpiffWorkflow do.
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

LIMIT = 5.0
RUNS, ROUNDS = 300, 200
ENVIRONMENT = Environment()
VARIABLES: dict[str, Any] = {
    "severity": "high", "amount": 1500, "vip": False, "resolved": True, "customer": {"age": 30, "name": "Li Lei"},
    "price": Decimal("19.90"),
}  # fmt: skip
NOTHING: dict[str, Any] = {}
Function = Callable[[dict[str, Any]], object]
#: Ours, the same in Python, as a bare lambda, and as one that notes what it reads.
CONDITIONS: list[tuple[str, str, Function, Function]] = [
    (
        "${severity == 'high'}",
        "severity == 'high'",
        lambda v: v["severity"] == "high",
        lambda v: (r := {**NOTHING}, note(r, "severity", v["severity"]) == "high"),
    ),
    (
        "${!resolved}",
        "not resolved",
        lambda v: not v["resolved"],
        lambda v: (r := {**NOTHING}, not note(r, "resolved", v["resolved"])),
    ),
    (
        "${severity == 'high' && amount > 1000}",
        "severity == 'high' and amount > 1000",
        lambda v: v["severity"] == "high" and v["amount"] > 1000,
        lambda v: (
            r := {**NOTHING},
            note(r, "severity", v["severity"]) == "high" and note(r, "amount", v["amount"]) > 1000,
        ),
    ),
    (
        "${severity == 'high' && (amount > 1000 || vip) && customer.age >= 18}",
        "severity == 'high' and (amount > 1000 or vip) and customer['age'] >= 18",
        lambda v: v["severity"] == "high" and (v["amount"] > 1000 or v["vip"]) and v["customer"]["age"] >= 18,
        lambda v: (
            r := {**NOTHING},
            note(r, "severity", v["severity"]) == "high"
            and (note(r, "amount", v["amount"]) > 1000 or note(r, "vip", v["vip"]))
            and note(r, "customer.age", v["customer"]["age"]) >= 18,
        ),
    ),
    (
        "${amount > 1000 && resolved == true}",
        "amount > 1000 and resolved == True",
        lambda v: v["amount"] > 1000 and v["resolved"] == True,  # noqa: E712 as it would be written by hand
        lambda v: (r := {**NOTHING}, note(r, "amount", v["amount"]) > 1000 and note(r, "resolved", v["resolved"])),
    ),
    (
        "${price * 2 > 39}",
        "price * 2 > 39",
        lambda v: v["price"] * 2 > 39,
        lambda v: (r := {**NOTHING}, note(r, "price", v["price"]) * 2 > 39),
    ),
    (
        "${amount * 2 + 1 > 3000 && !empty customer.name}",
        "amount * 2 + 1 > 3000 and customer['name'] != ''",
        lambda v: v["amount"] * 2 + 1 > 3000 and v["customer"]["name"] != "",
        lambda v: (
            r := {**NOTHING},
            note(r, "amount", v["amount"]) * 2 + 1 > 3000 and note(r, "customer.name", v["customer"]["name"]) != "",
        ),
    ),
]


def note(reads: dict[str, Any], path: str, value: Any) -> Any:
    """Note a value that was read."""
    reads[path] = value
    return value


def main() -> None:
    """Measure every condition and print the table."""
    print("Nanoseconds:\n")
    print("| condition | ours | lambda that notes values | ratio | bare lambda | ratio | simpleeval | SpiffWorkflow |")
    print("|---|---|---|---|---|---|---|---|")
    worst = 0.0
    for text, python, bare, noting in CONDITIONS:
        plain, same, ours, simple, spiff = _measure(_contestants(text, python, bare, noting))
        worst = max(worst, ours / plain)
        lambdas = f"{same:.0f} | {ours / same:.1f} | {plain:.0f} | {ours / plain:.1f}"
        cell = text.replace("|", "\\|")
        print(f"| `{cell}` | {ours:.0f} | {lambdas} | {simple:.0f} | {spiff:.0f} |")
    print(f"\nOurs costs at most {worst:.1f} times the bare lambda; the limit is {LIMIT}.")
    sys.exit(worst > LIMIT)


def _contestants(text: str, python: str, bare: Function, noting: Function) -> list[Callable[[], object]]:
    """Return what is to be measured; all are warm."""
    expression = compile_expression(text)
    simple = simpleeval.EvalWithCompoundTypes(names=VARIABLES)
    parsed = simple.parse(python)
    spiff = PythonScriptEngine().environment
    contestants: list[Callable[[], object]] = [
        lambda: bare(VARIABLES),
        lambda: noting(VARIABLES),
        lambda: expression.condition(VARIABLES, ENVIRONMENT)[0],
        lambda: simple.eval(python, previously_parsed=parsed),
        lambda: spiff.evaluate(python, VARIABLES),
    ]
    results = [contestant() for contestant in contestants]
    if len({result[1] if isinstance(result, tuple) else result for result in results}) != 1:
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
