"""The checks of a diagram: every rule finds what breaks it and names the element, and nothing in what is in order."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from casepath.engine import errors, xml
from casepath.engine.bpmn.validation import check, document, metamodel
from casepath.engine.bpmn.validation.rules import RULES
from tests import breaches, respelling
from tests.breaches import activities, collaboration, events, execution, flows, lengths, structure
from tests.diagrams import definitions, nodes, process
from tests.each import each
from tests.phrases import chinese
from tests.token_game import models, writer

BREACHES = [
    breach
    for area in (activities, collaboration, events, execution, flows, lengths, structure)
    for breach in area.BREACHES
]
SOUND = {
    name: file for area in (collaboration, execution, flows, lengths, structure) for name, file in area.SOUND.items()
}


def findings(file: bytes) -> list[errors.Finding]:
    """What the check of a file finds."""
    return check(xml.parse(file, "test.bpmn"), "test.bpmn").findings


def codes(file: bytes, level: str = "error") -> set[str]:
    """The rules that a file breaks."""
    return {finding.code for finding in findings(file) if finding.level == level}


@each("breach", BREACHES)
def test_breach__is_found_at_the_element(breach: breaches.Breach) -> None:
    found = {(finding.code, finding.element_id, finding.level) for finding in findings(breach.file)}

    assert (breach.code, breach.element, breach.level) in found


@each("breach", BREACHES)
def test_breach__is_told_in_both_languages(breach: breaches.Breach) -> None:
    for finding in findings(breach.file):
        assert re.search(r"[A-Z]\w+ ", finding.message)
        assert re.search(r"[\u4e00-\u9fff]", chinese(finding.phrase))
        assert (finding.file, finding.line) == ("test.bpmn", 1)


def test_every_rule__has_a_breach() -> None:
    assert {rule.code for rule in RULES} - {breach.code for breach in BREACHES} == set()


def test_rules__have_names_of_their_own() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)


@each("name", SOUND)
def test_sound_diagram__has_no_findings(name: str) -> None:
    assert [found for found in findings(SOUND[name]) if found.code != "no-effect"] == []


@each("breach", [breach for breach in BREACHES if breach.code != "flow-list"])
def test_breach__is_found_however_it_is_written(breach: breaches.Breach) -> None:
    assert breach.code in codes(respelling.respell(breach.file), breach.level)


@each("seed", range(15))
def test_model_that_runs__is_not_refused(seed: int) -> None:
    model = models.generate(seed)
    file = writer.write(list(model.processes), writer.Spelling.random(random.Random(seed)))

    assert codes(file) == set()


def test_letter_of_the_standard__is_not_asked_of_the_dialect() -> None:
    plain = process(breaches.FRAME, nodes("intermediateThrowEvent T"), flow="S > A; A > E; A > T")

    assert codes(plain) == set()
    assert codes(breaches.by_the_letter(plain)) == {"event-flows", "flow-missing"}


def test_check__finds_all_at_once_errors_first() -> None:
    file = process(breaches.FRAME, '<userTask id="B"/>', flow="S > A; A > E; E > A; A > S")

    found = [(finding.level, finding.code) for finding in findings(file)]

    assert {code for _, code in found} >= {"end-outgoing", "start-incoming", "flow-missing", "label-missing"}
    assert [level for level, _ in found] == sorted(level for level, _ in found)


def test_check__refuses_what_is_no_bpmn() -> None:
    [finding] = findings(b"<definitions><process/></definitions>")

    assert (finding.code, finding.level) == ("not-bpmn", "error")


def test_drawing__may_leave_open_what_only_execution_needs() -> None:
    file = process(
        breaches.FRAME,
        '<serviceTask id="J" name="J" camunda:class="a.B"/>',
        flow="S > A; A > J; J > E [when it is ready]",
    )

    assert codes(file) == {"java-behind", "condition-text"}
    assert codes(file.replace(b'isExecutable="true"', b'isExecutable="false"')) == set()


@pytest.mark.parametrize("namespace", sorted(document.DIALECTS))
def test_dialects__are_read_alike(namespace: str) -> None:
    file = process(breaches.FRAME, '<serviceTask id="J" name="J" camunda:class="a.B"/>', flow="S > A; A > J; J > E")

    spelled = file.replace(b"http://camunda.org/schema/1.0/bpmn", namespace.encode())

    assert codes(spelled) == {"java-behind"}


def test_ids_of_extensions__may_repeat() -> None:
    field = '<extensionElements><camunda:formField id="A"/></extensionElements>'

    assert codes(process(breaches.FRAME, breaches.task("B", field), flow="S > A; A > B; B > E")) == set()


def test_findings__stay_readable_in_a_hostile_file() -> None:
    file = definitions(*(f"<nonsense id='{'x' * 5000}{number}'/>" for number in range(300)))

    found = findings(file)

    assert len(found) < 1000
    assert max(len(finding.message) for finding in found) <= 1000


PARTS = """
    sequenceFlow association messageFlow participant lane laneSet flowNodeRef incoming outgoing ioSpecification
    dataInput dataOutput inputSet outputSet dataInputAssociation sourceRef targetRef multiInstanceLoopCharacteristics
    standardLoopCharacteristics loopCardinality complexBehaviorDefinition event timeDuration conditionExpression
    participantMultiplicity performer resourceRef eventDefinitionRef operation conversation dataObjectReference source
    extensionElements target
"""
TAGS = sorted(
    {*document.FLOW_NODES, *document.EVENT_DEFINITIONS, *metamodel.GROUPS["rootElement"].split(), *PARTS.split()}
)
NAMES = """
    attachedToRef behavior calledElement dataObjectRef default expressionLanguage gatewayDirection id
    initiatingParticipantRef instantiate isExecutable isForCompensation itemSubjectRef language loopMaximum maximum
    messageRef minimum name operationRef processRef signalRef sourceRef startQuantity targetRef triggeredByEvent
"""
ATTRIBUTES = sorted(NAMES.split())
VALUES = st.sampled_from(["a", "b", "c", "", " ", "true", "-1", "${x", "a:b", "None", "Complex", "\u4e00", "9" * 400])
#: Tag, attributes, text, and what is inside.
Tree = tuple[str, dict[str, str], str, list["Tree"]]
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.tuples(
        st.sampled_from(TAGS), st.dictionaries(st.sampled_from(ATTRIBUTES), VALUES, max_size=4), VALUES, st.just([])
    ),
    lambda children: st.tuples(
        st.sampled_from([*document.SCOPES, "collaboration", *TAGS]),
        st.dictionaries(st.sampled_from(ATTRIBUTES), VALUES, max_size=4),
        VALUES,
        st.lists(children, max_size=6),
    ),
    max_leaves=25,
)


def build(tree: Tree, parent: etree._Element) -> None:
    """Add a generated tree below an element."""
    tag, attributes, text, below = tree
    element = etree.SubElement(parent, f"{{{document.BPMN}}}{tag}", attributes)
    element.text = text
    for child in below:
        build(child, element)


@settings(max_examples=80, deadline=None)
@given(st.lists(TREES, max_size=5), st.dictionaries(st.sampled_from(ATTRIBUTES), VALUES, max_size=2))
def test_check__never_raises(trees: list[Tree], attributes: dict[str, str]) -> None:
    root = etree.Element(f"{{{document.BPMN}}}definitions", attributes)
    for tree in trees:
        build(tree, root)

    for finding in check(root, "generated.bpmn").findings:
        assert finding.element_id
