"""Every text of the pages exists in Chinese; and both catalogues, of pages and engine, are written in it."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

WEB = Path(__file__).resolve().parents[2] / "web"
CATALOGUES = WEB / "translations" / "zh_CN" / "LC_MESSAGES"
METHODS = [("**.py", "python"), ("**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
#: Punctuation that Chinese has signs of its own for.
WESTERN = re.compile(r"[\u3400-\u9fff][,;:!?]|[,;:!?][\u3400-\u9fff]")


@pytest.fixture(scope="module")
def used() -> set[str]:
    """The texts that sources and templates ask for."""
    found = extract_from_dir(WEB, METHODS, {"**.html": {"silent": "false"}}, keywords=KEYWORDS)
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def read(name: str) -> Catalog:
    with (CATALOGUES / f"{name}.po").open("rb") as file:
        return read_po(file)


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    """The Chinese texts of the pages."""
    return read("messages")


def entries(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def first(text: str | Sequence[str] | None) -> str:
    """Return a text, or of one that counts what is said of one."""
    return text if isinstance(text, str) else next(iter(text or ("",)))


def one(message: Message) -> str:
    """Return the text of a message."""
    return first(message.id)


def said(message: Message) -> str:
    """Return its Chinese."""
    return first(message.string)


def test_extraction__finds_texts(used: set[str]) -> None:
    assert "Claim" in used
    assert len(used) > 100


def test_catalogue__has_every_text(used: set[str], catalogue: Catalog) -> None:
    translated = {one(message) for message in entries(catalogue) if said(message) and not message.fuzzy}
    assert sorted(used - translated) == []


def test_catalogue__has_nothing_left_over(used: set[str], catalogue: Catalog) -> None:
    assert sorted({one(message) for message in entries(catalogue)} - used) == []


def test_catalogue__keeps_what_is_filled_in(catalogue: Catalog) -> None:
    wrong = [
        message.id
        for message in entries(catalogue)
        if sorted(PLACEHOLDER.findall(one(message))) != sorted(PLACEHOLDER.findall(said(message)))
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ["messages", "engine"])
def test_catalogue__is_chinese(name: str) -> None:
    """A text that is still English, or has Western punctuation between Chinese characters, was not translated."""
    catalogue = read(name)
    english = [
        message.id
        for message in entries(catalogue)
        if one(message) == said(message) and set(one(message)) & set(string.ascii_letters)
    ]
    assert english == []
    assert [message.string for message in entries(catalogue) if WESTERN.search(said(message))] == []
