"""
One BPMN file as the rules see it: nodes with local names, looked up by id, tag, place and sequence flow.

The namespaces of BPMN and of the extension dialects are folded away here, so that no rule depends on a prefix:
`task` is BPMN's task, `camunda:topic` the attribute in whichever of the dialects it was written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from lxml import etree

from casepath.engine.bpmn.validation import metamodel
from casepath.engine.phrases import Phrase

EMPTY: Mapping[str, Phrase] = MappingProxyType({})

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
#: The dialects that carry Camunda's attributes. All are read as `camunda:…`.
DIALECTS = frozenset(
    {
        "http://camunda.org/schema/1.0/bpmn",
        "http://operaton.org/schema/1.0/bpmn",
        "http://flowable.org/bpmn",
        "http://activiti.org/bpmn",
    }
)
#: Namespaces of engines: a file that declares one follows an engine's habits, not the letter of the standard.
ENGINES = (
    "http://activiti.org/",
    "http://bpmn.io/",
    "http://camunda.org/",
    "http://flowable.org/",
    "http://operaton.org/",
    "http://spiffworkflow.org/",
    "http://www.activiti.org/",
    "http://www.flowable.org/",
    "http://www.jboss.org/",
    "http://www.omg.org/bpmn20",
    "http://www.signavio.com",
)
XML_SCHEMA = "http://www.w3.org/2001/XMLSchema"
DRAWING = "{http://www.omg.org/spec/BPMN/20100524/DI}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

PROCESS_SCOPES = frozenset({"process", "subProcess", "adHocSubProcess", "transaction"})
CHOREOGRAPHY_SCOPES = frozenset({"choreography", "subChoreography", "globalChoreographyTask"})
COLLABORATIONS = frozenset({"collaboration", "globalConversation", "choreography", "globalChoreographyTask"})
SCOPES = PROCESS_SCOPES | CHOREOGRAPHY_SCOPES
SUB_PROCESSES = frozenset({"subProcess", "adHocSubProcess", "transaction"})
TASKS = frozenset(
    {
        "task",
        "userTask",
        "manualTask",
        "serviceTask",
        "scriptTask",
        "sendTask",
        "receiveTask",
        "businessRuleTask",
    }
)
#: Tasks that workers do.
WORKERS = frozenset({"serviceTask", "sendTask", "businessRuleTask"})
ACTIVITIES = TASKS | SUB_PROCESSES | {"callActivity"}
CHOREOGRAPHY_ACTIVITIES = frozenset({"choreographyTask", "subChoreography", "callChoreography"})
GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "complexGateway", "eventBasedGateway"})
CATCH_EVENTS = frozenset({"startEvent", "intermediateCatchEvent", "boundaryEvent"})
THROW_EVENTS = frozenset({"endEvent", "intermediateThrowEvent", "implicitThrowEvent"})
EVENTS = CATCH_EVENTS | THROW_EVENTS
FLOW_NODES = ACTIVITIES | GATEWAYS | EVENTS | CHOREOGRAPHY_ACTIVITIES
EVENT_DEFINITIONS = frozenset(
    {
        f"{kind}EventDefinition"
        for kind in (
            "cancel",
            "compensate",
            "conditional",
            "error",
            "escalation",
            "link",
            "message",
            "signal",
            "terminate",
            "timer",
        )
    }
)
_TASK = metamodel.element("task")
assert _TASK is not None
_TASK_ATTRIBUTES = frozenset(_TASK.attributes)


@dataclass(eq=False, slots=True)
class Node:
    """One XML element."""

    #: Local name in BPMN, `camunda:…` in a dialect, `{namespace}…` elsewhere.
    tag: str
    #: By local name where without namespace, else as tags are.
    attributes: dict[str, str]
    text: str
    line: int
    parent: Node | None
    children: list[Node] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.attributes.get("id", "")

    @property
    def name(self) -> str:
        return " ".join(self.attributes.get("name", "").split())

    @property
    def label(self) -> str:
        """The id, or where it has none the tag with its line."""
        return self.id or (f"{self.tag} at line {self.line}" if self.line else self.tag)

    def get(self, attribute: str, default: str = "") -> str:
        return self.attributes.get(attribute, default).strip()

    def is_true(self, attribute: str) -> bool:
        return self.get(attribute) in {"true", "1"}

    def is_false(self, attribute: str) -> bool:
        return self.get(attribute) in {"false", "0"}

    def all(self, *tags: str) -> list[Node]:
        """The children with one of these tags."""
        return [child for child in self.children if child.tag in tags]

    def first(self, *tags: str) -> Node | None:
        return next((child for child in self.children if child.tag in tags), None)

    def texts(self, tag: str) -> list[str]:
        """What the children with this tag say: BPMN writes lists of references so."""
        return [child.text for child in self.all(tag)]

    def ancestors(self) -> Iterator[Node]:
        """From the parent up to the root."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def owner(self) -> Node:
        """The element that an extension belongs to; of anything else itself."""
        holder = self.inside("extensionElements")
        return holder.parent if holder is not None and holder.parent is not None else self

    def inside(self, *tags: str) -> Node | None:
        """The nearest ancestor with one of these tags."""
        return next((node for node in self.ancestors() if node.tag in tags), None)


class Document:
    """
    A BPMN file with its indexes. Never changes.

    `extensions` are full tags of elements beyond those of BPMN: each counts as a task. `drawings` are the processes
    that do not say whether they are to be executed, and cannot be: id → why not.
    """

    def __init__(
        self, root: etree._Element, extensions: frozenset[str] = frozenset(), drawings: Mapping[str, Phrase] = EMPTY
    ) -> None:
        self.drawings = drawings
        self.nodes = list(_nodes(root, extensions))
        self.root = self.nodes[0]
        #: Every id with the nodes that carry it: more than one is an error.
        self.carriers: dict[str, list[Node]] = defaultdict(list)
        self._by_tag: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes:
            self._by_tag[node.tag].append(node)
            if node.id and ":" not in node.tag and not node.tag.startswith("{"):
                self.carriers[node.id.strip()].append(node)
        self._namespaces = {prefix or "": uri for prefix, uri in root.nsmap.items()}

    def all(self, *tags: str) -> Iterator[Node]:
        """All nodes with one of these tags."""
        for tag in tags:
            yield from self._by_tag.get(tag, ())

    def by_id(self, name: str) -> Node | None:
        carriers = self.carriers.get(name.strip())
        return carriers[0] if carriers else None

    def resolve(self, reference: str) -> Node | None:
        """The node that an IDREF or QName means, whatever its prefix."""
        reference = reference.strip()
        return self.by_id(reference) or self.by_id(reference.rpartition(":")[2])

    def is_foreign(self, reference: str) -> bool:
        """Whether a QName means a type of XML Schema or something in an imported file: nothing to be found here."""
        prefix, colon, _ = reference.strip().partition(":")
        uri = self._namespaces.get(prefix, "") if colon else ""
        return uri in self._outside and uri != self.root.get("targetNamespace")

    @cached_property
    def _outside(self) -> frozenset[str]:
        return frozenset({XML_SCHEMA, *(node.get("namespace") for node in self.root.all("import"))} - {""})

    @cached_property
    def formal(self) -> bool:
        """
        Whether the file claims the letter of the standard for what it executes.

        It does where it declares the languages of its expressions and types, and uses no engine's namespace: then the
        standard demands formal expressions, operations behind messages and the like, which every engine leaves out.
        """
        if not self.root.get("expressionLanguage") or not self.root.get("typeLanguage"):
            return False
        declared = [*self._namespaces.values(), self.root.get("targetNamespace")]
        return not any(uri.startswith(ENGINES) for uri in declared) and not self._extended

    @cached_property
    def _extended(self) -> bool:
        """Whether anything of a dialect is in the file."""
        return any(
            node.tag.startswith("camunda:") or any(name.startswith("camunda:") for name in node.attributes)
            for node in self.nodes
        )

    def process(self, node: Node) -> Node | None:
        """The process that a node belongs to, or is."""
        return node if node.tag == "process" else node.inside("process")

    def is_executable(self, node: Node) -> bool:
        """Whether the node's process says that it is to be executed."""
        process = self.process(node)
        return process is not None and process.is_true("isExecutable")

    def is_drawing(self, node: Node) -> bool:
        """
        Whether the node's process says that it is not to be executed.

        What is shared by the processes of a file is a drawing where all of them are; what is in no process always is.
        """
        process = self.process(node)
        if process is not None:
            return self._is_drawn(process)
        if node.inside(*COLLABORATIONS) is not None:
            return True
        return self.only_drawings

    @cached_property
    def only_drawings(self) -> bool:
        """Whether no process of the file is to be executed; so where there is none."""
        return all(self._is_drawn(process) for process in self.all("process"))

    def is_in_drawing(self, node: Node) -> bool:
        """Whether the node is in a drawing, or in a file of nothing else; a file without a process is none."""
        process = self.process(node)
        return self._is_drawn(process) if process is not None else self.only_drawings and "process" in self._by_tag

    def _is_drawn(self, process: Node) -> bool:
        return process.is_false("isExecutable") or (is_unsaid(process) and process.id in self.drawings)

    def scope(self, node: Node) -> Node | None:
        """The process, sub-process or choreography that holds the node."""
        return node.inside(*SCOPES)

    @cached_property
    def flows(self) -> list[Node]:
        """The sequence flows."""
        return self._by_tag.get("sequenceFlow", [])

    @cached_property
    def _ends(self) -> tuple[dict[Node, list[Node]], dict[Node, list[Node]]]:
        incoming: dict[Node, list[Node]] = defaultdict(list)
        outgoing: dict[Node, list[Node]] = defaultdict(list)
        for flow in self.flows:
            source, target = self.source(flow), self.target(flow)
            if source is not None:
                outgoing[source].append(flow)
            if target is not None:
                incoming[target].append(flow)
        return incoming, outgoing

    def incoming(self, node: Node) -> list[Node]:
        """The sequence flows that lead to a node."""
        return self._ends[0].get(node, [])

    def outgoing(self, node: Node) -> list[Node]:
        """The sequence flows that leave a node."""
        return self._ends[1].get(node, [])

    def source(self, flow: Node) -> Node | None:
        return self.resolve(flow.get("sourceRef"))

    def target(self, flow: Node) -> Node | None:
        return self.resolve(flow.get("targetRef"))

    def definitions(self, event: Node) -> list[Node]:
        """The event definitions of an event: those inside and those referred to."""
        found = [child for child in event.children if child.tag in EVENT_DEFINITIONS]
        for reference in event.texts("eventDefinitionRef"):
            node = self.resolve(reference)
            if node is not None and node.tag in EVENT_DEFINITIONS:
                found.append(node)
        return found

    def kinds(self, event: Node) -> list[str]:
        """`message`, `timer` … for each event definition of an event."""
        return [node.tag.removesuffix("EventDefinition") for node in self.definitions(event)]

    @cached_property
    def associated(self) -> dict[Node, list[Node]]:
        """Where the associations that leave a node lead."""
        found: dict[Node, list[Node]] = defaultdict(list)
        for association in self.all("association"):
            source, target = self.source(association), self.target(association)
            if source is not None and target is not None:
                found[source].append(target)
        return found

    @cached_property
    def linked(self) -> dict[Node, list[Node]]:
        """The catching events that each throwing link leads to: the one it names, else all of its name in its scope."""
        by_name: dict[tuple[Node | None, str], list[Node]] = defaultdict(list)
        catching: dict[Node, Node] = {}
        for event in self.all("intermediateCatchEvent"):
            for link in self._links(event):
                catching[link] = event
                by_name[self.scope(event), link.name or event.name].append(event)
        found: dict[Node, list[Node]] = {}
        for event in self.all("intermediateThrowEvent"):
            for link in self._links(event):
                targets = [catching.get(target) for text in link.texts("target") if (target := self.resolve(text))]
                named = [each for each in targets if each is not None and self.scope(each) is self.scope(event)]
                found[event] = named or by_name.get((self.scope(event), link.name or event.name), [])
        return found

    def _links(self, event: Node) -> list[Node]:
        return [node for node in self.definitions(event) if node.tag == "linkEventDefinition"]

    @cached_property
    def boundaries(self) -> dict[Node, list[Node]]:
        """The boundary events of each activity."""
        found: dict[Node, list[Node]] = defaultdict(list)
        for event in self.all("boundaryEvent"):
            activity = self.resolve(event.get("attachedToRef"))
            if activity is not None:
                found[activity].append(event)
        return found


def is_unsaid(process: Node) -> bool:
    """Whether a process does not say if it is to be executed."""
    return not process.get("isExecutable")


def is_event_sub_process(node: Node) -> bool:
    return node.tag in SUB_PROCESSES and node.is_true("triggeredByEvent")


def _local(name: str) -> str:
    """A name in braces notation as the rules write it."""
    if not name.startswith("{"):
        return name
    uri, _, local = name[1:].partition("}")
    if uri == BPMN:
        return local
    return f"camunda:{local}" if uri in DIALECTS else name


def _nodes(root: etree._Element, extensions: frozenset[str]) -> Iterator[Node]:
    """Nodes in the order of the file, each linked to its parent; without recursion, and without the drawing itself."""
    waiting: list[tuple[etree._Element, Node | None]] = [(root, None)]
    while waiting:
        element, parent = waiting.pop()
        tag = _local(name if (name := str(element.tag)).startswith("{") else "{}" + name)
        attributes = {_local(str(key)): str(value) for key, value in element.attrib.items()}
        if name in extensions and tag.startswith("{"):
            tag, attributes = "task", {key: value for key, value in attributes.items() if key in _TASK_ATTRIBUTES}
        node = Node(
            tag=tag,
            attributes=attributes,
            text=(element.text or "").strip(),
            line=element.sourceline or 0,
            parent=parent,
        )
        if parent is not None:
            parent.children.append(node)
        yield node
        below = [child for child in element if isinstance(child.tag, str) and not child.tag.startswith(DRAWING)]
        if name in extensions:
            # What is not of BPMN is for its own parser.
            below = [child for child in below if str(child.tag).startswith(f"{{{BPMN}}}")]
        waiting.extend((child, node) for child in reversed(below))
