"""Who approves what is promised to a customer: nobody promises on an authority that the table does not give him."""

from __future__ import annotations

import re
from pathlib import Path

from casepath.engine.decisions import dmn
from tests.each import each

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
TABLE = PROCESSES / "shared" / "promise_limits.dmn"


@each(
    "proposer, remedies, amount, approver",
    [
        ("front_desk", ["apology"], 0, "none"),
        ("front_desk", ["money"], 100, "customer_director"),
        ("service_advisor", ["money"], 2000, "after_sales_director"),
        ("service_advisor", ["money"], 2001, "general_manager"),
        ("service_manager", ["money"], 1000, "none"),
        ("service_manager", ["money"], 1001, "after_sales_director"),
        ("service_manager", ["free_parts"], 0, "after_sales_director"),
        ("service_manager", ["money"], 2001, "general_manager"),
        ("showroom_manager", ["gift_parts"], 500, "none"),
        ("sales_manager", ["money"], 1500, "sales_director"),
        ("retail_manager", ["free_parts"], 0, "sales_director"),
        ("showroom_manager", ["free_assembly"], 0, "general_manager"),
        ("customer_director", ["money"], 1000, "none"),
        ("customer_director", ["free_parts"], 0, "general_manager"),
        ("sales_director", ["free_parts", "money"], 2000, "none"),
        ("general_manager", ["money"], 10000, "none"),
        ("general_manager", ["money"], 10001, "oem_regional_manager"),
    ],
)
def test_limits__of_each_function(proposer: str, remedies: list[str], amount: int, approver: str) -> None:
    table = dmn.parse(TABLE.read_bytes(), TABLE.name)
    promise = {"proposer_group": proposer, "remedies": remedies, "promised_amount": amount}

    assert table.evaluate("promise_limits", promise).value == approver


def test_limits__whoever_may_be_in_contact_has_one() -> None:
    """Who completes the contact promises by his own function; without one he would pass for the front desk."""
    (column, *_) = dmn.parse(TABLE.read_bytes(), TABLE.name).tables[0].inputs
    for process, task in (("first_contact", "contact_customer"), ("major_contact", "contact_major")):
        text = (PROCESSES / process / f"{process}.bpmn").read_text("utf-8")
        (given,) = re.findall(rf'<bpmn:userTask id="{task}".*? camunda:candidateGroups="([^"]+)"', text)
        (judged,) = re.findall(r"currentGroup\(([^)]+)\)", text)
        candidates = set(re.findall(r"[a-z_]{3,}", re.sub(r"\$\{.*?\?", "", given)))

        assert candidates <= set(re.findall(r"'(\w+)'", judged)), task
        assert candidates <= set(re.findall(r'"(\w+)"', column.allowed))
