"""
A paper as PDF: set by Typst from one program of ours, with the parts of the fonts embedded that it uses.

The paper reaches the program as JSON, so that no text in it is a program. It is PDF/A with structure, which can be read
and read aloud in later times.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
import subprocess
import sys
from datetime import UTC
from typing import Any, Final

import typst

from casepath.engine import errors
from casepath.engine.papers.blocks import Block, Cell, Heading, Line, Paper, Paragraph, Row, Rule, Run, Table
from casepath.engine.papers.fonts import fonts, printable

PDF = "application/pdf"
#: Characters of a paper with all its copies, and texts it is made of: what takes two seconds of the processor at most.
MAX_CHARACTERS = 200_000
MAX_RUNS = 20_000
#: Characters of JSON from which on a paper is set by a process of its own; what that may take, and how long we wait.
LONG = 100_000
SECONDS = 30
MEMORY = 2_000_000_000
PATIENCE = 120
#: What is kept for archives: with structure, so that it can be read aloud.
ARCHIVAL: Final = "a-2a"
#: Signs that are not broken by themselves, and after how many they are.
_UNBROKEN = re.compile(r"[!-~]{40,}")
#: What is not to be seen, and forbidden in archives: control characters, and the mark of byte order.
_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f\\ufeff]")
_DATE = ("year", "month", "day", "hour", "minute", "second")
_PIECE = re.compile(r"(.{20})(?=.)")


def pdf(paper: Paper) -> bytes:
    """
    Return a paper as PDF: the same bytes for the same paper.

    Takes about 20 ms for a page; no transaction should be open meanwhile. A long one is set by a process of its own,
    which gives its memory back. Raises `InvalidInput` for a paper that is too long.
    """
    _require_size(paper)
    told = json.dumps(_as_json(paper), ensure_ascii=False)
    return _set_apart(told) if len(told) > LONG else _set(told)


def _require_size(paper: Paper) -> None:
    """Raise `InvalidInput` for a paper that has more text, or more texts, than one should have."""
    copies = len(paper.copies) or 1
    runs = list(paper.runs)
    for limit, count in ((MAX_CHARACTERS, sum(len(run.text) for run in runs)), (MAX_RUNS, len(runs))):
        if count * copies > limit:
            raise errors.InvalidInput(
                "The document is too long to be printed: {count} characters or texts, "
                "and at most {limit} are possible.",
                code="paper-too-long", count=count * copies, limit=limit,
            )  # fmt: skip


def _set_apart(told: str) -> bytes:
    command = [sys.executable, "-m", __package__]
    # Our own interpreter and package, see `__main__`; what is to be set goes in by a pipe.
    made = subprocess.run(command, input=told.encode(), capture_output=True, timeout=PATIENCE, check=False)  # noqa: S603
    if made.returncode:
        raise RuntimeError(f"Expected a PDF, but found: {made.stderr.decode(errors='replace')[-1000:]}")
    return made.stdout


def _set(told: str) -> bytes:
    try:
        return _compiled(told)
    except typst.TypstError:
        # PDF/A wants every sign. The fonts are looked through only now: it takes most of a second in each process.
        return _compiled(printable(told))


def _compiled(told: str) -> bytes:
    made = typst.compile(_program(), sys_inputs={"paper": told}, font_paths=fonts(), pdf_standards=[ARCHIVAL])
    assert isinstance(made, bytes)
    return made


def answer() -> None:
    """Set what comes in by the standard input, within limits, for a process that is there for nothing else."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not there on Windows

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stdout.buffer.write(_set(sys.stdin.buffer.read().decode()))


@functools.cache
def _program() -> bytes:
    return importlib.resources.files(__package__).joinpath("paper.typ").read_bytes()


def _as_json(paper: Paper) -> dict[str, Any]:
    """Return a paper for the program."""

    def runs(of: tuple[Run, ...]) -> list[Any]:
        return [[_plain(run.text), run.strong] for run in of]

    def line(of: Line) -> list[list[Any]]:
        return [runs(part) for part in of]

    def cell(of: Cell) -> dict[str, Any]:
        lines = [line(each) for each in of.lines]
        return {"lines": lines, "span": of.span, "label": of.is_label, "align": of.align}

    def row(of: Row) -> list[dict[str, Any]]:
        return [cell(each) for each in of.cells]

    def block(of: Block) -> dict[str, Any]:
        if isinstance(of, Heading):
            return {"kind": "heading", "level": of.level, "runs": runs(of.runs)}
        if isinstance(of, Paragraph):
            return {"kind": "paragraph", "line": line(of.line)}
        if isinstance(of, Table):
            rows = {"head": [row(each) for each in of.head], "rows": [row(each) for each in of.rows]}
            return {"kind": "table", "widths": of.widths, **rows}
        return {"kind": "rule" if isinstance(of, Rule) else "page"}

    return {
        "title": _plain(paper.title),
        "date": [getattr(paper.made_at.astimezone(UTC), part) for part in _DATE],
        "lang": paper.language.code,
        "pages": paper.language.pages,
        "landscape": paper.landscape,
        "copies": [_plain(copy) for copy in paper.copies] or [""],
        "head": [part for part in line(paper.head) if part],
        "foot": [part for part in line(paper.foot) if part],
        "blocks": [block(each) for each in paper.blocks],
    }


def _plain(text: str) -> str:
    """Return a text without what is not to be seen, whose longest words can be broken."""
    lines = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _UNBROKEN.sub(lambda found: _PIECE.sub("\\1\u200b", found[0]), lines)
