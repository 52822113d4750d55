"""Small changes to rules: which ones are made, and that the tests meet them."""

from __future__ import annotations

from pathlib import Path

from tests.mutation.__main__ import ROOT, run_tests
from tests.mutation.accepted import ACCEPTED
from tests.mutation.changing import mutants
from tests.mutation.rules import TESTS

SOURCE = '''
"""About values."""
from os import path
from casepath.engine import errors

LIMIT: int = 3


def take(value, *, retry=True):
    if value > LIMIT:
        raise errors.NotFound("value", f"at most {LIMIT + 0}")
    note(value, kind="taken", text="It was taken.")
    return value + 1
'''


def test_rules__name_what_is_there() -> None:
    named = {*TESTS, *(test for tests in TESTS.values() for test in tests)}

    assert sorted(name for name in named if not (ROOT / name).is_file()) == []


def test_accepted__are_changes_that_can_be_made() -> None:
    stale = {
        (module, change)
        for module, reasons in ACCEPTED.items()
        for change in reasons.keys() - {(mutant.before, mutant.after) for mutant in mutants(ROOT, module)}
    }

    assert stale == set()


def test_mutants__change_one_place_each_and_no_text_for_people(tmp_path: Path) -> None:
    (tmp_path / "rule.py").write_text(SOURCE, encoding="utf-8")

    made = mutants(tmp_path, "rule.py")

    assert all(mutant.is_python for mutant in made)
    assert {(mutant.line, mutant.after) for mutant in made} == {
        (6, "LIMIT: int = 4"),
        (9, "def take(value, *, retry=False):"),
        (10, "if False:"), (10, "if True:"), (10, "if value >= LIMIT:"),
        (11, "pass"),
        (12, "pass"), (12, 'note(value, kind="taken", )'), (12, 'note(value, text="It was taken.")'),
        (12, 'note(value, kind="XXtakenXX", text="It was taken.")'),
        (12, 'note(value, kind="TAKEN", text="It was taken.")'),
        (13, "return value - 1"), (13, "return value + 2"),
    }  # fmt: skip


def test_run_tests__with_a_changed_rule_and_without(tmp_path: Path) -> None:
    module = "engine/forms/typed.py"
    code = (ROOT / module).read_text(encoding="utf-8")
    changed = code.replace("number > field.max", "number >= field.max")

    assert run_tests(TESTS[module], module, code, str(tmp_path), None) == ""
    assert "1 failed" in run_tests(TESTS[module], module, changed, str(tmp_path), None)
