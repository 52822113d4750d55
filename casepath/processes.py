"""Commands for processes that are deployed: what differs in two versions, told as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from casepath.engine import database, texts
from casepath.engine.deployments import comparison
from casepath.engine.queries import versions
from casepath.installation import prepared
from casepath.settings import Settings

SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}


@click.group()
def processes() -> None:
    """Compare versions of processes."""


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
