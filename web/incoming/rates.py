"""How often something happens in a minute, or in another time, counted in this process."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from casepath.engine.time import clock

WINDOW = timedelta(minutes=1)
#: Names that are remembered; the one that was quiet for longest is forgotten first.
MAX_NAMES = 10_000


class Rates:
    """Counts by name, so many in a time and no more."""

    def __init__(self, limit: int, window: timedelta = WINDOW) -> None:
        self.limit = limit
        self.window = window
        self._lock = threading.Lock()
        self._counted: OrderedDict[str, deque[datetime]] = OrderedDict()

    def has_room(self, name: str) -> bool:
        """Tell whether one more would be allowed now."""
        with self._lock:
            return len(self._recent(name)) < self.limit

    def count(self, name: str) -> bool:
        """Count one more; return whether it was allowed."""
        with self._lock:
            recent = self._recent(name)
            if len(recent) >= self.limit:
                return False
            recent.append(clock.now())
            return True

    def _recent(self, name: str) -> deque[datetime]:
        recent = self._counted.setdefault(name, deque())
        self._counted.move_to_end(name)
        if len(self._counted) > MAX_NAMES:
            self._counted.popitem(last=False)
        begin = clock.now() - self.window
        while recent and recent[0] <= begin:
            recent.popleft()
        return recent
