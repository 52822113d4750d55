"""
Everything that the engine says no with: one word for each kind, and nothing about HTTP.

    EngineError               a refusal: an exception that stops a command, with nothing changed
    ├── NotFound              there is no such row, or not for this user
    ├── InvalidState          the thing exists but is in a state that does not allow this
    ├── Forbidden             this user may not do that
    ├── InvalidInput          a value that does not fit the form, the type, the limits; of which field, where of a form
    │   ├── InvalidVariables  several of them, one for each field
    │   └── OverBudget        a step of a process takes more than one step may
    ├── DeploymentRefused     a set of files with at least one finding that is an error
    ├── Unreadable            a version of a process was deployed once, but can be executed no more
    ├── NotWaiting            nobody waits for the message and it starts no process
    ├── SeveralWaiting        several wait for the message, or it starts several processes
    ├── ExpressionError       an expression cannot be read or evaluated
    │   └── ExpressionLimit   … because it asks for more than it may use
    ├── ScriptError           a script failed, or asked for more than it may use
    ├── DecisionError         a decision cannot be read or evaluated
    └── BpmnError             a business error that the diagram may catch; carries its code

    Finding                   no exception: one thing that a check found, in a file or in a plan

Both have a `code`, stable for programs, and a `phrase`: the English words with their facts, which the web tells in the
reader's language. Facts never hold a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from casepath.engine.phrases import Phrase


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a check found: where, what, and what to do about it."""

    #: An error refuses the deployment, a warning does not.
    level: Literal["error", "warning"] = "error"
    #: Stable name of the rule, such as `flow-without-target`.
    code: str
    #: Name of the resource in the deployment.
    file: str = ""
    #: BPMN or DMN id, or the tag with its line where an element has no id; empty for the file as a whole.
    element_id: str = ""
    #: What the diagram shows as its label.
    name: str = ""
    #: Line in the file, from 1; 0 where unknown.
    line: int = 0
    #: What is wrong and what to do.
    phrase: Phrase

    @property
    def message(self) -> str:
        """The phrase in English."""
        return str(self.phrase)

    def __str__(self) -> str:
        label = f' "{self.name}"' if self.name else ""
        file = f"{self.file}:{self.line or ''}" if self.file else ""
        place = " ".join(part for part in (file, f"{self.element_id}{label}".strip()) if part)
        return f"{place}: {self.message}"


class EngineError(Exception):
    """The engine refused: `words` have gaps that the facts fill, or are a phrase as it is."""

    #: Of the class; single refusals of what people enter have their own.
    code = "engine-error"

    def __init__(self, words: str | Phrase, /, **facts: object) -> None:
        self.phrase = words if isinstance(words, Phrase) else Phrase(words, **facts)
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The phrase in English."""
        return str(self.phrase)

    @property
    def facts(self) -> Mapping[str, object]:
        """What fills the gaps of the phrase."""
        return self.phrase.facts


class NotFound(EngineError):
    """There is no such thing."""

    code = "not-found"

    def __init__(self, noun: str, key: object) -> None:
        super().__init__("There is no {noun} “{key}”, or it is not meant for you.", noun=Phrase(noun), key=key)


class InvalidState(EngineError):
    """The thing exists but is in a state that does not allow this."""

    code = "invalid-state"

    #: What has happened to a thing: noun and state.
    STATES: Mapping[tuple[str, str], str] = {
        ("process definition", "suspended"): "no new ones are started at the moment",
        ("process instance", "active"): "it is running",
        ("process instance", "cancelled"): "it was cancelled",
        ("process instance", "completed"): "it has come to its end",
        ("process instance", "moved by somebody else"): "somebody else has just moved it on",
        ("process instance", "suspended"): "it is suspended; this is possible again when it is resumed",
        ("record", "active"): "it is in use; archive it before",
        ("record", "archived"): "it is archived",
        ("record", "merged"): "it was merged into another one; take them apart before",
        ("record", "changed"): "{by} has changed it since you saw it; look at what is new and try again",
        ("user task", "cancelled"): "it is no longer needed, as the process went another way",
        ("user task", "claimed"): "{by} has it now",
        ("user task", "completed"): "{by} has completed it",
        ("user task", "created"): "nobody has it at the moment",
        ("user task", "delegated"): "it is delegated at the moment",
        ("user task", "suspended"): "the process is suspended; this is possible again when it is resumed",
    }
    #: Of every other one: where it is not known who brought it there, and where it is.
    STATE = "it is in state “{state}”"
    STATE_BY = "it is in state “{state}” (by {by})"

    def __init__(self, verb: str, noun: str, key: object, state: str, by: str | None = None) -> None:
        #: In which state it was found, and who brought it there, where known.
        self.state = state
        self.by = by
        text = self.STATES.get((noun, state), self.STATE_BY if by else self.STATE)
        found = Phrase(text, state=state, by=by or SOMEBODY)
        super().__init__("It is not possible to {action}: {found}.", action=action(verb, noun, key), found=found)


class Forbidden(EngineError):
    """This user may not do that."""

    code = "forbidden"

    def __init__(self, verb: str, noun: str, key: object, user: str | None) -> None:
        super().__init__("{user} may not {action}.", user=user or SOMEBODY, action=action(verb, noun, key))


#: Instead of a name that is not known.
SOMEBODY = Phrase("somebody")


def action(verb: str, noun: str, key: object) -> Phrase:
    """Return what somebody wanted to do: `complete user task 7`."""
    return Phrase(f"{verb} {{noun}} {{key}}", noun=Phrase(noun), key=key)


class InvalidInput(EngineError):
    """A value does not fit: what somebody entered, or what a diagram, a calendar or a program gives."""

    code = "invalid-input"

    def __init__(self, words: str | Phrase, /, *, code: str = "", **facts: object) -> None:
        self.code = code or self.code
        #: Key of the field of a form that the value was entered in; empty elsewhere.
        self.field = ""
        super().__init__(words, **facts)


class InvalidVariables(InvalidInput):
    """Submitted values do not fit the form."""

    code = "invalid-variables"

    def __init__(self, errors: Sequence[InvalidInput]) -> None:
        self.errors = list(errors)
        super().__init__("Some values do not fit.")

    @property
    def message(self) -> str:
        """Every single one in English."""
        return "; ".join(f"{error.field}: {error.message}" for error in self.errors)


class OverBudget(InvalidInput):
    """A step of a process takes more moves, time or room than one step may; to try it again gives the same."""

    code = "over-budget"


class DeploymentRefused(EngineError):
    """The deployment has errors."""

    code = "deployment-refused"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = list(findings)
        super().__init__("The files have errors and are not deployed.")

    @property
    def message(self) -> str:
        """Every error in English, with its place."""
        return "\n".join(str(finding) for finding in self.findings if finding.level == "error")


class Unreadable(EngineError):
    """What was accepted when it was deployed cannot be executed any more: it is shown, but nothing of it moves."""

    code = "unreadable"

    def __init__(self, process: str, version: int, reason: Phrase) -> None:
        super().__init__(
            "Version {version} of “{process}” can be executed no more: {reason}. Everything in it stays as it is until "
            "that is mended, or until it is migrated to another version.",
            version=version,
            process=process,
            reason=reason,
        )


class NotWaiting(EngineError):
    """Nobody waits for this message, and it starts no process."""

    code = "not-waiting"

    def __init__(self, name: str, business_key: str | None) -> None:
        if business_key:
            super().__init__("{key} does not wait for “{name}”.", key=business_key, name=name)
        else:
            super().__init__("Nobody waits for “{name}”.", name=name)


class SeveralWaiting(EngineError):
    """A message is for one, but several wait for it, or it starts several processes."""

    code = "several-waiting"

    def __init__(self, name: str, business_key: str | None, found: Sequence[str], *, more: bool = False) -> None:
        #: Process instances with their business keys, or processes.
        self.found = tuple(found)
        listed = [*found, *["…"] * more]
        if business_key:
            super().__init__("Several of {key} wait for “{name}”: {found}.", key=business_key, name=name, found=listed)
        else:
            super().__init__("Several wait for “{name}”: {found}.", name=name, found=listed)


class ExpressionError(EngineError):
    """An expression cannot be read or evaluated."""

    code = "expression-error"

    def __init__(self, words: str | Phrase, /, *, text: str = "", position: int | None = None, **facts: object) -> None:
        self.text = text
        #: Offset in `text`, from 0; None where it belongs to the whole.
        self.position = position
        super().__init__(words, **facts)


class ExpressionLimit(ExpressionError):
    """An expression asks for more depth, size or work than it may use."""

    code = "expression-limit"


class ScriptError(EngineError):
    """A script failed, or asked for more than it may use."""

    code = "script-error"

    def __init__(self, words: str | Phrase, /, *, exception: str = "", argument: str = "", **facts: object) -> None:
        #: Name of the exception class that the script raised, and the text it raised it with.
        self.exception = exception
        self.argument = argument
        super().__init__(words, **facts)


class DecisionError(EngineError):
    """A decision cannot be read or evaluated."""

    code = "decision-error"


class BpmnError(EngineError):
    """A business error, thrown for the diagram to catch."""

    code = "bpmn-error"

    def __init__(self, error_code: str, message: str = "", variables: Mapping[str, object] | None = None) -> None:
        self.error_code = error_code
        self.variables = dict(variables or {})
        if message:
            super().__init__(message)
        else:
            super().__init__("BPMN error '{error_code}'", error_code=error_code)
