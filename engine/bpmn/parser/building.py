"""Building processes: elements into containers, flows between them, and what refers to what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from casepath.engine.bpmn.elements.activities import Activity, ManualTask, SubProcess, Task
from casepath.engine.bpmn.elements.base import Node
from casepath.engine.bpmn.elements.events import BoundaryEvent, CatchEvent, EndEvent, StartEvent, ThrowEvent
from casepath.engine.bpmn.elements.gateways import (
    ComplexGateway,
    EventBasedGateway,
    ExclusiveGateway,
    InclusiveGateway,
    ParallelGateway,
)
from casepath.engine.bpmn.elements.tasks import (
    BusinessRuleTask,
    CallActivity,
    ReceiveTask,
    ScriptTask,
    SendTask,
    ServiceTask,
    UserTask,
)
from casepath.engine.bpmn.model import CorrelationKey, Flow, ProcessSpec, VariableMapping
from casepath.engine.bpmn.parser.activity_parsing import configure_activity
from casepath.engine.bpmn.parser.event_parsing import configure_event, connect_links
from casepath.engine.bpmn.parser.reading import (
    BPMN,
    Compiler,
    child_text,
    children,
    extension,
    extensions,
    flag,
    properties,
    reference,
    tag,
)
from casepath.engine.expressions import compile_expression

#: Every element that a token can be at, by its tag.
ELEMENTS: dict[str, type[Node]] = {
    "adHocSubProcess": SubProcess,
    "boundaryEvent": BoundaryEvent,
    "businessRuleTask": BusinessRuleTask,
    "callActivity": CallActivity,
    "complexGateway": ComplexGateway,
    "endEvent": EndEvent,
    "eventBasedGateway": EventBasedGateway,
    "exclusiveGateway": ExclusiveGateway,
    "inclusiveGateway": InclusiveGateway,
    "intermediateCatchEvent": CatchEvent,
    "intermediateThrowEvent": ThrowEvent,
    "manualTask": ManualTask,
    "parallelGateway": ParallelGateway,
    "receiveTask": ReceiveTask,
    "scriptTask": ScriptTask,
    "sendTask": SendTask,
    "serviceTask": ServiceTask,
    "startEvent": StartEvent,
    "subProcess": SubProcess,
    "task": Task,
    "transaction": SubProcess,
    "userTask": UserTask,
}

#: Global tasks, and what each is when it is called.
GLOBAL_TASKS = {
    "globalBusinessRuleTask": "businessRuleTask",
    "globalManualTask": "manualTask",
    "globalScriptTask": "scriptTask",
    "globalTask": "task",
    "globalUserTask": "userTask",
}


@dataclass(kw_only=True)
class Document:
    """One file, and its elements by id."""

    root: etree._Element
    by_id: dict[str, etree._Element] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for element in self.root.iter():
            identity = element.get("id") if isinstance(element.tag, str) else None
            if identity:
                self.by_id.setdefault(identity, element)

    def correlation_keys(self) -> Iterator[etree._Element]:
        """Yield the correlation keys of all conversations."""
        yield from self.root.iter(BPMN + "correlationKey")


class Builder:
    """Builds one process of a file."""

    def __init__(self, document: Document, compiler: Compiler, element: etree._Element) -> None:
        self.document = document
        self.compiler = compiler
        self.element = element
        self.spec = ProcessSpec(element.get("id", ""), compiler.file)
        self.elements: dict[str, etree._Element] = {}

    def build(self) -> ProcessSpec:
        """Return the process."""
        spec, element = self.spec, self.element
        spec.label = element.get("name") or spec.key
        spec.version_tag = extension(element, "versionTag")
        spec.executable = flag(element.get("isExecutable"), True)
        spec.documentation = child_text(element, "documentation") or ""
        spec.properties = properties(element)
        starters = extension(element, "candidateStarterGroups")
        spec.candidate_starters = tuple(part.strip() for part in starters.split(",")) if starters else ()
        # The process itself is no element that a token can be at, and its id may be that of one.
        spec.root = SubProcess(spec, f"{spec.key}#process", spec.label, None)
        del spec.nodes[spec.root.bpmn_id]
        if tag(element) in GLOBAL_TASKS:
            self.build_global_task()
        else:
            self.fill(spec.root, element)
        self.connect()
        self.attach()
        self.read_lanes()
        self.read_correlation()
        self.summarize()
        return spec

    # -- elements ----------------------------------------------------------------------------------------------------

    def fill(self, root: SubProcess, element: etree._Element) -> None:
        """Make the elements of a container and of the containers in it."""
        open_containers = [(root, element)]
        while open_containers:
            container, source = open_containers.pop()
            container.initial = self.initial_variables(source)
            for child in source:
                kind = ELEMENTS.get(tag(child))
                if kind is None:
                    continue
                node = self.make(kind, child, container)
                if isinstance(node, SubProcess):
                    open_containers.append((node, child))
        for identity, source in self.elements.items():
            self.configure(self.spec.nodes[identity], source)

    def make(self, kind: type[Node], element: etree._Element, container: SubProcess) -> Node:
        """Make one element and put it into its container."""
        identity = element.get("id") or f"{tag(element)}-{element.sourceline}-{len(self.elements)}"
        node = kind(self.spec, identity, (element.get("name") or "").strip(), container)
        node.element_type = tag(element)
        node.documentation = child_text(element, "documentation") or ""
        self.elements[identity] = element
        container.children.append(node)
        return node

    def configure(self, node: Node, element: etree._Element) -> None:
        """Read what the attributes and children of an element say."""
        node.async_before = flag(extension(element, "asyncBefore")) or flag(extension(element, "async"))
        node.async_after = flag(extension(element, "asyncAfter"))
        node.properties = properties(element)
        node.input_mappings = self.compiler.mappings(element, "inputParameter")
        node.output_mappings = self.compiler.mappings(element, "outputParameter")
        for cycle in extensions(element, "failedJobRetryTimeCycle"):
            node.retry_after = self.compiler.retries(cycle)
        if isinstance(node, Activity):
            configure_activity(self, node, element)
        elif isinstance(node, ComplexGateway):
            node.activation = self.compiler.condition(element.find(BPMN + "activationCondition"))
        elif isinstance(node, EventBasedGateway):
            node.instantiates = flag(element.get("instantiate"))
            node.kind = "Parallel" if element.get("eventGatewayType") == "Parallel" else "Exclusive"
        elif tag(element).endswith("Event"):
            configure_event(self, node, element)

    def build_global_task(self) -> None:
        """A global task is called as if it were a process with just that task."""
        kind = ELEMENTS[GLOBAL_TASKS[tag(self.element)]]
        node = kind(self.spec, self.spec.key, (self.element.get("name") or "").strip(), self.spec.root)
        self.spec.root.children.append(node)
        self.elements[node.bpmn_id] = self.element
        self.configure(node, self.element)

    def initial_variables(self, element: etree._Element) -> dict[str, Any]:
        """Return the variables that a container begins with: data objects that are given a value."""
        found: dict[str, Any] = {}
        for entry in children(element, "property", "dataObject"):
            value = next((extension_value for extension_value in extensions(entry, "value")), None)
            if value is not None:
                found[entry.get("name") or entry.get("id") or ""] = "".join(value.itertext())
        return found

    # -- flows -------------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Draw the sequence flows."""
        nodes = self.spec.nodes
        for number, element in enumerate(self.element.iter(BPMN + "sequenceFlow")):
            source = nodes.get(reference(element.get("sourceRef")) or "")
            target = nodes.get(reference(element.get("targetRef")) or "")
            if source is None or target is None:
                continue
            flow = Flow(
                id=element.get("id") or f"{source.bpmn_id}->{target.bpmn_id}#{number}",
                source=source,
                target=target,
                condition=self.compiler.condition(element.find(BPMN + "conditionExpression")),
            )
            self.spec.flows[flow.id] = flow
            source.outgoing.append(flow)
            target.incoming.append(flow)
            source.connect(target)
        for identity, element in self.elements.items():
            default = self.spec.flows.get(reference(element.get("default")) or "")
            if default is not None and default.source is nodes[identity]:
                default.condition = None
                nodes[identity].default = default
        for node in nodes.values():
            if isinstance(node, ParallelGateway):
                for flow in node.outgoing:
                    # Conditions behind a parallel gateway do not count.
                    flow.condition = None

    def attach(self) -> None:
        """Put events on their borders, starts into their containers, handlers to their activities."""
        nodes = self.spec.nodes
        for identity, node in nodes.items():
            container = node.container
            if isinstance(node, BoundaryEvent):
                host = nodes.get(reference(self.elements[identity].get("attachedToRef")) or "")
                if isinstance(host, Activity):
                    node.host = host
                    host.boundary.append(node)
            elif isinstance(node, StartEvent) and container is not None:
                container.start_events.append(node)
                if container.triggered and container.container is not None:
                    container.container.event_starts.append(node)
        connect_links(self)
        for association in self.element.iter(BPMN + "association"):
            source = nodes.get(reference(association.get("sourceRef")) or "")
            target = nodes.get(reference(association.get("targetRef")) or "")
            if isinstance(source, BoundaryEvent) and source.catches("compensate") and isinstance(target, Activity):
                source.host.compensation_handler = target

    # -- variables ---------------------------------------------------------------------------------------------------

    def variable(self, identity: str) -> str:
        """Return the variable that a data object, property, data input or output stands for."""
        element = self.document.by_id.get(identity)
        if element is None:
            return identity
        referred = reference(element.get("dataObjectRef") or element.get("dataStoreRef"))
        if referred and referred in self.document.by_id:
            element = self.document.by_id[referred]
        return element.get("name") or element.get("id") or identity

    def associations(self, element: etree._Element, name: str) -> tuple[tuple[str, str], ...]:
        """Return the data associations of an element as pairs of variables."""
        found = []
        for child in children(element, name):
            source, target = child_text(child, "sourceRef"), child_text(child, "targetRef")
            if source and target:
                found.append((self.variable(reference(source) or ""), self.variable(reference(target) or "")))
        return tuple(found)

    def data_source(self, element: etree._Element, identity: str) -> str:
        """Return the variable that feeds a data input."""
        for child in children(element, "dataInputAssociation"):
            if reference(child_text(child, "targetRef")) == identity and child_text(child, "sourceRef"):
                return self.variable(reference(child_text(child, "sourceRef")) or "")
        return self.variable(identity)

    def data_target(self, element: etree._Element, identity: str) -> str:
        """Return the variable that a data output goes to."""
        for child in children(element, "dataOutputAssociation"):
            if reference(child_text(child, "sourceRef")) == identity and child_text(child, "targetRef"):
                return self.variable(reference(child_text(child, "targetRef")) or "")
        return self.variable(identity)

    def in_out(self, element: etree._Element) -> VariableMapping | None:
        """Read an `in` or `out` mapping; None where it maps everything, or the business key."""
        target, source = element.get("target"), element.get("source")
        expression = element.get("sourceExpression")
        if target is None or not (source or expression):
            return None
        compiled = self.compiler.expression(element, expression) if expression else None
        if compiled is None:
            compiled = compile_expression(f"${{execution.getVariable('{source}')}}")
        # What an expression reads is not narrowed by it, only where its value goes.
        local = flag(element.get("local")) and not (expression and etree.QName(element).localname == "in")
        return VariableMapping(target=target, source=compiled, local=local)

    # -- the whole ---------------------------------------------------------------------------------------------------

    def read_lanes(self) -> None:
        """Note the innermost lane of each element."""
        for lane in self.element.iter(BPMN + "lane"):
            if lane.get("name"):
                for ref in children(lane, "flowNodeRef"):
                    # Inner lanes come after the ones around them.
                    self.spec.lanes[reference(ref.text) or ""] = lane.get("name", "").strip()

    def read_correlation(self) -> None:
        """Read the correlation keys that concern this process."""
        subscribed: dict[str, Any] = {}
        for subscription in children(self.element, "correlationSubscription"):
            for binding in children(subscription, "correlationPropertyBinding"):
                path = self.compiler.expression(binding, child_text(binding, "dataPath"), bare=True)
                if path is not None:
                    subscribed[reference(binding.get("correlationPropertyRef")) or ""] = path
        keys = []
        for key in self.document.correlation_keys():
            names = [reference(ref.text) or "" for ref in children(key, "correlationPropertyRef")]
            keys.append(
                CorrelationKey(
                    name=key.get("name") or key.get("id") or "",
                    from_message={name: self.message_paths(name) for name in names},
                    from_process={name: subscribed[name] for name in names if name in subscribed},
                )
            )
        self.spec.correlation_keys = tuple(keys)

    def message_paths(self, identity: str) -> dict[str, Any]:
        """Return, for each message, where it carries a correlation property."""
        element = self.document.by_id.get(identity)
        paths = {}
        for retrieval in children(element, "correlationPropertyRetrievalExpression") if element is not None else ():
            path = self.compiler.expression(retrieval, child_text(retrieval, "messagePath"), bare=True)
            if path is not None:
                paths[reference(retrieval.get("messageRef")) or ""] = path
        return paths

    def summarize(self) -> None:
        """Note what the process has at all, so that a step need not look for what cannot be there."""
        spec = self.spec
        for node in spec.nodes.values():
            spec.has_upstream_joins |= isinstance(node, InclusiveGateway) and len(node.incoming) > 1
            if isinstance(node, (StartEvent, CatchEvent, BoundaryEvent)):
                spec.has_conditions |= bool(node.catches("conditional"))
                spec.has_signal_catches |= bool(node.catches("signal"))
            spec.has_message_catches |= bool(node.catches("message"))
        for node in (spec.root, *spec.nodes.values()):
            listened_to = listens_to(node)
            node.waits_for_jobs = node.async_before or any(each.catches("timer") for each in listened_to)
            node.waits_for_jobs |= isinstance(node, Activity) and node.async_after
            node.waits_for_events = any(each.catches("message", "signal") for each in listened_to)


def listens_to(node: Node) -> list[Node]:
    """Return every event whose rows stand under the number of a token at an element."""
    found = [node, *node.boundary]
    if isinstance(node, EventBasedGateway):
        found += node.targets()
    if isinstance(node, SubProcess):
        found += node.event_starts
    return found
