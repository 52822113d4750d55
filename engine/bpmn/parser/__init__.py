"""BPMN XML to processes that can be executed; with every text in them compiled."""

from __future__ import annotations

from casepath.engine import errors, xml
from casepath.engine.bpmn.model import ProcessSpec
from casepath.engine.bpmn.parser.building import GLOBAL_TASKS, Builder, Document
from casepath.engine.bpmn.parser.reading import Compiler, tag

__all__ = ["read"]


def read(content: bytes, file: str, *, scripts: frozenset[str]) -> tuple[list[ProcessSpec], list[errors.Finding]]:
    """
    Return the processes of a BPMN file, global tasks among them, and what is wrong with the texts in it.

    The structure has to have been checked before. `scripts` are the formats that script tasks may have. Raises
    `DeploymentRefused` where the file is no XML.
    """
    root = xml.parse(content, file)
    document = Document(root=root)
    compiler = Compiler(file, scripts, root.get("expressionLanguage") or "")
    builders = [
        Builder(document, compiler, element)
        for element in root
        if tag(element) == "process" or tag(element) in GLOBAL_TASKS
    ]
    return [builder.build() for builder in builders], compiler.findings
