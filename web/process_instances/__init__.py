"""Matters: find, show, add to, repair."""
