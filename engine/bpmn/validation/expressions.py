"""Rules on expressions and timers: typed where the file claims the letter, readable, in a language that is executed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine import errors, timers
from engine.bpmn.validation.document import XSI_TYPE, Document, Node
from engine.bpmn.validation.rules import Problem, rule, to_execute
from engine.expressions import compile_expression

CONDITIONS = (
    "conditionExpression", "condition", "loopCondition", "completionCondition", "activationCondition",
)
#: Where the standard demands a formal expression of what is executed.
FORMAL = (*CONDITIONS, "loopCardinality", "timeDate", "timeDuration", "timeCycle", "from", "to")
TIMERS: dict[str, timers.Kind] = {"timeDate": "date", "timeDuration": "duration", "timeCycle": "cycle"}
#: Extension attributes whose whole text may be an expression, and elements whose text may be.
EXPRESSION_ATTRIBUTES = frozenset({
    "assignee", "businessKey", "calledElement", "calledElementBinding", "calledElementVersion", "candidateGroups",
    "candidateStarterGroups", "candidateStarterUsers", "candidateUsers", "collection", "decisionRef", "dueDate",
    "errorMessageVariable",
    "followUpDate", "formKey", "formRef", "priority", "sourceExpression", "taskPriority", "topic",
})
EXPRESSION_ELEMENTS = ("camunda:inputParameter", "camunda:outputParameter", "camunda:value", "camunda:entry")
READ_LANGUAGES = re.compile(r"juel|feel|camunda|/activiti|uel\b|^$", re.IGNORECASE)
STARTS = re.compile(r"[$#]\{")


def is_readable_language(language: str) -> bool:
    """Whether an expression in this language can be executed; none given means `${…}`."""
    return READ_LANGUAGES.search(language) is not None


def _is_feel(node: Node) -> bool:
    return "feel" in node.get("language").lower()


@rule("expression-type", "letter")
def expression_type(document: Document) -> Iterator[Problem]:
    for node in document.all(*FORMAL):
        above = node.parent
        if not document.is_executable(node) or (above is not None and above.tag == "complexBehaviorDefinition"):
            continue
        if node.attributes.get(XSI_TYPE, "").rpartition(":")[2] != "tFormalExpression":
            yield Problem(
                node, f"Expected xsi:type='tFormalExpression' on '{node.tag}' of a process to execute; add it",
                f"可执行流程的 '{node.tag}' 应带有 xsi:type='tFormalExpression'；请补充",
            )


@rule("expression-language")
def expression_language(document: Document) -> Iterator[Problem]:
    for node in document.all(*FORMAL):
        language = node.get("language")
        if not is_readable_language(language) and not document.is_drawing(node):
            yield Problem(
                node,
                f"Expected an expression in ${{…}} or FEEL, but found language '{language}'; it is not executed here",
                f"表达式语言应为 ${{…}} 或 FEEL，但实际为 '{language}'；此语言不被执行",
            )


@rule("condition-text")
def condition_text(document: Document) -> Iterator[Problem]:
    for node in document.all(*CONDITIONS, "loopCardinality"):
        if document.is_drawing(node) or not is_readable_language(node.get("language")) or _is_feel(node):
            continue
        if node.attributes.get("camunda:resource"):
            continue  # a script in a file; refused where scripts are
        if not node.text:
            yield Problem(
                node, f"Expected an expression such as ${{amount > 100}} in '{node.tag}', but found nothing",
                f"'{node.tag}' 应包含表达式（如 ${{amount > 100}}），但内容为空",
            )
        elif STARTS.match(node.text):
            yield from _compiled(node, node.text)
        elif not _is_constant(node):
            yield Problem(
                node, f"Expected an expression in ${{…}} in '{node.tag}', but found '{node.text[:100]}'; "
                f"write ${{{node.text[:100]}}} or choose the language",
                f"'{node.tag}' 应为 ${{…}} 形式的表达式，但实际为 '{node.text[:100]}'；请改写或指定语言",
            )


def _is_constant(node: Node) -> bool:
    if node.tag == "loopCardinality":
        return re.fullmatch(r"[+-]?\d+", node.text) is not None
    return node.text in {"true", "false"}


@rule("complex-condition")
def complex_condition(document: Document) -> Iterator[Problem]:
    """A condition must be able to be true: a number is none."""
    for node in document.all(*CONDITIONS):
        if re.fullmatch(r"[$#]\{\s*[-+]?[\d.]+\s*\}", node.text):
            yield Problem(
                node, f"Expected a condition that is true or false, but found the number {node.text}",
                f"条件的结果应为真或假，但实际为数字 {node.text}", to_execute(document, node),
            )


@rule("timer-text")
def timer_text(document: Document) -> Iterator[Problem]:
    for node in document.all(*TIMERS):
        drawing = document.is_drawing(node) and node.inside("definitions") is not node.parent
        if STARTS.search(node.text):
            yield from _compiled(node, node.text, "warning" if drawing else None)
            continue
        if _is_feel(node):
            continue
        try:
            timers.parse(TIMERS[node.tag], node.text)
        except errors.InvalidInput as error:
            yield Problem(
                node, f"{error.message}; write for example {EXAMPLES[node.tag]}",
                f"无法识别定时器 {node.tag} 的内容 '{node.text[:100]}'；例如应写为 {EXAMPLES[node.tag]}",
                "warning" if drawing else None,
            )


EXAMPLES = {"timeDate": "2027-01-31T09:00:00", "timeDuration": "PT2H", "timeCycle": "R3/PT1H"}


@rule("extension-expression")
def extension_expression(document: Document) -> Iterator[Problem]:
    """What people fill in beside the diagram: assignees, due dates, mappings."""
    for node in document.nodes:
        for name, value in node.attributes.items():
            if name.startswith("camunda:") and name[8:] in EXPRESSION_ATTRIBUTES and STARTS.search(value):
                yield from _compiled(node, value.strip(), to_execute(document, node))
    for tag in ("camunda:in", "camunda:out"):
        for node in document.all(tag):
            for name in ("sourceExpression", "businessKey"):
                if STARTS.search(node.get(name)):
                    yield from _compiled(node, node.get(name), to_execute(document, node))
    for node in document.all(*EXPRESSION_ELEMENTS, "formalExpression", "from", "transformation"):
        if STARTS.search(node.text) and not _is_feel(node):
            yield from _compiled(node, node.text, to_execute(document, node))


def _compiled(node: Node, text: str, level: str | None = None) -> Iterator[Problem]:
    try:
        compile_expression(text)
    except errors.ExpressionError as error:
        yield Problem(
            node, f"Expected a readable expression in {node.tag}, but found '{text[:100]}': {error.message}",
            f"{node.tag} 中的表达式 '{text[:100]}' 无法识别：{error.message}",
            "warning" if level == "warning" else None,
        )
