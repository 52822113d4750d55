"""What is resolved in the reports: from its moment until the customer says no, and measured by its own deadline."""

from __future__ import annotations

import pytest

from tests.acceptance.matters import LEARNED, Matter
from tests.november import CALLER, CCAC, DIRECTOR, MANAGER, MEDIUM, ORDINARY, REACHED, REGION, at

#: The longest test has all figures on both kinds of database; the others ask for the same ones.
ONE_KIND = pytest.mark.parametrize("dealership_url", ["sqlite"], indirect=True)
ADVISOR, SALES, AFTER_SALES = "advisor_li", "sales_director_sun", "after_sales_director_zhou"
HEARD = {**REACHED, "dissatisfaction": "low", "loss": "small"}
SPOKEN = {"feedback_way": "phone", "call_outcome": "reached", "feedback_text": "已回答"}


def test_resolved__twice_by_the_department_and_again_after_the_handover(matter: Matter) -> None:
    matter.start("02 09:00", "complaint", ADVISOR, {"category": "repair_quality", **ORDINARY})
    matter.do("02 09:30", ADVISOR, "contact_customer", contact_way="phone", **HEARD, resolved_at_contact="no")
    matter.do("02 10:00", DIRECTOR, "verify_cause", verified_cause="属实", category="repair_quality",
              customer_type="impatient", handling_days=1, **ORDINARY)  # fmt: skip
    matter.do("02 10:00", AFTER_SALES, "sign_receipt", receipt_signed=True)
    matter.do("02 10:00", AFTER_SALES, "investigate", people_heard="当事人", facts="属实", cause="after_sales",
              proof="yes", handling_cost="low", resolved_on_own="yes")  # fmt: skip
    matter.solve(AFTER_SALES, "02", 11)
    matter.do("02 14:00", DIRECTOR, "review_call", review_way="phone", review_outcome="reached", review_satisfied="yes",
              review_note="谈过了", review_is_feedback="no")  # fmt: skip
    assert matter.figures("deadlines", "kept", "missed", "running") == ["1", "0", "0"]

    # The first no: it is open again, with a deadline of one day, and the next solution is refused after it.
    matter.do("03 10:00", CALLER, "ask_feedback", **SPOKEN, satisfied="no", score=3)
    assert matter.figures("deadlines", "kept", "missed", "running") == ["0", "0", "0"]
    matter.do("03 11:00", AFTER_SALES, "ask_help", asked_level="department", asked_department="sales_director",
              help_question="如何解决？", help_until="2026-11-05T10:00")  # fmt: skip
    matter.do("03 11:00", SALES, "answer_help", help_given="可以")
    matter.do("03 11:00", AFTER_SALES, "draw_up_plan", participants=["after_sales_director"], plan="更换",
              plan_due="2026-11-05", negotiable="yes")  # fmt: skip
    matter.solve(AFTER_SALES, "05", 10, agreed="no")
    assert matter.figures("monthly", "overdue") == ["1"]
    assert matter.figures("deadlines", "kept", "missed", "running") == ["0", "0", "1"]

    # It becomes major. The customer had been reached on the first day, at the first attempt.
    matter.tell("05 15:00", ADVISOR, "upgrade_to_major", upgrade_reason="media", upgrade_at=at("05 15:00"),
                upgrade_text="要找媒体")  # fmt: skip
    team = {"team": "钱志远", "contact_way": "phone", "demands": ["media"], "customer_type": "impatient"}
    matter.do("05 15:30", MANAGER, "contact_major", **team, contact_outcome="unreachable")
    matter.do("05 16:00", MANAGER, "contact_major", **team, **REACHED)
    matter.solve(AFTER_SALES, "06", 10)
    matter.do("07 10:00", CALLER, "follow_up", **SPOKEN, satisfied="no", score=3)
    matter.solve(AFTER_SALES, "07", 11)
    matter.do("08 10:00", CALLER, "follow_up", **SPOKEN, satisfied="yes", score=8)
    matter.do("08 11:00", MANAGER, "analyse_root_cause", **LEARNED)

    assert matter.known("dissatisfied_count", "unhappy_count") == [1, 1]
    assert matter.figures("monthly", "resolved", "open", "overdue") == ["1", "0", "0"]
    assert matter.figures("monthly", "contact_in_time", "contact_mean", "reach_rate") == ["100.0", "0.5", "100.0"]
    assert matter.figures("monthly", "handling_mean") == ["124.0"]
    assert matter.figures("deadlines", "kept", "missed", "running") == ["1", "0", "0"]


@ONE_KIND
def test_resolved__not_what_fm_and_ccac_could_not(matter: Matter) -> None:
    matter.start("02 09:00", "major_complaint", DIRECTOR, {"category": "product_quality", "demands": ["court"]})
    matter.do("02 10:00", MANAGER, "contact_major", team="钱志远", contact_way="phone", demands=["court"], **REACHED)
    matter.solve(AFTER_SALES, "02", 11, agreed="no")
    matter.do("03 10:00", REGION, "fm_guide", fm_resources="专家", fm_guidance="更换阀体", fm_can_resolve="yes")
    matter.do("04 10:00", AFTER_SALES, "fm_solve", fm_solution="已更换", fm_completed_on="2026-11-04", fm_resolved="no",
              fm_unresolved_reason="仍有异响")  # fmt: skip
    matter.until("10 10:00")
    assert matter.figures("monthly", "overdue") == ["1"]

    matter.do("10 10:00", CCAC, "ccac_decide", ccac_assessment="提供配件", ccac_measure="resources")
    matter.do("11 10:00", CCAC, "confirm_result", ccac_resolved="no", ccac_unresolved_reason="客户不接受",
              ccac_result="未达成")  # fmt: skip
    matter.until("18 10:00")
    assert matter.figures("monthly", "overdue") == ["1"]
    assert matter.figures("deadlines", "kept", "missed", "running") == ["0", "0", "1"]


@ONE_KIND
def test_resolved__not_where_the_customer_does_not_understand(matter: Matter) -> None:
    matter.start("02 09:00", "complaint", ADVISOR, {"category": "repair_quality", **MEDIUM, "contact_made": True})
    matter.do("02 10:00", DIRECTOR, "verify_cause", verified_cause="误解", category="repair_quality",
              customer_type="impatient", handling_days=1, **MEDIUM)  # fmt: skip
    matter.do("02 10:00", AFTER_SALES, "sign_receipt", receipt_signed=True)
    matter.do("02 10:00", AFTER_SALES, "investigate", people_heard="当事人", facts="属误解", cause="misunderstanding",
              proof="yes", handling_cost="low", resolved_on_own="yes")  # fmt: skip
    matter.do("02 11:00", AFTER_SALES, "explain_to_customer", explanation="说明合同", insurance_guided="no",
              customer_understands="no", explain_result="不接受条款")  # fmt: skip
    matter.until("05 10:00")

    assert matter.figures("monthly", "overdue") == ["1"]


@ONE_KIND
def test_resolved__in_the_contact_not_when_it_is_signed(matter: Matter) -> None:
    matter.start("02 09:00", "complaint", ADVISOR, {"category": "repair_quality", **ORDINARY})
    matter.do("02 10:00", ADVISOR, "contact_customer", contact_way="phone", **HEARD, resolved_at_contact="yes",
              contact_remedies=["apology"], contact_amount=0, contact_solution="当场道歉")  # fmt: skip
    matter.do("03 10:00", DIRECTOR, "verify_cause", verified_cause="属实", category="repair_quality",
              customer_type="impatient", **ORDINARY)  # fmt: skip
    matter.do("04 09:30", AFTER_SALES, "sign_receipt", receipt_signed=True, complaint_cause="等待",
              handling_done="道歉", completed_on="2026-11-02", result="客户接受")  # fmt: skip
    matter.do("04 10:00", DIRECTOR, "review_call", review_way="phone", review_outcome="reached", review_satisfied="yes",
              review_note="满意", review_is_feedback="yes", score=9)  # fmt: skip
    matter.do("04 11:00", AFTER_SALES, "analyse_root_cause", **LEARNED)

    assert matter.figures("monthly", "resolved", "handling_mean") == ["1", "1.0"]
