"""What the engine says: one English text where the reason is, one Chinese in the catalogue, and the facts of both."""

from __future__ import annotations

from decimal import Decimal
from pathlib import PurePath

from casepath.engine import errors
from casepath.engine.phrases import MAX_FACT, Phrase, Size, as_json, dumps, from_json, loads
from tests import phrases
from tests.each import each

#: Calls that say what they are given; what that is stands where it is made, or comes from a diagram or a script.
PASSED_ON = {
    ("decisions.py", "result.findings[0].phrase"),
    ("jobs.py", "message"),
    ("moves.py", "trigger.message"),
    ("phrases.py", "text"),
    ("markup.py", "text"),
    ("events.py", "place"),
    ("rules.py", "text"),
    ("findings.py", "text"),
    ("checks.py", "text"),
    ("migration_plans.py", "text"),
    ("channels.py", "text"),
    ("deployment.py", "text"),
    ("documents.py", "text"),
    ("registers.py", "text"),
    ("reports.py", "text"),
    ("reading.py", "text"),
    ("reading.py", "refusal.phrase.text"),
    ("selections.py", "text"),
    ("scanner.py", "error.phrase"),
    ("scripts.py", "error.phrase"),
    ("scripts.py", "message"),
    ("scripts.py", "phrase"),
    ("base.py", "name"),
    ("texts.py", "name"),
}


def test_texts__are_written_where_they_are_said() -> None:
    """A text put together by an f-string has no translation: give it gaps, and the facts beside it."""
    unread = [each for each in phrases.uses()[1] if PurePath(each.file).name != "errors.py"]

    assert [each for each in unread if (PurePath(each.file).name, each.source) not in PASSED_ON] == []
    assert len(phrases.texts()) > 400


def test_texts__have_their_facts_beside_them() -> None:
    lacking = [each for each in phrases.uses()[0] if each.facts and phrases.gaps(each.text) - each.facts]

    assert lacking == []


def test_texts__are_given_no_fact_that_neither_language_says() -> None:
    chinese = phrases.chinese_texts()
    silent = {
        text: facts - phrases.gaps(text) - phrases.gaps(chinese.get(text, ""))
        for text, facts in phrases.texts().items()
    }

    assert {text: facts for text, facts in silent.items() if facts} == {}


def test_chinese__of_every_text() -> None:
    said = {text for text in phrases.texts() if phrases.has_words(text)}

    assert sorted(said - set(phrases.chinese_texts())) == []


def test_chinese__of_nothing_else() -> None:
    assert sorted(set(phrases.chinese_texts()) - set(phrases.texts())) == []


def test_chinese__fills_in_only_what_is_given() -> None:
    given = phrases.texts()
    unknown = {
        text: phrases.gaps(chinese) - given.get(text, set())
        for text, chinese in phrases.chinese_texts().items()
        if given.get(text)
    }

    assert {text: facts for text, facts in unknown.items() if facts} == {}


def test_codes__of_one_refusal_each() -> None:
    """Programs tell refusals by code, so that two different ones never share one."""
    said: dict[str, set[str]] = {}
    for use in phrases.uses()[0]:
        if use.code:
            said.setdefault(use.code, set()).add(use.text)

    assert {code: texts for code, texts in said.items() if len(texts) > 1} == {}
    assert len(said) > 50


def test_phrase__fills_gaps() -> None:
    phrase = Phrase(
        "Expected {kind}, but found {found} of {size}", kind=Phrase("a file"), found=["a", "b"], size=Size(7)
    )

    assert str(phrase) == "Expected a file, but found a, b of 7 bytes"


def test_phrase__without_facts_is_taken_to_the_letter() -> None:
    assert str(Phrase("Expected ${…}")) == "Expected ${…}"


def test_phrase__braces_in_a_fact_are_no_gaps() -> None:
    assert str(Phrase("found {found}", found="{secret}")) == "found {secret}"


@each("found", ["x" * 5000, ["x" * 5000], list(range(5000))])
def test_phrase__is_short_whatever_is_found(found: object) -> None:
    assert len(str(Phrase("{found}", found=found))) == MAX_FACT


def test_phrase__of_nothing_found() -> None:
    assert str(Phrase("found {found}", found=[])) == "found none"


def test_phrase__told_in_another_language() -> None:
    phrase = Phrase("{name}: {found}", name=Phrase("the name"), found=[1, 2])
    german = {"{name}: {found}": "{found} ({name})", "the name": "der Name", ", ": " und "}

    assert phrase.told(german.__getitem__, lambda name, fact: f"{name} {fact}") == "found 1 und found 2 (der Name)"


def test_phrase__is_stored_with_its_facts() -> None:
    phrase = Phrase("{a} {b}", a=Phrase("{size} of {few}", size=Size(7), few=["x", 1]), b=Decimal("1.5"))

    stored = loads(dumps(phrase))

    assert stored is not None
    assert str(stored) == str(phrase) == "7 bytes of x, 1 1.5"
    assert isinstance(stored.facts["a"], Phrase)
    assert from_json(as_json(stored)) == stored


@each("text", [None, "", "Traceback", '{"text":', '{"text": 1, "facts": {}}', '{"text": "a"}', "[]"])
def test_loads__what_is_no_phrase(text: str | None) -> None:
    assert loads(text) is None


def test_phrase__equal_by_words_and_facts() -> None:
    assert Phrase("{a}", a=1) == Phrase("{a}", a=1)
    assert len({Phrase("{a}", a=1), Phrase("{a}", a=1), Phrase("{a}", a=2)}) == 2


def test_refusal__carries_code_words_and_facts() -> None:
    refusal = errors.InvalidInput("At most {limit} is possible.", code="too-large", limit=5)

    assert (refusal.code, refusal.facts, refusal.message) == ("too-large", {"limit": 5}, "At most 5 is possible.")
    assert str(refusal) == refusal.message


@each(
    "refusal, english, chinese",
    [
        (errors.NotFound("user task", 7), "There is no user task “7”, or it is not meant for you.",
         "没有任务“7”，或您无权查看。"),
        (errors.Forbidden("complete", "user task", 7, "bob"), "bob may not complete user task 7.",
         "您以bob的身份登录，无权完成此任务。"),
        (errors.InvalidState("claim", "user task", 7, "completed", by="bob"),
         "It is not possible to claim user task 7: bob has completed it.", "您想认领此任务。bob已完成此任务。"),
        (errors.InvalidState("claim", "user task", 7, "claimed"),
         "It is not possible to claim user task 7: somebody has it now.", "您想认领此任务。此任务现由某人处理。"),
        (errors.InvalidState("retry", "job", 7, "executed"),
         "It is not possible to retry job 7: it is in state “executed”.", "您想重试此作业。其状态为“executed”。"),
        (errors.NotWaiting("paid", "TS-1"), "TS-1 does not wait for “paid”.", "TS-1 没有在等待“paid”。"),
        (errors.NotWaiting("paid", None), "Nobody waits for “paid”.", "没有流程在等待“paid”。"),
    ],
)  # fmt: skip
def test_refusal__in_both_languages(refusal: errors.EngineError, english: str, chinese: str) -> None:
    assert refusal.message == english
    assert phrases.chinese(refusal.phrase) == chinese


def test_finding__says_where_and_what() -> None:
    finding = errors.Finding(
        code="loop-maximum", file="a.bpmn", element_id="T", name="Do it", line=3,
        phrase=Phrase("Expected at least 1 as loopMaximum, but found {value}", value=0),
    )  # fmt: skip

    assert str(finding) == 'a.bpmn:3 T "Do it": Expected at least 1 as loopMaximum, but found 0'
    assert phrases.chinese(finding.phrase) == "loopMaximum 至少为 1，但实际为 0"
