"""BPMN XML to processes that can be executed; with every text in them compiled."""

from __future__ import annotations

from collections.abc import Container

from lxml import etree

from casepath.engine import errors
from casepath.engine.bpmn.extensions import Registry
from casepath.engine.bpmn.graph import ProcessSpec
from casepath.engine.bpmn.parser.markup import Compiler
from casepath.engine.bpmn.parser.processes import CasepathParser

__all__ = ["read"]


def read(
    root: etree._Element, file: str, *, scripts: frozenset[str], extensions: Registry, drawings: Container[str]
) -> list[tuple[ProcessSpec, list[errors.Finding]]]:
    """
    Return the processes of a BPMN file, global tasks among them, each with what is wrong with the texts in it.

    The structure has to have been checked before. `scripts` are the formats that script tasks may have, `extensions`
    the elements beyond those of BPMN. Of processes in `drawings` just key and name are read.
    """
    compiler = Compiler(file, scripts, root.get("expressionLanguage") or "")
    parser = CasepathParser(root, compiler, extensions)
    return [
        (parser.drawing(key), []) if (key or "") in drawings else (parser.get_spec(key), compiler.found_since())
        for key in parser.process_parsers
    ]
