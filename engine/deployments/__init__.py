"""
What was deployed: check files and put them into the engine, read them back, parsed once and kept.

    deployment   check and store a set of files
    inspection   check them in a process of its own
    definitions  processes, decisions, forms, registers and the calendar by key and version
    decisions    evaluate the deployed decision tables
    registers    kinds of records: what a declaration says, and whether that is there
    lookups      what forms say of records, against the registers that are there
    groups       those that diagrams name and the organisation does not have
    starts       what begins instances by itself, armed with the newest version
"""

from casepath.engine.deployments import decisions, definitions, registers
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
    read_folder,
    still_unknown,
    use_extensions,
)
from casepath.engine.deployments.inspection import inspect
from casepath.engine.deployments.registers import Register

__all__ = [
    "Checked",
    "DeploymentResult",
    "Register",
    "check",
    "content",
    "decisions",
    "definition",
    "definitions",
    "deploy",
    "find",
    "form",
    "inspect",
    "latest",
    "list_definitions",
    "process",
    "read_folder",
    "registers",
    "resource",
    "still_unknown",
    "use_extensions",
]
