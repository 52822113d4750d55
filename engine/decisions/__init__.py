"""
Decision tables by the standard: `dmn` reads and evaluates them, `feel` is their language.

Knows nothing of processes or of the database; fit to be a package of its own.
"""
