"""What was deployed: deployments, their resources, and the versions of processes, decisions and forms."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from casepath.engine.database import Base, RowId, String


class Deployment(Base):
    """A read-only set of resources put into the engine together."""

    __tablename__ = "deployments"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    #: SHA-256 over names and contents of all resources, in hex.
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(255))


class Resource(Base):
    """One file of a deployment, as it came."""

    __tablename__ = "resources"
    __table_args__ = (UniqueConstraint("deployment_id", "name"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    deployment_id: Mapped[int] = mapped_column(ForeignKey("deployments.id"))
    #: Path below the deployed folder, with `/`.
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Definition(Base):
    """One version of what is found by its key: a process, a form, a register, a document, a channel, a report, …."""

    __tablename__ = "definitions"
    __table_args__ = (
        UniqueConstraint("kind", "key", "version"),
        CheckConstraint(
            "kind IN ('process', 'decision', 'form', 'calendar', 'register', 'document', 'channel', 'report')",
            name="definitions_kind",
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    #: The id in the file: process id, decision id, form id.
    key: Mapped[str] = mapped_column(String(255))
    #: Counts per kind and key, from 1.
    version: Mapped[int]
    name: Mapped[str] = mapped_column(String(255))
    version_tag: Mapped[str | None] = mapped_column(String(255))
    deployment_id: Mapped[int] = mapped_column(ForeignKey("deployments.id"), index=True)
    resource_id: Mapped[int] = mapped_column(ForeignKey("resources.id"))
    #: Of the resource: the same content again is no new version.
    sha256: Mapped[str] = mapped_column(String(64))
    #: False for a process that only documents (`isExecutable="false"`).
    executable: Mapped[bool] = mapped_column(default=True)
    #: New instances are not started while a definition is suspended.
    suspended: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
