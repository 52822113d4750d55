"""What stands in the header, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask, g, request, url_for
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session
from werkzeug.routing import IntegerConverter, PathConverter, UnicodeConverter, ValidationError

from casepath.engine.people import authorization
from casepath.engine.queries import deployed, reports
from casepath.engine.registers import access

Answer = TypeVar("Answer")
Row = TypeVar("Row")

#: What the header of a page asks the database, by where the answer is kept in `g`.
_questions: dict[str, Callable[[Session], Any]] = {}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of the header; hidden from those whom its rule refuses."""

    endpoint: str
    label: Any
    #: Name in the macro `icon`.
    icon: str
    #: Of `engine.people.authorization`; None: everybody may.
    rule: Callable[[authorization.Person], bool] | None = None
    #: Another blueprint whose pages belong to this entry.
    beside: str = ""

    @property
    def is_current(self) -> bool:
        """Whether the page belongs to this entry: the same blueprint, or that beside it."""
        blueprint = request.blueprint
        # Of a page that does not exist there is none, and most entries have none beside them either.
        return blueprint is not None and blueprint in {self.endpoint.partition(".")[0], self.beside}


class RowId(IntegerConverter):
    """The number of a row in an address; what no row can have leads nowhere."""

    def to_python(self, value: str) -> int:
        """Raise `ValidationError`, which means 404, for more than a database can count."""
        number = row_id(value)
        if number is None:
            raise ValidationError
        return number


class Text(UnicodeConverter):
    """A text in an address; one that no database can store leads nowhere."""

    def to_python(self, value: str) -> str:
        """Raise `ValidationError`, which means 404, for a text with a NUL."""
        return _storable(value)


class TextPath(PathConverter):
    """Several parts of an address as one text."""

    def to_python(self, value: str) -> str:
        """Raise `ValidationError`, which means 404, for a text with a NUL."""
        return _storable(value)


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValidationError
    return text


class MatterReference(TextPath):
    """A matter in an address: its business key, or `~` and the number of its outermost process instance."""

    def to_python(self, value: str) -> Any:
        """Raise `ValidationError`, which means 404, for a text with a NUL."""
        number = row_id(value[1:]) if value.startswith("~") else None
        return super().to_python(value) if number is None else number

    def to_url(self, value: str | int) -> str:
        """Return how an address says it."""
        return f"~{value}" if isinstance(value, int) else super().to_url(value)


def row_id(text: str | None) -> int | None:
    """Read the number of a row; None for what none can have."""
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) < 20
    number = int(text) if is_number and text else None
    return number if number is not None and number < 2**63 else None


def part_of(rows: Sequence[Row], name: str, *, size: int = 50) -> tuple[Sequence[Row], int | None]:
    """
    Return the part of a list that the address asks for, and how many rows stand before the next one, if there is one.

    The address says under the name of the list how many rows it passes over.
    """
    asked = row_id(request.args.get(name)) or 0
    skipped = asked if asked < len(rows) else 0
    end = skipped + size
    return rows[skipped:end], end if len(rows) > end else None


def init_app(app: Flask) -> None:
    """Make what stands here, and `asset()`, known to templates; addresses hold what rows can."""
    app.url_map.converters.update(int=RowId, default=Text, string=Text, path=TextPath, matter=MatterReference)
    version = _version_of_bundles(app)

    def asset(name: str) -> str:
        """Return the address of a bundle; it changes when the bundles do, so that browsers may keep them."""
        return url_for("static", filename=f"dist/{name}", v=version)

    app.jinja_env.globals.update(ask=ask, navigation=entries, may_register=may_register)
    app.jinja_env.globals.update(matter_address=matter_address, asset=asset)


def _version_of_bundles(app: Flask) -> str | None:
    stamp = Path(app.static_folder or "") / "dist" / ".stamp"
    return stamp.read_text(encoding="ascii")[:12] if stamp.is_file() else None


def matter_address(reference: str | int) -> str:
    """Return the address of the page of a matter: by its business key, or by its outermost process instance."""
    return url_for("process_instances.matter", reference=reference)


def asked(question: Callable[[Session], Answer]) -> Callable[[], Answer]:
    """Have the header ask this, once for a request; a page that asks it before has a transaction of its own for it."""
    name = f"{question.__module__}.{question.__name__}"
    _questions[name] = question

    @wraps(question)
    def answer() -> Answer:
        if name not in g:
            with g.readers.begin() as session:
                setattr(g, name, question(session))
        found: Answer = g.get(name)
        return found

    return answer


def ask() -> None:
    """Ask all that the header shows in one transaction; nothing where the database does not answer."""
    if g.get("database_away", False):
        return
    with g.readers.begin() as session:
        for name, question in _questions.items():
            if name not in g:
                setattr(g, name, question(session))


@asked
def may_register(session: Session) -> bool:
    """Tell whether the person of this request may start any process."""
    return any(authorization.may_start(g.person, groups) for groups in deployed.starters(session))


@asked
def may_read_registers(session: Session) -> bool:
    """Tell whether the person of this request may read the records of any register."""
    return bool(access.readable(session, g.person))


@asked
def may_read_reports(session: Session) -> bool:
    """Tell whether the person of this request may open any report."""
    return bool(reports.every(session, g.person))


ENTRIES = (
    Entry(endpoint="user_tasks.index", label=lazy_gettext("Tasks"), icon="inbox"),
    Entry(endpoint="registration.index", label=lazy_gettext("Register"), icon="plus", rule=lambda _: may_register()),
    Entry(endpoint="process_instances.index", label=lazy_gettext("Matters"), icon="folder", beside="papers"),
    Entry(endpoint="registers.index", label=lazy_gettext("Records"), icon="book", rule=lambda _: may_read_registers()),
    Entry(endpoint="reports.index", label=lazy_gettext("Reports"), icon="chart", rule=lambda _: may_read_reports()),
    Entry(endpoint="definitions.index", label=lazy_gettext("Processes"), icon="diagram"),
    Entry(endpoint="operations.index", label=lazy_gettext("Operations"), icon="pulse", rule=authorization.may_operate),
    Entry(endpoint="people.index", label=lazy_gettext("People"), icon="people", rule=authorization.may_manage_people),
)


def entries() -> list[Entry]:
    """Return what the person of this request may open."""
    return [entry for entry in ENTRIES if entry.rule is None or entry.rule(g.person)]
