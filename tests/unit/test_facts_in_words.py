"""How a matter is named by its facts."""

from __future__ import annotations

from casepath.web import facts
from casepath.web.words import Words

TOLD = Words(labels={"late": "Reported late"}, options={}, anywhere={}, written=frozenset({"who", "what"}))


def test_named__what_is_so_by_its_name_and_nothing_of_what_is_not() -> None:
    known = {"who": "Anna", "good": False, "late": True, "what": "Noise"}

    assert facts.named(TOLD, known).front == [("who", "Anna"), ("Reported late", "Reported late"), ("what", "Noise")]
