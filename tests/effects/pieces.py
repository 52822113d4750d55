"""What can be taken out of a file, or said otherwise there: one piece at a time, put back afterwards."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from casepath.engine.bpmn.validation import metamodel
from casepath.engine.bpmn.validation.document import BPMN, COLLABORATIONS, DIALECTS

#: Namespaces of what is drawn.
DRAWN = ("http://www.omg.org/spec/BPMN/20100524/DI", "http://www.omg.org/spec/DD/", "https://www.omg.org/spec/DMN/")
#: What a form is made of, and where its fields stand.
LAYOUT = frozenset({"columns", "components", "layout", "row", "values", "version"})
BOOLEANS = ("false", "true")
#: Attributes with some of their values, beside those that the metamodel has.
ENUMERATIONS = {"hitPolicy": "UNIQUE|FIRST|COLLECT", "aggregation": "SUM|MIN", "scriptFormat": "python|feel",
                "kind": "FEEL|Java|PMML", "preferredOrientation": "Rule-as-Row|Rule-as-Column",
                "importType": "https://www.omg.org/spec/DMN/|http://www.w3.org/2001/XMLSchema"}  # fmt: skip
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of a file."""

    #: Ids of the element it belongs to and of those around that, inmost first, and its own name.
    owners: tuple[str, ...]
    name: str
    line: int
    #: What it is in, and namespaces.
    around: frozenset[str] = frozenset()
    #: The file without it, and with something else in its place where it may only be one of a few.
    others: tuple[bytes, ...]

    def __str__(self) -> str:
        return f"{self.line}: {self.name} at {next(iter(self.owners), '?')}"


#: Attributes that name or show something, or say what wrote the file and how: nothing is promised by them.
SAYS = frozenset({"executionPlatform", "executionPlatformVersion", "exporter", "exporterVersion", "expressionLanguage",
                  "id", "label", "name", "namespace", "outputLabel", "schemaVersion", "targetNamespace",
                  "timeLabel", "typeLanguage"})  # fmt: skip
#: Elements that are shown, or repeat what is said elsewhere, which is compared with that.
SHOWN = frozenset({
    "association", "category", "categoryValue", "childLaneSet", "dataObjectReference", "dataState", "dataStore",
    "dataStoreReference", "description", "documentation", "flowNodeRef", "group", "incoming", "lane", "laneSet",
    "outgoing", "text", "textAnnotation",
    # What DMN asks in words, and how it may be answered in words.
    "allowedAnswers", "question",
})  # fmt: skip
#: Elements that say where a decision is known from.
SOURCES = ("authorityRequirement", "knowledgeSource")
#: Attributes of a shape: they choose what is drawn.
SHAPES = frozenset({"associationDirection", "categoryValueRef", "dataObjectRef", "dataStoreRef", "isCollection"})


def of_xml(content: bytes, drawings: Collection[str] = ()) -> Iterator[Piece]:
    """
    Yield every attribute and element of a diagram or decision table that promises something.

    `drawings` are the ids of processes that are not executed; where there are no others, nothing is.
    """
    root = etree.fromstring(content, etree.XMLParser(remove_comments=True, remove_pis=True))
    processes = [element.get("id") for element in root.iterchildren("{*}process")]
    if processes and set(drawings).issuperset(processes):
        return
    for element in list(root.iter()):
        around = (element, *element.iterancestors())
        if is_aside(element) or any(above.getparent() is root and above.get("id") in drawings for above in around):
            continue
        owners = tuple(str(above.get("id")) for above in around if above.get("id"))
        line = element.sourceline or 0
        inside = frozenset(etree.QName(above).localname for above in element.iterancestors())
        inside |= {str(etree.QName(element).namespace)}
        for name, value in list(element.attrib.items()):
            tags = inside | {etree.QName(element).localname, str(etree.QName(name).namespace)}
            local = etree.QName(name).localname
            if local in SAYS | SHAPES or str(name).startswith(XSI):
                continue
            others = []
            for other in (None, *alternatives(element, str(name), str(value))):
                element.attrib.pop(name, None)
                if other is not None:
                    element.set(name, other)
                others.append(etree.tostring(root))
            element.set(name, str(value))
            yield Piece(owners=owners, name=local, line=line, around=tags, others=tuple(others))
        parent = element.getparent()
        if parent is None or etree.QName(element).localname in SHOWN or says_nothing(element):
            continue
        index, tail = parent.index(element), element.tail
        parent.remove(element)
        without = etree.tostring(root)
        parent.insert(index, element)
        element.tail = tail
        # What it says may be the default: said otherwise, it would count.
        otherwise = [spoiled(root, element, str(name)) for name in element.attrib]
        if not len(element) and (element.text or "").strip():
            kept, element.text = element.text, f"{element.text}?"
            otherwise.append(etree.tostring(root))
            element.text = kept
        local = etree.QName(element).localname
        yield Piece(owners=owners, name=local, line=line, around=inside, others=(without, *otherwise))


def spoiled(root: etree._Element, element: etree._Element, name: str) -> bytes:
    """Return the file with something else as the value of an attribute."""
    kept = str(element.attrib[name])
    element.set(name, f"{kept}?")
    content = etree.tostring(root)
    element.set(name, kept)
    return content


def says_nothing(element: etree._Element) -> bool:
    """Whether an element is an empty place for something."""
    return etree.QName(element).localname == "extensionElements" and not len(element) and not element.attrib


def is_aside(element: etree._Element) -> bool:
    """Whether an element is part of what is drawn, be it just pools, or of a text that people read."""
    return any(
        str(above.tag).partition("}")[0].removeprefix("{").startswith(DRAWN[:2])
        or etree.QName(above).localname in (*SOURCES, "documentation", "DMNDI", *COLLABORATIONS)
        for above in (element, *element.iterancestors())
    )


def alternatives(element: etree._Element, name: str, value: str) -> tuple[str, ...]:
    """Return the other values that an attribute may have, where these are few: what it says may be the default."""
    if etree.QName(element).namespace == BPMN and etree.QName(name).namespace in DIALECTS and value not in BOOLEANS:
        return (f"{value}?",)
    if name == "typeRef":
        # What is written may be of that type anyway.
        return (f"{value}?",)
    known = metamodel.element(etree.QName(element).localname)
    values = ENUMERATIONS.get(name) or (known.attributes.get(name, "") if known is not None else "")
    if values == "boolean" or value in BOOLEANS:
        return ("false" if value == "true" else "true",)
    if values == "integer" or value.isdecimal():
        return (str(int(value) + 1) if value.isdecimal() else "1",)
    return tuple(other for other in values.split("|") if "|" in values and other != value)


def of_form(content: bytes) -> Iterator[Piece]:
    """Yield every property of a form."""
    schema = json.loads(content)
    waiting: list[tuple[Any, str]] = [(schema, "")]
    while waiting:
        value, place = waiting.pop()
        place = str(value.get("key") or value.get("id") or place) if isinstance(value, dict) else place
        for name in list(value) if isinstance(value, dict) else ():
            waiting.append((value[name], place))
            if name in SAYS | LAYOUT or (name == "type" and value is schema):
                continue
            kept = value[name]
            others = []
            if isinstance(kept, bool | int | str):
                # What it says may be what is done anyway.
                value[name] = not kept if isinstance(kept, bool) else kept + 1 if isinstance(kept, int) else f"{kept}?"
                others.append(json.dumps(schema).encode())
            items = list(value.items())
            del value[name]
            others.append(json.dumps(schema).encode())
            value.clear()
            value.update({key: kept if key == name else each for key, each in items})
            yield Piece(owners=(place,), name=name, line=0, others=tuple(others))
        waiting.extend((each, place) for each in (value if isinstance(value, list) else ()))
