"""Ways of tampering with a database by SQL: each is found and named, some only against heads kept elsewhere."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session, sessionmaker

from casepath import stories
from casepath.engine import database, history
from casepath.engine.database.models import HistoryEvent, ProcessInstance, Resource
from casepath.engine.deployments import definitions
from casepath.engine.history import Event, Heads
from casepath.engine.instances import comments, instantiation, notifications
from casepath.engine.instances.wordings import Wording
from casepath.engine.time import clock
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests.acting import ADMINISTRATOR
from tests.upgrades import fixtures
from tests.upgrades.stage import LonelyStage

FIXTURE = "0ede2b4"
ZONE = "Asia/Shanghai"
#: A story that is played to its end before, so that some of the work is of today; and one that is not.
DONE, OPEN = "oil_pump", "missing_part"
KEY, OPEN_KEY = "TS2026-0001", "TS2026-0002"
#: When the heads are taken.
AT = datetime(2026, 12, 1, tzinfo=UTC)

ENDED = f"(SELECT id FROM process_instances WHERE business_key = '{KEY}')"
RUNNING = f"(SELECT id FROM process_instances WHERE business_key = '{OPEN_KEY}')"
CALLED = "(SELECT id FROM process_instances WHERE parent_id IS NOT NULL ORDER BY id LIMIT 1)"
OF_INSTANCE = ("correlation_values", "history_events", "activity_instances", "user_tasks", "external_tasks", "jobs",
               "subscriptions", "incidents", "attachments", "comments", "search_terms")  # fmt: skip
EVENT = f"process_instance_id = {ENDED} AND sequence"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which nobody has tampered: matters in flight, and one that has ended today."""
    folder = tmp_path_factory.mktemp("sound")
    pool = database.connect(fixtures.unpack(FIXTURE, folder))
    database.upgrade(pool)
    definitions.forget()
    sessions = database.sessions(pool)
    rest = fixtures.rests(FIXTURE)[DONE]
    with sessions.begin() as session:
        content = session.scalars(select(Resource.content).where(Resource.name == "scenarios.yaml").limit(1)).one()
    (story,) = (each for each in stories.parse(content, "scenarios.yaml") if each.id == DONE)
    clock.set_to(rest.at)
    stage = LonelyStage(sessions, Loop(Surroundings(sessions=sessions, time_zone=ZONE)).rest)
    stage.business_key = rest.business_key
    for step in story.steps[rest.steps :]:
        stories.play_step(step, stage)
    clock.set_to(AT)
    with sessions.begin() as session:
        number = session.scalars(select(ProcessInstance.id).where(ProcessInstance.business_key == OPEN_KEY)).first()
        notifications.notify(
            session, ["caller_liu"], kind="escalation", wording=Wording(subject="超期"), business_key=OPEN_KEY,
            translated={"en": Wording(subject="Overdue")}, process_instance_id=number,
        )  # fmt: skip
        comments.add(session, OPEN_KEY, "最后一条", by=ADMINISTRATOR)
    pool.dispose()
    clock.reset()
    definitions.forget()
    return folder / f"{FIXTURE}.db"


@pytest.fixture
def heads(sound: Path) -> Heads:
    """The heads of the sound database."""
    pool = database.connect(f"sqlite:///{sound}")
    clock.set_to(AT)
    with database.sessions(pool, read_only=True).begin() as session:
        found = history.parse_heads(str(history.read_heads(session)))
    pool.dispose()
    clock.reset()
    return found


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy to be tampered with."""
    definitions.forget()
    yield Path(shutil.copyfile(sound, tmp_path / "casepath.db"))
    clock.reset()
    definitions.forget()


def tamper(path: Path, *statements: str) -> None:
    """What somebody with a shell on the machine does; nothing there makes SQLite follow references."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
        assert connection.total_changes > 0


def open_sessions(path: Path) -> sessionmaker[Session]:
    return database.sessions(database.connect(f"sqlite:///{path}"))


def found(path: Path, heads: Heads | None = None) -> list[str]:
    """What verification says."""
    with open_sessions(path).begin() as session:
        problems = list(history.verify_all(session))
        if heads is not None:
            problems += history.compare_heads(session, heads)
    return [f"{problem.what}: {problem}" for problem in problems]


def removed(instance: str) -> list[str]:
    """Statements that remove a process instance with all that belongs to it."""
    candidates = (
        "DELETE FROM user_task_candidates WHERE user_task_id IN"
        f" (SELECT id FROM user_tasks WHERE process_instance_id = {instance})"
    )
    children = [f"DELETE FROM {table} WHERE process_instance_id = {instance}" for table in OF_INSTANCE]
    return [candidates, *children, f"DELETE FROM process_instances WHERE id = {instance}"]


#: What is done, and what has to be said of it.
WAYS: dict[str, tuple[list[str], str]] = {
    # events
    "event: who": ([f"UPDATE history_events SET \"by\" = 'mallory' WHERE {EVENT} = 3"], "changed: .*event 3 "),
    "event: when": ([f"UPDATE history_events SET at = '2026-03-02 01:00:00.000000' WHERE {EVENT} = 3"],
                    "changed: .*event 3 "),
    "event: facts": ([f"UPDATE history_events SET facts = '{{\"reason\":\"x\"}}' WHERE {EVENT} = 3"],
                     "changed: .*event 3 "),
    "event: a value": ([f"UPDATE history_events SET variables = replace(variables, '\"phone\"', '\"media\"')"
                        f" WHERE {EVENT} = 1"], "changed: .*event 1 "),
    "event: state digest": ([f"UPDATE history_events SET state_after = NULL WHERE process_instance_id = {ENDED}"
                             " AND state_after IS NOT NULL"], "changed: .*does not follow"),
    "event: removed": ([f"DELETE FROM history_events WHERE {EVENT} = 4"], "missing: .*event 4 is missing"),
    "event: added": ([f"INSERT INTO history_events (process_instance_id, sequence, at, kind, facts, hash)"
                      f" SELECT id, history_length + 1, started_at, 'comment.added', '{{}}', history_hash"
                      f" FROM process_instances WHERE id = {ENDED}"], "added: .*was added"),
    "event: the end cut off": ([f"DELETE FROM history_events WHERE {EVENT} > 9"], "truncated: .*events 10 to "),
    "events: swapped": ([f"UPDATE history_events SET sequence = -1 WHERE {EVENT} = 4",
                         f"UPDATE history_events SET sequence = 4 WHERE {EVENT} = 6",
                         f"UPDATE history_events SET sequence = 6 WHERE {EVENT} = -1"],
                        "swapped: .*events 4 and 6"),
    "events: all removed": ([f"DELETE FROM history_events WHERE process_instance_id = {ENDED}",
                             f"UPDATE process_instances SET history_length = 0, history_hash = '' WHERE id = {ENDED}"],
                            "unrecorded: .*no event tells how it started"),
    # the instance
    "instance: removed": ([f"DELETE FROM process_instances WHERE id = {ENDED}"],
                          "orphaned: process instance 1: .* rows of history_events"),
    "instance: removed with all": (removed(ENDED), "lost: TS2026-{number} was given out up to .*instance has 1$"),
    "instance: a called one removed with all": (removed(CALLED), "lost: .*which event [0-9]+ began, is gone"),
    "instance: variables": ([f"UPDATE process_instances SET variables = replace(variables, '王', '李')"
                             f" WHERE id = {ENDED}"], "altered: .*variables, tokens or state were changed after event"),
    "instance: closed by hand": ([f"UPDATE process_instances SET state = 'cancelled', ended_at = '2026-11-30 00:00:00',"
                                  f" tokens = '', end_reason = 'done' WHERE id = {RUNNING}"],
                                 "altered: .*expected state 'active', but found 'cancelled'"),
    "instance: suspended by hand": ([f"UPDATE process_instances SET state = 'suspended' WHERE id = {RUNNING}"],
                                    "altered: .*expected state 'active', but found 'suspended'"),
    "instance: opened again by hand": ([f"UPDATE process_instances SET state = 'active', ended_at = NULL"
                                        f" WHERE id = {ENDED}"], "altered: .*expected state 'completed'"),
    "instance: end": ([f"UPDATE process_instances SET ended_at = '2026-03-07 00:00:00.000000' WHERE id = {ENDED}"],
                      "altered: .*expected ended_at 2026-"),
    "instance: business key": ([f"UPDATE process_instances SET business_key = 'TS2026-9001' WHERE id = {ENDED}"],
                               "altered: .*expected business_key 'TS2026-0001', but found 'TS2026-9001'"),
    "instance: who started it": ([f"UPDATE process_instances SET started_by = 'mallory' WHERE id = {ENDED}"],
                                 "altered: .*expected started_by"),
    "instance: definition": ([f"UPDATE process_instances SET definition_id = (SELECT id FROM definitions WHERE"
                              f" key = 'major_complaint') WHERE id = {ENDED}"],
                             "altered: .*its definition: expected key"),
    "instance: caller": ([f"UPDATE process_instances SET parent_id = 2 WHERE id = {CALLED}"],
                         "altered: .*which it called: expected parent_id"),
    # comments, files, notices
    "comment: text": (["UPDATE comments SET text = '未联系客户' WHERE id = 1"], "altered: .*comment 1: expected text"),
    "comment: who": (["UPDATE comments SET created_by = 'mallory' WHERE id = 1"], "altered: .*comment 1: .*created_by"),
    "comment: when": (["UPDATE comments SET created_at = '2026-01-01 00:00:00' WHERE id = 1"], "altered: .*created_at"),
    "comment: removed": (["DELETE FROM comments WHERE id = 1"], "lost: .*comment 1, which event [0-9]+ tells of"),
    "comment: added": (["INSERT INTO comments SELECT 999, business_key, process_instance_id, text, created_at,"
                        " created_by FROM comments WHERE id = 1"], "unrecorded: .*comment 999"),
    "comment: of another matter": (["UPDATE comments SET business_key = 'TS2026-0003' WHERE id = 1"],
                                   "altered: .*comment 1: expected business_key"),
    "attachment: content": ([f"UPDATE attachments SET content = x'00', size = 1, sha256 ="
                             f" '{sha256(bytes(1)).hexdigest()}' WHERE id = 1"],
                            "altered: .*attachment 1: expected sha256"),
    "attachment: content only": (["UPDATE attachments SET content = x'00' WHERE id = 1"],
                                 "altered: .*attachment 1: its content was changed"),
    "attachment: name": (["UPDATE attachments SET name = 'x.txt' WHERE id = 1"],
                         "altered: .*attachment 1: expected name"),
    "attachment: removed": (["DELETE FROM attachments WHERE id = 1"], "lost: .*attachment 1, which event"),
    "attachment: added": (["INSERT INTO attachments SELECT 999, business_key, process_instance_id, name, media_type,"
                           " size, sha256, content, created_at, created_by FROM attachments WHERE id = 1"],
                          "unrecorded: .*attachment 999"),
    "notice: text": (["UPDATE notifications SET text = text || '!' WHERE id = (SELECT max(id) FROM notifications)"],
                     "altered: .*notice [0-9]+: expected text"),
    "notice: in another language": (["UPDATE notifications SET wordings = replace(wordings, 'Overdue', 'Not overdue')"
                                     " WHERE id = (SELECT max(id) FROM notifications WHERE wordings IS NOT NULL)"],
                                    "altered: .*notice [0-9]+: expected wordings"),
    "notice: a language added": (["UPDATE notifications SET wordings = '{\"fr\": [\"Bon\", \"\"]}'"
                                  " WHERE id = (SELECT max(id) FROM notifications)"],
                                 "altered: .*notice [0-9]+: expected wordings"),
    "notice: to whom": (["UPDATE notifications SET username = 'mallory'"
                         " WHERE id = (SELECT max(id) FROM notifications)"],
                        "altered: .*notice [0-9]+: expected username"),
    "notice: removed": (["DELETE FROM notifications WHERE id = (SELECT max(id) FROM notifications)"],
                        "lost: .*notice [0-9]+ to "),
    # work
    "user task: completed by hand": ([f"UPDATE user_tasks SET state = 'completed', ended_at = created_at WHERE"
                                      f" process_instance_id = {RUNNING} AND state = 'created'"],
                                     "altered: .*expected state 'created', but found 'completed'"),
    "user task: who did it": ([f"UPDATE user_tasks SET assignee = 'mallory' WHERE process_instance_id = {ENDED}"],
                              "altered: .*expected assignee .*, but found 'mallory'"),
    "user task: removed": ([f"DELETE FROM user_tasks WHERE process_instance_id = {ENDED}"],
                           "lost: .*the user task of contact_customer"),
    "user task: added": ([f"INSERT INTO user_tasks SELECT 999, process_instance_id, 999, definition_id, element_id,"
                          f" name, business_key, state, assignee, owner, candidate_users, candidate_groups, form_key,"
                          f" priority, due_at, follow_up_at, sort_at, draft, created_at, ended_at FROM user_tasks"
                          f" WHERE process_instance_id = {ENDED} LIMIT 1"], "unrecorded: .*user task 999"),
    "external task: removed": ([f"DELETE FROM external_tasks WHERE process_instance_id = {ENDED}"],
                               "lost: .*the external task of"),
    "visit: removed": ([f"DELETE FROM activity_instances WHERE process_instance_id = {ENDED} AND number = 5"],
                       "lost: .*the visit of"),
    "visit: elsewhere": ([f"UPDATE activity_instances SET element_id = 'x' WHERE process_instance_id = {ENDED}"],
                         "altered: .*the visit of .*: expected element_id"),
    "timer: put off": (["UPDATE jobs SET due_at = '2036-01-01 00:00:00' WHERE kind = 'timer'"],
                       "altered: .*the timer of .*: expected due_at"),
    "dates that are none": (["UPDATE user_tasks SET created_at = 'yesterday'"], "altered: .*a row cannot be read"),
    # what is deployed, and what is numbered
    "file: content": (["UPDATE resources SET content = content || x'20' WHERE name = 'complaint.bpmn'"],
                      "damaged: file complaint.bpmn of deployment"),
    "file: content and digest": ([f"UPDATE resources SET content = x'00', sha256 = '{sha256(bytes(1)).hexdigest()}'"
                                  " WHERE name = 'severity.dmn'"], "damaged: deployment .* has other files"),
    "file: removed": (["DELETE FROM resources WHERE name LIKE 'guidance/%'"], "damaged: deployment .* has other files"),
    "definition: another file": (["UPDATE definitions SET resource_id = (SELECT id FROM resources WHERE name ="
                                  " 'promise_limits.dmn') WHERE key = 'severity'"],
                                 "damaged: decision severity version 1"),
    "history: of nobody": (["UPDATE history_events SET process_instance_id = 4711 WHERE process_instance_id = 3"],
                           "orphaned: process instance 4711: "),
}  # fmt: skip


def test_nobody_has_tampered(path: Path, heads: Heads) -> None:
    assert found(path, heads) == []


@pytest.mark.parametrize("way", WAYS)
def test_tampering__is_found_and_named(path: Path, way: str) -> None:
    statements, said = WAYS[way]
    tamper(path, *statements)

    problems = found(path)

    assert any(re.search(said, problem) for problem in problems), problems


def test_tampering__that_the_next_step_takes_over_stays_found(path: Path) -> None:
    """A step goes on with what it finds; that it was not what the step before had left stands in the history."""
    tamper(path, f"UPDATE process_instances SET variables = replace(variables, '王', '李') WHERE id = {ENDED}")
    with open_sessions(path).begin() as session:
        number = session.scalars(select(ProcessInstance.id).where(ProcessInstance.business_key == KEY)).one()
        history.erase(session, number, ["phone"], by="administrator", reason="申请")

    assert any("were changed between events" in problem for problem in found(path))


# -- what only heads prove ---------------------------------------------------------------------------------------------

Forgery = Callable[[Session], None]


def cut_the_end(session: Session) -> None:
    """Remove the last comment with its event, and let the instance end with the one before it."""
    instance = session.scalars(select(ProcessInstance).where(ProcessInstance.business_key == OPEN_KEY)).one()
    connection = session.connection()
    where = f"process_instance_id = {instance.id}"
    connection.exec_driver_sql(f"DELETE FROM comments WHERE {where} AND text = '最后一条'")
    connection.exec_driver_sql(f"DELETE FROM history_events WHERE {where} AND sequence = {instance.history_length}")
    instance.history_length -= 1
    instance.history_hash = history.events(session, instance.id)[-1].hash


def write_anew(session: Session) -> None:
    """Say that somebody else wrote the last comment, in a chain that fits."""
    instance = session.scalars(select(ProcessInstance).where(ProcessInstance.business_key == OPEN_KEY)).one()
    session.connection().exec_driver_sql("UPDATE comments SET created_by = 'mallory' WHERE text = '最后一条'")
    *before, last = history.events(session, instance.id)
    event = Event(kind=last.kind, facts=last.facts, variables=last.variables, by="mallory")
    sealed = history.seal(instance.id, len(before), before[-1].hash, [event], at=last.at)
    session.connection().exec_driver_sql(
        f"DELETE FROM history_events WHERE process_instance_id = {instance.id} AND sequence = {sealed.length}"
    )
    session.execute(insert(HistoryEvent), sealed.rows)
    instance.history_hash = sealed.head


def replace_a_deployment(session: Session) -> None:
    """Change a file, and every digest of it."""
    connection = session.connection()
    digest = sha256(b"{}").hexdigest()
    connection.exec_driver_sql(
        f"UPDATE resources SET content = x'7b7d', sha256 = '{digest}' WHERE name = 'guidance/investigate.md'"
    )
    rows = session.execute(
        select(Resource.deployment_id, Resource.name, Resource.sha256).where(
            Resource.deployment_id.in_(
                select(Resource.deployment_id).where(Resource.name == "guidance/investigate.md")
            )
        )
    ).all()
    whole = history.deployment_digest({row.name: row.sha256 for row in rows})
    connection.exec_driver_sql(f"UPDATE deployments SET sha256 = '{whole}' WHERE id = {rows[0].deployment_id}")


def remove_the_newest(session: Session) -> None:
    """Remove the matter with the last number, and give that number back."""
    key = "SELECT max(business_key) FROM process_instances"
    number = session.connection().exec_driver_sql(
        f"SELECT max(id) FROM process_instances WHERE business_key = ({key})"
    ).scalar()
    for statement in removed(f"{number}"):
        session.connection().exec_driver_sql(statement)
    session.connection().exec_driver_sql("UPDATE number_sequences SET last = last - 1")


def make_up_a_matter(session: Session) -> None:
    """Start a matter today that says it is from January."""
    clock.set_to(datetime(2026, 1, 5, 3, tzinfo=UTC))
    variables = json.loads(session.scalars(select(ProcessInstance.variables).limit(1)).one())["0"]
    complaint = definitions.latest(session, "process", "complaint")
    instantiation.begin(session, complaint, variables, business_key="TS2026-9999", by="mallory")


FORGERIES: dict[str, tuple[Forgery, str]] = {
    "the end cut off, and told so": (cut_the_end, "cut: .*the end was cut, or an older copy restored"),
    "a chain written anew": (write_anew, "rewritten: .*the history was written anew"),
    "a deployment replaced": (replace_a_deployment, "rewritten: deployment [0-9]+ has other files than it had"),
    "the newest matter removed": (remove_the_newest, "gone: process instance [0-9]+: it is gone"),
    "a matter made up": (make_up_a_matter, "backdated: .*is dated 2026-01-05.* but was not there at 2026-12-01"),
}


@pytest.mark.parametrize("way", FORGERIES)
def test_forgery__that_fits_is_found_with_heads_only(path: Path, heads: Heads, way: str) -> None:
    forge, said = FORGERIES[way]
    with open_sessions(path).begin() as session:
        forge(session)

    assert found(path) == []
    assert any(re.search(said, problem) for problem in found(path, heads))


def test_forgery__an_older_copy_restored(path: Path, tmp_path: Path) -> None:
    older = shutil.copyfile(path, tmp_path / "older.db")
    with open_sessions(path).begin() as session:
        comments.add(session, OPEN_KEY, "再次联系", by=ADMINISTRATOR)
        kept = history.read_heads(session)

    assert found(Path(older)) == []
    assert any("an older copy restored" in problem for problem in found(Path(older), kept))


def test_heads__those_of_an_earlier_day_hold(path: Path, heads: Heads) -> None:
    """Whatever is done afterwards goes on from them."""
    clock.set_to(AT + timedelta(days=1))
    with open_sessions(path).begin() as session:
        comments.add(session, OPEN_KEY, "再次联系", by=ADMINISTRATOR)

    assert found(path, heads) == []


def test_ways__enough_of_them() -> None:
    assert len(WAYS) + len(FORGERIES) >= 26
