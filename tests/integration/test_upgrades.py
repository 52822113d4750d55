"""Databases of earlier versions, with matters in flight: they are upgraded, and every story comes to its end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from casepath import stories
from casepath.engine import database, errors, history, settings
from casepath.engine.database import schema
from casepath.engine.database.models import Incident, ProcessInstance, Resource
from casepath.engine.deployments import definitions
from casepath.engine.forms import MATTER
from casepath.engine.history import bundle
from casepath.engine.instances import process_instances, proofs
from casepath.engine.time import clock
from casepath.stories import Story
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import bundles
from tests.acceptance.stage import by_validity
from tests.acting import PROGRAM
from tests.database import WORKER, PostgresServer
from tests.upgrades import fixtures
from tests.upgrades.fixtures import Rest
from tests.upgrades.stage import LonelyStage

ZONE = "Asia/Shanghai"
FIRST_REVISION = Path(schema.__file__).parent / "alembic" / "versions" / "0001_the_first_tables.py"

#: The first one, and the first one with many matters: on PostgreSQL each revision since has met rows of theirs.
ON_POSTGRESQL = ("642706f", "0004")
every_fixture = pytest.mark.parametrize(
    ("name", "database_url"),
    [(name, "sqlite") for name in fixtures.NAMES]
    + [pytest.param(name, "postgresql", marks=pytest.mark.postgresql) for name in ON_POSTGRESQL],
    indirect=["database_url"],
)


@pytest.fixture
def left(
    name: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[sqlalchemy.Engine]:
    """The database of an earlier version, as it was left, on either kind of database."""
    monkeypatch.setattr(settings.current, "time_zone", ZONE)
    url = fixtures.unpack(name, tmp_path)
    if database_url.startswith("postgresql"):
        server: PostgresServer = request.getfixturevalue("postgresql_server")
        made = server.create(f"casepath_left_{WORKER}", template="template0")
        fixtures.convert(url, made)
        url = made
    definitions.forget()
    connected = database.connect(url)
    yield connected
    connected.dispose()
    clock.reset()
    definitions.forget()


def told(session: Session) -> dict[str, Story]:
    """The stories as they were when the database was left: their files were deployed with the diagrams."""
    files = session.scalars(select(Resource.content).where(Resource.name == "scenarios.yaml")).all()
    return {story.id: story for content in files for story in stories.parse(content, "scenarios.yaml")}


def running(session: Session, rest: Rest) -> list[ProcessInstance]:
    """What runs of a matter."""
    query = select(ProcessInstance).where(
        ProcessInstance.business_key == rest.business_key, ProcessInstance.ended_at.is_(None)
    )
    return list(session.scalars(query.order_by(ProcessInstance.id)))


def switch(sessions: sessionmaker[Session], rest: Rest, verb: str) -> None:
    """Suspend or resume what runs of a matter; what is called goes along."""
    with sessions.begin() as session:
        for instance in running(session, rest):
            if instance.parent_id is None:
                getattr(process_instances, verb)(session, instance.id, by=PROGRAM, reason="one at a time")


@every_fixture
def test_upgrade__every_chain_verifies_and_every_story_comes_to_its_end(left: sqlalchemy.Engine, name: str) -> None:
    schema.upgrade(left)
    sessions = database.sessions(left)
    with sessions.begin() as session:
        assert list(history.verify_all(session)) == []
        scenarios = told(session)
    assert_provable(sessions, next(iter(fixtures.rests(name).values())).business_key)
    rests = fixtures.rests(name)
    assert len(rests) >= 24
    for rest in rests.values():
        clock.set_to(rest.at)
        switch(sessions, rest, "suspend")
    stage = LonelyStage(sessions, Loop(Surroundings(sessions=sessions, time_zone=ZONE)).rest)
    for story, rest in ((scenarios[key], rests[key]) for key in gone_on_with(name, left.name)):
        clock.set_to(rest.at)
        switch(sessions, rest, "resume")
        stage.business_key, stage.about = rest.business_key, (MATTER, rest.business_key)
        for step in story.steps[rest.steps :]:
            stories.play_step(step, stage)
        with sessions.begin() as session:
            # A story may turn to a matter that the first one has begun.
            assert_as_told(session, story, replace(rest, business_key=stage.business_key))
    with sessions.begin() as session:
        assert session.scalars(select(Incident.message).where(Incident.state == "open")).all() == []
        assert list(history.verify_all(session)) == []


def assert_provable(sessions: sessionmaker[Session], business_key: str) -> None:
    """What was written by an earlier version a stranger verifies."""
    key = Ed25519PrivateKey.generate()
    signer = bundle.Signer(key=key.public_key().public_bytes_raw().hex(), sign=key.sign)
    signatory = bundle.Signatory(signer=signer, operator="", product="")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        with path.open("wb+") as file, database.sessions(sessions.kw["bind"], read_only=True).begin() as session:
            proofs.write(session, file, business_key, story={}, signatory=signatory)
        assert bundles.found_in_python(path, signer.key) == []


def gone_on_with(name: str, kind: str) -> list[str]:
    """
    Return the stories of a fixture that are gone on with; all others are there and verified, and stand still.

    Each is gone on with from the first fixture that has it, whose rows the most revisions have met, and from every
    fifth one of the others in turn.
    """
    at = fixtures.OLDEST_FIRST.index(name)
    known = {story for earlier in fixtures.OLDEST_FIRST[:at] for story in fixtures.rests(earlier)}
    if kind == "postgresql":
        known |= fixtures.rests(name).keys()
    return [
        story for number, story in enumerate(fixtures.rests(name)) if story not in known or (number + at) % 5 == 0
    ]


def assert_as_told(session: Session, story: Story, rest: Rest) -> None:
    """A matter is in the state, and has the variables, that its story ends with."""
    query = select(ProcessInstance).where(ProcessInstance.business_key == rest.business_key)
    instances = session.scalars(query.order_by(ProcessInstance.id)).all()
    # What was called beside the work, such as reminders, ends with its caller.
    outermost = {instance.state for instance in instances if instance.parent_id is None}
    assert outermost == {story.expect.get("state", "completed")}
    found = {}
    for instance in sorted(instances, key=by_validity):
        found.update(process_instances.variables(session, instance.id))
    expected = story.expect.get("variables", {})
    assert {key: found.get(key) for key in expected} == expected


def test_first_revision__is_frozen() -> None:
    """Databases are there that it has made."""
    digest = sha256(FIRST_REVISION.read_bytes()).hexdigest()

    assert digest == "a70c481ce482cac7695e78dd070ecc1d7812bfbbe55e33c664f6295ece4ea17a"


@pytest.mark.parametrize("name", ["642706f"])
@pytest.mark.parametrize(
    ("change", "said", "database_url"),
    [
        ("DROP TABLE comments", "no table comments", "sqlite"),
        ("DROP INDEX jobs_due", "no index of jobs (due_at, id)", "sqlite"),
        ("ALTER TABLE users ADD COLUMN age INTEGER", "a column users.age that is unknown", "sqlite"),
        ("ALTER TABLE users RENAME COLUMN email TO mail", "no column users.email, a column users.mail", "sqlite"),
        # The other kind of database tells of its indexes and columns by itself.
        pytest.param(
            "DROP INDEX jobs_due; ALTER TABLE users RENAME COLUMN email TO mail",
            "no index of jobs (due_at, id), no column users.email, a column users.mail",
            "postgresql",
            marks=pytest.mark.postgresql,
        ),
    ],
    indirect=["database_url"],
)
def test_upgrade__refuses_other_tables_and_changes_nothing(left: sqlalchemy.Engine, change: str, said: str) -> None:
    with left.begin() as connection:
        connection.execute(text(change))
    before = set(sqlalchemy.inspect(left).get_table_names())

    with pytest.raises(errors.InvalidInput) as refusal:
        schema.upgrade(left)

    assert refusal.value.message.startswith("Expected the tables of revision ")
    assert said in refusal.value.message
    assert set(sqlalchemy.inspect(left).get_table_names()) == before


@pytest.mark.parametrize("name", ["0ede2b4"])
def test_upgrade__refuses_a_later_version(left: sqlalchemy.Engine) -> None:
    with left.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(errors.InvalidInput, match="or earlier, but found 9999, which a later version has made"):
        schema.upgrade(left)


@pytest.mark.parametrize("name", ["0ede2b4"])
def test_upgrade__refuses_tables_without_a_revision(left: sqlalchemy.Engine) -> None:
    with left.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))

    with pytest.raises(errors.InvalidInput, match="found tables without one: activity_instances, attachments"):
        schema.upgrade(left)


@pytest.mark.parametrize("name", ["0ede2b4"])
def test_upgrade__tables_of_somebody_else_are_left_alone(left: sqlalchemy.Engine) -> None:
    with left.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (number INTEGER PRIMARY KEY)"))

    schema.upgrade(left)

    assert "theirs" in sqlalchemy.inspect(left).get_table_names()
