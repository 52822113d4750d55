"""One matter of November 2026, told step by step through the engine, and what the reports say of it meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.demo import EngineStage
from casepath.engine.database.models import ProcessInstance
from casepath.engine.instances import process_instances
from casepath.engine.people.authorization import Program
from casepath.engine.queries import reports
from casepath.engine.reports import Period
from casepath.stories import Story
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.november import at

NOVEMBER = Period(2026, 11)
READER = Program("reader")
CUSTOMER = {"customer_name": "郝先生", "customer_phone": "15400000097", "vehicle_model": "途观L", "channel": "phone",
            "complaint_text": "异响。"}  # fmt: skip
PROPOSED = {"remedies": ["apology"], "promised_amount": 0, "promise": "道歉", "remedial_measure": "道歉",
            "no_corrective_reason": "个案"}  # fmt: skip
TOLD = {"solution_told": "致电道歉", "told_remedies": ["apology"], "told_amount": 0}
LEARNED = {"root_cause": "流程未执行", "dissatisfaction_kind": "process", "discontent_reasons": ["no_rules"],
           "gap": "procedure", "improvement": "培训",
           "improvement_owner": "showroom_manager", "improvement_due": "2026-12-31",
           "corrected_cause": "after_sales"}  # fmt: skip


class Matter:
    """One matter, told step by step, and what the reports say of it meanwhile."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self.sessions = sessions
        self.stage = EngineStage(sessions, Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai")).rest)

    def start(self, moment: str, process: str, by: str, variables: Mapping[str, Any]) -> None:
        """Register it."""
        self.until(moment)
        told = Story(id="resolved", name={}, process=process, start={}, steps=())
        self.stage.start(told, by, {**CUSTOMER, "received_at": at(moment), **variables})
        self.until(moment)

    def do(self, moment: str, by: str, element: str, **variables: Any) -> None:
        """Complete a task of it."""
        self.until(moment)
        self.stage.complete(by, element, variables)
        self.until(moment)

    def tell(self, moment: str, by: str, message: str, **variables: Any) -> None:
        """Report what has happened to it."""
        self.until(moment)
        self.stage.message(by, message, variables)
        self.until(moment)

    def solve(self, by: str, day: str, hour: int, *, agreed: str = "yes") -> None:
        """Propose, tell, and where the customer agrees carry out, an hour each."""
        date = f"2026-11-{day}"
        self.do(f"{day} {hour}:00", by, "propose_remedy", **PROPOSED, remedial_due=date)
        answer = {"customer_agrees": agreed, **({} if agreed == "yes" else {"customer_objection": "不够"})}
        self.do(f"{day} {hour + 1}:00", by, "inform_customer", **TOLD, solution_date=date, **answer)
        if agreed == "yes":
            done = {"complaint_cause": "见核实", "handling_done": "已处理", "completed_on": date, "result": "已完成"}
            self.do(f"{day} {hour + 2}:00", by, "resolve_complaint", **done)

    def until(self, moment: str) -> None:
        """Let time pass."""
        self.stage.move_to(at(moment))

    def figures(self, report: str, *keys: str) -> list[str]:
        """Return figures of a report of November as they are printed."""
        with self.sessions.begin() as session:
            found = reports.reckon(session, reports.opened(session, report, by=READER), NOVEMBER, by=READER)
        return [str(found.values[key].value) for key in keys]

    def known(self, *names: str) -> list[Any]:
        """Return variables of it."""
        with self.sessions.begin() as session:
            # What it has begun beside it, such as an improvement, came later.
            outermost = select(ProcessInstance.id).where(ProcessInstance.parent_id.is_(None))
            whole = session.scalars(outermost.order_by(ProcessInstance.id)).first() or 0
            found = process_instances.variables(session, whole)
        return [found.get(name) for name in names]

    def inside(self, process: str, *names: str) -> list[Any]:
        """Return variables of the newest process of a kind that it runs."""
        with self.sessions.begin() as session:
            of_kind = select(ProcessInstance.id).where(ProcessInstance.definition_key == process)
            newest = session.scalars(of_kind.order_by(ProcessInstance.id.desc())).first() or 0
            found = process_instances.variables(session, newest)
        return [found.get(name) for name in names]
