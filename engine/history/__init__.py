"""
What happened, once, as proof: append to it, read it, verify it, erase values from it. Nothing here changes an event.

`sealing` chains events with hashes, `verification` finds every event that was changed, removed or moved, `erasure`
removes values and leaves the chain valid.
"""

from __future__ import annotations

from engine.history.sealing import Event, Sealed, seal

__all__ = ["Event", "Sealed", "seal"]
