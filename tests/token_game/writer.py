"""Writes processes as BPMN XML in the many spellings that tools have for the same thing."""

from __future__ import annotations

import random
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from tests.token_game.model import Event, Loop, Node, Process

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """How the XML is written; none of it changes what the process does."""

    prefix: str = "bpmn"
    extension_prefix: str = "camunda"
    flow_ids: bool = True
    #: `incoming` and `outgoing` children; they need ids of flows.
    references: bool = True
    shuffled: bool = False
    blanks: bool = False
    script_format: bool = True
    event_references: bool = False
    seed: int = 0

    @classmethod
    def random(cls, source: random.Random) -> Spelling:
        """Choose one."""
        flow_ids = source.random() < 0.5
        return cls(
            prefix=source.choice(["bpmn", "bpmn2", "", "semantic", "model"]),
            extension_prefix=source.choice(["camunda", "c"]),
            flow_ids=flow_ids, references=flow_ids and source.random() < 0.6, shuffled=source.random() < 0.5,
            blanks=source.random() < 0.4, script_format=source.random() < 0.7, event_references=source.random() < 0.2,
            seed=source.randrange(2**32),
        )


def write(processes: list[Process], spelling: Spelling | None = None) -> bytes:
    """Return a file with the processes."""
    return _Writer(processes, spelling or Spelling()).file().encode()


class _Writer:
    """Writes one file."""

    def __init__(self, processes: list[Process], spelling: Spelling) -> None:
        self.processes, self.spelling = processes, spelling
        self.source = random.Random(spelling.seed)
        #: Messages, signals, errors and escalations by kind and name, with their ids.
        self.declared: dict[tuple[str, str], str] = {}
        self.definitions: list[str] = []

    def file(self) -> str:
        bodies = [self.process(process) for process in self.processes]
        parts = [self.declaration(kind, name, key) for (kind, name), key in self.declared.items()]
        parts = self.shuffle([*parts, *self.definitions, *bodies])
        name = f":{self.spelling.prefix}" if self.spelling.prefix else ""
        spaces = (f'xmlns{name}="{BPMN}" xmlns:{self.spelling.extension_prefix}="{CAMUNDA}" '
                  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"')
        return ('<?xml version="1.0" encoding="UTF-8"?>\n'
                f'<{self.tag("definitions")} {spaces} id="definitions_1" targetNamespace="http://example.org/models">\n'
                + "\n".join(parts) + f"\n</{self.tag('definitions')}>\n")

    def process(self, process: Process) -> str:
        return self.element("process", {"id": process.id, "isExecutable": "true"}, self.level(process, process.id))

    def level(self, process: Process, scope: str) -> list[str]:
        defaults = {node.default for node in process.nodes.values()}
        parts = [self.node(process, node) for node in process.inside(scope)]
        for flow in process.flows:
            if flow.scope == scope:
                named = self.spelling.flow_ids or flow.id in defaults
                attributes = {"id": flow.id if named else "", "sourceRef": flow.source, "targetRef": flow.target}
                condition = [self.formal("conditionExpression", flow.condition)] if flow.condition else []
                parts.append(self.element("sequenceFlow", attributes, condition))
        return self.shuffle(parts)

    def node(self, process: Process, node: Node) -> str:
        extension = self.spelling.extension_prefix
        attributes = {
            "id": node.id, "name": node.name, "attachedToRef": node.attached, "default": node.default,
            "calledElement": node.called, "triggeredByEvent": "true" if node.by_event else "",
        }
        if not node.interrupting:
            attributes["cancelActivity" if node.attached else "isInterrupting"] = "false"
        if node.kind == "scriptTask" and self.spelling.script_format:
            attributes["scriptFormat"] = "python"
        if node.kind == "receiveTask" and node.event is not None:
            attributes["messageRef"] = self.declare("message", node.event.name)
        parts = self.extensions(extension, node)
        if self.spelling.references:
            parts += [self.element("incoming", {}, [flow.id]) for flow in process.incoming[node.id]]
            parts += [self.element("outgoing", {}, [flow.id]) for flow in process.outgoing[node.id]]
        if node.loop is not None:
            parts.append(self.loop(extension, node.loop))
        if node.kind == "subProcess":
            parts += self.level(process, node.id)
        elif node.event is not None and node.kind != "receiveTask":
            parts.append(self.event(node.id, node.event))
        if node.kind == "scriptTask":
            parts.append(self.element("script", {}, [escape(node.script)]))
        return self.element(node.kind, attributes, parts)

    def extensions(self, extension: str, node: Node) -> list[str]:
        parts = []
        for tag, mapped in (("in", node.given), ("out", node.taken)):
            for source, target in mapped:
                if source == "*":
                    parts.append(f'<{extension}:{tag} variables="all"/>')
                else:
                    attribute = "sourceExpression" if "${" in source else "source"
                    parts.append(f'<{extension}:{tag} {attribute}={quoteattr(source)} target={quoteattr(target)}/>')
        if node.kind == "callActivity":
            parts.append(f'<{extension}:in businessKey="${{execution.processBusinessKey}}"/>')
        parameters = [f'<{extension}:{tag} name={quoteattr(name)}>{escape(text)}</{extension}:{tag}>'
                      for tag, entries in (("inputParameter", node.inputs), ("outputParameter", node.outputs))
                      for name, text in entries]
        if parameters:
            parts.append(f"<{extension}:inputOutput>{''.join(parameters)}</{extension}:inputOutput>")
        return [self.element("extensionElements", {}, parts)] if parts else []

    def loop(self, extension: str, loop: Loop) -> str:
        if loop.kind == "standard":
            attributes = {"testBefore": "true" if loop.test_before else "",
                          "loopMaximum": "" if loop.maximum is None else str(loop.maximum)}
            return self.element("standardLoopCharacteristics", attributes,
                                [self.formal("loopCondition", loop.condition)] if loop.condition else [])
        attributes = {"isSequential": "true" if loop.kind == "sequential" else "",
                      f"{extension}:collection": loop.collection, f"{extension}:elementVariable": loop.element}
        parts = [self.formal("loopCardinality", loop.cardinality)] if loop.cardinality else []
        if loop.condition:
            parts.append(self.formal("completionCondition", loop.condition))
        return self.element("multiInstanceLoopCharacteristics", attributes, parts)

    def event(self, node: str, event: Event) -> str:
        tag, attributes, parts = f"{event.kind}EventDefinition", {"id": f"{node}_event"}, []
        if event.kind == "timer":
            parts = [self.formal(f"time{event.timer.capitalize()}", event.text)]
        elif event.kind == "link":
            attributes["name"] = event.name
        elif event.kind != "terminate" and event.name:
            attributes[f"{event.kind}Ref"] = self.declare(event.kind, event.name)
        definition = self.element(tag, attributes, parts)
        if self.spelling.event_references and event.kind in ("signal", "error", "timer"):
            self.definitions.append(definition)
            return self.element("eventDefinitionRef", {}, [f"{node}_event"])
        return definition

    def declare(self, kind: str, name: str) -> str:
        return self.declared.setdefault((kind, name), f"{kind}_{len(self.declared)}")

    def declaration(self, kind: str, name: str, key: str) -> str:
        code = {"error": "errorCode", "escalation": "escalationCode"}.get(kind)
        return self.element(kind, {"id": key, "name": name, **({code: name} if code else {})}, [])

    def formal(self, tag: str, text: str) -> str:
        if self.spelling.blanks:
            text = f"\n        {text}\n      "
        tag = self.tag(tag)
        return f'<{tag} xsi:type="{self.tag("tFormalExpression")}">{escape(text)}</{tag}>'

    def element(self, tag: str, attributes: dict[str, str], parts: list[str]) -> str:
        text = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items() if value)
        if not parts:
            return f"<{self.tag(tag)}{text}/>"
        return f"<{self.tag(tag)}{text}>" + ("\n".join(parts) if len(parts) > 1 else parts[0]) + f"</{self.tag(tag)}>"

    def tag(self, name: str) -> str:
        return f"{self.spelling.prefix}:{name}" if self.spelling.prefix else name

    def shuffle(self, parts: list[str]) -> list[str]:
        if self.spelling.shuffled:
            self.source.shuffle(parts)
        return parts
