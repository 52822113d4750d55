"""What elements need from the rest of the engine while they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol


class Decided(Protocol):
    """What came of a decision."""

    @property
    def value(self) -> Any:
        """The value itself."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The value as rows of outputs by name."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Version and matched rows, for the history."""

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What went in."""


class Services(Protocol):
    """Decisions, names of groups, and what stands around a process that was called."""

    def decide(
        self,
        key: str,
        *,
        version: int | None,
        version_tag: str | None,
        same_deployment: bool,
        variables: Mapping[str, Any],
    ) -> Decided:
        """Evaluate a decision; return its result and what is worth remembering of how it came about."""

    def caller_catches(self, process_instance_id: int, error_code: str) -> bool:
        """Return whether what called a process instance, directly or not, catches an error that leaves it."""

    def caller_interrupts(self, process_instance_id: int, escalation_code: str) -> bool:
        """Return whether what called a process instance, directly or not, is interrupted by an escalation of it."""

    def groups(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return names of groups as the engine spells them."""
