"""Timers of the models: ISO 8601 durations and cycles in seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.token_game.model import Event

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


@dataclass
class Timer:
    """A timer that runs: when it is due, and how often it fires after that."""

    due: float
    interval: float = 0.0
    left: int = 0

    @classmethod
    def of(cls, event: Event, now: float) -> Timer:
        """Start the timer of an event; raises `ValueError` for a text that is neither duration nor cycle."""
        text = event.text.strip()
        if not text.startswith("R"):
            return cls(now + seconds(text))
        times, _, interval = text.partition("/")
        return cls(now + seconds(interval), seconds(interval), int(times[1:]) - 1 if times[1:] else 1_000_000)

    def again(self) -> bool:
        """Move on to the next time of a cycle; False when there is none."""
        if not self.left:
            return False
        self.left -= 1
        self.due += self.interval
        return True


def seconds(text: str) -> float:
    """Return the length of an ISO 8601 duration without months and years."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"Expected a duration, but found {text!r}")
    days, hours, minutes, rest = (float(group or 0) for group in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest
