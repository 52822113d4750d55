"""Sets one long paper: JSON comes in, PDF goes out."""

from __future__ import annotations

from casepath.engine.papers import typesetting

typesetting.answer()
