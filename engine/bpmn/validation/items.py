"""Rules on data: item definitions, inputs and outputs with their sets, and the associations that carry values."""

from __future__ import annotations

from collections.abc import Iterator

from casepath.engine.bpmn.validation.document import EVENTS, Document, Node
from casepath.engine.bpmn.validation.rules import Breach, rule
from casepath.engine.phrases import Phrase

ITEM_AWARE = (
    "dataInput",
    "dataOutput",
    "dataObject",
    "dataStore",
    "property",
    "dataObjectReference",
    "dataStoreReference",
)
#: What an association may fill in its element, and what it may read there.
INPUTS = frozenset({"dataInput", "inputDataItem", "property"})
OUTPUTS = frozenset({"dataOutput", "outputDataItem", "property"})
#: Where an event's values come from: its definition names something that has an item definition.
PAYLOADS = {"message": "itemRef", "signal": "structureRef", "error": "structureRef", "escalation": "structureRef"}


def _subject(document: Document, node: Node) -> Node | None:
    """The item definition of a node; a reference to a data object has that of the object."""
    if node.tag in {"dataObjectReference", "dataStoreReference"} and not node.get("itemSubjectRef"):
        target = document.resolve(node.get("dataObjectRef") or node.get("dataStoreRef"))
        node = target if target is not None else node
    return document.resolve(node.get("itemSubjectRef")) if node.get("itemSubjectRef") else None


@rule("item-collection", "letter")
def item_collection(document: Document) -> Iterator[Breach]:
    for node in document.all("dataInput", "dataOutput", "dataObject"):
        definition = _subject(document, node)
        if definition is None or definition.tag != "itemDefinition":
            continue
        if definition.is_true("isCollection") != node.is_true("isCollection"):
            yield Breach(
                node,
                "Expected isCollection of '{label}' as in item definition '{definition_label}', but they differ",
                label=node.label,
                definition_label=definition.label,
            )


@rule("reference-item", "letter")
def reference_item(document: Document) -> Iterator[Breach]:
    for node in document.all("dataObjectReference", "dataStoreReference"):
        pointer = "dataObjectRef" if node.tag == "dataObjectReference" else "dataStoreRef"
        if node.get("itemSubjectRef"):
            yield Breach(
                node,
                "Expected the item definition on what '{label}' refers to, not on the reference",
                label=node.label,
            )
        if not node.get(pointer) and node.tag == "dataObjectReference":
            yield Breach(node, "Expected {pointer} on '{label}', but found none", pointer=pointer, label=node.label)


@rule("reference-name", "letter")
def reference_name(document: Document) -> Iterator[Breach]:
    """The standard's naming: name of the data object, and the state in brackets."""
    for node in document.all("dataObjectReference"):
        target = document.resolve(node.get("dataObjectRef")) if node.get("dataObjectRef") else None
        state = node.first("dataState")
        if target is None or state is None or not target.name:
            continue
        expected = f"{target.name} [{state.name}]"
        if node.name and node.name != expected:
            yield Breach(node, "Expected the name '{expected}', but found '{name}'", expected=expected, name=node.name)


@rule("io-set", "letter")
def io_set(document: Document) -> Iterator[Breach]:
    """Each input is in an input set, each output in an output set, and special members are members."""
    for holder in document.all("ioSpecification", *EVENTS):
        for value_tag, set_tag, stem in (("dataInput", "inputSet", "Input"), ("dataOutput", "outputSet", "Output")):
            sets = holder.all(set_tag)
            members = {document.resolve(text) for one in sets for text in one.texts(f"data{stem}Refs")}
            for value in holder.all(value_tag):
                if value not in members:
                    yield Breach(
                        value,
                        "Expected '{label}' in an {set_tag}, but found it in none",
                        label=value.label,
                        set_tag=set_tag,
                    )
            for one in sets:
                own = {document.resolve(text) for text in one.texts(f"data{stem}Refs")}
                yield from _special_members(document, one, own, stem)


def _special_members(document: Document, one: Node, own: set[Node | None], stem: str) -> Iterator[Breach]:
    for tag in (f"optional{stem}Refs", f"whileExecuting{stem}Refs"):
        for text in one.texts(tag):
            if document.resolve(text) not in own:
                yield Breach(
                    one,
                    "Expected '{text}' of {tag} among the data{stem}Refs of the same set, but found it not",
                    text=text,
                    tag=tag,
                    stem=stem,
                )
    back, there = ("outputSetRefs", "inputSetRefs") if stem == "Input" else ("inputSetRefs", "outputSetRefs")
    for text in one.texts(back):
        other = document.resolve(text)
        if other is not None and one not in [document.resolve(name) for name in other.texts(there)]:
            yield Breach(
                one,
                "Expected sets that name each other, but '{label}' names '{text}' and not the reverse",
                label=one.label,
                text=text,
            )


@rule("association-direction", "letter")
def association_direction(document: Document) -> Iterator[Breach]:
    """Values flow from the inputs of a process to its outputs; into an activity's inputs and out of its outputs."""
    for association in document.all("dataInputAssociation", "dataOutputAssociation"):
        holder = association.parent
        incoming = association.tag == "dataInputAssociation"
        sources = [document.resolve(text) for text in association.texts("sourceRef") if text]
        targets = [document.resolve(text) for text in association.texts("targetRef") if text]
        outer, inner = (sources, targets) if incoming else (targets, sources)
        wrong_tag = "dataOutput" if incoming else "dataInput"
        for node in outer:
            if node is not None and node.tag == wrong_tag:
                yield Breach(
                    holder or association,
                    "Expected no value from {tag} '{label}'" if incoming else "Expected no value into {tag} '{label}'",
                    tag=wrong_tag,
                    label=node.label,
                )
        for node in inner:
            known = node is None or node.tag in (INPUTS if incoming else OUTPUTS)
            if node is not None and not (known and any(above is holder for above in node.ancestors())):
                yield Breach(
                    holder or association,
                    "Expected {own} of the element itself, but found '{label}'",
                    own=Phrase("an input") if incoming else Phrase("an output"),
                    label=node.label,
                )


@rule("association-items", "letter")
def association_items(document: Document) -> Iterator[Breach]:
    """One source of the target's type, unless something transforms."""
    for association in document.all("dataInputAssociation", "dataOutputAssociation"):
        if association.first("transformation") is not None:
            continue
        sources = [document.resolve(text) for text in association.texts("sourceRef")]
        holder = association.parent or association
        if not sources and association.first("assignment") is None:
            yield Breach(
                holder,
                "Expected a sourceRef in data association '{label}', but found none",
                label=association.label,
            )
        if len(sources) > 1:
            yield Breach(
                holder,
                "Expected one sourceRef in data association '{label}' without transformation, but found {count}",
                label=association.label,
                count=len(sources),
            )
        if association.first("assignment") is not None:
            continue
        target = next((document.resolve(text) for text in association.texts("targetRef")), None)
        for source in sources:
            if source is None or target is None:
                continue
            if _structure(document, source) != _structure(document, target):
                yield Breach(
                    holder,
                    "Expected the same item definition on '{label}' and '{target_label}', but they differ",
                    label=source.label,
                    target_label=target.label,
                )


def _structure(document: Document, node: Node) -> str:
    definition = _subject(document, node)
    return definition.label if definition is not None else ""


@rule("event-items", "letter")
def event_items(document: Document) -> Iterator[Breach]:
    """The values of an event have the types of what it throws or catches, in the same number."""
    for event in document.all(*EVENTS):
        throwing = event.tag in {"endEvent", "intermediateThrowEvent", "implicitThrowEvent"}
        values = event.all("dataInput" if throwing else "dataOutput")
        definitions = document.definitions(event)
        payloads = [payload for node in definitions if (payload := _payload(document, node)) is not None]
        if values and len(values) != len(definitions):
            yield Breach(
                event,
                "Expected one value for each trigger of the event, but found {count} values",
                count=len(values),
            )
        expected = sorted(payload.get("structureRef") for payload in payloads)
        subjects = [subject for value in values if (subject := _subject(document, value)) is not None]
        found = sorted(subject.get("structureRef") for subject in subjects)
        if values and payloads and expected != found:
            yield Breach(
                event,
                "Expected values with the item definitions of what the event throws or catches, but they differ",
            )


def _payload(document: Document, definition: Node) -> Node | None:
    kind = definition.tag.removesuffix("EventDefinition")
    if kind not in PAYLOADS or not definition.get(f"{kind}Ref"):
        return None
    carrier = document.resolve(definition.get(f"{kind}Ref"))
    if carrier is None or not carrier.get(PAYLOADS[kind]):
        return None
    return document.resolve(carrier.get(PAYLOADS[kind]))
