"""Reading files and processes: SpiffWorkflow's parsers for them, with ours registered for every element."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.parser.ProcessParser import ProcessParser
from SpiffWorkflow.bpmn.parser.util import full_tag

from casepath.engine.bpmn.elements.activities import Activity, ManualTask, SubProcess, Task
from casepath.engine.bpmn.elements.events import BoundaryEvent, CatchEvent, EndEvent, StartEvent, ThrowEvent
from casepath.engine.bpmn.elements.extension import framed
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
from casepath.engine.bpmn.extensions import Registry
from casepath.engine.bpmn.graph import Container, Element, ProcessSpec
from casepath.engine.bpmn.parser.activities import (
    ActivityParser,
    BusinessRuleTaskParser,
    CallActivityParser,
    ContainerParser,
    ExtensionParser,
    ReceiveTaskParser,
    ScriptParser,
    SendTaskParser,
    UserTaskParser,
    WorkerTaskParser,
)
from casepath.engine.bpmn.parser.elements import ComplexGatewayParser, ElementParser, EventBasedGatewayParser
from casepath.engine.bpmn.parser.events import EventParser, connect_links
from casepath.engine.bpmn.parser.markup import BPMN, Compiler, extension, initial_variables, properties, reference, tag
from casepath.engine.bpmn.parser.source import Source, lanes

#: Every element that a token can be at, by its tag: what reads it, and what it becomes.
ELEMENTS: Mapping[str, tuple[type[ElementParser], type[Element]]] = {
    "adHocSubProcess": (ContainerParser, SubProcess),
    "boundaryEvent": (EventParser, BoundaryEvent),
    "businessRuleTask": (BusinessRuleTaskParser, BusinessRuleTask),
    "callActivity": (CallActivityParser, CallActivity),
    "complexGateway": (ComplexGatewayParser, ComplexGateway),
    "endEvent": (EventParser, EndEvent),
    "eventBasedGateway": (EventBasedGatewayParser, EventBasedGateway),
    "exclusiveGateway": (ElementParser, ExclusiveGateway),
    "inclusiveGateway": (ElementParser, InclusiveGateway),
    "intermediateCatchEvent": (EventParser, CatchEvent),
    "intermediateThrowEvent": (EventParser, ThrowEvent),
    "manualTask": (ActivityParser, ManualTask),
    "parallelGateway": (ElementParser, ParallelGateway),
    "receiveTask": (ReceiveTaskParser, ReceiveTask),
    "scriptTask": (ScriptParser, ScriptTask),
    "sendTask": (SendTaskParser, SendTask),
    "serviceTask": (WorkerTaskParser, ServiceTask),
    "startEvent": (EventParser, StartEvent),
    "subProcess": (ContainerParser, SubProcess),
    "task": (ActivityParser, Task),
    "transaction": (ContainerParser, SubProcess),
    "userTask": (UserTaskParser, UserTask),
}

#: Global tasks, and what each is when it is called: as if it were a process with just that task.
GLOBAL_TASKS = {
    "globalBusinessRuleTask": "businessRuleTask",
    "globalManualTask": "manualTask",
    "globalScriptTask": "scriptTask",
    "globalTask": "task",
    "globalUserTask": "userTask",
}


class ProcessReader(ProcessParser):
    """Reads one process, or a global task."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        #: XML → id, and id → what read the element.
        self.identities: dict[etree._Element, str] = {}
        self.parsers: dict[str, ElementParser] = {}
        super().__init__(*arguments, **more)
        self.source: Source = self.parser.source

    # -- SpiffWorkflow's methods, overridden -------------------------------------------------------------------------

    def _index_process_nodes(self) -> None:
        # The one of ProcessParser forgets sequence flows without id; we read them in the order of the file.
        self.flow_nodes = list(self.node.iter(BPMN + "sequenceFlow"))

    def create_spec(self) -> ProcessSpec:
        """Return the process, yet without elements; the one of ProcessParser refuses a process only drawn."""
        # A drawing needs no id; a process to execute has one.
        element, spec = self.node, ProcessSpec(self.bpmn_id or PurePath(self.filename).stem, self.filename)
        spec.label = self.get_name() or spec.key
        spec.version_tag = extension(element, "versionTag")
        spec.properties = properties(element)
        starters = extension(element, "candidateStarterGroups")
        spec.candidate_starters = tuple(part.strip() for part in starters.split(",")) if starters else ()
        # The process itself is no element that a token can be at, and its id may be that of one.
        spec.root = SubProcess(spec, f"{spec.key}#process", subworkflow_spec=spec.key, bpmn_name=spec.label)
        del spec.nodes[spec.root.bpmn_id]
        return spec

    def add_tasks(self) -> None:
        """Read all elements, then the flows; the one of ProcessParser follows the flows, and starts at start events."""
        spec: ProcessSpec = self.spec
        if tag(self.node) in GLOBAL_TASKS:
            self._add(self.node, spec.root)
        else:
            spec.root.initial = initial_variables(self.node)
            self._fill(spec.root)
        self._connect()
        self._attach()
        connect_links(spec.nodes.values())
        spec.lanes = lanes(self.node)
        spec.correlation_keys = self.source.correlation_keys(self.node)
        summarize(spec)

    # -- ours --------------------------------------------------------------------------------------------------------

    def identity(self, node: etree._Element) -> str:
        """Return the id of an element, made up where the file gives none."""
        found = self.identities.get(node)
        if found is None:
            found = node.get("id") or f"{tag(node)}-{node.sourceline}-{len(self.identities)}"
            self.identities[node] = found
        return found

    def _fill(self, root: Container) -> None:
        open_containers = [(root, self.node)]
        while open_containers:
            container, source = open_containers.pop()
            for child in source:
                if isinstance(child.tag, str) and self.parser._get_parser_class(child.tag)[0] is not None:
                    element = self._add(child, container)
                    if isinstance(element, Container):
                        open_containers.append((element, child))

    def _add(self, node: etree._Element, container: Container) -> Element:
        element: Element = self.parse_node(node)
        element.container = container
        container.children.append(element)
        return element

    def _connect(self) -> None:
        nodes: dict[str, Element] = self.spec.nodes
        for flow in self.flow_nodes:
            source = self.parsers.get(reference(flow.get("sourceRef")) or "")
            target = nodes.get(reference(flow.get("targetRef")) or "")
            if source is not None and target is not None:
                is_default = source.default_flow is not None and source.default_flow == flow.get("id")
                source.connect_outgoing(target, flow, is_default)

    def _attach(self) -> None:
        """Put events on their borders, starts into their containers, handlers to their activities."""
        nodes: dict[str, Element] = self.spec.nodes
        for identity, element in nodes.items():
            container = element.container
            if isinstance(element, BoundaryEvent):
                host = nodes.get(reference(self.parsers[identity].node.get("attachedToRef")) or "")
                if isinstance(host, Activity):
                    element.host = host
                    host.boundary.append(element)
            elif isinstance(element, StartEvent) and container is not None:
                container.start_events.append(element)
                if container.triggered and container.container is not None:
                    container.container.event_starts.append(element)
        for association in self.node.iter(BPMN + "association"):
            source = nodes.get(reference(association.get("sourceRef")) or "")
            target = nodes.get(reference(association.get("targetRef")) or "")
            if isinstance(source, BoundaryEvent) and source.catches("compensate") and isinstance(target, Activity):
                source.host.compensation_handler = target


def summarize(spec: ProcessSpec) -> None:
    """Note what the process has at all, so that a step need not look for what cannot be there."""
    for element in spec.nodes.values():
        spec.has_upstream_joins |= isinstance(element, InclusiveGateway) and len(element.incoming) > 1
        if isinstance(element, (StartEvent, CatchEvent, BoundaryEvent)):
            spec.has_conditions |= bool(element.catches("conditional"))
            spec.has_signal_catches |= bool(element.catches("signal"))
        spec.has_message_catches |= bool(element.catches("message"))
    for element in (spec.root, *spec.nodes.values()):
        heard = element.heard()
        element.waits_for_jobs = element.async_before or any(each.catches("timer") for each in heard)
        element.waits_for_jobs |= isinstance(element, Activity) and element.async_after
        element.waits_for_events = any(each.catches("message", "signal") for each in heard)


class CasepathParser(BpmnParser):
    """Reads one file."""

    OVERRIDE_PARSER_CLASSES = {full_tag(name): classes for name, classes in ELEMENTS.items()} | {
        full_tag(name): ELEMENTS[kind] for name, kind in GLOBAL_TASKS.items()
    }
    PROCESS_PARSER_CLASS = ProcessReader

    def __init__(self, root: etree._Element, compiler: Compiler, extensions: Registry) -> None:
        super().__init__()
        self.source = Source(root, compiler)
        # Elements of somebody else come with the parser and spec of SpiffWorkflow alone.
        self.OVERRIDE_PARSER_CLASSES = self.OVERRIDE_PARSER_CLASSES | {
            tag: (type(theirs.__name__, (ExtensionParser, theirs), {}), framed(kind))
            for tag, (theirs, kind) in extensions.items()
        }
        self.add_bpmn_xml(root, compiler.file)

    def drawing(self, key: str) -> ProcessSpec:
        """Return a process that is not to be executed: nothing but key, name and version tag."""
        spec: ProcessSpec = self.process_parsers[key].create_spec()
        spec.executable = False
        return spec

    # -- SpiffWorkflow's methods, overridden -------------------------------------------------------------------------

    def _add_processes(self, bpmn: etree._Element, filename: str | None = None) -> None:
        # The one of BpmnParser looks for processes at any depth, and knows no global tasks.
        for element in bpmn:
            if tag(element) == "process" or tag(element) in GLOBAL_TASKS:
                self._find_dependencies(element)
                self.create_parser(element, filename)

    def _add_data_stores(self, bpmn: etree._Element) -> None:
        """A data store is a variable; the one of BpmnParser refuses it without a class of its own."""

    def _add_messages(self, bpmn: etree._Element) -> None:
        """Checked by `validation`, read where it is referred to; the one of BpmnParser refuses the file without ids."""

    _add_signals = _add_errors = _add_escalations = _add_correlations = _add_messages
