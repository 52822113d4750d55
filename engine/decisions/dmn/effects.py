"""What a DMN file says in vain: extensions that nobody reads, and other names of the same thing."""

from __future__ import annotations

from collections import defaultdict

from lxml import etree

from casepath.engine.decisions.dmn.findings import Findings, local_name

#: Extension attributes that are read, by the end of their namespace and their name.
READ = frozenset({"inputVariable", "versionTag"})
#: Namespaces of what is drawn, and of XML itself.
ASIDE = ("http://www.w3.org/", "http://bpmn.io/schema/dmn/", "http://camunda.org/schema/modeler/", "https://www.omg.org/",
         "http://www.omg.org/")  # fmt: skip


def find(root: etree._Element, findings: Findings) -> None:
    """Warn of extensions that have no effect, at the elements that have them."""
    found: dict[etree._Element, set[str]] = defaultdict(set)
    language = etree.QName(root).namespace or ""
    for element in root.iter(etree.Element):
        for name in map(etree.QName, element.attrib):
            if name.namespace and not name.namespace.startswith(ASIDE) and name.localname not in READ:
                found[element].add(name.localname)
        namespace = etree.QName(element).namespace or ""
        around = element.getparent()
        if around is not None and namespace != language and not namespace.startswith(ASIDE):
            found[around].add(local_name(element))
    for element, names in found.items():
        findings.warning(
            "no-effect",
            element,
            "Expected only what is executed or shown, but found {names}; it has no effect here",
            names=sorted(names),
        )
