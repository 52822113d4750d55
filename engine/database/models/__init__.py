"""
Every table with its states, constraints and indexes, in the order of a process instance's life.

A row of `process_instances` holds only what is alive: tokens and variable scopes, as compact JSON. What happened is in
`activity_instances` (for reading) and `history_events` (as proof), once. `activity_instance` is everywhere the number
of an activity instance within its process instance; 0 is the process instance itself.
"""

from __future__ import annotations

from casepath.engine.database.models.channels import Arrival, Batch, BatchItem, Delivery
from casepath.engine.database.models.definitions import Definition, Deployment, Resource
from casepath.engine.database.models.instances import (
    CorrelationValue,
    ExternalTask,
    Fact,
    Incident,
    Job,
    ProcessInstance,
    SearchTerm,
    Subscription,
    UserTask,
    UserTaskCandidate,
)
from casepath.engine.database.models.measurements import Measure, measurements
from casepath.engine.database.models.people import (
    Draft,
    EndedSession,
    Group,
    LoginFailure,
    Membership,
    NumberSequence,
    Submission,
    Substitution,
    TaskView,
    User,
)
from casepath.engine.database.models.records import (
    ActivityInstance,
    Attachment,
    Comment,
    HistoryEvent,
    Mail,
    Notification,
    OrganisationEvent,
    OrganisationHistory,
    Watch,
)
from casepath.engine.database.models.registers import (
    Import,
    ImportRefusal,
    Record,
    RecordEvent,
    RecordLink,
    RecordStart,
    RecordTerm,
    RecordValue,
    RegisterProcess,
)
from casepath.engine.database.models.states import TRANSITIONS
from casepath.engine.database.models.watch import Alarm, WorkerThread

__all__ = [
    "ActivityInstance",
    "Alarm",
    "Arrival",
    "Attachment",
    "Batch",
    "BatchItem",
    "Comment",
    "CorrelationValue",
    "Definition",
    "Delivery",
    "Deployment",
    "Draft",
    "EndedSession",
    "ExternalTask",
    "Fact",
    "Group",
    "HistoryEvent",
    "Import",
    "ImportRefusal",
    "Incident",
    "Job",
    "LoginFailure",
    "Mail",
    "Measure",
    "Membership",
    "Notification",
    "NumberSequence",
    "OrganisationEvent",
    "OrganisationHistory",
    "ProcessInstance",
    "Record",
    "RecordEvent",
    "RecordLink",
    "RecordStart",
    "RecordTerm",
    "RecordValue",
    "RegisterProcess",
    "Resource",
    "SearchTerm",
    "Submission",
    "Subscription",
    "Substitution",
    "TRANSITIONS",
    "TaskView",
    "User",
    "UserTask",
    "UserTaskCandidate",
    "Watch",
    "WorkerThread",
    "measurements",
]
