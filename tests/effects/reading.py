"""What a file comes to: everything that is made of it, and what is found in it, comparable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType

from lxml import etree

from casepath.engine import errors, forms
from casepath.engine.bpmn import Diagram, read_texts
from casepath.engine.bpmn.scripts import FeelScript, PythonScript
from casepath.engine.decisions import dmn
from casepath.engine.expressions import Expression

#: What people may write scripts in.
SCRIPTS = frozenset({"feel", "python"})
#: Attributes of what was made that say where it stood, or keep what was computed before.
ASIDE = frozenset({"file", "line", "source_line", "position", "_upstream"})


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a file comes to."""

    #: What is made of it: None where it is refused.
    made: tuple[object, ...] | None
    findings: tuple[errors.Finding, ...]
    #: Keys of processes that are not executed.
    drawings: frozenset[str] = frozenset()

    @property
    def told(self) -> list[tuple[str, str, str, str]]:
        """The findings, without where in the file they stand."""
        return sorted((each.level, each.code, each.element_id, each.message) for each in self.findings)


def diagram(content: bytes, file: str) -> Outcome:
    """Read a diagram."""
    try:
        specs, findings = Diagram(content, file).read(SCRIPTS)
    except errors.DeploymentRefused as refused:
        return Outcome(made=None, findings=tuple(refused.findings))
    refused_for = any(finding.level == "error" for finding in findings)
    drawings = frozenset(spec.key for spec in specs if not spec.executable)
    told = [read_texts(content, spec.key) for spec in specs]
    shown = [(each.can_be_started, each.start_form_key) for each in told]
    return Outcome(made=None if refused_for else made([specs, shown]), findings=tuple(findings), drawings=drawings)


def decision(content: bytes, file: str, others: Mapping[str, bytes]) -> Outcome:
    """Read decision tables."""
    try:
        model = dmn.parse(content, file, others.items())
    except errors.DeploymentRefused as refused:
        return Outcome(made=None, findings=tuple(refused.findings))
    return Outcome(made=made(model), findings=tuple(model.findings))


def form(content: bytes, file: str) -> Outcome:
    """Read a form."""
    read, findings = forms.check(content, file)
    return Outcome(made=None if read is None else made(read), findings=tuple(findings))


def of(path: Path, content: bytes) -> Outcome:
    """Read a file, by its name."""
    if path.suffix == ".dmn":
        others = {other.name: other.read_bytes() for other in path.parent.glob("*.dmn") if other != path}
        return decision(content, path.name, {**others, path.name: content})
    return form(content, path.name) if path.suffix == ".form" else diagram(content, path.name)


def made(value: object) -> tuple[object, ...]:
    """Return everything that can be reached from a value, as texts in tuples: equal for equal things."""
    numbers: dict[int, int] = {}
    waiting: list[object] = []
    kept: list[object] = []

    def plain(value: object) -> object:
        match value:
            case Expression() | FeelScript() | PythonScript():
                return (type(value).__name__, getattr(value, "text", ""), getattr(value, "format", ""))
            case Mapping():
                return ("{}", *sorted(((repr(plain(key)), plain(each)) for key, each in value.items()), key=repr))
            case list() | tuple():
                return ("[]", *(plain(each) for each in value))
            case set() | frozenset():
                return ("set", *sorted((plain(each) for each in value), key=repr))
            case type() | ModuleType() | BuiltinFunctionType() | CodeType() | etree._Element():
                return getattr(value, "__name__", type(value).__name__)
            case MethodType():
                return ("method", value.__func__.__qualname__, plain(value.__self__))
        if type(value).__module__ in ("builtins", "decimal", "datetime", "zoneinfo", "re") and not isinstance(
            value, FunctionType
        ):
            return repr(value)
        if id(value) not in numbers:
            numbers[id(value)] = len(numbers)
            waiting.append(value)
            kept.append(value)  # so that no other object gets its id
        return ("@", numbers[id(value)])

    first = plain(value)
    # What is found on the way is appended, and comes later.
    return (first, *(parts(each, plain) for each in waiting))


def parts(value: object, plain: Callable[[object], object]) -> object:
    """Return what an object, or a function, is made of."""
    if isinstance(value, FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        return (value.__qualname__, plain(cells), plain(value.__defaults__ or ()))
    names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()) if hasattr(value, name)]
    held = {name: getattr(value, name) for name in names} | getattr(value, "__dict__", {})
    return (type(value).__name__, plain({name: each for name, each in held.items() if name not in ASIDE}))
