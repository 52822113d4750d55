"""XML from others: what is read, and what is refused before it can do harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casepath.engine import errors, xml
from tests.each import each
from tests.phrases import chinese

HOSTILE = {
    "entities that multiply": (
        b'<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]>\n<a d="&c;">&c;</a>',
        "xml-doctype",
        2,
    ),
    "external document type": (b'<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><a/>', "xml-doctype", 1),
    "external entity": (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "xml-doctype", 1),
    "parameter entity": (b'<!DOCTYPE a [<!ENTITY % b SYSTEM "file:///etc/passwd"> %b;]><a/>', "xml-doctype", 1),
    "document type in UTF-16": (
        '<?xml version="1.0" encoding="UTF-16"?>\n<!DOCTYPE a><a/>'.encode("utf-16"),
        "xml-doctype",
        2,
    ),
    "inclusion": (
        b'<a>\n<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/></a>',
        "xml-include",
        2,
    ),
    "100,000 elements inside each other": (b"<a>" * 100_000 + b"</a>" * 100_000, "xml-too-deep", 0),
    "one element too deep": (
        b"<a>" * (xml.MAX_DEPTH + 1) + b"</a>" * (xml.MAX_DEPTH + 1),
        "xml-too-deep",
        0,
    ),
    "too many elements": (b"<a>" + b"<b/>" * xml.MAX_NODES + b"</a>", "xml-too-many-nodes", 0),
    "too many attributes": (
        b"<a " + b" ".join(b'a%d=""' % each for each in range(xml.MAX_ATTRIBUTES + 1)) + b"/>",
        "xml-too-many-attributes",
        0,
    ),
    "too many bytes": (b"<a>" + b" " * xml.MAX_BYTES + b"</a>", "xml-too-large", 0),
    "an attribute of 11 MB": (b'<a b="' + b"x" * 11_000_000 + b'"/>', "xml-not-well-formed", 1),
    "nothing": (b"", "xml-empty", 0),
    "blanks": (b" \n ", "xml-empty", 0),
    "bytes that are no text": (bytes(range(256)), "xml-not-well-formed", 1),
    "zeros": (bytes(100), "xml-not-well-formed", 1),
    "another encoding than declared": (
        '<?xml version="1.0" encoding="UTF-8"?>\n<a>é</a>'.encode("latin-1"),
        "xml-not-well-formed",
        2,
    ),
    "an unknown encoding": (b'<?xml version="1.0" encoding="klingon"?><a/>', "xml-not-well-formed", 1),
    "a tag without end": (b"<a>\n<b>\n</a>", "xml-not-well-formed", 3),
    "an undefined entity": (b"<a>&nbsp;</a>", "xml-not-well-formed", 1),
    "an undefined prefix": (b"<a>\n<b:c/></a>", "xml-not-well-formed", 2),
    "two roots": (b"<a/><b/>", "xml-not-well-formed", 1),
}
ENCODED = {
    "UTF-8": "<a>投诉</a>".encode(),
    "UTF-8 with a mark": "\ufeff<a>投诉</a>".encode(),
    "UTF-16": '<?xml version="1.0" encoding="UTF-16"?><a>投诉</a>'.encode("utf-16"),
    "UTF-16 without declaration": "<a>投诉</a>".encode("utf-16"),
    "GB18030": '<?xml version="1.0" encoding="GB18030"?><a>投诉</a>'.encode("gb18030"),
}


@each("name", HOSTILE)
def test_parse__refuses_with_code_and_line(name: str) -> None:
    content, code, line = HOSTILE[name]

    with pytest.raises(errors.DeploymentRefused) as refusal:
        xml.parse(content, "a.bpmn")

    [finding] = refusal.value.findings
    assert (finding.file, finding.code, finding.line, finding.level) == ("a.bpmn", code, line, "error")
    assert finding.message.startswith("Expected")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese(finding.phrase))


@each("name", ENCODED)
def test_parse__reads_encodings(name: str) -> None:
    assert xml.parse(ENCODED[name], "a.bpmn").text == "投诉"


def test_parse__drops_comments_and_instructions() -> None:
    root = xml.parse(b'<?xml-stylesheet href="http://example.org/a.xsl"?><a><?php b?>c<!-- d -->e</a>', "a.bpmn")

    assert (root.text, len(root)) == ("ce", 0)


def test_parse__reads_as_deep_as_the_limit() -> None:
    root = xml.parse(b"<a>" * xml.MAX_DEPTH + b"</a>" * xml.MAX_DEPTH, "a.bpmn")

    assert sum(1 for _ in root.iter()) == xml.MAX_DEPTH


def test_parse__keeps_lines() -> None:
    root = xml.parse(b"<a>\n\n<b/></a>", "a.bpmn")

    assert [element.sourceline for element in root.iter()] == [1, 3]


@given(st.binary(max_size=200) | st.text(alphabet="<>/ab&;![]'\"=-? \n", max_size=80).map(str.encode))
def test_parse__gives_a_tree_or_refuses(content: bytes) -> None:
    try:
        tag = str(xml.parse(content, "a.bpmn").tag)
    except errors.DeploymentRefused as refusal:
        [finding] = refusal.findings
        tag = finding.code

    assert tag
