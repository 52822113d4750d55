"""Mails in a queue of their own: those that went out, and those that the tasks of earlier versions still had to send."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: Rows that are read at once.
BATCH = 500

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

notifications = sa.table(
    "notifications",
    sa.column("id"),
    sa.column("username"),
    sa.column("idempotency_key"),
    sa.column("created_at", MOMENT),
    sa.column("sent_at", MOMENT),
)
users = sa.table("users", sa.column("username"), sa.column("email"), sa.column("active", sa.Boolean()))
external_tasks = sa.table(
    "external_tasks",
    sa.column("id"),
    sa.column("process_instance_id"),
    sa.column("activity_instance"),
    sa.column("ended_at"),
)
mails = sa.table(
    "mails",
    sa.column("notification_id"),
    sa.column("state"),
    sa.column("token"),
    sa.column("attempts"),
    sa.column("due_at", MOMENT),
    sa.column("created_at", MOMENT),
    sa.column("ended_at", MOMENT),
)


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "mails",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("notification_id", ROW_ID, sa.ForeignKey("notifications.id"), nullable=False),
        sa.Column("attachment_id", ROW_ID, sa.ForeignKey("attachments.id", ondelete="SET NULL"), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("address", sa.String(length=255), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'uncertain', 'undeliverable', 'given_up')", name="mails_state"
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (state IN ('waiting', 'sending'))", name="mails_ended"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("notification_id"),
    )
    op.create_index("mails_due", "mails", ["state", "due_at", "id"])
    op.create_index("mails_by_state", "mails", ["state", "id"])
    op.create_index("ix_mails_attachment_id", "mails", ["attachment_id"])
    queue_unsent()
    keep_sent()
    op.drop_column("notifications", "sent_at")


def queue_unsent() -> None:
    """Queue what tasks that have not ended had still to send to people with an address: they only write notices now."""
    connection = op.get_bind()
    unfinished = sa.select(external_tasks.c.process_instance_id, external_tasks.c.activity_instance).where(
        external_tasks.c.ended_at.is_(None)
    )
    keys = [f"{row.process_instance_id}/{row.activity_instance}" for row in connection.execute(unfinished)]
    for begin in range(0, len(keys), BATCH):
        query = (
            sa.select(notifications.c.id, notifications.c.created_at)
            .join(users, users.c.username == notifications.c.username)
            .where(
                notifications.c.idempotency_key.in_(keys[begin : begin + BATCH]),
                notifications.c.sent_at.is_(None),
                users.c.active,
                users.c.email.is_not(None),
            )
            .order_by(notifications.c.id)
        )
        insert(mail(row, state="waiting", due_at=row.created_at, ended_at=None) for row in connection.execute(query).all())


def keep_sent() -> None:
    """Keep when mails went out."""
    connection = op.get_bind()
    last = 0
    while True:
        query = (
            sa.select(notifications.c.id, notifications.c.created_at, notifications.c.sent_at)
            .where(notifications.c.id > last, notifications.c.sent_at.is_not(None))
            .order_by(notifications.c.id)
            .limit(BATCH)
        )
        found = connection.execute(query).all()
        if not found:
            return
        last = found[-1].id
        insert(mail(row, state="sent", due_at=row.sent_at, ended_at=row.sent_at) for row in found)


def mail(row: Any, *, state: str, due_at: datetime, ended_at: datetime | None) -> dict[str, Any]:
    """Return the row of a mail."""
    return {
        "notification_id": row.id,
        "state": state,
        "token": secrets.token_hex(16),
        "attempts": int(ended_at is not None),
        "due_at": due_at,
        "created_at": row.created_at,
        "ended_at": ended_at,
    }


def insert(rows: Iterator[dict[str, Any]]) -> None:
    """Insert rows, if there are any."""
    if made := list(rows):
        op.get_bind().execute(sa.insert(mails), made)
