"""Rows with defaults, for tests that need something to be there."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine import history
from casepath.engine.database import terms
from casepath.engine.database.models import (
    Definition,
    Delivery,
    Deployment,
    ExternalTask,
    Group,
    Mail,
    Membership,
    Notification,
    ProcessInstance,
    Resource,
    User,
    UserTask,
    UserTaskCandidate,
)
from casepath.engine.runtime import urgency
from casepath.engine.time import clock
from tests import diagrams

_numbers = itertools.count(1)


def definition(session: Session, *, key: str = "complaint", content: bytes | None = None) -> Definition:
    """A deployed process, without anything in it where no `content` is given, with its deployment and resource."""
    number = next(_numbers)
    now = clock.now()
    deployment = Deployment(name=key, sha256=f"{number:064x}", created_at=now, created_by="olivia")
    session.add(deployment)
    session.flush()
    resource = Resource(deployment_id=deployment.id, name=f"{key}.bpmn", sha256=f"{number:064x}")
    resource.content = content if content is not None else diagrams.process(key=key)
    session.add(resource)
    session.flush()
    made = Definition(
        kind="process", key=key, version=number, name=key, deployment_id=deployment.id, resource_id=resource.id,
        sha256=f"{number:064x}", created_at=now,
    )
    session.add(made)
    session.flush()
    return made


def process_instance(
    session: Session,
    *,
    business_key: str | None = "TS2026-0001",
    state: str = "active",
    started_by: str | None = "alice",
    of: Definition | None = None,
) -> ProcessInstance:
    """A process instance with no tokens and no history."""
    of = of or definition(session)
    made = ProcessInstance(
        definition_id=of.id, definition_key=of.key, business_key=business_key, state=state, started_at=clock.now(),
        started_by=started_by, ended_at=None if state in {"active", "suspended"} else clock.now(), tokens="",
        variables="{}",
    )
    session.add(made)
    session.flush()
    made.root_id = made.id
    session.flush()
    terms.replace(session.connection(), made.id, made.id, [], [business_key] if business_key else [])
    return made


def user_task(
    session: Session,
    *,
    of: ProcessInstance | None = None,
    activity_instance: int = 1,
    assignee: str | None = None,
    owner: str | None = None,
    candidate_users: Sequence[str] = (),
    candidate_groups: Sequence[str] = ("service",),
    due_at: datetime | None = None,
    priority: int = urgency.ORDINARY,
) -> UserTask:
    """An open user task that a group may claim."""
    of = of or process_instance(session)
    sort_at = urgency.sort_at(due_at, priority)
    made = UserTask(
        process_instance_id=of.id, activity_instance=activity_instance, definition_id=of.definition_id,
        element_id="Task_Contact", name="联系客户", business_key=of.business_key, assignee=assignee, owner=owner,
        candidate_users=json.dumps(list(candidate_users)), candidate_groups=json.dumps(list(candidate_groups)),
        due_at=due_at, priority=priority, sort_at=sort_at, created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    names = [("user", name) for name in candidate_users] + [("group", name) for name in candidate_groups]
    for kind, name in names:
        candidate = UserTaskCandidate(
            user_task_id=made.id, kind=kind, name=name, claimed=assignee is not None, sort_at=sort_at
        )
        session.add(candidate)
    session.flush()
    return made


def external_task(
    session: Session,
    *,
    of: ProcessInstance | None = None,
    activity_instance: int = 1,
    topic: str = "notify",
    priority: int = 0,
    **columns: Any,
) -> ExternalTask:
    """An external task that is free to be fetched."""
    of = of or process_instance(session)
    made = ExternalTask(
        process_instance_id=of.id, activity_instance=activity_instance, definition_id=of.definition_id,
        element_id="Task_Notify", business_key=of.business_key, topic=topic, priority=priority,
        **{"locked_until": clock.now() - timedelta(seconds=1), "created_at": clock.now(), **columns},
    )
    session.add(made)
    session.flush()
    return made


def mail(session: Session, username: str = "alice", *, state: str = "waiting", **columns: Any) -> Mail:
    """A notice that goes out by e-mail as well."""
    now = clock.now()
    notice = Notification(username=username, kind="notice", subject="请查看", text="", created_at=now)
    session.add(notice)
    session.flush()
    ended_at = None if state in {"waiting", "sending"} else now
    made = Mail(
        notification_id=notice.id, state=state, token=f"{next(_numbers):032x}", created_at=now,
        **{"due_at": now, "ended_at": ended_at, **columns},
    )
    session.add(made)
    session.flush()
    return made


def delivery(
    session: Session, *, of: ProcessInstance | None = None, state: str = "waiting", **columns: Any
) -> Delivery:
    """Something that goes out through a channel."""
    of = of or process_instance(session)
    now = clock.now()
    made = Delivery(
        channel="sms", idempotency_key=f"key-{next(_numbers)}", process_instance_id=of.id, text="您好", fields="{}",
        business_key=of.business_key, address="138 0000 0000", state=state, created_at=now,
        **{"due_at": now, "ended_at": None if state in {"waiting", "sending"} else now, **columns},
    )
    session.add(made)
    session.flush()
    return made


def group(
    session: Session, key: str = "service", *, sees_all: bool = False, distributes: Sequence[str] = ()
) -> Group:
    """A group of people."""
    made = Group(key=key, name=key, name_en=key, sees_all=sees_all, distributes=json.dumps(list(distributes)))
    session.add(made)
    session.flush()
    return made


def user(session: Session, username: str = "alice", *, groups: Sequence[str] = (), active: bool = True) -> User:
    """Somebody with no password who belongs to groups that exist."""
    made = User(username=username, name=username.title(), active=active, created_at=clock.now(), language="zh_CN")
    session.add(made)
    session.flush()
    session.add_all(Membership(username=username, group_key=key) for key in groups)
    session.flush()
    return made


def event(
    session: Session,
    process_instance_id: int,
    kind: str = "comment.added",
    *,
    variables: Mapping[str, Any] | None = None,
) -> None:
    """One more event in the history of a process instance."""
    history.record(session, process_instance_id, history.Event(kind=kind, by="alice", variables=variables))
