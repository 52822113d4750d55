"""Commands for the queue of e-mails: what waits, what did not arrive, and what is to become of it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from casepath.engine import database, errors
from casepath.engine.instances import mails
from casepath.engine.people.authorization import Program
from casepath.engine.queries import mails as mail_queries
from casepath.installation import prepared
from casepath.settings import Settings

#: Who does what no user is named for.
COMMAND_LINE = Program("command-line")
BY = click.option("--by", default=None, help="User who does it; without one the record shows the command line.")


@click.group()
def mail() -> None:
    """Look after e-mails that wait, or did not arrive."""


@mail.command("list")
@click.option("--state", "states", type=click.Choice(mail_queries.STATES), multiple=True, help="Only of this state.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
@click.pass_obj
def list_mails(settings: Settings, states: tuple[str, ...], limit: int) -> None:
    """List e-mails: number, state, since when, attempts, to whom, business key, what the mail server said."""
    with database.sessions(prepared(settings), read_only=True).begin() as session:
        counts, oldest = mail_queries.counts(session), mail_queries.oldest(session)
        rows, _ = mail_queries.page(session, states=states or mail_queries.STATES, limit=limit)
    for row in rows:
        since = row.created_at.astimezone(settings.zone).strftime("%Y-%m-%d %H:%M")
        said = str(row.phrase) if row.phrase is not None else row.answer or ""
        told = (row.id, row.state, since, row.attempts, f"{row.username} <{row.address or ''}>", row.business_key, said)
        click.echo("\t".join("" if part is None else str(part) for part in told))
    waits = f"; the oldest waits since {oldest.astimezone(settings.zone):%Y-%m-%d %H:%M}" if oldest else ""
    click.echo(", ".join(f"{count} {state}" for state, count in counts.items()) + waits, err=True)


@mail.command("retry")
@click.argument("numbers", nargs=-1, type=int)
@click.option("--undeliverable", is_flag=True, help="All that are undeliverable.")
@BY
@click.pass_obj
def retry(settings: Settings, numbers: tuple[int, ...], undeliverable: bool, by: str | None) -> None:
    """Have e-mails tried again at once; one that was perhaps sent may arrive twice."""
    change(settings, chosen(settings, numbers, ("undeliverable",) if undeliverable else ()), mails.retry, "retried", by)


@mail.command("give-up")
@click.argument("numbers", nargs=-1, type=int)
@click.option("--uncertain", is_flag=True, help="All that were perhaps sent.")
@BY
@click.pass_obj
def give_up(settings: Settings, numbers: tuple[int, ...], uncertain: bool, by: str | None) -> None:
    """Have e-mails not sent any more; the notices inside the pages stay."""
    change(settings, chosen(settings, numbers, ("uncertain",) if uncertain else ()), mails.give_up, "given up", by)


def chosen(settings: Settings, numbers: tuple[int, ...], states: tuple[str, ...]) -> list[int]:
    """Return the numbers that were named, and those of all mails in some states; raises `UsageError` for neither."""
    if not numbers and not states:
        raise click.UsageError("Name the numbers of mails, or all of a state.")
    found = list(numbers)
    below: int | None = None
    with database.sessions(prepared(settings), read_only=True).begin() as session:
        while states:
            rows, below = mail_queries.page(session, states=states, below=below, limit=500)
            found += [row.id for row in rows]
            if below is None:
                break
    return sorted(set(found))


def change(
    settings: Settings,
    numbers: list[int],
    command: Callable[..., object],
    done: str,
    by: str | None,
    *,
    noun: str = "mail",
) -> None:
    """Change mails, or others, one by one, and say of each what came of it; exit with 1 where one was refused."""
    sessions = database.sessions(prepared(settings))
    refused = False
    for number in numbers:
        try:
            with sessions.begin() as session:
                command(session, number, by=by or COMMAND_LINE)
            click.echo(f"{noun} {number}: {done}")
        except errors.EngineError as error:
            refused = True
            click.echo(f"{noun} {number}: {error.message}", err=True)
    if refused:
        sys.exit(1)
