"""
What deployment checks in one BPMN file, before anything runs: `check` gives all findings at once.

    document        the file with its indexes
    metamodel       which elements, attributes and values BPMN knows
    rules           the registry
    structure, references, flows, events, gateways, activities, loops, items, collaboration, expressions, dialects,
    execution, lengths, mentions
                    the rules by area, each one small function
    reachability    the warnings that need the graph
    effects         the warnings of what has no effect
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from lxml import etree

from casepath.engine import errors
from casepath.engine.bpmn.validation import (
    activities,
    collaboration,
    dialects,
    effects,
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
from casepath.engine.bpmn.validation.document import (
    EMPTY,
    EVENT_DEFINITIONS,
    FLOW_NODES,
    Document,
    Node,
    is_unsaid,
)
from casepath.engine.bpmn.validation.rules import RULES, Breach, Rule, is_by_the_letter
from casepath.engine.phrases import Phrase

__all__ = ["Checked", "check"]

#: Imported for the rules they register.
AREAS = (
    activities,
    collaboration,
    dialects,
    effects,
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


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check has found."""

    #: Errors first, each group in the order of the file.
    findings: list[errors.Finding]
    #: Ids of the processes that are not to be executed: they say so, or say nothing and cannot be.
    drawings: frozenset[str]
    #: Ids of those that say nothing, and why some of them cannot be executed.
    unsaid: frozenset[str]
    unfit: Mapping[str, Phrase]


def check(
    root: etree._Element,
    file: str,
    extensions: frozenset[str] = frozenset(),
    drawings: Mapping[str, Phrase] = EMPTY,
) -> Checked:
    """
    Check one BPMN file.

    `extensions` are full tags of elements beyond those of BPMN; they are checked as tasks. `drawings` are processes
    that do not say whether they are to be executed, and are known already not to be executable, with the reason. Looks
    at nothing outside the file, and never raises.
    """
    document = Document(root, extensions, drawings)
    if document.root.tag != "definitions":
        wrong = errors.Finding(
            level="error",
            code="not-bpmn",
            file=file,
            line=document.root.line,
            phrase=Phrase("Expected the BPMN 2.0 root 'definitions', but found '{tag}'", tag=document.root.tag),
        )
        return Checked(findings=[wrong], drawings=frozenset(), unsaid=frozenset(), unfit={})
    unsaid = frozenset(process.id for process in document.all("process") if is_unsaid(process))
    reasons: dict[str, Phrase] = {}
    findings = []
    for rule in RULES:
        for breach in islice(rule.check(document), MAX_BREACHES):
            finding = as_finding(document, rule, breach, file)
            findings.append(finding)
            if finding is not None and finding.level == "error":
                process = document.process(breach.node)
                for key in (unsaid if process is None else unsaid & {process.id}) - drawings.keys():
                    reasons.setdefault(key, finding.phrase)
    if reasons:
        return check(root, file, extensions, {**drawings, **reasons})
    unique = list(dict.fromkeys(finding for finding in findings if finding is not None))
    unique.sort(key=lambda finding: (finding.level, finding.line))
    drawn = frozenset(process.id for process in document.all("process") if document.is_drawing(process))
    return Checked(findings=unique, drawings=drawn, unsaid=unsaid, unfit=drawings)


def as_finding(document: Document, rule: Rule, breach: Breach, file: str) -> errors.Finding | None:
    """Return what is reported of a breach; None where its rule does not mind it in this file."""
    level = breach.level or rule.level
    if level == "letter":
        if not is_by_the_letter(document, breach.node):
            return None
        level = "error"
    if level == "error" and document.is_in_drawing(breach.node):
        # Whatever is drawn: nothing of it is executed.
        level = "warning"
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
