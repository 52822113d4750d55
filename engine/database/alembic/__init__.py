"""Schema revisions: how the tables of a database become those of the models, step by step."""
