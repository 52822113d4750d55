"""The workers' loop and the topics it serves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.database.models import ExternalTask, Incident, Notification, ProcessInstance, UserTask
from casepath.engine.instances import attachments, external_tasks, incidents, process_instances
from casepath.engine.instances.external_tasks import Topic
from casepath.engine.people.authorization import ENGINE
from casepath.engine.settings import ATTEMPTS
from casepath.workers import Mail, Result, Surroundings, Unrecoverable, Work
from casepath.workers.loop import Loop
from tests import diagrams, factories, pdf
from tests.acting import ALICE, OLIVIA, PROGRAM

Sessions = sessionmaker[Session]


def diagram(topic: str, **inputs: str) -> bytes:
    """A service task between a start and a user task; the error `refused` is caught."""
    return diagrams.process(
        '<startEvent id="Start"/><userTask id="A"/><userTask id="Caught"/>',
        diagrams.service("Work", topic, **inputs),
        '<boundaryEvent id="Refused" attachedToRef="Work"><errorEventDefinition errorRef="E"/></boundaryEvent>',
        flow="Start > Work; Work > A; Refused > Caught",
        root='<error id="E" errorCode="refused"/>',
    )


@pytest.fixture
def start(transaction: Sessions) -> Callable[..., int]:
    """Deploy a diagram and start it under the business key K1; Alice and Bob are in the group `service`."""
    with transaction.begin() as session:
        factories.group(session, "service")
        for username in ("alice", "bob"):
            factories.user(session, username, groups=["service"])

    def deploy_and_start(content: bytes, variables: Mapping[str, Any] | None = None) -> int:
        with transaction.begin() as session:
            deployments.deploy(session, {"p.bpmn": content}, name="p", by=PROGRAM)
        with transaction.begin() as session:
            return process_instances.start(session, "p", variables, business_key="K1", by=ALICE).id

    return deploy_and_start


def loop(transaction: Sessions, mail: Mail | None = None, **handlers: Callable[[Work], Result]) -> Loop:
    surroundings = Surroundings(sessions=transaction, mail=mail, url="http://casepath.test", time_zone="Asia/Shanghai")
    return Loop(surroundings, handlers=handlers or None, worker_id="w1")


def open_tasks(transaction: Sessions) -> list[str]:
    with transaction.begin() as session:
        return list(session.scalars(select(UserTask.element_id).where(UserTask.state == "created")))


def notified(transaction: Sessions) -> list[tuple[str, str, str]]:
    with transaction.begin() as session:
        query = select(Notification.username, Notification.kind, Notification.subject).order_by(Notification.username)
        return [(row[0], row[1], row[2]) for row in session.execute(query)]


def test_handle__result_moves_the_instance_on(transaction: Sessions, start: Callable[..., int]) -> None:
    instance = start(diagram("double", n="${n}"), {"n": 4})

    loop(transaction, double=lambda work: Result(variables={"twice": work.task.variables["n"] * 2})).rest()

    assert open_tasks(transaction) == ["A"]
    with transaction.begin() as session:
        assert process_instances.variables(session, instance) == {"n": 4, "twice": 8}


def test_handle__business_error_is_caught_by_the_diagram(transaction: Sessions, start: Callable[..., int]) -> None:
    def refuse(work: Work) -> Result:
        raise errors.BpmnError("refused", "no")

    start(diagram("refuse"))

    loop(transaction, refuse=refuse).rest()

    assert open_tasks(transaction) == ["Caught"]


def test_handle__failure_is_tried_again_later_then_is_an_incident(
    transaction: Sessions, start: Callable[..., int], clock: ModuleType
) -> None:
    tried: list[str] = []

    def fail(work: Work) -> Result:
        tried.append(work.task.idempotency_key)
        raise OSError("the printer is on fire")

    start(diagram("fail"))
    worker = loop(transaction, fail=fail)
    worker.rest()
    assert len(tried) == 1

    for _ in range(ATTEMPTS):
        clock.move(timedelta(hours=1))
        worker.rest()

    assert len(tried) == ATTEMPTS
    assert len(set(tried)) == 1
    with transaction.begin() as session:
        incident = session.scalars(select(Incident)).one()
        assert "the printer is on fire" in incident.message
        assert "Traceback" in (incident.details or "")
        incidents.resolve(session, incident.id, by=OLIVIA)
    worker.rest()
    assert len(tried) == ATTEMPTS + 1


def test_handle__what_cannot_succeed_is_an_incident_at_once(transaction: Sessions, start: Callable[..., int]) -> None:
    def give_up(work: Work) -> Result:
        raise Unrecoverable("no recipient")

    start(diagram("give_up"))

    loop(transaction, give_up=give_up).rest()

    with transaction.begin() as session:
        assert session.scalars(select(Incident.kind)).all() == ["external_task"]


def test_handle__task_ended_meanwhile(transaction: Sessions, start: Callable[..., int]) -> None:
    def slow(work: Work) -> Result:
        with transaction.begin() as session:
            process_instances.cancel(session, work.task.process_instance_id, by=OLIVIA, reason="too late")
        return Result()

    instance = start(diagram("slow"))

    loop(transaction, slow=slow).rest()

    with transaction.begin() as session:
        assert process_instances.get(session, instance).state == "cancelled"


def test_loop__a_worker_that_died_is_replaced_when_its_lock_ends(
    transaction: Sessions, start: Callable[..., int], clock: ModuleType
) -> None:
    start(diagram("double"))
    with transaction.begin() as session:
        topics = [Topic(name="double", lock_for=timedelta(minutes=2))]
        external_tasks.fetch_and_lock(session, topics, worker_id="dead", limit=1)
    worker = loop(transaction, double=lambda work: Result())
    worker.rest()
    assert open_tasks(transaction) == []

    clock.move(timedelta(minutes=3))
    worker.rest()

    assert open_tasks(transaction) == ["A"]


def test_loop__stopped_before_it_begins_gives_back_what_it_fetched(
    transaction: Sessions, start: Callable[..., int]
) -> None:
    start(diagram("double"))
    worker = loop(transaction, double=lambda work: Result())
    worker.stop()

    worker.step()

    with transaction.begin() as session:
        assert session.scalars(select(ExternalTask.state)).all() == ["created"]


def test_notify__each_recipient_once(transaction: Sessions, start: Callable[..., int]) -> None:
    start(diagram("notify", recipients="group:service, user:alice", subject="收到抱怨", text="请处理"))

    loop(transaction).rest()

    assert notified(transaction) == [("alice", "notice", "收到抱怨"), ("bob", "notice", "收到抱怨")]


@pytest.mark.parametrize(("topic", "kind"), [("remind", "reminder"), ("escalate", "escalation")])
def test_notify__kinds(transaction: Sessions, start: Callable[..., int], topic: str, kind: str) -> None:
    start(diagram(topic, recipients="bob", subject="超期"))

    loop(transaction).rest()

    assert notified(transaction) == [("bob", kind, "超期")]


def test_notify__what_is_open_and_who_has_it(transaction: Sessions, start: Callable[..., int]) -> None:
    content = diagrams.process(
        '<startEvent id="Start"/><userTask id="A" name="Repair" camunda:candidateGroups="service" '
        'camunda:dueDate="2026-03-02T18:00:00+08:00"/>',
        diagrams.service("Work", "remind", recipients="bob", subject="超期", text="请尽快完成", open_tasks="${true}"),
        flow="Start > A; Start > Work",
    )
    start(content)

    loop(transaction).rest()

    with transaction.begin() as session:
        assert session.scalars(select(Notification.text)).all() == ["请尽快完成\n· Repair · service · 2026-03-02 18:00"]


@pytest.mark.parametrize("recipients", ["", "group:nowhere", "user:nobody", "team:service"])
def test_notify__recipients_that_are_nobody(transaction: Sessions, start: Callable[..., int], recipients: str) -> None:
    start(diagram("notify", recipients=recipients, subject="x"))

    loop(transaction).rest()

    with transaction.begin() as session:
        assert re.search("Expected |There is no ", session.scalars(select(Incident.message)).one())
    assert notified(transaction) == []


def test_archive_and_dispatch(transaction: Sessions, start: Callable[..., int]) -> None:
    form = (
        b'{"type": "default", "id": "f", "components": [{"type": "textfield", "key": "customer", "label": "\xe5\xae\xa2'
        b'\xe6\x88\xb7"}]}'
    )
    content = diagrams.process(
        '<startEvent id="Start" camunda:formKey="f"/>',
        diagrams.service("Keep", "archive", template="sheet"),
        diagrams.service("Send", "dispatch", document="p.pdf", recipients="bob"),
        '<endEvent id="End"/>',
        flow="Start > Keep; Keep > Send; Send > End",
    )
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": content, "f.form": form}, name="p", by=PROGRAM)
    start(content, {"customer": "<b>王先生</b>"})

    loop(transaction).rest()

    with transaction.begin() as session:
        kept = attachments.list_of(session, "K1")
        assert [(entry.name, entry.media_type) for entry in kept] == [("K1 p.pdf", "application/pdf")]
        page = pdf.text(attachments.content(session, kept[0].id))
        assert session.scalars(select(ProcessInstance.state)).all() == ["completed"]
    assert "客户" in page
    assert "<b>王先生</b>" in page
    assert [username for username, _, _ in notified(transaction)] == ["bob"]


@pytest.mark.parametrize("title", [{}, {"title": "Summary"}])
def test_dispatch__of_an_archive_whose_document_was_never_deployed(
    transaction: Sessions, start: Callable[..., int], title: dict[str, str]
) -> None:
    """As diagrams did before there were documents: the paper of all steps is called as the diagram says."""
    keep = diagrams.service("Keep", "archive", template="sheet", **title)
    send = diagrams.service("Send", "dispatch", document="sheet", recipients="bob")
    start(diagrams.process('<startEvent id="Start"/>', keep, send, flow="Start > Keep; Keep > Send"))

    loop(transaction).rest()

    assert [username for username, _, _ in notified(transaction)] == ["bob"]
    with transaction.begin() as session:
        assert session.scalars(select(Incident.id)).all() == []


@pytest.mark.parametrize(
    ("document", "sent"),
    [
        # By the key of a document, by the name of a file, and by how one begins.
        ("notice", "K1 Notice.pdf (6 B)"),
        ("K1 Notice.pdf", "K1 Notice.pdf (6 B)"),
        ("Noti", "K1 Notice.pdf (6 B)"),
        # What only people added.
        ("photo", "photo.jpg (1 B)"),
        ("Notice (old)", "Notice (old).pdf (1 B)"),
        # Nothing is sent in the place of what is not there, least of all what somebody called so.
        ("letter", None),
        ("notise", None),
        (" ", None),
    ],
)
def test_dispatch__sends_what_is_meant(
    transaction: Sessions, start: Callable[..., int], document: str, sent: str | None
) -> None:
    start(diagram("dispatch", document=document, recipients="bob"))
    with transaction.begin() as session:
        templates = {
            f"documents/{title.lower()}.md": f"---\ntitle: {title}\nfor: p\n---\n{{{{number}}}}\n".encode()
            for title in ("Notice", "Letter")
        }
        deployments.deploy(session, templates, name="d", by=PROGRAM)
        attachments.add(session, "K1", name="K1 Notice.pdf", content=b"engine", by=ENGINE)
        for name in ("K1 Notice.pdf", "K1 Letter.pdf", "Notice (old).pdf", "photo.jpg"):
            attachments.add(session, "K1", name=name, content=b"x", by=ALICE)

    loop(transaction).rest()

    with transaction.begin() as session:
        assert session.scalars(select(Notification.text)).all() == ([sent] if sent else [])
        assert len(session.scalars(select(Incident.id)).all()) == (0 if sent else 1)
