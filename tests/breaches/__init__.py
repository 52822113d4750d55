"""Small diagrams that break one rule each, by area: what the checks of a deployment have to find, and where."""

from __future__ import annotations

from dataclasses import dataclass

from tests.diagrams import container, definitions, nodes, process

OWNER = (
    "<potentialOwner><resourceAssignmentExpression><formalExpression>kim</formalExpression>"
    "</resourceAssignmentExpression></potentialOwner>"
)
#: A process in order, to be spoiled: S > A > E.
FRAME = nodes("startEvent S; endEvent E") + f'<userTask id="A" name="A">{OWNER}</userTask>'
ALONG = "S > A; A > E"


@dataclass(frozen=True, kw_only=True)
class Breach:
    """A diagram that breaks a rule."""

    #: Name of the rule.
    code: str
    #: Id that the finding names.
    element: str
    file: bytes
    level: str = "error"

    def __str__(self) -> str:
        return f"{self.code}-{self.element}"


def by_the_letter(file: bytes) -> bytes:
    """The same file without an engine's dialect, claiming the letter of the standard."""
    plain = file.replace(b' xmlns:camunda="http://camunda.org/schema/1.0/bpmn"', b"")
    languages = 'expressionLanguage="http://www.w3.org/1999/XPath" typeLanguage="http://www.w3.org/2001/XMLSchema"'
    return plain.replace(b"<definitions ", f"<definitions {languages} ".encode(), 1)


def spoiled(code: str, element: str, *parts: str, flow: str = ALONG, root: str = "", level: str = "error") -> Breach:
    """The frame with more elements in it."""
    return Breach(code=code, element=element, level=level, file=process(FRAME, *parts, flow=flow, root=root))


def built(code: str, element: str, *parts: str, flow: str = "", root: str = "", level: str = "error") -> Breach:
    """A process made of these elements alone."""
    return Breach(code=code, element=element, level=level, file=process(*parts, flow=flow, root=root))


def written(code: str, element: str, *parts: str, level: str = "error") -> Breach:
    """A file made of these parts alone."""
    return Breach(code=code, element=element, level=level, file=definitions(*parts))


def strict(breach: Breach) -> Breach:
    """A rule that only the letter of the standard has."""
    return Breach(code=breach.code, element=breach.element, level=breach.level, file=by_the_letter(breach.file))


def task(key: str, *parts: str, kind: str = "userTask", attributes: str = "") -> str:
    """A task with something in it."""
    return f'<{kind} id="{key}" name="{key}" {attributes}>{"".join(parts)}</{kind}>'


def event(key: str, kind: str, *parts: str, attributes: str = "") -> str:
    """An event with definitions in it."""
    return f'<{kind} id="{key}" name="{key}" {attributes}>{"".join(parts)}</{kind}>'


def trigger(kind: str, attributes: str = "") -> str:
    """An event definition."""
    inside = {"timer": "<timeDuration>PT1H</timeDuration>", "conditional": "<condition>${x}</condition>"}.get(kind, "")
    return f"<{kind}EventDefinition {attributes}>{inside}</{kind}EventDefinition>"


def sub_process(key: str, *parts: str, flow: str = "", kind: str = "subProcess", **attributes: str) -> str:
    """A sub-process in order, or with other parts in it."""
    content = parts or (nodes(f"startEvent {key}_s; userTask {key}_a; endEvent {key}_e"),)
    along = flow if parts else f"{key}_s > {key}_a; {key}_a > {key}_e"
    return container(key, *content, flow=along, kind=kind, name=key, **attributes)
