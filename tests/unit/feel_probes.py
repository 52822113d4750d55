"""
Texts made to hurt whoever evaluates them, by what they try.

`STOPPED` must end in one of our errors; `HARMLESS` may also have a value, which must be small.
"""

from __future__ import annotations

_DEEP = 1_500
_NESTED_FOR = "for a in 1..1000 return for b in 1..1000 return for c in 1..1000 return a + b + c"
_DOUBLING = ", ".join(f"s{index + 1}: s{index} + s{index}" for index in range(60))
_SHARED = ", ".join(f"s{index + 1}: [s{index}, s{index}]" for index in range(60))

NESTING = [
    opening * _DEEP + "1" + closing * _DEEP
    for opening, closing in (
        ("(", ")"), ("[", "]"), ("{a: ", "}"), ("if true then ", " else 2"), ("not(", ")"), ("abs(", ")"),
        ("for x in [1] return ", ""), ("some x in [1] satisfies ", ""), ("every x in [1] satisfies ", ""),
        ("function(x) ", ""), ("x[", "]"), ("f(a: ", ")"), ("[1..", "]"), ("]1..", "]"), ("(< ", ")"), ("1 in (", ")"),
        ("1 between ", " and 2"), ("if ", " then 1 else 2"), ("1 + (", ")"), ("-(", ")"), ("{a: [", "]}"),
        ("(function() ", ")()"), ("1 instance of list<", ">"), ("x instance of function<", ">"),
        ("1 instance of context<a: ", ">"), ("1 in [", "]"), ("x.y(", ")"), ("1 < (", ")"), ("1 ** (", ")"),
    )
]  # fmt: skip

LONG = [
    "1" + " + 1" * 40_000, "1" + " * 1" * 40_000, "true" + " and true" * 12_000, "false" + " or true" * 12_000,
    "a" + ".a" * 45_000, "a" + "[1]" * 30_000, "f" + "()" * 45_000, "-" * 90_000 + "1", "[" + "1," * 45_000 + "1]",
    "if true then 1 else " * 4_900 + "2", "1" + " = 1" * 20_000, "1" + " instance of number" * 5_000,
    "{" + ", ".join(f"k{index}: {index}" for index in range(8_000)) + "}", "x" * 100_000, "x " * 50_000,
    '"' + "a" * 99_000 + '"', "9" * 99_000, "1e" + "9" * 90_000, "." * 50_000, "/*" * 50_000, "//" * 50_000,
    "/*" + "*" * 99_000, '"' + "\\" * 99_001, '"' + "\\u0041" * 16_000 + '"', "@" * 100_000, "?" * 100_000,
    "in " * 30_000, "f(" + "a, " * 30_000 + "a)", "f(" + "a: 1, " * 15_000 + "b: 1)", "-" + " - " * 30_000 + "1",
    "for " + ", ".join(f"i{index} in [1, 2]" for index in range(4_000)) + " return 1",
    "function(" + ", ".join(f"p{index}" for index in range(12_000)) + ") 1", "1" + " ** 1" * 19_000,
    "a" + " between a and a" * 6_000, "1 in (" + "< 1, " * 19_000 + "> 2)",
    "{" + ", ".join(f"a b{index}: a b{index - 1}" for index in range(1, 5_000)) + "}", "x" * 1_000_000, "(" * 1_000_000,
    "1 + " * 250_000 + "1", '"' + "a" * 1_000_000 + '"',
]  # fmt: skip

NUMBERS = [
    "9 ** 9 ** 9 ** 9", "10 ** 999999999", "9999999999 ** 9999999999", "0.0000001 ** 999999999", "1.0000001 ** 1e33",
    "exp(1e30)", "exp(99999)", "log(1e-6000)", "sqrt(1e6000)", "1e6144 * 1e6144", "1e-6143 / 1e6144", "1e999999999",
    "decimal(1/3, 6176)", "floor(1e6000, 6000)", "round up(1/3, -6111)", "modulo(1e6000, 1e-6000)", "string(1e6144)",
    "string(1e-6143)", "2 ** 0.5 ** 0.5 ** 0.5", "for i in 1..100000 return 1.1 ** i", "(1e6144 + 1) - 1e6144",
    "for i in 1..100000 return exp(i)", "for i in 1..100000 return string(1e6144)", "even(1e6144)",
    "modulo(1, 1e-6143)", 'number("' + "9" * 50_000 + '")', '@"P999999999999D" * 1e30', 'duration("P1D") * 1e6000',
    '@"P1Y" * 1e6000',
]  # fmt: skip

LOOPS = [
    _NESTED_FOR, "for i in 1..1000000000 return i", "for i in -1e33..1e33 return i", "for i in 1e33..2e33 return 1",
    "some i in 1..1000000000 satisfies false", "every i in 1..1000000000 satisfies true",
    "for i in [1..1000000000] return i", "for i in 1..100000, j in 1..100000 return 1",
    "for i in 1..100000 return partial", "for i in 1..100000 return count(partial)",
    'for i in @"-999999999-01-01"..@"999999999-12-31" return i', "count(for i in 1..10000000 return 1)",
    "(for i in 1..100000 return i)[item > 0][item > 0][item > 0][item > 0][item > 0]",
    "for i in 1..10000 return (for j in 1..10000 return j)[i]",
    "for i in 1..5000 return sum(for j in 1..5000 return j)", "for i in 1..100000 return for j in partial return j",
    "{f: function(n) f(n), r: f(1)}.r", "{f: function(n) f(n + 1) + f(n + 2), r: f(1)}.r",
    "{f: function(n) if n < 2 then 1 else f(n - 1) + f(n - 2), r: f(60)}.r", "{f: function(n) [f(n)], r: f(1)}.r",
    "{f: function(n) {a: f(n)}, r: f(1)}.r", "{f: function(g) g(g), r: f(f)}.r", "(function(x) x(x))(function(x) x(x))",
    "{f: function(n) for i in 1..10 return f(n), r: f(1)}.r", "{f: function(x, y) f(y, x), r: f(1, 2)}.r",
    "{f: function(n) sort([3, 2, 1], function(a, b) f(n)), r: f(1)}.r",
    "{a: function(n) b(n), b: function(n) a(n), r: b(1)}.r", "sort(for i in 1..100000 return i, function(a, b) a > b)",
    "sort(for i in 1..190000 return 190000 - i)",
    "list replace(for i in 1..190000 return i, function(a, b) count(for j in 1..1000 return j) > 0, 1)",
    "flatten(for i in 1..1000 return for j in 1..1000 return j)", "distinct values(for i in 1..1000000 return i)",
    "union(for i in 1..150000 return i, for i in 1..150000 return -i)",
    "for i in 1..100000 return " + " + ".join(["i"] * 20_000),
    "for i in 1..1000 return (for j in 1..1000 return j) = (for j in 1..1000 return j)",
    "for " + ", ".join(f"i{index} in 1..10" for index in range(20)) + " return 1",
    "index of(for i in 1..190000 return 1, 1)[item in index of(for i in 1..1000 return 1, 1)]",
]  # fmt: skip

SIZES = [
    '{s0: "aaaaaaaaaa", ' + _DOUBLING + "}", "{s0: [1, 2], " + _SHARED + "}", "string({s0: [1, 2], " + _SHARED + "})",
    "flatten({s0: [1, 2], " + _SHARED + "}.s60)",
    "{s0: [1, 2], " + _SHARED + "}.s60 = {s0: [1, 2], " + _SHARED + "}.s60",
    "distinct values([{s0: [1, 2], " + _SHARED + "}])", "{s0: [1, 2], " + _SHARED + ", r: s60 instance of list<Any>}",
    "{s0: [1, 2], " + _SHARED + "}.s60 instance of list<list<list<number>>>",
    'for i in 1..1000 return if i = 1 then "ab" else partial[-1] + partial[-1]',
    "for i in 1..1000 return if i = 1 then [1] else concatenate(partial[-1], partial[-1])",
    "for i in 1..100000 return [partial[-1]]",
    'for i in 1..1000 return replace("' + "a" * 1_000 + '", "a", "' + "b" * 1_000 + '")',
    'replace("' + "a" * 40_000 + '", "a", "' + "b" * 40_000 + '")',
    'replace("' + "a" * 40_000 + '", "(a+)", "' + "$1" * 20_000 + '")',
    'string join(for i in 1..100000 return "aaaaaaaaaa", ",")',
    'for i in 1..100000 return upper case("' + "ß" * 9_000 + '")',
    'for i in 1..100000 return split("' + "a;" * 9_000 + '", ";")', "for i in 1..10000 return {a: partial}",
    "context merge(for i in 1..10000 return {a: i, b: partial})",
    'for i in 1..100000 return contains("' + "a" * 50_000 + '", "ab")',
    "insert before(for i in 1..190000 return i, 1, for i in 1..190000 return i)",
    "for i in 1..100000 return reverse(for j in 1..100000 return j)", "append(for i in 1..199999 return 1, 1, 2, 3)",
    "for i in 1..1000 return get entries({" + ", ".join(f"k{index}: 1" for index in range(2_000)) + "})",
]  # fmt: skip

PATTERNS = [
    f'matches("{"a" * 40}!", "{pattern}")'
    for pattern in (
        "^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(a*)*$", "^([a-z]+)*$", "(a?){40}a{40}", "^(a|b|ab)*c$", "^(.*a){20}$",
        "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x", "^((a+)+)+$", "(a*)*b", "(a|a?)+$", "((a{1,100}){1,100}){1,100}x",
        "((((a{1000}){1000}){1000}){1000})", "(a{0,1000}){0,1000}x", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "(?=a)",
        "(?<=a)", "(?R)", "(?P<n>a)(?P=n)", "\\\\1(a)", "(a)\\\\9", "[a-z&&[^b]]", "a**", "a++", "(a", "a)", "[",
        "[z-a]", "{1}", "a{2,1}", "a{99999999999}", "\\\\p{Nope}", "\\\\p{IsNope}", "(?i)a", "\\\\x41", "\\\\b",
        "[[:alpha:]]", "[a-[b-[c-[d]]]]", "(((((((((((a)))))))))))\\\\11",
    )
] + [
    'matches("' + "a" * 90_000 + '", "^(a+)+b$")', 'replace("' + "a" * 5_000 + '", "(a*)*b", "x")',
    'split("' + "a" * 5_000 + '", "(a|aa)+b")', 'matches("a", "' + "(" * 900 + "a" + ")" * 900 + '")',
    'matches("a", "' + "a?" * 450 + "a" * 90 + '")', 'matches("a", "' + "[" * 900 + '")',
    'for i in 1..100000 return matches("aaaaaaaaaaaaaaaaaaaaaaaa!", "^(a+)+$")',
    'matches("' + "ab" * 20_000 + '", "(a.*b.*){50}c")', 'matches("a", "' + "(a{1000}){1000}" * 60 + '")',
]  # fmt: skip

ESCAPES = [
    '__import__("os").system("true")', "().__class__.__bases__", '"".__class__.__mro__', "abs.__globals__",
    "{a: 1}.__class__", "[].__len__", 'date("2020-01-01").__class__', "(function() 1).body.__globals__", "now.run",
    'get value({a: 1}, "__class__")', "abs.signatures", 'duration("P1D").nanoseconds', 'range("[__import__..2]")',
    'eval("1")', 'exec("1")', 'open("/etc/passwd")', "lambda: 1", "globals()",
    '(function(n) external {java: {class: "java.lang.Runtime", method signature: "exit(int)"}})(1)',
    '@"2020-01-01T00:00:00@../../etc/passwd"', 'time("10:00:00@/etc/localtime")', '@"10:00:00@Europe"',
    "(function() 1).parameters", "[1].append(2)", '"a".join([])', "?.__class__", "item.__class__", "partial",
    "{__class__: 1}.__class__", "string(abs)", "string(function() 1)", "null.x", "null()", "true()", "1()",
]  # fmt: skip

TEXTS = [
    "", " ", "\0", "\ud800", "\uffff", "﻿1", "“a”", "（1）", "1 ＋ 1", '"', '"\\', '"\\u12"', '"\\U110000"', '"\\ud800"',
    "@", '@"', '@""', '@"P"', "{", "}", "[", "]", "(", ")", "..", "1..", "[1..2", "[1..2}", "{a}", "{a:}",
    "{a: 1, a: 2}", "{1: 2}", "for", "for x", "for x in", "for x in y", "if", "if 1", "if 1 then", "if 1 then 2",
    "function", "function(", "function(a:", "function(a: nope) 1", "some", "some x in y satisfies", "1 instance",
    "1 instance of", "1 between 2", "1 between 2 and", "f(a: 1, 2)", "f(1, a: 2)", "f(1", "f(,)", "a.", "a.1", "a..b",
    "1 1", "1.2.3", "1e", "0x10", "a[", "a[]", "not", "and", "or 1", "1 and", "- -", "**", "1 ** ", "= 1", "< 1", "in",
    "1 in", "1 in (", "1 in ()", "!", "#", "$", "%", "^", "&", "~", "`", "'a'", ";", ":", "\\", "|", "1 // ", "/* 1",
    "1 /* ", "*/ 1", "x external", "external",
]  # fmt: skip

#: Must be stopped by a limit or refused as a text.
STOPPED = [*NESTING, *LOOPS[:12], *LONG[-4:]]
#: Hard for whoever reads them, with a few that are hard to evaluate.
READ = [*NESTING, *LONG, *PATTERNS, *ESCAPES, *TEXTS, *NUMBERS[:5], *LOOPS[:3], *SIZES[:3]]
#: Everything.
ALL = [*NESTING, *LONG, *NUMBERS, *LOOPS, *SIZES, *PATTERNS, *ESCAPES, *TEXTS]
