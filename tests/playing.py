"""
Playing small diagrams: a world that looks after every call whether rows and tokens still belong together.

What waits must have a row that can bring it on, and every row that waits must have what waits for it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine.bpmn import Element
from casepath.engine.database import values
from casepath.engine.database.models import (
    ActivityInstance,
    ExternalTask,
    Incident,
    Job,
    ProcessInstance,
    Subscription,
    UserTask,
)
from casepath.engine.deployments import definitions
from tests.world import World

#: Elements at which a token waits without a row of its own: for other tokens, or for what is inside.
WITHOUT_ROW = frozenset({"subProcess", "transaction", "adHocSubProcess", "callActivity", "parallelGateway",
                         "inclusiveGateway", "complexGateway"})  # fmt: skip


class Play(World):
    """A world with one process `p`, its instance, and short names for what tests do."""

    def run(self, content: bytes, key: str = "p", **variables: object) -> int:
        """Deploy a file and start its process."""
        self.deploy([("diagram.bpmn", content)])
        return self.start(key, variables, "key")

    def at(self, instance: int) -> str:
        """Ids of the elements of open user tasks, sorted, with a blank between."""
        return " ".join(sorted(element for _, element, _ in self.open_tasks(instance)))

    def do(self, instance: int, elements: str, **variables: object) -> None:
        """Complete the oldest open user task of each element."""
        for element in elements.split():
            self.complete(next(number for number, at, _ in self.open_tasks(instance) if at == element), variables)

    def close(self) -> None:
        """Check once more, and let go."""
        problems = self.problems()
        super().close()
        assert not problems, "\n".join(problems)

    def _rest(self) -> bool:
        moved = super()._rest()
        problems = self.problems()
        assert not problems, "\n".join(problems)
        return moved

    def problems(self) -> list[str]:
        """Return everything that is left behind or lost."""
        with self._transaction(read_only=True) as session:
            return [problem for instance in session.scalars(select(ProcessInstance))
                    for problem in instance_problems(session, instance)]  # fmt: skip


def instance_problems(session: Session, instance: ProcessInstance) -> Iterator[str]:
    """Yield tokens that wait for something that has no row, and rows whose token is gone."""
    stored: Any = values.loads(instance.tokens) if instance.tokens else {"t": []}
    spec = definitions.process(session, instance.definition_id)
    tokens: dict[int, tuple[Element, str, Any]] = {
        number: (spec.nodes[element], state, memo or {}) for number, element, _, state, _, memo, _ in stored["t"]
    }
    rows = waiting_rows(session, instance.id)
    for number, (node, state, memo) in tokens.items():
        name = f"token {number} of instance {instance.id} at {node.bpmn_id}"
        kinds = rows.get(number, set())
        loops = getattr(node, "loop", None) is not None and "loop" not in memo
        alone = node.element_type in WITHOUT_ROW or loops or "gathers" in memo or "compensate" in memo
        listens = [node, *(flow.target for flow in node.outgoing if node.element_type == "eventBasedGateway")]
        alone = alone or any(each.catches("conditional") for each in listens)
        if state == "E" and "incident" not in kinds:
            yield f"{name} failed without an incident"
        elif state == "E" and kinds & {"user_task", "external_task"}:
            yield f"{name} failed, but its work is still open"
        elif state != "E" and "incident" in kinds and not kinds & {"job", "external_task"}:
            yield f"{name} has an incident, but did not fail"
        elif not kinds and not alone:
            yield f"{name} waits for nothing"
    for number in rows.keys() - tokens.keys():
        if number or instance.ended_at is not None:
            yield f"{sorted(rows[number])} of instance {instance.id} belong to {number}, which is gone"
    visits = select(ActivityInstance.number).where(
        ActivityInstance.process_instance_id == instance.id, ActivityInstance.state == "active"
    )
    for number in set(session.scalars(visits)) ^ tokens.keys():
        yield f"activity instance {number} of instance {instance.id} is shown otherwise than it is"
    for number in values.loads(instance.variables):  # type: ignore[attr-defined]
        if int(number) and int(number) not in tokens:
            yield f"variables of instance {instance.id} belong to {number}, which is gone"


def waiting_rows(session: Session, instance: Hashable) -> dict[int, set[str]]:
    """Return, for each activity instance, the kinds of rows that are open for it; 0 is the process instance."""
    found: dict[int, set[str]] = {}
    for kind, table, still in (
        ("user_task", UserTask, UserTask.ended_at.is_(None)),
        ("external_task", ExternalTask, ExternalTask.ended_at.is_(None)),
        ("job", Job, Job.activity_instance.is_not(None)),
        ("subscription", Subscription, Subscription.activity_instance.is_not(None)),
        ("incident", Incident, Incident.state == "open"),
    ):
        at: Any = table.activity_instance
        for number in session.scalars(select(at).where(table.process_instance_id == instance, still)):
            found.setdefault(number or 0, set()).add(kind)
    return found
