"""
Papers: what is printed, as blocks, and how it becomes a PDF or a workbook. Knows no matter and no business.

A text is read into blocks (`read`); values stand in it as marks (`Values`), so that nothing they hold is taken for
markup. `pdf` sets a paper with the fonts embedded, `workbook` writes tables with typed cells.
"""

from __future__ import annotations

from casepath.engine.papers.blocks import (
    Block,
    Cell,
    Heading,
    Line,
    PageBreak,
    Paper,
    Paragraph,
    Row,
    Rule,
    Run,
    Table,
)
from casepath.engine.papers.language import LANGUAGES, PaperLanguage
from casepath.engine.papers.markdown import Values, mark, plain, read, read_line
from casepath.engine.papers.typesetting import PDF, pdf
from casepath.engine.papers.workbooks import XLSX, Column, Number, Sheet, sheet_of, workbook

__all__ = [
    "LANGUAGES",
    "PDF",
    "XLSX",
    "Block",
    "Cell",
    "Column",
    "Heading",
    "Line",
    "Number",
    "PageBreak",
    "Paper",
    "PaperLanguage",
    "Paragraph",
    "Row",
    "Rule",
    "Run",
    "Sheet",
    "Table",
    "Values",
    "mark",
    "pdf",
    "plain",
    "read",
    "read_line",
    "sheet_of",
    "workbook",
]
