"""
The only door to SpiffWorkflow: BPMN files are checked and read here, and process instances run.

    labels          what a diagram says to people
    diagram         one file: checked (`validation`), read (`parser`) into processes
    moves           `apply`: a trigger moves an instance
    state           `dump`, `load`: the stored form
    workflow        an instance: run what is ready, fail, try again
    joins           joins that wait until all else has come to rest
    elements        what each kind of element does, on SpiffWorkflow's class of the same kind
    compensation    undoing what is done
    catchers        who catches what is thrown, and waiting for it
    budget          how much one step may move, take and set
    tree            tokens, and the simple things that can be done with them
    script_engine   how conditions and scripts are evaluated
    scopes          variables
    extensions      elements that were written for plain SpiffWorkflow
    graph           elements, sequence flows and processes as the diagram has them
    states, memo    of tokens, as they are stored
    model           event definitions, loops, mappings
    effects         what a step asks of the world
    services        what elements need from the rest of the engine

Imports point downwards only. The rest of the engine takes what it needs from here.
"""

from __future__ import annotations

from casepath.engine.bpmn import effects, scripts, triggers
from casepath.engine.bpmn.budget import Budget, aside
from casepath.engine.bpmn.catchers import seen_by_receivers
from casepath.engine.bpmn.diagram import Diagram, unreadable
from casepath.engine.bpmn.effects import CallCancelled, Called, Escalated, Outcome
from casepath.engine.bpmn.elements.activities import Activity
from casepath.engine.bpmn.elements.events import BoundaryEvent, StartEvent
from casepath.engine.bpmn.elements.gateways import InclusiveGateway, ParallelGateway
from casepath.engine.bpmn.elements.tasks import UserTask
from casepath.engine.bpmn.extensions import load as load_extensions
from casepath.engine.bpmn.graph import Element, ProcessSpec
from casepath.engine.bpmn.labels import DiagramTexts, read_texts, renamed
from casepath.engine.bpmn.model import EventDefinition, EventKind
from casepath.engine.bpmn.moves import KINDS, apply
from casepath.engine.bpmn.services import Services
from casepath.engine.bpmn.state import dump, load
from casepath.engine.bpmn.tree import Token
from casepath.engine.bpmn.validation.mentions import form_name
from casepath.engine.bpmn.workflow import TokenWorkflow

__all__ = [
    "KINDS",
    "Activity",
    "BoundaryEvent",
    "Budget",
    "CallCancelled",
    "Called",
    "Diagram",
    "DiagramTexts",
    "Element",
    "Escalated",
    "EventDefinition",
    "EventKind",
    "InclusiveGateway",
    "Outcome",
    "ParallelGateway",
    "ProcessSpec",
    "Services",
    "StartEvent",
    "Token",
    "TokenWorkflow",
    "UserTask",
    "apply",
    "aside",
    "dump",
    "effects",
    "form_name",
    "load",
    "load_extensions",
    "scripts",
    "read_texts",
    "renamed",
    "seen_by_receivers",
    "triggers",
    "unreadable",
]
