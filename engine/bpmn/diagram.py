"""One BPMN file, parsed once: checked, read into processes that can be executed, searched for names without a value."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping

from lxml import etree

from casepath.engine import errors, xml
from casepath.engine.bpmn import extensions, parser, validation
from casepath.engine.bpmn.graph import ProcessSpec
from casepath.engine.bpmn.parser.markup import BPMN
from casepath.engine.bpmn.validation import mentions, names
from casepath.engine.bpmn.validation.document import Document
from casepath.engine.phrases import Phrase


def unreadable(key: str, file: str, reason: Phrase) -> ProcessSpec:
    """Return a process of which nothing is known any more but its key, and why."""
    root = etree.Element(f"{BPMN}definitions")
    etree.SubElement(root, f"{BPMN}process", id=key)
    ((spec, _),) = parser.read(root, file, scripts=frozenset(), extensions={}, drawings=())
    spec.refused = (reason,)
    return spec


class Diagram:
    """
    A BPMN file.

    `modules` have elements beyond those of BPMN. Raises `DeploymentRefused` where the file is no XML, `InvalidInput`
    where one of the modules has no such elements.
    """

    def __init__(self, content: bytes, file: str, *, modules: tuple[str, ...] = ()) -> None:
        self.file = file
        self.root = xml.parse(content, file)
        self.extensions = extensions.load(modules)

    def read(self, scripts: frozenset[str]) -> tuple[list[ProcessSpec], list[errors.Finding]]:
        """
        Return the processes, global tasks among them, and everything that is wrong with the file, errors first.

        There are no processes where the structure is wrong. One that does not say whether it is to be executed is a
        drawing where it cannot be, with a warning why. `scripts` are the formats that script tasks may have.
        """
        checked = self._check()
        if any(finding.level == "error" for finding in checked.findings):
            return [], checked.findings
        found = self._processes(scripts, checked.drawings)
        failed = {spec.key: wrong[0].phrase for spec, wrong in found if wrong and spec.key in checked.unsaid}
        if failed:
            checked = self._check({**checked.unfit, **failed})
            found = self._processes(scripts, checked.drawings)
        wrong = [finding for _, of_process in found for finding in of_process]
        return [spec for spec, _ in found], wrong + checked.findings

    def process(self, key: str, scripts: frozenset[str]) -> ProcessSpec:
        """
        Return one process of a file that was accepted before; it is to be executed.

        Where a text in it is accepted no longer, it says so (`refused`), and is there to be looked at.
        """
        others = {element.get("id", "") for element in self.root.iterchildren()} - {key}
        spec, wrong = next(entry for entry in self._processes(scripts, others) if entry[0].key == key)
        spec.refused = tuple(finding.phrase for finding in wrong)
        return spec

    def _check(self, unfit: Mapping[str, Phrase] | None = None) -> validation.Checked:
        return validation.check(self.root, self.file, frozenset(self.extensions), unfit or {})

    def _processes(
        self, scripts: frozenset[str], drawings: Container[str]
    ) -> list[tuple[ProcessSpec, list[errors.Finding]]]:
        return parser.read(self.root, self.file, scripts=scripts, extensions=self.extensions, drawings=drawings)

    def unknown_mentions(self, known: Mapping[str, Collection[str]]) -> list[errors.Finding]:
        """Return a warning for each form, decision, process, group or user that it names and nobody has."""
        document = Document(self.root, frozenset(self.extensions))
        return mentions.check(document, self.file, known)

    def unknown_names(self, outside: Iterable[str]) -> list[errors.Finding]:
        """Return a warning for each element that reads a name which neither the file nor `outside` gives a value."""
        return names.check(self.root, self.file, outside)
