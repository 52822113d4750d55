"""What the guidance of the dealership tells for the customer at hand: only what concerns him, and that everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from casepath.engine import database, forms
from casepath.engine.deployments import definitions
from casepath.engine.queries import deployed
from tests import database as databases
from tests.each import each

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
#: Here the customer is satisfied, has not complained, or is not spoken to.
WITHOUT_DEMANDS = {"root_cause", "appointment", "follow_up", "improvement", "improvement_plan", "monthly_review",
                   "oem_answer", "sales_standard", "web_report"}  # fmt: skip

Tell = Callable[..., str]


@pytest.fixture(scope="module")
def tell(dealership_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tell]:
    """Tells the guidance for an element of a process, values as they are stored; it only reads."""
    definitions.forget()
    pool = database.connect(databases.copy_file(dealership_file, tmp_path_factory.mktemp("guidance") / "casepath.db"))
    sessions = database.sessions(pool)

    def told(process: str, element: str, language: str = "zh", **known: Any) -> str:
        with sessions.begin() as session:
            definition = definitions.latest(session, "process", process)
            found = deployed.filled_guidance(
                session, definition.id, element, language, known, lambda _, value: str(value)
            )
        assert found is not None
        return found

    yield told
    pool.dispose()


MOODS = {
    "upset": "我能想象你当时觉得多么麻烦",
    "unfamiliar": "您也考虑一下吗",
    "dislikes": "我很同意您的观点",
    "undecided": "您有没有更好的处理建议呢",
}


@each("mood", list(MOODS))
def test_technique__of_the_moment_with_its_phrases(tell: Tell, mood: str) -> None:
    told = tell("first_contact", "contact_customer", customer_mood=[mood])

    assert [each for each, phrase in MOODS.items() if phrase in told] == [mood]


def test_type__its_row_alone_and_whose_advice_it_is(tell: Tell) -> None:
    exacting = tell("resolution", "inform_customer", customer_type="exacting")
    sociable = tell("resolution", "inform_customer", customer_type="sociable")

    assert "报价尤为重要" in exacting
    assert "跑题" not in exacting.replace("不要走题", "")
    assert "本店建议" not in exacting
    assert "本店建议" in sociable
    assert "应对方法" not in tell("resolution", "inform_customer")


@each("motive, advice", [("habit", "只需做一个倾听者"), ("leverage", "对无理要求应明确说不")])
def test_motive__what_to_do(tell: Tell, motive: str, advice: str) -> None:
    assert advice in tell("first_contact", "contact_customer", complaint_motive=motive)
    assert advice not in tell("first_contact", "contact_customer")


def test_demands__their_rules_at_every_task_until_the_customer_is_satisfied(tell: Tell) -> None:
    asked = {
        (path.parent.name, task.get("id"), task.get("{http://camunda.org/schema/1.0/bpmn}formKey"))
        for path in PROCESSES.glob("*/*.bpmn")
        for task in etree.parse(path).iterfind(".//{*}userTask")
        if path.parent.name not in WITHOUT_DEMANDS
    }
    # Where demands are ticked, their rules stand in the form.
    silent = [
        (folder, task)
        for folder, task, form in sorted(asked)
        if "decisions.demand_rules" not in (PROCESSES / folder / "forms" / f"{form}.form").read_text("utf-8")
        and not ("一个声音" in (told := tell(folder, task, demands=["media", "lost_earnings"])) and "慰问金" in told)
    ]

    assert len(asked) > 30
    assert silent == []


@each("proof", ["yes", "no"])
@each("cost", ["low", "high"])
def test_cause__none_is_without_a_rule(tell: Tell, proof: str, cost: str) -> None:
    path = PROCESSES / "sales_service_complaint" / "forms" / "investigate_service.form"
    (field,) = [field for field in forms.parse(path.read_bytes(), path.name).fields if field.key == "cause"]

    told = {
        cause: tell("sales_service_complaint", "investigate", cause=cause, proof=proof, handling_cost=cost)
        for cause in field.values
    }

    assert len(told) == 9
    assert [cause for cause, text in told.items() if "这类原因的处理规则" not in text] == []


@each("cause, rule", [("pdi_missed", "要先行赔付"), ("misunderstanding", "尽力消除误会"), ("procedures", "当时处理")])
def test_cause__its_rule_as_soon_as_it_is_chosen(tell: Tell, cause: str, rule: str) -> None:
    told = tell("sales_service_complaint", "investigate", cause=cause, proof="yes", handling_cost="low")

    assert rule in told
    assert "The rule for this cause" in tell(
        "sales_service_complaint", "investigate", "en", cause=cause, proof="yes", handling_cost="low"
    )
