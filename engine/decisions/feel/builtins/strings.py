"""Functions on strings; lengths and positions count Unicode characters."""

from __future__ import annotations

import re
from decimal import Decimal

import regex

from casepath.engine.decisions.feel import limits
from casepath.engine.decisions.feel.functions import built_in
from casepath.engine.decisions.feel.patterns import compiled, within_time
from casepath.engine.decisions.feel.values import text_of

_REPLACEMENT = re.compile(r"\\([\\$])|\$(\d+)|([\\$])|([^\\$]+)", re.ASCII)


def position(value: Decimal) -> int | None:
    """Return a number as a position in a string or list, None where it is no sane one."""
    return int(value) if value.adjusted() < 9 else None


@built_in("string", "from: Any")
def _string(value: object) -> str | None:
    return None if value is None else text_of(value)


@built_in("string length", "string: string")
def _string_length(string: str) -> Decimal:
    return Decimal(len(string))


@built_in("substring", "string: string, start position: number, length?: number")
def _substring(string: str, start: Decimal, length: object) -> str | None:
    first = position(start)
    if first is None or first == 0 or abs(first) > len(string):
        return None
    begin = first - 1 if first > 0 else len(string) + first
    if not isinstance(length, Decimal):
        return string[begin:]
    count = position(length)
    if count is None:
        return string[begin:] if length > 0 else None
    return string[begin : begin + count] if count >= 1 else None


@built_in("upper case", "string: string")
def _upper_case(string: str) -> str:
    return string.upper()


@built_in("lower case", "string: string")
def _lower_case(string: str) -> str:
    return string.lower()


@built_in("trim", "string: string")
def _trim(string: str) -> str:
    return string.strip()


@built_in("substring before", "string: string, match: string")
def _substring_before(string: str, match: str) -> str:
    found = string.find(match)
    return string[:found] if found >= 0 else ""


@built_in("substring after", "string: string, match: string")
def _substring_after(string: str, match: str) -> str:
    found = string.find(match)
    return string[found + len(match) :] if found >= 0 else ""


@built_in("contains", "string: string, match: string")
def _contains(string: str, match: str) -> bool:
    return match in string


@built_in("starts with", "string: string, match: string")
def _starts_with(string: str, match: str) -> bool:
    return string.startswith(match)


@built_in("ends with", "string: string, match: string")
def _ends_with(string: str, match: str) -> bool:
    return string.endswith(match)


def _pattern(pattern: str, flags: object) -> regex.Pattern[str] | None:
    return compiled(pattern, flags if isinstance(flags, str) else "")


@built_in("matches", "input: string, pattern: string, flags?: string?")
def _matches(string: str, pattern: str, flags: object) -> bool | None:
    expression = _pattern(pattern, flags)
    if expression is None:
        return None
    return within_time(lambda seconds: expression.search(string, timeout=seconds)) is not None


@built_in("replace", "input: string, pattern: string, replacement: string, flags?: string?")
def _replace(string: str, pattern: str, replacement: str, flags: object) -> str | None:
    expression = _pattern(pattern, flags)
    if expression is None or within_time(lambda seconds: expression.search("", timeout=seconds)) is not None:
        return None
    literal = isinstance(flags, str) and "q" in flags
    template = [replacement] if literal else _template(replacement, expression.groups)
    if template is None:
        return None
    parts: list[str] = []
    size = last = 0
    for match in within_time(lambda seconds: list(expression.finditer(string, timeout=seconds))):
        pieces = [string[last : match.start()]]
        pieces += [part if isinstance(part, str) else match[part] or "" for part in template]
        last = match.end()
        size += sum(map(len, pieces))
        limits.check_size(size)
        parts += pieces
    return "".join(parts) + string[last:]


def _template(replacement: str, groups: int) -> list[str | int] | None:
    """Split a replacement into texts and numbers of groups, None where it is not valid."""
    template: list[str | int] = []
    for escaped, digits, stray, text in _REPLACEMENT.findall(replacement):
        if stray:
            return None
        if digits:
            # The longest number that is a group; further digits are text.
            size = 1
            while size < len(digits) and int(digits[: size + 1]) <= groups:
                size += 1
            group = int(digits[:size])
            template.append(group if group <= groups else "")
            template.append(digits[size:])
        else:
            template.append(escaped or text)
    return template


@built_in("split", "string: string, delimiter: string")
def _split(string: str, delimiter: str) -> list[str] | None:
    expression = _pattern(delimiter, "")
    if expression is None or within_time(lambda seconds: expression.search("", timeout=seconds)) is not None:
        return None
    parts: list[str] = []
    last = 0
    for match in within_time(lambda seconds: list(expression.finditer(string, timeout=seconds))):
        parts.append(string[last : match.start()])
        last = match.end()
    return [*parts, string[last:]]


@built_in("string join", "list: list, delimiter?: string?")
def _string_join(items: list[object], delimiter: object) -> str | None:
    texts = [item for item in items if item is not None]
    separator = delimiter if isinstance(delimiter, str) else ""
    if not all(isinstance(item, str) for item in texts):
        return None
    strings = [item for item in texts if isinstance(item, str)]
    limits.check_size(sum(map(len, strings)) + len(separator) * len(strings))
    return separator.join(strings)
