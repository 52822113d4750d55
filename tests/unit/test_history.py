"""Sealing and checking a history, without a database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casepath.engine import errors
from casepath.engine.history import Event, Problem, State, check, seal
from tests.each import each

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

Row = dict[str, Any]


def rows_of(count: int = 6) -> list[Row]:
    """A sound history: one step per event."""
    rows: list[Row] = []
    head = ""
    for number in range(1, count + 1):
        event = Event(
            kind="user_task.completed",
            activity_instance=number,
            element_id=f"Task_{number}",
            facts={"name": "联系客户"},
            variables={"customer": "张三", "amount": Decimal("12.50"), "round": number},
            by="alice",
        )
        sealed = seal(7, number - 1, head, [event], at=AT + timedelta(hours=number))
        rows += sealed.rows
        head = sealed.head
    return rows


def problems(rows: list[Row], *, length: int = 6, head: str | None = None) -> list[tuple[str, int]]:
    rows = sorted(rows, key=lambda row: int(row["sequence"]))
    found: list[Problem] = check(rows, 7, length=length, head=rows_end(rows) if head is None else head)
    assert all(problem.process_instance_id == 7 for problem in found)
    return [(problem.what, problem.sequence) for problem in found]


def rows_end(rows: list[Row]) -> str:
    return str(rows[-1]["hash"]) if rows else ""


def test_seal__one_step_of_several_events() -> None:
    sealed = seal(7, 2, "a" * 64, [Event(kind="gateway.decided"), Event(kind="activity.started")], at=AT)

    assert [row["sequence"] for row in sealed.rows] == [3, 4]
    assert (sealed.length, sealed.head) == (4, sealed.rows[-1]["hash"])


def test_seal__nothing() -> None:
    sealed = seal(7, 2, "a" * 64, [], at=AT)

    assert (sealed.rows, sealed.length, sealed.head) == ([], 2, "a" * 64)


def test_seal__equal_values_look_different_once_hashed() -> None:
    """Otherwise somebody could guess an erased value from an equal one."""
    one, other = (seal(7, 0, "", [Event(kind="variables.set", variables={"x": 1})], at=AT) for _ in range(2))

    assert one.head != other.head


def test_seal__value_that_is_none() -> None:
    with pytest.raises(errors.InvalidInput):
        seal(7, 0, "", [Event(kind="variables.set", variables={"x": object()})], at=AT)


def test_check__sound() -> None:
    assert problems(rows_of()) == []


def test_check__no_events_yet() -> None:
    assert problems([], length=0) == []


@each(
    "column, value",
    [
        ("activity_instance", 99),
        ("activity_instance", None),
        ("at", AT + timedelta(hours=3, microseconds=1)),
        ("by", "mallory"),
        ("by", None),
        ("element_id", "Task_9"),
        ("facts", '{"name":"x"}'),
        ("hash", "0" * 64),
        ("kind", "user_task.claimed"),
        ("process_instance_id", 8),
        ("variables", None),
        ("variables", "{}"),
        ("variables", "not json"),
        ("variables", "[" * 100_000),
    ],
)
def test_check__changed_column(column: str, value: object) -> None:
    rows = rows_of()
    rows[2][column] = value

    found = problems(rows)

    # A hash is checked against the event that follows, so either of the two may be named.
    assert found[0] == ("changed", 3)
    assert set(found) <= {("changed", 3), ("changed", 4)}


@each("position", range(6))
def test_check__changed_value_of_a_variable(position: int) -> None:
    rows = rows_of()
    rows[position]["variables"] = rows[position]["variables"].replace("张三", "李四")

    assert problems(rows) == [("changed", position + 1)]


def test_check__whitespace_in_variables() -> None:
    rows = rows_of()
    rows[2]["variables"] = rows[2]["variables"].replace(":", ": ")

    assert problems(rows) == [("changed", 3)]


def test_check__changed_and_sealed_anew() -> None:
    """The hash fits the changed event, but no longer the one behind it."""
    rows = rows_of()
    forged = seal(7, 2, rows[1]["hash"], [Event(kind="user_task.claimed")], at=rows[2]["at"])
    rows[2] = forged.rows[0]

    assert problems(rows) == [("changed", 4)]


def test_check__last_event_changed_and_sealed_anew() -> None:
    rows = rows_of()
    head = rows_end(rows)
    rows[5] = seal(7, 5, rows[4]["hash"], [Event(kind="user_task.claimed")], at=rows[5]["at"]).rows[0]

    assert problems(rows, head=head) == [("changed", 6)]


@each("gone, told", [((1,), "event 1 is missing"), ((3,), "event 3 is missing"), ((3, 4), "events 3 to 4 are missing")])
def test_check__missing(gone: tuple[int, ...], told: str) -> None:
    rows = [row for row in rows_of() if row["sequence"] not in gone]

    assert problems(rows) == [("missing", gone[0])]
    assert [each.message for each in check(rows, 7, length=6, head=rows_end(rows))] == [told]


def test_check__missing_and_the_rest_renumbered() -> None:
    rows = rows_of()
    head = rows_end(rows)
    del rows[2]
    for row in rows[2:]:
        row["sequence"] -= 1

    found = problems(rows, head=head)

    assert ("truncated", 6) in found
    assert ("changed", 3) in found


@each("left", range(6))
def test_check__truncated(left: int) -> None:
    rows = rows_of()

    assert problems(rows[:left], head=rows_end(rows)) == [("truncated", left + 1)]


def test_check__added_behind_the_end() -> None:
    rows = rows_of()
    head = rows_end(rows)
    rows += seal(7, 6, head, [Event(kind="user_task.claimed")], at=AT + timedelta(hours=9)).rows

    assert problems(rows, head=head) == [("added", 7)]


def test_check__duplicated() -> None:
    rows = rows_of()

    assert problems([*rows, dict(rows[2])]) == [("duplicated", 3)]


PAIRS = [(one, other) for one in range(1, 7) for other in range(one + 1, 7)]


@each("one, other", PAIRS)
def test_check__swapped_with_their_hashes(one: int, other: int) -> None:
    rows = rows_of()
    head = rows_end(rows)
    rows[one - 1]["sequence"], rows[other - 1]["sequence"] = other, one

    assert problems(rows, head=head) == [("swapped", one)]


@each("one, other", PAIRS)
def test_check__swapped_without_their_hashes(one: int, other: int) -> None:
    rows = rows_of()
    head = rows_end(rows)
    first, second = rows[one - 1], rows[other - 1]
    first["sequence"], second["sequence"] = other, one
    first["hash"], second["hash"] = second["hash"], first["hash"]

    assert problems(rows, head=head) == [("swapped", one)]


def test_check__swapped_beside_what_is_missing() -> None:
    rows = rows_of()
    rows[1]["sequence"], rows[4]["sequence"] = 5, 2
    del rows[2]

    assert problems(rows) == [("swapped", 2), ("missing", 3)]


@pytest.mark.parametrize(("earlier", "found"), [(60, []), (61, [("earlier", 6)])])
def test_check__clocks_that_differ_by_seconds(earlier: int, found: list[tuple[str, int]]) -> None:
    rows = rows_of(5)
    rows += seal(7, 5, rows_end(rows), [Event(kind="x")], at=rows[-1]["at"] - timedelta(seconds=earlier)).rows

    assert problems(rows) == found


def test_check__later_than_the_event_behind_it_because_it_was_changed() -> None:
    rows = rows_of()
    rows[2]["at"] += timedelta(days=10)

    assert problems(rows) == [("changed", 3)]


def test_check__value_erased_without_a_record() -> None:
    rows = rows_of()
    rows[2]["variables"] = without_value(rows[2]["variables"], "customer")

    assert problems(rows) == [("erased", 3)]


def test_check__value_erased_on_record() -> None:
    rows = rows_of(5)
    record = Event(kind="values.erased", facts={"erased": {"3": ["customer"]}, "reason": "asked for"}, by="olivia")
    rows += seal(7, 5, rows_end(rows), [record], at=AT + timedelta(hours=6)).rows
    rows[2]["variables"] = without_value(rows[2]["variables"], "customer")

    assert problems(rows) == []


@each("shape", ["[]", "{}", '{"erased":[]}', '{"erased":{"3":5}}', "", "[" * 100_000])
def test_check__erasure_changed_into_another_shape(shape: str) -> None:
    rows = rows_of(5)
    rows += seal(7, 5, rows_end(rows), [Event(kind="values.erased", facts={})], at=AT + timedelta(hours=6)).rows
    rows[5]["facts"] = shape
    rows[2]["variables"] = without_value(rows[2]["variables"], "customer")

    assert ("erased", 3) in problems(rows)


def without_value(variables: str, name: str) -> str:
    """As erasing does it, written independently of it."""
    import hashlib

    stored = json.loads(variables)
    salt, value = stored[name]
    text = salt + json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    stored[name] = [hashlib.sha256(text.encode()).hexdigest()]
    return json.dumps(stored, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def test_check__hash_is_what_the_description_says() -> None:
    """Somebody with only the description must be able to verify a history."""
    import hashlib

    row = rows_of(1)[0]
    digests = {}
    for name, (salt, value) in json.loads(row["variables"]).items():
        text = salt + json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        digests[name] = hashlib.sha256(text.encode()).hexdigest()
    described = {
        "previous": "",
        "process_instance_id": 7,
        "sequence": 1,
        "at": "2026-01-02T04:04:05.000000+00:00",
        "kind": "user_task.completed",
        "activity_instance": 1,
        "element_id": "Task_1",
        "by": "alice",
        "facts": {"name": "联系客户"},
        "variables": digests,
    }
    text = json.dumps(described, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    assert row["hash"] == hashlib.sha256(text.encode()).hexdigest()


def test_check__state_digests_are_what_the_description_says() -> None:
    import hashlib

    found = State(salt="5a" * 16, state="active", tokens="{}", variables='{"0":{}}')
    left = State(salt="6b" * 16, state="completed", tokens="", variables='{"0":{"a":1}}')
    first, last = seal(7, 0, "", [Event(kind="a"), Event(kind="b")], at=AT, before=found, after=left).rows

    assert (first["state_after"], last["state_before"]) == (None, None)
    assert first["state_before"] == hashlib.sha256(("5a" * 16 + '\nactive\n{}\n{"0":{}}').encode()).hexdigest()
    assert last["state_after"] == hashlib.sha256(("6b" * 16 + '\ncompleted\n\n{"0":{"a":1}}').encode()).hexdigest()
    described = {
        "previous": first["hash"], "process_instance_id": 7, "sequence": 2, "at": "2026-01-02T03:04:05.000000+00:00",
        "kind": "b", "activity_instance": None, "element_id": None, "by": None, "facts": {}, "variables": None,
        "state_after": last["state_after"],
    }  # fmt: skip
    text = json.dumps(described, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert last["hash"] == hashlib.sha256(text.encode()).hexdigest()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.timedeltas(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(max_size=10), VALUES, max_size=4), max_size=4), st.text(max_size=20))
def test_check__any_values(variables: list[dict[str, Any]], by: str) -> None:
    events = [Event(kind="variables.set", variables=one, facts={"x": one}, by=by) for one in variables]
    sealed = seal(7, 0, "", events, at=AT)

    assert problems(sealed.rows, length=sealed.length, head=sealed.head) == []


COLUMNS = ["activity_instance", "at", "by", "element_id", "facts", "hash", "kind", "process_instance_id", "variables"]
OTHER_VALUES = st.none() | st.integers(-1, 9) | st.sampled_from(["", "x", "{}", "[]", '{"erased":{"1":7}}'])
TAMPERINGS = (
    st.tuples(st.just("change"), st.integers(0, 5), st.sampled_from(COLUMNS), OTHER_VALUES)
    | st.tuples(st.just("copy"), st.integers(0, 5), st.integers(0, 5), st.none())
    | st.tuples(st.just("move"), st.integers(0, 5), st.integers(-1, 9), st.none())
    | st.tuples(st.just("remove"), st.integers(0, 5), st.none(), st.none())
)


@settings(max_examples=300)
@given(st.lists(TAMPERINGS, min_size=1, max_size=4))
def test_check__whatever_somebody_did(tamperings: list[tuple[str, int, Any, Any]]) -> None:
    """Either nothing is different in the end, or something is found; nothing makes the check itself fail."""
    rows = rows_of()
    head, before = rows_end(rows), [dict(row) for row in rows]
    for action, position, what, value in tamperings:
        if position >= len(rows):
            continue
        if action == "change" and what != "at":
            rows[position][what] = value
        elif action == "copy":
            rows[position] |= {**rows[what % len(rows)], "sequence": rows[position]["sequence"]}
        elif action == "move":
            rows[position]["sequence"] = what
        elif action == "remove":
            del rows[position]
    rows.sort(key=lambda row: int(row["sequence"]))

    found = problems(rows, head=head)

    assert bool(found) == (rows != before)


def test_check__long_history_that_is_all_wrong() -> None:
    """Comparing everything with everything would take hours."""
    rows = rows_of(3000)
    head = rows_end(rows)
    for row in rows:
        row["by"] = "mallory"

    found = problems(rows, length=3000, head=head)

    assert found == [("changed", sequence) for sequence in range(1, 3001)]
