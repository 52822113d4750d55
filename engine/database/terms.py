"""
Terms: in what process instances are found, so that any part of a text is found at once among millions.

Of each text that people know an instance by, its facts and its business key, every place at which one may begin to read
it is a row, with the letters and digits that follow there. What is looked for is then the beginning of a row, which an
index answers; no extension of a database is needed. Width, case, accents and the signs between do not count.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Select, and_, bindparam, delete, false, insert, select

from casepath.engine.database import Base
from casepath.engine.database.models import SearchTerm
from casepath.engine.database.statements import Statement

#: Characters of a term: longer words are looked up in pieces.
SIZE = SearchTerm.SIZE
#: Words, or pieces of them, that are looked for at once; whoever writes more is not asked for all.
MOST = 10
#: Characters of a text that can be found, from its beginning.
READ = 1_000
#: Accents and the like, which stand behind their letters.
_ACCENTS = dict.fromkeys(range(0x300, 0x370))
#: Stands behind every character.
_LAST = "\U0010ffff"

_table = Base.metadata.tables[SearchTerm.__tablename__]
_insert = Statement(insert(_table))
_drop = Statement(
    delete(_table).where(
        _table.c.term == bindparam("term"),
        _table.c.root_id == bindparam("root_id"),
        _table.c.process_instance_id == bindparam("process_instance_id"),
    )
)


def folded(text: str) -> str:
    """Return a text as it is compared: `Ｍüller` and `muller` are the same."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFKC", apart.translate(_ACCENTS).casefold())


def compact(text: str) -> str:
    """Return only the letters and digits of a folded text: people write numbers with signs between or without."""
    return "".join(filter(str.isalnum, folded(text)))


def of(texts: Iterable[str]) -> set[str]:
    """Return the terms in which texts are found."""
    read = [compact(text[:READ]) for text in texts]
    return {text[start : start + SIZE] for text in read for start in range(len(text))}


def replace(
    connection: Connection, process_instance_id: int, root_id: int, before: Iterable[str], after: Iterable[str]
) -> None:
    """Let a process instance be found in the texts `after`, and no longer in what only those `before` had."""
    old, new = of(before), of(after)
    owner = {"root_id": root_id, "process_instance_id": process_instance_id}
    _drop.change_many(connection, [{"term": term, **owner} for term in sorted(old - new)])
    _insert.change_many(connection, [{"term": term, **owner} for term in sorted(new - old)])


def split(text: str) -> list[str]:
    """Return the first words of a text, each once; signs alone are left out where there is anything else."""
    found = list(dict.fromkeys(text.split()))
    return [word for word in found if compact(word)][:MOST] or found[:1]


def words(text: str) -> list[str]:
    """Return what is looked for by a text: each word in pieces no longer than a term; of signs alone an empty one."""
    found = [compact(word) for word in split(text)]
    pieces = [word[start : start + SIZE] for word in found for start in range(0, max(len(word), 1), SIZE)]
    return list(dict.fromkeys(pieces))[:MOST]


def roots_with(word: str) -> Select[int]:
    """Return the outermost process instances of those that have a word in a text; an empty one nobody has."""
    begins = and_(_table.c.term >= word, _table.c.term < word + _LAST) if word else false()
    return select(_table.c.root_id).where(begins)


def newest(words: Sequence[str], *, below: int | None, limit: int) -> Select[int]:
    """Return the newest outermost process instances that are found by each of some words, those below an id."""
    # The longest word has the fewest rows; what the others have is only compared.
    first, *others = sorted(words, key=len, reverse=True)
    query = roots_with(first).where(*(_table.c.root_id.in_(roots_with(word)) for word in others))
    if below is not None:
        query = query.where(_table.c.root_id < below)
    return query.distinct().order_by(_table.c.root_id.desc()).limit(limit)
