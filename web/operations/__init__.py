"""Incidents, jobs and external tasks: see, try again."""
