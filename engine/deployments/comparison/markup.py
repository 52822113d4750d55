"""XML as parts: names with the prefixes that everybody knows, whatever a file calls them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

from lxml import etree

from casepath.engine.deployments.comparison.trees import Part

#: Namespaces whose names are told with a prefix; those of the standards themselves without one.
PREFIXES = {
    "http://www.omg.org/spec/BPMN/20100524/MODEL": "",
    "http://www.omg.org/spec/BPMN/20100524/DI": "",
    "http://www.omg.org/spec/DD/20100524/DC": "",
    "http://www.omg.org/spec/DD/20100524/DI": "",
    "http://camunda.org/schema/1.0/bpmn": "camunda:",
    "http://camunda.org/schema/1.0/dmn": "camunda:",
    "http://operaton.org/schema/1.0/bpmn": "operaton:",
    "http://flowable.org/bpmn": "flowable:",
    "http://activiti.org/bpmn": "activiti:",
    "http://camunda.org/schema/modeler/1.0": "modeler:",
    "http://bpmn.io/schema/bpmn/biocolor/1.0": "bioc:",
    "http://www.omg.org/spec/BPMN/non-normative/color/1.0": "color:",
    "http://www.w3.org/2001/XMLSchema-instance": "xsi:",
}
#: DMN has a namespace for each of its versions.
DMN = re.compile(r"https?://www\.omg\.org/spec/(DMN|DD)/")
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
#: What tells an element from its siblings, where it has one of these.
KEYS = ("name", "key", "target", "source", "event", "id")
#: Digits of a coordinate.
PRECISION = 12

Own = Callable[[etree._Element], bool]


def name(qualified: object) -> str:
    """Return a name as it is told; empty for what is no element."""
    return _name(qualified) if isinstance(qualified, str) else ""


@functools.lru_cache(maxsize=4096)
def _name(qualified: str) -> str:
    if not qualified.startswith("{"):
        return qualified
    namespace, _, local = qualified[1:].partition("}")
    prefix = PREFIXES.get(namespace)
    if prefix is None:
        prefix = "" if DMN.match(namespace) else f"{{{namespace}}}"
    return f"{prefix}{local}"


def elements(parent: etree._Element) -> Iterator[etree._Element]:
    """Yield what is directly in an element."""
    return (child for child in parent if isinstance(child.tag, str))


def text(element: etree._Element) -> str | None:
    """Return the text of an element; of one that holds others only where it is no mere indentation."""
    parts = [element.text or "", *(child.tail or "" for child in element)]
    found = "".join(parts)
    return found if found.strip() else None


def part(element: etree._Element, own: Own, *, keyed: bool = True) -> Part:
    """Return an element with all that is in it, without what has an identity of its own."""
    known = next((each for each in KEYS if element.get(each)), "") if keyed else ""
    inner = [
        Part(label=name(attribute), value=_unprefixed(element, value) if attribute == XSI_TYPE else str(value))
        for attribute, value in sorted(element.attrib.items())
        if attribute != known
    ]
    inner += [part(child, own) for child in elements(element) if not own(child)]
    key = element.get(known, "") if known else ""
    return Part(label=name(element.tag), key=key, value=text(element), parts=tuple(inner))


def _unprefixed(element: etree._Element, value: str) -> str:
    """Return the name of a type whatever prefix the file has for its namespace."""
    prefix, _, local = value.rpartition(":")
    return name(f"{{{namespace}}}{local}") if (namespace := element.nsmap.get(prefix or None)) else value


def drawn(element: etree._Element) -> Part:
    """Return a shape or edge, each of its boxes and lines as one value."""
    inner = [Part(label=name(attribute), value=str(value)) for attribute, value in sorted(element.attrib.items())]
    points: list[etree._Element] = []
    for child in elements(element):
        if name(child.tag) == "Bounds":
            inner.append(_box(child))
        elif name(child.tag) == "waypoint" and not len(child):
            points.append(child)
        else:
            inner.append(drawn(child))
    if points:
        line = " → ".join(_point(each) for each in points)
        inner.append(Part(label="waypoint", value=line))
    return Part(label=name(element.tag), value=text(element), parts=tuple(inner))


def _point(element: etree._Element) -> str:
    others = [f"{name(key)}={value}" for key, value in sorted(element.attrib.items()) if key not in {"x", "y"}]
    return ", ".join([_number(element.get("x")), _number(element.get("y")), *others])


def _box(element: etree._Element) -> Part:
    x, y, width, height = (_number(element.get(each)) for each in ("x", "y", "width", "height"))
    others = tuple(
        Part(label=name(key), value=str(value))
        for key, value in sorted(element.attrib.items())
        if key not in {"x", "y", "width", "height"}
    )
    return Part(label="Bounds", value=f"{x}, {y} · {width} × {height}", parts=others)


def _number(found: str | None) -> str:
    try:
        return f"{float(found or ''):.{PRECISION}g}"
    except ValueError:
        return found or "?"
