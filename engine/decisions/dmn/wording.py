"""
How the texts of a column are to be worded, where the column says so by extension attributes: what people say aloud.

    noSentenceBegins  words with which no sentence begins
    neverSays         words that occur nowhere
    longestSentence   characters of a sentence, signs and spaces not counted

Words stand with commas between. A text that goes against it is warned of, and deployed all the same: how to speak is
for people to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from casepath.engine.decisions.dmn.elements import children, text_in
from casepath.engine.decisions.dmn.findings import Findings, place_of
from casepath.engine.phrases import shortened

BEGINS, NEVER, LONGEST = ATTRIBUTES = "noSentenceBegins", "neverSays", "longestSentence"
#: Code of what is found.
CODE = "wording"
#: Characters of a sentence that are shown.
SHOWN = 60
#: A text in an expression, where sentences end, and what stands before the first word of one.
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_END = re.compile(r"[。！？；!?;…\n]+|\\n|\.(?=\s|$)")
_BEFORE = "“”‘’\"'（(《「、，, \t—-·"


def check(root: etree._Element, findings: Findings) -> None:
    """Add a warning for each sentence of a table that its column does not want."""
    for table in root.iter("{*}decisionTable"):
        for number, column in enumerate(children(table, "output")):
            wanted = {str(etree.QName(name).localname): value for name, value in column.attrib.items()}
            if not wanted.keys() & {*ATTRIBUTES}:
                continue
            for rule in children(table, "rule"):
                cells = list(children(rule, "outputEntry"))
                if number < len(cells):
                    _check_cell(cells[number], wanted, findings)


def _check_cell(cell: etree._Element, wanted: dict[str, str], findings: Findings) -> None:
    place = place_of(cell)
    begins, never, longest = _words(wanted.get(BEGINS)), _words(wanted.get(NEVER)), wanted.get(LONGEST, "").strip()
    for sentence in _sentences(text_in(cell)):
        facts = {"place": place, "found": shortened(sentence, SHOWN)}
        for word in (word for word in begins if _pattern(word).match(sentence)):
            text = "Expected no sentence to begin with “{word}” in {place}: {found}"
            findings.warning(CODE, cell, text, word=word, **facts)
        for word in (word for word in never if _pattern(word).search(sentence)):
            findings.warning(CODE, cell, "Expected another way to say “{word}” in {place}: {found}", word=word, **facts)
        size = sum(map(str.isalnum, sentence))
        if longest.isdecimal() and size > int(longest):
            text = "Expected a sentence of at most {limit} characters, but found {count} in {place}: {found}"
            findings.warning(CODE, cell, text, limit=int(longest), count=size, **facts)


def _sentences(expression: str) -> Iterator[str]:
    for text in _TEXT.findall(expression):
        yield from filter(None, (part.strip(_BEFORE) for part in _END.split(text)))


def _words(listed: str | None) -> list[str]:
    return [word for part in re.split(r"[,，、]", listed or "") if (word := part.strip())]


def _pattern(word: str) -> re.Pattern[str]:
    """Return what finds a word; one of Latin letters is a whole one, while in Chinese nothing stands between words."""
    edge = r"\b" if word.isascii() else ""
    return re.compile(f"{edge}{re.escape(word)}{edge}", re.IGNORECASE)
