"""
Read the smallest parts of a FEEL text: blanks and comments, names, numbers, strings.

Names in FEEL may contain blanks and operators ("Date of birth", "Pre-tax price"), so what a name is depends on the
names that are known at that place. Known names match first, the longest one wins. Otherwise a name is a word, and words
that follow each other with only blanks between belong to one name, because nothing else could be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from casepath.engine.decisions.feel.errors import FeelError, FeelLimit
from casepath.engine.decisions.feel.limits import MAX_TEXT
from casepath.engine.decisions.feel.values import NUMBERS
from casepath.engine.phrases import Phrase

_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3003-\ud7ff\uf900-\ufdcf\ufdf0-\ufefe\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\ufffd\U00010000-\U000effff"
)
_PART = _START + "0-9\u00b7\u0300-\u036f\u203f-\u2040"
_BLANKS = "\t-\r \u0085\u00a0\u1680\u180e\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
BLANK = re.compile(rf"(?:[{_BLANKS}]+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)+")
WORD = re.compile(rf"[{_START}][{_PART}]*")
_PIECE = re.compile(rf"[{_PART}]+|[^{_BLANKS}{_PART}]")
_NEXT_PIECE = re.compile(rf"[{_BLANKS}]*([{_PART}]+|[^{_BLANKS}{_PART}])")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?", re.ASCII)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{6})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\", "b": "\b", "f": "\f", "/": "/"}
_KEY = re.compile(rf"[^:\"(){{}}\[\],{_BLANKS}][^:\"(){{}}\[\],]*")
_LOOSE_NAME = re.compile(rf"[{_START}][{_PART}{_BLANKS}'./+*-]*")
#: Full-width punctuation that people write by accident, with what they mean.
_FULL_WIDTH = dict(zip("（），：；．＋－＊／＝＜＞［］｛｝“”。、！？＂", '(),:;.+-*/=<>[]{}"".,!?"', strict=True))

KEYWORDS = frozenset(
    (
        "and", "between", "else", "every", "false", "for", "function", "if", "in", "instance", "not", "null", "or",
        "return", "satisfies", "some", "then", "true",
    )
)  # fmt: skip


class _Node:
    """A place in a tree of names, reached by their first pieces; `name` is the one that may end here."""

    __slots__ = ("following", "name")

    def __init__(self) -> None:
        self.following: dict[str, _Node] = {}
        self.name: str | None = None

    def add(self, name: str) -> None:
        """Add a name; plain words are found without."""
        if WORD.fullmatch(name) is None:
            node = self
            for piece in _PIECE.findall(name):
                node = node.following.setdefault(piece, _Node())
            node.name = normalized(name)


class KnownNames:
    """Names that may be written at a place, in frames: the innermost is the last."""

    __slots__ = ("_frames",)

    def __init__(self, names: Iterable[str]) -> None:
        self._frames: list[_Node] = [_frame_of(frozenset(names)), _Node()]

    def push(self, names: Iterable[str]) -> None:
        """Open a frame."""
        self._frames.append(_Node())
        for name in names:
            self.add(name)

    def pop(self) -> None:
        """Close the innermost frame."""
        self._frames.pop()

    def add(self, name: str) -> None:
        """Add a name to the innermost frame."""
        self._frames[-1].add(name)

    def longest_at(self, text: str, position: int) -> tuple[str, int] | None:
        """Return the longest known name that stands at the position, with its end."""
        first = _PIECE.match(text, position)
        if first is None:
            return None
        found: tuple[str, int] | None = None
        for frame in self._frames:
            node = frame.following.get(first[0])
            end = first.end()
            while node is not None:
                if node.name and (found is None or end > found[1]):
                    found = node.name, end
                piece = _NEXT_PIECE.match(text, end) if node.following else None
                node = None if piece is None else node.following.get(piece[1])
                end = end if piece is None else piece.end()
        return found


@lru_cache(maxsize=256)
def _frame_of(names: frozenset[str]) -> _Node:
    """Return the outermost frame; all texts of a model share it."""
    frame = _Node()
    for name in names:
        frame.add(name)
    return frame


def normalized(name: str) -> str:
    """Return a name with single blanks."""
    return " ".join(name.split())


class Scanner:
    """A text with a position; `position` always stands at something that is not blank, or at the end."""

    def __init__(self, text: str, names: Iterable[str], properties: Iterable[str] = ()) -> None:
        if len(text) > MAX_TEXT:
            raise FeelLimit("text", MAX_TEXT, found=len(text), text=text)
        self.text = text
        self.names = KnownNames(names)
        #: Names that may stand after a dot and in filters.
        self.properties = KnownNames(properties)
        #: Whether properties may stand here.
        self.filters = 0
        self.position = 0
        self.advance_to(0)

    def advance_to(self, position: int) -> None:
        """Go on at a position, past blanks and comments."""
        match = BLANK.match(self.text, position)
        self.position = position if match is None else match.end()

    def at(self, symbol: str) -> bool:
        """Say whether a symbol stands here."""
        return self.text.startswith(symbol, self.position)

    def at_end(self) -> bool:
        """Say whether the text ends here."""
        return self.position >= len(self.text)

    def take(self, symbol: str) -> bool:
        """Read a symbol if it stands here."""
        if not self.text.startswith(symbol, self.position):
            return False
        self.advance_to(self.position + len(symbol))
        return True

    def expect(self, symbol: str) -> None:
        """Read a symbol; raises `FeelError` where something else stands here."""
        if not self.take(symbol):
            raise self.expected(Phrase("'{word}'", word=symbol))

    def word(self) -> str:
        """Return the word here without reading it, empty where there is none."""
        match = WORD.match(self.text, self.position)
        return "" if match is None else match[0]

    def take_keyword(self, keyword: str) -> bool:
        """Read a keyword if it stands here."""
        if self.word() != keyword:
            return False
        self.advance_to(self.position + len(keyword))
        return True

    def expect_keyword(self, keyword: str) -> None:
        """Read a keyword; raises `FeelError` where something else stands here."""
        if not self.take_keyword(keyword):
            raise self.expected(Phrase("'{word}'", word=keyword))

    def take_number(self) -> Decimal | None:
        """Read a number if one stands here."""
        match = _NUMBER.match(self.text, self.position)
        if match is None:
            return None
        self.advance_to(match.end())
        return NUMBERS.create_decimal(match[0])

    def take_string(self) -> str | None:
        """Read a string in quotes if one stands here; raises `FeelError` where it does not end or has a bad escape."""
        if not self.at('"'):
            return None
        match = _STRING.match(self.text, self.position)
        if match is None:
            raise self.expected(Phrase("a closing quotation mark"), found=Phrase("the end"))
        start = self.position
        value = match[1] if "\\" not in match[1] else self._unescaped(match[1], start)
        self.advance_to(match.end())
        return value

    def _unescaped(self, raw: str, start: int) -> str:
        def replace(escape: re.Match[str]) -> str:
            short, long, letter = escape.groups()
            if letter is None:
                code = int(short or long, 16)
                if code <= 0x10FFFF:
                    return chr(code)
            elif letter in _ESCAPES:
                return _ESCAPES[letter]
            else:
                return escape[0]
            raise FeelError("escape", self.text, start + 1 + escape.start(), found=escape[0])

        value = _ESCAPE.sub(replace, raw)
        try:
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise FeelError("escape", self.text, start, found=Phrase("half of a surrogate pair")) from None

    def known_name(self) -> tuple[str, int] | None:
        """Return the longest known name that stands here, with its end."""
        known = self.names.longest_at(self.text, self.position)
        if self.filters:
            other = self.properties.longest_at(self.text, self.position)
            if other is not None and (known is None or other[1] > known[1]):
                return other
        return known

    def take_name(self) -> str | None:
        """Read a name if one stands here: the longest known one, else words; keywords are no names."""
        known = self.known_name()
        match = WORD.match(self.text, self.position)
        if known is not None and (match is None or known[1] > match.end() or match[0] not in KEYWORDS):
            self.advance_to(known[1])
            return known[0]
        if match is None or match[0] in KEYWORDS:
            return None
        words = [match[0]]
        self.advance_to(match.end())
        while (
            self.position > match.end()
            and (following := WORD.match(self.text, self.position)) is not None
            and following[0] not in KEYWORDS
        ):
            match = following
            words.append(match[0])
            self.advance_to(match.end())
        return " ".join(words)

    def take_new_name(self, *stops: str) -> str | None:
        """Read a name that is being defined, up to one of the stop words or symbols."""
        best: re.Match[str] | None = None
        match = _LOOSE_NAME.match(self.text, self.position)
        if match is None:
            return None
        for stop in stops:
            word = rf"[{_BLANKS}]{stop}(?![{_PART}])"
            pattern = re.compile(word if stop.isalpha() else rf"[{_BLANKS}]*{re.escape(stop)}")
            found = pattern.search(self.text, self.position, match.end() + len(stop) + 1)
            if found is not None and (best is None or found.start() < best.start()):
                best = found
        end = match.end() if best is None else min(best.start(), match.end())
        name = normalized(self.text[self.position : end])
        self.advance_to(end)
        return name

    def take_key(self) -> str | None:
        """Read the key of a context entry or the name of an argument, if a colon follows it."""
        start = self.position
        if (quoted := self.take_string()) is not None:
            if self.at(":"):
                return quoted
        elif (match := _KEY.match(self.text, start)) is not None:
            self.advance_to(match.end())
            if self.at(":"):
                return normalized(match[0])
        self.position = start
        return None

    def expected(self, wanted: Phrase, found: Phrase | None = None) -> FeelError:
        """Make the error that something else stands here."""
        if found is None and not self.at_end() and self.text[self.position] in _FULL_WIDTH:
            character = self.text[self.position]
            return FeelError(
                "full-width", self.text, self.position, found=character, instead=_FULL_WIDTH[character]
            )
        if found is None:
            word = self.word()[:40] or self.text[self.position : self.position + 1]
            found = Phrase("'{word}'", word=word) if word else Phrase("the end")
        return FeelError("expected", self.text, self.position, expected=wanted, found=found)
