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
    """Decisions and names of groups."""

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

    def groups(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return names of groups as the engine spells them."""
