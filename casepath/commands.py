"""
The command `casepath`: serve the pages, run workers, deploy, look after users.

`proof`, `instances` and `mail` have the rest.

Every subcommand reads the settings of `casepath.settings` (`CASEPATH_…` and `casepath.toml`), opens its transactions
itself, and says what it did.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import click
import sqlalchemy

import casepath
from casepath import instances, mail, outside, processes, proof
from casepath.engine import database, deployments, errors
from casepath.engine.instances import departures
from casepath.engine.people import identity
from casepath.engine.people.authorization import By, Program
from casepath.engine.time import clock
from casepath.installation import prepared, read_settings
from casepath.settings import Settings

#: Who does what no user is named for.
COMMAND_LINE = Program("command-line")


class Commands(click.Group):
    """Says errors of the engine as one sentence instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except errors.EngineError as error:
            raise click.ClickException(error.message) from error
        except sqlalchemy.exc.DatabaseError as error:
            logging.getLogger(__name__).debug("the database refused", exc_info=error)
            what = "does not answer" if isinstance(error, sqlalchemy.exc.OperationalError) else "cannot be used"
            raise click.ClickException(f"The database {what}: {' '.join(str(error.orig).split())}") from error
        except OSError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--data", "folder", type=click.Path(path_type=Path), help="Folder of the database and the secret key.")
@click.option("-v", "--verbose", is_flag=True, help="Log more, too.")
@click.pass_context
def main(context: click.Context, folder: Path | None, verbose: bool) -> None:
    """Casepath: a BPMN workflow engine for people's work."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    if not verbose:
        # The one lists its own parts at every start, the other each state of each token.
        for name in ("alembic", "spiff"):
            logging.getLogger(name).setLevel(logging.WARNING)
    for name in Settings.unknown():
        click.echo(f"Warning: {name} is no setting.", err=True)
    context.obj = read_settings(folder)


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--data", "folder", type=click.Path(path_type=Path), help="Folder of the database and the secret key.")
@click.option(
    "--demo",
    type=click.Choice(["full", "small"]),
    is_flag=False,
    flag_value="full",
    help="Deploy the processes, add people and records, and play stories once: a year of them, or only those "
    "of the processes.",
)
@click.option("--public", is_flag=True, help="Serve a demo to other machines, with a banner on every page.")
@click.option("--worker/--no-worker", default=True, help="Run a worker beside the pages.")
@click.pass_obj
def serve(
    settings: Settings,
    host: str | None,
    port: int | None,
    folder: Path | None,
    demo: str | None,
    public: bool,
    worker: bool,
) -> None:
    """
    Serve the pages, with a worker beside them.

    The tables of the database are brought to the newest revision first. Other machines are served only where that is
    safe: with TLS in front, and without people whose password everybody knows.
    """
    from casepath import server

    settings = read_settings(
        folder or settings.data_folder, host=host or settings.host, port=settings.port if port is None else port
    )
    pool = prepared(settings)
    prepare = None
    if demo:
        load_demo(settings, pool, demo)
        prepare = partial(play_demo, settings, pool, demo)
        settings = settings.model_copy(update={"public_forms": True})
    known = require_safe(settings, pool, public=public)
    server.run(
        settings,
        pool,
        with_worker=worker,
        announce=click.echo,
        public_demo=bool(public and known),
        prepare=prepare,
    )


def require_safe(settings: Settings, pool: sqlalchemy.Engine, *, public: bool) -> list[str]:
    """Return the people of the demo; raises `ClickException` where other machines must not be served like this."""
    from casepath import demo as demo_people
    from casepath import exposure

    known: list[str] = []
    if not exposure.is_loopback(settings.host):
        with database.sessions(pool, read_only=True).begin() as session:
            known = demo_people.known_passwords(session, processes_folder(settings))
    wrong = list(exposure.objections(settings, demo_people=known, public_demo=public))
    if wrong:
        raise click.ClickException(f"{settings.host} is reached by other machines. " + ". ".join(wrong) + ".")
    for warning in exposure.warnings(settings):
        click.echo(f"Warning: {warning}.", err=True)
    return known


@main.command()
@click.pass_obj
def worker(settings: Settings) -> None:
    """
    Run a worker: timers, notifications, documents.

    Any number of them may run at the same time.
    """
    from casepath import server
    from casepath.workers import loop

    pool = prepared(settings)
    loop.run_until_signalled(loop.Loop(server.surroundings(settings, pool)))


@main.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--by", default=None, help="User who deploys; without one the record shows the command line.")
@click.option("--what", default=None, help="What changes, for the history; together with --why.")
@click.option("--why", default=None, help="Why it changes.")
@click.pass_obj
def deploy(settings: Settings, folders: tuple[Path, ...], by: str | None, what: str | None, why: str | None) -> None:
    """
    Deploy the files of each folder.

    All errors are shown, and nothing of a folder is stored when there are any. Warnings do not hinder.
    """
    try:
        purpose = None if what is None and why is None else deployments.Purpose.of(what or "", why or "")
    except errors.InvalidInput as error:
        raise click.UsageError(str(error)) from None
    pool = prepared(settings)
    if not deploy_folders(pool, folders, by or COMMAND_LINE, purpose):
        sys.exit(1)


def deploy_folders(
    pool: sqlalchemy.Engine, folders: Iterable[Path], by: By, purpose: deployments.Purpose | None = None
) -> bool:
    """Deploy folders and say what came of each; return whether all were accepted."""
    sessions = database.sessions(pool)
    accepted, warnings = True, []
    for folder in folders:
        try:
            # Before the transaction: to check takes a while, and people may be working.
            checked = deployments.check(deployments.read_folder(folder))
            with sessions.begin() as session:
                result = deployments.deploy(session, checked, name=folder.name, by=by, purpose=purpose)
        except errors.DeploymentRefused as error:
            accepted = False
            click.echo(f"{folder}: refused", err=True)
            for finding in error.findings:
                click.echo(f"  {finding.level}: {finding}", err=True)
        else:
            warnings += result.warnings
            made = ", ".join(f"{row.key} v{row.version}" for row in result.definitions) or "nothing new"
            click.echo(f"{folder}: {made}")
    with sessions() as session:
        # A folder may name what the next one brings.
        for finding in deployments.still_unknown(session, warnings):
            click.echo(f"warning: {finding}", err=True)
    return accepted


@main.command()
@click.pass_obj
def upgrade(settings: Settings) -> None:
    """Bring the database to the newest revision."""
    prepared(settings)
    click.echo("The database is up to date.")


@main.command()
@click.option("--small", is_flag=True, help="Only the stories of the processes, without a year behind them.")
@click.pass_obj
def demo(settings: Settings, small: bool) -> None:
    """Deploy the processes, add demo people and records, and play stories once."""
    pool, size = prepared(settings), "small" if small else "full"
    load_demo(settings, pool, size)
    play_demo(settings, pool, size)


def processes_folder(settings: Settings) -> Path:
    """Return the folder of the processes: the one that is set, or the one that came with the package."""
    folder = settings.processes_folder
    if folder.is_dir():
        return folder
    if "processes_folder" in settings.model_fields_set:
        raise click.ClickException(f"Expected a folder of processes, but found no {folder}")
    return next(Path(part) / "processes" for part in casepath.__path__ if (Path(part) / "processes").is_dir())


def load_demo(settings: Settings, pool: sqlalchemy.Engine, size: str) -> None:
    """Load people, processes and records of the demo where they are not there yet."""
    from casepath import demo as demo_people
    from casepath import retelling, stories

    folder = processes_folder(settings)
    sessions = database.sessions(pool)
    repertoire = retelling.read(folder) if size == "full" else None
    # Of two that start together one loads.
    with database.alone(pool):
        with sessions.begin() as session:
            begins_at = demo_people.begins_at(session)
        try:
            # What is told of last year was deployed before.
            if begins_at is not None:
                clock.set_to(begins_at)
            with sessions.begin() as session:
                demo_people.add_people(session, folder)
            if not deploy_folders(pool, stories.folders(folder), demo_people.DEMO):
                raise click.ClickException(f"Expected processes that can be deployed in {folder}")
            with sessions.begin() as session:
                demo_people.add_records(session, folder, repertoire)
        finally:
            clock.reset()
    click.echo(f"Log in with the password {demo_people.PASSWORD} as:")
    with sessions.begin() as session:
        for user in identity.users(session):
            groups = ", ".join(sorted(identity.groups_of(session, user.username)))
            click.echo(f"  {user.username:26}{user.name}  ({groups})")


def play_demo(
    settings: Settings,
    pool: sqlalchemy.Engine,
    size: str,
    progress: Callable[[int, int], object] = lambda done, count: None,
) -> None:
    """Play the stories of the demo that were not begun; `progress` is told how many of how many steps are done."""
    from casepath import demo as demo_people
    from casepath import habits, retelling, server
    from casepath.workers import loop

    folder = processes_folder(settings)
    sessions = database.sessions(pool)
    # Of two that start together one plays: the clock is moved meanwhile.
    with database.alone(pool):
        with sessions.begin() as session:
            repertoire = retelling.read(folder) if size == "full" else None
            told = demo_people.unplayed(session, demo_people.told_here(session, folder, repertoire))
        if told:
            click.echo("Playing the stories …")
            work = loop.Loop(server.surroundings(settings, pool)).rest
            demo_people.play_all(sessions, work, told, progress, habits.read(folder))
            with sessions.begin() as session:
                demo_people.add_records_of_today(session, folder)
            work()
            click.echo(f"{len(told)} stories played.")


@main.group()
def users() -> None:
    """Look after users and groups."""


@users.command("add")
@click.argument("username")
@click.option("--name", required=True, help="Name that others see.")
@click.option("--email", help="Address for e-mails.")
@click.option("--group", "groups", multiple=True, help="Group to belong to; may be given several times.")
@click.password_option(help="Asked for when it is not given.")
@click.pass_obj
def add_user(
    settings: Settings, username: str, name: str, email: str | None, groups: tuple[str, ...], password: str
) -> None:
    """Add a user."""
    with database.sessions(prepared(settings)).begin() as session:
        identity.import_people(session, {}, by=COMMAND_LINE)
        identity.create_user(
            session, username, name=name, email=email, password=password, groups=groups, by=COMMAND_LINE
        )
    click.echo(f"{username} may log in.")


@users.command("password")
@click.argument("username")
@click.password_option(help="Asked for when it is not given.")
@click.pass_obj
def change_password(settings: Settings, username: str, password: str) -> None:
    """Change a password; the user's sessions end."""
    with database.sessions(prepared(settings)).begin() as session:
        identity.set_password(session, username, password, by=COMMAND_LINE)
    click.echo(f"The password of {username} is changed.")


@users.command("erase")
@click.argument("username")
@click.option("--reason", required=True, help="For the history of the house.")
@click.pass_obj
def erase_user(settings: Settings, username: str, reason: str) -> None:
    """Erase name and address of a user who is locked out, in the history of the house as well."""
    with database.sessions(prepared(settings)).begin() as session:
        count = departures.erase(session, username, by=COMMAND_LINE, reason=reason)
    click.echo(f"{username}: {count} values erased.")


@users.command("list")
@click.pass_obj
def list_users(settings: Settings) -> None:
    """List users with their groups."""
    with database.sessions(prepared(settings)).begin() as session:
        for user in identity.users(session):
            groups = ", ".join(sorted(identity.groups_of(session, user.username)))
            click.echo(f"{user.username}\t{user.name}\t{'active' if user.active else 'inactive'}\t{groups}")


@users.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def import_users(settings: Settings, file: Path) -> None:
    """
    Add the people of a groups.json.

    Groups that are missing are added as well; who exists stays as is.
    """
    try:
        mapping = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.ClickException(f"Expected JSON in {file}, but found: {error}") from error
    if not isinstance(mapping, dict):
        raise click.ClickException(f"Expected an object with groups and people in {file}")
    with database.sessions(prepared(settings)).begin() as session:
        imported = identity.import_people(session, mapping, by=COMMAND_LINE)
    click.echo(f"{imported.groups} groups and {imported.users} users added.")


for command in (
    proof.history_commands, proof.backup, proof.restore, instances.instances, mail.mail, outside.delivery,
    outside.batch, processes.processes,
):  # fmt: skip
    main.add_command(command)
