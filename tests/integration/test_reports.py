"""Reports: what processes measure, what declarations count, and the process instances behind each number."""

from __future__ import annotations

import random
import statistics
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database.models import UserTask, measurements
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.people.authorization import Person
from casepath.engine.queries import reports
from casepath.engine.reports import Period
from casepath.engine.time import clock
from tests import diagrams, factories
from tests.acting import PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]
pytestmark = pytest.mark.usefixtures("clock")

MEASURED = (
    "asked_at:moment,answered_at:moment,due_at:moment,ended:moment,started:moment,colour:text,who:person,urgent:boolean,"
    "weight:number,wait:working(asked_at..answered_at),whole:elapsed(asked_at..ended),late:elapsed(due_at..answered_at)"
)
REPORT = """
id: requests
name: 请求
name_en: Requests
processes: [request]
period: month
compare: [before, year_before]
readers: [head]
conditions:
  quick: {wait: {at_most: PT2H}}
figures:
  all: {name: 全部, measure: count}
  open: {name: 未结, measure: count, where: {state: open}}
  quick: {name: 及时, measure: share, where: quick, of: {wait: {known: true}}, decimals: 1, target: {at_least: 50}}
  mean: {name: 平均, measure: mean, fact: wait, unit: minutes, decimals: 2}
  median: {name: 中位, measure: median, fact: weight, decimals: 3}
  p90: {name: 九成, measure: percentile, percent: 90, fact: weight, decimals: 3}
  sum: {name: 合计, measure: sum, fact: weight, decimals: 2}
  most: {name: 最多, measure: most, fact: weight, decimals: 2}
  ratio: {name: 比, measure: ratio, part: open, whole: all, decimals: 1}
  hours: {name: 小时, measure: sum, fact: wait, unit: hours, shown: false}
  urgent: {name: 急, measure: sum, fact: wait, unit: days, where: {urgent: true}, shown: false}
  haste: {name: 急的部分, measure: ratio, part: urgent, whole: hours, decimals: 3}
  late: {name: 晚, measure: count, where: [{late: {above: PT0S}}, {answered_at: null, due_at: {below: now}}]}
  early: {name: 早, measure: count, where: {answered_at: {below: due_at}}}
  never: {name: 未到, measure: count, where: {passes(request/look): {at_least: 1, known: false}}}
  passed: {name: 到, measure: count, where: {passes(request/look): {at_least: 1}}}
  other: {name: 别, measure: count, where: {colour: {not: [red]}, urgent: true}}
tables:
  - {id: colours, name: 颜色, by: colour, figures: [all, median, quick]}
  - {id: hours, name: 时, by: hour, figures: [all]}
  - {id: days, name: 日, by: weekday, moment: answered_at, figures: [all, ratio]}
  - {id: months, name: 月, by: month, moment: answered_at, figures: [all]}
  - id: bands
    name: 段
    rows:
      - {name: 轻, where: {weight: {below: 5}}}
      - {name: 重, where: {weight: {at_least: 5}}}
    figures: [all, mean]
  - {id: red, name: 红, by: urgent, where: {colour: red}, figures: [all, median, quick]}
  - id: red_bands
    name: 红段
    where: {colour: red}
    rows:
      - {name: 轻, where: {weight: {below: 5}}}
      - {name: 重, where: {weight: {at_least: 5}}}
    figures: [all]
"""
CALENDAR = b'{"zone": "America/New_York", "hours": {"mon-fri": [["09:00", "17:00"]]}}'
NOVEMBER = Period(2026, 11)


def files(report: str = REPORT, measured: str = MEASURED) -> dict[str, bytes]:
    """A process that measures, its report, and opening hours in a zone whose clocks change in November."""
    declared = (
        "<extensionElements><camunda:properties>"
        f'<camunda:property name="measured" value="{measured}"/></camunda:properties></extensionElements>'
    )
    process = diagrams.process(
        declared, diagrams.nodes("startEvent s; userTask look; endEvent e"), flow="s > look; look > e", key="request"
    )
    return {"request.bpmn": process, "reports/requests.yaml": report.encode(), "calendar.json": CALENDAR}


@pytest.fixture
def asked(transaction: Sessions) -> list[dict[str, Any]]:
    """Sixty requests of October and November 2026, some of them answered, whose values are known."""
    chance = random.Random(7)
    begin = datetime(2026, 10, 20, 13, tzinfo=UTC)
    made = []
    with transaction.begin() as session:
        deployments.deploy(session, files(), name="requests", by=PROGRAM)
        for number in range(60):
            at = begin + timedelta(hours=13 * number)
            clock.set_to(at)
            values: dict[str, Any] = {
                "asked_at": at,
                "colour": chance.choice(["red", "green", None]),
                "urgent": chance.choice([True, False]),
                "weight": Decimal(chance.randrange(100_000)) / 10_000,
                "due_at": at + timedelta(hours=5),
            }
            if number % 3:
                values["answered_at"] = at + timedelta(minutes=chance.randrange(6_000))
            values["id"] = process_instances.start(session, "request", values, by=PROGRAM).id
            made.append(values)
        clock.set_to(datetime(2026, 12, 24, tzinfo=UTC))
    return made


def reckoned(session: Session, period: Period = NOVEMBER, by: Any = PROGRAM) -> reports.Reckoning:
    """The report of a period for somebody."""
    return reports.reckon(session, reports.opened(session, "requests", by=PROGRAM), period, by=by)


def rounded(number: Any, decimals: int) -> Decimal:
    """A number with so many decimals."""
    return Decimal(str(number)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def of_november(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    zone = clock.time_zone("America/New_York")
    return [each for each in asked if each["asked_at"].astimezone(zone).month == 11]


def test_reckon__is_what_python_reckons(transaction: Sessions, asked: list[dict[str, Any]]) -> None:
    found = of_november(asked)
    weights = [values["weight"] for values in found]
    calendar = clock.Calendar.from_json({"zone": "America/New_York", "hours": {"mon-fri": [["09:00", "17:00"]]}})
    waits = [calendar.working_between(each["asked_at"], each["answered_at"]) for each in found if "answered_at" in each]
    minutes = [int(wait.total_seconds()) / 60 for wait in waits]
    quick = sum(wait <= timedelta(hours=2) for wait in waits)
    answered = [each for each in found if "answered_at" in each]
    urgent = sum(minute for minute, each in zip(minutes, answered, strict=True) if each["urgent"])

    with transaction.begin() as session:
        values = {key: value.value for key, value in reckoned(session).values.items()}

    assert values == {
        "all": len(found),
        "open": len(found),
        "quick": rounded(100 * quick / len(waits), 1),
        "mean": rounded(sum(minutes) / len(minutes), 2),
        "median": rounded(statistics.median(weights), 3),
        "p90": rounded(statistics.quantiles(weights, n=10, method="inclusive")[-1], 3),
        "sum": rounded(sum(weights), 2),
        "most": rounded(max(weights), 2),
        "ratio": Decimal("100.0"),
        "hours": rounded(sum(minutes) / 60, 0),
        "urgent": rounded(urgent / 60 / 24, 0),
        # Of what was counted, not of the hours and days that are shown.
        "haste": rounded(100 * urgent / sum(minutes), 3),
        "late": sum("answered_at" not in each or each["answered_at"] > each["due_at"] for each in found),
        "early": sum("answered_at" in each and each["answered_at"] < each["due_at"] for each in found),
        # How often is always known.
        "never": 0,
        "passed": len(found),
        "other": sum(each["colour"] != "red" and each["urgent"] for each in found),
    }


def test_reckon__tables_on_the_clocks_of_the_house(transaction: Sessions, asked: list[dict[str, Any]]) -> None:
    zone, found = clock.time_zone("America/New_York"), of_november(asked)
    answers = [each["answered_at"].astimezone(zone) if "answered_at" in each else None for each in found]

    with transaction.begin() as session:
        tables = {
            key: {row.key: int(row.values["all"].value or 0) for row in rows}
            for key, rows in reckoned(session).tables.items()
        }
        medians = {row.key: row.values["median"].value for row in reckoned(session).tables["colours"]}

    def counted(keys: Any) -> dict[Any, int]:
        listed = list(keys)
        return {key: listed.count(key) for key in set(listed)}

    assert tables["colours"] == counted(each["colour"] for each in found)
    assert tables["hours"] == counted(each["asked_at"].astimezone(zone).hour for each in found)
    assert tables["days"] == counted(at.weekday() if at else None for at in answers)
    assert tables["months"] == counted(at.year * 12 + at.month - 1 if at else None for at in answers)
    assert tables["bands"] == counted(int(each["weight"] >= 5) for each in found)
    assert medians["red"] == rounded(statistics.median(each["weight"] for each in found if each["colour"] == "red"), 3)


def test_reckon__tables_of_some_only(transaction: Sessions, asked: list[dict[str, Any]]) -> None:
    with transaction.begin() as session:
        tables = reckoned(session).tables

    red = [each for each in of_november(asked) if each["colour"] == "red"]
    urgent = [each for each in red if each["urgent"]]
    light = [each for each in red if each["weight"] < 5]
    counted = {row.key: row.values["all"].value for row in tables["red"]}
    assert counted == {"true": len(urgent), "false": len(red) - len(urgent)}
    assert [row.values["all"].value for row in tables["red_bands"]] == [len(light), len(red) - len(light)]
    medians = {row.key: row.values["median"].value for row in tables["red"]}
    middle = statistics.median(each["weight"] for each in urgent)
    assert medians["true"] == middle.quantize(Decimal("0.001"), ROUND_HALF_UP)


def test_reckon__tables_by_values_leave_out_what_is_rare_and_say_so(
    transaction: Sessions, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casepath.engine.queries.reports.reckoning.MAX_GROUPS", 2)
    with transaction.begin() as session:
        found = reckoned(session)
    colours = [each["colour"] for each in of_november(asked)]

    assert found.shortened == {"colours"}
    assert len(found.tables["colours"]) == 2
    counted = {row.key: int(row.values["all"].value or 0) for row in found.tables["colours"]}
    assert min(counted.values()) >= min(colours.count(colour) for colour in {*colours} - counted.keys())
    # Every hour is there.
    assert sum(row.values["all"].part for row in found.tables["hours"]) == len(colours)


def test_behind__is_as_many_as_each_number_says(transaction: Sessions, asked: list[dict[str, Any]]) -> None:
    with transaction.begin() as session:
        report = reports.opened(session, "requests", by=PROGRAM)
        found = reckoned(session)
        wrong: list[tuple[object, ...]] = []
        for figure in report.figures.values():
            for side in ("part", "whole"):
                chosen = reports.behind(session, report, NOVEMBER, by=PROGRAM, figure=figure, side=side)
                if reports.count(session, chosen) != getattr(found.values[figure.id], side):
                    wrong.append((figure.id, side))
        for table in report.tables:
            for row in found.tables[table.id]:
                for value in row.values.values():
                    chosen = reports.behind(
                        session, report, NOVEMBER, by=PROGRAM, figure=value.figure, table=table, key=row.key
                    )
                    if reports.count(session, chosen) != value.part:
                        wrong.append((table.id, row.key, value.figure.id))

    assert wrong == []


def test_counted__adds_up_to_each_number(transaction: Sessions, asked: list[dict[str, Any]]) -> None:
    with transaction.begin() as session:
        report = reports.opened(session, "requests", by=PROGRAM)
        found = reckoned(session)
        wrong: list[str] = []
        seen: set[str] = set()
        for figure in report.figures.values():
            side: Literal["part", "whole"] = "whole" if figure.measure == "share" else "part"
            chosen = reports.behind(session, report, NOVEMBER, by=PROGRAM, figure=figure, side=side)
            ids = session.scalars(chosen).all()
            counted = reports.counted(session, report, NOVEMBER, ids, by=PROGRAM, figure=figure, side=side)
            total, value = sum(each.exact or 0 for each in counted.values()), found.values[figure.id]
            expected = {"sum": value.exact, "share": value.part, "mean": (value.exact or 0) * value.part}
            if figure.measure in expected and (total != expected[figure.measure] or set(counted) != {*ids}):
                wrong.append(figure.id)
            seen.add(figure.measure)
            if figure.measure == "count":
                assert counted == {}

    assert wrong == []
    assert {"sum", "share", "mean", "count"} <= seen


REPAIRS = """
  repairs: {name: 修理, measure: count, processes: [repair]}
  costs: {name: 费用, measure: sum, fact: cost, processes: [repair]}
  each: {name: 每件, measure: ratio, part: costs, whole: repairs, processes: [repair]}
tables:
  - {id: works, name: 工种, by: work, figures: [repairs, each]}
"""


def test_reckon__figures_of_other_processes(transaction: Sessions, asked: list[dict[str, Any]]) -> None:
    """They are counted for themselves, and change nothing of the others."""
    measured = '<camunda:property name="measured" value="done_at:moment,work:text,cost:number"/>'
    properties = f"<extensionElements><camunda:properties>{measured}</camunda:properties></extensionElements>"
    repair = diagrams.process(properties, diagrams.nodes("startEvent s; userTask u"), flow="s > u", key="repair")
    both = files(REPORT.replace("tables:\n", REPAIRS.lstrip("\n"), 1))
    with transaction.begin() as session:
        before = reckoned(session)
        deployments.deploy(session, {**both, "repair.bpmn": repair}, name="repairs", by=PROGRAM)
        for work, cost in (("paint", 3), ("paint", 4), ("wheel", 5)):
            done = {"done_at": datetime(2026, 11, 9, tzinfo=UTC), "work": work, "cost": cost}
            process_instances.start(session, "repair", done, by=PROGRAM)
        found = reckoned(session)
        report = found.report
        each_repair, works = report.figures["each"], report.table("works")
        chosen = reports.behind(session, report, NOVEMBER, by=PROGRAM, figure=each_repair, table=works, key="paint")
        behind = reports.count(session, chosen)

    assert {key: value.value for key, value in found.values.items() if key in before.values} == {
        key: value.value for key, value in before.values.items()
    }
    assert [int(found.values[key].value or 0) for key in ("repairs", "costs", "each")] == [3, 12, 400]
    assert [(row.key, int(row.values["each"].value or 0)) for row in found.tables["works"]] == [
        ("paint", 350),
        ("wheel", 500),
    ]
    assert [row.key for row in found.tables["colours"]] == [row.key for row in before.tables["colours"]]
    assert behind == 2


def test_reckon__compares_with_the_month_before_and_the_year_before(
    transaction: Sessions, asked: list[dict[str, Any]]
) -> None:
    with transaction.begin() as session:
        compared = reckoned(session).compared

    assert {how: str(each.period) for how, each in compared.items()} == {"before": "2026-10", "year_before": "2025-11"}
    assert compared["before"].values["all"].value == len(asked) - len(of_november(asked))
    assert compared["year_before"].values["all"].value == 0
    assert compared["year_before"].values["quick"].value is None
    assert compared["year_before"].values["median"].value is None


def test_reckon__counts_what_its_reader_may_see(transaction: Sessions, asked: list[dict[str, Any]]) -> None:
    with transaction.begin() as session:
        user = factories.user(session, "ann")
        person = Person(username=user.username, groups=frozenset({"head"}))
        process_instances.start(session, "request", {"asked_at": datetime(2026, 11, 9, tzinfo=UTC)}, by=PROGRAM)
        before = reckoned(session, by=person).values["all"].value
        sees_all = Person(username=user.username, groups=frozenset({"head"}), sees_all=True)

        assert before == 0
        assert reckoned(session, by=sees_all).values["all"].value == len(of_november(asked)) + 1


def test_opened__for_readers_only(transaction: Sessions) -> None:
    with transaction.begin() as session:
        deployments.deploy(session, files(), name="requests", by=PROGRAM)
        head = Person(username="ann", groups=frozenset({"head"}))
        other = Person(username="ben", groups=frozenset({"clerk"}))
        auditor = Person(username="cid", groups=frozenset({"auditor"}))

        assert [each.key for each in reports.every(session, head)] == ["requests"]
        assert [each.key for each in reports.every(session, auditor)] == ["requests"]
        assert reports.every(session, other) == []
        with pytest.raises(errors.NotFound):
            reports.opened(session, "requests", by=other)


def test_measured__when_it_ends_and_what_stays(transaction: Sessions) -> None:
    clock.set_to(datetime(2026, 11, 9, 15, tzinfo=UTC))
    with transaction.begin() as session:
        deployments.deploy(session, files(), name="requests", by=PROGRAM)
        values = {
            "asked_at": datetime(2026, 11, 9, 14, tzinfo=UTC),
            "answered_at": datetime(2026, 11, 9, 16, tzinfo=UTC),
        }
        process_instances.start(session, "request", values, by=PROGRAM)
    with transaction.begin() as session:
        # Times that were measured stay as they were, whatever the calendar says later.
        deployments.deploy(session, {"calendar.json": CALENDAR.replace(b"09:00", b"11:00")}, name="c", by=PROGRAM)
        clock.set_to(datetime(2026, 11, 9, 18, tzinfo=UTC))
        task = session.scalars(select(UserTask)).one()
        user_tasks.complete(session, task.id, {"weight": 2}, by=PROGRAM)
        row = session.execute(select(measurements)).one()

    assert row.begun_at == int(values["asked_at"].timestamp())
    # In the order of the declaration: moments, weight, working time, elapsed time.
    assert row.number_4 - row.begun_at == 4 * 3_600
    assert row.number_5 - row.begun_at == 3_600
    assert (row.number_6, row.number_7, row.number_8) == (20_000, 2 * 3_600, 4 * 3_600)


def test_erase__forgets_what_was_measured(transaction: Sessions) -> None:
    with transaction.begin() as session:
        deployments.deploy(session, files(), name="requests", by=PROGRAM)
        started = process_instances.start(session, "request", {"colour": "red", "weight": 3}, by=PROGRAM)
        process_instances.cancel(session, started.id, by=PROGRAM, reason="wrong")
        history.erase(session, started.id, ["colour"], by=None, reason="asked for")
        row = session.execute(select(measurements)).one()

    assert (row.text_1, row.number_6) == (None, 30_000)


@each(
    "measured, said",
    [
        ("a", "Expected a name and its type"),
        ("a:colour", "Expected a name and its type"),
        ("a:working(b..c)", "needs two moments"),
        ("a:text, a:number", "is measured twice"),
        (",".join(f"v{number}:text" for number in range(25)), "Expected fewer values"),
    ],
)
def test_deploy__refuses_what_cannot_be_measured(measured: str, said: str) -> None:
    with pytest.raises(errors.DeploymentRefused, match="measured") as caught:
        raise errors.DeploymentRefused(deployments.check({"p.bpmn": files(measured=measured)["request.bpmn"]}).findings)
    assert any(said in str(finding.phrase) for finding in caught.value.findings)


@each(
    "old, new, said",
    [
        ("processes: [request]", "processes: [nothing]", "“nothing”, which is not there"),
        ("fact: wait", "fact: patience", "measures, but found “patience”"),
        ("by: colour", "by: flavour", "measures, but found “flavour”"),
        ("by: colour", "by: weight", "“weight” is of the type “number”"),
        ("fact: weight, decimals: 2", "fact: colour, decimals: 2", "“colour” is of the type “text”"),
        ("{colour: {not: [red]}", "{weight: {not: [red]}", "“weight” is of the type “number”"),
        ("{wait: {at_most: PT2H}}", "{wait: {at_most: 2}}", "“wait” is of the type “working”"),
        ("{below: due_at}", "{below: colour}", "“colour” is of the type “text”"),
        ("moment: answered_at", "moment: weight", "“weight” is of the type “number”"),
        ("fact: wait, unit: minutes", "fact: wait", "“wait” is of the type “working”"),
        ("name: 早, measure", "name: 早, processes: [other], measure", "“other”, which is not there"),
        ("part: open, whole: all", "part: open, whole: all, processes: [other]", "same processes, but found “open”"),
        ("measure: median", "measure: median, processes: [other]", "same processes, but found “median”"),
        ("part: urgent, whole: hours", "part: urgent, whole: all", "two figures with a unit, or two without one"),
    ],
)
def test_deploy__refuses_what_nothing_measures(transaction: Sessions, old: str, new: str, said: str) -> None:
    assert old in REPORT
    with transaction.begin() as session, pytest.raises(errors.DeploymentRefused) as caught:
        deployments.deploy(session, files(REPORT.replace(old, new)), name="requests", by=PROGRAM)
    assert any(said in str(finding.phrase) for finding in caught.value.findings)


def test_allot__columns_are_kept_for_ever(transaction: Sessions) -> None:
    with transaction.begin() as session:
        for measured in ("one:text,two:number", "two:number,three:text", "three:text,one:text"):
            deployments.deploy(session, {"p.bpmn": files(measured=measured)["request.bpmn"]}, name="p", by=PROGRAM)
        process_instances.start(session, "request", {"one": "a", "three": "c"}, by=PROGRAM)
        row = session.execute(select(measurements)).one()

    assert (row.text_1, row.text_2) == ("a", "c")
