"""What an expression may know beside the variables."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from casepath.engine import errors
from casepath.engine.time import clock
from casepath.engine.time.clock import Calendar


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The moment of evaluation, the calendar, the process instance that the expression belongs to, and who moves it."""

    now: datetime = field(default_factory=clock.now)
    #: None where no calendar is deployed: working time is refused then, and local times are UTC.
    calendar: Calendar | None = None
    business_key: str | None = None
    process_instance_id: int | None = None
    #: The user who acts; None where the engine or a program does.
    user: str | None = None
    #: Gives the groups by whose right the user acts; asked for only where an expression needs them.
    groups: Callable[[], Collection[str]] = frozenset

    @property
    def zone(self) -> ZoneInfo:
        """The zone of local dates and times."""
        return clock.zone_of(self.calendar)

    @property
    def working_time(self) -> Calendar:
        """The calendar; raises `ExpressionError` where there is none."""
        if self.calendar is None:
            raise errors.ExpressionError("Expected a calendar with opening hours, but none is deployed")
        return self.calendar
