"""Regular expressions of FEEL, which are those of XPath: flags, classes, references, and what is not valid."""

from __future__ import annotations

from tests.each import each
from tests.unit.feel_texts import same

MATCHES: list[tuple[str, str]] = [
    ('matches("abracadabra","bra")', "true"), ('matches("abracadabra","^a.*a$")', "true"),
    ('matches("abracadabra","^bra")', "false"),
    ('matches("Ein Wort,\\nZwei Worte!\\n","Ein.*Zwei")', "false"),
    ('matches("Ein Wort,\\nZwei Worte!\\n","Ein.*Zwei","s")', "true"),
    ('matches("Ein Wort,\\nZwei Worte!\\n","^Ein.*Wort,$","m")', "true"),
    ('matches("Ein Wort,\\nZwei Worte!\\n","^Ein.*Wort,$")', "false"),
    ('matches("Ein Wort,\\nZwei Worte!\\n","zwei","i")', "true"),
    ('matches("Ein Wort,\\nZwei Worte!\\n","zwei")', "false"),
    ('matches("helloworld","hello world","x")', "true"), ('matches("helloworld","hello[ ]world","x")', "false"),
    ('matches("hello world","hello\\\\ sworld","x")', "true"), ('matches("hello world","hello world","x")', "false"),
    ('matches("hello world","hello[ ]world","x")', "true"), ('matches("abracadabra","bra","p")', "null"),
    ('matches("abracadabra","bra","X")', "null"), ('matches("abracadabra","bra","")', "true"),
    ('matches("input","pattern"," ")', "null"), ('matches("abracadabra","bra","ii")', "true"),
    ('matches("h","(.)\\\\3")', "null"), ('matches("h","(.)\\\\2")', "null"),
    ('matches("abcd","(asd)[\\\\1]")', "null"), ('matches("abcd","(asd)[asd\\\\1]")', "null"),
    ('matches("abcd","(asd)[asd\\\\0]")', "null"), ('matches("abcd","1[asd\\\\0]")', "null"),
    ('matches("h","\\\\1")', "null"), ('matches("aA","(a)\\\\1")', "false"), ('matches("aA","(a)\\\\1","i")', "true"),
    ('matches("aa","(.)\\\\1")', "true"),
    ('matches("abcdefghijklmnopqrstuvwxyz","(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)\\\\12")', "false"),
    ('matches("abcdefghijkk","(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)\\\\11")', "true"),
    ('matches("abcdefghijka1","(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)\\\\1\\\\d")', "true"),
    ('matches("x","[A-Z-[OI]]","i")', "true"), ('matches("X","[A-Z-[OI]]","i")', "true"),
    ('matches("O","[A-Z-[OI]]","i")', "false"), ('matches("i","[A-Z-[OI]]","i")', "false"),
    ('matches("Q","[^Q]","i")', "false"), ('matches("q","[^Q]","i")', "false"),
    ('matches("m","\\\\p{Lu}","i")', "false"), ('matches("m","\\\\P{Lu}","i")', "true"),
    ('matches("M","\\\\p{Lu}")', "true"), ('matches("\u212a","[A-Z]","i")', "true"),
    ('matches("\u212a","k","i")', "true"), ('matches("k","\u212a","i")', "true"),
    ('matches("hello","\\\\i\\\\c*")', "true"), ('matches("-x","^\\\\i")', "false"),
    ('matches("a","[\\\\i-[:]]")', "true"), ('matches(":","[\\\\i-[:]]")', "false"), ('matches("a","(?:a)")', "true"),
    ('matches("ab","(?=a)")', "null"), ('matches("ab","a{2,1}")', "null"), ('matches("aa","^a{2}$")', "true"),
    ('matches("aa","a{,2}")', "null"), ('matches("aa","a{1,}")', "true"), ('matches("aa","*a")', "null"),
    ('matches("aa","a**")', "null"), ('matches("a","a)")', "null"), ('matches("a","(a")', "null"),
    ('matches("a","[a")', "null"), ('matches("a]","a]")', "null"), ('matches("a","a}")', "null"),
    ('matches("a","{")', "null"), ('matches("a-b","[a--]")', "null"), ('matches("a","[]")', "null"),
    ('matches("a","[^]")', "null"), ('matches("-","[-a]")', "true"), ('matches("-","[a-]")', "true"),
    ('matches("-","[^-a]")', "false"), ('matches("^","[a^]")', "true"), ('matches("\\\\","\\\\\\\\")', "true"),
    ('matches("a","\\\\x61")', "null"), ('matches("a","\\\\b")', "null"), ('matches("a","\\\\z")', "null"),
    ('matches("a","\\\\A")', "null"), ('matches("tab\\t","\\\\t")', "true"), ('matches("a.b","a\\\\.b")', "true"),
    ('matches("aXb","a\\\\.b")', "false"), ('matches("$","\\\\$")', "true"), ('matches("5","\\\\d")', "true"),
    ('matches("٣","\\\\d")', "true"), ('matches("_","\\\\w")', "false"), ('matches("é","\\\\w")', "true"),
    ('matches("a","\\\\p{L}")', "true"), ('matches("a","\\\\p{IsBasicLatin}")', "true"),
    ('matches("é","\\\\p{IsBasicLatin}")', "false"), ('matches("α","\\\\p{IsGreek}")', "true"),
    ('matches("α","\\\\p{IsGreekandCoptic}")', "true"), ('matches("a","\\\\p{Foo}")', "null"),
    ('matches("a","\\\\p{IsFoo}")', "null"), ('matches("🐎","^.$")', "true"), ('matches("🐎","[🐎]")', "true"),
    ('matches("a\\nb","a.b")', "false"), ('matches("a\\rb","a.b")', "false"), ('matches("a\\nb","a.b","s")', "true"),
    ('matches("a\\n","^a$")', "false"), ('matches("a\\n","^a$","m")', "true"), ('matches("","^$")', "true"),
    ('matches("","")', "true"), ('matches("abc","")', "true"), ('matches("a.b","a.b","q")', "true"),
    ('matches("aXb","a.b","q")', "false"), ('matches("A.B","a.b","qi")', "true"),
    ('matches("a b","a b","qx")', "true"), ('matches("foo","^*")', "null"), ('matches("foo","(^)*")', "true"),
    ('matches("a","a|")', "true"), ('matches("","|a")', "true"), ('matches("a","(|a)")', "true"),
    ('matches("abc","[a-c-[b]]+")', "true"), ('matches("b","^[a-c-[b]]$")', "false"),
    ('matches("a","[c-a]")', "null"), ('matches("a","[a-\\\\d]")', "null"), ('matches("#","#")', "true"),
    ('matches("a#b","a#b","x")', "true"), ('matches("ab","a #c\\\\nb","x")', "false"),
    ('matches("x\x85y","x.y")', "true"), ('matches("x\u2028y","^x.y$")', "true"), ('matches(" ","\\\\s")', "true"),
    ('matches("\xa0","\\\\s")', "false"), ('matches("\xa0","\\\\S")', "true"),
    ('matches("abc","\\\\Qb\\\\E")', "null"), ('matches("a","(?i)A")', "null"), ('matches("aaa","a{1,2}?")', "true"),
    ('matches("aaa","a+?")', "true"), ('matches("aaa","a++")', "null"), ('matches("a","\\\\e")', "null"),
    ('matches("a","[\\\\b]")', "null"), ('matches("[","[[]")', "null"), ('matches("[","[\\\\[]")', "true"),
    ('matches("-","[a\\\\-z]")', "true"), ('matches("b","[a\\\\-z]")', "false"), ('matches("&","[a&&b]")', "true"),
    ('matches("~","[~~]")', "true"), ('matches("|","[||]")', "true"), ('matches(null,"a")', "null"),
    ('matches("a",null)', "null"), ('matches("a","a",null)', "true"), ("matches()", "null"), ('matches("a")', "null"),
    ('matches("a","a","","")', "null"), ('matches(1,"a")', "null"),
    ('matches(input:"foobar",pattern:"^fo*bar")', "true"),
    ('matches(input:"foobar",pattern:"^Fo*bar",flags:"i")', "true"), ('matches("a",1)', "null"),
    ('matches("a","a",1)', "null"),
]  # fmt: skip
REPLACE: list[tuple[str, str]] = [
    ('replace("abracadabra","bra","*")', '"a*cada*"'), ('replace("abracadabra","a.*a","*")', '"*"'),
    ('replace("abracadabra","a.*?a","*")', '"*c*bra"'), ('replace("abracadabra","a","")', '"brcdbr"'),
    ('replace("abracadabra","a(.)","a$1$1")', '"abbraccaddabbra"'), ('replace("abracadabra",".*?","$1")', "null"),
    ('replace("AAAA","A+","b")', '"b"'), ('replace("AAAA","A+?","b")', '"bbbb"'),
    ('replace("darted","^(.*?)d(.*)$","$1c$2")', '"carted"'), ('replace("reluctant","r.*?t","X")', '"Xant"'),
    ('replace("0123456789","(\\\\d{3})(\\\\d{3})(\\\\d{4})","($1) $2-$3")', '"(012) 345-6789"'),
    ('replace("facetiously","[iouy]","[$0]")', '"facet[i][o][u]sl[y]"'), ('replace("abc","[a-z]","#","")', '"###"'),
    ('replace("a.b.c.","[a-z]","#","")', '"#.#.#."'), ('replace("abc","b","$")', "null"),
    ('replace("abc","b","\\\\")', "null"), ('replace("abc","b","\\\\$")', '"a$c"'),
    ('replace("abc","b","\\\\\\\\")', '"a\\\\c"'), ('replace("abc","b","$x")', "null"),
    ('replace("abc","(b)","$2")', '"ac"'), ('replace("abcabc","(a)(b)?","[$2]")', '"[b]c[b]c"'),
    ('replace("ac","(a)(b)?","[$2]")', '"[]c"'), ('replace("abc","b","$1")', '"ac"'),
    ('replace("abc","(b)","$12")', '"ab2c"'), ('replace("abc","b","\\\\n")', "null"),
    ('replace("a.b","a.b","$1","q")', '"$1"'), ('replace("abc","B","x","i")', '"axc"'),
    ('replace("abc","","x")', "null"), ('replace("abc","x*","y")', "null"), ('replace("","a","b")', '""'),
    ('replace("abc","[","x")', "null"), ('replace("abc","a","x","z")', "null"),
    ('replace("foobar","^foo","zoo")', '"zoobar"'), ('replace("foobar","^foo","zoo",null)', '"zoobar"'),
    ('replace(input:"foobar",pattern:"^foo",replacement:"zoo")', '"zoobar"'),
    ('replace(input:"foobar",pattern:"^FOO",replacement:"zoo",flags:"i")', '"zoobar"'),
    ('replace("foobar","^foo")', "null"), ('replace(null,"a","b")', "null"), ('replace("a","a",null)', "null"),
    ('replace("😀","😀","😃")', '"😃"'), ('replace("a😀b","[^a-b]","x")', '"axb"'),
    ('replace("abc","[a-z]","#","ism")', '"###"'),
]  # fmt: skip


@each("text, expected", MATCHES)
def test_matches(text: str, expected: str) -> None:
    assert same(text, expected)


@each("text, expected", REPLACE)
def test_replace(text: str, expected: str) -> None:
    assert same(text, expected)
