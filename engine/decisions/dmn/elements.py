"""
One DMN file as elements that know each other: decisions, input data, knowledge models, services, types, imports.

Namespaces are not looked at beyond the local names: DMN 1.1 to 1.5 use the same ones for what is read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from casepath.engine.decisions.dmn import effects
from casepath.engine.decisions.dmn.findings import Findings, local_name
from casepath.engine.decisions.feel.scanner import normalized

DMN_NAMESPACES = ("http://www.omg.org/spec/DMN/", "https://www.omg.org/spec/DMN/")
_KINDS = {
    "decision": "decision",
    "inputData": "input",
    "businessKnowledgeModel": "knowledge",
    "decisionService": "service",
}
_REQUIREMENTS = ("informationRequirement", "knowledgeRequirement")
_REQUIRED = ("requiredDecision", "requiredInput", "requiredKnowledge")
#: References of a decision service, in the order of its parameters.
SERVICE_PARTS = ("inputData", "inputDecision", "encapsulatedDecision", "outputDecision")


def children(element: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Go through child elements with one of the local names."""
    for child in element:
        if isinstance(child.tag, str) and local_name(child) in names:
            yield child


def child(element: etree._Element | None, *names: str) -> etree._Element | None:
    """Return the first child element with one of the local names."""
    return None if element is None else next(children(element, *names), None)


def text_in(element: etree._Element | None) -> str:
    """Return the content of `<text>`, without blanks around it."""
    found = child(element, "text")
    return "" if found is None else "".join(found.itertext()).strip()


def name_of(element: etree._Element) -> str:
    """Return the name with single blanks."""
    return normalized(element.get("name") or "")


@dataclass(eq=False)
class DrgElement:
    """A decision, input data, business knowledge model or decision service."""

    kind: str
    id: str
    name: str
    xml: etree._Element
    definitions: Definitions
    #: What it refers to: as in the file, resolved later.
    hrefs: list[tuple[etree._Element, str, str]] = field(default_factory=list)
    #: What it requires: the path of names in its scope, and the element.
    required: list[tuple[tuple[str, ...], DrgElement]] = field(default_factory=list)
    #: The parts of a decision service by kind of reference.
    parts: dict[str, list[DrgElement]] = field(default_factory=dict)


@dataclass(eq=False)
class Definitions:
    """One file."""

    file: str
    root: etree._Element
    namespace: str
    findings: Findings
    elements: dict[str, DrgElement] = field(default_factory=dict)
    #: Prefix and file of each import.
    imports: list[tuple[str, Definitions]] = field(default_factory=list)

    def prefix_of(self, other: Definitions) -> str | None:
        """Return the name under which another file is imported here, None where it is not."""
        return next((prefix for prefix, imported in self.imports if imported is other), None)

    def find(self, key: str, kind: str) -> DrgElement | None:
        """Return the element of that kind with that id, or else that name."""
        found = self.elements.get(key)
        if found is not None and found.kind == kind:
            return found
        alike = (element for element in self.elements.values() if element.kind == kind)
        return next((element for element in alike if element.name == normalized(key)), None)


def type_ref_of(element: etree._Element) -> str:
    """Return the declared type of an element: an attribute, a child element, or a qualified name as in DMN 1.1."""
    reference = element.get("typeRef")
    if reference is None:
        found = child(element, "typeRef")
        reference = "" if found is None or found.text is None else found.text
    reference = reference.strip()
    if ":" in reference and "{" not in reference:
        prefix, _, name = reference.partition(":")
        # A prefix for FEEL's own types or for this file says nothing; one for an import is its name.
        imported = element.nsmap.get(prefix)
        root = element.getroottree().getroot()
        for entry in children(root, "import"):
            if imported is not None and entry.get("namespace") == imported and entry.get("name"):
                return f"{entry.get('name')}.{name}"
        return name
    return reference


def version_tag(element: DrgElement) -> str:
    """Return the version tag that an element has as an extension; empty where it has none."""
    tags = [str(value) for name, value in element.xml.attrib.items() if etree.QName(name).localname == "versionTag"]
    return tags[0].strip() if tags else ""


def read(root: etree._Element, file: str) -> Definitions:
    """Read the elements of a file, without following imports or references."""
    findings = Findings(file)
    definitions = Definitions(file, root, root.get("namespace") or "", findings)
    namespace = etree.QName(root).namespace or ""
    if local_name(root) != "definitions" or not namespace.startswith(DMN_NAMESPACES):
        findings.error(
            "not-dmn",
            root,
            "Expected the root element 'definitions' of DMN, but found '{local_name}' of '{namespace}'",
            local_name=local_name(root),
            namespace=namespace,
        )  # fmt: skip
        return definitions
    for xml in root.iter("{*}decision", "{*}inputData", "{*}businessKnowledgeModel", "{*}decisionService"):
        # `inputData` is also the name of a reference inside a decision service.
        if xml.getparent() is root:
            _add(definitions, xml)
    effects.find(root, findings)
    return definitions


def _add(definitions: Definitions, xml: etree._Element) -> None:
    variable = child(xml, "variable")
    name = name_of(xml) or ("" if variable is None else name_of(variable))
    if variable is not None and name_of(variable) not in ("", name):
        definitions.findings.warning(
            "variable-name",
            xml,
            "Expected '{name}' as the name of the variable too, but found '{found}'; it has no effect",
            name=name,
            found=name_of(variable),
        )  # fmt: skip
    key = xml.get("id") or name
    if not key:
        definitions.findings.error(
            "no-name",
            xml,
            "Expected an id or a name on '{local_name}', but found neither",
            local_name=local_name(xml),
        )  # fmt: skip
        return
    if key in definitions.elements:
        definitions.findings.error("duplicate-id", xml, "Expected different ids, but found '{key}' twice", key=key)
        return
    element = DrgElement(_KINDS[local_name(xml)], key, name or key, xml, definitions)
    for requirement in children(xml, *_REQUIREMENTS):
        element.hrefs += [(part, "", part.get("href") or "") for part in children(requirement, *_REQUIRED)]
    if element.kind == "service":
        for part in SERVICE_PARTS:
            element.hrefs += [(reference, part, reference.get("href") or "") for reference in children(xml, part)]
    definitions.elements[key] = element


def resolve(definitions: Definitions, by_namespace: dict[str, Definitions]) -> None:
    """Follow the references of all elements of a file; adds findings for what does not exist."""
    for element in definitions.elements.values():
        for xml, part, href in element.hrefs:
            namespace, _, key = href.rpartition("#")
            owner = by_namespace.get(namespace) if namespace and namespace != definitions.namespace else definitions
            target = None if owner is None else owner.elements.get(key)
            if target is None:
                definitions.findings.error(
                    "unknown-reference",
                    xml,
                    "Expected an element of the model, but found nothing with the id '{href}'",
                    href=href,
                )  # fmt: skip
                continue
            if part:
                element.parts.setdefault(part, []).append(target)
            else:
                element.required.append((_path(definitions, target), target))


def _path(definitions: Definitions, target: DrgElement) -> tuple[str, ...]:
    prefix = None if target.definitions is definitions else definitions.prefix_of(target.definitions)
    return (prefix, target.name) if prefix else (target.name,)
