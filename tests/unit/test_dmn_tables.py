"""Decision tables: hit policies, what an evaluation tells, and what the check of a table finds."""

from __future__ import annotations

import pytest

from casepath.engine.decisions import dmn
from casepath.engine.errors import DeploymentRefused, Finding
from tests.each import each
from tests.phrases import chinese
from tests.unit.dmn_files import decision, definitions, input_data, literal, table

#: Of the grades "low" goes before "high", unlike in the alphabet.
ROWS = ('> 10 | "high" | 1', '> 20 | "low" | 2', '> 30 | "low" | 2')


def model(logic: str, *, strict: bool = True) -> dmn.DecisionModel:
    content = definitions(input_data("x"), input_data("y"), decision("Answer", logic, "input:x", "input:y"))
    return dmn.parse(content, "answer.dmn", strict=strict)


def answer(logic: str, **inputs: object) -> object:
    return model(logic, strict=False).evaluate("Answer", inputs).value


def graded(policy: str) -> str:
    return table(["x"], ['grade = "low", "high"'], *(row.rpartition("|")[0] for row in ROWS), policy=policy)


@each(
    "policy, x, expected",
    [
        ("UNIQUE", 15, "high"),
        ("UNIQUE", 25, None),
        ("UNIQUE", 5, None),
        ("ANY", 15, "high"),
        ("ANY", 35, None),
        ("FIRST", 35, "high"),
        ("PRIORITY", 35, "low"),
        ("PRIORITY", 15, "high"),
        ("RULE ORDER", 35, ["high", "low", "low"]),
        ("OUTPUT ORDER", 35, ["low", "low", "high"]),
        ("COLLECT", 35, ["high", "low", "low"]),
        ("COLLECT", 5, []),
        ("RULE ORDER", 5, None),
    ],
)
def test_hit_policy(policy: str, x: int, expected: object) -> None:
    assert answer(graded(policy), x=x) == expected


@each(
    "aggregation, x, expected",
    [("SUM", 35, 5), ("MIN", 35, 1), ("MAX", 35, 2), ("COUNT", 35, 3), ("COUNT", 5, 0), ("SUM", 5, None)],
)
def test_aggregation(aggregation: str, x: int, expected: object) -> None:
    logic = table(["x"], ["points"], "> 10 | 1", "> 20 | 2", "> 30 | 2", policy="COLLECT", aggregation=aggregation)

    assert answer(logic, x=x) == expected


def test_any__says_which_rows_differ() -> None:
    (finding,) = model(graded("ANY"), strict=False).evaluate("Answer", {"x": 35}).findings

    assert finding.message == "Expected equal results in table 'Answer' (ANY), but rows 1, 2, 3 differ"


@each("name, told", [('name="Grade  of x"', "Grade of x"), ("", "grade")])
def test_table__is_called_like_its_decision(name: str, told: str) -> None:
    logic = table(["x"], ["grade"], "> 1 | 1")
    content = definitions(input_data("x"), f'<decision id="grade" {name}><variable name="g"/>{logic}</decision>')

    (found,) = dmn.parse(content, "answer.dmn", strict=False).tables

    assert (found.decision_id, found.name) == ("grade", told)


def test_any__equal_results() -> None:
    assert answer(table(["x"], ["grade"], "> 1 | 1 + 1", "> 2 | 2", policy="ANY"), x=3) == 2


def test_several_outputs() -> None:
    logic = table(["x"], ['grade = "low", "high"', "points"], *ROWS, policy="PRIORITY")

    assert answer(logic, x=25) == {"grade": "low", "points": 2}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("PRIORITY", {"grade": "A", "size": "small"}),
        ("OUTPUT ORDER", [{"grade": "A", "size": "small"}, {"grade": "A", "size": "big"},
                          {"grade": "B", "size": "small"}, {"grade": "B", "size": "big"}]),
    ],
)  # fmt: skip
def test_priority__of_several_outputs_goes_from_the_first_to_the_last(policy: str, expected: object) -> None:
    rows = [f'- | "{grade}" | "{size}"' for grade in "BA" for size in ("big", "small")]
    logic = table(["x"], ['grade = "A", "B"', 'size = "small", "big"'], *rows, policy=policy)

    assert answer(logic, x=1) == expected


def test_default_result() -> None:
    assert answer(table(["x"], ['grade ? "C"'], '> 10 | "B"'), x=5) == "C"


def test_empty_result() -> None:
    logic = table(["x"], ["grade"], "> 10 | ", "> 5 | -", policy="COLLECT")

    assert model(logic).evaluate("Answer", {"x": 15}).value == [None, None]


def test_cells__may_use_other_inputs_and_camundas_name() -> None:
    assert answer(table(["x"], ["grade"], '> y | "more"', 'cellInput = y | "same"'), x=5, y=5) == "same"


def test_input_outside_its_allowed_values() -> None:
    logic = table(["x"], ["grade"], "- | 1").replace(
        "</inputExpression>", "</inputExpression><inputValues><text>[1..5]</text></inputValues>"
    )

    result = model(logic).evaluate("Answer", {"x": 9})

    assert result.value is None
    assert result.findings[0].message == "Expected [1..5] for input 'x', but found another value"
    assert "应为 [1..5]" in chinese(result.findings[0].phrase)


def test_input_of_another_type() -> None:
    result = model(table(["x: number"], ["grade"], "< 5 | 1")).evaluate("Answer", {"x": "text"})

    assert result.value is None
    assert result.decisions[0].tables[0].inputs == (None,)
    assert str(result.findings[0]) == "Answer: Expected a number for input 'x', but found another type"


@each("policy, expected", [("UNIQUE", None), ("COLLECT", ["text"])])
def test_output_of_another_type(policy: str, expected: object) -> None:
    """The type of the only column may be that of the whole list of answers."""
    logic = table(["x"], ["grade"], '- | "text"', policy=policy)

    assert answer(logic.replace("<output ", '<output typeRef="number" '), x=1) == expected


@each("kind, expected", [("number", None), ("string", "text"), ("Any", "text")])
def test_result_of_another_type_than_its_cell(kind: str, expected: object) -> None:
    logic = table(["x"], ["grade"], '- | "text"')

    assert answer(logic.replace("<outputEntry", f'<outputEntry typeRef="{kind}"'), x=1) == expected


def test_input_that_is_missing_is_of_every_type() -> None:
    result = model(table(["x: number"], ["grade"], "null | 1", "not(null) | 2")).evaluate("Answer", {"x": None})

    assert (result.value, result.findings) == (1, ())


def test_result__tells_what_happened() -> None:
    result = model(
        table(["x", "y"], ["grade", "points"], '> 10 | - | "B" | 1', '> 20 | "z" | "A" | 2', policy="RULE ORDER")
    ).evaluate("Answer", {"x": 25, "y": "z"})

    (evaluation,) = result.decisions
    (run,) = evaluation.tables
    assert (evaluation.id, evaluation.name, evaluation.value) == ("Answer", "Answer", result.value)
    assert run.inputs == (25, "z")
    assert run.matched == (0, 1)
    assert run.rule_ids == ("row1", "row2")
    assert run.outputs == ({"grade": "B", "points": 1}, {"grade": "A", "points": 2})


def test_result__first_row_that_matches_is_the_only_one_looked_at() -> None:
    result = model(graded("FIRST")).evaluate("Answer", {"x": 35})

    assert result.decisions[0].tables[0].matched == (0,)


@each("attributes, name", [('name="grade" label="Note"', "grade"), ('label="Note"', "Note"), ("", "output 1")])
def test_result__names_its_columns(attributes: str, name: str) -> None:
    logic = table(["x"], ["grade"], "- | 1").replace('name="grade"', attributes)

    (run,) = model(logic).evaluate("Answer", {"x": 1}).decisions[0].tables

    assert run.outputs == ({name: 1},)


KNOWLEDGE = (
    '<businessKnowledgeModel id="b" name="Grade"><variable name="Grade"/><encapsulatedLogic>'
    '<formalParameter name="x"/>{}</encapsulatedLogic></businessKnowledgeModel>'
)


@each(
    "elements, name",
    [
        ([decision("Answer", graded("UNIQUE"), "input:x").replace(' name="Answer"', "", 1)], "Answer"),
        ([KNOWLEDGE.format(graded("UNIQUE")), decision("Answer", literal("Grade(x)"), "input:x", "fn:b")], "Grade"),
    ],
)
def test_result__names_the_table_after_whose_it_is(elements: list[str], name: str) -> None:
    made = dmn.parse(definitions(input_data("x"), *elements), "answer.dmn", strict=False)

    (found,) = made.evaluate("Answer", {"x": 25}).findings

    assert found.message == f"Expected one matching row in table '{name}' (UNIQUE), but rows 1, 2 match"


def test_result__several_rows_match_a_unique_table() -> None:
    result = model(graded("UNIQUE"), strict=False).evaluate("Answer", {"x": 35})

    assert result.value is None
    assert result.findings[0].element_id == "Answer"
    assert result.findings[0].message == "Expected one matching row in table 'Answer' (UNIQUE), but rows 1, 2, 3 match"
    assert "第 1、2、3 行同时匹配" in chinese(result.findings[0].phrase)
    assert result.decisions[0].tables[0].matched == (0, 1, 2)


def test_table__for_display() -> None:
    (found,) = model(table(["x: number"], ['grade = "A", "B" ? "B"'], '> 10 | "A"', policy="FIRST")).tables

    assert (found.decision_id, found.hit_policy, found.aggregation) == ("Answer", "FIRST", "")
    assert (found.inputs[0].expression, found.inputs[0].type) == ("x", "number")
    assert (found.outputs[0].name, found.outputs[0].allowed, found.outputs[0].default) == ("grade", '"A", "B"', '"B"')
    assert found.rules[0].conditions == ("> 10",)
    assert found.rules[0].results == ('"A"',)


# Checks ---------------------------------------------------------------------------------------------------------------


def findings(logic: str) -> list[Finding]:
    return model(logic, strict=False).findings


def messages(logic: str) -> list[str]:
    return [f"{finding.code}: {finding.message.partition(', but ')[2]}" for finding in findings(logic)]


@each(
    "inputs, rows, expected",
    [
        (["x: number"], ["<= 10 | 1", ">= 10 | 2"], ["table-overlap: rows 1 and 2 both match x = 10"]),
        (["x: number"], ["< 10 | 1", "> 10 | 2"], ["table-gap: none matches x = 10"]),
        (["x: number"], ["[0..5] | 1", "[7..9] | 2", "< 0 | 3", "> 9 | 4"], ["table-gap: none matches x = 6"]),
        (["x: boolean"], ["true | 1"], ["table-gap: none matches x = false"]),
        (
            ["x: string"],
            ['"a", "b" | 1', '"b" | 2', "- | 3"],
            [
                'table-overlap: rows 1 and 2 both match x = "b"',
                'table-overlap: rows 1 and 3 both match x = "a"',
                'table-overlap: rows 2 and 3 both match x = "b"',
            ],
        ),
        (["x: string"], ['"a" | 1', 'not("a") | 2'], []),
        (["x: string"], ['"a" | 1'], ['table-gap: none matches x = "…"']),
        (
            ["x: number", "y: string"],
            ['<= 5 | "a" | 1', "> 5 | - | 2", '- | not("a") | 3'],
            [
                'table-overlap: rows 2 and 3 both match x = 6, y = "…"',
            ],
        ),
        (["x: number", "y: boolean"], ["< 5 | - | 1", ">= 5 | true | 2"], ["table-gap: none matches x = 5, y = false"]),
        (["x: date"], ['< @"2026-03-01" | 1', '> @"2026-03-01" | 2'], ['table-gap: none matches x = @"2026-03-01"']),
        (["x: number"], ["> y | 1", "<= y | 2"], []),
        (["x"], ["- | 1"], []),
    ],
)
def test_check__unique_table(inputs: list[str], rows: list[str], expected: list[str]) -> None:
    assert messages(table(inputs, ["grade"], *rows)) == expected


def test_check__overlap_refuses_and_gap_warns() -> None:
    (overlap, gap) = findings(table(["x: number"], ["grade"], "< 5 | 1", "< 3 | 2"))

    assert (overlap.level, overlap.element_id) == ("error", "table")
    assert "第 1 行和第 2 行同时匹配 x = 2" in chinese(overlap.phrase)
    assert gap.level == "warning"
    assert "没有任何一行匹配 x = 5" in chinese(gap.phrase)
    with pytest.raises(DeploymentRefused, match="rows 1 and 2 both match x = 2"):
        model(table(["x: number"], ["grade"], "< 5 | 1", "< 3 | 2"))


@pytest.mark.parametrize("policy", ["FIRST", "PRIORITY", "COLLECT", "RULE ORDER"])
def test_check__overlap_that_the_hit_policy_allows(policy: str) -> None:
    assert messages(table(["x: number"], ['grade = "A"'], '< 5 | "A"', '- | "A"', policy=policy)) == []


def test_check__any_table() -> None:
    assert messages(table(["x"], ["grade"], "< 5 | 1", "- | 1", policy="ANY")) == []
    assert messages(table(["x"], ["grade"], "< 5 | 1", "- | 2", policy="ANY")) == [
        "table-overlap: rows 1 and 2 both match x = 4"
    ]


def test_check__gap_with_a_default() -> None:
    assert messages(table(["x"], ["grade ? 0"], "< 5 | 1")) == []


def test_check__large_table() -> None:
    rows = [f"[{number * 10}..{number * 10 + 9}] | {number}" for number in range(100)]

    assert messages(table(["x: number"], ["grade"], *rows)) == ["table-gap: none matches x = -1"]


@each(
    "logic, code",
    [
        (table(["x"], ["a"], "1 | 1 | 1"), "row-shape"),
        (table(["x", "y"], ["a"], "1 | 2 | 3").replace("<inputEntry><text>2</text></inputEntry>", ""), "row-shape"),
        (table(["x"], [], "1"), "no-output"),
        (table([""], ["a"]), "no-input-expression"),
        (table(["x"], ["a", "a"]), "output-names"),
        (table(["x"], ["a"], policy="BEST"), "unknown-hit-policy"),
        (table(["x"], ["a"], policy="COLLECT", aggregation="AVG"), "unknown-aggregation"),
        (table(["x"], ["a", "b"], policy="COLLECT", aggregation="SUM"), "aggregation-of-many"),
    ],
)
def test_check__shape(logic: str, code: str) -> None:
    assert code in [finding.code for finding in findings(logic)]


def test_check__input_without_expression_is_told_once() -> None:
    assert [finding.code for finding in findings(table([""], ["a"], "- | 1"))] == ["no-input-expression"]


def test_check__cell_that_cannot_be_read() -> None:
    (finding,) = findings(table(["x"], ["grade"], "- | 1", "> | 2", policy="COLLECT"))

    assert (finding.level, finding.code) == ("error", "feel-error")
    assert finding.message == (
        "Expected an expression, but found the end at character 2 of condition in row 2, column 1 of 'Answer': >"
    )
    assert chinese(finding.phrase) == "“Answer”的第 2 行第 1 列的条件：第 2 个字符：此处应为表达式，但读到文本结尾（>）"


@each(
    "cell, expected",
    [
        ('"您的车到了。我们等您来"', ["我"]),
        ('"您好！“我想问一下”"', ["我"]),
        ('"您的我"', []),
        ('"这个不能免费"', ["不能"]),
        ('if x > 1 then "没 办法" else "没办法"', ["没办法"]),
        ('"一二三四五六七八，九"', []),
        ('"一二三四五六七八，九十。一二三四五六七八九十一"', [(10, 9), (11, 9)]),
        ('"I am here. We can\'t. It is I"', ["I"]),
        ('x + 1', []),
    ],
)  # fmt: skip
def test_wording__what_the_column_does_not_want(cell: str, expected: list[object]) -> None:
    wanted = 'noSentenceBegins="我, I " neverSays="不能，没办法" longestSentence="9"'
    logic = table(["x"], ["said"], f"> 10 | {cell}").replace('name="said"', f'name="said" {wanted}')
    found = [each for each in model(logic).findings if each.code == "wording"]

    facts = [each.phrase.facts for each in found]
    assert [fact.get("word") or (fact["count"], fact["limit"]) for fact in facts] == expected
    assert {each.level for each in found} <= {"warning"}
