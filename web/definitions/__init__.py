"""Processes, decision tables and forms: see, edit, deploy."""
