"""
What deployment checks in one BPMN file, before anything runs: `check` gives all findings at once.

    document        the file with its indexes
    metamodel       which elements, attributes and values BPMN knows
    rules           the registry
    structure, references, flows, events, gateways, activities, loops, items, collaboration, expressions, execution,
    lengths
                    the rules by area, each one small function
    reachability    the warnings that need the graph
"""

from __future__ import annotations

from itertools import islice

from lxml import etree

from casepath.engine import errors
from casepath.engine.bpmn.validation import (
    activities,
    collaboration,
    events,
    execution,
    expressions,
    flows,
    gateways,
    items,
    lengths,
    loops,
    reachability,
    references,
    structure,
)
from casepath.engine.bpmn.validation.document import EVENT_DEFINITIONS, FLOW_NODES, Document, Node
from casepath.engine.bpmn.validation.rules import RULES, Breach, Rule, is_by_the_letter
from casepath.engine.phrases import Phrase

__all__ = ["check"]

#: Imported for the rules they register.
AREAS = (
    activities,
    collaboration,
    events,
    execution,
    expressions,
    flows,
    gateways,
    items,
    lengths,
    loops,
    reachability,
    references,
    structure,
)

#: Parts that may have an id of their own, but people see what they are a part of.
PARTS = (
    EVENT_DEFINITIONS
    | {*expressions.FORMAL, "formalExpression", "assignment", "inputSet", "outputSet"}
    | {
        "multiInstanceLoopCharacteristics",
        "standardLoopCharacteristics",
        "ioSpecification",
        "complexBehaviorDefinition",
    }
)
#: What is shown, even without an id.
SHOWN = FLOW_NODES | {"sequenceFlow", "messageFlow", "participant", "lane", "process", "association"}
#: Of one rule. Nobody reads more, and a hostile file could ask for millions.
MAX_BREACHES = 200
#: Characters of an id or name.
MAX_NAME = 200


def check(root: etree._Element, file: str, extensions: frozenset[str] = frozenset()) -> list[errors.Finding]:
    """
    All findings of one BPMN file, errors first, each group in the order of the file.

    `extensions` are full tags of elements beyond those of BPMN; they are checked as tasks. Looks at nothing
    outside the file, and never raises.
    """
    document = Document(root, extensions)
    if document.root.tag != "definitions":
        return [
            errors.Finding(
                level="error",
                code="not-bpmn",
                file=file,
                line=document.root.line,
                phrase=Phrase("Expected the BPMN 2.0 root 'definitions', but found '{tag}'", tag=document.root.tag),
            )
        ]
    findings = [
        as_finding(document, rule, breach, file)
        for rule in RULES
        for breach in islice(rule.check(document), MAX_BREACHES)
    ]
    unique = list(dict.fromkeys(finding for finding in findings if finding is not None))
    unique.sort(key=lambda finding: (finding.level, finding.line))
    return unique


def as_finding(document: Document, rule: Rule, breach: Breach, file: str) -> errors.Finding | None:
    """Return what is reported of a breach; None where its rule does not mind it in this file."""
    level = breach.level or rule.level
    if level == "letter":
        if not is_by_the_letter(document, breach.node):
            return None
        level = "error"
    node = _shown(breach.node)
    return errors.Finding(
        level=level,
        code=rule.code,
        file=file,
        element_id=node.label[:MAX_NAME],
        name=node.name[:MAX_NAME],
        line=breach.node.line or node.line,
        phrase=breach.phrase,
    )


def _shown(node: Node) -> Node:
    """The node itself where it has an id or a shape, else the nearest one around it that has."""
    if node.tag in SHOWN or (node.id and node.tag not in PARTS):
        return node
    around = (above for above in node.ancestors() if above.tag in SHOWN or (above.id and above.tag not in PARTS))
    shown = next(around, node)
    return node if shown.tag == "definitions" else shown
