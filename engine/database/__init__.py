"""
The ground: connections, tables with their revisions, statements, and how values are written. Knows no rule.

    connection  open a database, one transaction
    schema      bring the tables to the newest revision, and see that they are those of the models
    copies      the whole database into a file, and back
    base        the declarative base and the column types
    models      every table; `alembic` has its revisions
    failures    what the database says no with, and whether that passes
    statements  what every step executes, as cheap as the driver makes it
    entries     values of records in rows of their own
    facts       by what people know a process instance
    merged      records that were found to be one
    links       to which records it points
    terms       how it is found by the words in its texts
    measures    what reports count and add up of it
    values      values as the one JSON that is stored, hashed and compared
"""

from casepath.engine.database.base import Base, Code, Instant, Ordered, Prose, RowId, String, Text, require_room
from casepath.engine.database.connection import alone, connect, insert_new, insert_several, sessions
from casepath.engine.database.schema import upgrade

__all__ = [
    "Base",
    "Code",
    "Instant",
    "Ordered",
    "Prose",
    "RowId",
    "String",
    "Text",
    "alone",
    "connect",
    "insert_new",
    "insert_several",
    "require_room",
    "sessions",
    "upgrade",
]
