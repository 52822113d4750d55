"""Finding whatever one may see, from every page."""
