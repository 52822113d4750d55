"""Models made to hurt: each is refused or evaluated within its limits, and nothing but our errors is raised."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from casepath.engine.decisions import dmn
from casepath.engine.errors import EngineError, ExpressionLimit
from tests.each import each
from tests.unit.dmn_files import decision, definitions, input_data, literal, table
from tests.unit.test_dmn_model import SERVICE, TYPES, knowledge

VALID = definitions(
    *SERVICE[:-1],
    # Those that a decision uses.
    TYPES[0],
    TYPES[2],
    input_data("p", "Pair"),
    decision(
        "Table",
        table(["x: number", "y"], ["a", "b"], '< 5 | "z" | 1 | 2', "- | - | 3 | 4", policy="FIRST"),
        "input:x",
        "input:y",
    ),
    knowledge("twice", "n", literal("n * 2"), "number"),
    decision(
        "Answer", literal("for i in [p.first one, x] return twice(i) + S(1)"), "input:p", "input:x", "fn:twice", "fn:S"
    ),
).decode()


def outcome(content: bytes) -> dmn.DecisionModel | None:
    """Evaluate everything in a file; None where it is refused."""
    try:
        model = dmn.parse(content, "model.dmn", strict=False)
    except EngineError:
        return None
    for key in model.decisions:
        try:
            model.evaluate(key, {"x": 1, "y": "z", "p": {"first one": 1, "grade": "A"}})
        except EngineError:
            continue
    for key in model.services:
        try:
            model.invoke(key, {"x": 1})
        except EngineError:
            continue
    return model


@settings(max_examples=150, deadline=None)
@given(
    some.integers(0, len(VALID) - 1),
    some.integers(0, 40),
    some.sampled_from(["", "<", ">", '"', "x", "#", "1 +", "&lt;", "</", "/>"]),
)
def test_damaged_file(start: int, length: int, instead: str) -> None:
    outcome((VALID[:start] + instead + VALID[start + length :]).encode())


@settings(max_examples=150, deadline=None)
@given(some.lists(some.tuples(some.sampled_from(VALID.split(">")), some.integers(0, VALID.count(">"))), max_size=4))
def test_file_with_parts_moved(moves: list[tuple[str, int]]) -> None:
    parts = VALID.split(">")
    for part, place in moves:
        parts.insert(place, part)

    outcome(">".join(parts).encode())


def test_valid_file() -> None:
    model = outcome(VALID.encode())

    assert model is not None
    assert model.findings == []


@each(
    "logic",
    [
        literal("for i in 1..1000000000 return i"),
        table(["x"], ["a"], "some i in 1..1000000000 satisfies i < ? | 1"),
        table(["for i in 1..1000000000 return i"], ["a"], "- | 1"),
        table(["x"], ["a"], "- | {f: function(n) f(n), r: f(1)}"),
        f'<for iteratorVariable="i"><in>{literal("for i in 1..9999 return i")}</in>'
        f"<return>{literal('partial')}</return></for>",
    ],
)
def test_decision_that_asks_for_too_much(logic: str) -> None:
    model = dmn.parse(definitions(input_data("x"), decision("Answer", logic, "input:x")), "model.dmn")

    with pytest.raises(ExpressionLimit):
        model.evaluate("Answer", {"x": 1})


def test_many_tables_that_ask_for_much_together() -> None:
    loop = literal("count(for i in 1..50000 return i)")
    names = [f"d{number}" for number in range(30)]
    parts = [decision(name, loop) for name in names]
    model = dmn.parse(definitions(*parts, decision("Answer", literal(" + ".join(names)), *names)), "model.dmn")

    with pytest.raises(ExpressionLimit):
        model.evaluate("Answer", {})


def test_knowledge_models_that_call_each_other() -> None:
    requirement = '<knowledgeRequirement><requiredKnowledge href="#{}"/></knowledgeRequirement><variable'
    content = definitions(
        knowledge("a", "n", literal("b(n)")).replace("<variable", requirement.format("b")),
        knowledge("b", "n", literal("a(n)")).replace("<variable", requirement.format("a")),
        decision("Answer", literal("a(1)"), "fn:a"),
    )

    with pytest.raises(ExpressionLimit):
        dmn.parse(content, "model.dmn").evaluate("Answer", {})


def test_deep_boxed_expression() -> None:
    assert outcome(definitions(decision("Answer", "<list>" * 150 + literal("1") + "</list>" * 150))) is not None
    assert outcome(definitions(decision("Answer", "<list>" * 5000 + literal("1") + "</list>" * 5000))) is None


def test_large_table_is_checked_within_limits() -> None:
    rows = [f"[{number}..{number + 5000}] | {number}" for number in range(3000)]

    model = outcome(definitions(input_data("x"), decision("Answer", table(["x"], ["a"], *rows), "input:x")))

    assert model is not None
    assert model.evaluate("Answer", {"x": -1}).value is None
