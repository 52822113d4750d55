"""What expressions mean."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from casepath.engine import errors
from casepath.engine.expressions import Environment, compile_expression
from casepath.engine.time.clock import Calendar
from tests import phrases
from tests.each import each

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 9, 30, 9, tzinfo=UTC)  # 17:00 in Shanghai, the evening before National Day
ENVIRONMENT = Environment(
    now=NOW,
    calendar=Calendar.from_json({"zone": "Asia/Shanghai", "country": "CN", "hours": {"mon-fri": [["09:00", "18:00"]]}}),
    business_key="C-2026-017",
    process_instance_id=42,
)
VARIABLES: dict[str, object] = {
    "amount": 1500, "price": Decimal("19.90"), "ratio": 0.1, "count": "5", "vip": True, "flag": "false",
    "name": "Li Lei", "severity": "high", "nothing": None, "none": [], "投诉": "noise",
    "customer": {"age": 30, "name": "Li Lei", "cars": [{"plate": "沪A1"}, {"plate": "沪B2"}], "empty": {}},
    "tags": ["a", "b", 3], "i": 1, "key": "age", "day": date(2026, 10, 1), "wait": timedelta(hours=36),
    "at": datetime(2026, 10, 1, 9, tzinfo=SHANGHAI), "big": 10**40, "nine": time(9), "loud": True,
}  # fmt: skip


def value(text: str) -> object:
    return compile_expression(text).evaluate(VARIABLES, ENVIRONMENT)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@each(
    "text, expected",
    [
        # literals
        ("1", 1), ("1.5", Decimal("1.5")), (".5", Decimal("0.5")), ("1e3", 1000), ("'a'", "a"), ('"a"', "a"),
        (r"'it\'s'", "it's"),
        (r"'a\\b'", "a\\b"), ("true", True), ("false", False), ("null", None), ("[]", []),
        ("[1, 'a', [2]]", [1, "a", [2]]),
        # comparison
        ("amount == 1500", True), ("amount eq 1500", True), ("amount != 1500", False), ("amount ne 1", True),
        ("amount > 1000", True), ("amount gt 1500", False), ("amount >= 1500", True), ("amount ge 1501", False),
        ("amount < 1501", True), ("amount lt 1500", False), ("amount <= 1500", True), ("amount le 1", False),
        ("severity == 'high'", True), ("severity == \"low\"", False), ("'b' > 'a'", True), ("1 == 1.0", True),
        ("price == 19.9", True), ("price > 19.89", True), ("price < 20", True), ("ratio == 0.1", True),
        ("count == 5", True), ("5 == count", True), ("count > 4", True), ("'5.0' == 5", True),
        ("amount == ''", False), ("'' != vip", True),
        ("vip == true", True), ("flag == false", True), ("vip == 'true'", True), ("nothing == null", True),
        ("amount == null", False), ("null != amount", True), ("null < 1", False),
        ("null <= null", True), ("nothing > 0", False), ("tags == ['a', 'b', 3]", True), ("tags == []", False),
        ("day == '2026-10-01'", True), ("day < '2026-10-02'", True), ("at > day", True),
        ("day == date('2026-10-01')", True),
        ("at == '2026-10-01T09:00:00+08:00'", True), ("nine == '09:00'", True), ("nine < time('10:00')", True),
        ("wait > duration('P1D')", True), ("wait == hours(36)", True),
        # logic
        ("vip && amount > 1000", True), ("vip and amount > 2000", False), ("amount > 2000 || vip", True),
        ("false or false or vip", True), ("true && true && false", False), ("!vip", False), ("not vip", False),
        ("!(amount > 2000)", True), ("nothing || vip", True), ("nothing && vip", False), ("'TRUE' && vip", True),
        ("true || unknown", True), ("false && unknown", False), ("not not vip", True),
        # arithmetic
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("7 / 2", Decimal("3.5")), ("6 / 2", 3), ("7 div 2", Decimal("3.5")),
        ("7 % 3", 1),
        ("-7 % 3", -1), ("7 mod -3", 1), ("10 - 3 - 2", 5), ("2 - -3", 5), ("-amount", -1500), ("--1", 1),
        ("ratio + 0.2", Decimal("0.3")), ("0.1 + 0.2 == 0.3", True), ("ratio + ratio + ratio == 0.3", True),
        ("ratio * 3 == 0.3", True), ("[ratio] == [0.1]", True), ("[true] == [1]", False),
        ("1 / 3 * 3", Decimal("0.9999999999999999999999999999999999")),
        ("90071992547409930 + 0.5", Decimal("90071992547409930.5")), ("9007199254740993 == 9007199254740992.0", False),
        ("1500 / 0.5", 3000), ("-0.10", Decimal("-0.10")), ("7.5 % 2", Decimal("1.5")), ("-7.5 % 2", Decimal("-1.5")),
        ("123456789012345678901234567890 * 1000000000000000000000", 123456789012345678901234567890 * 10**21),
        ("big + 1", 10**40 + 1), ("big * 1.0 == big", True),
        ("big / 3", Decimal("3333333333333333333333333333333333000000")),
        ("price * 2", Decimal("39.80")), ("price + 0.1", Decimal("20.00")),
        ("price / 3", Decimal("6.633333333333333333333333333333333")),
        ("count * 2", 10), ("'1.5' * 2", Decimal("3.0")), ("'a' + 'b'", "ab"),
        ("name + ', ' + severity", "Li Lei, high"),
        ("day + days(2)", date(2026, 10, 3)), ("day - days(1)", date(2026, 9, 30)),
        ("date('2026-10-05') - day", timedelta(days=4)),
        ("at + hours(2)", local("2026-10-01T11:00")), ("wait / 2", timedelta(hours=18)),
        ("2 * wait", timedelta(hours=72)),
        ("wait / hours(12)", 3), ("wait / hours(8)", Decimal("4.5")),
        ("duration('PT0.000003S') * 1.5", timedelta(microseconds=4)), ("wait + wait", timedelta(hours=72)),
        ("-wait", timedelta(hours=-36)),
        # empty and conditional
        ("empty nothing", True), ("empty none", True), ("empty ''", True), ("empty customer.empty", True),
        ("empty amount", False), ("empty unknown", True), ("not empty tags", True), ("!empty name && vip", True),
        ("vip ? 'a' : 'b'", "a"), ("false ? 1 : true ? 2 : 3", 2), ("vip ? amount > 1 ? 'x' : 'y' : 'z'", "x"),
        # access
        ("customer.age", 30), ("customer['age']", 30), ("customer[key]", 30), ("customer.cars[0].plate", "沪A1"),
        ("customer.cars[i].plate", "沪B2"), ("customer.cars[9]", None), ("customer.cars[-1]", None),
        ("customer.none", None),
        ("customer.none.deep", None), ("nothing.a", None), ("tags[2]", 3), ("tags['1']", "b"), ("投诉", "noise"),
        ("[10, 20][1]", 20), ("day.year", 2026), ("day.dayOfWeek", 4), ("at.hour", 9), ("nine.minute", 0),
        # the process instance
        ("execution.processBusinessKey", "C-2026-017"), ("execution.getProcessBusinessKey()", "C-2026-017"),
        ("execution.businessKey", "C-2026-017"), ("execution.processInstanceId", 42),
        ("execution.getVariable('amount')", 1500), ("execution.getVariable('unknown')", None),
        ("execution.getVariable('customer').age", 30), ("execution.hasVariable('amount')", True),
        ("execution.hasVariable('unknown')", False),
    ],
)  # fmt: skip
def test_evaluate(text: str, expected: object) -> None:
    found = value(f"${{{text}}}")

    assert found == expected
    assert type(found) is type(expected) or isinstance(expected, datetime)


@each(
    "text, expected",
    [
        ("vip == True", True), ("vip == False", False), ("nothing == None", True), ("amount != None", True),
        ("nothing is None", True), ("nothing is not None", False), ("amount is  not None", True), ("vip is True", True),
        ("amount is null", False), ("severity in ['low', 'high']", True), ("severity not in ['low', 'high']", False),
        ("'a' in tags", True), ("3 in tags", True), ("'3' in tags", True), ("9 in tags", False),
        ("'x' in tags", False), ("true in tags", False), ("0.1 in [ratio]", True),
        ("'Li' in name", True), ("'age' in customer", True), ("'x' not in customer", True),
        ("amount + 1 in [1501]", True), ("vip and severity in ['high']", True), ("1 in [1] == true", True),
        ("not severity in ['low']", True), ("not nothing is None", False), ("not vip is None", True),
        ("not 'a' in tags or vip", True), ("not (amount > 2000)", True), ("not vip and unknown", False),
        ("not not_paid", False), ("1 < 2 < 3", True), ("1 < 3 < 2", False), ("3 > 1 < 2 <= 2", True),
        ("2 < 1 < unknown", False), ("is_in", 7), ("is + in", 5),
    ],
)  # fmt: skip
def test_evaluate__python_spellings(text: str, expected: object) -> None:
    variables = VARIABLES | {"not_paid": True, "is_in": 7, "is": 2, "in": 3}

    assert compile_expression(text, bare=True).evaluate(variables, ENVIRONMENT) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not amount == 5", "brackets that show what 'not' is about, such as not (a == b)"),
        ("not amount > 5", "not (a > b)"), ("not vip != true", "not (a != b)"), ("not amount + 1", "not (a + b)"),
        ("amount is 5", "null, true or false after 'is' (== compares other values)"), ("amount is not name", "is not"),
        ("1 == 1 == 1", "'&&' or brackets between two comparisons (== … ==)"), ("1 < 2 in tags", "(< … in)"),
        ("nothing is None is None", "(is … is)"),
        ("'a' if vip else 'b'", "(write condition ? this : that)"), ("len(tags) > 1", "a function such as size"),
        ("str(amount)", "such as string"), ("int(count)", "such as number"), ("name.lower()", "such as toLowerCase"),
        ("name.startswith('L')", "such as startsWith"), ("amount ** 2", "a value, but found '*'"),
        ("amount // 2", "a value, but found '/'"), ("[x for x in tags]", "',', but found 'for'"),
        ("lambda: 1", "an operator, but found ':'"), ("{'a': 1}", "a value, a name or an operator"),
        ("f'{name}'", "an operator"), ("not in", "a value, but found 'not in'"),
    ],
)  # fmt: skip
def test_compile_expression__refuses_the_rest_of_python(text: str, expected: str) -> None:
    with pytest.raises(errors.ExpressionError, match=re.escape(expected)):
        compile_expression(text, bare=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abs(-2)", 2), ("abs(0 - price)", Decimal("19.90")), ("min(3, 1, 2)", 1), ("max([1, 5, 2])", 5),
        ("max([])", None),
        ("min('b', 'a')", "a"), ("max(day, date('2027-01-01'))", date(2027, 1, 1)),
        ("sum(1, 2, price)", Decimal("22.90")),
        ("sum([])", 0), ("round(2.5)", 3), ("round(-2.5)", -3), ("round(2.345, 2)", Decimal("2.35")),
        ("round(1.005, 2)", Decimal("1.01")),
        ("round(price)", 20), ("round(price + 0.005, 2)", Decimal("19.91")), ("round(1234.5, -2)", 1200),
        ("round(1234, -2)", 1200), ("floor(2.7)", 2), ("floor(-2.1)", -3), ("ceiling(2.1)", 3), ("size(tags)", 3),
        ("size('abc')", 3), ("size(null)", 0), ("size(customer)", 4), ("number('5')", 5),
        ("number('1.5')", Decimal("1.5")),
        ("number(null)", None), ("string(5)", "5"), ("string(true)", "true"), ("string(null)", ""),
        ("string(day)", "2026-10-01"),
        ("string(price)", "19.90"), ("string(1e20)", "100000000000000000000"), ("coalesce(null, nothing, 5)", 5),
        ("coalesce()", None), ("join(tags)", "a, b, 3"),
        ("join(tags, '-')", "a-b-3"), ("date(2026, 10, 1)", date(2026, 10, 1)), ("date(at)", date(2026, 10, 1)),
        ("date(null)", None), ("dateTime('2026-10-01T09:00')", local("2026-10-01T09:00")),
        ("dateTime(day)", local("2026-10-01T00:00")),
        ("dateTime('2026-10-01T09:00:00Z')", datetime(2026, 10, 1, 9, tzinfo=UTC)), ("time('09:30')", time(9, 30)),
        ("time(at)", time(9)), ("duration('P1DT2H')", timedelta(days=1, hours=2)), ("days(1.5)", timedelta(hours=36)),
        ("minutes(90)", timedelta(minutes=90)), ("now()", NOW), ("today()", date(2026, 9, 30)), ("dateTime()", NOW),
        ("workingTime('PT2H')", local("2026-10-08T10:00")), ("workingTime(hours(1), at)", local("2026-10-08T10:00")),
        ("workingDays(2)", local("2026-10-09T17:00")), ("workingDays(-1)", local("2026-09-29T17:00")),
        ("workingDays(1, day)", local("2026-10-08T00:00")),
        ("workingTimeBetween(now(), '2026-10-08T10:00')", timedelta(hours=2)),
        ("workingDaysBetween(now(), '2026-10-08T23:59')", 1), ("workingDaysBetween(now(), now())", 0),
        ("workingDaysBetween('2026-10-09T00:00', now())", -2), ("workingDaysBetween(at, '2026-10-10')", 3),
        ("isWorkingDay()", True), ("isWorkingDay(day)", False), ("isWorkingDay('2026-10-10')", True),
        ("isOpen()", True),
        ("isOpen(at)", False),
        # methods
        ("tags.contains('a')", True), ("tags.contains('3')", True), ("name.contains('Lei')", True), ("tags.size()", 3),
        ("tags.get(0)", "a"), ("customer.get('age')", 30), ("customer.containsKey('age')", True),
        ("customer.containsKey('x')", False),
        ("tags.isEmpty()", False), ("''.isEmpty()", True), ("name.startsWith('Li')", True),
        ("name.endsWith('x')", False),
        ("name.toUpperCase()", "LI LEI"), ("name.toLowerCase()", "li lei"), ("'  a '.trim()", "a"),
        ("name.substring(3)", "Lei"),
        ("name.substring(0, 2)", "Li"), ("name.indexOf('L')", 0), ("tags.indexOf('b')", 1), ("tags.indexOf('z')", -1),
        ("name.length()", 6), ("name.replace('L', 'W')", "Wi Wei"), ("'a,b'.split(',')", ["a", "b"]),
        ("name.equals('Li Lei')", True),
        ("name.equalsIgnoreCase('LI LEI')", True), ("name.matches('L.*i')", True), ("name.matches('L')", False),
        ("amount.toString()", "1500"), ("day.plusDays(31)", date(2026, 11, 1)),
        ("day.minusMonths(1)", date(2026, 9, 1)),
        ("date('2026-01-31').plusMonths(1)", date(2026, 2, 28)), ("day.plusYears(1).plusWeeks(1)", date(2027, 10, 8)),
        ("dateTime().plusDays(1).toDate()", local("2026-10-01T17:00")),
        ("now().plusHours(2)", local("2026-09-30T19:00")),
        ("now().minusMinutes(30).plusSeconds(5)", local("2026-09-30T16:30:05")),
        ("now().withTimeAtStartOfDay()", local("2026-09-30T00:00")),
        ("at.toLocalDate()", date(2026, 10, 1)), ("day.isBefore(at)", True), ("day.isAfter('2026-12-31')", False),
        ("wait.toHours()", 36), ("wait.toDays()", 1), ("wait.toMinutes()", 2160), ("wait.toSeconds()", 129600),
        ("customer.name.toUpperCase().substring(0, 2)", "LI"), ("name.split(' ')[1]", "Lei"),
    ],
)  # fmt: skip
def test_evaluate__functions_and_methods(text: str, expected: object) -> None:
    found = compile_expression(text, bare=True).evaluate(VARIABLES, ENVIRONMENT)

    assert found == expected
    assert type(found) is type(expected) or isinstance(expected, datetime)


@each(
    "text, expected",
    [
        ("Complaint ${execution.businessKey} of ${name}", "Complaint C-2026-017 of Li Lei"),
        ("#{amount}/#{amount + 1}", "1500/1501"), ("plain text", "plain text"), ("", ""), (" ${amount} ", 1500),
        ("a${nothing}b", "ab"), ("${vip} ${price} ${ratio} ${day}", "true 19.90 0.1 2026-10-01"),
        ("${tags} ", ["a", "b", 3]),
        ("x${tags}", 'x["a","b",3]'), (r"\${amount}", "${amount}"), (r"\#{a} ${amount}", "#{a} 1500"),
        ("5 $ and } { #", "5 $ and } { #"),
        ("${'}'}${\"${\"}", "}${"), ("\n  ${amount > 5}\n", True), ("in ${wait}", "in P1DT12H"),
    ],
)  # fmt: skip
def test_evaluate__text_with_expressions(text: str, expected: object) -> None:
    assert value(text) == expected


@each(
    "text, names, functions",
    [
        ("${a.b[c] == d.trim() }", {"a", "c", "d"}, {"trim"}),
        ("${max(a, b) > now()}", {"a", "b"}, {"max", "now"}),
        ("${empty a ? b.trim() : execution.getVariable('c')}", {"a", "b"}, {"trim"}),
        ("x ${a} y ${b}", {"a", "b"}, set()),
        ("plain", set(), set()),
    ],
)
def test_compile_expression__names_and_functions(text: str, names: set[str], functions: set[str]) -> None:
    expression = compile_expression(text)

    assert expression.names == names
    assert expression.functions == functions
    assert expression.constant is (text == "plain")


@each(
    "text, reads",
    [
        ("${amount > 1000 && vip}", {"amount": 1500, "vip": True}),
        ("${amount < 1000 && vip}", {"amount": 1500}),  # what is not needed is not read
        ("${customer.age >= 18}", {"customer.age": 30}),
        ("${customer.cars[i].plate == '沪B2'}", {"customer.cars[1].plate": "沪B2", "i": 1}),
        ("${customer.name.length() > 3}", {"customer.name": "Li Lei"}),
        ("${empty unknown}", {"unknown": None}),
        ("${execution.getVariable('amount') > 5}", {"amount": 1500}),
        ("${amount > 5 ? true : vip}", {"amount": 1500}),
        ("${[amount, count].contains(5)}", {"amount": 1500, "count": "5"}),
    ],
)
def test_trace__values_read_by_path(text: str, reads: dict[str, object]) -> None:
    assert compile_expression(text).trace(VARIABLES, ENVIRONMENT)[1] == reads


@pytest.mark.parametrize(
    ("text", "expected"), [("${amount > 1000}", True), ("${vip && amount < 5}", False), ("${!vip}", False)]
)
def test_condition(text: str, expected: bool) -> None:
    found, reads = compile_expression(text).condition(VARIABLES, ENVIRONMENT)

    assert found is expected
    assert reads


@each("text", ["${amount}", "${nothing}", "${'true'}", "true", "${name}!"])
def test_condition__demands_true_or_false(text: str) -> None:
    with pytest.raises(errors.ExpressionError, match="Expected true or false"):
        compile_expression(text).condition(VARIABLES, ENVIRONMENT)


def test_evaluate__unknown_variable_names_the_nearest() -> None:
    with pytest.raises(errors.ExpressionError, match=r"variable 'amuont', but there is none \(near it: 'amount'"):
        value("${amuont > 5}")


def test_evaluate__without_calendar_there_is_no_working_time() -> None:
    with pytest.raises(errors.ExpressionError, match="Expected a calendar"):
        compile_expression("${workingTime('PT2H')}").evaluate({}, Environment(now=NOW))


@each(
    "text, position",
    [
        ("${", 2), ("${}", 2), ("${a", 3), ("${a b}", 4), ("${a +}", 5), ("${(a}", 4), ("${a = 1}", 4),
        ("${a & b}", 4),
        ("${'a}", 2), ("${a..b}", 4), ("${a ? b}", 7), ("${[1, }", 6), ("${a.}", 4), ("${fn(}", 5), ("${1 2}", 4),
        ("ok ${1} ${+}", 10), ("${a instanceof b}", 4), ("${eq}", 2), ("${a;b}", 3), ("${'\\n'}", 3), ("${a[}", 4),
        ("${{}}", 2),
        ("${nowww()}", 2), ("${a.trimm()}", 4), ("${now(1)}", 2), ("${a.trim(1)}", 4), ("${min()", 7),
        ("${date()}", 2),
        ("${execution.setVariable('a', 1)}", 12), ("${execution}", 2), ("${execution.id}", 12),
        ("${execution['x']}", 11),
        ("${abs(execution)}", 6), ("${a ->b}", 5), ("${ns:fn(1)}", 4), ("${@}", 2),
    ],
)  # fmt: skip
def test_compile_expression__refuses_with_the_position(text: str, position: int) -> None:
    with pytest.raises(errors.ExpressionError, match="Expected") as refused:
        compile_expression(text)

    assert refused.value.position == position


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("len(x)", "第 1 个字符处应为函数（如 size），但读到“len”"), ("(a", "第 3 个字符处应为“)”，但读到文本结尾"),
        ("1" * 101, "数字最多 100 位，但实际有 101 位"), ("${a", "第 4 个字符处应为运算符或“}”，但读到文本结尾"),
    ],
)  # fmt: skip
def test_compile_expression__refuses_in_chinese_too(text: str, chinese: str) -> None:
    with pytest.raises(errors.ExpressionError) as refused:
        compile_expression(text, bare="$" not in text)

    assert phrases.chinese(refused.value.phrase) == chinese


def test_compile_expression__unknown_function_names_the_nearest() -> None:
    with pytest.raises(errors.ExpressionError, match="such as workingTime"):
        compile_expression("${workingTim('PT2H')}")


@each(
    "text",
    [
        "1 / 0", "1 % 0", "amount / (i - 1)", "'a' + 1", "'a' - 1", "null + 1", "amount + nothing", "true + 1", "-'x'",
        "tags + 1", "'x' == 5", "5 != 'x'", "true == 1", "1 != true", "day == 'tomorrow'", "day == nine",
        "vip == 'yes'",
        "tags == 'a'", "customer == []", "5 in amount", "5 in name", "5 in customer", "'a' in nothing", "amount in 5",
        "amount && vip", "!amount", "name ? 1 : 2", "tags > 1", "vip > true", "name < 5", "day < 5", "name.age",
        "amount.size", "name[0]",
        "amount[0]", "vip.x", "tags[name]", "tags[1.5]", "name.substring(5, 99)", "name.substring(-1)", "name.get(0)",
        "amount.trim()",
        "nothing.trim()", "tags.startsWith('a')", "name.startsWith(5)", "name.matches('(')", "name.split('')",
        "date('x')",
        "date(2026, 13, 1)", "date(true)", "dateTime('x')", "dateTime(5)", "time('25:00')", "duration('P1M')",
        "duration(5)",
        "workingTime('x')", "workingTime(5)", "workingDays('x')", "workingDays(1.5)", "number('x')", "round('x')",
        "round(1.5, 1000)",
        "size(5)", "join(5, 5)", "sum('x')", "max(1, 'x')", "abs('x')", "day + hours(1)", "day + day", "wait - day",
        "wait / 0", "at - day",
        "day.plusHours(1)", "name.plusDays(1)", "day.plusDays('x')", "wait.hours", "day.hour",
        "execution.getVariable(5)",
        "name.toHours()", "isWorkingDay('x')", "wait * name",
    ],
)  # fmt: skip
def test_evaluate__refuses_what_makes_no_sense(text: str) -> None:
    with pytest.raises(errors.ExpressionError, match="Expected"):
        compile_expression(text, bare=True).evaluate(VARIABLES, ENVIRONMENT)
