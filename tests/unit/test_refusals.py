"""Every reason for a refusal has its sentences: in English where it is raised, in both languages on the pages."""

from __future__ import annotations

import ast
import functools
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from casepath.engine import errors
from casepath.engine import refusals as reasons
from casepath.web import refusals

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("casepath", "engine", "web", "workers")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
CATALOGUE = ROOT / "web" / "translations" / "zh_CN" / "LC_MESSAGES" / "messages.po"
#: What diagrams, calendars and programs hand in; people meet it as a finding or as an incident.
NOT_BY_PEOPLE = {
    "engine/bpmn/elements/base.py",
    "engine/bpmn/elements/extension.py",
    "engine/bpmn/elements/loops.py",
    "engine/bpmn/elements/tasks.py",
    "engine/bpmn/extensions.py",
    "engine/bpmn/moving.py",
    "engine/time/clock.py",
    "engine/time/cron.py",
    "engine/instances/external_tasks/fetching.py",
    "engine/instances/external_tasks/reporting.py",
    "engine/groups_file.py",
    "engine/time/holidays.py",
    "engine/instances/migration_plans.py",
    "engine/instances/notifications.py",
    "engine/time/opening_hours.py",
    "engine/time/periods.py",
    "engine/time/timers.py",
    "casepath/serving.py",
    "casepath/stories.py",
}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
TABLES = ("ENTRIES", "FIELDS")


@functools.cache
def calls() -> list[tuple[str, str, ast.Call]]:
    """Every call in the sources: its file, the last name of what is called, the call."""
    return [
        (path.relative_to(ROOT).as_posix(), ast.unparse(node.func).rpartition(".")[2], node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]


def named(*names: str) -> Iterator[tuple[str, ast.Call]]:
    return ((file, call) for file, name, call in calls() if name in names)


def texts(call: ast.Call) -> list[str]:
    """The texts among the first arguments of a call."""
    return [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def facts(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.fixture(scope="module")
def chinese() -> set[str]:
    """The English texts that have a Chinese one."""
    with CATALOGUE.open("rb") as file:
        return {str(message.id) for message in read_po(file) if message.string}


def test_entries__are_raised_with_a_known_code_and_its_facts() -> None:
    found = [(texts(call)[0], {each.arg for each in call.keywords}) for _, call in named("InvalidEntry")]

    assert [(code, given) for code, given in found if facts(reasons.ENTRIES[code]) - given] == []
    assert {code for code, _ in found} == set(reasons.ENTRIES)


def test_entries__what_people_hand_in_is_never_refused_without_a_code() -> None:
    """Raise an `InvalidEntry` instead, or add the module to those whose words only modellers and programs read."""
    assert {file for file, _ in named("InvalidInput")} - NOT_BY_PEOPLE == set()


def test_fields__are_refused_with_a_known_code_and_its_facts() -> None:
    found = [
        (texts(call)[0], {each.arg for each in call.keywords})
        for file, call in named("_Refused")
        if file == "engine/forms/submission.py"
    ]

    assert [(code, given) for code, given in found if facts(reasons.FIELDS[code]) - given] == []
    assert {code for code, _ in found} | {"unknown-field"} == set(reasons.FIELDS)


@pytest.mark.parametrize("table", TABLES)
def test_pages__have_a_text_for_each_code_that_uses_only_its_facts(table: str, chinese: set[str]) -> None:
    sentences, shown = getattr(reasons, table), getattr(refusals, table)

    assert set(shown) == set(sentences)
    for code, text in shown.items():
        english = text._args[0]
        assert english in chinese
        assert set(PLACEHOLDER.findall(english)) <= facts(sentences[code]), code


def test_pages__name_every_text_that_is_checked(chinese: set[str]) -> None:
    names = {
        str(each.value.value)
        for _, call in named("checked")
        for each in call.keywords
        if each.arg == "name" and isinstance(each.value, ast.Constant)
    }

    assert names == set(refusals.TEXT_NAMES)
    assert {text._args[0] for text in refusals.TEXT_NAMES.values()} <= chinese


def test_pages__name_everything_that_may_not_be_there() -> None:
    found = {texts(call)[0] for _, call in named("NotFound") if call.args and isinstance(call.args[0], ast.Constant)}
    made = {f"{kind} definition" for kind in ("process", "decision", "form")} | {"external task", "job", "user task"}

    assert (found | made) - set(refusals.NOUNS) == set()


def test_pages__name_everything_that_may_not_be_done() -> None:
    found = {
        (texts(call)[0], texts(call)[1])
        for _, call in named("Forbidden", "InvalidState")
        if all(isinstance(each, ast.Constant) for each in call.args[:2])
    }
    found |= {(texts(call)[0], texts(call)[1]) for _, call in named("allowed") if len(texts(call)) == 2}
    found |= {(texts(call)[0], "process instance") for _, call in named("repairer") if texts(call)}
    inside = {("continue", "activity instance"), ("retry", "activity instance"), ("start", "event sub-process")}

    assert found - inside - set(refusals.ACTIONS) == set()


@pytest.mark.parametrize("code", reasons.ENTRIES)
def test_entry__says_what_was_expected_and_what_was_found(code: str) -> None:
    given = dict.fromkeys(facts(reasons.ENTRIES[code]), "x" * 500)

    refusal = errors.InvalidEntry(code, **given)

    assert refusal.code == code
    assert refusal.message.startswith("Expected ")
    assert ", but " in refusal.message
    assert len(refusal.message) < 500


def test_entry__unknown_code() -> None:
    with pytest.raises(KeyError):
        errors.InvalidEntry("no-such-code")
