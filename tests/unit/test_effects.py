"""What has no effect is warned of: a sample of the models, of which `python -m tests.effects` looks at every piece."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from casepath.engine.bpmn.validation.rules import RULES
from tests.diagrams import nodes, process
from tests.each import each
from tests.effects import models, reading
from tests.effects.silent import pieces_of, silent
from tests.unit import dmn_files

FILE = Path("p.bpmn")
CHOSEN = random.Random(7)
#: Of the models of the rules all pieces are looked at, of a process some.
SMALL, PIECES = 60, 25


def names(content: bytes) -> list[str]:
    """What is said in vain in a file, without a warning."""
    return [piece.name for piece in silent(FILE, content)]


@each("path, content", CHOSEN.sample([model for model in models.own() if not model[0].is_absolute()], SMALL))
def test_small_model__says_nothing_in_vain(path: Path, content: bytes) -> None:
    assert [str(piece) for piece in silent(path, content)] == []


@each("suffix", [".bpmn", ".dmn"])
def test_process__says_nothing_in_vain(suffix: str) -> None:
    found = [model for model in models.files(models.ROOT / "processes") if model[0].suffix == suffix]
    path, content = CHOSEN.choice(found)
    pieces = list(pieces_of(path, content))

    chosen = CHOSEN.sample(pieces, min(PIECES, len(pieces)))

    assert [str(piece) for piece in silent(path, content, chosen)] == []


@each(
    "element",
    [
        '<userTask id="A" camunda:jobPriority="3"/>',
        '<userTask id="A" camunda:assignee="kim" implementation="##WebService"/>',
        '<scriptTask id="A" scriptFormat="feel" camunda:assignee="kim"><script>1</script></scriptTask>',
        '<serviceTask id="A" camunda:topic="t" camunda:exclusive="false"/>',
        '<userTask id="A"><extensionElements><camunda:formData><camunda:formField id="f"/></camunda:formData>'
        "</extensionElements></userTask>",
        '<userTask id="A"><extensionElements><x:y xmlns:x="urn:x" z="1">t</x:y></extensionElements></userTask>',
        '<callActivity id="A" calledElement="q" camunda:calledElementVersion="2"/>',
        '<exclusiveGateway id="A" camunda:asyncAfter="true"/>',
        '<userTask id="A"><auditing/></userTask>',
        '<serviceTask id="A" camunda:topic="t" camunda:resultVariable="r"/>',
        '<serviceTask id="A" camunda:expression="${1}"/>',
    ],
)
def test_warning__of_what_has_no_effect(element: str) -> None:
    content = process(nodes("startEvent S; endEvent E"), element, flow="S > A; A > E")

    assert names(content) == []


ARGUMENT = """<decision id="d" name="d"><variable name="d"/><knowledgeRequirement><requiredKnowledge href="#f"/>
</knowledgeRequirement><invocation><literalExpression><text>f</text></literalExpression><binding>
<parameter name="x" typeRef="string"/><literalExpression><text>1</text></literalExpression></binding></invocation>
</decision><businessKnowledgeModel id="f" name="f"><variable name="f"/><encapsulatedLogic kind="FEEL">
<formalParameter name="x"/>
<literalExpression><text>x</text></literalExpression></encapsulatedLogic></businessKnowledgeModel>"""
DATE = {"type": "datetime", "subtype": "date", "key": "day", "id": "day", "label": "Day", "dateLabel": "Date"}


@each("file, content", {
    "t.dmn": dmn_files.definitions(ARGUMENT),
    "u.dmn": dmn_files.definitions("<extensionElements><t:testCases xmlns:t='http://www.omg.org/spec/DMN/20160719/testcase'>"
                                   "<t:testCase name='x'/></t:testCases></extensionElements>",
                                   dmn_files.decision("d", dmn_files.literal("1"))),
    "f.form": json.dumps({"id": "f", "components": [DATE]}).encode(),
    "p.bpmn": process(nodes("startEvent S; endEvent E"), flow="S > E", root="<signal id='s' name='s'/>"
                      "<signalEventDefinition id='unused' signalRef='s'/>"),
}.items())  # fmt: skip
def test_warning__beside_what_is_used(file: str, content: bytes) -> None:
    path = Path(file)

    assert [piece.name for piece in silent(path, content)] == []
    assert any("no effect" in each.message for each in reading.of(path, content).findings)


def test_checker__finds_what_nobody_warns_of(monkeypatch: pytest.MonkeyPatch) -> None:
    content = process(nodes("startEvent S; endEvent E"),
                      '<userTask id="A" camunda:jobPriority="3" camunda:assignee="kim"><auditing/></userTask>',
                      flow="S > A; A > E")  # fmt: skip
    monkeypatch.setattr("casepath.engine.bpmn.validation.RULES", [rule for rule in RULES if rule.code != "no-effect"])

    assert names(content) == ["jobPriority", "auditing"]


def test_checker__leaves_drawings_alone() -> None:
    content = process(nodes("startEvent S"), '<task id="A" implementation="x"/>', flow="S > A")

    assert names(content.replace(b'isExecutable="true"', b'isExecutable="false"')) == []
