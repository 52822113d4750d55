"""What a browser sends for fields that nobody touches: what HTML lets stand in each input, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import html
from werkzeug.datastructures import MultiDict

#: What browsers let stand in inputs for moments; they throw away everything else.
MOMENTS = {
    "date": r"\d{4}-\d\d-\d\d",
    "time": r"\d\d:\d\d(:\d\d(\.\d{1,3})?)?",
    "datetime-local": r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?",
}


def sent(fragment: str) -> MultiDict[str, str]:
    """Return what is sent for the fields of a fragment of HTML."""
    return MultiDict(pair for control in html.fromstring(f"<form>{fragment}</form>").iter() for pair in _pairs(control))


def _pairs(control: html.HtmlElement) -> Iterator[tuple[str, str]]:
    name = control.get("name")
    if not name or control.get("disabled") is not None:
        return
    if control.tag == "textarea":
        text = (control.text or "").removeprefix("\n")
        yield name, re.sub(r"\r\n|\r|\n", "\r\n", text)
    elif control.tag == "select":
        chosen = control.xpath("option[@selected]") or control.xpath("option[1]")
        yield name, chosen[0].get("value") or ""
    elif control.get("type") in {"checkbox", "radio"}:
        if control.get("checked") is not None:
            yield name, control.get("value") or "on"
    else:
        yield name, _let(control.get("type") or "", control.get("value") or "")


def _let(kind: str, text: str) -> str:
    if kind in MOMENTS:
        return text if re.fullmatch(MOMENTS[kind], text) else ""
    text = re.sub(r"[\r\n]", "", text)
    return text.strip() if kind == "email" else text
