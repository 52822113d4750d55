"""
The read side: SQL to frozen rows for pages and reports, no changes.

Lists page by key: a page says after which row the next one begins, and costs the same however long the list is.
"""
