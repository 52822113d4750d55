"""Decision models: requirements, boxed expressions, types, imports, services, and what deployment refuses."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from casepath.engine.decisions import dmn
from casepath.engine.errors import DecisionError, DeploymentRefused, ExpressionLimit
from tests.each import each
from tests.phrases import chinese
from tests.unit.dmn_files import decision, definitions, input_data, literal, table


def value(*elements: str, name: str = "Answer", inputs: Mapping[str, object] | None = None, **more: object) -> object:
    inputs = {**(inputs or {}), **more}
    return dmn.parse(definitions(*elements), "model.dmn", strict=False).evaluate(name, inputs).value


def codes(*elements: str, attributes: str = "") -> list[str]:
    content = definitions(*elements, attributes=attributes)
    return [finding.code for finding in dmn.parse(content, "model.dmn", strict=False).findings]


def knowledge(name: str, parameters: str, body: str, kind: str = "") -> str:
    formal = "".join(f'<formalParameter name="{part}"/>' for part in parameters.split())
    return (
        f'<businessKnowledgeModel id="{name}" name="{name}"><variable name="{name}" typeRef="{kind}"/>'
        f"<encapsulatedLogic>{formal}{body}</encapsulatedLogic></businessKnowledgeModel>"
    )


def entry(name: str, logic: str) -> str:
    variable = f'<variable name="{name}"/>' if name else ""
    return f"<contextEntry>{variable}{logic}</contextEntry>"


def test_evaluate__required_decisions_and_inputs() -> None:
    found = value(
        input_data("Net price", "number"),
        decision("Tax", literal("Net price * 0.1"), "input:Net_price"),
        decision("Answer", literal("Net price + Tax"), "input:Net_price", "Tax"),
        inputs={"Net price": 100},
    )

    assert found == Decimal("110.0")


def test_evaluate__by_id_and_by_name() -> None:
    model = dmn.parse(definitions(decision("My answer", literal("1"))), "model.dmn")

    assert model.evaluate("My_answer", {}).value == model.evaluate("My answer", {}).value == 1
    assert model.decisions == {"My_answer": "My answer"}


def test_evaluate__unknown_decision() -> None:
    with pytest.raises(DecisionError, match=r"Expected decision 'Other' in model.dmn, but there is none"):
        value(decision("Answer", literal("1")), name="Other")


def test_evaluate__what_is_not_required_is_not_seen() -> None:
    assert value(input_data("x"), decision("Answer", literal("x")), x=1) is None


def test_evaluate__process_variable_without_input_data() -> None:
    model = dmn.parse(definitions(decision("Answer", literal("amount + 1"))), "model.dmn")

    assert model.evaluate("Answer", {"amount": 1}).value == 2
    assert model.input_names("Answer") == ["amount"]
    assert [finding.code for finding in model.findings] == ["unknown-name"]


def test_evaluate__input_of_another_type() -> None:
    model = dmn.parse(definitions(input_data("x", "number"), decision("Answer", literal("x"), "input:x")), "model.dmn")

    result = model.evaluate("Answer", {"x": "text"})

    assert result.value is None
    assert result.findings[0].message == "Expected a number as input 'x', but found another value"


def test_evaluate__result_of_another_type() -> None:
    result = dmn.parse(definitions(decision("Answer", literal('"a"'), kind="number")), "model.dmn").evaluate(
        "Answer", {}
    )

    assert result.value is None
    assert result.findings[0].message == "Expected a number from decision 'Answer', but found another type"


JAVA = '<functionDefinition kind="Java"/>'
BOXED = {
    "context": (f"<context>{entry('a', literal('1'))}{entry('b', literal('a + 1'))}</context>", {"a": 1, "b": 2}),
    "context with a result": (f"<context>{entry('a', literal('1'))}{entry('', literal('a + 1'))}</context>", 2),
    "recursive function": (
        "<context>"
        + entry(
            "f",
            f'<functionDefinition><formalParameter name="n"/>{literal("if n = 0 then 1 else n * f(n - 1)")}'
            "</functionDefinition>",
        )
        + entry("", literal("f(5)"))
        + "</context>",
        120,
    ),
    "list": (f"<list>{literal('1')}{literal('2')}</list>", [1, 2]),
    "relation": (
        f'<relation><column name="a"/><column name="b"/><row>{literal("1")}{literal("2")}</row></relation>',
        [{"a": 1, "b": 2}],
    ),
    "invocation": (
        f'<invocation>{literal("max")}<binding><parameter name="list"/>{literal("[1, 3]")}</binding></invocation>',
        3,
    ),
    "conditional": (
        f"<conditional><if>{literal('1 > 2')}</if><then>{literal('1')}</then><else>{literal('2')}</else></conditional>",
        2,
    ),
    "for": (f'<for iteratorVariable="i"><in>{literal("1..3")}</in><return>{literal("i")}</return></for>', None),
    "for over a list": (
        f'<for iteratorVariable="i"><in>{literal("[1, 2]")}</in><return>{literal("i * 2")}</return></for>',
        [2, 4],
    ),
    "filter": (f"<filter><in>{literal('[1, 2, 3]')}</in><match>{literal('item > 1')}</match></filter>", [2, 3]),
    "some": (
        f'<some iteratorVariable="i"><in>{literal("[1, 2]")}</in><satisfies>{literal("i > 1")}</satisfies></some>',
        True,
    ),
    "every": (
        f'<every iteratorVariable="i"><in>{literal("[1, 2]")}</in><satisfies>{literal("i > 1")}</satisfies></every>',
        False,
    ),
    "function in Java": (
        f"<context>{entry('f', JAVA)}{entry('', literal('f()'))}</context>",
        None,
    ),
}


@each("logic, expected", BOXED.values())
def test_boxed_expression(logic: str, expected: object) -> None:
    assert value(decision("Answer", logic)) == expected


def test_knowledge_model() -> None:
    found = value(
        knowledge("twice", "n", literal("n * 2"), "number"),
        knowledge("fourfold", "n", literal("twice(twice(n))")).replace(
            "<variable", '<knowledgeRequirement><requiredKnowledge href="#twice"/></knowledgeRequirement><variable'
        ),
        decision("Answer", literal("fourfold(3)"), "fn:fourfold"),
    )

    assert found == 12


def test_knowledge_model__decision_table() -> None:
    logic = table(["n"], ["size"], '< 5 | "small"', '>= 5 | "large"')

    model = dmn.parse(
        definitions(knowledge("size", "n", logic), decision("Answer", literal("size(7)"), "fn:size")), "m.dmn"
    )

    result = model.evaluate("Answer", {})
    assert result.value == "large"
    assert result.decisions[0].tables[0].matched == (1,)


def test_knowledge_model__calls_itself_without_end() -> None:
    with pytest.raises(ExpressionLimit):
        value(knowledge("f", "n", literal("f(n)")), decision("Answer", literal("f(1)"), "fn:f"))


SERVICE = (
    input_data("x", "number"),
    input_data("y"),
    decision("Inner", literal("x + 1"), "input:x"),
    decision("Outer", literal("Inner * 10"), "Inner"),
    '<decisionService id="S" name="S"><variable name="S"/><outputDecision href="#Outer"/>'
    '<encapsulatedDecision href="#Inner"/><inputData href="#x"/></decisionService>',
    '<decisionService id="T" name="T"><variable name="T"/><outputDecision href="#Outer"/>'
    '<outputDecision href="#Inner"/><inputDecision href="#Inner"/></decisionService>',
    decision("Answer", literal("S(1) + S(x: 2)"), "fn:S"),
)


def test_service__invoked_from_outside() -> None:
    model = dmn.parse(definitions(*SERVICE), "model.dmn")

    assert model.invoke("S", {"x": 4}).value == 50
    assert model.services == {"S": "S", "T": "T"}


def test_service__given_decision_and_several_results() -> None:
    assert dmn.parse(definitions(*SERVICE), "model.dmn").invoke("T", {"Inner": 2}).value == {"Outer": 20, "Inner": 2}


def test_service__called_as_a_function() -> None:
    assert value(*SERVICE) == 50


TYPES = (
    '<itemDefinition name="Grade"><typeRef>string</typeRef><allowedValues><text>"A", "B"</text></allowedValues>'
    "</itemDefinition>",
    '<itemDefinition name="Grades" isCollection="true"><typeRef>Grade</typeRef></itemDefinition>',
    '<itemDefinition name="Pair" ><itemComponent name="first one"><typeRef>number</typeRef></itemComponent>'
    '<itemComponent name="grade"><typeRef>Grade</typeRef></itemComponent></itemDefinition>',
    '<itemDefinition name="Age"><typeRef>number</typeRef><typeConstraint><text>[0..150]</text></typeConstraint>'
    "</itemDefinition>",
)


@each(
    "kind, given, expected",
    [
        ("Grade", "A", "A"),
        ("Grade", "C", None),
        ("Grades", ["A", "B"], ["A", "B"]),
        ("Grades", ["C"], None),
        ("Grades", "A", ["A"]),
        ("Grade", ["B"], "B"),
        ("Pair", {"first one": 1, "grade": "A"}, {"first one": 1, "grade": "A"}),
        ("Pair", {"first one": "x", "grade": "A"}, None),
        ("Pair", {"grade": "A"}, None),
        ("Age", 30, 30),
        ("Age", 200, None),
        ("Nope", "x", "x"),
        ("feel:string", "x", "x"),
    ],
)
def test_item_definition(kind: str, given: object, expected: object) -> None:
    assert value(*TYPES, input_data("x", kind), decision("Answer", literal("x"), "input:x"), x=given) == expected


def test_item_definition__names_of_components() -> None:
    found = value(
        *TYPES,
        input_data("p", "Pair"),
        decision("Answer", literal("p.first one + 1"), "input:p"),
        p={"first one": 1, "grade": "A"},
    )

    assert found == 2


IMPORTED = definitions(
    input_data("Name"), decision("Greeting", literal('"Hello, " + Name'), "input:Name"), *TYPES, namespace="urn:b"
)
IMPORTING = definitions(
    '<import namespace="urn:b" name="b one" importType="http://www.omg.org/spec/DMN/20180521/MODEL/"/>',
    '<import namespace="urn:b" name="b2" importType="http://www.omg.org/spec/DMN/20180521/MODEL/"/>',
    decision("Answer", literal('b one.Greeting + "!"'), "urn:b#Greeting", kind="string"),
    input_data("g", "b one.Grade"),
    decision("Graded", literal("g"), "input:g"),
)


def test_import() -> None:
    model = dmn.parse(IMPORTING, "a.dmn", [("b.dmn", IMPORTED)])

    assert model.evaluate("Answer", {"Name": "Alice"}).value == "Hello, Alice!"
    assert model.evaluate("Answer", {"b one": {"Name": "Bob"}}).value == "Hello, Bob!"
    assert model.evaluate("Graded", {"g": "C"}).value is None


def test_import__without_a_name() -> None:
    importing = definitions(
        '<import namespace="urn:b" name="" importType="http://www.omg.org/spec/DMN/20180521/MODEL/"/>',
        decision("Answer", literal('Greeting + "!"'), "urn:b#Greeting"),
        decision("Graded", literal('["A" instance of Grade, 1 instance of Grade]')),
        input_data("g", "Grade"),
        decision("Given", literal("g"), "input:g"),
    )

    model = dmn.parse(importing, "a.dmn", [("b.dmn", IMPORTED)])

    assert model.evaluate("Answer", {"Name": "Alice"}).value == "Hello, Alice!"
    assert model.evaluate("Graded", {}).value == [True, False]
    assert model.evaluate("Given", {"g": "C"}).value is None


def test_import__circle() -> None:
    entry = '<import namespace="urn:{}" name="other" importType="DMN"/>'
    first = definitions(entry.format("b"), decision("A", literal("other.B"), "urn:b#B"), namespace="urn:a")
    second = definitions(entry.format("a"), decision("B", literal("other.A"), "urn:a#A"), namespace="urn:b")

    with pytest.raises(DeploymentRefused, match="do not import each other in a circle"):
        dmn.parse(first, "a.dmn", [("b.dmn", second)])


def test_import__missing() -> None:
    with pytest.raises(DeploymentRefused, match="Expected a file with the namespace 'urn:b', but found none"):
        dmn.parse(IMPORTING, "a.dmn")


@each(
    "language",
    [
        "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
        "http://www.omg.org/spec/DMN/20180521/MODEL/",
        "https://www.omg.org/spec/DMN/20191111/MODEL/",
        "https://www.omg.org/spec/DMN/20211108/MODEL/",
        "https://www.omg.org/spec/DMN/20230324/MODEL/",
    ],
)
def test_parse__versions_of_the_standard(language: str) -> None:
    content = definitions(decision("Answer", literal("1")), language=language)

    assert dmn.parse(content, "model.dmn").evaluate("Answer", {}).value == 1


def test_parse__attributes_of_camunda() -> None:
    content = definitions(
        decision("Answer", literal("1")).replace("<decision ", '<decision camunda:historyTimeToLive="P30D" '),
        attributes='xmlns:camunda="http://camunda.org/schema/1.0/dmn"',
    )

    found = dmn.parse(content, "model.dmn").findings
    assert [(each.code, each.level, each.phrase.facts) for each in found] == [
        ("no-effect", "warning", {"names": ["historyTimeToLive"]})
    ]


TYPE = '<itemDefinition name="tAge"><typeRef>number</typeRef></itemDefinition>'


@each(
    "elements, found",
    [
        ((TYPE, decision("Answer", literal("1"))), ["itemDefinition"]),
        ((TYPE, decision("Answer", literal("1"), kind="tAge")), []),
        ((TYPE, decision("Answer", literal("1 instance of tAge"))), []),
        ((TYPE, '<itemDefinition name="tAges" isCollection="true"><typeRef>tAge</typeRef></itemDefinition>',
          decision("Answer", literal("[1]"), kind="tAges")), []),
        # For other files.
        ((TYPE,), []),
        ((decision("Answer", table(["1"], ["Answer"], "1 | 1")),), []),
        ((decision("Answer", table(["1"], ["Answer"], "1 | 1").replace(
            "<decisionTable ", '<decisionTable preferredOrientation="Rule-as-Column" ')),), ["preferredOrientation"]),
        ((decision("Answer", table(["1"], ["Answer"], "1 | 1").replace(
            "<decisionTable ", '<decisionTable preferredOrientation="Rule-as-Row" ')),), []),
    ],
)  # fmt: skip
def test_parse__what_says_nothing(elements: tuple[str, ...], found: list[str]) -> None:
    findings = [each for each in dmn.parse(definitions(*elements), "model.dmn").findings if each.code == "no-effect"]

    assert [each.phrase.facts["names"] for each in findings] == [[name] for name in found]


@each(
    "outputs, labels", [(["result"], ["Discount"]), (["result", "reason"], ["result", "reason"]), ([""], ["Discount"])]
)
def test_parse__what_the_result_of_a_table_is_called(outputs: list[str], labels: list[str]) -> None:
    cells = " | ".join("1" for _ in outputs)
    logic = table(["1"], outputs, f"1 | {cells}").replace("<decisionTable ", '<decisionTable outputLabel="Discount" ')

    (found,) = dmn.parse(definitions(decision("Answer", logic)), "model.dmn").tables

    assert [each.label for each in found.outputs] == labels


def test_parse__variable_of_another_name() -> None:
    content = definitions(decision("Answer", literal("1")).replace('<variable name="Answer"', '<variable name="x"'))

    assert [each.code for each in dmn.parse(content, "model.dmn").findings] == ["variable-name"]


def test_parse__all_errors_at_once() -> None:
    with pytest.raises(DeploymentRefused) as refusal:
        dmn.parse(definitions(decision("A", literal("1 +")), decision("B", literal(""))), "model.dmn")

    assert [finding.code for finding in refusal.value.findings] == ["feel-error", "empty-expression"]
    assert (
        refusal.value.findings[0].message
        == "Expected an expression, but found the end at character 4 of expression of 'A': 1 +"
    )
    assert [finding.element_id for finding in refusal.value.findings] == ["A", "B"]
    assert refusal.value.findings[0].line == 2


@each(
    "elements, code",
    [
        ([decision("A", literal("1"), "Nope")], "unknown-reference"),
        ([decision("A", literal("1"), "B"), decision("B", literal("1"), "A")], "requirement-cycle"),
        ([decision("A", literal("1")), decision("A", literal("2"))], "duplicate-id"),
        (["<decision/>"], "no-name"),
        (
            [
                decision(
                    "A", literal("1").replace("<lit", "<lit").replace("sion>", 'sion expressionLanguage="juel">', 1)
                )
            ],
            "expression-language",
        ),
        ([decision("A", literal("1"), kind="Nope")], "unknown-type"),
        ([decision("A", literal("ammount")), input_data("amount")], "unknown-name"),
        (['<itemDefinition name="T"><typeRef>T</typeRef></itemDefinition>', input_data("x", "T")], "recursive-type"),
        (
            [decision("A", f'<relation><column name="a"/><row>{literal("1")}{literal("2")}</row></relation>')],
            "relation-row",
        ),
        ([decision("A", JAVA)], "external-function"),
    ],
)
def test_parse__finding(elements: list[str], code: str) -> None:
    assert code in codes(*elements)


def test_parse__unknown_name_with_the_nearest_known() -> None:
    content = definitions(input_data("amount"), decision("A", literal("ammount + 1"), "input:amount"))

    (finding,) = dmn.parse(content, "model.dmn").findings

    assert finding.level == "warning"
    assert "found 'ammount' at character 1 of expression of 'A'; the nearest known: amount" in finding.message
    assert "“ammount”未在模型中声明；相近的名称：amount" in chinese(finding.phrase)


def test_parse__no_dmn() -> None:
    with pytest.raises(DeploymentRefused, match="Expected the root element 'definitions' of DMN, but found 'a'"):
        dmn.parse(b"<a/>", "model.dmn")


def test_parse__long_chain_of_requirements() -> None:
    chain = [
        decision("d0", literal("1")),
        *(decision(f"d{n}", literal(f"d{n - 1} + 1"), f"d{n - 1}") for n in range(1, 1500)),
    ]

    assert value(*chain, name="d1499") == 1500
