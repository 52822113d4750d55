"""
Regular expressions as FEEL has them: those of XPath, translated to the `regex` library, with a limit on time.

What XPath does not know (look-around, possessive quantifiers, `\\b`) makes the pattern invalid, and the result null.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import regex

from casepath.engine.decisions.feel.errors import limit_error
from casepath.engine.decisions.feel.limits import MAX_PATTERN_SECONDS, pattern_seconds, spend_pattern_seconds

MAX_PATTERN = 1000
MAX_REPEAT = 1000
#: Pieces of a pattern with all repetitions written out, as the library does.
MAX_EXPANDED = 5_000
_ESCAPED_CHARACTERS = frozenset("\\|.-^?*+{}()[]$")
_WHITE = r" \t\n\r"
_NAME_START = (
    r"A-Z_a-z:\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    r"\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME_PART = _NAME_START + r"\-.0-9\u00b7\u0300-\u036f\u203f-\u2040"
#: Escapes for sets of characters: what they mean inside a class, positive and negative.
_SETS = {
    "s": f"[{_WHITE}]", "S": f"[^{_WHITE}]", "d": r"\p{Nd}", "D": r"\P{Nd}", "w": r"[^\p{P}\p{Z}\p{C}]",
    "W": r"[\p{P}\p{Z}\p{C}]", "i": f"[{_NAME_START}]", "I": f"[^{_NAME_START}]", "c": f"[{_NAME_PART}]",
    "C": f"[^{_NAME_PART}]",
}  # fmt: skip
_CONTROLS = {"n": r"\n", "r": r"\r", "t": r"\t"}
_CATEGORY = regex.compile(r"\{(Is[A-Za-z0-9\-]+|[CLMNPSZ][a-z]?)\}")
_REPEAT = regex.compile(r"\{(\d+)(?:(,)(\d*))?\}")
Result = TypeVar("Result")


class Invalid(Exception):
    """The text is no regular expression of XPath."""


class _Translator:
    """Turns one pattern into the syntax of the `regex` library."""

    def __init__(self, pattern: str, *, dot_all: bool, multi_line: bool) -> None:
        self._pattern = pattern
        self._dot = r"(?s:.)" if dot_all else r"[^\n\r]"
        self._end = "$" if multi_line else r"\Z"
        self._position = 0
        self._groups = 0
        self._open: list[int | None] = []
        #: Size of the pattern with all repetitions written out, for each open group, and of the last piece.
        self._sizes = [0]
        self._last = 0

    def translate(self) -> str:
        """Return the translated pattern; raises `Invalid`."""
        parts: list[str] = []
        repeatable = False
        while self._position < len(self._pattern):
            character = self._pattern[self._position]
            if character in "*+?{":
                if not repeatable:
                    raise Invalid
                parts.append(self._quantifier())
                repeatable = False
                continue
            self._last = 1
            part, repeatable = self._piece(character)
            self._grow(self._last)
            parts.append(part)
        if self._open:
            raise Invalid
        return "".join(parts)

    def _grow(self, size: int) -> None:
        self._sizes[-1] += size
        if self._sizes[-1] > MAX_EXPANDED:
            raise limit_error("pattern-size", MAX_EXPANDED)

    def _piece(self, character: str) -> tuple[str, bool]:
        if character == "\\":
            return self._escape(in_class=False), True
        if character == "[":
            return self._class(), True
        self._position += 1
        if character == "(":
            return self._group(), False
        if character == ")":
            if not self._open:
                raise Invalid
            self._open.pop()
            self._last = self._sizes.pop()
            return ")", True
        if character in "]}":
            raise Invalid
        if character == ".":
            return self._dot, True
        if character == "$":
            return self._end, False
        if character in "^|":
            return character, False
        return regex.escape(character, special_only=True), True

    def _group(self) -> str:
        self._sizes.append(0)
        if self._pattern.startswith("?:", self._position):
            self._position += 2
            self._open.append(None)
            return "(?:"
        if self._pattern.startswith("?", self._position):
            raise Invalid
        self._groups += 1
        self._open.append(self._groups)
        return "("

    def _quantifier(self) -> str:
        character = self._pattern[self._position]
        if character != "{":
            text = character
        else:
            match = _REPEAT.match(self._pattern, self._position)
            if match is None or int(match[1]) > MAX_REPEAT or int(match[3] or 0) > MAX_REPEAT:
                raise Invalid
            if match[3] and int(match[3]) < int(match[1]):
                raise Invalid
            text = match[0]
            self._grow(self._last * max(int(match[1]), int(match[3] or 0)))
        self._position += len(text)
        if self._pattern.startswith("?", self._position):
            self._position += 1
            text += "?"
        return text

    def _escape(self, *, in_class: bool) -> str:
        letter = self._pattern[self._position + 1 : self._position + 2]
        self._position += 2
        if letter in _SETS:
            return _SETS[letter]
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter in ("p", "P"):
            match = _CATEGORY.match(self._pattern, self._position)
            if match is None:
                raise Invalid
            self._position = match.end()
            name = match[1]
            if name.startswith("Is"):
                return rf"\{letter}{{In{name[2:].replace('-', '')}}}"
            # The flag `i` says nothing about categories: `\p{Lu}` stays what is upper case.
            return rf"(?-i:\{letter}{{{name}}})"
        if letter and letter in _ESCAPED_CHARACTERS:
            return "\\" + letter
        if letter.isdigit() and letter != "0" and not in_class:
            return self._back_reference(int(letter))
        raise Invalid

    def _back_reference(self, group: int) -> str:
        following = self._pattern[self._position : self._position + 1]
        if following.isdigit() and group * 10 + int(following) <= self._groups:
            group = group * 10 + int(following)
            self._position += 1
        if group > self._groups or group in self._open:
            raise Invalid
        return rf"(?:\{group})"

    def _class(self) -> str:
        """Read `[…]`, which may take another class away: `[a-z-[aeiou]]`."""
        self._position += 1
        negated = self._pattern.startswith("^", self._position)
        self._position += negated
        parts: list[str] = []
        without = ""
        while not self._pattern.startswith("]", self._position):
            if self._position >= len(self._pattern):
                raise Invalid
            if self._pattern.startswith("-[", self._position) and parts:
                self._position += 1
                without = f"(?!{self._class()})"
                break
            parts.append(self._class_member())
            self._last += 1
        if not parts or not self._pattern.startswith("]", self._position):
            raise Invalid
        self._position += 1
        one = "|".join(parts)
        return f"(?:{without}(?!{one})(?s:.))" if negated else f"(?:{without}(?:{one}))"

    def _class_member(self) -> str:
        low, single = self._class_character()
        pattern = self._pattern
        is_range = pattern.startswith("-", self._position) and not pattern.startswith(("-]", "-["), self._position)
        if not single or not is_range:
            return f"[{low}]" if single else low
        self._position += 1
        high, single = self._class_character()
        if not single:
            raise Invalid
        return f"[{low}-{high}]"

    def _class_character(self) -> tuple[str, bool]:
        character = self._pattern[self._position : self._position + 1]
        if character in ("", "[", "]"):
            raise Invalid
        if character == "\\":
            text = self._escape(in_class=True)
            return text, text in _CONTROLS.values() or (len(text) == 2 and text[1] in _ESCAPED_CHARACTERS)
        self._position += 1
        return regex.escape(character, special_only=False) if character in "^-&|~" else character, True


@lru_cache(maxsize=512)
def compiled(pattern: str, flags: str) -> regex.Pattern[str] | None:
    """Return the compiled pattern, None where it or the flags are not valid."""
    if len(pattern) > MAX_PATTERN or any(flag not in "smixq" for flag in flags):
        return None
    options = (regex.IGNORECASE if "i" in flags else 0) | (regex.MULTILINE if "m" in flags else 0)
    if "q" in flags:
        return regex.compile(regex.escape(pattern, special_only=True), options)
    if "x" in flags:
        pattern = _without_blanks(pattern)
    try:
        translated = _Translator(pattern, dot_all="s" in flags, multi_line="m" in flags).translate()
        return regex.compile(translated, options)
    except (Invalid, regex.error, OverflowError):
        return None


def _without_blanks(pattern: str) -> str:
    """Take away blanks outside of classes."""
    kept: list[str] = []
    depth = 0
    escaped = False
    for character in pattern:
        if not escaped:
            depth += (character == "[") - (character == "]")
        escaped = character == "\\" and not escaped
        if depth > 0 or character not in " \t\n\r":
            kept.append(character)
    return "".join(kept)


def within_time(search: Callable[[float], Result]) -> Result:
    """Run a search that takes a timeout; raises `ExpressionLimit` when it takes too long."""
    left = pattern_seconds()
    # Time of this thread's own work: on a busy machine, waiting for the processor is nobody's fault.
    start = time.thread_time()
    try:
        return search(left)
    except TimeoutError:
        raise limit_error("pattern", MAX_PATTERN_SECONDS) from None
    finally:
        spend_pattern_seconds(time.thread_time() - start)
