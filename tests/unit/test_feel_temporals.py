"""Dates, times and durations of FEEL: what can be read, what cannot, and what comes out as text."""

from __future__ import annotations

from tests.each import each
from tests.unit.feel_texts import same

DATES: list[tuple[str, str]] = [
    ("date()", "null"), ("date(null)", "null"), ("date(from:null)", "null"),
    ('date(from:"2017-12-31")', "date(2017,12,31)"), ('date("01211-12-31")', "null"), ('date("998-12-31")', "null"),
    ('date("9999999999-12-25")', "null"), ('date("+2012-12-25")', "null"), ('date("2012-12-25T")', "null"),
    ('date("2017-13-10")', "null"), ('date("2017-02-30")', "null"), ('date("2012-12-25Z")', "null"),
    ('date("2012-12-25+01:00")', "null"), ('date("")', "null"), ('date("2012/12/25")', "null"),
    ('date("20121225")', "null"), ('date("-2016-01-30")', "date(-2016,1,30)"),
    ('string(date("-2016-01-30"))', '"-2016-01-30"'), ('string(date("999999999-12-31"))', '"999999999-12-31"'),
    ('string(date("-999999999-12-31"))', '"-999999999-12-31"'), ("string(date(5,1,1))", '"0005-01-01"'),
    ("date(1000000000,12,31)", "null"), ("date(-1000000000,12,31)", "null"),
    ("date(999999999,12,31)", 'date("999999999-12-31")'), ("date(2017,13,1)", "null"), ("date(2017,0,1)", "null"),
    ("date(2017,1,32)", "null"), ("date(2017,1,0)", "null"), ("date(2017,1)", "null"),
    ('date("2017","1","1")', "null"), ("date(null,1,1)", "null"), ("date(2017,null,1)", "null"),
    ("date(year:2017,month:8,day:30)", '@"2017-08-30"'), ("date(2017.5,1,1)", '@"2017-01-01"'),
    ('date(date and time("2017-08-14T14:25:00.123456789"))', '@"2017-08-14"'),
    ('date(date and time("2017-09-03T09:45:30@Europe/Paris"))', '@"2017-09-03"'),
    ('date(@"2017-08-14")', '@"2017-08-14"'), ('date(from:@"2017-08-14T00:00:00Z")', '@"2017-08-14"'),
    ("date([])", "null"), ("date({})", "null"), ('date(["2017-01-01"])', '@"2017-01-01"'), ("date(1)", "null"),
    ("date(true)", "null"), ('date("2017-01-01","x")', "null"), ('date(@"PT1H")', "null"),
    ('date(time("00:00:00"))', "null"),
]  # fmt: skip
DATES_AND_TIMES: list[tuple[str, str]] = [
    ('@"11:00:00@Asia/Tokyo"', 'time("11:00:00@Asia/Tokyo")'), ('@"23:00:50@Etc/UTC"', 'time("23:00:50@Etc/UTC")'),
    ('@"2026-03-01T11:00:00@Asia/Taipei"', 'date and time("2026-03-01T11:00:00@Asia/Taipei")'),
    ('string(@"11:00:00.123456789@Asia/Tokyo" + @"PT0.000000001S")', '"11:00:00.12345679@Asia/Tokyo"'),
    ('is(@"11:00:00.123456789Z", @"11:00:00.123456788Z")', "false"),
    ('@"11:00:00.123456788Z" < @"11:00:00.123456789Z"', "true"),
    ("date and time()", "null"), ("date and time(null)", "null"),
    ('date and time("2012-12-24")', 'date and time("2012-12-24T00:00:00")'),
    ('string(date and time("2012-12-24"))', '"2012-12-24T00:00:00"'),
    ('string(date and time("2017-12-31T11:22:33"))', '"2017-12-31T11:22:33"'),
    ('string(date and time("-2017-12-31T11:22:33"))', '"-2017-12-31T11:22:33"'),
    ('string(date and time("99999-12-31T11:22:33"))', '"99999-12-31T11:22:33"'),
    ('string(date and time("-99999-12-31T11:22:33"))', '"-99999-12-31T11:22:33"'),
    ('string(date and time("2017-12-31T11:22:33.345"))', '"2017-12-31T11:22:33.345"'),
    ('string(date and time("2017-12-31T11:22:33.123456789"))', '"2017-12-31T11:22:33.123456789"'),
    ('string(date and time("2017-12-31T11:22:33Z"))', '"2017-12-31T11:22:33Z"'),
    ('string(date and time("2017-12-31T11:22:33+00:00"))', '"2017-12-31T11:22:33Z"'),
    ('string(date and time("2017-12-31T11:22:33-05:00"))', '"2017-12-31T11:22:33-05:00"'),
    ('string(date and time("2017-12-31T11:22:33+05:30"))', '"2017-12-31T11:22:33+05:30"'),
    ('string(date and time("2017-12-31T11:22:33.345@Europe/Paris"))', '"2017-12-31T11:22:33.345@Europe/Paris"'),
    ('string(date and time("2017-12-31T11:22:33@Etc/UTC"))', '"2017-12-31T11:22:33@Etc/UTC"'),
    ('string(date and time("99999-12-31T11:22:33.345@Europe/Paris"))', '"99999-12-31T11:22:33.345@Europe/Paris"'),
    ('date and time("2011-12-31T10:15:30.987@xyz/abc")', "null"),
    ('date and time("2011-12-03T10:15:30+01:00@Europe/Paris")', "null"),
    ('date and time("2017-12-31T12:20:00+19:00")', "null"), ('date and time("2017-12-31T12:20:00+5:00")', "null"),
    ('date and time("2017-12-31T12:20:00+05")', "null"), ('date and time("2017-12-31T12:20")', "null"),
    ('date and time("2017-12-31T7:00:00Z")', "null"), ('date and time("998-12-31T11:22:33")', "null"),
    ('date and time("01211-12-31T11:22:33")', "null"), ('date and time("9999999999-12-27T11:22:33")', "null"),
    ('date and time("+99999-12-01T11:22:33")', "null"), ('date and time("2017-00-10T11:22:33")', "null"),
    ('date and time("2017-12-31T13:20:00@")', "null"), ('date and time("2017-12-31T24:01:00")', "null"),
    ('date and time("2017-12-31T23:60:00")', "null"), ('date and time("2017-12-31T23:59:60")', "null"),
    ('date and time("2017-12-31 12:20:00")', "null"), ('date and time("2017-12-31t12:20:00")', "null"),
    ('date and time("")', "null"),
    ('string(date and time("2017-08-10T10:20:00+18:00"))', '"2017-08-10T10:20:00+18:00"'),
    ('date and time("2017-08-10T10:20:00+18:01")', "null"),
    ('string(date and time(date("2017-01-01"),time("23:59:01")))', '"2017-01-01T23:59:01"'),
    ('string(date and time(date("2017-01-01"),time("23:59:01.123456789")))', '"2017-01-01T23:59:01.123456789"'),
    ('string(date and time(date("2017-01-01"),time("23:59:01Z")))', '"2017-01-01T23:59:01Z"'),
    ('string(date and time(date("2017-01-01"),time("23:59:01@Europe/Paris")))', '"2017-01-01T23:59:01@Europe/Paris"'),
    (
        'string(date and time(date and time("2017-01-01T00:00:00"),time("23:59:01+02:00")))',
        '"2017-01-01T23:59:01+02:00"',
    ),
    (
        'string(date and time(date and time("2017-08-10T10:20:00@Asia/Shanghai"),time("23:59:01")))',
        '"2017-08-10T23:59:01"',
    ),
    ('date and time(date("2017-01-01"),null)', "null"), ('date and time(null,time("00:00:00"))', "null"),
    ('date and time(date:@"2017-01-01",time:@"10:00:00")', '@"2017-01-01T10:00:00"'),
    ('date and time(from:"2017-01-01T10:00:00")', '@"2017-01-01T10:00:00"'),
    ('date and time(from:@"2017-01-01")', '@"2017-01-01T00:00:00Z"'),
    ('date and time(@"2017-01-01")', '@"2017-01-01T00:00:00Z"'), ("date and time(1)", "null"),
    ("date and time([])", "null"), ('date and time("x","y")', "null"),
    ('date and time("2017-01-01",@"10:00:00")', "null"),
    ('string(date and time("2016-12-24T23:59:00-00:00"))', '"2016-12-24T23:59:00Z"'),
    ('string(date and time("2017-12-31T11:22:33.000"))', '"2017-12-31T11:22:33"'),
    ('string(date and time("2017-12-31T11:22:33.100"))', '"2017-12-31T11:22:33.1"'),
    ('@"2018-12-08T10:30:11@Europe/Paris".timezone', '"Europe/Paris"'),
    ('@"2018-12-08T10:30:11+11:22".time offset', '@"PT11H22M"'), ('@"2018-12-08T10:30:11".time offset', "null"),
    ('@"2018-12-08T10:30:11+11:22".timezone', "null"), ('@"2018-12-08".weekday', "6"),
    ('@"2018-12-08T10:30:11".weekday', "6"), ('@"2018-12-08".hour', "null"), ('@"10:30:11".hour', "10"),
    ('@"P3DT4H5M6S".hours', "4"), ('@"P13DT4H5M6S".days', "13"), ('@"P2Y3M".years', "2"), ('@"P2Y3M".days', "null"),
    ('@"P1DT1H".months', "null"), ('@"-P2Y3M".months', "-3"),
]  # fmt: skip
DURATIONS: list[tuple[str, str]] = [
    ('years and months duration(date("2011-12-22"),date("2013-08-24"))', '@"P1Y8M"'),
    ('years and months duration(date("2013-08-24"),date("2011-12-22"))', '@"-P1Y8M"'),
    ('years and months duration(date("2015-01-21"),date("2016-01-21"))', '@"P1Y"'),
    ('years and months duration(date("2016-01-21"),date("2015-01-21"))', '@"-P1Y"'),
    ('years and months duration(date("2016-01-01"),date("2016-01-01"))', '@"P0M"'),
    ('years and months duration(date and time("2017-12-15T12:15:00"),date and time("2018-12-14T00:00:00"))', '@"P11M"'),
    (
        'years and months duration(date and time("2014-12-31T23:12:00"),date and time("2019-10-01T12:32:59"))',
        '@"P4Y9M"',
    ),
    ('years and months duration(date("2014-12-31"),date and time("2019-10-01T12:32:59"))', '@"P4Y9M"'),
    ('years and months duration(date and time("2014-12-31T23:12:00"),date("2019-10-01"))', '@"P4Y9M"'),
    ('years and months duration(from:date("2016-01-21"),to:date("2015-01-21"))', '@"-P1Y"'),
    ('years and months duration(null,date("2016-01-01"))', "null"),
    ('years and months duration(date("2016-01-01"))', "null"),
    ('years and months duration("2016-01-01","2017-01-01")', "null"),
    ('years and months duration(time("00:00:00"),time("00:00:00"))', "null"),
    ('string(years and months duration(@"2010-01-01",@"2020-03-01"))', '"P10Y2M"'),
    ('years and months duration(date("-2016-01-30"),date("-2016-01-30"))', '@"P0M"'),
    ('years and months duration(date("2011-12-31"),date("2012-02-29"))', '@"P1M"'),
    ('years and months duration(date("2012-02-29"),date("2011-12-31"))', '@"-P1M"'),
    (
        'years and months duration(date and time("2017-12-31T13:00:00Z"),date and time("2017-12-31T12:00:00Z"))',
        '@"P0M"',
    ),
    ('string(duration("P1Y1M"))', '"P1Y1M"'), ('string(duration("P13M"))', '"P1Y1M"'),
    ('string(duration("P1DT24H"))', '"P2D"'), ('string(duration("PT0S"))', '"PT0S"'),
    ('string(duration("P0D"))', '"PT0S"'), ('string(duration("P0Y"))', '"P0M"'),
    ('string(duration("PT1.5S"))', '"PT1.5S"'), ('string(duration("-PT1H"))', '"-PT1H"'),
    ('duration("P1Y1D")', "null"), ('duration("P")', "null"), ('duration("PT")', "null"),
    ('duration("P1DT")', "null"), ('duration("1D")', "null"), ('duration("P-1D")', "null"),
    ('duration("+P1D")', "null"), ("duration(null)", "null"), ('duration(from:"P1D")', '@"P1D"'),
    ("duration(1)", "null"), ('string(duration("PT555M"))', '"PT9H15M"'), ('string(duration("PT61S"))', '"PT1M1S"'),
    ('string(duration("P1M"))', '"P1M"'), ('string(duration("P26M"))', '"P2Y2M"'),
    ('string(duration("-P14M"))', '"-P1Y2M"'), ('duration("P1.5Y")', "null"), ('duration("P1W")', "null"),
    ('string(duration("PT0.999S"))', '"PT0.999S"'), ('string(duration("P999999999M"))', '"P83333333Y3M"'),
    ('string(duration("P99999999Y"))', '"P99999999Y"'), ('string(duration("P99999999D"))', '"P99999999D"'),
    ('day of year(@"2019-09-17")', "260"), ('day of year(date:@"2019-09-17")', "260"),
    ('day of year(@"2019-09-17T10:00:00")', "260"), ("day of year()", "null"), ("day of year(null)", "null"),
    ('day of year("2019-09-17")', "null"), ('day of year(@"2019-12-31")', "365"),
    ('day of year(@"2020-12-31")', "366"), ('month of year(@"2019-09-17")', '"September"'),
    ('month of year(date:@"2019-09-17T00:00:00@Asia/Shanghai")', '"September"'), ("month of year(1)", "null"),
    ('day of week(@"2019-09-17")', '"Tuesday"'), ('week of year(@"2005-01-01")', "53"),
    ('week of year(@"2003-12-29")', "1"),
]  # fmt: skip


@each("text, expected", DATES)
def test_dates(text: str, expected: str) -> None:
    assert same(text, expected)


@each("text, expected", DATES_AND_TIMES)
def test_dates_and_times(text: str, expected: str) -> None:
    assert same(text, expected)


@each("text, expected", DURATIONS)
def test_durations(text: str, expected: str) -> None:
    assert same(text, expected)
