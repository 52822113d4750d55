"""Form definitions as HTML, and what a browser sends back."""

from casepath.web.forms.rendering import (
    Field,
    components,
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
    "Field",
    "components",
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
