"""FEEL: what expressions and unary tests give."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from casepath.engine.decisions.feel import (
    Date,
    DateTime,
    DaysTime,
    Range,
    YearsMonths,
    compile_feel,
    compile_unary_tests,
)
from casepath.engine.time import clock
from tests.each import each

CONTEXT = {
    "n": 5, "price": 9.5, "name": "Alice", "none": None, "Monthly Salary": 1000, "pre-tax": 7, "flag": True,
    "people": [{"name": "Alice", "age": 30}, {"name": "Bob", "age": 40}, {"name": "Charlie"}],
    "bought": date(2026, 3, 1), "at": datetime(2026, 3, 1, 8, 30, tzinfo=UTC), "nested": {"a b": {"c": [1, 2]}},
}  # fmt: skip

EXPRESSIONS: dict[str, object] = {
    # Arithmetic
    "1 + 2 * 3": 7, "(1 + 2) * 3": 9, "10 - 3 - 2": 5, "2 ** 3 ** 2": 64, "-5 ** 2": 25, "- -5": 5,
    "7 / 2": Decimal("3.5"), "1 / 3": Decimal("0.3333333333333333333333333333333333"), "1 / 0": None,
    "0.1 + 0.2": Decimal("0.3"), "1.5e3": 1500, ".5": Decimal("0.5"), '"a" + "b"': "ab", '1 + "a"': None,
    "null + 1": None, "n * price": Decimal("47.5"), "Monthly Salary * 12": 12000, "Monthly  Salary*12": 12000,
    "pre-tax - 1": 6, "10 ** 6144 * 10": None,
    # Comparison and logic
    "1 = 1.0": True, "1 != 2": True, '1 = "1"': None, "null = none": True, "1 = null": False, "1 < 2": True,
    '"a" <= "b"': True, "1 < null": None, "n between 1 and 5": True, "n between 6 and 9": False, "true and null": None,
    "false and null": False, "true or null": True, 'false or "x"': None, "not(flag)": False, "not(null)": None,
    "n in (1, 5)": True, "n in [1..5)": False, "n in (< 3, > 4)": True, "n in 5": True, "n in [[1..2], [4..6]]": True,
    "1 in !=1": False, 'name in ("Bob", "Alice")': True, "[1, 2] = [1, 2]": True, "{a: 1} = {a: 1.0}": True,
    # If, for, some, every
    "if flag then 1 else 2": 1, "if none then 1 else 2": 2, 'if "x" then 1 else 2': None,
    'if n < 1 then "a" else if n < 9 then "b" else "c"': "b", "for i in 1..3 return i * i": [1, 4, 9],
    "for i in 3..1 return i": [3, 2, 1], "for i in (1..3) return i": [2],
    "for i in [1, 2], j in [10, 20] return i + j": [11, 21, 12, 22],
    "for i in 1..4 return if i = 1 then 1 else partial[-1] * i": [1, 2, 6, 24],
    'for d in @"2026-02-28"..@"2026-03-01" return d': [date(2026, 2, 28), date(2026, 3, 1)],
    "for i in null return i": None, "some p in people satisfies p.age > 35": True,
    "every p in people satisfies p.age > 35": False, "every p in people satisfies p.age > 20": None,
    "some x in [] satisfies true": False,
    # Lists, contexts, paths
    "[1, 2, 3][2]": 2, "[1, 2, 3][-1]": 3, "[1, 2, 3][9]": None, "[1, 2, 3][item > 1]": [2, 3],
    "people[age > 35].name": ["Bob"], "people.name": ["Alice", "Bob", "Charlie"],
    "people[item.age = null].name": ["Charlie"], "people[1].age": 30, "nested.a b.c[2]": 2, "5[1]": 5,
    "5[item > 9]": [], "null.a": None, "{a: 1, b: a + 1}.b": 2, '{"a b": 1}.a b': 1, "{a: 1}.b": None,
    "[{a: {b: 1}}, {a: {b: 2}}].a.b": [1, 2], "[1, [2, 3]]": [1, [2, 3]], "[]": [], "{}": {},
    # Functions
    "(function(a, b) a - b)(5, 3)": 2, "(function(a, b) a - b)(b: 5, a: 3)": -2, "(function(a: string) a)(1)": None,
    '(function(a: string) a)(["x"])': "x",
    '(function(d: date and time) d)(@"2026-01-01")': datetime(2026, 1, 1, tzinfo=UTC),
    "{f: function(n) if n = 0 then 1 else n * f(n - 1), r: f(10)}.r": 3628800, "abs(n: -1)": 1, "abs(number: -1)": None,
    "nope(1)": None, '{min: function(a, b) "mine", r: min(1, 2)}.r': "mine", "(function() external {java: {}})()": None,
    # Numbers
    "decimal(2.5, 0)": 2, "decimal(0.515, 2)": Decimal("0.52"), "decimal(1234, -2)": 1200, "floor(-1.5)": -2,
    "ceiling(1.21, 1)": Decimal("1.3"), "round up(-1.1, 0)": -2, "round down(-1.9, 0)": -1, "round half up(2.5, 0)": 3,
    "round half down(2.5, 0)": 2, "modulo(-10, 3)": 2, "sqrt(16)": 4, "sqrt(-1)": None, "log(0)": None, "exp(0)": 1,
    "odd(5)": True, "even(5)": False, 'number("1.000,5", ".", ",")': Decimal("1000.5"), 'number("1.5")': Decimal("1.5"),
    'number("x")': None,
    # Strings
    'substring("foobar", 3)': "obar", 'substring("foobar", -2, 1)': "a", 'substring("foobar", 0)': None,
    'string length("\\U01F40Eab")': 3, 'upper case("aB")': "AB", 'lower case("aB")': "ab", 'contains("foo", "o")': True,
    'starts with("foo", "f")': True, 'ends with("foo", "f")': False, 'substring before("a-b", "-")': "a",
    'substring after("a-b", "-")': "b", 'split("a;b;;", ";")': ["a", "b", "", ""],
    'string join(["a", null, "b"], "-")': "a-b", 'replace("abracadabra", "a(.)", "$1$0")': "babrcacdadbabra",
    'replace("a", ".*?", "x")': None, 'replace("abc", "[a-c-[b]]", "-")': "-b-", 'replace("a.b", ".", "$", "q")': "a$b",
    'matches("Mum", "([md])u\\1", "i")': True, 'matches("a", "(?=a)")': None, 'matches("a b", "a\\ b", "x")': None,
    "string(1.50)": "1.50", "string(null)": None, 'string([1, "a", {b: true}])': '[1, "a", {b: true}]',
    'string(@"PT90M")': "PT1H30M", '"\\u0041\\n"': "A\n", '"\\d"': "\\d",
    # Lists
    "count([1, null])": 2, "sum([1, 2, 3.5])": Decimal("6.5"), "sum([])": None, "sum(1, 2)": 3, "min([3, 1])": 1,
    'max("a", "b")': "b", 'max([1, "a"])': None, "mean([1, 2])": Decimal("1.5"), "median([3, 1, 2])": 2,
    "median([1, 2])": Decimal("1.5"), "mode([1, 2, 2])": [2],
    "stddev([2, 4, 7, 5])": Decimal("2.081665999466132735282297706979931"), "product([2, 3])": 6,
    "all([true, null])": None, "all([false, null])": False, "any([true, null])": True, "any([])": False,
    "sublist([1, 2, 3], 2)": [2, 3], "append([1], 2, 3)": [1, 2, 3], "concatenate([1], [2])": [1, 2],
    "insert before([1, 3], 2, 2)": [1, 2, 3], "remove([1, 2], 1)": [2], "reverse([1, 2])": [2, 1],
    "index of([1, 2, 1], 1)": [1, 3], "union([1, 2], [2, 3])": [1, 2, 3], "flatten([1, [[2]]])": [1, 2],
    'distinct values([1, 1.0, "1", null, null])': [1, "1", None], "list contains([1, null], null)": True,
    "sort([3, 1, 2], function(a, b) a > b)": [3, 2, 1], "sort([3, 1, 2])": [1, 2, 3],
    "list replace([1, 2], 2, 9)": [1, 9], "list replace([1, 5], function(item, newItem) item < newItem, 3)": [3, 5],
    # Contexts
    'get value({a: 1}, "a")': 1, 'get value({a: {b: 1}}, ["a", "b"])': 1,
    "get entries({a: 1})": [{"key": "a", "value": 1}], 'context([{key: "a", value: 1}])': {"a": 1},
    'context put({a: 1}, "b", 2)': {"a": 1, "b": 2}, 'context put({a: {b: 1}}, ["a", "b"], 2)': {"a": {"b": 2}},
    "context merge([{a: 1}, {a: 2}])": {"a": 2},
    # Dates, times, durations
    'date("2026-03-01")': date(2026, 3, 1), "date(2026, 2, 30)": None, 'bought + @"P1M"': date(2026, 4, 1),
    '@"2026-01-31" + @"P1M"': date(2026, 2, 28), '@"2026-03-01" - @"2026-02-28"': timedelta(days=1),
    'at + @"PT36H"': datetime(2026, 3, 2, 20, 30, tzinfo=UTC), "at.hour": 8, "bought.weekday": 7,
    "at.time offset": timedelta(0),
    '@"2026-03-29T01:30:00@Europe/Berlin" + @"PT1H"': datetime(2026, 3, 29, 3, 30, tzinfo=ZoneInfo("Europe/Berlin")),
    'time("10:30:00+02:00")': time(10, 30, tzinfo=timezone(timedelta(hours=2))), "time(10, 30, 0)": time(10, 30),
    "time(25, 0, 0)": None, 'string(date and time(bought, time("10:00:00")))': "2026-03-01T10:00:00",
    'duration("P1DT2H")': timedelta(days=1, hours=2), 'duration("P1Y2M")': YearsMonths(14), '@"P1Y" > @"P11M"': True,
    '-@"P1D"': timedelta(days=-1), '@"P1D" * 2': timedelta(days=2), '@"P10D" / @"P4D"': Decimal("2.5"),
    '@"P1Y".years': 1, '@"-PT90M".minutes': -30, "day of week(bought)": "Sunday", "month of year(bought)": "March",
    "day of year(bought)": 60, "week of year(bought)": 9, '@"9999-12-31" + @"P1D"': Date(10000, 1, 1),
    'years and months duration(@"2024-02-29", bought)': YearsMonths(24), 'string(@"-0044-03-15")': "-0044-03-15",
    '@"2026-03-01T00:00:00Z" = @"2026-03-01T01:00:00+01:00"': True, 'at = @"2026-03-01T08:30:00"': False,
    "bought < at": None,
    'string(@"12345-01-01T00:00:00.000000001@Asia/Shanghai")': "12345-01-01T00:00:00.000000001@Asia/Shanghai",
    # Ranges
    "[1..5].end": 5, "(< 5).start": None, "(1..5].start included": False, "[1..5] = [1..5]": True,
    'range("[1..5)") = [1..5)': True, 'range("[5..1]")': None, "before(1, [2..3])": True, "meets([1..2], [2..3])": True,
    "overlaps([1..2], (2..3])": False, "during(2, [1..3])": True, "includes([1..3], [1..2])": True,
    "starts(1, [1..3])": True, "finished by([1..3], 3)": True, "coincides([1..3], [1..3])": True,
    "overlaps before([1..3], [2..5])": True, "met by([3..5], [1..3])": True, "after([4..5], 3)": True,
    "overlaps after([2..5], [1..3])": True, "started by([1..3], 1)": True, "finishes(3, [1..3])": True,
    # Types
    "1 instance of number": True, '"a" instance of number': False, "null instance of Any": False,
    "null instance of Null": True, "[1, 2] instance of list<number>": True, '[1, "a"] instance of list<number>': False,
    "{a: 1} instance of context<a: number>": True, "{a: 1} instance of context<a: string>": False,
    "[1..2] instance of range<number>": True, '@"P1D" instance of days and time duration': True,
    "(function(a: number) a) instance of function<number> -> number": True,
    "abs instance of function<string> -> number": False,
    # Comments and blanks
    "1 /* two */ + 2 // three": 3, "\u3000 1\u00a0+\u20091": 2,
}  # fmt: skip


@each("text, expected", EXPRESSIONS.items())
def test_evaluate(text: str, expected: object) -> None:
    found = compile_feel(text, CONTEXT).evaluate(CONTEXT)

    assert found == expected
    assert (found is True) == (expected is True)
    assert (found is False) == (expected is False)


UNARY: list[tuple[str, object, bool | None]] = [
    ("-", 1, True), ("5", 5, True), ("5", 6, False), ("< 5", 4, True), ("<= n", 5, True), ("[1..5]", 5, True),
    ("(1..5)", 5, False), ("]1..5[", 3, True), ('"a", "b"', "b", True), ('"a", "b"', 1, None),
    ('not("a", "b")', "b", False), ("not(< 5)", 9, True), ("null", None, True), ("null", 1, False), ("< 5", None, None),
    ("true", True, True), ("false", True, False), ("? > 3 and ? < 9", 5, True), ("even(?)", 5, False),
    ('contains(?, "l")', "Alice", True), ("flag", 1, True), ("n", 5, True), ("[1, 2, 3]", 2, True),
    ('list contains(?, "x")', ["x"], True), ('date("2026-03-01")', date(2026, 3, 1), True),
    ('> @"P1D"', timedelta(days=2), True), ("!= 5", 5, False), ("-1", -1, True), ("[-5..-1]", -3, True),
    ("n + 1", 6, True),
]  # fmt: skip


@each("text, value, expected", UNARY)
def test_matches(text: str, value: object, expected: bool | None) -> None:
    assert compile_unary_tests(text, CONTEXT).matches(value, CONTEXT) is expected


def test_evaluate__the_present() -> None:
    clock.set_to(datetime(2026, 3, 1, 12, tzinfo=UTC))
    try:
        assert compile_feel("now()").evaluate({}) == datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert compile_feel("today()").evaluate({}) == date(2026, 3, 1)
    finally:
        clock.reset()


def test_evaluate__the_present_as_given() -> None:
    shanghai = datetime(2026, 3, 2, 7, 30, tzinfo=ZoneInfo("Asia/Shanghai"))

    assert compile_feel("now()").evaluate({}, now=shanghai) == shanghai
    assert compile_feel("today()").evaluate({}, now=shanghai) == date(2026, 3, 2)


def test_evaluate__nanoseconds_are_cut_on_the_way_out() -> None:
    assert compile_feel('time("10:00:00.123456789")').evaluate({}) == time(10, 0, 0, 123456)


def test_evaluate__value_that_python_cannot_hold() -> None:
    found = compile_feel('date and time("99999-01-01T00:00:00")').evaluate({})

    assert isinstance(found, DateTime)
    assert str(found) == "99999-01-01T00:00:00"
    assert isinstance(compile_feel('@"P9999999999D"').evaluate({}), DaysTime)


def test_evaluate__range_as_a_value() -> None:
    assert compile_feel('[1..@"P1D"]').evaluate({}) == Range(Decimal(1), timedelta(days=1))


def test_evaluate__context_is_not_changed() -> None:
    context = {"items": [{"a": 1}]}

    compile_feel('context put(items[1], "a", 2)').evaluate(context)

    assert context == {"items": [{"a": 1}]}


@each("months, text", [(0, "P0M"), (14, "P1Y2M"), (-14, "-P1Y2M"), (12, "P1Y"), (1, "P1M")])
def test_years_months__text(months: int, text: str) -> None:
    assert str(YearsMonths(months)) == text
