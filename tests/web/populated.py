"""
A dealership with one of everything, and somebody of every role: for tests that try every address with everybody.

Alice has registered three matters. The first task of each is for the group `service`: one is free, one is Alice's, one
is lent to Bob by her.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.database.models import Incident, Job
from casepath.engine.deployments import definitions
from casepath.engine.instances import attachments, batches, notifications, process_instances, task_views, user_tasks
from casepath.engine.instances.wordings import Wording
from casepath.engine.people import identity, substitutes
from casepath.engine.queries import notices
from casepath.engine.registers import files, records
from casepath.engine.time import clock
from tests import diagrams, factories, wards
from tests.acting import PROGRAM

FOLDERS = Path(__file__).parent
#: What a browser shows inline; smaller than any real photo.
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
#: Role → who has it and the groups; nobody is not logged in, an outsider belongs to no group.
ROLES: Mapping[str, tuple[str | None, tuple[str, ...]]] = {
    "nobody": (None, ()),
    "outsider": ("outsider", ()),
    "stranger": ("stranger", ("sales",)),
    "member": ("alice", ("service",)),
    "colleague": ("bob", ("service",)),
    "director": ("director", ("directors",)),
    "operator": ("operator", ("operator",)),
    "auditor": ("auditor", ("auditor",)),
    "process owner": ("owner", ("process_owner",)),
    "administrator": ("administrator", ("administrator",)),
}
#: Patients are the members' business, beds also that of directors.
WARD = wards.ward(
    patient={**wards.PATIENT, "readers": [], "writers": ["service"]},
    bed={**wards.BED, "readers": ["directors"], "writers": ["service"]},
)
#: The members' business.
REPORT = b"""
id: load
name: \xe5\xb7\xa5\xe4\xbd\x9c\xe9\x87\x8f
processes: [request]
readers: [service]
figures: {all: {name: "1", measure: count}}
"""
#: No row of a test has this number.
MISSING = 987_654_321


@dataclass(frozen=True, kw_only=True)
class Populated:
    """What there is to ask for."""

    key: str
    instance_id: int
    definition_id: int
    deployment_id: int
    #: Tasks that nobody has, that Alice has, that Alice has lent to Bob.
    free: int
    held: int
    lent: int
    file_id: int
    #: An HTML page that the engine has archived.
    sheet_id: int
    incident_id: int
    job_id: int
    external_task_id: int
    mail_id: int
    delivery_id: int
    #: Proposed by Alice; somebody else has to let it begin.
    batch_id: int
    #: A file for the register in which the members write.
    import_id: int
    #: Of Alice.
    notification_id: int
    #: Of the stranger, by the outsider.
    substitution_id: int
    #: Of a register in which the members write and which directors read; and an archived one.
    record_id: int
    archived_id: int
    #: Of the members' group.
    view_id: int


#: Is started for beds; for more than one somebody else has to agree.
CLEAN = diagrams.process(
    '<extensionElements><camunda:properties><camunda:property name="forEach" value="bed"/>'
    '<camunda:property name="approvalAbove" value="1"/><camunda:property name="worklist" value="今天打扫"/>'
    '<camunda:property name="worklistGroups" value="service"/></camunda:properties></extensionElements>',
    '<startEvent id="dirty"/><endEvent id="cleaned"/>', flow="dirty > cleaned", key="clean",
)  # fmt: skip


def populate(rows: sessionmaker[Session]) -> Populated:
    """Fill an empty database: people, two processes, and one of everything."""
    definitions.forget()
    with rows.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        for key in ("sales", "service", "directors"):
            factories.group(session, key, sees_all=key == "directors")
        for username, groups in ROLES.values():
            if username:
                factories.user(session, username, groups=groups)
        for name in ("request", "matter"):
            deployments.deploy(session, deployments.read_folder(FOLDERS / name), name=name, by=PROGRAM)
        deployments.deploy(session, WARD, name="ward", by=PROGRAM)
        deployments.deploy(session, {"clean.bpmn": CLEAN}, name="clean", by=PROGRAM)
        deployments.deploy(session, {"reports/load.yaml": REPORT}, name="load", by=PROGRAM)
    with rows.begin() as session:
        return fill(session)


def fill(session: Session) -> Populated:
    """Make one of everything."""
    free, held, lent = (process_instances.start(session, "matter", {"loss": 20}, by="alice") for _ in range(3))
    tasks = [user_tasks.open_of(session, str(each.business_key), "solve") for each in (free, held, lent)]
    user_tasks.claim(session, tasks[1], by="alice")
    user_tasks.claim(session, tasks[2], by="alice")
    user_tasks.delegate(session, tasks[2], "bob", by="alice")
    key = str(free.business_key)
    photo = attachments.add(session, key, name="车.png", content=PNG, by="alice")
    page = b"<script>document.title = 'run'</script><h1>sheet</h1>"
    sheet = attachments.add(session, key, name=f"form-{key}.html", content=page, media_type="text/html", by=PROGRAM)
    job_id, incident_id = failed_job(session, free.id)
    external = factories.external_task(session, of=free, state="failed", retries=0)
    wording = Wording(subject="请查看")
    notifications.notify(session, ["alice"], kind="notice", wording=wording, business_key=key)
    now = clock.now()
    stands_in = substitutes.appoint(
        session, "stranger", "outsider", begins_at=now, ends_at=now + timedelta(days=1), by=PROGRAM
    )
    told = notices.page(session, "alice").rows[0].notices[0]
    kept, archived = (records.create(session, "bed", {"label": label}, by="alice") for label in ("3A", "3B"))
    records.archive(session, archived.id, by="alice")
    other = records.create(session, "bed", {"label": "3C"}, by="alice")
    return Populated(
        notification_id=told.id,
        substitution_id=stands_in.id,
        key=key,
        instance_id=free.id,
        definition_id=free.definition_id,
        deployment_id=definitions.definition(session, free.definition_id).deployment_id,
        free=tasks[0],
        held=tasks[1],
        lent=tasks[2],
        file_id=photo.id,
        sheet_id=sheet.id,
        incident_id=incident_id,
        job_id=job_id,
        external_task_id=external.id,
        mail_id=factories.mail(session, state="undeliverable").id,
        delivery_id=factories.delivery(session, of=free, state="undeliverable").id,
        batch_id=batches.propose(session, "clean", [kept.key, other.key], by="alice").id,
        import_id=files.begin(
            session, "bed", b"label\n5A\n", name="beds.csv", headings=["label"], fields=["label"], by="alice"
        ).id,
        record_id=kept.id,
        archived_id=archived.id,
        view_id=task_views.save(session, "V", task_views.Settings(), group="service", by="alice").id,
    )


def failed_job(session: Session, instance_id: int) -> tuple[int, int]:
    """Make a job of an instance that has no retries left, with its incident; return the numbers of both."""
    now = clock.now()
    job = Job(
        kind="continuation", process_instance_id=instance_id, element_id="solve", state="failed", due_at=now,
        retries=0, created_at=now,
    )  # fmt: skip
    session.add(job)
    session.flush()
    incident = Incident(
        process_instance_id=instance_id, kind="job", job_id=job.id, element_id="solve", message="no connection",
        created_at=now,
    )  # fmt: skip
    session.add(incident)
    session.flush()
    return job.id, incident.id
