"""Statements of the hot path: converted, bound and refused as SQLAlchemy does it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from unittest import mock

import pytest
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.database import Base, statements
from casepath.engine.database.models import Group, Job
from casepath.engine.database.statements import Statement

Sessions = sessionmaker[Session]

JOBS = Base.metadata.tables[Job.__tablename__]
GROUPS = Base.metadata.tables[Group.__tablename__]
AT = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=8)))

ADD = Statement(insert(JOBS).returning(JOBS.c.id))
READ = Statement(select(JOBS.c.id, JOBS.c.due_at, JOBS.c.payload).where(JOBS.c.kind == "signal").order_by(JOBS.c.id))
MOVE = Statement(update(JOBS).where(JOBS.c.due_at == bindparam("seen")).values(due_at=bindparam("to"), retries=1))


def job(due_at: datetime = AT, **more: object) -> dict[str, object]:
    row = {"kind": "signal", "state": "waiting", "due_at": due_at, "retries": 3, "payload": None, "created_at": AT}
    return {**row, **more}


def test_rows__instants_in_utc(transaction: Sessions) -> None:
    with transaction.begin() as session:
        connection = session.connection()
        added = ADD.rows(connection, job())
        read = READ.rows(connection, {})

    assert [(row.id, row.due_at, row.payload) for row in read] == [(added[0].id, AT.astimezone(UTC), None)]
    assert read[0].due_at.tzinfo is UTC


def test_rows__each_conversion_its_own(transaction: Sessions) -> None:
    later = AT + timedelta(hours=1)
    with transaction.begin() as session:
        connection = session.connection()
        for due_at in (AT, later, AT, AT):
            ADD.rows(connection, job(due_at))
        read = READ.rows(connection, {})

    assert [row.due_at for row in read] == [AT, later, AT, AT]


def test_rows__constants_stand_in_the_text(transaction: Sessions) -> None:
    executed = mock.Mock(wraps=statements.execute)
    with transaction.begin() as session, mock.patch.object(statements, "execute", executed):
        READ.rows(session.connection(), {})

    _connection, text, parameters = executed.call_args.args
    assert "kind = 'signal'" in text
    assert not parameters


def test_rows__none_there(transaction: Sessions) -> None:
    with transaction.begin() as session:
        assert READ.rows(session.connection(), {}) == []


def test_change__counts_rows(transaction: Sessions) -> None:
    with transaction.begin() as session:
        connection = session.connection()
        ADD.rows(connection, job())
        ADD.rows(connection, job())
        changed = MOVE.change(connection, {"seen": AT, "to": AT + timedelta(days=1)})
        changed_again = MOVE.change(connection, {"seen": AT, "to": AT})

    assert (changed, changed_again) == (2, 0)


def test_change_many__in_one_go(transaction: Sessions) -> None:
    add_group = Statement(insert(GROUPS))
    rows = [{"key": key, "name": key, "name_en": key, "sees_all": key == "b", "distributes": "[]"} for key in "abc"]
    with transaction.begin() as session:
        add_group.change_many(session.connection(), rows)
        add_group.change_many(session.connection(), [])

    with transaction() as session:
        stored = session.execute(select(GROUPS.c.key, GROUPS.c.sees_all).order_by(GROUPS.c.key)).all()
    assert [tuple(row) for row in stored] == [("a", False), ("b", True), ("c", False)]


def test_change_many__inserts_what_it_selects(transaction: Sessions) -> None:
    kind, due_at = (bindparam(name, type_=JOBS.c[name].type) for name in ("kind", "due_at"))
    rest = (JOBS.c.state, JOBS.c.retries, JOBS.c.created_at)
    alike = select(kind, due_at, *rest).where(JOBS.c.due_at == bindparam("at"))
    copy = Statement(insert(JOBS).from_select(["kind", "due_at", "state", "retries", "created_at"], alike))
    later = AT + timedelta(days=1)
    with transaction.begin() as session:
        connection = session.connection()
        ADD.rows(connection, job(kind="message"))
        copy.change_many(connection, [{"kind": "signal", "due_at": later, "at": at} for at in (AT, later)])
        read = READ.rows(connection, {})

    assert [row.due_at for row in read] == [later, later]


def test_change__fails_as_of_sqlalchemy(transaction: Sessions) -> None:
    with transaction() as session, pytest.raises(IntegrityError, match=r"(?i)check constraint"):
        ADD.rows(session.connection(), job(state="sleeping"))

    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(JOBS)) == 0


def test_change__column_unknown(transaction: Sessions) -> None:
    with transaction() as session, pytest.raises(TypeError, match="Expected columns of groups"):
        Statement(insert(GROUPS)).change(session.connection(), {"key": "a", "named": "A"})


def test_change__parameter_missing(transaction: Sessions) -> None:
    with transaction() as session, pytest.raises(KeyError, match="to"):
        MOVE.change(session.connection(), {"seen": AT})


def test_statement__needs_what_only_its_execution_knows(transaction: Sessions) -> None:
    lazy = Statement(insert(JOBS))  # `state` and `retries` have defaults that Python gives
    row = job()
    del row["state"]

    with transaction() as session, pytest.raises(TypeError, match="leaves nothing to its execution"):
        lazy.change(session.connection(), row)
