"""Form definitions as HTML, and what a browser sends back."""

from casepath.web.forms.display import (
    Choice,
    Earlier,
    Field,
    Known,
    KnownMatter,
    fields,
    flat,
    init_app,
    labels,
    options,
    readable,
    said,
    submitted,
    typed,
)

__all__ = [
    "Choice",
    "Earlier",
    "Field",
    "Known",
    "KnownMatter",
    "fields",
    "flat",
    "init_app",
    "labels",
    "options",
    "readable",
    "said",
    "submitted",
    "typed",
]
