"""Changes that no test notices, and why none has to: most do the same on another way."""

from __future__ import annotations

#: Module to its line as it is and as it is changed, to the reason, which goes on from "because".
ACCEPTED: dict[str, dict[tuple[str, str], str]] = {}
