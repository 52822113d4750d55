"""Events: where a process begins and ends, what it throws, and what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition as SpiffEventDefinition
from SpiffWorkflow.bpmn.util.event import BpmnEvent

from casepath.engine.bpmn import catchers, compensation
from casepath.engine.bpmn.elements.base import Node
from casepath.engine.bpmn.graph import Element
from casepath.engine.bpmn.tree import Token


class Awaited(SpiffEventDefinition):
    """What an event of the flow waits for: all of its definitions, each by a job or a subscription of its own."""

    def update_task(self, my_task: Token) -> None:
        """Begin to wait."""
        catchers.arm(my_task.workflow, my_task.number, my_task.node, my_task)


class StartEvent(Node, defaults.StartEvent):
    """Where a process, a sub-process or an event sub-process begins."""

    tag: ClassVar[str] = "startEvent"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.form_key: str | None = None
        #: Name of the variable that gets whoever starts the process here.
        self.initiator: str | None = None


class Catcher(Node):
    """What elements share that wait in the flow: until what they catch has come, or all of it where `parallel`."""

    def _update_hook(self, my_task: Token) -> bool:
        # The one of CatchingEvent evaluates the timer while the element before completes, and fails that one.
        return True

    def enter(self, token: Token) -> bool | None:
        if self.event_definition.has_fired(token):
            # What it waited for has come: the save point before it is passed, its own variables are made.
            return super().run(token)
        return super().enter(token)

    def wait(self, token: Token) -> None:
        """Begin to wait."""
        self.event_definition.update_task(token)

    def awaited(self, token: Token) -> Sequence[Element]:
        return [self]

    def caught(self, token: Token) -> None:
        self.catch(token, BpmnEvent(self.event_definition))
        token.run()


class CatchEvent(Catcher, defaults.IntermediateCatchEvent):
    """An event in the flow that waits."""

    tag: ClassVar[str] = "intermediateCatchEvent"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.link_sources: list[Element] = []

    def begins_by_itself(self) -> bool:
        return not self.incoming and not self.catches("link")

    def sources(self) -> list[Element]:
        return [*super().sources(), *self.link_sources]

    def run(self, token: Token) -> bool | None:
        self.take_in(token)
        if "caught" in token.memo or self.catches("link"):
            return True
        self.wait(token)
        return None

    def leave(self, token: Token) -> None:
        self.hand_out(token)
        if "caught" not in token.memo:
            token.workflow.disarm(token.number)
        super().leave(token)


class BoundaryEvent(Node, defaults.BoundaryEvent):
    """Stands on the border of an activity and catches what comes while that is alive."""

    tag: ClassVar[str] = "boundaryEvent"
    host: Element

    def sources(self) -> list[Element]:
        return [*super().sources(), self.host]


class Thrower(Node):
    """What events that throw share: compensation first, then the other definitions in document order."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.link_target: Element | None = None

    def begins_by_itself(self) -> bool:
        return not self.incoming

    def throw(self, token: Token) -> bool | None:
        """Throw everything; return None where the token has to wait for a compensation, or was itself interrupted."""
        if "compensated" not in token.memo:
            self.take_in(token)
        for definition in self.definitions:
            if definition.kind == "compensate" and not compensation.throw(token, definition):
                return None
            if definition.kind == "cancel":
                compensation.cancel_transaction(token)
                return None
        super().run(token)
        if not token.alive or token.workflow.paused:
            return None
        return True


class ThrowEvent(Thrower, defaults.IntermediateThrowEvent):
    """Throws and goes on."""

    tag: ClassVar[str] = "intermediateThrowEvent"

    def run(self, token: Token) -> bool | None:
        if self.link_target is not None:
            return True
        return self.throw(token)

    def leave(self, token: Token) -> None:
        if "driver" in token.memo:
            return
        self.hand_out(token)
        if self.link_target is not None:
            token.workflow.enter(self.link_target, token.scope)
        else:
            super().leave(token)


class EndEvent(Thrower, defaults.EndEvent):
    """Throws, and the token is used up; a terminate event ends everything around it."""

    tag: ClassVar[str] = "endEvent"

    def run(self, token: Token) -> bool | None:
        if self.catches("terminate"):
            # That of SpiffWorkflow ends the workflow of the task; here a sub-process is no workflow of its own.
            token.workflow.clear(token.scope, keep=token)
            return True
        return self.throw(token)

    def leave(self, token: Token) -> None:
        """Nothing follows."""
