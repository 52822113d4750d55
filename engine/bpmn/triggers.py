"""What can move a process instance: each trigger as a value, with what it brings along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Variables = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """A new instance begins: at its none start event, or at the element whose event has come."""

    variables: Variables = field(default_factory=dict)
    start_element: str | None = None
    #: Whether to note which variables are set from now on, for a caller that takes just these back.
    tracks: bool = False
    #: How many processes call each other down to the new instance; 0 where nobody has called it.
    depth: int = 0
    #: What is known of how it was started, for the history.
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteUserTask:
    """Somebody has completed a user task."""

    activity_instance: int
    variables: Variables = field(default_factory=dict)
    #: For whom, where it is not for oneself.
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompleteExternalTask:
    """A worker has completed an external task; local variables stay with the activity."""

    activity_instance: int
    variables: Variables = field(default_factory=dict)
    local_variables: Variables = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ThrowError:
    """Somebody or a worker reports a business error."""

    activity_instance: int
    error_code: str
    message: str = ""
    variables: Variables = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Escalate:
    """Somebody or a worker escalates; the activity goes on unless the diagram interrupts it."""

    activity_instance: int
    escalation_code: str
    variables: Variables = field(default_factory=dict)
    #: Of the called process that escalates, for the mappings of the call.
    results: Variables = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class FireTimer:
    """A timer is due."""

    activity_instance: int
    element_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiveMessage:
    """A message has found whom it was for."""

    activity_instance: int
    element_id: str
    name: str
    variables: Variables = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiveSignal:
    """A signal has come, for one who waits for it, and others of the same instance."""

    activity_instance: int
    element_id: str
    name: str
    variables: Variables = field(default_factory=dict)
    #: The others: activity instance and element of each. All hear it before anything runs on.
    also: Sequence[tuple[int, str]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Continue:
    """The job of a save point is due."""

    activity_instance: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """Somebody wants an element that failed to be run again."""

    activity_instance: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SetVariables:
    """Somebody changes variables by hand."""

    variables: Variables
    activity_instance: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StartBefore:
    """Put a token before an element."""

    element_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StartAfter:
    """Put a token behind an element, on its outgoing sequence flows."""

    element_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelActivity:
    """Take a token away, with everything inside its activity."""

    activity_instance: int


Instruction = StartBefore | StartAfter | CancelActivity


@dataclass(frozen=True, kw_only=True, slots=True)
class Modify:
    """Somebody moves tokens by hand."""

    instructions: Sequence[Instruction]
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel:
    """Somebody ends the instance early; `by_caller`: its caller does, which need not be told."""

    reason: str
    by_caller: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CallReturned:
    """The process that a call activity runs has ended."""

    activity_instance: int
    variables: Variables = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CallFailed:
    """The process that a call activity runs ended with an error, or was cancelled by hand (no code)."""

    activity_instance: int
    error_code: str | None
    message: str = ""
    variables: Variables = field(default_factory=dict)
    #: Of the called process, for the mappings of the call.
    results: Variables = field(default_factory=dict)


Trigger = (
    Start
    | CompleteUserTask
    | CompleteExternalTask
    | ThrowError
    | Escalate
    | FireTimer
    | ReceiveMessage
    | ReceiveSignal
    | Continue
    | Retry
    | SetVariables
    | Modify
    | Cancel
    | CallReturned
    | CallFailed
)
