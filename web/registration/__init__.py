"""Start a process with its start form."""
