"""Ten complaints of November 2026, played through the engine with its clock: what a monthly report is checked by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from casepath.demo import EngineStage
from casepath.stories import Story

ZONE = ZoneInfo("Asia/Shanghai")
DIRECTOR, CALLER, SHOWROOM, MANAGER, REGION, CCAC = (
    "customer_director_zhao",
    "caller_liu",
    "showroom_zheng",
    "general_manager_qian",
    "fm_feng",
    "ccac_shen",
)
DEPARTMENTS = {
    "sales_service": "sales_director_sun",
    "repair_quality": "after_sales_director_zhou",
    "parts": "after_sales_director_zhou",
    "product_quality": "after_sales_director_zhou",
    "value_added": "value_added_wu",
}
ORDINARY = {"demands": [], "dissatisfaction": "low", "loss": "small", "irrational": "none"}
MEDIUM = {"demands": ["apology"], "dissatisfaction": "high", "loss": "small", "irrational": "none"}
REACHED = {"contact_outcome": "reached", "customer_statement": "客户说明了情况。"}


def at(text: str) -> datetime:
    """`03 15:00` is a moment of November 2026."""
    return datetime.fromisoformat(f"2026-11-{text.replace(' ', 'T')}:00").replace(tzinfo=ZONE)


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """What is different in one of them; moments as `at` reads them."""

    name: str
    channel: str
    category: str
    received: str
    #: None where it was contacted while it was registered.
    reached: str | None
    resolved: str = ""
    cause: str = ""
    score: int = 0
    grave: Mapping[str, Any]
    not_satisfied: int = 0
    #: Who handled it well.
    praised: str = ""
    #: Days in which it should be handled, where the director says so.
    days: int | None = None


COMPLAINTS = (
    Complaint(
        name="郑先生",
        channel="phone",
        category="sales_service",
        received="02 09:00",
        reached="02 10:00",
        resolved="03 15:00",
        cause="attitude",
        score=8,
        grave=ORDINARY,
    ),
    Complaint(
        name="王女士",
        channel="visit",
        category="repair_quality",
        received="03 17:30",
        reached="04 09:30",
        resolved="05 12:00",
        cause="after_sales",
        score=6,
        grave=MEDIUM,
        not_satisfied=1,
    ),
    Complaint(
        name="冯先生",
        channel="hotline",
        category="parts",
        received="05 10:00",
        reached="05 13:30",
        resolved="12 10:00",
        cause="other",
        score=4,
        grave=ORDINARY,
        days=3,
    ),
    Complaint(
        name="陈女士",
        channel="letter",
        category="sales_service",
        received="08 09:00",
        reached="08 10:30",
        resolved="09 09:00",
        cause="misunderstanding",
        score=9,
        praised="孙涛",
        grave=ORDINARY,
    ),
    Complaint(
        name="褚先生",
        channel="follow_up_call",
        category="value_added",
        received="12 15:00",
        reached=None,
        resolved="13 15:00",
        cause="other",
        score=8,
        grave=ORDINARY,
    ),
    Complaint(
        name="卫女士",
        channel="phone",
        category="sales_service",
        received="16 09:00",
        reached="16 10:00",
        grave=ORDINARY,
    ),
    Complaint(
        name="蒋先生",
        channel="visit",
        category="repair_quality",
        received="18 16:00",
        reached=None,
        resolved="19 10:00",
        cause="after_sales",
        score=9,
        grave=MEDIUM,
    ),
    Complaint(
        name="沈女士",
        channel="fax",
        category="repair_quality",
        received="20 12:00",
        reached="21 09:30",
        resolved="23 12:00",
        cause="product",
        score=5,
        grave=MEDIUM,
        not_satisfied=2,
    ),
)


def play(stage: EngineStage) -> None:
    """Play all ten; the clock then stands at 1 December, 09:00."""
    for number, complaint in enumerate(COMPLAINTS):
        if number == 4:
            _exchanged(stage)
        _handled(stage, complaint)
    _withdrawn(stage)
    stage.move_to(datetime(2026, 12, 1, 9, tzinfo=ZONE))


def _start(stage: EngineStage, process: str, by: str, begun: datetime, variables: Mapping[str, Any]) -> None:
    stage.move_to(begun)
    story = Story(id="november", name={}, process=process, start={}, steps=())
    stage.start(story, by, {"vehicle_model": "途观L", "complaint_text": "见记录。", **variables})
    stage.move_to(begun)


def _do(stage: EngineStage, moment: datetime, by: str, element: str, **variables: Any) -> None:
    stage.move_to(moment)
    stage.complete(by, element, variables)
    stage.move_to(moment)


def _registered(complaint: Complaint) -> dict[str, Any]:
    told: dict[str, Any] = {
        "customer_name": complaint.name,
        "customer_phone": "15400000099",
        "channel": complaint.channel,
    }
    told |= {"category": complaint.category, **complaint.grave}
    return {**told, "received_at": at(complaint.received)} | (
        {"contact_made": True} if complaint.reached is None else {}
    )


def _handled(stage: EngineStage, complaint: Complaint) -> None:
    begun = at(complaint.received)
    _start(stage, "complaint", "front_desk_wang", begun, _registered(complaint))
    reached = begun
    if complaint.reached is not None:
        reached = at(complaint.reached)
        _do(
            stage,
            reached,
            "front_desk_wang",
            "contact_customer",
            contact_way="phone",
            resolved_at_contact="no",
            customer_type="impatient",
            demands=complaint.grave["demands"],
            dissatisfaction=complaint.grave["dissatisfaction"],
            loss="small",
            **REACHED,
        )
    if not complaint.resolved:
        return
    resolved = at(complaint.resolved)
    if complaint.category == "sales_service":
        _do(stage, reached, SHOWROOM, "showroom_verify", showroom_findings="属实。", showroom_proposal="道歉")
    days = {"handling_days": complaint.days} if complaint.days else {}
    _do(
        stage,
        reached,
        DIRECTOR,
        "verify_cause",
        verified_cause="属实。",
        category=complaint.category,
        customer_type="impatient",
        **complaint.grave,
        **days,
    )
    who = DEPARTMENTS[complaint.category]
    _do(stage, reached, who, "sign_receipt", receipt_signed=True)
    _do(
        stage,
        reached,
        who,
        "investigate",
        people_heard="当事人",
        facts="属实。",
        cause=complaint.cause,
        proof="yes",
        handling_cost="low",
        resolved_on_own="yes",
    )
    rounds = complaint.not_satisfied
    for number in range(min(rounds, 1)):
        _solved(stage, who, reached + timedelta(hours=1 + number))
        _asked(stage, reached + timedelta(hours=1 + number), "no", 2)
        _do(
            stage,
            reached + timedelta(hours=1),
            who,
            "ask_help",
            asked_level="department",
            asked_department="sales_director",
            help_question="能否当天解决？",
            help_until="2026-11-30T10:00",
            **({"skip_reason": "备件在销售部"} if complaint.cause == "product" else {}),
        )
        _helped(stage, who, reached + timedelta(hours=1))
    if complaint.cause == "misunderstanding":
        _do(
            stage,
            resolved,
            who,
            "explain_to_customer",
            explanation="说明合同",
            correct_use="无",
            insurance_guided="no",
            customer_understands="yes",
            complaint_cause="误解合同",
            handling_done="说明合同",
            completed_on=resolved.date().isoformat(),
            result="客户接受",
        )
        _asked(stage, resolved, "yes", complaint.score, complaint.praised)
    elif rounds < 2:
        _solved(stage, who, resolved)
        _asked(stage, resolved, "yes", complaint.score)
    else:
        _solved(stage, who, reached + timedelta(hours=2))
        _asked(stage, reached + timedelta(hours=2), "no", 2)
        _do(
            stage,
            resolved,
            MANAGER,
            "general_manager_measures",
            unhappy_cause="配件有误",
            emergency_measure="当场更换",
            remedies=["apology"],
            promised_amount=0,
            promise="当场更换",
        )
        _asked(stage, resolved, "yes", complaint.score)
    if complaint.category == "sales_service":
        _do(stage, resolved, SHOWROOM, "trace_first_person", first_person="销售顾问", showroom_measure="演练接待规范")
    _do(
        stage,
        resolved,
        DIRECTOR,
        "analyse_root_cause",
        root_cause="流程未执行",
        dissatisfaction_kind="process",
        discontent_reasons=["no_rules"],
        gap="procedure",
        improvement="培训",
        improvement_owner="showroom_manager",
        improvement_due="2026-12-31",
    )


def _helped(stage: EngineStage, who: str, moment: datetime) -> None:
    _do(stage, moment, "sales_director_sun", "answer_help", help_given="可以。")
    _do(
        stage,
        moment,
        who,
        "draw_up_plan",
        participants=["after_sales_director"],
        plan="当天更换",
        plan_due="2026-11-30",
        negotiable="yes",
    )


def _solved(stage: EngineStage, who: str, moment: datetime) -> None:
    day = moment.date().isoformat()
    _do(
        stage,
        moment,
        who,
        "propose_remedy",
        remedies=["apology"],
        promised_amount=0,
        promise="道歉",
        remedial_measure="道歉",
        remedial_due=day,
        corrective_measure="培训",
        corrective_due="2026-12-31",
    )
    _do(
        stage,
        moment,
        who,
        "inform_customer",
        solution_told="致电道歉",
        told_remedies=["apology"],
        told_amount=0,
        solution_date=day,
        customer_agrees="yes",
    )
    _do(
        stage,
        moment,
        who,
        "resolve_complaint",
        complaint_cause="见核实",
        handling_done="已处理",
        completed_on=day,
        result="客户接受",
        sales_consultant_name="陈浩",
        work_order="W1",
        department_root_cause="流程",
        department_improvement="培训",
    )


def _asked(stage: EngineStage, moment: datetime, satisfied: str, score: int, praised: str = "") -> None:
    _do(
        stage,
        moment,
        DIRECTOR,
        "review_call",
        review_way="phone",
        review_outcome="reached",
        review_satisfied="yes",
        review_note="谈过了",
        review_is_feedback="no",
        **({"handled_well": True, "handled_well_by": praised} if praised else {}),
    )
    _do(
        stage,
        moment,
        CALLER,
        "ask_feedback",
        feedback_way="phone",
        call_outcome="reached",
        satisfied=satisfied,
        feedback_text="已回答",
        score=score,
    )


def _exchanged(stage: EngineStage) -> None:
    """The major one: the car is exchanged."""
    _start(
        stage,
        "major_complaint",
        DIRECTOR,
        at("10 11:00"),
        {
            "customer_name": "韩先生",
            "customer_phone": "15400000098",
            "channel": "crm",
            "category": "product_quality",
            "demands": ["return_or_exchange"],
            "received_at": at("10 11:00"),
        },
    )
    _do(
        stage,
        at("10 11:30"),
        MANAGER,
        "contact_major",
        team="钱志远",
        contact_way="phone",
        customer_type="dominant",
        demands=["return_or_exchange"],
        **REACHED,
    )
    who = DEPARTMENTS["product_quality"]
    _do(
        stage,
        at("11 10:00"),
        who,
        "propose_remedy",
        remedies=["free_repair"],
        promised_amount=0,
        promise="维修",
        remedial_measure="维修",
        remedial_due="2026-11-11",
        corrective_measure="上报厂家",
        corrective_due="2026-12-31",
    )
    _do(
        stage,
        at("12 10:00"),
        who,
        "inform_customer",
        solution_told="维修",
        told_remedies=["free_repair"],
        told_amount=0,
        solution_date="2026-11-13",
        customer_agrees="no",
        customer_objection="要求换车",
    )
    _do(stage, at("13 12:00"), REGION, "fm_guide", fm_resources="专家", fm_guidance="报 CCAC", fm_can_resolve="no")
    _do(stage, at("15 10:00"), CCAC, "ccac_decide", ccac_assessment="符合换车条件", ccac_measure="exchange")
    _do(
        stage,
        at("20 10:00"),
        CCAC,
        "return_or_exchange",
        car_returned_on="2026-11-20",
        replacement_vin="LSVXX000000002003",
        refund_amount=0,
        goodwill_amount=0,
        return_terms="换同型号新车",
    )
    _do(stage, at("20 11:00"), CCAC, "confirm_result", ccac_resolved="yes", ccac_result="换车完成")
    _do(
        stage,
        at("20 11:00"),
        CALLER,
        "follow_up",
        feedback_way="phone",
        call_outcome="reached",
        satisfied="yes",
        feedback_text="满意",
        score=7,
    )
    _do(
        stage,
        at("20 11:00"),
        DIRECTOR,
        "analyse_root_cause",
        root_cause="发动机缺陷",
        dissatisfaction_kind="outcome",
        discontent_reasons=["product_failed"],
        gap="behaviour",
        improvement="上报厂家",
        improvement_owner="after_sales_director",
        improvement_due="2026-12-31",
        corrected_cause="product",
    )
    _do(stage, at("20 11:00"), DIRECTOR, "answer_oem", original_number="CRM-2026-11", oem_answer="换车完成")


def _withdrawn(stage: EngineStage) -> None:
    complaint = Complaint(
        name="杨先生",
        channel="phone",
        category="sales_service",
        received="28 10:00",
        reached="28 12:00",
        grave=ORDINARY,
    )
    _handled(stage, complaint)
    stage.message(
        "front_desk_wang",
        "complaint_withdrawn",
        {
            "withdrawal_at": at("28 12:00"),
            "withdrawal_way": "phone",
            "withdrawal_told": "误会",
        },
    )
    stage.move_to(at("28 13:00"))
    _do(
        stage,
        at("28 13:00"),
        CALLER,
        "confirm_withdrawal",
        withdrawn_voluntarily="yes",
        withdrawal_reason="误会已经消除",
    )
