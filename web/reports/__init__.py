"""Reports: the list, one report for a period, the matters behind each of its numbers, and its file."""
