"""Timers: dates, durations, cycles and cron."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casepath.engine import errors
from casepath.engine.time import cron, timers
from casepath.engine.time.clock import Calendar
from casepath.engine.time.timers import Due, Kind
from tests.each import each

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 3, 27, 16, 0, tzinfo=UTC)  # a Friday, two days before clocks go forward


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN))


def moments(kind: Kind, text: str, *, count: int = 5) -> list[datetime]:
    """Return when a timer is due, each executed in time."""
    due: Due | None = timers.parse(kind, text).first(NOW, BERLIN)
    found: list[datetime] = []
    while due is not None and len(found) < count:
        found.append(due.at)
        due = due.next(due.at)
    return found


@each(
    "kind, text, expected",
    [
        ("date", "2026-10-01", "2026-10-01T00:00"),
        ("date", "2026-10-01T09:00", "2026-10-01T09:00"),
        ("date", "2026-10-01T09:00:00+08:00", "2026-10-01T03:00"),  # of another zone
        ("date", "2020-01-01", "2020-01-01T00:00"),  # passed: due at once
        ("duration", "PT2H", "2026-03-27T19:00"),
        ("duration", "P3D", "2026-03-30T17:00"),  # the same time of day
        ("duration", "PT72H", "2026-03-30T18:00"),  # exactly so long
        ("duration", "P1M", "2026-04-27T17:00"),
        ("duration", "P11M", "2027-02-27T17:00"),
        ("duration", "P1Y2M3DT4H5M6.5S", "2027-05-30T21:05:06.500000"),
        ("duration", "PT0,25S", "2026-03-27T17:00:00.250000"),
        ("duration", "P2W", "2026-04-10T17:00"),
        ("duration", "PT0S", "2026-03-27T17:00"),
    ],
)
def test_first__once(kind: Kind, text: str, expected: str) -> None:
    due = timers.parse(kind, text).first(NOW, BERLIN)

    assert due.at == local(expected)
    assert due.at.tzinfo is UTC
    assert due.remaining == 0
    assert due.next(NOW) is None


def test_first__a_month_from_the_31st_is_its_last_day() -> None:
    due = timers.parse("duration", "P1M").first(datetime(2026, 1, 31, 12, tzinfo=UTC), "UTC")

    assert due.at == datetime(2026, 2, 28, 12, tzinfo=UTC)


@each(
    "text, expected",
    [
        ("R3/PT1H", ["2026-03-27T18:00", "2026-03-27T19:00", "2026-03-27T20:00"]),
        ("R1/PT1H", ["2026-03-27T18:00"]),
        ("R2/2026-04-01T09:00/P1D", ["2026-04-01T09:00", "2026-04-02T09:00"]),
        ("R3/2026-03-27T16:00/PT1H", ["2026-03-27T17:00", "2026-03-27T18:00"]),  # one of three has passed
        ("R2/2020-01-01/P1M", ["2026-03-27T17:00"]),  # all have passed: due once
        ("R2/PT10S/2026-04-01", ["2026-03-31T23:59:50", "2026-04-01T00:00:00"]),
        ("R/P1D/2026-03-30", ["2026-03-28T00:00", "2026-03-29T00:00", "2026-03-30T00:00"]),
        ("R3/2026-03-28T09:00/2026-03-29T09:00", ["2026-03-28T09:00", "2026-03-29T09:00", "2026-03-30T09:00"]),
        ("R/P1D", [f"2026-{day}T17:00" for day in ("03-28", "03-29", "03-30", "03-31", "04-01")]),
        ("R/2026-01-31/P1M", [f"2026-{day}T00:00" for day in ("03-31", "04-30", "05-31", "06-30", "07-31")]),
        ("0 9 * * MON-FRI", [f"2026-{day}T09:00" for day in ("03-30", "03-31", "04-01", "04-02", "04-03")]),
        ("0 0 9 ? * MON-FRI", [f"2026-{day}T09:00" for day in ("03-30", "03-31", "04-01", "04-02", "04-03")]),
        ("0 0 9 ? * 2-6", [f"2026-{day}T09:00" for day in ("03-30", "03-31", "04-01", "04-02", "04-03")]),
        ("0 9 * * 1-5", [f"2026-{day}T09:00" for day in ("03-30", "03-31", "04-01", "04-02", "04-03")]),
        ("0 0 12 ? * FRI-MON", [f"2026-{day}T12:00" for day in ("03-28", "03-29", "03-30", "04-03", "04-04")]),
        ("0 0 12 ? * SUN", [f"2026-{day}T12:00" for day in ("03-29", "04-05", "04-12")]),
        ("0 0 12 ? * SAT", [f"2026-{day}T12:00" for day in ("03-28", "04-04", "04-11")]),
        ("0 0 12 ? * 6L", [f"2026-{day}T12:00" for day in ("04-24", "05-29", "06-26", "07-31", "08-28")]),
        ("0 0 12 ? * 6#3", [f"2026-{day}T12:00" for day in ("04-17", "05-15", "06-19", "07-17", "08-21")]),
        ("0 0 0 L * ?", [f"2026-{day}T00:00" for day in ("03-31", "04-30", "05-31", "06-30", "07-31")]),
        ("0 0 0 1 1 ? 2028-2029", ["2028-01-01T00:00", "2029-01-01T00:00"]),
        ("0 0 0 1 1 ? ?", ["2027-01-01T00:00", "2028-01-01T00:00"]),
        ("@midnight", [f"2026-{day}T00:00" for day in ("03-28", "03-29", "03-30", "03-31", "04-01")]),
        ("@daily", [f"2026-{day}T00:00" for day in ("03-28", "03-29", "03-30", "03-31", "04-01")]),
        ("0/30 * * * * ?", [f"2026-03-27T17:{at}" for at in ("00:30", "01:00", "01:30", "02:00", "02:30")]),
        ("30 2 28-31 3 *", [f"2026-03-{at}" for at in ("28T02:30", "29T03:00", "30T02:30", "31T02:30")]),
    ],
)  # fmt: skip
def test_next__cycles(text: str, expected: list[str]) -> None:
    assert moments("cycle", text, count=len(expected)) == [local(at) for at in expected]


#: In Berlin 02:30 does not exist on 29 March 2026, and comes twice on 25 October.
@each(
    "text, after, expected",
    [
        ("30 2 * * *", "2026-03-28T12:00+01:00", ["03-29T03:00+02:00", "03-30T02:30+02:00"]),
        ("30 2 * * *", "2026-10-24T12:00+02:00", ["10-25T02:30+02:00", "10-26T02:30+01:00"]),
        ("0 30 2 * * ?", "2026-03-28T12:00+01:00", ["03-29T03:00+02:00", "03-30T02:30+02:00"]),
        ("30 30 2 * * ?", "2026-03-28T12:00+01:00", ["03-29T03:00:30+02:00", "03-30T02:30:30+02:00"]),
        ("30 30 2 * * ?", "2026-10-24T12:00+02:00", ["10-25T02:30:30+02:00", "10-26T02:30:30+01:00"]),
        ("0 3 * * *", "2026-03-28T12:00+01:00", ["03-29T03:00+02:00", "03-30T03:00+02:00"]),
        ("0 2-3 * * *", "2026-03-28T12:00+01:00", ["03-29T03:00+02:00", "03-30T02:00+02:00"]),
        ("30 2 29 3 *", "2026-03-01T12:00+01:00", ["03-29T03:00+02:00"]),
        ("0 30 2 29 3 ? 2026", "2026-03-01T12:00+01:00", ["03-29T03:00+02:00"]),
        ("*/30 * * * *", "2026-03-29T01:00+01:00", ["03-29T01:30+01:00", "03-29T03:00+02:00", "03-29T03:30+02:00"]),
        (
            "*/30 * * * *",
            "2026-10-25T02:00+02:00",
            ["10-25T02:30+02:00", "10-25T02:00+01:00", "10-25T02:30+01:00", "10-25T03:00+01:00"],
        ),
        ("15 0 * * * ?", "2026-10-25T02:00:15+02:00", ["10-25T02:00:15+01:00", "10-25T03:00:15+01:00"]),
    ],
)
def test_next__cron_where_clocks_are_changed(text: str, after: str, expected: list[str]) -> None:
    moment: datetime | None = datetime.fromisoformat(after)
    for at in expected:
        assert moment is not None
        moment = cron.parse(text).after(moment, ZoneInfo(BERLIN))
        assert moment == datetime.fromisoformat(f"2026-{at}")


def test_next__missed_moments_are_due_once_and_count() -> None:
    due = timers.parse("cycle", "R5/PT1H").first(NOW, BERLIN)

    later = due.next(NOW + timedelta(hours=3, minutes=5))

    assert later is not None
    assert (later.at, later.remaining) == (NOW + timedelta(hours=4), 1)


def test_next__none_where_all_were_missed() -> None:
    due = timers.parse("cycle", "R5/PT1H").first(NOW, BERLIN)

    assert due.next(NOW + timedelta(days=1)) is None


def test_next__of_seconds_after_a_year_is_found_at_once() -> None:
    due = timers.parse("cycle", "R/PT1S").first(NOW, BERLIN)

    later = due.next(NOW + timedelta(days=366, microseconds=1))

    assert later is not None
    assert later.at == NOW + timedelta(days=366, seconds=1)


def test_next__cron_skips_what_was_missed() -> None:
    due = timers.parse("cycle", "*/10 * * * *").first(NOW, "UTC")

    later = due.next(NOW + timedelta(hours=5, minutes=1))

    assert later is not None
    assert later.at == NOW + timedelta(hours=5, minutes=10)


@pytest.mark.parametrize("text", ["R3/PT1H", "R/P1D/2026-03-30", "0 9 * * *", "R2/2020-01-01/P1M"])
def test_from_json__what_as_json_gave(text: str) -> None:
    due = timers.parse("cycle", text).first(NOW, BERLIN)

    assert Due.from_json(cast("dict[str, object]", json.loads(json.dumps(due.as_json())))) == due


def test_from_json__refuses_something_else() -> None:
    with pytest.raises(errors.InvalidInput, match="when a timer is due"):
        Due.from_json({"at": 5})


#: What is expected in the place of each of these texts.
REFUSED: dict[tuple[Kind, str], list[str]] = {
    ("date", "an ISO 8601 date such as '2026-10-01' or '2026-10-01T09:00:00+08:00'"): [
        "", "tomorrow", "2026-02-30", "P1D", "2026-13-01T00:00",
    ],
    ("duration", "an ISO 8601 duration such as 'PT2H' or 'P1DT12H'"): [
        "", "P", "PT", "P1H", "1D", "P1DT", "PT1.5H", "2026-01-01", "P99999999999D",
    ],
    ("duration", "a duration that is not negative"): ["-PT1H"],
    ("cycle", "a cycle such as 'R3/PT1H' or '0 9 * * MON-FRI'"): [
        "R", "R-1/PT1H", "R3/PT1H/PT1H", "R1/2026-01-01", "R3/a/b/c",
    ],
    ("cycle", "a cycle that is due at least once"): ["R0/PT1H"],
    ("cycle", "an interval of at least one second"): [
        "R3/PT0S", "R/PT0.5S", "R/-PT1H", "R/2026-04-01/-P1D", "R/-P1D/2026-04-01", "R2/2026-01-02/2026-01-01",
    ],
    ("cycle", "a cron expression with 5, 6 or 7 fields"): ["", "PT1H", "* * * *", "0 0 0 1 1 ? 2026 5"],
    ("cycle", "a cron expression with a valid minute"): ["61 * * * *", "*/0 * * * *"],
    ("cycle", "a cron expression with a valid day-of-month"): ["0 0 30 2 *", "0 0 0 31 2 ?"],
    (
        "cycle",
        "a cron expression with a day such as '15', 'L' or 'LW' (days such as '15W' and 'L-3' are not supported)",
    ): ["0 0 0 15W * ?", "0 0 0 L-3 * ?"],
    ("cycle", "a cron expression with a weekday such as 'MON'"): ["0 0 0 ? * XYZ"],
    ("cycle", "a cron expression with a weekday such as 'MON-FRI', '2', '6L' or '6#3'"): ["0 0 0 ? * 8"],
    ("cycle", "a cron expression with years such as '2026', '2026-2028' or '2026,2028'"): ["0 0 0 1 1 ? 99"],
    ("cycle", "a cycle that is due again"): ["0 0 0 1 1 ? 2020"],
}  # fmt: skip


@each("kind, text, expected", [(kind, text, words) for (kind, words), texts in REFUSED.items() for text in texts])
def test_first__refuses_with_what_was_expected(kind: Kind, text: str, expected: str) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        timers.parse(kind, text).first(NOW, BERLIN)

    assert refused.value.message.startswith(f"Expected {expected}, but ")
    assert f"'{text}'" in refused.value.message


def test_parse__a_text_of_limited_length() -> None:
    with pytest.raises(errors.InvalidInput, match="at most 200 characters, but found 201"):
        timers.parse("cycle", "*" * 201)
    with pytest.raises(errors.InvalidInput, match="5, 6 or 7 fields"):
        timers.parse("cycle", "*" * 200)


def test_first__refuses_what_is_beyond_all_years() -> None:
    with pytest.raises(errors.InvalidInput, match="9999"):
        timers.parse("duration", "P9999Y").first(NOW, BERLIN)


@each(
    "kind, value, expected",
    [
        ("date", local("2026-05-01T10:00"), "2026-05-01T10:00"),
        ("date", date(2026, 5, 1), "2026-05-01T00:00"),
        ("date", "2026-05-01", "2026-05-01T00:00"),
        ("duration", timedelta(hours=1), "2026-03-27T18:00"),
        ("duration", "PT1H", "2026-03-27T18:00"),
        ("duration", local("2026-05-01T10:00"), "2026-05-01T10:00"),
    ],
)
def test_schedule__values_of_expressions(kind: Kind, value: object, expected: str) -> None:
    due = timers.schedule(kind, value, NOW, BERLIN)

    assert (due.at, due.remaining, due.next(NOW)) == (local(expected), 0, None)


@each(
    "kind, value, expected",
    [
        ("date", None, "the text of a date, but found a value of type NoneType"),
        ("date", 5, "the text of a date, but found a value of type int"),
        ("cycle", timedelta(hours=1), "the text of a cycle, but found a value of type timedelta"),
        ("duration", timedelta.max, "within the years 1 to 9999, but found 999999999 days"),
    ],
)
def test_schedule__refuses_other_values(kind: Kind, value: object, expected: str) -> None:
    with pytest.raises(errors.InvalidInput, match=expected):
        timers.schedule(kind, value, NOW, BERLIN)


def test_resolve__a_due_date_as_date_or_duration() -> None:
    assert timers.resolve(" P1D", NOW, BERLIN) == local("2026-03-28T17:00")
    assert timers.resolve("2026-04-01", NOW, BERLIN) == local("2026-04-01T00:00")
    assert timers.resolve(timedelta(hours=1), NOW, BERLIN) == NOW + timedelta(hours=1)


@given(
    st.sampled_from(["date", "duration", "cycle"]),
    st.text(max_size=30) | st.text("RPTYMDHS/-+:0123456789 *?LW#,", max_size=30),
)
def test_parse__any_text_is_a_timer_or_refused(kind: Kind, text: str) -> None:
    try:
        due = timers.parse(kind, text).first(NOW, BERLIN)
        following = due.next(due.at)
    except errors.InvalidInput:
        return
    assert following is None or following.at > due.at


@given(
    st.integers(1, 20),
    st.sampled_from(["PT1S", "PT90M", "P1D", "P1M", "P1Y1DT1H"]),
    st.timedeltas(timedelta(0), timedelta(days=900)),
)
def test_next__is_after_now_and_counts_down(count: int, period: str, late: timedelta) -> None:
    due = timers.parse("cycle", f"R{count}/{period}").first(NOW, BERLIN)

    following = due.next(NOW + late)

    if following is not None:
        assert following.at > NOW + late
        assert following.remaining is not None
        assert 0 <= following.remaining < count
        assert following.remaining + following.index == count


DEALER = Calendar.from_json(
    {
        "zone": "Asia/Shanghai",
        "country": "CN",
        "hours": {"mon-fri": [["08:30", "12:00"], ["13:30", "18:00"]], "sat": [["09:00", "17:00"]]},
        "days": {"2026-12-31": [["09:00", "15:00"]]},
    }
)


@each(
    "value, expected",
    [
        ("2026-11-30", "2026-11-30T18:00"),  # Monday
        ("2026-11-28", "2026-11-28T17:00"),  # Saturday
        ("2026-11-29", "2026-11-29T18:00"),  # Sunday: as on most days
        ("2026-10-01", "2026-10-01T18:00"),  # a holiday on a Thursday
        ("2026-10-03", "2026-10-03T17:00"),  # a holiday on a Saturday
        ("2026-12-31", "2026-12-31T15:00"),
        (date(2026, 11, 30), "2026-11-30T18:00"),
        ("2026-11-30T00:00", "2026-11-30T00:00"),
        ("PT2H", "2026-03-28T02:00"),
        (datetime(2026, 11, 30, 4, tzinfo=UTC), "2026-11-30T12:00"),
    ],
)
def test_deadline__ends_when_the_business_closes(value: object, expected: str) -> None:
    wanted = datetime.fromisoformat(expected).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    assert timers.deadline(value, NOW, DEALER) == wanted


def test_deadline__without_calendar_is_the_end_of_the_day() -> None:
    assert timers.deadline("2026-11-30", NOW, None) == datetime(2026, 12, 1, tzinfo=UTC)


def test_deadline__where_no_week_is_open() -> None:
    once = Calendar.from_json({"hours": {}, "days": {"2026-01-01": [["09:00", "10:00"]]}})
    assert timers.deadline("2026-01-02", NOW, once) == datetime(2026, 1, 3, tzinfo=UTC)
