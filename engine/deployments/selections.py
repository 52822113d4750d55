"""
Processes that are started for records of a register, one instance for each: what their diagrams say of that.

    forEach           key of the register for whose records somebody may have it started, many at once
    onCreate          key of the register whose records start it when they are new
    forEachValues     fields of a record that its instance begins with, as variables of the same names, with commas
    approvalAbove     more records than this need somebody else to let it begin
    approvers         groups that may do so, with commas; without any whoever may start the process

The key of the record is the variable that has the name of its register. Who says both, says them of one register.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from casepath.engine import errors
from casepath.engine.bpmn import ProcessSpec
from casepath.engine.database.models import Definition
from casepath.engine.deployments import definitions, registers
from casepath.engine.deployments.registers import Register
from casepath.engine.phrases import Phrase

CODE = "for-each"
REGISTER, ON_CREATE, VALUES = "forEach", "onCreate", "forEachValues"
APPROVAL, APPROVERS = "approvalAbove", "approvers"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """For which records a process can be started, and with what."""

    register: str
    #: Whether somebody may have it started for many of them.
    for_many: bool = True
    #: Whether each new one starts it.
    on_create: bool = False
    values: tuple[str, ...] = ()
    #: None: however many, nobody else has to agree.
    approval_above: int | None = None
    approvers: frozenset[str] = frozenset()

    def needs_approval(self, size: int) -> bool:
        """Tell whether somebody else has to let so many begin."""
        return self.approval_above is not None and size > self.approval_above


def of(spec: ProcessSpec) -> Selection | None:
    """Return for which records a process can be started; None where its diagram says nothing of any."""
    properties = spec.properties
    register = _register(spec)
    if not register:
        return None
    above = properties.get(APPROVAL, "")
    return Selection(
        register=register,
        for_many=bool(properties.get(REGISTER)),
        on_create=bool(properties.get(ON_CREATE)),
        values=_listed(properties.get(VALUES, "")),
        approval_above=int(above) if above else None,
        approvers=frozenset(_listed(properties.get(APPROVERS, ""))),
    )


def variables(spec: ProcessSpec) -> tuple[str, ...]:
    """Return the variables that a process begins with where it is started for a record."""
    register, others = _register(spec), _listed(spec.properties.get(VALUES, ""))
    return (register, *others) if register else ()


def startable(session: Session, register: str) -> list[tuple[Definition, Selection]]:
    """Return the newest versions of the processes that can be started for many records of a register, by name."""
    found = []
    for definition in definitions.list_definitions(session, "process"):
        if not definition.executable or definition.suspended:
            continue
        spec = definitions.process(session, definition.id)
        selection = of(spec) if not spec.refused else None
        if selection is not None and selection.for_many and selection.register == register:
            found.append((definition, selection))
    return found


def unfit(
    session: Session,
    named: Iterable[tuple[str, ProcessSpec]],
    coming: Iterable[Register],
    sources: Mapping[str, bytes],
) -> Iterator[errors.Finding]:
    """
    Yield an error for what processes, beside their files, say of records and is not so.

    `coming` are the registers that come with them, `sources` the forms, by their keys; what came before counts as well.
    """
    there = {register.key: register for register in coming}
    for file, spec in named:
        above = spec.properties.get(APPROVAL, "")
        if above and not (above.isascii() and above.isdigit()):
            yield _finding(
                file, spec, "Expected a whole number as “{entry}”, but found “{found}”", entry=APPROVAL, found=above
            )
            continue
        selection = of(spec)
        if selection is None:
            if others := [name for name in (VALUES, APPROVAL, APPROVERS) if name in spec.properties]:
                yield _finding(
                    file,
                    spec,
                    "Expected “{entry}” beside “{found}”, but it is not there",
                    entry=REGISTER,
                    found=others[0],
                )
            continue
        if spec.properties.get(ON_CREATE, selection.register) != selection.register:
            text = "Expected “{entry}” and “{other}” to name one register, but found “{found}” and “{second}”"
            second = spec.properties[ON_CREATE]
            named_both = {"entry": REGISTER, "other": ON_CREATE, "found": selection.register, "second": second}
            yield _finding(file, spec, text, **named_both)
            continue
        try:
            register = there.get(selection.register) or registers.declared(session, selection.register)
        except errors.NotFound:
            yield _finding(
                file,
                spec,
                "Expected a register, but found “{register}”, which is not there",
                register=selection.register,
            )
            continue
        form = definitions.coming_form(session, register.form, sources)
        if form is None:
            continue
        fields = {each.key for each in form.fields}
        for name in [name for name in selection.values if name not in fields]:
            yield _finding(
                file,
                spec,
                "Expected a field of the form “{form}” as “{entry}”, but found “{found}”",
                form=register.form,
                entry=VALUES,
                found=name,
            )


def _register(spec: ProcessSpec) -> str:
    """Return the register to whose records a process belongs; empty where its diagram says nothing of any."""
    return spec.properties.get(REGISTER) or spec.properties.get(ON_CREATE, "")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _finding(file: str, spec: ProcessSpec, text: str, /, **facts: object) -> errors.Finding:
    return errors.Finding(code=CODE, file=file, element_id=spec.key, name=spec.label, phrase=Phrase(text, **facts))
