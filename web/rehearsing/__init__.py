"""Rehearsing a draft of a process: what is open, its forms, the clock, and what came of it."""
