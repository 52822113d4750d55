"""Commands for processes that are deployed: what differs in two versions, and moving what runs in one to the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import click
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database, errors, texts
from casepath.engine.deployments import comparison, definitions
from casepath.engine.instances import migration_plans, migration_previews
from casepath.engine.instances.migration_plans import MigrationPlan
from casepath.engine.people.authorization import Program
from casepath.engine.queries import versions
from casepath.installation import prepared
from casepath.settings import Settings

COMMAND_LINE = Program("command-line")
SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}


@click.group()
def processes() -> None:
    """Compare versions of processes, and move what runs from one to another."""


@processes.command("diff")
@click.argument("key")
@click.argument("older", type=click.IntRange(1), required=False)
@click.argument("newer", type=click.IntRange(1), required=False)
@click.option("--layout/--no-layout", default=True, help="Also what was only moved or drawn otherwise.")
@click.pass_obj
def diff(settings: Settings, key: str, older: int | None, newer: int | None, layout: bool) -> None:
    """
    Tell what differs in two versions of a process and all that was deployed with them.

    Without numbers: the newest version and the one before it. `+` was added, `-` removed, `~` changed, `>` only moved.
    """
    with database.sessions(prepared(settings), read_only=True).begin() as session:
        after = versions.one(session, "process", key, newer)
        before = versions.one(session, "process", key, older or max(after.version - 1, 1))
        sides = [versions.contents(session, each.deployment_id) for each in (before, after)]
    click.echo(f"{key} v{before.version} and v{after.version}")
    for compared in comparison.compare(*sides):
        for line in _told(compared, layout):
            click.echo("".join(letter if letter.isprintable() else texts.REPLACEMENT for letter in line))


@processes.command("migrate")
@click.argument("key")
@click.argument("older", type=click.IntRange(1))
@click.argument("newer", type=click.IntRange(1), required=False)
@click.option("--map", "mapped", multiple=True, metavar="OLD=NEW", help="An element that is called otherwise now.")
@click.option("--do", "wanted", type=click.Choice(["green", "all"]), help="Migrate; without it nothing is changed.")
@click.option("--by", help="User name that the history shows.")
@click.option("--reason", help="Reason that the history shows.")
@click.pass_obj
def migrate(
    settings: Settings,
    key: str,
    older: int,
    newer: int | None,
    mapped: tuple[str, ...],
    wanted: str | None,
    by: str | None,
    reason: str | None,
) -> None:
    """
    Tell what would come of moving what runs from one version to another, the newest unless one is named; or do it.

    Each instance is tried on a copy: green goes on as before, amber too, but somebody finds something else there, red
    cannot. `--do green` moves the green ones, `--do all` the amber ones too, each as a whole and one after the other.
    """
    if wanted and not (by and reason):
        raise click.UsageError("Who migrates has to say --by and --reason.")
    if any("=" not in each for each in mapped):
        raise click.UsageError("An element is mapped as OLD=NEW.")
    overrides = dict(each.split("=", 1) for each in mapped)
    sessions = database.sessions(prepared(settings))
    with sessions.begin() as session:
        before, after = (definitions.find(session, "process", key, version=each) for each in (older, newer))
        plan = migration_plans.draft(session, before.id, after.id, overrides)
        numbers = migration_previews.running(session, plan, by=COMMAND_LINE)
    tried = []
    for number in numbers:
        # Each for itself: nobody has to wait for all of them.
        with sessions.begin() as session:
            tried.append(migration_previews.preview(session, plan, number, by=COMMAND_LINE))
    verdicts = Counter(each.verdict for each in tried)
    click.echo(f"{key} v{before.version} to v{after.version}: {len(tried)} instances, {_counted(verdicts)}")
    with sessions.begin() as session:
        for place in migration_previews.places(session, plan, tried):
            click.echo(f"{place.element_id} “{place.name}” → {place.target or '(nothing)'}: {_counted(place.counts)}")
            for phrase, times in place.reasons.items():
                click.echo(f"    {times} × {phrase}")
    if wanted and by and reason:
        kinds = {"green"} if wanted == "green" else {"green", "amber"}
        chosen = [each.process_instance_id for each in tried if each.verdict in kinds]
        done = [_moved(sessions, plan, number, kinds, by, reason) for number in chosen]
        click.echo(f"migrated: {sum(done)}, not migrated: {len(tried) - sum(done)}")


def _moved(
    sessions: sessionmaker[Session], plan: MigrationPlan, number: int, kinds: Collection[str], by: str, reason: str
) -> bool:
    """Migrate an instance if what would come of it is still one of these; say why where it is not."""
    try:
        with sessions.begin() as session:
            if migration_previews.preview(session, plan, number, by=COMMAND_LINE).verdict in kinds:
                migration_plans.execute(session, plan, number, by=by, reason=reason)
                return True
    except errors.EngineError as error:
        click.echo(f"instance {number}: {error}", err=True)
    else:
        click.echo(f"instance {number}: it has moved on meanwhile", err=True)
    return False


def _counted(verdicts: Mapping[migration_previews.Verdict, int]) -> str:
    return ", ".join(f"{verdicts.get(each, 0)} {each}" for each in ("green", "amber", "red"))


def _told(compared: comparison.Compared, layout: bool) -> Iterator[str]:
    lines = [line for each in compared.differences for line in _difference(each, layout)]
    if not lines and compared.differences:
        return
    yield f"{SIGNS[compared.state]} {compared.name}"
    if compared.unreadable is not None:
        yield f"    cannot be read: {compared.unreadable}"
    yield from (f"  {line}" for line in lines)
    yield from (f"    {line}" for line in _words(compared.pieces).splitlines())


def _difference(difference: comparison.Difference, layout: bool) -> Iterator[str]:
    changes = [each for each in difference.changes if layout or not each.layout]
    if not changes and difference.changes:
        return
    name = f" “{difference.name}”" if difference.name not in ("", difference.id) else ""
    yield f"{SIGNS[difference.kind]} {difference.type} {difference.id}{name}"
    yield from (f"    {_change(each)}" for each in changes)


def _change(change: comparison.Change) -> str:
    path = " › ".join(f"{step.label}[{step.key}]" if step.label and step.key else step.label or step.key
                      for step in change.path)  # fmt: skip
    before, after = (None if each is None else " ".join(each.split()) for each in (change.before, change.after))
    if before is None:
        return f"{path}: {after}" if after else path
    return f"{path}: {before} → {'(gone)' if after is None else after}"


def _words(pieces: Sequence[comparison.Piece]) -> str:
    """Return a text with what went and came in brackets."""
    shown = {"removed": "[-{}-]", "added": "{{+{}+}}", "same": "{}", "skipped": "… {} lines …\n"}
    return "".join(
        shown[piece.kind].format(piece.text.rstrip("\n")) + "\n" * piece.text.endswith("\n") for piece in pieces
    )
