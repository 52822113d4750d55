"""
Statements of the hot path: compiled once for each kind of database, and then as cheap as the driver makes them.

For each execution SQLAlchemy builds a context and a result, which costs several times what the database needs for the
small statements of a step. A `Statement` keeps its text and how values are converted, and hands them to the driver,
within the transaction and under the exceptions of SQLAlchemy; objects of the session do not notice. Whatever is not
executed in every step stays with `session.execute`.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Delete,
    Dialect,
    Insert,
    Select,
    Update,
    literal_column,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.visitors import replacement_traverse

from casepath.engine.database import failures

Convert = Callable[[Any], Any]
Make = Callable[[Sequence[Any]], Any]


class Statement:
    """
    A statement whose parameters have names. An insert of values fills the columns that its first row names, and only
    those.

    `make` is what makes a row of the values that are read; without it they are named tuples.
    """

    __slots__ = ("_forms", "_make", "_source")

    def __init__(self, source: Select[Any] | Insert | Update | Delete, make: Make | None = None) -> None:
        self._source = source
        self._make = make
        self._forms: dict[str, _Form] = {}

    def rows(self, connection: Connection, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the rows that it reads. Raises `KeyError` where a parameter is missing, and `DBAPIError`."""
        form = self._form(connection.dialect, parameters)
        cursor = execute(connection, form.text, form.bind(parameters))
        found = cursor.fetchall()
        cursor.close()
        return form.made(found) if found else []

    def change(self, connection: Connection, parameters: Mapping[str, Any]) -> int:
        """Execute it; return how many rows it changed. Raises `KeyError` and `DBAPIError` as `rows` does."""
        form = self._form(connection.dialect, parameters)
        cursor = execute(connection, form.text, form.bind(parameters))
        count: int = cursor.rowcount
        cursor.close()
        return count

    def change_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it for each of the rows, if there are any. Raises `KeyError` and `DBAPIError` as `rows` does."""
        if rows:
            form = self._form(connection.dialect, rows[0])
            execute(connection, form.text, [form.bind(row) for row in rows], many=True).close()

    def _form(self, dialect: Dialect, parameters: Mapping[str, Any]) -> _Form:
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form(self._source, self._make, dialect, parameters)
        return form


class _Form:
    """A statement for one kind of database."""

    def __init__(self, source: Any, make: Make | None, dialect: Dialect, parameters: Mapping[str, Any]) -> None:
        fills = isinstance(source, Insert) and source.select is None
        columns = list(parameters) if fills else None
        if columns is not None and not set(columns) <= set(source.table.c.keys()):
            raise TypeError(f"Expected columns of {source.table.name}, but found {', '.join(columns)}")
        spelled = replacement_traverse(source, {}, _spelled_out)
        compiled: Any = spelled.compile(dialect=dialect, column_keys=columns)
        if compiled.prefetch or compiled.post_compile_params or compiled.literal_execute_params:
            raise TypeError(f"Expected a statement that leaves nothing to its execution, but found: {compiled}")
        self.text = str(compiled)
        names = compiled.bind_names
        self._order: Sequence[str] = compiled.positiontup if compiled.positional else tuple(names.values())
        self._positional: bool = compiled.positional
        self._constants = {name: each.value for each, name in names.items() if not each.required}
        types = {name: each.type.dialect_impl(dialect) for each, name in names.items()}
        writers = [types[name].bind_processor(dialect) for name in self._order]
        self._writers = [(index, convert) for index, convert in enumerate(writers) if convert is not None]
        self._pick: Callable[[Mapping[str, Any]], Sequence[Any]]
        self._pick = itemgetter(*self._order) if len(self._order) > 1 else self._pick_few
        read = list(source.exported_columns)
        self._make = make or _named_tuple([column.key for column in read])
        readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in read]
        self._readers = [(index, convert) for index, convert in enumerate(readers) if convert is not None]

    def bind(self, parameters: Mapping[str, Any]) -> Any:
        """Return the driver's parameters."""
        values = list(self._pick({**self._constants, **parameters} if self._constants else parameters))
        for index, convert in self._writers:
            # Null is null, in whatever column.
            if values[index] is not None:
                values[index] = convert(values[index])
        return values if self._positional else dict(zip(self._order, values, strict=True))

    def _pick_few(self, values: Mapping[str, Any]) -> Sequence[Any]:
        return [values[name] for name in self._order]

    def made(self, found: Iterable[Iterable[Any]]) -> list[Any]:
        """Return what is made of the driver's rows, with values as the types of the columns give them."""
        rows = []
        for row in found:
            values = list(row)
            for index, convert in self._readers:
                values[index] = convert(values[index])
            rows.append(self._make(values))
        return rows


def _named_tuple(names: Sequence[str]) -> Make:
    row: Any = namedtuple("Row", names)  # type: ignore[misc]
    make: Make = row._make
    return make


def _spelled_out(element: Any, **_more: object) -> ColumnElement[Any] | None:
    """
    Return a constant, such as a state, as it stands in the text of a statement; None for everything else.

    As a parameter it would cost more than all else: where an index holds only rows of a state, SQLite plans a statement
    anew for each execution, since the plan may change with what is compared.
    """
    if not isinstance(element, BindParameter) or element.required:
        return None
    value = element.value
    return literal_column(f"'{value}'", element.type) if isinstance(value, str) and value.isidentifier() else None


def execute(connection: Connection, text: str, parameters: Any, *, many: bool = False) -> Any:
    """Hand a statement to the driver; return its cursor. Raises `DBAPIError`."""
    cursor = connection.connection.cursor()
    try:
        (cursor.executemany if many else cursor.execute)(text, parameters)
    except connection.dialect.loaded_dbapi.Error as error:
        cursor.close()
        failures.without_values(error)
        raised = connection.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(
            text, parameters, error, raised, hide_parameters=True, dialect=connection.dialect
        ) from error
    return cursor
