"""What has an identity in a file: paired with what it was, and what of it is another now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from casepath.engine.deployments.comparison.trees import Pairs, Part, changes, gone, paired, whole
from casepath.engine.deployments.comparison.values import Change, Difference, Step


@dataclass(frozen=True, kw_only=True)
class Thing:
    """An element of a diagram, a row of a table, a field of a form."""

    id: str
    type: str
    #: What it is called; said by its parts as well where it can be changed.
    name: str
    #: All that it says, without its id and without the things in it.
    parts: tuple[Part, ...]
    #: What it is in; empty for what is in nothing.
    within: str = ""
    #: The ids between which it leads, of flows.
    ends: tuple[str, str] = ("", "")
    #: How it is drawn.
    layout: tuple[Part, ...] = ()
    #: By what it is found again, where that is not its id.
    key: str = ""


#: What a file has one of, whatever its id.
ROOTS = frozenset({"collaboration", "decision", "definitions", "form", "laneSet", "participant", "process"})
#: What has to be told of a thing beside its parts: before, after, and the ids that all things had by their new ones.
More = Callable[[Thing, Thing, Mapping[str, str]], Iterator[Change]]


def _none(_before: Thing, _after: Thing, _was: Mapping[str, str]) -> Iterator[Change]:
    return iter(())


def differences(before: Sequence[Thing], after: Sequence[Thing], more: More = _none) -> tuple[Difference, ...]:
    """
    Return what differs, in the order of the newer version, behind that what is gone.

    What has another id and is the same otherwise, or is the only one of its type in both, is the same thing.
    """
    pairs = _with_roots(paired(before, after, _key, lambda thing: (thing.type, thing.parts), by_place=False))
    was = {new.id: old.id for old, new in pairs if old is not None and new is not None}
    return tuple(found for old, new in pairs if (found := _difference(old, new, was, more)) is not None)


def _key(thing: Thing) -> str:
    return thing.key or thing.id


def _with_roots(pairs: Pairs[Thing]) -> Pairs[Thing]:
    """Return pairs, joined where one root went and one of its type came."""
    olds = [old for old, new in pairs if old is not None and new is None and old.type in ROOTS]
    news = [new for old, new in pairs if new is not None and old is None and new.type in ROOTS]
    joined = [
        (old, new)
        for old in olds
        for new in news
        if old.type == new.type and all(_count(each, old.type) == 1 for each in (olds, news))
    ]
    mates = {id(thing) for pair in joined for thing in pair}
    return joined + [(old, new) for old, new in pairs if not {id(old), id(new)} & mates]


def _count(things: Sequence[Thing], kind: str) -> int:
    return sum(thing.type == kind for thing in things)


def _difference(old: Thing | None, new: Thing | None, was: Mapping[str, str], more: More) -> Difference | None:
    if old is None or new is None:
        thing = old or new
        assert thing is not None
        told = gone if new is None else whole
        found = [change for part in thing.parts for change in told(part, (part.step,))]
        within = (thing.within, None) if new is None else (None, thing.within)
        if thing.within:
            found.insert(0, Change(path=(Step("within"),), before=within[0], after=within[1]))
        names = (thing.name, "") if new is None else ("", thing.name)
        kind = "removed" if new is None else "added"
        return Difference(
            kind=kind,
            id=thing.id,
            type=thing.type,
            names=names,
            was=thing.id,
            ends=thing.ends,
            changes=tuple(found),
        )
    told_of = [*_own(old, new, was), *more(old, new, was)]
    told_of += changes(_as_part(new.type, old.parts), _as_part(new.type, new.parts))
    told_of += changes(_as_part("", old.layout), _as_part("", new.layout), layout=True)
    if not told_of:
        return None
    return Difference(
        kind="moved" if all(each.layout for each in told_of) else "changed",
        id=new.id,
        type=new.type,
        names=(old.name, new.name),
        was=old.id,
        ends=new.ends,
        changes=tuple(told_of),
    )


def _own(old: Thing, new: Thing, was: Mapping[str, str]) -> Iterator[Change]:
    """Yield what is told of a thing as such: its type, its id, and what it is in."""
    if old.type != new.type:
        yield Change(path=(Step("type"),), before=old.type, after=new.type)
    if old.id != new.id:
        yield Change(path=(Step("id"),), before=old.id, after=new.id)
    if old.within != was.get(new.within, new.within):
        yield Change(path=(Step("within"),), before=old.within or None, after=new.within or None)


def _as_part(label: str, parts: tuple[Part, ...]) -> Part:
    return Part(label=label, parts=parts)


def with_parts(thing: Thing, more: tuple[Part, ...]) -> Thing:
    """Return a thing that says more."""
    return replace(thing, parts=(*thing.parts, *more))
