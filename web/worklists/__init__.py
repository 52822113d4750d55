"""Worklists: the tasks of one process that are due today, done one after the other without going back to a list."""
