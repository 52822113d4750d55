"""Files that a form sends: how many and how large at once, so that a request does not hold the database for long."""

from __future__ import annotations

import io

from flask import request
from werkzeug.datastructures import FileStorage

from casepath.engine import errors
from casepath.engine.phrases import Size

#: Of a matter. More come in several requests; each one is a transaction, and on SQLite others wait for it.
MAX_FILES = 20
#: Bytes of them together; a single one may have as many.
MAX_BYTES = 30_000_000
#: Of a deployment: a process with its forms and the guidance of its tasks has many small ones.
MAX_RESOURCES = 200


def chosen(name: str, *, limit: int = MAX_FILES) -> list[FileStorage]:
    """Return the files of an input; raises `InvalidInput` where there are none, too many or too large ones."""
    files = [file for file in request.files.getlist(name) if file.filename]
    if not files:
        raise errors.InvalidInput("Please choose at least one file; none has arrived.", code="file-missing")
    if len(files) > limit:
        raise errors.InvalidInput(
            "At most {limit} files can be sent at once; {count} have arrived. Please send them in several steps.",
            code="files-of-request",
            limit=limit,
            count=len(files),
        )
    size = sum(file.stream.seek(0, io.SEEK_END) for file in files)
    if size > MAX_BYTES:
        raise errors.InvalidInput(
            "These files have {size} together; at most {limit} can be sent at once. Please send them in several steps, "
            "or smaller ones.",
            code="files-too-large",
            size=Size(size),
            limit=Size(MAX_BYTES),
        )
    for file in files:
        file.stream.seek(0)
    return files
