"""What the operator decides for the whole engine in this operating system process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

#: Attempts at a job or an external task before it becomes an incident.
ATTEMPTS = 3


@dataclass(slots=True)
class Settings:
    """Set once by the entry point, before anything is deployed or run."""

    #: Whether script tasks may be written in Python; they run in a sandbox, but they run.
    python_scripts: bool = False
    #: Modules with elements that were written for plain SpiffWorkflow.
    extensions: tuple[str, ...] = ()
    #: Seconds of the processor that one step of a process may take; 0: as `seconds_of_step` says.
    step_seconds: float = 0
    #: Activity instances that may begin in one step.
    step_moves: int = 100_000
    #: Characters of all values that one step may set.
    step_characters: int = 16_000_000
    #: The zone in which people type times into forms, IANA name.
    time_zone: str = "UTC"
    #: After how long without a sign of life a worker counts as dead.
    silent_after: timedelta = timedelta(minutes=1)
    #: How late a job may be before the engine counts as standing still.
    late_after: timedelta = timedelta(minutes=5)
    #: Bytes of files that a matter may have, and that one person may add within 24 hours.
    bytes_per_matter: int = 500_000_000
    bytes_per_day: int = 1_000_000_000

    @property
    def script_formats(self) -> frozenset[str]:
        """The formats that script tasks may have."""
        return frozenset({"feel", "python"}) if self.python_scripts else frozenset({"feel"})

    def seconds_of_step(self, *, keeps_all_waiting: bool) -> float:
        """Return how long one step may take: less where nobody else can write meanwhile."""
        return self.step_seconds or (0.5 if keeps_all_waiting else 5)


current = Settings()
