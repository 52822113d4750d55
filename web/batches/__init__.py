"""Processes that are started for many records: choose, see what would come of it, let it begin, watch it."""
