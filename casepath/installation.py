"""What commands work on: the settings of an installation, and its database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pydantic
import sqlalchemy

from casepath.engine import database, errors
from casepath.settings import Settings


def read_settings(folder: Path | None, **more: object) -> Settings:
    """Return the settings; what is given here wins. Raises `ClickException` naming each value that does not fit."""
    given = {name: value for name, value in more.items() if value is not None}
    if folder is not None:
        given["data_folder"] = folder
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except pydantic.ValidationError as error:
        raise click.ClickException("; ".join(sentence(wrong) for wrong in error.errors())) from error
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    try:
        settings.apply()
    except errors.InvalidInput as error:
        raise click.ClickException(f"Setting extensions: {error.message}") from error
    return settings


def sentence(wrong: Mapping[str, Any]) -> str:
    """Return what is wrong with one setting."""
    name = "_".join(str(part) for part in wrong["loc"])
    if wrong["type"] == "extra_forbidden":
        return f"Expected a setting, but found {name}, which is none"
    said = str(wrong["msg"]).removeprefix("Value error, ")
    return f"Setting {name}: {said}" + ("" if "but found" in said else f", but found {wrong['input']!r:.100}")


def prepared(settings: Settings) -> sqlalchemy.Engine:
    """Return the database with all its tables, until the command ends."""
    pool = database.connect(settings.database)
    click.get_current_context().call_on_close(pool.dispose)
    database.upgrade(pool)
    return pool
