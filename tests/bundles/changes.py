"""Ways of changing a proof bundle, each with the places of which a verifier has to name one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from casepath.engine.database import values
from casepath.engine.history.bundle import Signer
from tests.bundles import packed, unpacked

VERIFIER, MANIFEST, STATEMENT, SIGNATURE = "verify.py", "manifest.txt", "statement.json", "statement.sig"
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


class Untouched(Exception):
    """There is nothing in this bundle that could be changed so."""


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A bundle that somebody has changed."""

    kind: str
    content: bytes
    #: How one of the places begins that is found.
    places: tuple[str, ...]


class Forger:
    """Somebody who changes a bundle; he draws what he changes."""

    def __init__(self, content: bytes, signer: Signer, draw: Random) -> None:
        self.files = dict(unpacked(content))
        self.order = list(self.files)
        self.signer = signer
        self.draw = draw

    def any_of(self, *endings: str) -> str:
        """Draw a file with one of these endings that has something in it."""
        found = [name for name in self.order if name.endswith(endings) and self.files[name]]
        if not found:
            raise Untouched
        return self.draw.choice(found)

    def lines(self, name: str) -> list[bytes]:
        return self.files[name].splitlines(keepends=True)

    def write(self, name: str, lines: list[bytes]) -> None:
        self.files[name] = b"".join(lines)

    def mend(self, *, sign: bool = False, key: Ed25519PrivateKey | None = None, **said: Any) -> None:
        """Make manifest and statement fit what was changed; sign anew, with the operator's key or another one."""
        names = [name for name in self.order if name not in (MANIFEST, STATEMENT, SIGNATURE)]
        manifest = "".join(f"{sha256(self.files[name]).hexdigest()}  {name}\n" for name in names).encode()
        self.files[MANIFEST] = manifest
        statement = json.loads(self.files[STATEMENT]) | {"manifest": sha256(manifest).hexdigest()} | said
        if key is not None:
            statement["key"] = key.public_key().public_bytes_raw().hex()
        text = self.files[STATEMENT] = values.canonical(statement).encode()
        if sign or key is not None:
            self.files[SIGNATURE] = (key.sign if key is not None else self.signer.sign)(text).hex().encode()

    @property
    def content(self) -> bytes:
        return packed([(name, self.files[name]) for name in self.order])


def _flip(forger: Forger, name: str) -> None:
    content = bytearray(forger.files[name])
    content[forger.draw.randrange(len(content))] ^= 1 << forger.draw.randrange(8)
    forger.files[name] = bytes(content)


def bit(forger: Forger) -> tuple[str, ...]:
    """A bit of any file, but of the program that verifies."""
    name = forger.draw.choice([name for name in forger.order if forger.files[name] and name != VERIFIER])
    _flip(forger, name)
    # A statement that was changed is not what was signed; which of the two it was nobody can tell.
    return (name, SIGNATURE) if name == STATEMENT else (name,)


def line_gone(forger: Forger) -> tuple[str, ...]:
    """A line of a history, of its values, of the deployments or of the manifest is taken out."""
    name = forger.any_of(".jsonl", MANIFEST)
    lines = forger.lines(name)
    del lines[forger.draw.randrange(len(lines))]
    forger.write(name, lines)
    return (name,)


def line_twice(forger: Forger) -> tuple[str, ...]:
    """A line stands there twice."""
    name = forger.any_of(".jsonl", MANIFEST)
    lines = forger.lines(name)
    at = forger.draw.randrange(len(lines))
    forger.write(name, [*lines[:at], lines[at], *lines[at:]])
    return (name,)


def lines_swapped(forger: Forger) -> tuple[str, ...]:
    """Two lines change places."""
    name = forger.any_of(".jsonl", MANIFEST)
    lines = forger.lines(name)
    one, other = (forger.draw.randrange(len(lines)) for _ in range(2))
    if lines[one] == lines[other]:
        raise Untouched
    lines[one], lines[other] = lines[other], lines[one]
    forger.write(name, lines)
    return (name,)


def tail_cut(forger: Forger) -> tuple[str, ...]:
    """The last events of a history are cut off, and the manifest made to fit."""
    name = forger.any_of("history.jsonl")
    left = forger.draw.randrange(len(forger.lines(name)))
    for each in (name, name.replace("history", "values")):
        forger.write(each, forger.lines(each)[:left])
    forger.mend()
    return (name,)


def file_removed(forger: Forger) -> tuple[str, ...]:
    """A file is taken out."""
    name = forger.draw.choice([name for name in forger.order if name != VERIFIER])
    forger.order.remove(name)
    return (name,)


def file_removed_and_mended(forger: Forger) -> tuple[str, ...]:
    """A file is taken out, and the manifest made to fit."""
    name = forger.draw.choice([name for name in forger.order[:-3] if name != VERIFIER])
    forger.order.remove(name)
    forger.mend()
    if name.startswith("story"):
        # Nothing else tells of it.
        return (SIGNATURE,)
    return (name, name.split(".")[0], name.replace("values", "history"))


def file_added(forger: Forger) -> tuple[str, ...]:
    """A file is put in, under an innocent name or one that leads out of the folder."""
    places = ("notes.txt", "../../etc/passwd", "attachments/999.jpg", "deployed/a.bpmn", "/x", "C:\\x", "story.pdf")
    name = forger.draw.choice(places)
    forger.files[name] = forger.draw.randbytes(20)
    forger.order.insert(forger.draw.randrange(len(forger.order) + 1), name)
    return (name,)


def order_changed(forger: Forger) -> tuple[str, ...]:
    """Two files of the zip change places."""
    one, other = forger.draw.sample(range(len(forger.order)), 2)
    order = forger.order
    order[one], order[other] = order[other], order[one]
    return (order[min(one, other)],)


def value_changed(forger: Forger) -> tuple[str, ...]:
    """A value is another one, and the manifest made to fit."""
    place = _other_value(forger)
    forger.mend()
    return (place,)


def value_changed_by_the_operator(forger: Forger) -> tuple[str, ...]:
    """A value is another one, and the operator signs that it was so."""
    place = _other_value(forger)
    forger.mend(sign=True)
    return (place,)


def _other_value(forger: Forger) -> str:
    """Change a value, and return the line of the history that tells of it."""
    name = forger.any_of("values.jsonl")
    lines = forger.lines(name)
    at = forger.draw.choice([number for number, line in enumerate(lines) if line != b"{}\n"] or [None])
    if at is None:
        raise Untouched
    entry = json.loads(lines[at])
    entry[forger.draw.choice(sorted(entry))][1] += " "
    lines[at] = values.canonical(entry).encode() + b"\n"
    forger.write(name, lines)
    return f"{name.replace('values', 'history')}, line {at + 1}"


def value_forgotten_by_the_operator(forger: Forger) -> tuple[str, ...]:
    """A value is left out without an erasure, and the operator signs that."""
    name = forger.any_of("values.jsonl")
    lines = forger.lines(name)
    at = forger.draw.choice([number for number, line in enumerate(lines) if line != b"{}\n"] or [None])
    if at is None:
        raise Untouched
    entry = json.loads(lines[at])
    del entry[forger.draw.choice(sorted(entry))]
    lines[at] = values.canonical(entry).encode() + b"\n"
    forger.write(name, lines)
    forger.mend(sign=True)
    return (f"{name}, line {at + 1}",)


def event_changed_by_the_operator(forger: Forger) -> tuple[str, ...]:
    """An event is dated otherwise, and the operator signs that."""
    name = forger.any_of("history.jsonl")
    lines = forger.lines(name)
    at = forger.draw.randrange(len(lines))
    lines[at] = lines[at].replace(b'"at":"2', b'"at":"1', 1)
    forger.write(name, lines)
    forger.mend(sign=True)
    # What comes behind does not follow; behind the last one is what the statement says.
    return (name if at + 1 == len(lines) else f"{name}, line {at + 2}",)


def row_changed_by_the_operator(forger: Forger) -> tuple[str, ...]:
    """Variables are other ones than those that were sealed, and the operator signs that."""
    name = forger.any_of("row.json")
    row = json.loads(forger.files[name])
    if row["salt"] is None:
        raise Untouched
    row[forger.draw.choice(("state", "tokens", "variables"))] += " "
    forger.files[name] = values.canonical(row).encode()
    forger.mend(sign=True)
    return (name,)


def file_changed_by_the_operator(forger: Forger) -> tuple[str, ...]:
    """A deployed or attached file is another one, and the operator signs that."""
    name = forger.draw.choice([name for name in forger.order if name.startswith(("deployed/", "attachments/"))])
    forger.files[name] += b" "
    forger.mend(sign=True)
    return (name,)


def history_written_anew(forger: Forger) -> tuple[str, ...]:
    """A history is written anew from an event on, with heads and manifest that fit: all but the signature."""
    _write_anew(forger)
    return (SIGNATURE,)


def signed_with_another_key(forger: Forger) -> tuple[str, ...]:
    """The whole is signed with another key, as it is or written anew: nothing is wrong in it but the key."""
    if forger.draw.random() < 0.5:
        _write_anew(forger)
    forger.mend(key=STRANGER)
    return (STATEMENT,)


def _write_anew(forger: Forger, *, sign: bool = False) -> None:
    """Have another one do what an event tells, and make everything behind it fit."""
    name = forger.any_of("history.jsonl")
    lines = forger.lines(name)
    at, previous = forger.draw.randrange(len(lines)), ""
    for number, line in enumerate(lines):
        event = json.loads(line)
        if number >= at:
            event |= {"previous": previous} | ({"by": "somebody_else"} if number == at else {})
            lines[number] = values.canonical(event).encode() + b"\n"
        previous = sha256(lines[number].rstrip(b"\n")).hexdigest()
    forger.write(name, lines)
    heads = json.loads(forger.files[STATEMENT])["heads"]
    heads[name.split("/")[1]]["hash"] = previous
    forger.mend(sign=sign, heads=heads)


def rewritten_by_the_operator(forger: Forger) -> None:
    """Do what nobody can find: the operator writes a history anew and signs it."""
    _write_anew(forger, sign=True)


def statement_changed(forger: Forger) -> tuple[str, ...]:
    """The statement says something else: another time, operator, matter, product."""
    said: dict[str, Any] = {"at": "1999-01-01", "operator": "Somebody else", "matter": "X-1", "product": "other"}
    name = forger.draw.choice(sorted(said))
    forger.mend(**{name: said[name]})
    return (SIGNATURE,)


KINDS: Mapping[str, Callable[[Forger], tuple[str, ...]]] = {
    each.__name__: each
    for each in (
        bit, line_gone, line_twice, lines_swapped, tail_cut, file_removed, file_removed_and_mended, file_added,
        order_changed, value_changed, value_changed_by_the_operator, value_forgotten_by_the_operator,
        event_changed_by_the_operator, row_changed_by_the_operator, file_changed_by_the_operator,
        history_written_anew, signed_with_another_key, statement_changed,
    )
}  # fmt: skip


def changed(content: bytes, signer: Signer, count: int, seed: int) -> Iterator[Changed]:
    """Yield so many changed bundles, of every kind in turn."""
    made, number, kinds = 0, 0, list(KINDS)
    while made < count:
        kind = kinds[number % len(kinds)]
        forger = Forger(content, signer, Random(f"{seed} {number}"))
        number += 1
        try:
            places = KINDS[kind](forger)
        except Untouched:
            continue
        made += 1
        yield Changed(kind=kind, content=forger.content, places=places)


def named(found: list[tuple[str, str]], places: tuple[str, ...]) -> bool:
    """Tell whether what is found names one of the places: the file, or the line where a place is that exact."""
    return any(place == wanted or place.startswith(f"{wanted},") for place, _ in found for wanted in places)
