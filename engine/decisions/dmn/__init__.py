"""
Decisions in DMN 1.1 to 1.5 with FEEL: `parse` a file, then `DecisionModel.evaluate` a decision, as often as needed.

A model that cannot be executed as it stands is refused with all findings at once, each at its element, in English and
Chinese. The result of an evaluation tells for every decision the inputs, the matched rows and the outputs.
"""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from casepath.engine import xml as safe_xml
from casepath.engine.decisions.dmn import wording
from casepath.engine.decisions.dmn.boxed import BoxedCompiler
from casepath.engine.decisions.dmn.checks import check_table
from casepath.engine.decisions.dmn.elements import Definitions, DrgElement, child, children, read, resolve
from casepath.engine.decisions.dmn.item_types import ItemTypes
from casepath.engine.decisions.dmn.model import Compiled, DecisionModel, compile_element, cyclic
from casepath.engine.decisions.dmn.results import DecisionEvaluation, DecisionResult, TableEvaluation
from casepath.engine.decisions.dmn.table_compiler import compile_table
from casepath.engine.decisions.dmn.tables import DecisionTable, InputColumn, OutputColumn, Rule
from casepath.engine.decisions.feel.scanner import normalized
from casepath.engine.errors import DeploymentRefused

#: Code of the findings that tell of sentences which their column does not want.
WORDING = wording.CODE

# A table is a boxed expression, too; its module needs the compiler of boxed expressions for its cells.
BoxedCompiler.KINDS["decisionTable"] = compile_table

__all__ = [
    "DecisionEvaluation", "DecisionModel", "DecisionResult", "DecisionTable", "InputColumn", "OutputColumn",
    "Rule", "TableEvaluation", "WORDING", "parse",
]  # fmt: skip


def parse(
    content: bytes, file: str, imports: Iterable[tuple[str, bytes]] = (), *, strict: bool = True
) -> DecisionModel:
    """
    Read a DMN file; `imports` are the other files, by name, from which its imports are taken.

    Raises `DeploymentRefused` with all findings where one of them is an error. Without `strict`, what cannot be
    executed is null, and the errors are among the findings of the model.
    """
    main = read(safe_xml.parse(content, file), file)
    files = imports if child(main.root, "import") is not None else ()
    others = [read(safe_xml.parse(other, name), name) for name, other in files if name != file]
    by_namespace = {other.namespace: other for other in [*others, main]}
    used = _linked(main, by_namespace)
    compiled: dict[DrgElement, Compiled] = {}
    tables: list[DecisionTable] = []
    types: dict[str, ItemTypes] = {}
    linked = {definitions.namespace: definitions for definitions in used}
    for definitions in used:
        resolve(definitions, linked)
        try:
            found = _compile(definitions, types, compiled)
        except RecursionError:
            definitions.findings.error(
                "too-deep",
                definitions.root,
                "Expected expressions and types that are not nested so deeply",
            )  # fmt: skip
            raise DeploymentRefused(definitions.findings.all) from None
        tables += found if definitions is main else []
    findings = [finding for definitions in used for finding in definitions.findings.all]
    if strict and any(finding.level == "error" for finding in findings):
        raise DeploymentRefused(findings)
    return DecisionModel(main, compiled, tables, findings)


def _linked(main: Definitions, by_namespace: dict[str, Definitions]) -> list[Definitions]:
    """Link files with what they import; returns them all, imported ones first."""
    order: list[Definitions] = []
    linking: list[tuple[Definitions, bool]] = [(main, False)]
    seen: set[str] = set()
    open_files: set[str] = set()
    while linking:
        definitions, ready = linking.pop()
        if ready:
            order.append(definitions)
            open_files.discard(definitions.namespace)
            continue
        if definitions.namespace in seen:
            continue
        seen.add(definitions.namespace)
        open_files.add(definitions.namespace)
        linking.append((definitions, True))
        for entry in children(definitions.root, "import"):
            imported = by_namespace.get(entry.get("namespace") or "")
            if "DMN" not in (entry.get("importType") or "DMN"):
                continue
            if imported is not None and imported.namespace in open_files:
                definitions.findings.error(
                    "import-cycle",
                    entry,
                    "Expected files that do not import each other in a circle, but '{file}' does",
                    file=imported.file,
                )  # fmt: skip
                continue
            if imported is None:
                definitions.findings.error(
                    "unknown-import",
                    entry,
                    "Expected a file with the namespace '{namespace}', but found none",
                    namespace=entry.get("namespace"),
                )  # fmt: skip
                continue
            definitions.imports.append((normalized(entry.get("name") or ""), imported))
            linking.append((imported, False))
    return order


def _compile(
    definitions: Definitions, types: dict[str, ItemTypes], compiled: dict[DrgElement, Compiled]
) -> list[DecisionTable]:
    imported = [(prefix, types[other.namespace]) for prefix, other in definitions.imports if other.namespace in types]
    types[definitions.namespace] = own = ItemTypes(definitions, imported)
    _check_languages(definitions)
    names = {element.name for _, other in definitions.imports for element in other.elements.values()}
    boxed = BoxedCompiler(definitions, own, sorted({*own.properties, *names}))
    circles = cyclic(definitions.elements.values())
    known = {element.name for element in definitions.elements.values()}
    for element in definitions.elements.values():
        if element in circles:
            definitions.findings.error(
                "requirement-cycle",
                element.xml,
                "Expected decision '{name}' not to require itself, but it does",
                name=element.name,
            )  # fmt: skip
        parts = compile_element(element, boxed)
        # A name that another element has must be required to be seen; only unknown ones come from the inputs.
        parts.undeclared -= known
        compiled[element] = parts
    wording.check(definitions.root, definitions.findings)
    for table, columns, xml in boxed.tables:
        check_table(table, columns, xml, definitions.findings)
    return [table for table, _, _ in boxed.tables]


def _check_languages(definitions: Definitions) -> None:
    """Refuse expression languages other than FEEL, at the element that names one."""
    for element in definitions.root.iter(etree.Element):
        language = element.get("expressionLanguage") or element.get("typeLanguage")
        if language and language.strip().lower() != "feel" and "/feel" not in language.lower():
            definitions.findings.error(
                "expression-language",
                element,
                "Expected the expression language FEEL, but found '{language}'",
                language=language,
            )  # fmt: skip


