"""What is taken away of a matter for strangers to verify, and the keys that sign it."""
