"""Any file as nested parts, and the changes that make one tree of them out of another."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from casepath.engine.deployments.comparison.values import Change, Step

#: The label of the last step where what is told is an order.
ORDER = "order()"

One = TypeVar("One")
Pairs = list[tuple[One | None, One | None]]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a file: an attribute, an element, a member of an object or of a list."""

    label: str
    #: Tells it from its siblings of the same label, in both versions.
    key: str = ""
    value: str | None = None
    parts: tuple[Part, ...] = ()
    #: Whether its place among its siblings says something.
    in_order: bool = True

    @property
    def step(self) -> Step:
        """The step that leads to it."""
        return Step(self.label, self.key)


def changes(before: Part, after: Part, path: tuple[Step, ...] = (), *, layout: bool = False) -> Iterator[Change]:
    """Yield what has to change in a part to make another of it, each part once; their own labels do not count."""
    if before.key != after.key:
        yield Change(path=path, before=before.key, after=after.key, layout=layout)
    if before.value != after.value:
        yield Change(path=path, before=before.value, after=after.value, layout=layout)
    if before.parts == after.parts:
        return
    for label, (olds, news) in _by_label(before.parts, after.parts).items():
        pairs = paired(olds, news, lambda part: part.key, lambda part: part)
        for old, new in pairs:
            inner = (*path, (new or old or before).step)
            if old is not None and new is not None:
                yield from changes(old, new, inner, layout=layout)
            elif old is not None:
                yield from (_turned(each) for each in whole(old, inner, layout=layout))
            elif new is not None:
                yield from whole(new, inner, layout=layout)
        yield from _order(label, pairs, olds, path, layout=layout)


def whole(part: Part, path: tuple[Step, ...], *, layout: bool = False) -> Iterator[Change]:
    """Yield all that a part says, as that of something new."""
    if part.value is not None or not part.parts:
        yield Change(path=path, before=None, after=part.value or "", layout=layout)
    for inner in part.parts:
        yield from whole(inner, (*path, inner.step), layout=layout)


def gone(part: Part, path: tuple[Step, ...], *, layout: bool = False) -> Iterator[Change]:
    """Yield all that a part said, as that of something that is no longer there."""
    return (_turned(each) for each in whole(part, path, layout=layout))


def _turned(change: Change) -> Change:
    return Change(path=change.path, before=change.after, after=change.before, layout=change.layout)


def _by_label(before: Iterable[Part], after: Iterable[Part]) -> dict[str, tuple[list[Part], list[Part]]]:
    found: dict[str, tuple[list[Part], list[Part]]] = {}
    for number, parts in enumerate((before, after)):
        for part in parts:
            found.setdefault(part.label, ([], []))[number].append(part)
    return found


def _order(
    label: str, pairs: Pairs[Part], olds: Sequence[Part], path: tuple[Step, ...], *, layout: bool
) -> Iterator[Change]:
    """Yield one change where those that stayed stand in another order."""
    stayed = [(old, new) for old, new in pairs if old is not None and new is not None and new.in_order]
    place = {id(old): number for number, old in enumerate(olds)}
    now = [old for old, _ in stayed]
    if moved([place[id(old)] for old in now]):
        then = sorted(now, key=lambda old: place[id(old)])
        first, second = (" · ".join(_called(each) for each in order) for order in (then, now))
        yield Change(path=(*path, Step(label), Step(ORDER)), before=first, after=second, layout=layout)


def _called(part: Part) -> str:
    return part.key or part.value or next((inner.value for inner in part.parts if inner.value), "") or part.label


def paired(
    before: Sequence[One],
    after: Sequence[One],
    key: Callable[[One], str],
    content: Callable[[One], Hashable],
    *,
    by_place: bool = True,
) -> Pairs[One]:
    """
    Return what is the same thing in both, in the order of `after`; behind that what is gone.

    The same are those of one key, where just one has it in both; of the others those of the same content, then, with
    `by_place`, those that come next.
    """
    partner: dict[int, int] = {}
    open_before, open_after = list(range(len(before))), list(range(len(after)))
    once = [_once(map(key, each)) for each in (before, after)]
    for known, number in once[0].items():
        if known and known in once[1]:
            partner[once[1][known]] = number
    taken = set(partner.values())
    open_before = [number for number in open_before if number not in taken]
    open_after = [number for number in open_after if number not in partner]
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for number in reversed(open_before):
        waiting[content(before[number])].append(number)
    for number in open_after:
        if same := waiting.get(content(after[number])):
            partner[number] = same.pop()
    if by_place:
        taken = set(partner.values())
        left = [number for number in open_before if number not in taken]
        partner.update(zip((number for number in open_after if number not in partner), left, strict=False))
    taken = set(partner.values())
    pairs: Pairs[One] = [
        (before[partner[number]] if number in partner else None, each) for number, each in enumerate(after)
    ]
    return pairs + [(each, None) for number, each in enumerate(before) if number not in taken]


def _once(keys: Iterable[str]) -> dict[str, int]:
    """Return where each key stands that only one has."""
    found = list(keys)
    counts = Counter(found)
    return {key: number for number, key in enumerate(found) if counts[key] == 1}


def moved(places: Sequence[int]) -> list[int]:
    """Return which of these are out of order, as few as possible: all but those of the longest rising row."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, place in enumerate(places):
        at = bisect_left(tails, place)
        before.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [place]
        ends[at : at + 1] = [number]
    kept = set()
    number = ends[-1] if ends else -1
    while number >= 0:
        kept.add(number)
        number = before[number]
    return [number for number in range(len(places)) if number not in kept]
