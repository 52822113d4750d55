"""The monthly report over ten complaints of November 2026, to the digit."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from lxml import html
from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker

from casepath.demo import EngineStage
from casepath.engine import database
from casepath.engine.deployments import definitions
from casepath.engine.people.authorization import Program
from casepath.engine.queries import reports
from casepath.engine.reports import Period, Report, read
from casepath.engine.time import clock
from casepath.settings import Settings
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import database as databases
from tests import november, pdf
from tests.acceptance.conftest import PROCESSES
from tests.applications import make_app
from tests.web.visitor import Visitor

NOVEMBER = Period(2026, 11)
READER = Program("reader")
FIGURES = {
    "received": "10",
    "resolved": "8",
    "open": "1",
    "withdrawn": "1",
    "resolution_rate": "88.9",
    "contact_in_time": "80.0",
    "contact_mean": "1.7",
    "handling_mean": "77.3",
    "handling_median": "36.25",
    "overdue": "1",
    "score": "7.0",
    "satisfied": "100.0",
    "not_satisfied": "2",
    "not_satisfied_again": "1",
    "praised": "1",
    "exchanged": "10.0",
    "reported_late": "0",
}
TABLES: dict[str, dict[Any, int]] = {
    "causes": {"product": 2, "after_sales": 2, "other": 2, "attitude": 1, "misunderstanding": 1, None: 2},
    "channels": {
        "phone": 3, "visit": 2, "hotline": 1, "letter": 1, "crm": 1, "follow_up_call": 1, "fax": 1,
    },
    "customer_types": {"impatient": 9, "dominant": 1},
    "departments": {0: 5, 1: 4, 2: 1, 3: 0},
    "severities": {"ordinary": 6, "medium": 3, "major": 1},
    "hours": {9: 3, 10: 2, 11: 1, 12: 1, 15: 1, 16: 1, 17: 1},
    "weekdays": {0: 2, 1: 2, 2: 1, 3: 2, 4: 1, 5: 1, 6: 1},
}  # fmt: skip


def play(sessions: sessionmaker[Session]) -> None:
    """Tell of the ten complaints, up to the morning of 1 December."""
    november.play(EngineStage(sessions, Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai")).rest))


@pytest.fixture(scope="module")
def house(dealership_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, datetime]]:
    """The pages after the ten complaints, and when that is; nobody changes anything any more."""
    folder = tmp_path_factory.mktemp("november")
    definitions.forget()
    url = databases.copy_file(dealership_file, folder / "casepath.db")
    app = make_app(Settings(data_folder=folder, database_url=url, secret_key=SecretStr("secret")))
    play(database.sessions(app.extensions["database"]))
    now = clock.now()
    clock.reset()
    yield app, now
    app.extensions["database"].dispose()


@pytest.fixture
def on_sqlite(house: tuple[Flask, datetime]) -> Iterator[Flask]:
    """The pages in the morning of 1 December."""
    app, now = house
    definitions.forget()
    clock.set_to(now)
    yield app
    clock.reset()


@pytest.fixture
def on_postgresql(dealership_on_postgresql: str) -> Iterator[sessionmaker[Session]]:
    """The same morning on PostgreSQL."""
    pool = database.connect(dealership_on_postgresql)
    made = database.sessions(pool)
    play(made)
    yield made
    clock.reset()
    pool.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def sessions(request: pytest.FixtureRequest) -> sessionmaker[Session]:
    """The dealership in the morning of 1 December; the test runs once on each kind of database."""
    if request.param == "sqlite":
        app: Flask = request.getfixturevalue("on_sqlite")
        return database.sessions(app.extensions["database"])
    made: sessionmaker[Session] = request.getfixturevalue("on_postgresql")
    return made


def test_monthly__to_the_digit(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        report = reports.opened(session, "monthly", by=READER)
        found = reports.reckon(session, report, NOVEMBER, by=READER)

    assert {key: str(found.values[key].value) for key in FIGURES} == FIGURES
    counted = {key: {row.key: int(row.values["received"].value or 0) for row in found.tables[key]} for key in TABLES}
    assert counted == TABLES
    assert {row.key: str(row.values["praised"].value) for row in found.tables["praised"]} == {"孙涛": "1"}
    contact = found.values["contact_in_time"]
    assert (contact.part, contact.whole, contact.is_met) == (8, 10, False)


#: Of which nothing can be said: no improvement was verified in that month, and no answer was promised.
UNSAID = {"改进措施有效率", "按承诺时间答复"}
NUMBER = re.compile(r"[\d,]+(?:\.\d+)?")


@pytest.fixture
def director(on_sqlite: Flask) -> Visitor:
    """The customer director on 1 December."""
    return Visitor(on_sqlite.test_client(), november.DIRECTOR)


def test_pages__every_number_leads_to_as_many_matters(director: Visitor) -> None:
    page = director.get("/reports/monthly/2026-11")
    assert page.status_code == 200
    root = html.fromstring(page.data)
    figures = {
        label.text_content(): NUMBER.findall(label.getparent().xpath("./dd[1]")[0].text_content())[0]
        for label in root.xpath("//dl[contains(@class, 'report-figures')]//dt")
        if label.text_content() not in UNSAID
    }
    assert figures["办结率"] == "88.9"
    assert (figures["处理时长，中位"], figures["满意度，平均（1–10）"], figures["2 小时内联系"]) == (
        "36.25",
        "7.0",
        "80.0",
    )

    addresses = {str(link) for link in root.xpath("//main//a[contains(@href, '/matters?')]/@href")}
    counted = {}
    for address in addresses:
        behind = html.fromstring(director.get(address).data)
        said = int(NUMBER.findall(behind.get_element_by_id("count").text_content())[0])
        counted[address] = (said, len(behind.xpath("//main//tbody/tr")))
    assert len(addresses) > 70
    assert {address: pair for address, pair in counted.items() if pair[0] != pair[1] or not pair[0]} == {}
    # What counts matters says how many there are behind it.
    of_counts = {"received", "resolved", "open", "withdrawn", "overdue", "praised"}
    of_counts |= {"not_satisfied", "not_satisfied_again"}
    for link in root.xpath("//dl//dd[@class='big']/a"):
        figure = str(link.get("href")).partition("figure=")[2].partition("&")[0]
        if figure in of_counts:
            assert counted[link.get("href")][0] == int(link.text_content())


def test_file__has_the_digits_of_the_page(director: Visitor) -> None:
    answer = director.get("/reports/monthly/2026-11/report.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    first = book.worksheets[0]
    shown = {}
    for name, cell in ((row[0].value, row[1]) for row in first.iter_rows(min_row=2)):
        if name in UNSAID:
            assert cell.value is None
            continue
        digits = len(str(cell.number_format).partition(".")[2].rstrip("%"))
        assert isinstance(cell.value, int | float), name
        number = Decimal(str(cell.value)) * (100 if str(cell.number_format).endswith("%") else 1)
        shown[name] = f"{number:.{digits}f}"
    names = {key: figure.name for key, figure in declared().figures.items()}

    assert {key: shown[names[key]] for key in FIGURES} == FIGURES
    causes = {row[0]: row[1] for row in book["原因"].iter_rows(min_row=2, values_only=True)}
    assert causes == {
        "产品质量问题": 2, "售后服务/维修质量问题": 2, "其它原因": 2, "服务态度问题": 1, "客户误解": 1, "尚未认定": 2,
    }  # fmt: skip


def test_pdf__has_the_digits_of_the_page(director: Visitor) -> None:
    told = pdf.bare(pdf.text(director.get("/reports/monthly/2026-11/report.pdf").data))
    units = {"hours": "小时", "percent": "%"}

    expected = []
    for key, figure in declared().figures.items():
        if key in FIGURES and figure.is_shown:
            unit = units["percent"] if figure.is_percent else units.get(figure.unit or "", "")
            expected.append(pdf.bare(f"{figure.name}{FIGURES[key]}{unit}"))
    expected += ["产品质量问题2", "客户误解1", "尚未认定2"]
    assert [text for text in expected if text not in told] == []


def declared() -> Report:
    """The monthly report as it is shipped."""
    file = PROCESSES / "statistics" / "reports" / "monthly.yaml"
    return read(file.name, file.read_bytes())
