"""Commands for process instances, which work beside a server that is busy: each change is one short transaction."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
import sqlalchemy

from casepath.engine import database, errors
from casepath.engine.database.connection import LOCK_TIMEOUT
from casepath.engine.instances import process_instances
from casepath.engine.queries import instances as instance_queries
from casepath.installation import prepared
from casepath.settings import Settings

STATES = ("active", "suspended", "completed", "cancelled")
#: Whoever uses the command line is asked for both; they stand in the history.
BY = click.option("--by", required=True, help="User name that the history shows.")
REASON = click.option("--reason", required=True, help="Reason that the history shows.")


@click.group()
def instances() -> None:
    """List process instances, hold them still, let them go on."""


@instances.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only of this state.")
@click.option("--process", help="Only of the process with this key.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
@click.pass_obj
def list_instances(settings: Settings, state: str | None, process: str | None, limit: int) -> None:
    """List process instances: number, business key, process with version, state, when it started."""
    with database.sessions(prepared(settings), read_only=True).begin() as session:
        for row in instance_queries.listed(session, state=state, key=process, limit=limit):
            started = row.started_at.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M")
            click.echo(f"{row.id}\t{row.business_key or ''}\t{row.key} v{row.version}\t{row.state}\t{started}")


@instances.command("suspend")
@click.argument("numbers", nargs=-1, type=int, required=True)
@BY
@REASON
@click.pass_obj
def suspend(settings: Settings, numbers: tuple[int, ...], by: str, reason: str) -> None:
    """Hold process instances still: nothing can be completed in them, no timer fires."""
    change(settings, numbers, ("suspend", "suspended"), process_instances.suspend, by, reason)


@instances.command("resume")
@click.argument("numbers", nargs=-1, type=int, required=True)
@BY
@REASON
@click.pass_obj
def resume(settings: Settings, numbers: tuple[int, ...], by: str, reason: str) -> None:
    """Let suspended process instances go on; what became due meanwhile is done at once."""
    change(settings, numbers, ("resume", "resumed"), process_instances.resume, by, reason)


def change(
    settings: Settings,
    numbers: tuple[int, ...],
    words: tuple[str, str],
    command: Callable[..., None],
    by: str,
    reason: str,
) -> None:
    """Change process instances one by one, and say of each what came of it; exit with 1 where one was refused."""
    verb, done = words
    sessions = database.sessions(prepared(settings))
    refused = False
    for number in numbers:
        try:
            with sessions.begin() as session:
                command(session, number, by=by, reason=reason)
            click.echo(f"process instance {number}: {done}")
        except errors.EngineError as error:
            refused = True
            click.echo(f"process instance {number}: {error.message}", err=True)
        except sqlalchemy.exc.OperationalError:
            refused = True
            waited = f"Expected to {verb} it within {LOCK_TIMEOUT} s, but the database was busy; try again"
            click.echo(f"process instance {number}: {waited}", err=True)
    if refused:
        sys.exit(1)
