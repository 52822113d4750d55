"""The same BPMN file written differently: other prefix, other order, no ids on flows, events named Start and End."""

from __future__ import annotations

import random

from lxml import etree

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_Q = f"{{{BPMN}}}"
#: What stands first in its parent, by the schema or for our eyes.
_KEPT = frozenset({"incoming", "outgoing", "extensionElements", "documentation", "script", "flowNodeRef", "supports"})
_LEVELS = frozenset({"process", "subProcess", "transaction", "adHocSubProcess", "definitions"})


def respell(content: bytes, seed: int = 0) -> bytes:
    """Return a file that means the same."""
    root = etree.fromstring(content)
    _rename_events(root)
    _remove_flow_ids(root)
    _shuffle(root, random.Random(seed))
    return _with_prefix(root)


def _rename_events(root: etree._Element) -> None:
    """The first start event is Start, the first end event is End."""
    taken = {element.get("id") for element in root.iter()}
    for tag, name in (("startEvent", "Start"), ("endEvent", "End")):
        event = root.find(f".//{_Q}{tag}")
        if event is not None and event.get("id") is not None and name not in taken:
            _replace(root, str(event.get("id")), name)


def _replace(root: etree._Element, old: str, new: str) -> None:
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            if value == old and name != "name":
                element.set(name, new)
        if (element.text or "").strip() == old and etree.QName(element).localname.endswith("Ref"):
            element.text = new


def _remove_flow_ids(root: etree._Element) -> None:
    """Flows need no ids, but for those that are defaults."""
    defaults = {element.get("default") for element in root.iter()}
    removed = set()
    for flow in root.iter(f"{_Q}sequenceFlow"):
        if flow.get("id") not in defaults and "id" in flow.attrib:
            removed.add(flow.attrib.pop("id"))
    for tag in ("incoming", "outgoing"):
        for reference in list(root.iter(f"{_Q}{tag}")):
            parent = reference.getparent()
            if parent is not None and (reference.text or "").strip() in removed:
                parent.remove(reference)


def _shuffle(root: etree._Element, source: random.Random) -> None:
    for level in [root, *root.iter(*(f"{_Q}{tag}" for tag in _LEVELS))]:
        children = [child for child in level if isinstance(child.tag, str)]
        moved = [child for child in children if etree.QName(child).localname not in _KEPT
                 and not etree.QName(child).localname.endswith(("Characteristics", "Condition", "ioSpecification"))]
        # The order of flows out of a gateway is the order in which their conditions are looked at: it stays.
        flows = [child for child in moved if child.tag == f"{_Q}sequenceFlow"]
        others = [child for child in moved if child.tag != f"{_Q}sequenceFlow"]
        source.shuffle(others)
        for child in [*flows, *others]:
            level.remove(child)
            level.append(child)


def _with_prefix(root: etree._Element) -> bytes:
    """Write the BPMN namespace with a prefix that no tool uses, and values that are names of types as well."""
    old = {prefix for prefix, uri in root.nsmap.items() if uri == BPMN}
    spaces = {prefix: uri for prefix, uri in root.nsmap.items() if uri != BPMN} | {"model": BPMN}
    renamed = etree.Element(root.tag, attrib=dict(root.attrib), nsmap=spaces)
    renamed.extend(list(root))
    for element in renamed.iter(etree.Element):
        for name, value in element.attrib.items():
            prefix, colon, local = str(value).partition(":")
            if etree.QName(name).localname in ("type", "evaluatesToTypeRef") and colon and prefix in old:
                element.set(name, f"model:{local}")
    etree.cleanup_namespaces(renamed, keep_ns_prefixes=[prefix for prefix in spaces if prefix])
    return bytes(etree.tostring(renamed, xml_declaration=True, encoding="UTF-8"))
