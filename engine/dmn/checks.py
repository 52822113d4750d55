"""Check decision tables."""

from __future__ import annotations

from lxml import etree

from engine.dmn.findings import Findings
from engine.dmn.tables import DecisionTable


def check_table(table: DecisionTable, xml: etree._Element, findings: Findings) -> None:
    pass
