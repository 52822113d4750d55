"""
The small changes: those of mutmut, and three of our own; each gives a module that differs in one place.

Left out are changes of what people read, and those that break a program rather than change what it does, which every
test notices: a value replaced by None, an argument taken away.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, WhitespaceInclusivePositionProvider
from mutmut.mutation import mutators

Operator = Callable[[Any], Iterable[cst.CSTNode]]

_BREAKING: set[Operator] = {
    mutators.operator_arg_removal, mutators.operator_assignment, mutators.operator_dict_arguments,
    mutators.operator_lambda,
}  # fmt: skip
#: What is not looked into: types, imports, decorators, and texts for people.
_LEFT_ALONE = (cst.Annotation, cst.Import, cst.ImportFrom, cst.Decorator, cst.FormattedString, cst.ConcatenatedString)
_NO_RULE = (
    m.Subscript(value=m.Name("Literal"))
    | m.Call(func=m.Name("ParamSpec") | m.Name("TypeVar"))
    | m.Arg(keyword=m.Name("strict"))  # of zip: what it guards against cannot be
    | m.Call(func=m.Attribute(value=m.Name("log")))
    | m.Call(func=m.Attribute(attr=m.Name("find")))
)
#: A call that says something, such as what somebody may not do: what it is given by place is words, such as a noun.
_SAYS = m.Call(func=m.Attribute(value=m.Name("errors")) | m.Attribute(attr=m.Name("allowed")) | m.Name("Phrase"))
_WORDS = m.Arg(keyword=None, value=m.SimpleString())


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A module that differs in one place."""

    #: Below the root of the project.
    module: str
    line: int
    #: The place as it is, and as it is changed.
    before: str
    after: str
    code: str

    @property
    def is_python(self) -> bool:
        """Whether it can be compiled."""
        try:
            compile(self.code, self.module, "exec", dont_inherit=True)
        except SyntaxError:
            return False
        return True

    def __str__(self) -> str:
        return f"{self.module}:{self.line}\n    - {self.before}\n    + {self.after}"


def mutants(root: Path, module: str) -> list[Mutant]:
    """Return every mutant of a module; some are no Python any more."""
    code = (root / module).read_text(encoding="utf-8")
    wrapper = MetadataWrapper(cst.parse_module(code))
    spans = wrapper.resolve(WhitespaceInclusivePositionProvider)
    lines = code.splitlines(keepends=True)
    begins = [0, *itertools.accumulate(map(len, lines))]
    found = []
    for node, changed in _changes(wrapper.module):
        if isinstance(node, cst.BaseCompoundStatement):  # its text depends on how deep it stands
            mutated = cst.ensure_type(wrapper.module.deep_replace(node, changed), cst.Module).code
        else:
            start, end = (begins[place.line - 1] + place.column for place in (spans[node].start, spans[node].end))
            mutated = code[:start] + wrapper.module.code_for_node(changed) + code[end:]
        # What is written anew may stand elsewhere in its line, too, which changes nothing.
        pairs = enumerate(zip(map(str.strip, lines), map(str.strip, mutated.splitlines()), strict=False), 1)
        differs = next(((line, before, after) for line, (before, after) in pairs if before != after), None)
        if differs is not None:
            line, before, after = differs
            found.append(Mutant(module=module, line=line, before=before, after=after, code=mutated))
    return found


def _changes(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """Yield each place with what may stand there instead."""
    if isinstance(node, _LEFT_ALONE) or m.matches(node, _NO_RULE) or _is_text(node):
        return
    for kind, operator in OPERATORS:
        if isinstance(node, kind):
            for changed in operator(node):
                yield node, changed
    if isinstance(node, cst.If):
        yield from ((node.test, cst.Name(always)) for always in ("False", "True"))
    says = m.matches(node, _SAYS)
    for child in node.children:
        if not (says and m.matches(child, _WORDS)):
            yield from _changes(child)


def _is_text(node: cst.CSTNode) -> bool:
    """Whether this is a docstring or a text for people: it has a blank, or is not ASCII."""
    return isinstance(node, cst.SimpleString) and (" " in node.value or not node.value.isascii())


def _without_statement(node: cst.Expr | cst.Raise | cst.Del) -> Iterator[cst.CSTNode]:
    """A call for its effect, a `raise` or a `del` that is left out."""
    if not isinstance(node, cst.Expr) or isinstance(node.value, cst.Call):
        yield cst.Pass()


def _without_option(node: cst.Call) -> Iterator[cst.CSTNode]:
    """A keyword argument that is left out."""
    for place, argument in enumerate(node.args):
        if argument.keyword is not None and not m.matches(argument, _NO_RULE):
            yield node.with_changes(args=[*node.args[:place], *node.args[place + 1 :]])


OPERATORS: list[tuple[type, Operator]] = [
    *((kind, operator) for kind, operator in mutators.mutation_operators if operator not in _BREAKING),
    *((kind, _without_statement) for kind in (cst.Expr, cst.Raise, cst.Del)),
    (cst.Call, _without_option),
]
