"""The schema revisions, which users run, make the tables that the models describe, on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import select

from casepath.engine import database
from casepath.engine.database import correlation, values
from casepath.engine.database.models import CorrelationValue, Job, Mail, Subscription
from casepath.engine.database.schema import upgrade
from tests.database import WORKER, PostgresServer


@pytest.fixture
def empty_database(engine_database: sqlalchemy.Engine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A database without any table, of the same kind as `engine_database`."""
    if engine_database.dialect.name == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgresql_server")
        url = server.create(f"casepath_empty_{WORKER}", template="template0")
    connected = database.connect(url)
    yield connected
    connected.dispose()


def schema(engine: sqlalchemy.Engine) -> dict[str, Any]:
    """Everything that the database says of its tables, comparable with another one's."""
    inspector = sqlalchemy.inspect(engine)
    names = set(inspector.get_table_names()) - {"alembic_version"}
    return {name: comparable(table(inspector, name)) for name in names}


def table(inspector: sqlalchemy.Inspector, name: str) -> dict[str, Any]:
    """Columns, keys, checks and indexes of one table."""
    return {
        "columns": {column["name"]: {**column, "type": repr(column["type"])} for column in inspector.get_columns(name)},
        "primary key": inspector.get_pk_constraint(name),
        "foreign keys": inspector.get_foreign_keys(name),
        "unique": inspector.get_unique_constraints(name),
        "checks": inspector.get_check_constraints(name),
        "indexes": inspector.get_indexes(name),
    }


def comparable(found: Any) -> Any:
    """Turn conditions, which compare by identity, into text, and sort constraints, which have no order."""
    if isinstance(found, dict):
        return {key: comparable(value) for key, value in found.items()}
    if isinstance(found, list):
        values = [comparable(value) for value in found]
        return sorted(values, key=repr) if any(isinstance(value, dict) for value in values) else values
    return str(found) if isinstance(found, sqlalchemy.ClauseElement) else found


def test_upgrade__makes_the_tables_of_the_models(
    engine_database: sqlalchemy.Engine, empty_database: sqlalchemy.Engine
) -> None:
    upgrade(empty_database)

    assert schema(empty_database) == schema(engine_database)


def test_upgrade__twice_changes_nothing(empty_database: sqlalchemy.Engine) -> None:
    upgrade(empty_database)
    before = schema(empty_database)

    upgrade(empty_database)

    assert schema(empty_database) == before


def test_upgrade__messages_that_are_waited_for(empty_database: sqlalchemy.Engine) -> None:
    fill(empty_database, "0001", BEFORE)

    upgrade(empty_database)

    with database.sessions(empty_database).begin() as session:
        keys = {row.id: row.correlation_key for row in session.scalars(select(Subscription))}
        assert keys == {1: "", 2: correlation.key({"order": 1, "place": "here"}), 3: "", 4: ""}
        kept = {
            (row.process_instance_id, row.activity_instance, row.name): row.value
            for row in session.scalars(select(CorrelationValue))
        }
        outer = {"order": correlation.text(Decimal("1.10")), "place": correlation.text("here")}
        inner = {**outer, "order": correlation.text(True)}
        assert kept == {
            (1, number, name): value for number, seen in ((0, outer), (3, inner)) for name, value in seen.items()
        }
        sent: Any = values.loads(session.scalars(select(Job.payload)).one() or "")
        assert sent["correlation"] == {"order": 1}


def test_upgrade__mails_that_tasks_had_still_to_send(empty_database: sqlalchemy.Engine) -> None:
    fill(empty_database, "0004", {**BEFORE, "subscriptions": [], "jobs": [], **MAILING})

    upgrade(empty_database)

    with database.sessions(empty_database).begin() as session:
        kept = session.execute(select(Mail.notification_id, Mail.state, Mail.created_at, Mail.ended_at)).all()
        tokens = set(session.scalars(select(Mail.token)))
    assert {tuple(row) for row in kept} == {
        # Told by tasks that go on, or stand still with an incident: the mail goes out now.
        (1, "waiting", AT, None),
        (4, "waiting", AT, None),
        # Sent before.
        (2, "sent", AT, AT + MINUTE),
        (7, "sent", AT, AT + MINUTE),
    }
    assert {len(token) for token in tokens} == {32}
    assert len(tokens) == 4


def fill(engine: sqlalchemy.Engine, revision: str, rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """Bring an empty database to an older revision and write rows."""
    revise(engine, revision)
    tables = sqlalchemy.MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for name, each in rows.items():
            for row in each:
                connection.execute(tables.tables[name].insert(), row)


def revise(engine: sqlalchemy.Engine, revision: str) -> None:
    """Bring an empty database to an older revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "alembic"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


AT = datetime(2026, 3, 2, tzinfo=UTC)
INSTANCE = {
    "definition_id": 1,
    "definition_key": "p",
    "state": "active",
    "history_length": 0,
    "history_hash": "",
    "started_at": AT,
    "root_id": 1,
}
WAITING = {"name": "paid", "process_instance_id": 1, "definition_id": 1, "element_id": "Wait", "created_at": AT}
SENT = {"name": "paid", "variables": {}, "business_key": None, "correlation": {"properties": {"order": 1}}}
#: Two instances of the first revision: in one a message is waited for by the process and in a nested sub-process.
BEFORE: dict[str, list[dict[str, Any]]] = {
    "deployments": [{"id": 1, "name": "p", "sha256": "", "created_at": AT}],
    "resources": [{"id": 1, "deployment_id": 1, "name": "p.bpmn", "sha256": "", "content": b""}],
    "definitions": [
        {
            "id": 1,
            "kind": "process",
            "key": "p",
            "version": 1,
            "name": "p",
            "deployment_id": 1,
            "resource_id": 1,
            "sha256": "",
            "executable": True,
            "suspended": False,
            "created_at": AT,
        }
    ],
    "process_instances": [
        {
            **INSTANCE,
            "id": 1,
            # The sub-process 1 has the sub-process 2, where 3 waits.
            "tokens": '{"n":3,"t":[[1,"S",0,"S",null,null,1],[2,"T",1,"S",null,null,1],[3,"Wait",2,"W",null,null,0]]}',
            "variables": '{"0":{"many":[1],"order":{"$decimal":"1.10"},"place":"here"},"1":{"order":true}}',
        },
        {**INSTANCE, "id": 2, "tokens": '{"n":1,"t":[[1,"A",0,"W",null,null,0]]}', "variables": '{"0":{"order":7}}'},
    ],
    "subscriptions": [
        {**WAITING, "id": 1, "kind": "message", "activity_instance": 0, "correlation": None},
        {**WAITING, "id": 2, "kind": "message", "activity_instance": 3, "correlation": '{"order":1,"place":"here"}'},
        {**WAITING, "id": 3, "kind": "signal", "process_instance_id": 2, "activity_instance": 1, "correlation": None},
        {**WAITING, "id": 4, "kind": "message", "process_instance_id": None, "activity_instance": None},
    ],
    "jobs": [
        {
            "id": 1,
            "kind": "message",
            "process_instance_id": 2,
            "definition_id": 1,
            "state": "waiting",
            "due_at": AT,
            "payload": values.dumps(SENT),
            "retries": 3,
            "created_at": AT,
        }
    ],
}

MINUTE = timedelta(minutes=1)
PERSON = {"name": "x", "language": "zh_CN", "active": True, "created_at": AT}
WORK = {"process_instance_id": 1, "definition_id": 1, "element_id": "Tell", "topic": "notify", "created_at": AT}
TOLD = {"kind": "notice", "subject": "x", "text": "x", "created_at": AT}
#: Four tasks that told people something, of which two have not ended; mail had gone out to some.
MAILING: dict[str, list[dict[str, Any]]] = {
    "users": [
        {**PERSON, "username": "anna", "email": "anna@house.test"},
        {**PERSON, "username": "bea", "email": "bea@house.test"},
        {**PERSON, "username": "carl", "email": None},
        {**PERSON, "username": "gone", "email": "gone@house.test", "active": False},
    ],
    "external_tasks": [
        {**WORK, "id": number, "activity_instance": number, "state": state, "locked_until": AT, "priority": 0, **ended}
        for number, state, ended in (
            (1, "created", {}),
            (2, "failed", {"retries": 0}),
            (3, "completed", {"ended_at": AT}),
        )
    ],
    "notifications": [
        {**TOLD, "id": 1, "username": "anna", "idempotency_key": "1/1"},
        {**TOLD, "id": 2, "username": "bea", "idempotency_key": "1/1", "sent_at": AT + MINUTE},
        {**TOLD, "id": 3, "username": "carl", "idempotency_key": "1/1"},
        {**TOLD, "id": 4, "username": "anna", "idempotency_key": "1/2"},
        {**TOLD, "id": 5, "username": "gone", "idempotency_key": "1/2"},
        # Where no e-mail was configured, the task has ended without.
        {**TOLD, "id": 6, "username": "anna", "idempotency_key": "1/3"},
        {**TOLD, "id": 7, "username": "bea", "idempotency_key": "1/3", "sent_at": AT + MINUTE},
        {**TOLD, "id": 8, "username": "anna", "idempotency_key": None},
    ],
}
