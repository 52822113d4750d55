"""Rules on expressions and timers: typed where the file claims the letter, readable, in a language that is executed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from casepath.engine import errors
from casepath.engine.bpmn.validation.document import XSI_TYPE, Document, Node
from casepath.engine.bpmn.validation.rules import Level, Problem, rule, to_execute
from casepath.engine.decisions import feel
from casepath.engine.expressions import compile_expression
from casepath.engine.time import timers

CONDITIONS = (
    "conditionExpression",
    "condition",
    "loopCondition",
    "completionCondition",
    "activationCondition",
)
#: Where the standard demands a formal expression of what is executed.
FORMAL = (*CONDITIONS, "loopCardinality", "timeDate", "timeDuration", "timeCycle", "from", "to")
TIMERS: dict[str, timers.Kind] = {"timeDate": "date", "timeDuration": "duration", "timeCycle": "cycle"}
#: Extension attributes whose whole text may be an expression, and elements whose text may be.
EXPRESSION_ATTRIBUTES = frozenset(
    {
        "assignee",
        "businessKey",
        "calledElement",
        "calledElementBinding",
        "calledElementVersion",
        "candidateGroups",
        "candidateStarterGroups",
        "candidateStarterUsers",
        "candidateUsers",
        "collection",
        "decisionRef",
        "dueDate",
        "errorMessageVariable",
        "followUpDate",
        "formKey",
        "formRef",
        "priority",
        "sourceExpression",
        "taskPriority",
        "topic",
    }
)
EXPRESSION_ELEMENTS = ("camunda:inputParameter", "camunda:outputParameter", "camunda:value", "camunda:entry")
READ_LANGUAGES = re.compile(r"juel|feel|camunda|/activiti|uel\b|^$", re.IGNORECASE)
STARTS = re.compile(r"[$#]\{")


def _is_read(node: Node) -> bool:
    """Whether an expression is in a language that is executed; none given means `${…}`."""
    # Some tools always write the default of the standard.
    usual = "XPath" in node.get("language") and STARTS.search(node.text) is not None
    return usual or READ_LANGUAGES.search(node.get("language")) is not None


def _language(document: Document, node: Node) -> str:
    """The language of an expression without `${…}`: its own, or that of the file."""
    return node.get("language") or document.root.get("expressionLanguage")


def _is_feel(document: Document, node: Node) -> bool:
    return "feel" in _language(document, node).lower()


@rule("expression-type", "letter")
def expression_type(document: Document) -> Iterator[Problem]:
    for node in document.all(*FORMAL):
        above = node.parent
        if not document.is_executable(node) or (above is not None and above.tag == "complexBehaviorDefinition"):
            continue
        if node.attributes.get(XSI_TYPE, "").rpartition(":")[2] != "tFormalExpression":
            yield Problem(
                node,
                f"Expected xsi:type='tFormalExpression' on '{node.tag}' of a process to execute; add it",
                f"可执行流程的“{node.tag}”应带有 xsi:type='tFormalExpression'；请补充",
            )


@rule("expression-language")
def expression_language(document: Document) -> Iterator[Problem]:
    for node in document.all(*FORMAL):
        language = node.get("language")
        if not _is_read(node) and not document.is_drawing(node):
            yield Problem(
                node,
                f"Expected an expression in ${{…}} or FEEL, but found language '{language}'; it is not executed here",
                f"表达式语言应为 ${{…}} 或 FEEL，但实际为“{language}”；此语言不被执行",
            )


@rule("condition-text")
def condition_text(document: Document) -> Iterator[Problem]:
    for node in document.all(*CONDITIONS, "loopCardinality"):
        language = _language(document, node)
        if document.is_drawing(node) or node.get("camunda:resource") or not _is_read(node):
            continue
        if not node.text:
            yield Problem(
                node,
                f"Expected an expression such as ${{amount > 100}} in '{node.tag}', but found nothing",
                f"“{node.tag}”应包含表达式（如 ${{amount > 100}}），但内容为空",
            )
        elif STARTS.search(node.text) or _is_feel(document, node):
            yield from _read(document, node, node.text)
        elif _constant(node.text) is not None:
            continue  # `true`, or 3 instances: the same in every language
        elif READ_LANGUAGES.search(language) is None:
            yield Problem(
                node,
                f"Expected an expression in ${{…}} or FEEL, but found '{node.text[:100]}' in language '{language}'",
                f"表达式应为 ${{…}} 或 FEEL，但实际为“{node.text[:100]}”，语言为“{language}”",
            )
        else:
            yield from _bare(node)


def _bare(node: Node) -> Iterator[Problem]:
    """Without a language and without `${…}` a text is read as if it had them."""
    shown = node.text[:100]
    try:
        compile_expression(node.text, bare=True)
    except errors.ExpressionError as error:
        yield Problem(
            node,
            f"Expected an expression such as ${{amount > 100}} in '{node.tag}', but found '{shown}': {error.message}",
            f"“{node.tag}”应为 ${{amount > 100}} 这样的表达式，但实际为“{shown}”：{error.message_zh}",
        )
    else:
        yield Problem(
            node,
            f"Expected ${{…}} around the expression in '{node.tag}', but found '{shown}'; it is read as ${{{shown}}}",
            f"“{node.tag}”中的表达式应写在 ${{…}} 中，但实际为“{shown}”；将按 ${{{shown}}} 处理",
            "warning",
        )


@rule("constant-value")
def constant_value(document: Document) -> Iterator[Problem]:
    """What is made of constants has its value already: a condition is true or false, a number not negative."""
    for node in document.all(*CONDITIONS, "loopCardinality"):
        if document.is_drawing(node) or not node.text or _is_feel(document, node):
            continue
        value = _constant(node.text)
        number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if value is None or (number if node.tag == "loopCardinality" else isinstance(value, bool)):
            continue
        wanted, wanted_zh = ("true or false", "真或假")
        if node.tag == "loopCardinality":
            wanted, wanted_zh = ("a whole number from 0", "不小于 0 的整数")
        yield Problem(
            node,
            f"Expected {wanted} as '{node.tag}', but '{node.text[:100]}' is always {str(value)[:100]}",
            f"“{node.tag}”的结果应为{wanted_zh}，但“{node.text[:100]}”总是 {str(value)[:100]}",
        )


def _constant(text: str) -> object:
    """The value of an expression that reads nothing and calls nothing; None where it has none."""
    try:
        expression = compile_expression(text, bare=STARTS.search(text) is None)
        return None if expression.names or expression.functions else expression.evaluate({})
    except errors.EngineError:
        return None


@rule("timer-text")
def timer_text(document: Document) -> Iterator[Problem]:
    for node in document.all(*TIMERS):
        level = to_execute(document, node)
        if STARTS.search(node.text):
            yield from _read(document, node, node.text, level)
            continue
        if _is_feel(document, node):
            continue
        try:
            timers.parse(TIMERS[node.tag], node.text)
        except errors.InvalidInput as error:
            yield Problem(
                node,
                f"{error.message}; write for example {EXAMPLES[node.tag]}",
                f"无法识别定时器 {node.tag} 的内容“{node.text[:100]}”；例如应写为 {EXAMPLES[node.tag]}",
                level,
            )


EXAMPLES = {"timeDate": "2027-01-31T09:00:00", "timeDuration": "PT2H", "timeCycle": "R3/PT1H"}


@rule("extension-expression")
def extension_expression(document: Document) -> Iterator[Problem]:
    """What people fill in beside the diagram: assignees, due dates, mappings."""
    for node in document.nodes:
        for name, value in node.attributes.items():
            if name.startswith("camunda:") and name[8:] in EXPRESSION_ATTRIBUTES and STARTS.search(value):
                yield from _read(document, node, value.strip(), to_execute(document, node))
    for tag in ("camunda:in", "camunda:out"):
        for node in document.all(tag):
            for name in ("sourceExpression", "businessKey"):
                if STARTS.search(node.get(name)):
                    yield from _read(document, node, node.get(name), to_execute(document, node))
    for node in document.all(*EXPRESSION_ELEMENTS, "formalExpression", "from", "transformation"):
        if STARTS.search(node.text):
            yield from _read(document, node, node.text, to_execute(document, node))


def _read(document: Document, node: Node, text: str, level: Level | None = None) -> Iterator[Problem]:
    """What is wrong with an expression: `${…}` in it decides, else its language."""
    try:
        if _is_feel(document, node) and not STARTS.search(text):
            feel.compile_feel(text.removeprefix("="))
        else:
            compile_expression(text)
    except errors.ExpressionError as error:
        yield Problem(
            node,
            f"Expected a readable expression in '{node.tag}', but found '{text[:100]}': {error.message}",
            f"“{node.tag}”中的表达式“{text[:100]}”无法识别：{error.message_zh}",
            level,
        )
