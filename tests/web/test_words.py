"""Reasons in words: what variables and values are called by forms, texts of the deployment, tables and groups."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database.models import Group
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances
from tests import diagrams
from tests.acting import PROGRAM
from tests.web.visitor import Visitor, text

TEXTS = {
    "zh": {
        "variables.grade": "分级", "variables.grade.high": "高级", "variables.team": "小组", "variables.told": "已告知"
    },
    "en": {"variables.grade": "Grade", "variables.grade.medium": "Medium", "grading": "Grading", "in_1": "Asked for",
           "out_3": "Cause"},
}
TABLE = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">
<decision id="grading" name="定级"><decisionTable id="t" hitPolicy="FIRST">
<input id="in_1" label="要求"><inputExpression id="e"><text>demands</text></inputExpression></input>
<output id="out_1" name="grade" typeRef="string"/>
<output id="out_2" name="why" label="原因" typeRef="string"/><output id="out_3" name="why_en" typeRef="string"/>
<rule id="r1"><description>媒体 / media</description><inputEntry id="i1"><text>list contains(?, "media")</text>
</inputEntry><outputEntry id="o1"><text>"high"</text></outputEntry><outputEntry id="o2"><text>"甲"</text></outputEntry>
<outputEntry id="o3"><text>"A"</text></outputEntry></rule>
<rule id="r2"><inputEntry id="i2"><text>-</text></inputEntry><outputEntry id="o4"><text>"medium"</text></outputEntry>
<outputEntry id="o5"><text>"乙"</text></outputEntry><outputEntry id="o6"><text>"B"</text></outputEntry></rule>
</decisionTable></decision></definitions>"""
FORM = {"id": "asked", "components": [{
    "id": "f", "type": "checklist", "key": "demands", "label": "要求", "properties": {"options_en": "Media|Return"},
    "values": [{"label": "媒体", "value": "media"}, {"label": "退车", "value": "return"}],
}]}  # fmt: skip


@pytest.fixture
def matter(rows: sessionmaker[Session]) -> str:
    """A matter that a gateway has sent on because of a table's answer, and to whom because of a group."""
    definitions.forget()
    drawn = diagrams.process(
        '<startEvent id="s"/>',
        '<businessRuleTask id="b" name="定级" camunda:decisionRef="grading" camunda:resultVariable="grade" '
        'camunda:mapDecisionResult="singleResult"/>',
        '<exclusiveGateway id="g" name="谁？"/><userTask id="t" name="处理" camunda:candidateGroups="service"/>'
        '<userTask id="u" name="其他"/>',
        flow="s > b; b > g; g > t [${grade.grade == 'high' && team == 'service'}]; g > u",
    ).replace(b'id="g" name', b'id="g" default="g_u" name')
    files = {"p.bpmn": drawn, "grading.dmn": TABLE.encode(), "forms/asked.form": json.dumps(FORM).encode()}
    files |= {f"texts.{language}.json": json.dumps(said).encode() for language, said in TEXTS.items()}
    with rows.begin() as session:
        session.get_one(Group, "service").name = "服务部"
        deployments.deploy(session, files, name="p", by=PROGRAM)
        process_instances.start(
            session,
            "p",
            {"demands": ["media"], "team": "service", "told": "service,service"},
            business_key="W-1",
            by=PROGRAM,
        )
    return "W-1"


@pytest.fixture
def read(visit: Callable[[str | None], Visitor]) -> Callable[[str, str], str]:
    """Read a page in a language as the director, who sees everything."""

    def page(address: str, language: str) -> str:
        director = visit("director")
        director.post("/language", {"language": language, "next": "/"})
        return text(director.get(address))

    return page


def test_reasons__are_told_in_words(matter: str, read: Callable[[str, str], str]) -> None:
    chinese, english = (read(f"/matters/show/{matter}?steps=all", language) for language in ("zh_CN", "en"))

    assert "分级：高级" in chinese
    assert "Grade: high" in english  # has no English word: it is told as it is
    assert "<dt>原因</dt><dd>甲</dd>" in chinese
    assert "<dt>Cause</dt><dd>A</dd>" in english
    assert "grade" not in reasons(chinese)
    assert "小组＝服务部" in reasons(chinese)
    assert "服务部、服务部" in chinese  # two groups in one text


def reasons(page: str) -> str:
    """Return the reasons that the timeline of a matter's page tells."""
    return "".join(part.partition("</ul>")[0] for part in page.split('<ul class="reasons small">')[1:])


def test_table__is_in_one_language(matter: str, read: Callable[[str, str], str]) -> None:
    chinese, english = (read("/processes/decisions/grading", language) for language in ("zh_CN", "en"))

    assert '<td title="list contains(?, &#34;media&#34;)">含媒体</td>' in chinese
    assert [each for each in ("高级</td>", "甲</td>") if each not in chinese] == []
    assert "A</td>" not in chinese
    assert '<td class="soft">媒体</td>' in chinese
    told = ("contains Media</td>", "Asked for</th>", "<h1>Grading</h1>", "A</td>", '<td class="soft">media</td>')
    assert [each for each in told if each not in english] == []
    assert "甲" not in english
