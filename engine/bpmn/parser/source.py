"""One file that is being read: its elements by id, and the variables that its data elements stand for."""

from __future__ import annotations

from lxml import etree

from casepath.engine.bpmn.model import CorrelationKey, VariableMapping
from casepath.engine.bpmn.parser.markup import BPMN, Compiler, child_text, children, flag, reference
from casepath.engine.expressions import Expression, compile_expression


class Source:
    """What the readers of all elements of a file share."""

    def __init__(self, root: etree._Element, compiler: Compiler) -> None:
        self.root = root
        self.compiler = compiler
        self.by_id: dict[str, etree._Element] = {}
        for element in root.iter():
            identity = element.get("id") if isinstance(element.tag, str) else None
            if identity:
                self.by_id.setdefault(identity, element)

    def referred(self, value: str | None) -> etree._Element | None:
        """Return what a reference means; None where it is not in the file."""
        return self.by_id.get(reference(value) or "")

    # -- variables ---------------------------------------------------------------------------------------------------

    def variable(self, identity: str | None) -> str:
        """Return the variable that a data object, property, data input or output stands for."""
        identity = reference(identity) or ""
        element = self.by_id.get(identity)
        if element is None:
            return identity
        meant = self.referred(element.get("dataObjectRef") or element.get("dataStoreRef"))
        if meant is not None:
            element = meant
        return element.get("name") or element.get("id") or identity

    def associations(self, element: etree._Element, name: str) -> tuple[tuple[str, str], ...]:
        """Return the data associations of an element as pairs of variables."""
        ends = [(child_text(child, "sourceRef"), child_text(child, "targetRef")) for child in children(element, name)]
        return tuple((self.variable(source), self.variable(target)) for source, target in ends if source and target)

    def data_source(self, element: etree._Element, identity: str) -> str:
        """Return the variable that feeds a data input."""
        for child in children(element, "dataInputAssociation"):
            if reference(child_text(child, "targetRef")) == identity and child_text(child, "sourceRef"):
                return self.variable(child_text(child, "sourceRef"))
        return self.variable(identity)

    def data_target(self, element: etree._Element, identity: str) -> str:
        """Return the variable that a data output goes to."""
        for child in children(element, "dataOutputAssociation"):
            if reference(child_text(child, "sourceRef")) == identity and child_text(child, "targetRef"):
                return self.variable(child_text(child, "targetRef"))
        return self.variable(identity)

    def in_out(self, element: etree._Element) -> VariableMapping | None:
        """Read an `in` or `out` mapping; None where it maps everything, or the business key."""
        target, source = element.get("target"), element.get("source")
        expression = element.get("sourceExpression")
        if target is None or not (source or expression):
            return None
        compiled = self.compiler.expression(element, expression) if expression else None
        if compiled is None:
            compiled = compile_expression(f"${{execution.getVariable('{source}')}}")
        # What an expression reads is not narrowed by it, only where its value goes.
        local = flag(element.get("local")) and not (expression and etree.QName(element).localname == "in")
        return VariableMapping(target=target, source=compiled, local=local)

    # -- correlation -------------------------------------------------------------------------------------------------

    def correlation_keys(self, process: etree._Element) -> tuple[CorrelationKey, ...]:
        """Return the correlation keys of all conversations, and where a process finds its values."""
        subscribed = dict(self._subscribed(process))
        return tuple(
            CorrelationKey(
                name=key.get("name") or key.get("id") or "",
                from_message={name: self._message_paths(name) for name in names},
                from_process={name: subscribed[name] for name in names if name in subscribed},
            )
            for key in self.root.iter(BPMN + "correlationKey")
            for names in [[reference(ref.text) or "" for ref in children(key, "correlationPropertyRef")]]
        )

    def _subscribed(self, process: etree._Element) -> list[tuple[str, Expression]]:
        bindings = [
            (reference(binding.get("correlationPropertyRef")) or "", self._path(binding, "dataPath"))
            for subscription in children(process, "correlationSubscription")
            for binding in children(subscription, "correlationPropertyBinding")
        ]
        return [(name, path) for name, path in bindings if path is not None]

    def _message_paths(self, identity: str) -> dict[str, Expression]:
        """Return, for each message, where it carries a correlation property."""
        element = self.by_id.get(identity)
        retrievals = children(element, "correlationPropertyRetrievalExpression") if element is not None else []
        paths = [(reference(entry.get("messageRef")) or "", self._path(entry, "messagePath")) for entry in retrievals]
        return {message: path for message, path in paths if path is not None}

    def _path(self, element: etree._Element, name: str) -> Expression | None:
        return self.compiler.expression(element, child_text(element, name), bare=True)


def lanes(process: etree._Element) -> dict[str, str]:
    """Return the name of the innermost lane of each element."""
    return {
        # Inner lanes come after the ones around them.
        reference(ref.text) or "": lane.get("name", "").strip()
        for lane in process.iter(BPMN + "lane")
        if lane.get("name")
        for ref in children(lane, "flowNodeRef")
    }
