"""
Forms in form-js JSON: checked when they are deployed, and the measure of what people submit. No HTML.

Supported are text fields and areas, numbers, dates and times, selects, radios, checklists, tag lists, checkboxes, texts
and groups, with their rules and with conditions in FEEL that hide them, text fields that name records of registers, and
choices of people; beside them guidance by values, and documents, the templates of what is printed.
"""

from __future__ import annotations

from casepath.engine.forms import documents, guidance
from casepath.engine.forms.checks import check, parse
from casepath.engine.forms.definition import DEFAULT_MAX_LENGTH, MANY_CHOICES, TEXTS, Component, Form, Words, read
from casepath.engine.forms.documents import Document
from casepath.engine.forms.lookups import MATTER, Lookup
from casepath.engine.forms.members import Member, with_people
from casepath.engine.forms.shown import Shown, show
from casepath.engine.forms.submission import hidden, typed_values, validate

__all__ = [
    "DEFAULT_MAX_LENGTH",
    "MANY_CHOICES",
    "MATTER",
    "TEXTS",
    "Component",
    "Document",
    "Form",
    "Lookup",
    "Member",
    "Shown",
    "Words",
    "check",
    "documents",
    "guidance",
    "hidden",
    "parse",
    "read",
    "show",
    "typed_values",
    "validate",
    "with_people",
]
