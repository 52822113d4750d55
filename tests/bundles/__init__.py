"""
Proof bundles that somebody has changed, and what two verifiers say of them: `verify.py`, and one in JavaScript.

    changes    ways of changing a bundle, each with the place that a verifier has to name
    verify.mjs the second verifier
"""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import hatch_build
from casepath.engine.history import bundle
from casepath.engine.history.bundle import verify

#: What is wrong: a place and a sentence.
Found = list[tuple[str, str]]

SECOND = Path(__file__).with_name("verify.mjs")
#: What the second one expects of the first.
PROGRAM = sha256(bundle.VERIFIER.read_bytes()).hexdigest()
#: Bundles that the second one is given at once.
AT_ONCE = 200


def found_in_python(path: Path, key: str) -> Found:
    """Return what `verify.py` finds in a bundle."""
    return verify.Bundle(str(path)).verify({key} if key else set())


def found_in_javascript(paths: Sequence[Path], key: str) -> list[Found]:
    """Return what the second verifier finds in each bundle."""
    found: list[Found] = []
    for begin in range(0, len(paths), AT_ONCE):
        command = [hatch_build.node(), SECOND, f"{key}:{PROGRAM}", *paths[begin : begin + AT_ONCE]]
        said = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, encoding="utf-8")
        found += [[(place, text) for place, text in json.loads(line)] for line in said.stdout.splitlines()]
    return found


def unpacked(content: bytes) -> list[tuple[str, bytes]]:
    """Return names and contents of the files of a bundle, in their order."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [(entry.filename, archive.read(entry)) for entry in archive.infolist()]


def packed(files: Sequence[tuple[str, bytes]]) -> bytes:
    """Return a zip of files in this order."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()
