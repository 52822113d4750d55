"""
Everything that the engine refuses, as one tree; nothing about HTTP.

    EngineError
    ├── NotFound              there is no such row, or not for this user
    ├── InvalidState          the thing exists but is in a state that does not allow this
    ├── Forbidden             this user may not do that
    ├── InvalidInput          values that do not fit the form, the type, the limits
    │   ├── InvalidEntry      what a person entered, with a code of `engine.refusals`
    │   └── InvalidVariables  several of them, by field
    ├── DeploymentRefused     a set of resources with at least one error finding
    ├── NotWaiting            nobody waits for the message and it starts no process
    ├── SeveralWaiting        several wait for the message, or it starts several processes
    ├── ExpressionError       an expression cannot be read or evaluated
    │   └── ExpressionLimit   … because it asks for more than it may use
    ├── ScriptError           a script failed, or asked for more than it may use
    ├── DecisionError         a decision cannot be read or evaluated
    └── BpmnError             a business error that the diagram may catch; carries its code

Each class docstring is the default message. Facts are attributes, so that the web can say them in the user's language:
`code` names the text, `facts` fills it in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from casepath.engine import refusals


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a check of a resource found: where, what, and what to do about it, in both languages."""

    #: An error refuses the deployment, a warning does not.
    level: Literal["error", "warning"]
    #: Stable name of the rule, such as `flow-without-target`.
    code: str
    #: Name of the resource in the deployment.
    file: str
    #: BPMN or DMN id, or the tag with its line where an element has no id; empty for the file as a whole.
    element_id: str = ""
    #: What the diagram shows as its label.
    name: str = ""
    #: Line in the file, from 1; 0 where unknown.
    line: int = 0
    #: What is wrong and what to do, in English.
    message: str
    #: The same in Chinese.
    message_zh: str

    def __str__(self) -> str:
        label = f' "{self.name}"' if self.name else ""
        place = f" {self.element_id}{label}" if self.element_id else label
        return f"{self.file}:{self.line or ''}{place}: {self.message}"


class EngineError(Exception):
    """The engine refused."""

    #: Names the text in the catalogues of the web.
    code = "engine-error"

    def __init__(self, message: str = "", **facts: object) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.facts: Mapping[str, object] = facts
        super().__init__(self.message)


class NotFound(EngineError):
    """There is no such thing."""

    code = "not-found"

    def __init__(self, noun: str, key: object) -> None:
        super().__init__(f"Expected {noun} {key}, but there is none", noun=noun, key=key)


class InvalidState(EngineError):
    """The thing exists but is in a state that does not allow this."""

    code = "invalid-state"

    def __init__(self, verb: str, noun: str, key: object, state: str, by: str | None = None) -> None:
        #: Who brought it into that state, where known.
        self.by = by
        who = f" (by {by})" if by else ""
        super().__init__(
            f"Expected to {verb} {noun} {key}, but it is in state '{state}'{who}",
            verb=verb,
            noun=noun,
            key=key,
            state=state,
            by=by,
        )


class Forbidden(EngineError):
    """This user may not do that."""

    code = "forbidden"

    def __init__(self, verb: str, noun: str, key: object, user: str | None) -> None:
        super().__init__(
            f"Expected a user who may {verb} {noun} {key}, but found {user or 'nobody'}",
            verb=verb,
            noun=noun,
            key=key,
            user=user,
        )


class InvalidInput(EngineError):
    """A value does not fit: of a diagram, of a calendar, of a program. What people enter is an `InvalidEntry`."""

    code = "invalid-input"


class InvalidEntry(InvalidInput):
    """What a person entered does not fit; raised with a code of `engine.refusals.ENTRIES` and the facts it names."""

    def __init__(self, code: str, **facts: object) -> None:
        self.code = code
        kept = {name: refusals.shortened(fact) for name, fact in facts.items()}
        super().__init__(refusals.ENTRIES[code].format_map(kept), **kept)


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """Why one submitted value was refused."""

    #: Key of the field.
    field: str
    #: Names the text in the catalogues, such as `required` or `too-long`.
    code: str
    message: str
    facts: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, field: str, code: str, facts: Mapping[str, object]) -> FieldError:
        """Return the error with the sentence that `engine.refusals.FIELDS` has for the code."""
        kept = {name: refusals.shortened(fact) for name, fact in facts.items()}
        return cls(field=field, code=code, message=refusals.FIELDS[code].format_map(kept), facts=kept)


class InvalidVariables(InvalidInput):
    """Submitted values do not fit the form."""

    code = "invalid-variables"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in self.errors))


class DeploymentRefused(EngineError):
    """The deployment has errors."""

    code = "deployment-refused"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = list(findings)
        wrong = [finding for finding in self.findings if finding.level == "error"]
        super().__init__("\n".join(str(finding) for finding in wrong))


class NotWaiting(EngineError):
    """Nobody waits for this message, and it starts no process."""

    code = "not-waiting"

    def __init__(self, name: str, business_key: str | None) -> None:
        key = f" with business key '{business_key}'" if business_key else ""
        super().__init__(
            f"Expected a process instance{key} that waits for message '{name}', or a process it starts, but found none",
            name=name,
            business_key=business_key,
        )


class SeveralWaiting(EngineError):
    """A message is for one, but several wait for it, or it starts several processes."""

    code = "several-waiting"

    def __init__(self, name: str, business_key: str | None, found: Sequence[str], *, more: bool = False) -> None:
        #: Process instances with their business keys, or processes.
        self.found = tuple(found)
        key = f" with business key '{business_key}'" if business_key else ""
        super().__init__(
            f"Expected one process instance{key} that waits for message '{name}', or one process it starts, but found "
            f"{', '.join(found)}{' and more' * more}",
            name=name,
            business_key=business_key,
            found=self.found,
        )


class ExpressionError(EngineError):
    """An expression cannot be read or evaluated."""

    code = "expression-error"

    def __init__(self, message: str, *, text: str = "", position: int | None = None) -> None:
        self.text = text
        #: Offset in `text`, from 0; None where it belongs to the whole.
        self.position = position
        #: In Chinese, where that is known.
        self.message_zh = message
        super().__init__(message, text=text[:200], position=position)


class ExpressionLimit(ExpressionError):
    """An expression asks for more depth, size or work than it may use."""

    code = "expression-limit"


class ScriptError(EngineError):
    """A script failed, or asked for more than it may use."""

    code = "script-error"

    def __init__(self, message: str, *, exception: str = "", argument: str = "") -> None:
        #: Name of the exception class that the script raised, and the text it raised it with.
        self.exception = exception
        self.argument = argument
        super().__init__(message)


class DecisionError(EngineError):
    """A decision cannot be read or evaluated."""

    code = "decision-error"


class BpmnError(EngineError):
    """A business error, thrown for the diagram to catch."""

    code = "bpmn-error"

    def __init__(self, error_code: str, message: str = "", variables: Mapping[str, object] | None = None) -> None:
        self.error_code = error_code
        self.variables = dict(variables or {})
        super().__init__(message or f"BPMN error '{error_code}'", error_code=error_code)
