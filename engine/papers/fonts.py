"""
The fonts of papers: Chinese ones, and those of Noto for pictures, signs and other scripts, all from packages.

A sign that none of them has is written as its number in Unicode, so that nothing gets lost on paper unseen.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import typst

#: Packages whose files are fonts.
PACKAGES = ("pylopdf_fonts_zh_cn", "manimgx_fonts")
#: Boxes to be ticked, from a font that Typst brings along itself.
BOXES = "☐☑☒"
#: What no font needs to have: blanks, and what joins or chooses the form of the sign before it.
_INVISIBLE = re.compile("[\\s\u200b-\u200f\u2060\ufe00-\ufe0f]")
_TABLES, _CMAP = 12, b"cmap"


@functools.cache
def fonts() -> typst.Fonts:
    """Return the fonts; none is of the machine, with which a paper would be another one elsewhere."""
    folders = [str(folder) for folder in _folders()]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=folders)


def printable(text: str) -> str:
    """Return a text in which signs that no font has are named by their numbers."""
    missing = {sign for sign in set(text) if ord(sign) not in _covered() and not _INVISIBLE.match(sign)}
    return text.translate({ord(sign): f"[U+{ord(sign):04X}]" for sign in missing})


@functools.cache
def _covered() -> frozenset[int]:
    """Return all that the fonts have, by the table `cmap` of each file."""
    files = (file for folder in _folders() for file in folder.iterdir() if file.suffix in {".otf", ".ttf"})
    return frozenset(code for file in files for code in _codes(file.read_bytes())).union(map(ord, BOXES))


def _folders() -> list[Path]:
    return [Path(str(importlib.resources.files(package))) for package in PACKAGES]


def _codes(font: bytes) -> Iterator[int]:
    count = struct.unpack_from(">H", font, 4)[0]
    for number in range(count):
        tag, _, start, _ = struct.unpack_from(">4sIII", font, _TABLES + 16 * number)
        if tag == _CMAP:
            for place in range(struct.unpack_from(">H", font, start + 2)[0]):
                at = start + struct.unpack_from(">I", font, start + 8 + 8 * place)[0]
                yield from _codes_of_subtable(font, at)


def _codes_of_subtable(font: bytes, at: int) -> Iterator[int]:
    """Yield the codes of a part of the table in one of the two formats that are in use."""
    form = struct.unpack_from(">H", font, at)[0]
    if form == 12:
        for group in range(struct.unpack_from(">I", font, at + 12)[0]):
            first, last, _ = struct.unpack_from(">III", font, at + 16 + 12 * group)
            yield from range(first, last + 1)
    elif form == 4:
        segments = struct.unpack_from(">H", font, at + 6)[0] // 2
        ends = struct.unpack_from(f">{segments}H", font, at + 14)
        starts = struct.unpack_from(f">{segments}H", font, at + 16 + 2 * segments)
        for first, last in zip(starts, ends, strict=True):
            yield from range(first, min(last, 0xFFFE) + 1)
