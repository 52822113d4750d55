"""
Decision models: decisions, what they require, and their evaluation in the order of the requirements.

An element sees in its expressions only what it requires. Names that no element of the model has are taken from the
given inputs as they come, which is how models without input data elements use process variables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from casepath.engine.decisions.dmn.boxed import BoxedCompiler, nothing, result_type
from casepath.engine.decisions.dmn.elements import Definitions, DrgElement, child, version_tag
from casepath.engine.decisions.dmn.results import DecisionEvaluation, DecisionResult, table_evaluation
from casepath.engine.decisions.dmn.table_logic import TRACE, TableRuns
from casepath.engine.decisions.dmn.tables import DecisionTable
from casepath.engine.decisions.feel.functions import Defined
from casepath.engine.decisions.feel.iteration import Evaluate, Scope
from casepath.engine.decisions.feel.limits import budgeted, spend
from casepath.engine.decisions.feel.types import ANY, FeelType, coerce
from casepath.engine.decisions.feel.values import Function, from_python, to_python
from casepath.engine.errors import DecisionError, Finding
from casepath.engine.phrases import Phrase

_SERVICE_NESTING = 16


@dataclass(kw_only=True)
class Compiled:
    """An element with its compiled expression."""

    evaluate: Evaluate = nothing
    type: FeelType = ANY
    #: Names taken from the inputs as they come.
    undeclared: frozenset[str] = frozenset()


class DecisionModel:
    """A file with what it imports, ready to evaluate; `findings` has its warnings, and errors that were let pass."""

    def __init__(
        self,
        definitions: Definitions,
        compiled: Mapping[DrgElement, Compiled],
        tables: list[DecisionTable],
        findings: list[Finding],
    ) -> None:
        self._definitions = definitions
        self._compiled = compiled
        self.name = definitions.root.get("name") or ""
        self.findings = findings
        #: All decision tables of the file, for display.
        self.tables = tables

    @property
    def decisions(self) -> dict[str, str]:
        """Names of all decisions by id."""
        return self._names("decision")

    @property
    def services(self) -> dict[str, str]:
        """Names of all decision services by id."""
        return self._names("service")

    @property
    def version_tags(self) -> dict[str, str]:
        """Version tags of the decisions that have one, by id."""
        elements = self._definitions.elements.values()
        return {element.id: tag for element in elements if element.kind == "decision" and (tag := version_tag(element))}

    def _names(self, kind: str) -> dict[str, str]:
        return {element.id: element.name for element in self._definitions.elements.values() if element.kind == kind}

    def input_names(self, decision: str) -> list[str]:
        """Return the names of the inputs that a decision needs, with those of the decisions it requires."""
        with budgeted():
            needed = [element for _, element in requirement_order(((), self._find(decision, "decision")))]
        declared = {element.name for element in needed if element.kind == "input"}
        return sorted(declared.union(*(self._compiled[element].undeclared for element in needed)))

    def evaluate(
        self, decision: str, inputs: Mapping[str, object], *, now: datetime | None = None
    ) -> DecisionResult:
        """
        Evaluate a decision by id or name; `now` is the present as in `Feel.evaluate`.

        Raises `DecisionError` where there is none, `ExpressionLimit` where it takes too much. Inputs that are not given
        are null; what went wrong on the way is in `findings` of the result.
        """
        return self._run(self._find(decision, "decision"), inputs, now)

    def invoke(self, service: str, inputs: Mapping[str, object], *, now: datetime | None = None) -> DecisionResult:
        """Evaluate a decision service by id or name, with its input data and input decisions as inputs."""
        return self._run(self._find(service, "service"), inputs, now)

    def _find(self, key: str, kind: str) -> DrgElement:
        found = self._definitions.find(key, kind)
        if found is None:
            noun = Phrase("decision") if kind == "decision" else Phrase("decision service")
            raise DecisionError(
                "Expected {noun} '{key}' in {file}, but there is none",
                noun=noun,
                key=key,
                file=self._definitions.file,
            )
        return found

    def _run(self, element: DrgElement, inputs: Mapping[str, object], now: datetime | None) -> DecisionResult:
        with budgeted(now):
            run = Run(self._compiled, inputs)
            value = run.decide(element) if element.kind == "decision" else run.serve(element)
            return DecisionResult(value=to_python(value), decisions=tuple(run.decisions), findings=tuple(run.findings))


#: An element under the imports through which it is reached: the same file imported twice has two sets of inputs.
Place = tuple[tuple[str, ...], DrgElement]


class Run:
    """One evaluation: values of elements as they become known, and what happened."""

    def __init__(
        self,
        compiled: Mapping[DrgElement, Compiled],
        inputs: Mapping[str, object],
        known: Mapping[Place, object] | None = None,
    ) -> None:
        self._compiled = compiled
        self._inputs = inputs
        self._values: dict[Place, object] = dict(known or {})
        #: Where tables note what they did while a decision is evaluated, also those of knowledge models.
        self._tables = TableRuns()
        self.decisions: list[DecisionEvaluation] = []
        self.findings: list[Finding] = []

    def decide(self, decision: DrgElement, imports: tuple[str, ...] = ()) -> object:
        """Evaluate a decision after what it requires."""
        for place in requirement_order((imports, decision), self._values.keys()):
            self.value(place)
        return self._values[imports, decision]

    def value(self, place: Place) -> object:
        """Return the value of an element whose requirements have values."""
        if place not in self._values:
            kind = place[1].kind
            if kind == "decision":
                self._values[place] = self._decision(place)
            elif kind == "input":
                self._values[place] = self._input(place)
            elif kind == "knowledge":
                self._knowledge(place)
            else:
                self._values[place] = self._service(place)
        return self._values[place]

    def _scope(self, place: Place) -> Scope:
        imports, element = place
        values: dict[str, object] = {TRACE: self._tables}
        for path, required in element.required:
            inside = values
            for name in path[:-1]:
                inner = inside.setdefault(name, {})
                inside = inner if isinstance(inner, dict) else {}
            inside[path[-1]] = self.value((imports + path[:-1], required))
        for name in self._compiled[element].undeclared:
            if name in self._inputs and name not in values:
                values[name] = from_python(self._inputs[name])
        return Scope(values, None)

    def _decision(self, place: Place) -> object:
        spend(4)
        decision = place[1]
        compiled = self._compiled[decision]
        scope = self._scope(place)
        self._tables.clear()
        result = compiled.evaluate(scope)
        value = coerce(result, compiled.type)
        if value is None and result is not None:
            text = "Expected a {kind} from decision '{name}', but found another type"
            self._note(decision, Phrase(text, kind=str(compiled.type), name=decision.name))
        for run in self._tables:
            if run.reason:
                self._note(decision, run.reason)
        tables = tuple(map(table_evaluation, self._tables))
        self.decisions.append(
            DecisionEvaluation(id=decision.id, name=decision.name, value=to_python(value), tables=tables)
        )
        return value

    def _note(self, element: DrgElement, phrase: Phrase) -> None:
        self.findings.append(Finding(level="warning", code="null-value", element_id=element.id, phrase=phrase))

    def _input(self, place: Place) -> object:
        imports, element = place
        given = from_python(given_input(self._inputs, imports, element.name))
        kind = self._compiled[element].type
        value = coerce(given, kind)
        if value is None and given is not None:
            text = "Expected a {kind} as input '{name}', but found another value"
            self._note(element, Phrase(text, kind=str(kind), name=element.name))
        return value

    def _knowledge(self, place: Place) -> None:
        element = place[1]
        compiled = self._compiled[element]
        scope = Scope({}, None)
        function = compiled.evaluate(scope)
        if isinstance(function, Defined):
            function.name = element.name
            function.result_type = result_type(compiled.type)
        # Known before its requirements are, so that a knowledge model may call itself, or another that calls it.
        self._values[place] = function
        scope.values[element.name] = function
        scope.values.update(self._scope(place).values)

    def _service(self, place: Place) -> Function:
        service = place[1]
        parameters = [(element.name, self._compiled[element].type) for element in _given_parts(service)]
        return Defined(
            parameters,
            lambda arguments: self._served(place, arguments),
            name=service.name,
            nesting=_SERVICE_NESTING,
            result_type=self._compiled[service].type,
        )

    def serve(self, service: DrgElement) -> object:
        """Evaluate a decision service with the inputs of this run."""
        arguments = {
            element.name: coerce(
                from_python(given_input(self._inputs, (), element.name)), self._compiled[element].type
            )
            for element in _given_parts(service)
        }
        return coerce(self._served(((), service), arguments), self._compiled[service].type)

    def _served(self, place: Place, arguments: Mapping[str, object]) -> object:
        imports, service = place
        known: dict[Place, object] = {
            (imports, element): arguments.get(element.name) for element in _given_parts(service)
        }
        run = Run(self._compiled, self._inputs, known)
        outputs = service.parts.get("outputDecision", [])
        values = {element.name: run.decide(element, imports) for element in outputs}
        self.decisions += run.decisions
        self.findings += run.findings
        return next(iter(values.values())) if len(outputs) == 1 else values


def _given_parts(service: DrgElement) -> list[DrgElement]:
    """Return what a service takes as parameters, in their order."""
    return [*service.parts.get("inputData", ()), *service.parts.get("inputDecision", ())]


def given_input(inputs: Mapping[str, object], imports: tuple[str, ...], name: str) -> object:
    """Return the given value of an input: inside those of the imports through which it is reached, or by its name."""
    inside: object = inputs
    for part in imports:
        inside = inside.get(part) if isinstance(inside, Mapping) else None
    if isinstance(inside, Mapping) and name in inside:
        return inside[name]
    return inputs.get(name)


def compile_element(element: DrgElement, boxed: BoxedCompiler) -> Compiled:
    """Compile the expression of an element."""
    boxed.undeclared = set()
    names = frozenset({path[0] for path, _ in element.required})
    if element.kind == "decision":
        logic = child(element.xml, *boxed.KINDS)
        evaluate = boxed.compile(logic, names)
        if logic is None:
            boxed.findings.warning(
                "no-logic",
                element.xml,
                "Expected decision '{name}' to have a logic, but found none; it is null",
                name=element.name,
            )  # fmt: skip
    elif element.kind == "knowledge":
        logic = child(element.xml, "encapsulatedLogic")
        evaluate = nothing if logic is None else boxed.KINDS["functionDefinition"](boxed, logic, names | {element.name})
    else:
        evaluate = nothing
    variable = child(element.xml, "variable")
    kind = boxed.types.of(variable) if variable is not None else ANY
    return Compiled(evaluate=evaluate, type=kind, undeclared=frozenset(boxed.undeclared))


def requirement_order(start: Place, known: Collection[Place] = ()) -> list[Place]:
    """Return all that an element requires and that is not known, each after its own requirements, itself last."""
    order: list[Place] = []
    done: set[Place] = set(known)
    waiting: list[tuple[Place, bool]] = [(start, False)]
    while waiting:
        place, ready = waiting.pop()
        if ready:
            order.append(place)
        elif place not in done:
            done.add(place)
            # Files that import each other in several ways have many places.
            spend(2)
            waiting.append((place, True))
            imports, element = place
            waiting += [((imports + path[:-1], required), False) for path, required in element.required]
    return order


def cyclic(elements: Iterable[DrgElement]) -> set[DrgElement]:
    """Return the decisions that require themselves, directly or through others, or lie between two such circles."""
    left = {element for element in elements if element.kind == "decision"}
    requires = {element: {required for _, required in element.required if required in left} for element in left}
    for edges in (requires, _reversed(requires)):
        counts = {element: len(edges[element] & left) for element in left}
        free = [element for element, count in counts.items() if not count]
        back = _reversed(edges)
        while free:
            element = free.pop()
            left.discard(element)
            for other in back[element]:
                if other in left:
                    counts[other] -= 1
                    if not counts[other]:
                        free.append(other)
    return left


def _reversed(edges: Mapping[DrgElement, set[DrgElement]]) -> dict[DrgElement, set[DrgElement]]:
    back: dict[DrgElement, set[DrgElement]] = {element: set() for element in edges}
    for element, others in edges.items():
        for other in others:
            back[other].add(element)
    return back
