"""Numbers without gaps, given out by the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import errors
from casepath.engine.database import numbers

Sessions = sessionmaker[Session]

SHANGHAI = ZoneInfo("Asia/Shanghai")


def key(transaction: Sessions, format_text: str, at: datetime) -> str:
    with transaction.begin() as session:
        return numbers.business_key(format_text, session, at, SHANGHAI)


def test_next_number__counts_per_name(transaction: Sessions) -> None:
    with transaction.begin() as session:
        counted = [numbers.next_number(session, name) for name in ("a", "a", "b", "a")]

    assert counted == [1, 2, 1, 3]


def test_next_number__rolled_back(transaction: Sessions) -> None:
    with transaction() as session:
        numbers.next_number(session, "a")

    with transaction.begin() as session:
        assert numbers.next_number(session, "a") == 1


def test_next_number__many_at_once(transaction: Sessions) -> None:
    def count(_: int) -> int:
        with transaction.begin() as session:
            return numbers.next_number(session, "a")

    with ThreadPoolExecutor(8) as pool:
        counted = sorted(pool.map(count, range(40)))

    assert counted == list(range(1, 41))


def test_business_key__restarts_with_the_year_of_the_zone(transaction: Sessions) -> None:
    old_year = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)
    new_year = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)

    keys = [key(transaction, "TS{year}-{number:4}", at) for at in (old_year, old_year, new_year)]

    assert keys == ["TS2026-0001", "TS2026-0002", "TS2027-0001"]


def test_business_key__without_date_never_restarts(transaction: Sessions) -> None:
    keys = [key(transaction, "A{number}", datetime(year, 6, 1, tzinfo=UTC)) for year in (2026, 2027)]

    assert keys == ["A1", "A2"]


def test_business_key__grows_beyond_its_width(transaction: Sessions) -> None:
    keys = [key(transaction, "{number:1}", datetime(2026, 6, 1, tzinfo=UTC)) for _ in range(10)]

    assert keys[-1] == "10"


def test_business_key__wider_numbers_share_the_sequence(transaction: Sessions) -> None:
    """Otherwise a corrected format would give the same numbers out again."""
    at = datetime(2026, 6, 1, tzinfo=UTC)

    keys = [key(transaction, "TS{number:3}", at), key(transaction, "TS{number:4}", at)]

    assert keys == ["TS001", "TS0002"]


def test_business_key__unusable_format(transaction: Sessions) -> None:
    with pytest.raises(errors.InvalidInput):
        key(transaction, "TS{year}", datetime(2026, 6, 1, tzinfo=UTC))
