"""
What was deployed: check files and put them into the engine, read them back, parsed once and kept.

    deployment   check and store a set of files
    inspection   check them in a process of its own
    anew         whether a file makes a new version
    purposes     what each deployment is for, as the history tells it
    comparison   what is another in one set of files than in another, element by element
    apart        the process of its own, which may take only so much
    definitions  what has a key, by key and version: processes, decisions, forms, registers, documents, channels, …
    remembered   what is kept in memory of them
    decisions    evaluate the deployed decision tables
    channels     ways to people and systems outside: what a declaration says, and whether that is there
    registers    kinds of records: what a declaration says, and whether that is there
    lookups      what forms say of records, against the registers that are there
    selections   processes that are started for many records of a register
    mentioned    what diagrams may name without holding it
    documents    templates of what is printed, and whether what they name is there
    reports      what is counted, and what processes measure for it
    translations what diagrams say in other languages
    groups       those that diagrams name and the organisation does not have
    starts       what begins instances by itself, armed with the newest version
    transfer     what is in force, put into another database
"""

from casepath.engine.deployments import (
    channels,
    comparison,
    decisions,
    definitions,
    documents,
    purposes,
    registers,
    reports,
    selections,
    transfer,
)
from casepath.engine.deployments.channels import Channel, Recipients
from casepath.engine.deployments.definitions import (
    content,
    definition,
    find,
    form,
    latest,
    list_definitions,
    process,
    resource,
)
from casepath.engine.deployments.deployment import (
    Checked,
    DeploymentResult,
    check,
    deploy,
    findings,
    read_folder,
    use_extensions,
)
from casepath.engine.deployments.inspection import inspect
from casepath.engine.deployments.mentioned import still_unknown
from casepath.engine.deployments.purposes import Purpose
from casepath.engine.deployments.registers import Register
from casepath.engine.deployments.selections import Selection

__all__ = [
    "Channel",
    "Checked",
    "DeploymentResult",
    "Purpose",
    "Recipients",
    "Register",
    "Selection",
    "channels",
    "check",
    "comparison",
    "content",
    "decisions",
    "definition",
    "definitions",
    "deploy",
    "documents",
    "find",
    "findings",
    "form",
    "inspect",
    "latest",
    "list_definitions",
    "process",
    "purposes",
    "read_folder",
    "registers",
    "remembered",
    "reports",
    "resource",
    "selections",
    "still_unknown",
    "transfer",
    "use_extensions",
]
