"""Rules on expressions and timers: typed where the file claims the letter, readable, in a language that is executed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from casepath.engine import errors
from casepath.engine.bpmn.validation.document import XSI_TYPE, Document, Node
from casepath.engine.bpmn.validation.rules import Breach, Level, rule, to_execute
from casepath.engine.decisions import feel
from casepath.engine.expressions import compile_expression
from casepath.engine.phrases import Phrase
from casepath.engine.time import clock, timers

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
def expression_type(document: Document) -> Iterator[Breach]:
    for node in document.all(*FORMAL):
        above = node.parent
        if not document.is_executable(node) or (above is not None and above.tag == "complexBehaviorDefinition"):
            continue
        if node.attributes.get(XSI_TYPE, "").rpartition(":")[2] != "tFormalExpression":
            yield Breach(
                node,
                "Expected xsi:type='tFormalExpression' on '{tag}' of a process to execute; add it",
                tag=node.tag,
            )


@rule("expression-language")
def expression_language(document: Document) -> Iterator[Breach]:
    for node in document.all(*FORMAL):
        language = node.get("language")
        if not _is_read(node) and not document.is_drawing(node):
            yield Breach(
                node,
                "Expected an expression in ${{…}} or FEEL, but found language '{language}'; it is not executed here",
                language=language,
            )


@rule("condition-text")
def condition_text(document: Document) -> Iterator[Breach]:
    for node in document.all(*CONDITIONS, "loopCardinality"):
        language = _language(document, node)
        if document.is_drawing(node) or node.get("camunda:resource") or not _is_read(node):
            continue
        if not node.text:
            yield Breach(
                node,
                "Expected an expression such as ${{amount > 100}} in '{tag}', but found nothing",
                tag=node.tag,
            )
        elif STARTS.search(node.text) or _is_feel(document, node):
            yield from _read(document, node, node.text)
        elif _constant(node.text) is not None:
            continue  # `true`, or 3 instances: the same in every language
        elif READ_LANGUAGES.search(language) is None:
            yield Breach(
                node,
                "Expected an expression in ${{…}} or FEEL, but found '{text}' in language '{language}'",
                text=node.text,
                language=language,
            )
        else:
            yield from _bare(node)


def _bare(node: Node) -> Iterator[Breach]:
    """Without a language and without `${…}` a text is read as if it had them."""
    shown = node.text[:100]
    try:
        compile_expression(node.text, bare=True)
    except errors.ExpressionError as error:
        yield Breach(
            node,
            "Expected an expression such as ${{amount > 100}} in '{tag}', but found '{shown}': {reason}",
            tag=node.tag,
            shown=shown,
            reason=error.phrase,
        )
    else:
        yield Breach(
            node,
            "Expected ${{…}} around the expression in '{tag}', but found '{shown}'; it is read as ${{{shown}}}",
            "warning",
            tag=node.tag,
            shown=shown,
        )


@rule("constant-value")
def constant_value(document: Document) -> Iterator[Breach]:
    """What is made of constants has its value already: a condition is true or false, a number not negative."""
    for node in document.all(*CONDITIONS, "loopCardinality"):
        if document.is_drawing(node) or not node.text or _is_feel(document, node):
            continue
        value = _constant(node.text)
        number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if value is None or (number if node.tag == "loopCardinality" else isinstance(value, bool)):
            continue
        counts = node.tag == "loopCardinality"
        yield Breach(
            node,
            "Expected {wanted} as '{tag}', but '{text}' is always {value}",
            wanted=Phrase("a whole number from 0") if counts else Phrase("true or false"),
            tag=node.tag,
            text=node.text,
            value=value,
        )


def _constant(text: str) -> object:
    """The value of an expression that reads nothing and calls nothing; None where it has none."""
    try:
        expression = compile_expression(text, bare=STARTS.search(text) is None)
        return None if expression.names or expression.functions else expression.evaluate({})
    except errors.EngineError:
        return None


@rule("timer-text")
def timer_text(document: Document) -> Iterator[Breach]:
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
            yield Breach(
                node,
                "{reason}; write for example {examples}",
                level,
                reason=error.phrase,
                examples=EXAMPLES[node.tag],
                tag=node.tag,
                text=node.text,
            )


EXAMPLES = {"timeDate": "2027-01-31T09:00:00", "timeDuration": "PT2H", "timeCycle": "R3/PT1H"}


@rule("timer-past", "warning")
def timer_past(document: Document) -> Iterator[Breach]:
    """A date that is over already comes at once, whenever it is waited for."""
    for node in document.all("timeDate"):
        if STARTS.search(node.text) or _is_feel(document, node) or document.is_drawing(node):
            continue
        try:
            due = timers.schedule("date", node.text, clock.now(), clock.zone_of(None).key).at
        except errors.InvalidInput:
            continue
        if due < clock.now():
            yield Breach(
                node,
                "Expected a moment that is still to come, but {text} is over: it comes at once",
                text=node.text.strip(),
            )


@rule("extension-expression")
def extension_expression(document: Document) -> Iterator[Breach]:
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


def _read(document: Document, node: Node, text: str, level: Level | None = None) -> Iterator[Breach]:
    """What is wrong with an expression: `${…}` in it decides, else its language."""
    try:
        if _is_feel(document, node) and not STARTS.search(text):
            feel.compile_feel(text.removeprefix("="))
        else:
            compile_expression(text)
    except errors.ExpressionError as error:
        yield Breach(
            node,
            "Expected a readable expression in '{tag}', but found '{text}': {reason}",
            level,
            tag=node.tag,
            text=text,
            reason=error.phrase,
        )
