"""Which events belong into the account for people: who did what, what they were told, and what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from casepath.engine.queries.events import Change, Entry, handed_in, is_of_people
from tests.each import each

AT = datetime(2026, 3, 2, 9, 10, tzinfo=UTC)
HANDED_IN = {"satisfied", "dispatch"}


def entry(kind: str, **known: Any) -> Entry:
    facts: dict[str, Any] = {
        "id": 1, "process_instance_id": 1, "definition_id": 1, "is_called": False, "sequence": 1, "at": AT,
        "activity_instance": 1, "element_id": "e", "by": None, "facts": {}, "variables": {}, "hash": "",
    }  # fmt: skip
    return Entry(kind=kind, **facts | known)


@each(
    "kind, known, is_told",
    [
        ("process_instance.started", {}, True),
        ("process_instance.started", {"is_called": True, "by": "alice"}, False),
        ("process_instance.completed", {}, True),
        ("process_instance.completed", {"is_called": True}, False),
        ("process_instance.cancelled", {}, True),
        ("process_instance.cancelled", {"is_called": True, "by": "alice", "facts": {"by_caller": True}}, False),
        ("process_instance.cancelled", {"is_called": True, "by": "operator", "facts": {"reason": "twice"}}, True),
        ("process_instance.cancelled", {"is_called": True, "facts": {"reason": "error:E1"}}, False),
        ("process_instance.cancelled", {"is_called": True, "by": "program:worker", "facts": {}}, False),
        ("user_task.completed", {"by": "alice"}, True),
        ("user_task.assigned", {"by": "alice"}, True),
        ("user_task.created", {}, False),
        ("user_task.claimed", {"by": "alice"}, False),
        ("message.received", {"by": "alice"}, True),
        ("message.received", {}, False),
        ("gateway.decided", {"variables": {"satisfied": False}}, True),
        ("gateway.decided", {"variables": {"dispatch.process": "sales"}}, True),
        ("gateway.decided", {"variables": {"satisfied": None}}, False),
        ("gateway.decided", {"variables": {"days_late": 3}}, False),
        ("gateway.decided", {}, False),
        ("decision.evaluated", {"variables": {"=": "high", "satisfied": True}}, True),
        ("decision.evaluated", {"variables": {"=": "high"}}, False),
        ("notification.sent", {}, True),
        ("external_task.completed", {"by": "program:worker"}, True),
        ("incident.opened", {}, True),
        ("activity.cancelled", {}, False),
        ("activity.completed", {}, False),
        ("call.started", {}, False),
        ("timer.fired", {}, False),
        ("escalation.thrown", {}, False),
        ("thing.of_an_extension", {}, False),
    ],
)
def test_events__of_people(kind: str, known: dict[str, Any], is_told: bool) -> None:
    assert is_of_people(entry(kind, **known), HANDED_IN) is is_told


def test_handed_in__by_people_only() -> None:
    def changed(name: str, by: str | None) -> list[Change]:
        return [Change(name=name, value=1, event_id=1, at=AT, by=by, element_id=None, definition_id=1,
                       is_registration=False)]  # fmt: skip

    changes = {name: changed(name, by) for name, by in {"a": "alice", "b": "program:worker", "c": None}.items()}

    assert handed_in(changes) == {"a"}
