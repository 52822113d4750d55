"""Reading elements: SpiffWorkflow's parsers make them, and ours read what their attributes and children say."""

from __future__ import annotations

from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser import event_parsers
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser

from casepath.engine.bpmn.elements.gateways import (
    Choice,
    ComplexGateway,
    EventBasedGateway,
    FlowCondition,
    ParallelGateway,
)
from casepath.engine.bpmn.graph import Element, Flow
from casepath.engine.bpmn.parser.markup import BPMN, Compiler, extension, extensions, flag, properties, reference
from casepath.engine.bpmn.parser.source import Source


class ElementParser(TaskParser):
    """
    Reads one element.

    `process_parser` is the one in `processes`; the element is `task` once it has been made, its XML is `node`.
    """

    @property
    def source(self) -> Source:
        """The file."""
        source: Source = self.process_parser.source
        return source

    @property
    def compiler(self) -> Compiler:
        """What compiles the texts of the file."""
        return self.source.compiler

    # -- SpiffWorkflow's methods, overridden -------------------------------------------------------------------------

    @property
    def bpmn_id(self) -> str:
        """The id of the element, made up where the file gives none: BPMN allows it, NodeParser does not."""
        identity: str = self.process_parser.identity(self.node)
        return identity

    def parse_node(self) -> Element:
        """Return the element; the one of TaskParser goes on along the flows, a level of recursion for each element."""
        task: Element = self.create_task()
        task.extensions = self.parse_extensions()
        self.task = task
        self.process_parser.parsers[self.bpmn_id] = self
        self.read()
        return task

    def parse_incoming_data_references(self) -> list[Any]:
        """Data associations are read as pairs of variables; the one of NodeParser never returns for an outer object."""
        return []

    parse_outgoing_data_references = parse_incoming_data_references

    def connect_outgoing(self, outgoing_task: Element, sequence_flow_node: etree._Element, is_default: bool) -> None:
        """Draw a sequence flow; the ones of SpiffWorkflow keep its target only, but an arrival is told by its flow."""
        flow = self.flow(sequence_flow_node, outgoing_task)
        if is_default:
            flow.condition = None
            self.task.default = flow
        if isinstance(self.task, Choice) and not is_default:
            self.task.connect_if(FlowCondition(flow), outgoing_task)
        else:
            super().connect_outgoing(outgoing_task, sequence_flow_node, is_default)

    # -- ours --------------------------------------------------------------------------------------------------------

    def flow(self, element: etree._Element, target: Element) -> Flow:
        """Make a sequence flow out of this element."""
        flows = self.task.process.flows
        # Conditions behind a parallel gateway do not count.
        counts = not isinstance(self.task, ParallelGateway)
        flow = Flow(
            id=element.get("id") or f"{self.task.bpmn_id}->{target.bpmn_id}#{len(flows)}",
            source=self.task,
            target=target,
            condition=self.compiler.condition(element.find(BPMN + "conditionExpression")) if counts else None,
        )
        flows[flow.id] = flow
        self.task.outgoing.append(flow)
        target.incoming.append(flow)
        return flow

    def read(self) -> None:
        """Read what the attributes and children of the element say; each kind adds what is particular to it."""
        task, node = self.task, self.node
        task.async_before = flag(extension(node, "asyncBefore")) or flag(extension(node, "async"))
        task.async_after = flag(extension(node, "asyncAfter"))
        task.properties = properties(node)
        task.input_mappings = self.compiler.mappings(node, "inputParameter")
        task.output_mappings = self.compiler.mappings(node, "outputParameter")
        for cycle in extensions(node, "failedJobRetryTimeCycle"):
            task.retry_after = self.compiler.retries(cycle)

    @property
    def default_flow(self) -> str | None:
        """Id of the flow that is taken where no condition holds."""
        return reference(self.node.get("default"))


class ComplexGatewayParser(ElementParser):
    """Reads when a complex gateway goes on."""

    task: ComplexGateway

    def read(self) -> None:
        """Read its activation condition too."""
        super().read()
        self.task.activation = self.compiler.condition(self.node.find(BPMN + "activationCondition"))


class EventBasedGatewayParser(ElementParser, event_parsers.EventBasedGatewayParser):
    """Reads how many events a gateway waits for."""

    task: EventBasedGateway

    def read(self) -> None:
        """Read whether it begins instances, and whether it waits for one event or for all."""
        super().read()
        self.task.instantiates = flag(self.node.get("instantiate"))
        self.task.kind = "Parallel" if self.node.get("eventGatewayType") == "Parallel" else "Exclusive"
