"""
Read XML that somebody else wrote: no DTD, no entities, nothing from outside the file, limits on size, depth and number.

A first pass only counts and looks for what is refused, and builds nothing; so a file made to exhaust memory is stopped
before its tree exists. Comments and processing instructions are dropped: no meaning may hide in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from casepath.engine import errors
from casepath.engine.phrases import Phrase, Size

#: Bytes of one file.
MAX_BYTES = 20 * 1024 * 1024
#: Elements inside elements. libxml2 has a limit of its own above this one.
MAX_DEPTH = 200
#: Elements and attributes of one file together: ten times as many as the largest known diagrams have.
MAX_NODES = 100_000
#: Attributes of one element: libxml2 looks for one among all the others.
MAX_ATTRIBUTES = 200

XINCLUDE = "{http://www.w3.org/2001/XInclude}"


class _Stop(Exception):
    """Stops the first pass; carries code, words and the text in the file that gives it away."""

    def __init__(self, code: str, phrase: Phrase, sign: bytes = b"") -> None:
        super().__init__(code)
        self.code = code
        self.phrase = phrase
        self.sign = sign


class _Guard:
    """Sees every event of the first pass and stops it where a limit is passed."""

    def __init__(self) -> None:
        self.depth = 0
        self.nodes = 0

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        raise _Stop(
            "xml-doctype",
            Phrase(
                "Expected XML without a document type, but found <!DOCTYPE …>; delete that line, entities are not "
                "allowed"
            ),
            sign=b"<!DOCTYPE",
        )

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.nodes += 1 + len(attributes)
        if self.depth > MAX_DEPTH:
            raise _Stop(
                "xml-too-deep",
                Phrase("Expected at most {limit} elements inside each other, but found more", limit=MAX_DEPTH),
            )
        if self.nodes > MAX_NODES:
            raise _Stop(
                "xml-too-many-nodes",
                Phrase("Expected at most {limit} elements and attributes, but found more", limit=MAX_NODES),
            )
        if len(attributes) > MAX_ATTRIBUTES:
            raise _Stop(
                "xml-too-many-attributes",
                Phrase(
                    "Expected at most {limit} attributes of one element, but found {count}",
                    limit=MAX_ATTRIBUTES,
                    count=len(attributes),
                ),
            )
        if tag.startswith(XINCLUDE):
            raise _Stop(
                "xml-include",
                Phrase("Expected everything in one file, but found an XInclude; put the included part into the file"),
                sign=b"XInclude",
            )

    def end(self, _tag: str) -> None:
        self.depth -= 1

    def close(self) -> None:
        return None


def parse(content: bytes, file: str) -> etree._Element:
    """
    Read one XML file and give its root element, without comments and processing instructions.

    Raises `DeploymentRefused` with one finding where the content is no well-formed XML, is larger than 20 MB, deeper
    than 200 elements, has more elements and attributes than the limits allow, a document type, entities or includes.
    """
    if len(content) > MAX_BYTES:
        sizes = {"limit": Size(MAX_BYTES), "size": Size(len(content))}
        raise _refused(file, 0, "xml-too-large", Phrase("Expected at most {limit}, but found {size}", **sizes))
    if not content.strip():
        raise _refused(file, 0, "xml-empty", Phrase("Expected XML, but found an empty file"))
    try:
        etree.fromstring(content, _parser(_Guard()))
        return etree.fromstring(content, _parser())
    except _Stop as stop:
        raise _refused(file, _line(content, stop.sign), stop.code, stop.phrase) from None
    except (etree.XMLSyntaxError, LookupError, ValueError) as error:
        if getattr(error, "code", None) == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from None
        # LookupError: the declaration names an encoding that nobody knows.
        line = getattr(error, "lineno", None) or 0
        reason = re.sub(r"(, try XML_PARSE_HUGE)?\s*(, line \d+, column \d+)?$", "", str(error.args[0]))
        phrase = Phrase("Expected well-formed XML, but found: {found}", found=reason)
        raise _refused(file, line, "xml-not-well-formed", phrase) from None


def _parser(target: _Guard | None = None) -> etree.XMLParser:
    make: Callable[..., etree.XMLParser] = etree.XMLParser
    return make(
        target=target,
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )


def _line(content: bytes, sign: bytes) -> int:
    """The line of a text that is known to be there; 0 without one. Both parsers know lines only of what they read."""
    plain = content.replace(b"\0", b"")  # UTF-16
    return plain.count(b"\n", 0, plain.find(sign)) + 1 if sign and sign in plain else 0


def _refused(file: str, line: int, code: str, phrase: Phrase) -> errors.DeploymentRefused:
    return errors.DeploymentRefused([errors.Finding(code=code, file=file, line=line, phrase=phrase)])
