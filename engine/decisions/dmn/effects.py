"""What a DMN file says in vain: extensions that nobody reads, and other names of the same thing."""

from __future__ import annotations

from collections import defaultdict

from lxml import etree

from casepath.engine.decisions.dmn.findings import Findings, local_name

#: Extension attributes that are read, by the end of their namespace and their name.
READ = frozenset({"inputVariable", "longestSentence", "neverSays", "noSentenceBegins", "versionTag"})
#: Namespaces of what is drawn, and of XML itself.
ASIDE = ("http://www.w3.org/", "http://bpmn.io/schema/dmn/", "http://camunda.org/schema/modeler/", "https://www.omg.org/",
         "http://www.omg.org/")  # fmt: skip
#: Of the same organisation, but neither drawn nor executed: tests that some editors keep in the file.
TESTS = "/testcase"


#: How every table is shown.
AS_ROWS = "Rule-as-Row"


def find(root: etree._Element, findings: Findings) -> None:
    """Warn of extensions that have no effect, at the elements that have them."""
    found: dict[etree._Element, set[str]] = defaultdict(set)
    language = etree.QName(root).namespace or ""
    for unused in _unused_types(root):
        found[unused].add(local_name(unused))
    for table in root.iter("{*}decisionTable"):
        if table.get("preferredOrientation", AS_ROWS) != AS_ROWS:
            found[table].add("preferredOrientation")
    for parameter in root.iterfind(".//{*}binding/{*}parameter[@typeRef]"):
        # An argument is of the type of the parameter that it is for.
        found[parameter].add("typeRef")
    for element in root.iter(etree.Element):
        for name in map(etree.QName, element.attrib):
            if name.namespace and not _is_aside(name.namespace) and name.localname not in READ:
                found[element].add(name.localname)
        namespace = etree.QName(element).namespace or ""
        around = element.getparent()
        if around is not None and namespace != language and not _is_aside(namespace):
            found[around].add(local_name(element))
    for element, names in found.items():
        findings.warning(
            "no-effect",
            element,
            "Expected only what is executed or shown, but found {names}; it has no effect here",
            names=sorted(names),
        )


def _is_aside(namespace: str) -> bool:
    return namespace.startswith(ASIDE) and not namespace.endswith(TESTS)


def _unused_types(root: etree._Element) -> list[etree._Element]:
    """Return the types that nothing in a file with decisions is of; those of one without are for other files."""
    if root.find("{*}decision") is None:
        return []
    types = {str(each.get("name")): each for each in root.iterchildren("{*}itemDefinition")}
    used: set[str] = set()
    waiting = [each for each in root.iterchildren(etree.Element) if local_name(each) != "itemDefinition"]
    while waiting:
        element = waiting.pop()
        for name in [name for name in types.keys() - used if _mentions(element, name)]:
            used.add(name)
            waiting.append(types[name])
    return [each for name, each in types.items() if name not in used]


def _mentions(element: etree._Element, name: str) -> bool:
    """Whether something is of a type: older versions write the prefix of a namespace before its name."""
    for each in element.iter(etree.Element):
        said = [str(value) for key, value in each.attrib.items() if str(key).endswith(("typeRef", "TypeRef"))]
        said += [each.text.strip()] if each.text and local_name(each).endswith(("typeRef", "TypeRef")) else []
        if any(name in (text, text.rpartition(":")[2]) for text in said):
            return True
        if each.text and name in each.text and local_name(each) == "text":
            # x instance of name
            return True
    return False
