"""What a page that shows only some fields of a form says about the others."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict

from casepath.engine.forms import Form, read
from casepath.web import forms
from tests.each import each

FORM: Form = read({
    "id": "f", "type": "default", "components": [
        {"type": "textfield", "key": "text", "label": "Text"},
        {"type": "checkbox", "key": "box", "label": "Box"},
        {"type": "checklist", "key": "many", "label": "Many", "values": [{"label": "A", "value": "a"}]},
    ],
})  # fmt: skip


@each(
    "sent, found",
    [
        ([("page.shown", "text"), ("text", "x")], {"text": "x"}),
        ([("page.shown", "text"), ("page.shown", "box"), ("text", "x")], {"text": "x", "box": ""}),
        ([("page.shown", "many")], {"many": []}),
        ([("page.shown", "many"), ("many", "a")], {"many": ["a"]}),
        ([("many", "a")], {"text": "", "box": "", "many": ["a"]}),
        ([], {"text": "", "box": "", "many": []}),
    ],
)
def test_submitted__what_was_not_there_is_left_out(sent: list[tuple[str, str]], found: dict[str, object]) -> None:
    assert forms.submitted(FORM, MultiDict(sent)) == found
