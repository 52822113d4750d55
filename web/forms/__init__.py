"""Form definitions as HTML, and what a browser sends back."""

from casepath.web.forms.display import (
    Earlier,
    Field,
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
    "Earlier",
    "Field",
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
