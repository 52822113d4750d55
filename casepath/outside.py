"""Commands for what goes out through channels, and for processes that are started for many records."""

from __future__ import annotations

import json
from typing import Any

import click

from casepath.engine import database, errors
from casepath.engine.deployments import definitions, registers, selections
from casepath.engine.instances import batches, deliveries
from casepath.engine.queries import batches as batch_queries
from casepath.engine.queries import deliveries as delivery_queries
from casepath.engine.queries import records
from casepath.installation import prepared
from casepath.mail import BY, COMMAND_LINE, change
from casepath.settings import Settings


@click.group()
def delivery() -> None:
    """Look after what goes out through channels and waits, or did not arrive."""


@delivery.command("list")
@click.option("--state", "states", type=click.Choice(delivery_queries.STATES), multiple=True, help="Only of this one.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
@click.pass_obj
def list_deliveries(settings: Settings, states: tuple[str, ...], limit: int) -> None:
    """List deliveries: number, state, since when, attempts, channel, business key, what was answered."""
    with database.sessions(prepared(settings), read_only=True).begin() as session:
        rows, _ = delivery_queries.page(session, "en", states=states or delivery_queries.STATES, limit=limit)
    for row in rows:
        since = row.created_at.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M")
        said = str(row.phrase) if row.phrase is not None else row.answer or ""
        told = (row.id, row.state, since, row.attempts, row.channel, row.business_key or "", said)
        click.echo("\t".join(str(part) for part in told))


@delivery.command("retry")
@click.argument("numbers", nargs=-1, type=int, required=True)
@BY
@click.pass_obj
def retry(settings: Settings, numbers: tuple[int, ...], by: str | None) -> None:
    """Have deliveries tried again at once; one that was perhaps sent may arrive twice."""
    change(settings, list(numbers), deliveries.retry, "retried", by, noun="delivery")


@delivery.command("give-up")
@click.argument("numbers", nargs=-1, type=int, required=True)
@BY
@click.pass_obj
def give_up(settings: Settings, numbers: tuple[int, ...], by: str | None) -> None:
    """Have deliveries not sent any more."""
    change(settings, list(numbers), deliveries.give_up, "given up", by, noun="delivery")


@click.group()
def batch() -> None:
    """Start a process for many records, let it begin, stop it."""


@batch.command("list")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
@click.pass_obj
def list_batches(settings: Settings, limit: int) -> None:
    """List batches: number, state, process with version, how many of how many, of which not possible."""
    with database.sessions(prepared(settings), read_only=True).begin() as session:
        rows, _ = batch_queries.listed(session, limit=limit)
    for row in rows:
        progress = f"{row.done}/{row.size}\t{row.counts['refused']}"
        click.echo(f"{row.id}\t{row.state}\t{row.process} v{row.version}\t{progress}")


@batch.command("start")
@click.argument("process")
@click.option("--key", "keys", multiple=True, help="Of a record; may be given several times.")
@click.option("--search", "text", help="All records in use in which these words are found.")
@click.option("--variables", default="{}", help="What its form asks, as JSON.")
@BY
@click.pass_obj
def start(
    settings: Settings, process: str, keys: tuple[str, ...], text: str | None, variables: str, by: str | None
) -> None:
    """Start a process for records, named one by one or found by a search."""
    if bool(keys) == (text is not None):
        raise click.UsageError("Name either the keys of records, or words to search.")
    try:
        typed: Any = json.loads(variables)
    except ValueError as error:
        raise click.UsageError(f"Expected JSON as --variables, but found: {error}") from error
    pool = prepared(settings)
    try:
        with database.sessions(pool, read_only=True).begin() as session:
            selection = selections.of(definitions.process(session, definitions.latest(session, "process", process).id))
            if selection is not None and text is not None:
                declared = registers.declared(session, selection.register)
                keys = tuple(row.key for row in records.every(session, declared, records.Filters(text=text)))
        with database.sessions(pool).begin() as session:
            made = batches.propose(session, process, keys, typed, by=by or COMMAND_LINE)
            click.echo(f"batch {made.id}: {made.state}, {made.size} records")
    except errors.EngineError as error:
        raise click.ClickException(error.message) from error


@batch.command("approve")
@click.argument("numbers", nargs=-1, type=int, required=True)
@click.option("--by", required=True, help="User who lets it begin.")
@click.pass_obj
def approve(settings: Settings, numbers: tuple[int, ...], by: str) -> None:
    """Let batches begin that somebody else has proposed."""
    change(settings, list(numbers), batches.approve, "running", by, noun="batch")


@batch.command("stop")
@click.argument("numbers", nargs=-1, type=int, required=True)
@BY
@click.pass_obj
def stop(settings: Settings, numbers: tuple[int, ...], by: str | None) -> None:
    """Have batches start no more; what they have started goes on."""
    change(settings, list(numbers), batches.stop, "stopped", by, noun="batch")
