"""
The diagram as a graph: elements, the sequence flows between them, and their process.

`Element` is what the rest of the engine may ask of any element; what elements do is in `elements`. Made once per
version of a definition and shared by running instances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.mixins import BpmnSpecMixin
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task

from casepath.engine.bpmn.model import Condition, CorrelationKey, EventDefinition, EventKind, Loop, VariableMapping
from casepath.engine.phrases import Phrase


@dataclass(eq=False, kw_only=True, slots=True)
class Flow:
    """A sequence flow."""

    #: Of the diagram; made from its ends where the diagram gives none.
    id: str
    source: Element
    target: Element
    condition: Condition | None = None


class Decision:
    """What a gateway finds out for one token."""

    def __init__(self) -> None:
        self.holding: list[Flow] = []
        #: Flow → what its condition read.
        self.asked: dict[str, Mapping[str, Any]] = {}


class Element(BpmnSpecMixin):
    """
    An element of the diagram that tokens pass through.

    Tokens and instances are defined above this module: here they are what they extend, SpiffWorkflow's tasks and
    workflows.
    """

    #: Tag in the file.
    tag: ClassVar[str] = "flowNode"
    #: What it waits for outside: `user_task`, `external_task`, or nothing.
    work: ClassVar[str | None] = None
    #: Whether tokens of this element run only when no others can, so that whoever is about to wait already waits.
    late: bool = False
    #: Whether a loop stands around its work.
    loop: Loop | None = None
    #: Whether an event ends what it listens to, and whether it needs all of its definitions.
    interrupting: bool = True
    parallel: bool = False
    #: Whether it is taken back as a whole.
    transactional: bool = False

    bpmn_id: str
    bpmn_name: str

    def __init__(self, wf_spec: ProcessSpec, bpmn_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.process = wf_spec
        self.bpmn_name = (self.bpmn_name or "").strip()
        self.element_type = self.tag
        #: The sub-process, or the process, that it stands in.
        self.container: Container | None = None
        self.incoming: list[Flow] = []
        self.outgoing: list[Flow] = []
        self.default: Flow | None = None
        self.boundary: list[Element] = []
        self.definitions: list[EventDefinition] = []
        #: Whether jobs or subscriptions can wait for something here; of all that it may listen to itself.
        self.waits_for_jobs = True
        self.waits_for_events = True
        self.async_before = False
        self.async_after = False
        #: How long to wait before each further attempt where it fails behind a save point (failedJobRetryTimeCycle).
        self.retry_after: tuple[timedelta, ...] = ()
        self.input_mappings: tuple[VariableMapping, ...] = ()
        self.output_mappings: tuple[VariableMapping, ...] = ()
        self.properties: dict[str, str] = {}
        wf_spec.nodes[bpmn_id] = self

    # -- what the diagram says ---------------------------------------------------------------------------------------

    def catches(self, *kinds: EventKind) -> list[EventDefinition]:
        """Return its event definitions of these kinds."""
        return [definition for definition in self.definitions if definition.kind in kinds]

    def sources(self) -> list[Element]:
        """Return the elements from which a token can come directly."""
        return [flow.source for flow in self.incoming]

    def heard(self) -> list[Element]:
        """Return every event whose rows stand under the number of a token here."""
        return [self, *self.boundary]

    def beginnings(self) -> list[Element]:
        """Return the events by which it begins a new process instance."""
        return []

    def begins_by_itself(self) -> bool:
        """Whether a token begins here when a container without start event is entered."""
        return False

    # -- what can be asked while a token is here ---------------------------------------------------------------------

    def awaited(self, token: Task) -> Sequence[Element]:
        """Return the events that can come while a token waits here."""
        return ()

    def border(self, token: Task) -> Sequence[Element]:
        """Return the events on its border that listen to what happens to a token."""
        return ()

    def is_body(self, token: Task) -> bool:
        """Whether a token is the body of a loop, not one of its rounds."""
        return False

    def inside(self, token: Task) -> Container | None:
        """Return the container whose elements live in the scope of a token; a loop's body has none of its own."""
        return None

    def compensation_start(self) -> Element | None:
        """Return the event that starts its compensation event sub-process, if it has one."""
        return None

    # -- what happens ------------------------------------------------------------------------------------------------

    def begin_here(self, workflow: BpmnWorkflow) -> None:
        """Begin a process instance at this element, whose event has come."""
        workflow.enter(self, workflow.root)

    def caught(self, token: Task) -> None:
        """What the element itself waits for has come."""
        token.complete()

    def happened(self, token: Task, event: Element) -> None:
        """One of several events that it waits for has come."""

    def inner_ended(self, token: Task) -> None:
        """All tokens inside are gone; a loop ends by itself when its last round does."""

    def inner_completed(self, token: Task) -> None:
        """A token inside is done, others are not."""


class Container(Element):
    """An element that holds others: a sub-process, or the process itself."""

    #: An event sub-process.
    triggered = False

    def __init__(self, wf_spec: ProcessSpec, bpmn_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.children: list[Element] = []
        self.start_events: list[Element] = []
        #: Of event sub-processes directly inside, those that wait for something.
        self.event_starts: list[Element] = []
        #: Variables that exist from the start (properties and data objects with a value).
        self.initial: Mapping[str, Any] = {}

    def first_entries(self) -> list[Element]:
        """Return where a process begins that is started by hand; raises `InvalidInput` where that is not clear."""
        raise NotImplementedError


class ProcessSpec(BpmnProcessSpec):
    """One process of one file: its elements by id, and what the whole of it says."""

    def __init__(self, key: str, file: str) -> None:
        super().__init__(name=key, filename=file)
        # Elements of a diagram may be called Start and End; SpiffWorkflow calls its own ones so.
        self.task_specs: dict[str, Any] = {f"#{name}": spec for name, spec in self.task_specs.items()}
        self.key = key
        self.label = key
        self.version_tag: str | None = None
        self.executable = True
        #: Why nothing of it can be executed any more, though it was accepted once; it can be looked at.
        self.refused: tuple[Phrase, ...] = ()
        #: The process itself as the outermost container.
        self.root: Container
        self.nodes: dict[str, Element] = {}
        self.flows: dict[str, Flow] = {}
        self.properties: dict[str, str] = {}
        #: Element id → name of the innermost lane.
        self.lanes: dict[str, str] = {}
        self.correlation_keys: tuple[CorrelationKey, ...] = ()
        self.candidate_starters: tuple[str, ...] = ()
        #: Whether any element waits for a condition, message or signal, or joins inclusively: what is not there is not
        #: looked for.
        self.has_conditions = False
        self.has_message_catches = False
        self.has_signal_catches = False
        self.has_upstream_joins = False

    def start_events(self) -> list[Element]:
        """Return the start events of the process itself, in document order."""
        return list(self.root.start_events)

    def beginnings(self) -> list[Element]:
        """Return the elements whose events begin a new instance: start events first."""
        found = [start for start in self.root.start_events if start.definitions]
        return found + [event for child in self.root.children for event in child.beginnings()]
