"""Papers: text into blocks, blocks into PDF and workbooks, read back by other programs."""

from __future__ import annotations

import io
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from casepath.engine import errors, papers
from casepath.engine.papers import (
    Block,
    Column,
    Heading,
    PageBreak,
    Paper,
    Paragraph,
    Rule,
    Run,
    Sheet,
    Table,
    Values,
)
from tests import pdf
from tests.each import each

MADE_AT = datetime(2026, 12, 2, 2, 12, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def paper(text: str, values: Values | None = None, **more: object) -> Paper:
    return Paper(title="登记表", blocks=papers.read(text, values or []), made_at=MADE_AT, **more)  # type: ignore[arg-type]


def table(text: str, values: Values | None = None) -> Table:
    (found,) = papers.read(text, values or [])
    assert isinstance(found, Table)
    return found


class TestRead:
    def test_blocks(self) -> None:
        expected: list[Block] = [
            Heading(level=1, runs=(Run(text="标题"),)),
            Paragraph(line=((Run(text="左"),), (Run(text="右"),))),
            Rule(),
            PageBreak(),
            Heading(level=2, runs=(Run(text="部分"),)),
        ]

        assert list(papers.read("# 标题\n\n左 -> 右\n- - -\n=== page ===\n## 部分\n")) == expected

    def test_table(self) -> None:
        found = table("| A | B | C |\n|--|----|--:|\n| **a** | b ||\n| a<br>-> b | c | 1 |")

        assert list(found.widths) == [2.0, 4.0, 2.0]
        assert [cell.text for cell in found.head[0].cells] == ["A", "B", "C"]
        assert [(cell.text, cell.span, cell.is_label) for cell in found.rows[0].cells] == [
            ("a", 1, True), ("b", 2, False),
        ]  # fmt: skip
        assert [(cell.text, cell.align) for cell in found.rows[1].cells] == [
            ("a\nb", "left"), ("c", "left"), ("1", "right"),
        ]  # fmt: skip

    @each(
        "row, spans",
        [
            ("| a | b | c |", [1, 1, 1]),
            ("| a ||| ", [3]),
            ("| a || c |", [2, 1]),
            ("| a |", [3]),
            ("| a | b |", [1, 2]),
        ],
    )
    def test_rows_reach_the_end_of_the_table(self, row: str, spans: list[int]) -> None:
        found = table(f"|-|-|-|\n{row}")

        assert [cell.span for cell in found.rows[0].cells] == spans

    def test_values_are_no_markup(self) -> None:
        values: Values = []
        wild = "| x | **b** -> <br>\n# {{1+1}} \\"
        found = table(f"|-|-|\n| **标** | {papers.mark(values, wild, 7)} |", values)

        assert [cell.text for cell in found.rows[0].cells] == ["标", wild]
        assert found.rows[0].cells[1].value == 7

    def test_escaped_signs_are_no_markup(self) -> None:
        found = table("|-|\n| a \\| \\*\\*b\\*\\* \\-> c |")

        assert found.rows[0].cells[0].text == "a | **b** -> c"

    def test_columns_are_limited(self) -> None:
        assert len(table("|" + "-|" * 1000 + "\n|" + "a|" * 1000).widths) <= 24


class TestPdf:
    def test_has_the_text_and_its_copies(self) -> None:
        made = papers.pdf(
            paper("# 登记表\n|--|--|\n| **客户** | 王 🚗 |", copies=("第一联", "第二联"), foot=papers.read_line("脚"))
        )

        first, second = pdf.pages(made)
        assert pdf.bare(first) == "第一联登记表客户王🚗脚第1页，共1页"
        assert pdf.bare(second) == "第二联登记表客户王🚗脚第1页，共1页"

    def test_is_for_archives_with_fonts_of_its_own(self) -> None:
        made = papers.pdf(paper("# 登记表\n字体 ☐ ☑ 🚗"))

        assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in made
        assert b"NotoSansSC" in made
        assert b"NotoSerifSC" in made
        assert len(made) < 100_000

    def test_is_the_same_again(self) -> None:
        assert papers.pdf(paper("# 甲\n乙")) == papers.pdf(paper("# 甲\n乙"))

    def test_names_signs_that_no_font_has(self) -> None:
        assert "王 [U+D55C] 🚗" in pdf.text(papers.pdf(paper("# 甲\n王 한 🚗")))

    @each(
        "text",
        ["#panic()", "$x$", "*b* _i_", "@ref <label>", "\\u{41}", "// c", "#import \"x\"", "`raw`", "= h", "a\\\nb"],
    )
    def test_texts_are_no_program(self, text: str) -> None:
        values: Values = []
        mark = papers.mark(values, text, text)

        assert pdf.bare(text) in pdf.bare(pdf.text(papers.pdf(paper(f"# 甲\n{mark}", values))))

    def test_numbers_pages_and_repeats_the_head_of_tables(self) -> None:
        rows = "\n".join(f"| {number} | 内容 |" for number in range(60))
        pages = pdf.pages(papers.pdf(paper(f"# 登记表\n| 编号 | 内容摘要 |\n|--|----|\n{rows}")))

        assert len(pages) > 1
        assert all("内容摘要" in page for page in pages)
        assert pdf.bare(pages[-1]).endswith(f"第{len(pages)}页，共{len(pages)}页")

    def test_breaks_what_nobody_else_would(self) -> None:
        values: Values = []
        mark = papers.mark(values, "x" * 3_000, None)
        pages = pdf.pages(papers.pdf(paper(f"|-|-|\n| a | {mark} |", values)))

        assert pdf.bare("".join(pages)).count("x") == 3_000

    def test_of_a_long_paper_is_the_same_by_another_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        long = paper("| a | b |\n|-|-|\n" + "\n".join(f"| {number} | 内容 한 🚗 |" for number in range(400)))
        here = papers.pdf(long)
        monkeypatch.setattr("casepath.engine.papers.typesetting.LONG", 0)

        assert papers.pdf(long) == here

    def test_leaves_out_what_is_no_sign(self) -> None:
        assert "a b" in pdf.text(papers.pdf(paper("# 甲\na \x00\x07\x1b\ufeffb")))

    def test_refuses_what_is_too_long(self) -> None:
        values: Values = []
        mark = papers.mark(values, "字" * 200_000, None)
        with pytest.raises(errors.InvalidInput, match="too long"):
            papers.pdf(paper(f"# 甲\n{mark}", values, copies=("一", "二")))

    def test_takes_little_time(self) -> None:
        """A page takes some 20 ms and the longest list that there may be some seconds; this is for what grows worse."""
        made = paper("| a | b |\n|-|-|\n" + "\n".join(f"| {n} | {'内容' * 20} |" for n in range(1000)))
        began = time.process_time()
        papers.pdf(made)

        assert time.process_time() - began < 15


class TestWorkbook:
    def test_keeps_types(self) -> None:
        moment = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
        row = ["TS1", moment, date(2026, 11, 3), Decimal("9999.5"), 7, True, None, "=1+1"]
        columns = [Column(label=str(number)) for number in range(len(row))]
        made = papers.workbook(
            [Sheet(name="登记表/1", columns=columns, rows=[row], above="期间")], zone=SHANGHAI, created_at=MADE_AT
        )

        sheet = openpyxl.load_workbook(io.BytesIO(made)).active
        assert sheet.title == "登记表 1"
        assert sheet["A1"].value == "期间"
        read = [str(cell.value) if isinstance(cell.value, datetime) else cell.value for cell in sheet[3]]
        assert read == ["TS1", "2026-11-02 09:00:00", "2026-11-03 00:00:00", 9999.5, 7, True, None, "=1+1"]
        assert isinstance(sheet["B3"].value, datetime)
        assert sheet["H3"].data_type == "s"
        assert sheet["B3"].number_format == "yyyy-mm-dd hh:mm"
        assert sheet["C3"].number_format == "yyyy-mm-dd"

    def test_of_a_paper(self) -> None:
        values: Values = []
        day = papers.mark(values, "2026年11月3日", date(2026, 11, 3))
        kind = papers.mark(values, "维修质量", "repair")
        made = paper(f"# 登记表\n|a|b|\n\n| 日期 | 性质 |\n|---|---------|\n| {day} | {kind} |", values)

        sheet = papers.sheet_of(made)

        assert sheet.name == "登记表"
        assert [column.label for column in sheet.columns] == ["日期", "性质"]
        assert list(sheet.rows) == [[date(2026, 11, 3), "维修质量"]]

    @each("value", [True, False])
    def test_of_a_paper__says_yes_and_no_in_words(self, value: bool) -> None:
        values: Values = []
        told = papers.mark(values, "是或否", value)

        sheet = papers.sheet_of(paper(f"# 登记表\n| 已交 |\n|------|\n| {told} |", values))

        assert list(sheet.rows) == [["是或否"]]

    def test_numbers_are_shown_as_they_are_told(self) -> None:
        share = papers.Number(value=Decimal("0.125"), shown="0.0%")
        sheets = [Sheet(name=name, columns=[Column(label="a")], rows=[[share]]) for name in ("A'" * 20, "a'" * 20, "")]

        book = openpyxl.load_workbook(io.BytesIO(papers.workbook(sheets, zone=SHANGHAI, created_at=MADE_AT)))

        assert [(sheet["A2"].value, sheet["A2"].number_format) for sheet in book.worksheets] == [(0.125, "0.0%")] * 3
        assert [sheet.title for sheet in book.worksheets] == ["A'" * 15 + "A", ("a'" * 14)[:27] + " 2", "-"]

    def test_of_a_paper_without_a_table(self) -> None:
        assert papers.sheet_of(paper("# 登记表")).columns == []
