"""Whether what stands in a file that is deployed is another than the newest version of it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.database.models import Resource
from casepath.engine.deployments import definitions


def is_new(session: Session, kind: str, key: str, file: str, digests: Mapping[str, str]) -> bool:
    """Tell whether this file, or what is read beside it, makes a new version of what it has; `digests` by file."""
    try:
        newest = definitions.latest(session, kind, key)
    except errors.NotFound:
        return True
    if newest.sha256 != digests[file]:
        return True
    return _is_accompanied_anew(session, kind, newest.deployment_id, digests)


def _is_accompanied_anew(session: Session, kind: str, deployment_id: int, digests: Mapping[str, str]) -> bool:
    """
    Tell whether what is read beside a definition of before is another now, which that one would not see.

    Of processes these are forms, guidance and texts, of decisions texts, of registers forms; of others nothing.
    """
    beside = {"process": ("guidance/", "texts."), "decision": ("texts.",)}.get(kind, ())
    query = select(Resource.name, Resource.sha256).where(Resource.deployment_id == deployment_id)
    known = {row.name: row.sha256 for row in session.execute(query)}
    return any(
        known.get(file) != digest
        for file, digest in digests.items()
        if file.startswith(beside) or (kind in ("process", "register") and file.endswith(".form"))
    )
