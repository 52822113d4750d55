"""The clock, and working time across weekends, holidays, make-up days and daylight saving."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casepath.engine import errors
from casepath.engine.time import clock
from casepath.engine.time.clock import Calendar
from casepath.engine.time.opening_hours import OpeningHours
from tests.each import each

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
WEEK = {"mon-fri": [["08:30", "12:00"], ["13:30", "18:00"]]}
DEALER = Calendar.from_json({"zone": "Asia/Shanghai", "country": "CN", "hours": WEEK})
DAILY = Calendar.from_json({"zone": "Europe/Berlin", "hours": {"mon-sun": [["00:00", "24:00"]]}})


@pytest.fixture(autouse=True)
def _follow_the_system_again() -> Iterator[None]:
    yield
    clock.reset()


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def naive(year: int) -> datetime:
    return datetime.fromisoformat(f"{year}-01-01")


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def test_now__is_utc_and_that_of_the_system() -> None:
    found = clock.now()

    assert found.tzinfo is UTC
    assert abs(found - datetime.now(UTC)) < timedelta(minutes=1)


def test_set_to__stands_still_and_moves() -> None:
    clock.set_to(shanghai("2026-10-01T09:00"))

    assert clock.now() == clock.now() == datetime(2026, 10, 1, 1, tzinfo=UTC)
    clock.move(timedelta(hours=2))
    assert clock.now() == datetime(2026, 10, 1, 3, tzinfo=UTC)


def test_set_to__without_zone_is_refused() -> None:
    with pytest.raises(errors.InvalidInput, match="time zone"):
        clock.set_to(datetime.fromisoformat("2026-10-01"))


def test_move__a_running_clock() -> None:
    before = clock.now()

    clock.move(timedelta(days=10))

    assert timedelta(days=10) <= clock.now() - before < timedelta(days=11)


@each(
    "start, hours, end",
    [
        ("2026-11-20T10:00", 1, "2026-11-20T11:00"),
        ("2026-11-20T11:00", 2, "2026-11-20T14:30"),  # over lunch
        ("2026-11-20T17:00", 2, "2026-11-23T09:30"),  # Friday to Monday
        ("2026-11-21T12:00", 1, "2026-11-23T09:30"),  # from a Saturday
        ("2026-11-20T16:00", 2, "2026-11-20T18:00"),  # to the very end of the day
        ("2026-11-20T10:00", 0, "2026-11-20T10:00"),
        ("2026-11-20T13:00", 0, "2026-11-20T13:30"),  # nothing, but it begins when they open
        ("2026-11-20T12:00", 0, "2026-11-20T13:30"),  # the moment of closing is outside
        ("2025-09-30T17:30", 1, "2025-10-09T09:00"),  # National Day 2025: 1 to 8 October
        ("2025-09-27T09:00", 1, "2025-09-28T09:30"),  # Sunday 28 September 2025 is worked
        ("2025-10-10T17:30", 1, "2025-10-11T09:00"),  # so is Saturday 11 October
        ("2026-09-30T17:30", 1, "2026-10-08T09:00"),  # National Day 2026: 1 to 7 October
        ("2026-09-18T17:30", 1, "2026-09-20T09:00"),  # Sunday 20 September 2026 is worked
        ("2026-10-09T17:30", 1, "2026-10-10T09:00"),  # so is Saturday 10 October
        ("2026-02-13T17:30", 1, "2026-02-14T09:00"),  # Saturday before Spring Festival
        ("2026-02-14T17:30", 1, "2026-02-24T09:00"),
    ],
)
def test_add__in_china(start: str, hours: int, end: str) -> None:
    assert DEALER.add(shanghai(start), timedelta(hours=hours)) == shanghai(end)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2026-03-28", 24),
        ("2026-03-29", 23),  # an hour is skipped
        ("2026-10-25", 25),  # an hour is repeated
    ],
)
def test_working_between__days_of_daylight_saving(day: str, hours: int) -> None:
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), BERLIN)
    end = datetime.combine(date.fromisoformat(day) + timedelta(days=1), datetime.min.time(), BERLIN)

    assert DAILY.working_between(start, end) == timedelta(hours=hours)


@each(
    "hours, day, expected",
    [
        (["01:00", "02:30"], "2026-03-29", 1),  # closes in the skipped hour
        (["02:15", "02:45"], "2026-03-29", 0),  # lies in it
        (["02:15", "04:00"], "2026-03-29", 1),  # opens in it
        (["01:00", "02:30"], "2026-10-25", 2.5),  # closes in the repeated hour, the second time
        (["02:30", "04:00"], "2026-10-25", 2.5),  # opens in it, the first time
    ],
)
def test_working_between__hours_at_the_change(hours: list[str], day: str, expected: float) -> None:
    calendar = Calendar.from_json({"zone": "Europe/Berlin", "hours": {"mon-sun": [hours]}})

    assert calendar.working_between(berlin(f"{day}T00:00"), berlin(f"{day}T12:00")) == timedelta(hours=expected)


def test_add__shanghai_has_no_daylight_saving_now() -> None:
    around = Calendar.from_json({"zone": "Asia/Shanghai", "hours": {"mon-sun": [["00:00", "24:00"]]}})

    assert around.add(shanghai("2026-03-29T00:00"), timedelta(days=1)) == shanghai("2026-03-30T00:00")


@given(
    st.datetimes(naive(2024), naive(2028), timezones=st.just(UTC)),
    st.timedeltas(timedelta(0), timedelta(hours=200)),
)
def test_subtract__is_the_reverse_of_add(start: datetime, working: timedelta) -> None:
    end = DEALER.add(start, working)

    assert DEALER.working_between(start, end) == working
    assert DEALER.working_between(DEALER.subtract(end, working), end) == working


@pytest.mark.parametrize(
    ("end", "hours", "start"),
    [
        ("2026-11-20T10:00", 1.5, "2026-11-20T08:30"),  # to the very moment of opening
        ("2026-11-20T18:00", 8, "2026-11-20T08:30"),
        ("2026-11-20T14:30", 2, "2026-11-20T11:00"),  # over lunch
        ("2026-11-20T13:30", 0, "2026-11-20T12:00"),  # nothing, but it ends when they close
        ("2026-11-20T10:00", 0, "2026-11-20T10:00"),
        ("2026-11-23T08:30", 1, "2026-11-20T17:00"),  # Monday to Friday
    ],
)
def test_subtract__in_china(end: str, hours: float, start: str) -> None:
    assert DEALER.subtract(shanghai(end), timedelta(hours=hours)) == shanghai(start)
    assert DEALER.add(shanghai(end), -timedelta(hours=hours)) == shanghai(start if hours else end)


def test_subtract__less_than_nothing_adds() -> None:
    assert DEALER.subtract(shanghai("2026-11-20T17:00"), -timedelta(hours=2)) == shanghai("2026-11-23T09:30")


@given(*[st.datetimes(naive(2025), naive(2027), timezones=st.just(UTC))] * 3)
def test_working_between__adds_up(first: datetime, second: datetime, third: datetime) -> None:
    total = DEALER.working_between(first, second) + DEALER.working_between(second, third)

    assert total == DEALER.working_between(first, third)


@each(
    "start, count, end",
    [
        ("2026-09-30T16:00", 1, "2026-10-08T16:00"),
        ("2026-09-30T16:00", 3, "2026-10-10T16:00"),
        ("2026-10-08T16:00", -1, "2026-09-30T16:00"),
        ("2026-10-03T16:00", 1, "2026-10-08T16:00"),
        ("2026-10-03T16:00", 0, "2026-10-03T16:00"),
    ],
)
def test_add_working_days(start: str, count: int, end: str) -> None:
    assert DEALER.add_working_days(shanghai(start), count) == shanghai(end)


def test_add_working_days__keeps_the_local_time() -> None:
    assert DAILY.add_working_days(berlin("2026-03-28T09:00"), 1) == berlin("2026-03-29T09:00")


def test_closing__in_an_hour_that_comes_twice() -> None:
    night = Calendar.from_json({"zone": "Europe/Berlin", "hours": {"mon-sun": [["00:00", "02:30"]]}})

    assert night.closing(date(2026, 10, 25)) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_is_open__until_the_moment_of_closing() -> None:
    assert DEALER.is_open(shanghai("2026-11-20T08:30"))
    assert DEALER.is_open(shanghai("2026-11-20T17:59"))
    assert not DEALER.is_open(shanghai("2026-11-20T18:00"))
    assert not DEALER.is_open(shanghai("2026-11-20T12:30"))


def test_opening_hours__the_dealer_departs_from_the_state() -> None:
    calendar = Calendar.from_json(
        {
            "name": "The dealer", "comment": "As of 2026", "zone": "Asia/Shanghai", "country": "CN",
            "hours": WEEK | {"sat-sun": [["09:00", "17:00"]]},
            "holidays": ["2026-11-23/2026-11-24"],
            "workingDays": ["2026-10-02"],
            "makeUpHours": [["10:00", "15:00"]],
            "days": {"2026-10-03": [["09:00", "12:00"]], "2026-11-25": []},
        }
    )  # fmt: skip
    on = calendar.opening_hours.on

    assert on(date(2026, 10, 1)) == ()
    assert on(date(2026, 10, 2)) == ((600, 900),)
    assert on(date(2026, 10, 3)) == ((540, 720),)
    assert on(date(2026, 10, 4)) == ()  # a Sunday within the break, although they open on Sundays
    assert on(date(2026, 10, 10)) == ((600, 900),)  # a make-up day
    assert on(date(2026, 10, 11)) == ((540, 1020),)
    assert [on(date(2026, 11, day)) for day in (23, 24, 25)] == [(), (), ()]


def test_opening_hours__a_day_listed_as_worked_is_worked_although_a_holiday_too() -> None:
    listed = {"holidays": ["2026-11-23/2026-11-24"], "workingDays": ["2026-11-24"]}
    on = Calendar.from_json({"hours": WEEK, **listed}).opening_hours.on

    assert [bool(on(date(2026, 11, day))) for day in (20, 23, 24, 25)] == [True, False, True, True]
    assert on(date(2026, 11, 24)) == ((510, 720), (810, 1080))


@each(
    "weekdays, days",
    [
        *((name, [index]) for index, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))),
        ("Wednesday", [2]), ("mon-fri", [0, 1, 2, 3, 4]), ("wed-fri", [2, 3, 4]), ("sat-mon", [0, 5, 6]),
        ("thu - thu", [3]),
    ],
)  # fmt: skip
def test_opening_hours__of_weekdays(weekdays: str, days: list[int]) -> None:
    week = OpeningHours.from_json({"hours": {weekdays: [["09:00", "17:00"]]}}).week

    assert [day for day, hours in enumerate(week) if hours] == days


def test_opening_hours__a_range_of_days_has_an_end() -> None:
    longest = OpeningHours.from_json({"hours": WEEK, "holidays": ["2026-01-01/2027-02-05"]})

    assert len(longest.holidays) == 401
    with pytest.raises(errors.InvalidInput, match="from first to last"):
        OpeningHours.from_json({"hours": WEEK, "holidays": ["2026-01-01/2027-02-06"]})


def test_opening_hours__a_break_has_the_weekends_that_touch_it_and_no_make_up_day() -> None:
    daily = OpeningHours.from_json({"country": "CN", "hours": {"mon-sun": [["09:00", "17:00"]]}})
    spring = [date(2026, 2, 14) + timedelta(days=offset) for offset in range(10)]

    assert [day.day for day in spring if daily.on(day)] == [14]  # Saturday 14 is worked, the break is 15 to 23
    assert [daily.on(date(2026, 4, day)) for day in (4, 5, 6)] == [(), (), ()]  # from a Saturday to a Monday
    assert daily.on(date(2026, 4, 3)) == daily.on(date(2026, 4, 7)) == daily.on(date(2026, 4, 11)) == ((540, 1020),)


def test_opening_hours__a_break_across_the_new_year_is_whole() -> None:
    daily = OpeningHours.from_json({"country": "CN", "hours": {"mon-sun": [["09:00", "17:00"]]}})
    ends = ("2017-12-30", "2017-12-31", "2022-12-31", "2023-12-30", "2023-12-31", "2018-12-31", "2024-01-01")

    assert [day for day in ends if daily.on(date.fromisoformat(day))] == []
    assert daily.on(date(2023, 12, 29)) == daily.on(date(2024, 1, 2)) == daily.on(date(2018, 12, 29)) != ()


@each(
    "mapping, expected",
    [
        ({}, "a map in hours, but found None"),
        ({"hours": {}}, "opening hours on at least one day, but this calendar never opens"),
        ({"hours": []}, "a map in hours, but found []"),
        ({"hours": {"mon": []}}, "opening hours on at least one day, but this calendar never opens"),
        ({"hours": {"someday": []}}, "weekdays such as 'mon' or 'mon-fri', but found 'someday'"),
        ({"hours": {"mon-someday": []}}, "weekdays such as 'mon' or 'mon-fri', but found 'mon-someday'"),
        ({"hours": {"mon": [["09:00", "08:00"]]}}, "hours in mon that end after they begin, but found [["),
        ({"hours": {"mon": [["08:00", "08:00"]]}}, "hours in mon that end after they begin, but found [["),
        ({"hours": {"mon": [["08:00", "12:00"], ["11:00", "13:00"]]}}, "hours in mon that do not overlap, but found ["),
        ({"hours": {"mon": [["8", "9"]]}}, """hours such as ["08:30", "18:00"] in mon, but found ['8', '9']"""),
        ({"hours": {"mon": [["08:00", "25:00"]]}}, """hours such as ["08:30", "18:00"] in mon, but found ['08"""),
        ({"hours": {"mon": [[8, 9]]}}, """hours such as ["08:30", "18:00"] in mon, but found [8, 9]"""),
        ({"hours": {"mon": "08:00"}}, "a list in mon, but found '08:00'"),
        ({"zone": "Mars/Olympus"}, "a time zone such as 'Asia/Shanghai', but found 'Mars/Olympus'"),
        ({"zone": "../etc/passwd"}, "a time zone such as 'Asia/Shanghai', but found '../etc/passwd'"),
        ({"zone": 5}, "text in zone, but found 5"),
        ({"country": 5}, "text in country, but found 5"),
        ({"subdivision": 5}, "text in subdivision, but found 5"),
        ({"country": "XX"}, "a country with known holidays, but found 'XX'"),
        ({"country": "CN", "subdivision": "Nowhere"}, "a country with known holidays, but found 'CN, Nowhere'"),
        ({"holidays": "2026-01-01"}, "a list in holidays, but found '2026-01-01'"),
        ({"holidays": [20260101]}, "text in holidays, but found 20260101"),
        ({"holidays": ["2026-02-30"]}, "a day such as '2026-10-01', but found '2026-02-30'"),
        ({"holidays": ["2026-02-05/2026-02-01"]}, "days from first to last in holidays, but found '2026-"),
        ({"workingDays": 5}, "a list in workingDays, but found 5"),
        ({"makeUpHours": 5}, "a list in makeUpHours, but found 5"),
        ({"days": []}, "a map in days, but found []"),
        ({"days": {"2026-01-01": "closed"}}, "a list in 2026-01-01, but found 'closed'"),
        (
            {"holiday": []},
            "one of comment, country, days, holidays, hours, makeUpHours, name, subdivision, workingDays, zone "
            "in a calendar, but found 'holiday'",
        ),
    ],
)  # fmt: skip
def test_from_json__refuses(mapping: dict[str, object], expected: str) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        Calendar.from_json(mapping if not mapping or "hours" in mapping else {"hours": WEEK, **mapping})

    assert refused.value.message.startswith(f"Expected {expected}")


def test_add__refuses_when_the_calendar_has_no_more_open_hours() -> None:
    once = Calendar.from_json({"hours": {}, "days": {"2026-01-01": [["09:00", "10:00"]]}})

    assert once.add(datetime(2025, 1, 1, tzinfo=UTC), timedelta(minutes=30)) == datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
    with pytest.raises(errors.InvalidInput, match="10 years"):
        once.add(datetime(2025, 1, 1, tzinfo=UTC), timedelta(hours=2))


@pytest.mark.parametrize(("year", "days"), [(2, -800), (9998, 800)])
def test_add__to_the_ends_of_time(year: int, days: int) -> None:
    with pytest.raises(errors.InvalidInput, match="10 years"):
        DAILY.add(datetime(year, 6, 1, tzinfo=UTC), timedelta(days=days))


@pytest.mark.parametrize("year", [1, 9999])
def test_add__beyond_the_ends_of_time(year: int) -> None:
    with pytest.raises(errors.InvalidInput, match="years 2 to 9998"):
        DAILY.add(datetime(year, 6, 1, tzinfo=UTC), timedelta(days=1))


def test_calendar__remembers_so_many_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casepath.engine.time.clock._CACHED_DAYS", 3)
    calendar = Calendar.from_json({"zone": "Asia/Shanghai", "hours": WEEK})

    opened = [calendar.is_open(datetime(2026, 3, day, 2, tzinfo=UTC)) for day in range(2, 12)]

    assert opened == [True] * 5 + [False] * 2 + [True] * 3
    assert len(calendar._opened) <= 3


class TestApart:
    AT = datetime(2031, 5, 1, 12, tzinfo=UTC)

    def test_it_stands_and_is_moved_inside_only(self) -> None:
        before = clock.now()
        with clock.apart(self.AT):
            clock.move(timedelta(days=1))
            assert clock.now() == self.AT + timedelta(days=1)
            clock.set_to(self.AT)
            assert clock.now() == self.AT
            clock.reset()
            assert clock.now() < self.AT

        assert before <= clock.now() < before + timedelta(minutes=5)

    def test_others_keep_theirs(self) -> None:
        seen: list[datetime] = []
        with clock.apart(self.AT):
            other = threading.Thread(target=lambda: seen.append(clock.now()))
            other.start()
            other.join()

        assert seen[0] < self.AT

    def test_what_fails_inside_leaves_no_trace(self) -> None:
        with pytest.raises(ZeroDivisionError), clock.apart(self.AT):
            raise ZeroDivisionError

        assert clock.now() < self.AT
