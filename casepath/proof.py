"""Commands that prove what happened, and that keep it: verify, write heads and bundles, back up and restore."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import click
from sqlalchemy.orm import Session

from casepath.engine import database, history
from casepath.engine.database import copies
from casepath.engine.history import Problem, bundle
from casepath.engine.instances import process_instances, proofs
from casepath.engine.people import access
from casepath.engine.people.authorization import AUDITOR, Person, Program
from casepath.engine.time import clock
from casepath.installation import prepared
from casepath.settings import Settings

#: What a file of heads beside a copy is called.
HEADS = ".heads"

#: Who takes proof away, and reads the account of it, where no user is named.
COMMAND_LINE = Program("command-line")
READER = Person(username="", groups=frozenset({AUDITOR}))

FilePath = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("history")
def history_commands() -> None:
    """Prove what happened."""


@history_commands.command("verify")
@click.option("--instance", type=int, help="Only this process instance.")
@click.option("--against", type=FilePath, help="File of heads that was kept elsewhere.")
@click.pass_obj
def verify(settings: Settings, instance: int | None, against: Path | None) -> None:
    """
    Find what was tampered with.

    Every event is named that was changed, removed or moved, and every task, variable, file or other row that is not as
    the events tell. With the heads of an earlier day cut ends, older copies and histories written anew are found, too.
    The exit status is 1 when there is anything.
    """
    kept = history.parse_heads(against.read_text(encoding="utf-8", errors="replace")) if against else None
    with database.sessions(prepared(settings), read_only=True).begin() as session:
        found = history.verify_instance(session, instance) if instance is not None else history.verify_all(session)
        problems = list(found)
        if kept is not None:
            against_kept = history.compare_heads(session, kept)
            problems += [each for each in against_kept if instance in (None, each.process_instance_id)]
    report(problems)
    click.echo("The history is intact.")


def report(problems: list[Problem]) -> None:
    """Say what is wrong; raises `ClickException` where anything is."""
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise click.ClickException(f"Expected an intact history, but found problems: {len(problems)}")


@history_commands.command("heads")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; else they are shown.")
@click.pass_obj
def heads(settings: Settings, out: Path | None) -> None:
    """
    Write where every history ends now.

    Kept where nobody who works on this database can change it, the file proves later what no database can prove of
    itself: `casepath history verify --against FILE`.
    """
    with database.sessions(prepared(settings), read_only=True).begin() as session:
        found = history.read_heads(session)
    if out is None:
        click.echo(str(found), nl=False)
        return
    out.write_text(str(found), encoding="utf-8")
    digest = sha256(out.read_bytes()).hexdigest()
    click.echo(f"{out}: {found.instances} process instances, {len(found.deployments)} deployments")
    click.echo(f"SHA-256 of the file, to be written down: {digest}")


@history_commands.command("bundle")
@click.argument("matter")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Zip to write.")
@click.option("--by", help="User who takes it; without one the record shows the command line.")
@click.pass_obj
def write_bundle(settings: Settings, matter: str, to: Path, by: str | None) -> None:
    """
    Write all that is known of a matter, signed, for a stranger to verify.

    MATTER is its number, or that of a process instance without one. What a verifier needs beside it is the public key:
    casepath history key. That it was taken stands in the history of the house.
    """
    from casepath.web.proofs import story
    from casepath.web.proofs.views import signatory_of

    pool = prepared(settings)
    signatory = signatory_of(settings)
    with database.sessions(pool).begin() as session:
        reference = reference_of(session, matter)
        proofs.take(session, reference, by=by or COMMAND_LINE)
    unfinished = to.with_name(f"{to.name}.unfinished")
    try:
        with database.sessions(pool, read_only=True).begin() as session:
            told = story.written_outside(settings, session, reference, READER)
            with unfinished.open("wb+") as file:
                proofs.write(session, file, reference, story=told, signatory=signatory)
        unfinished.replace(to)
    finally:
        unfinished.unlink(missing_ok=True)
    click.echo(f"{to}: {to.stat().st_size} bytes, signed with {signatory.signer.key}")


def reference_of(session: Session, matter: str) -> str | int:
    """Return the matter of this number, or that of the process instance of this number; raises `NotFound`."""
    if access.is_known(session, matter) or not matter.isdecimal():
        return matter
    found = process_instances.get(session, int(matter))
    return found.business_key or found.root_id or found.id


@history_commands.command("key")
@click.option("--new", is_flag=True, help="Sign with a new key from now on; the old public ones stay known.")
@click.pass_obj
def key(settings: Settings, new: bool) -> None:
    """
    Show the public keys that sign proof bundles, the one in use first; one is made where there is none.

    Give it out by another way than the bundles.
    """
    signing = bundle.renew(settings.data_folder) if new else bundle.signer(settings.data_folder)
    for each in reversed(bundle.known(settings.data_folder)):
        state = "signs" if each.text == signing.key else "signed"
        click.echo(f"{each.text}\tfingerprint {each.fingerprint}\t{state} since {each.since:%Y-%m-%d %H:%M} UTC")


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.pass_obj
def backup(settings: Settings, target: Path) -> None:
    """
    Copy the database into a file, or a new file in a folder, while it is in use.

    Attachments are in it; the secret key is not. The heads of all histories are written beside it.
    """
    pool = prepared(settings)
    if target.is_dir():
        ending = "db" if pool.dialect.name == "sqlite" else "dump"
        target = target / f"casepath-{clock.now():%Y%m%dT%H%M%SZ}.{ending}"
    with database.sessions(pool, read_only=True).begin() as session:
        found = history.read_heads(session)
        copies.back_up(session, target)
    beside(target).write_text(str(found), encoding="utf-8")
    click.echo(f"{target}: {target.stat().st_size} bytes, {found.instances} process instances")
    click.echo(f"{beside(target)}: their heads; keep them elsewhere")


@click.command()
@click.argument("file", type=FilePath)
@click.option("--overwrite", is_flag=True, help="Replace what is in the database.")
@click.pass_obj
def restore(settings: Settings, file: Path, overwrite: bool) -> None:
    """
    Put a copy in the place of the database; stop everything that works on it before.

    It is upgraded where it is older, and verified: every history, and against the heads beside the file.
    """
    kept = history.parse_heads(beside(file).read_text(encoding="utf-8")) if beside(file).is_file() else None
    copies.restore(settings.database, file, overwrite=overwrite)
    with database.sessions(prepared(settings), read_only=True).begin() as session:
        problems = list(history.verify_all(session))
        if kept is not None:
            problems += history.compare_heads(session, kept)
        count = history.read_heads(session).instances
    click.echo(f"{file}: restored, {count} process instances")
    report(problems)
    proven = "their histories are intact" + (" and those of the heads" if kept is not None else "")
    click.echo(f"Verified: {proven}.")


def beside(path: Path) -> Path:
    """Return the file of heads that belongs to a copy."""
    return path.with_name(f"{path.name}{HEADS}")
