"""
Why what a person enters is refused: every code, with the sentence that logs, commands and programs get.

The web says each in the reader's language, with sentences of its own that are filled with the same facts; a test sees
that none is missing. A fact never holds a secret.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Characters of a text in a fact; what was entered may be a book.
MAX_FACT = 80

#: Code → sentence, of `errors.InvalidEntry`. `name` says what a text is for, such as `a comment`.
ENTRIES: Mapping[str, str] = {
    # texts
    "text-missing": "Expected {name}, but found an empty text",
    "text-not-unicode": "Expected {name} of Unicode characters, but found something else",
    "text-too-long": "Expected {name} of at most {limit} characters, but found {length}",
    # files
    "file-empty": "Expected a file of 1 to {limit} bytes, but found '{file}' with none",
    "file-missing": "Expected at least one file, but found none",
    "file-too-large": "Expected a file of 1 to {limit} bytes, but found '{file}' with {size}",
    "file-type": "Expected a file that ends in {expected}, but found '{file}'",
    "files-of-deployment": "Expected 1 to {limit} files, but found {count}",
    "files-of-matter": "Expected at most {limit} files of one matter, but found {count}",
    "files-of-request": "Expected at most {limit} files at once, but found {count}",
    # people and groups
    "administrator-last": "Expected at least one active administrator to be left, but found none",
    "email": "Expected an e-mail address, but found '{email}'",
    "group-key": "Expected a key of letters, digits, '_', '-' and '.', but found '{key}'",
    "language": "Expected one of the languages {expected}, but found '{language}'",
    "password-length": "Expected a password of {least} to {limit} characters, but found {length}",
    "password-user-name": "Expected a password without the user name, but found it in there",
    "password-variety": "Expected a password of at least {least} different characters, but found {count}",
    "user-name": "Expected a user name of 1 to 64 letters, digits, '_', '.', '@', '+' and '-', but found '{username}'",
    "user-name-taken": "Expected a new user name, but '{username}' exists",
    # user tasks
    "day": "Expected a day such as 2026-10-01, but found '{found}'",
    "delegate-again": "Expected somebody else to delegate user task {task} to, but found '{username}'",
    "draft-too-long": "Expected a draft of at most {limit} characters, but found {length}",
    "priority": "Expected a priority from 0 to {limit}, but found {priority}",
    "not-a-candidate": "Expected somebody who may have user task {task}, but found '{username}'",
    "user-inactive": "Expected an active user, but found '{username}'",
    # process instances
    "business-key": "Expected a business key of 1 to {limit} characters, but found {length}",
    "business-key-format": "Expected {expected} in the format of business keys, but found '{format}'",
    "calls-for-ever": "Expected that called processes wait somewhere, but found {limit} moves from {process} on",
    "element-gone": "Expected element {element} in process {process}, where token {token} is, but found none",
    "element-without-exit": "Expected sequence flows out of {element}, but found none",
    "moves-nothing": "Expected a token to take away or an element to start, but found neither",
    "never-waits": "Expected that the process waits somewhere, but found {limit} moves in one step, the last one to "
                   "{element}",
    "not-executable": "Expected a process that is executable, but {process} only documents",
    "scope-missing": "Expected a running instance of {element}, but found none",
    "scope-unclear": "Expected one running instance of {element}, but found {count}",
    "start-unclear": "Expected a start event without message, signal or condition, but found {found}",
    "variable-name": "Expected the name of a variable, but found '{name}'",
    # values of variables
    "value-characters": "Expected text of Unicode characters, but found half of a surrogate pair",
    "value-key": "Expected text as key of a map, but found {found}",
    "value-number": "Expected finite numbers of reasonable size, but found: {found}",
    "value-text": "Expected the text of a value, but found: {found}",
    "value-too-deep": "Expected at most {limit} lists and maps inside each other, but found more",
    "value-too-long": "Expected at most {limit} characters, but found {length}",
    "value-too-wide": "Expected at most {limit} lists, maps and dates, but found more",
    "value-type": "Expected text, a number, a boolean, null, a date, a time, a duration, a list or a map with text "
                  "keys, but found {found}",
    "value-zone": "Expected a date and time with its time zone, but found {found}",
}  # fmt: skip

#: Code → sentence, of `errors.FieldError`: what is wrong with one field of a form.
FIELDS: Mapping[str, str] = {
    "control-characters": "Expected text without control characters, but found some",
    "not-a-choice": "Expected true or false, but found '{found}'",
    "not-a-date": "Expected a date such as 2026-10-01, but found '{found}'",
    "not-a-number": "Expected a number, but found '{found}'",
    "not-a-phone": "Expected a telephone number, but found '{found}'",
    "not-a-text": "Expected text, but found '{found}'",
    "not-a-time": "Expected a time such as 14:30, but found '{found}'",
    "not-a-moment": "Expected a date and a time such as 2026-10-01 14:30, but found '{found}'",
    "not-an-email": "Expected an e-mail address, but found '{found}'",
    "not-an-option": "Expected one of the options, but found '{found}'",
    "past": "Expected today or a later day, but found {found}",
    "pattern": "Expected text that matches {expected}, but found '{found}'",
    "required": "Expected a value, but found none",
    "several-lines": "Expected one line, but found {count}",
    "several-options": "Expected one value, but found {count}",
    "too-large": "Expected at most {limit}, but found {found}",
    "too-long": "Expected at most {limit} characters, but found {length}",
    "too-many-digits": "Expected at most {limit} digits behind the point, but found {found}",
    "too-short": "Expected at least {limit} characters, but found {length}",
    "too-small": "Expected at least {limit}, but found {found}",
    "unknown-field": "Expected only fields of the form, but found '{found}'",
}


def shortened(fact: object) -> object:
    """Return a fact that fits into a sentence: numbers as they are, texts cut."""
    if not isinstance(fact, str) or len(fact) <= MAX_FACT:
        return fact
    return fact[: MAX_FACT - 1] + "…"
