"""A message to many customers while the worker is killed: each has exactly one; the command sends ten thousand."""

from __future__ import annotations

from tests.acceptance import sending


def test_sending__each_exactly_once(dealership_on_sqlite: str) -> None:
    outcome, keys, objecting = sending.play(dealership_on_sqlite, 150, 4, seed=1, told=lambda _: None)

    assert (len(keys), len(objecting)) == (150, 3)
    assert outcome.kills > 0
