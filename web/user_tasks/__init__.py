"""Inbox and task page."""
