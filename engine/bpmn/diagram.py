"""One BPMN file, parsed once: checked, read into processes that can be executed, searched for names without a value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from casepath.engine import errors, xml
from casepath.engine.bpmn import extensions, parser, validation
from casepath.engine.bpmn.graph import ProcessSpec
from casepath.engine.bpmn.validation import mentions, names
from casepath.engine.bpmn.validation.document import Document


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

    def check(self) -> list[errors.Finding]:
        """Return what is wrong with its structure, errors first."""
        return validation.check(self.root, self.file, frozenset(self.extensions))

    def processes(self, scripts: frozenset[str]) -> tuple[list[ProcessSpec], list[errors.Finding]]:
        """
        Return the processes, global tasks among them, and what is wrong with the texts in them.

        The structure has to have been checked before. `scripts` are the formats that script tasks may have.
        """
        return parser.read(self.root, self.file, scripts=scripts, extensions=self.extensions)

    def unknown_mentions(self, known: Mapping[str, Collection[str]]) -> list[errors.Finding]:
        """Return a warning for each form, decision, process, group or user that it names and nobody has."""
        document = Document(self.root, frozenset(self.extensions))
        return mentions.check(document, self.file, known)

    def unknown_names(self, outside: Iterable[str]) -> list[errors.Finding]:
        """Return a warning for each element that reads a name which neither the file nor `outside` gives a value."""
        return names.check(self.root, self.file, outside)
