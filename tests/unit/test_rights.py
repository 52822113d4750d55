"""The tables of `docs/rights.md` are what the rules do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from casepath.engine.people import authorization
from tests.unit.test_authorization import FREE, HERS, PEOPLE

DOCS = Path(__file__).parents[2] / "docs"

COMMON = ["administrator", "operator", "process_owner", "auditor", "director", "stranger"]
#: For each table of the page: who stands in its columns, and what the rules are asked about.
TABLES: list[tuple[list[str], list[Any], dict[str, bool]]] = [
    ([*COMMON, "no_groups"], [], {}),
    (["involved", *COMMON], [], {"involved": False}),
    (["candidate", *COMMON], [FREE], {}),
    (["assignee", "candidate", *COMMON], [HERS], {}),
]


def tables(page: str) -> list[list[list[str]]]:
    """Return the tables as rows of cells, without their headings."""
    found: list[list[list[str]]] = []
    within = False
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            if not within:
                found.append([])
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        within = line.startswith("|")
    return [rows[2:] for rows in found]


@pytest.mark.parametrize("page", ["rights.md", "rights.zh-CN.md"])
@pytest.mark.parametrize("number", range(len(TABLES)))
def test_rights__as_written(page: str, number: int) -> None:
    roles, arguments, options = TABLES[number]
    rows = tables(page)[number]
    assert rows

    for row in rows:
        rule = getattr(authorization, row[1].strip("`"))
        written = dict(zip(roles, (cell == "✓" for cell in row[2:]), strict=True))
        ruled = {role: rule(PEOPLE[role], *arguments, **options) for role in roles if role != "involved"}
        if "involved" in roles:
            ruled["involved"] = rule(PEOPLE["no_groups"], *arguments, involved=True)
        assert ruled == written, row[1]
