"""
What some tests need that is not part of the project, by the mark that those tests have.

Where something is missing its tests are left out, and the run says so in one line: a pile of skips is not read. The
models of others and the documents of the dealership are different where `../shared` is there: then they must be in it,
and their tests fail without them.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from tests import chromium

SHARED = Path(__file__).resolve().parents[2] / "shared"
CONFORMANCE = SHARED / "conformance"
DOCUMENTS = SHARED / "seeds"

#: What is missing, by mark.
NEEDS = {
    "browser": "no Chromium, which `python3 dev.py test` installs",
    "conformance": f"no folder {SHARED}, whose `conformance` has models and tests of others",
    "documents": f"no folder {SHARED}, whose `seeds` has the documents of the dealership",
    "sqlite3": "no program sqlite3",
}


def missing() -> Collection[str]:
    """The marks of the tests that cannot run here."""
    here = {
        "browser": chromium.find() is not None,
        "conformance": SHARED.is_dir(),
        "documents": SHARED.is_dir(),
        "sqlite3": shutil.which("sqlite3") is not None,
    }
    return [mark for mark in NEEDS if not here[mark]]
