"""Take the proof of a matter away, and see which keys sign it and who took some."""

from __future__ import annotations

import importlib.metadata
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from flask import Blueprint, g, render_template
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from casepath.engine import errors
from casepath.engine.history import bundle as bundles
from casepath.engine.instances import proofs
from casepath.engine.people import authorization
from casepath.engine.queries import operations, people
from casepath.engine.queries import proofs as taken
from casepath.engine.queries.instances import Reference
from casepath.settings import Settings
from casepath.web import headers, phrases
from casepath.web.auth import requires
from casepath.web.process_instances.views import again
from casepath.web.proofs import story

bp = Blueprint("proofs", __name__)

#: Bytes that are sent at once.
CHUNK = 64 * 1024


@bp.post("/matters/proof/<matter:reference>")
def bundle(reference: Reference) -> Response | tuple[str, int]:
    """Return the proof of a matter as a zip; that it was taken is on record."""
    try:
        with g.sessions.begin() as session:
            proofs.take(session, reference, by=g.person)
            # Where nothing can be signed, nothing is on record.
            signatory = signatory_of(g.settings)
    except errors.InvalidInput as refusal:
        return again(reference, "proof", refusal)
    # On the disk: no transaction waits for whoever reads slowly, and what goes wrong is told before the first byte.
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the answer
    try:
        with g.readers.begin() as session:
            told = story.written(session, reference, g.person)
            proofs.write(session, file, reference, story=told, signatory=signatory)
    except BaseException:
        file.close()
        raise
    answer = FlaskResponse(_chunks(file), mimetype="application/zip")
    answer.content_length = file.tell()
    answer.headers["Content-Disposition"] = headers.content_disposition(f"{reference}.proof.zip")
    answer.call_on_close(file.close)
    file.seek(0)
    return answer


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


@bp.get("/operations/proof")
@requires(authorization.may_operate)
def keys() -> str:
    """Show the public keys that sign proof, and who took some away."""
    refused, known = "", []
    try:
        known = bundles.known(g.settings.data_folder)
    except errors.InvalidInput as refusal:
        refused = phrases.sentence(refusal)
    with g.readers.begin() as session:
        rows = taken.newest(session)
        return render_template(
            "proofs/keys.html",
            known=known[::-1],
            refused=refused,
            rows=rows,
            names=people.names(session, [row.by for row in rows]),
            counts=operations.counts(session),
        )


def signatory_of(settings: Settings) -> bundles.Signatory:
    """Return who states what bundles say here; raises `InvalidInput` where nothing can be signed."""
    product = f"casepath {importlib.metadata.version('casepath')}"
    signer = bundles.signer(settings.data_folder)
    return bundles.Signatory(signer=signer, operator=settings.operator or settings.url, product=product)
