"""Files that a form sends: how many at once, so that a request does not hold the database for long."""

from __future__ import annotations

from flask import request
from werkzeug.datastructures import FileStorage

from casepath.engine import errors

#: Of a matter. More come in several requests; each one is a transaction, and on SQLite others wait for it.
MAX_FILES = 20
#: Of a deployment: a process with its forms and the guidance of its tasks has many small ones.
MAX_RESOURCES = 200


def chosen(name: str, *, limit: int = MAX_FILES) -> list[FileStorage]:
    """Return the files of an input; raises `InvalidInput` where there are none or too many."""
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
    return files
