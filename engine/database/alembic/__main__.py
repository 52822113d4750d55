"""
Write the next schema revision: `python -m casepath.engine.database.alembic "what changed"` compares the models with
the revisions so far.

What it writes is a proposal; read it, and move what is there already, before committing it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from casepath.engine import database

FOLDER = Path(__file__).parent
RUFF = "format --quiet REVISION_SCRIPT_FILENAME"


def write_revision(message: str) -> None:
    """Add a file to `versions/` that brings a database of the newest revision to what the models say."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    for name, value in {"hooks": "ruff", "ruff.type": "module", "ruff.module": "ruff", "ruff.options": RUFF}.items():
        config.set_section_option("post_write_hooks", name, value)
    number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
    engine = database.connect("sqlite://")
    database.upgrade(engine)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write_revision(sys.argv[1])
