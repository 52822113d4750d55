"""Reading values out of BPMN XML: names, references, extension attributes, expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from lxml import etree

from casepath.engine import errors
from casepath.engine.bpmn.model import Condition, VariableMapping
from casepath.engine.bpmn.scripts import Script, compile_script
from casepath.engine.decisions import feel
from casepath.engine.expressions import Environment, Expression, compile_expression, shown
from casepath.engine.phrases import Phrase
from casepath.engine.time import timers

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
#: The namespaces of the extension attributes, all read alike.
EXTENSIONS = tuple(
    f"{{{uri}}}"
    for uri in (
        "http://camunda.org/schema/1.0/bpmn",
        "http://operaton.org/schema/1.0/bpmn",
        "http://flowable.org/bpmn",
        "http://activiti.org/bpmn",
    )
)


#: Why a text is no expression or no list of waits.
UNREADABLE = "“{found}” cannot be read: {reason}"
#: Attempts after the first one.
MAX_RETRIES = 100


def tag(element: etree._Element) -> str:
    """Return the name of a BPMN element without its namespace; empty for anything else."""
    name = element.tag
    return name[len(BPMN) :] if isinstance(name, str) and name.startswith(BPMN) else ""


def reference(value: str | None) -> str | None:
    """Return the id that a QName refers to; blanks and prefix do not count."""
    if value is None or not value.strip():
        return None
    return value.strip().rpartition(":")[2]


def children(element: etree._Element, *names: str) -> list[etree._Element]:
    """Return the child elements of BPMN with one of these names."""
    return [child for child in element if tag(child) in names]


def child_text(element: etree._Element, name: str) -> str | None:
    """Return the text of the first child of that name; None when there is none or it is blank."""
    found = element.find(BPMN + name)
    text = "".join(found.itertext()).strip() if found is not None else ""
    return text or None


def extension(element: etree._Element, name: str) -> str | None:
    """Return an extension attribute; None when there is none or it is blank."""
    for namespace in EXTENSIONS:
        value = element.get(namespace + name)
        if value is not None and value.strip():
            return value.strip()
    return None


def extensions(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the extension elements of that name directly below `extensionElements`."""
    for holder in element.iterchildren(BPMN + "extensionElements"):
        for namespace in EXTENSIONS:
            yield from holder.iterchildren(namespace + name)


def extension_children(element: etree._Element, name: str) -> list[etree._Element]:
    """Return the children of an extension element that have that name."""
    return [child for namespace in EXTENSIONS for child in element.iterchildren(namespace + name)]


def flag(value: str | None, default: bool = False) -> bool:
    """Read an xsd:boolean."""
    return default if value is None else value.strip() in ("true", "1")


def properties(element: etree._Element) -> dict[str, str]:
    """Return the extension properties of an element; one that asks several people asks each anew, unless it says so."""
    several = element.find(f"{BPMN}multiInstanceLoopCharacteristics") is not None
    return ({"each_round": "true"} if several else {}) | {
        entry.get("name", ""): entry.get("value", "")
        for holder in extensions(element, "properties")
        for entry in extension_children(holder, "property")
    }


def initial_variables(container: etree._Element) -> dict[str, str]:
    """Return the variables that a process or sub-process begins with: data objects that are given a value."""
    found: dict[str, str] = {}
    for entry in children(container, "property", "dataObject"):
        value = next(extensions(entry, "value"), None)
        if value is not None:
            found[entry.get("name") or entry.get("id") or ""] = "".join(value.itertext())
    return found


class FeelCondition:
    """A condition written in FEEL."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._compiled = feel.compile_feel(text)

    def condition(
        self, variables: Mapping[str, object], environment: Environment | None = None
    ) -> tuple[bool, dict[str, object]]:
        """
        Return whether it is true, and the values of the names it mentions.

        Raises `ExpressionError` where it is neither true nor false: null mostly comes of a type that does not fit.
        """
        seen = dict(variables)
        now = environment.now.astimezone(environment.zone) if environment is not None else None
        value = self._compiled.evaluate(seen, now=now)
        if value is not True and value is not False:
            text = "Expected true or false, but found {found}, in {source}"
            raise errors.ExpressionError(text, text=self.text, found=shown(value), source=self.text)
        return value, {name: seen[name] for name in self._compiled.free if name in seen}


class Compiler:
    """Compiles the texts of one file and gathers what is wrong with them."""

    def __init__(self, file: str, scripts: frozenset[str], language: str = "") -> None:
        self.file = file
        self.scripts = scripts
        self.language = language
        self.findings: list[errors.Finding] = []

    def found(self, element: etree._Element, code: str, text: str, /, **facts: object) -> None:
        """Remember an error at an element, or at the nearest one around it that has an id."""
        owner: etree._Element | None = element
        while owner is not None and owner.get("id") is None:
            owner = owner.getparent()
        place = owner if owner is not None else element
        self.findings.append(
            errors.Finding(
                level="error",
                code=code,
                file=self.file,
                element_id=place.get("id") or "",
                name=place.get("name") or "",
                line=int(element.sourceline or 0),
                phrase=Phrase(text, **facts),
            )
        )

    def found_since(self) -> list[errors.Finding]:
        """Return what was found since this was asked before."""
        found, self.findings = self.findings, []
        return found

    def expression(self, element: etree._Element, text: str | None, *, bare: bool = False) -> Expression | None:
        """Compile a text with `${…}`; with `bare`, a text without it is an expression as a whole."""
        if text is None or not text.strip():
            return None
        try:
            return compile_expression(text.strip(), bare=bare and not is_template(text))
        except errors.ExpressionError as error:
            self.found(element, "expression", UNREADABLE, found=text.strip(), reason=error.phrase)
            return None

    def condition(self, element: etree._Element | None) -> Condition | None:
        """Compile the condition that an element holds as text."""
        text = "".join(element.itertext()).strip() if element is not None else ""
        if element is None or not text:
            return None
        language = element.get("language") or self.language
        if "feel" in language.lower() and not is_template(text):
            try:
                return FeelCondition(text.removeprefix("="))
            except errors.ExpressionError as error:
                self.found(element, "expression", UNREADABLE, found=text, reason=error.phrase)
                return None
        return self.expression(element, text, bare=True)

    def script(self, element: etree._Element, text: str, form: str | None) -> Script | None:
        """Compile a script; formats that are off or unknown are findings."""
        name = (form or "python").strip().lower()
        if name not in self.scripts:
            self.found(
                element,
                "script-format",
                "Expected a script in one of: {allowed}; but found '{name}'. Python scripts are off unless the "
                "operator turns them on",
                allowed=sorted(self.scripts),
                name=name,
            )
            return None
        try:
            return compile_script(text, format=name)
        except errors.EngineError as error:
            self.found(element, "script", "The script cannot be read: {reason}", reason=error.phrase)
            return None

    def retries(self, element: etree._Element) -> tuple[timedelta, ...]:
        """Read `R3/PT10M`, or a list of durations, as the waits before each further attempt."""
        text = "".join(element.itertext()).strip()
        count, slash, duration = text.removeprefix("R").partition("/")
        parts = [duration] * int(count) if slash and count.isdigit() else text.split(",")
        try:
            return tuple(timers.span(part.strip()) for part in parts[:MAX_RETRIES])
        except errors.InvalidInput as error:
            self.found(element, "retries", UNREADABLE, found=text, reason=error.phrase)
            return ()

    def mappings(self, element: etree._Element, kind: str) -> tuple[VariableMapping, ...]:
        """Return the `inputParameter` or `outputParameter` entries of an element."""
        return tuple(
            VariableMapping(target=entry.get("name", ""), source=self.parameter(entry))
            for holder in extensions(element, "inputOutput")
            for entry in extension_children(holder, kind)
        )

    def parameter(self, entry: etree._Element) -> Any:
        """Return what a parameter is made from: an expression, or a list or map of them."""
        for holder in extension_children(entry, "list"):
            return tuple(self.literal(value) for value in holder if isinstance(value.tag, str))
        for holder in extension_children(entry, "map"):
            return {value.get("key", ""): self.literal(value) for value in holder if isinstance(value.tag, str)}
        return self.literal(entry)

    def literal(self, element: etree._Element) -> Expression:
        """Compile the text of an element; an empty one gives the empty text."""
        return self.expression(element, "".join(element.itertext()).strip()) or compile_expression("")


def is_template(text: str) -> bool:
    """Whether a text has expressions in it."""
    return "${" in text or "#{" in text
