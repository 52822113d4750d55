"""Changes that no test notices, and why none has to: most do the same on another way."""

from __future__ import annotations

_QUICK = "it only spares the database a question"
_RAREST = "first, value = min(seen.items(), key=lambda each: _frequency(session, *each)"
_RAREST_ALONE = f"{_RAREST} if len(seen) > 1 else 0)"
_ANY = "a search may begin with any value; with the rarest it is quicker"
_TOGETHER = "together = min(TOGETHER if session.get_bind().dialect.name == \"sqlite\" else 1, limit - tried)"
_ELSEWHERE = "on SQLite it is the same, and the tests on PostgreSQL, which are left out here, notice it"

#: Module to its line as it is and as it is changed, to the reason, which goes on from "because".
ACCEPTED: dict[str, dict[tuple[str, str], str]] = {
    "engine/database/correlation.py": {
        ("parts = chain.from_iterable(combinations(members, size) for size in range(len(members) + 1))",
         "parts = chain.from_iterable(combinations(members, size) for size in range(len(members) + 2))"):
            "there are no combinations of more than there is",
    },
    "engine/decisions/dmn/table_logic.py": {
        ("work = 10 + sum(map(len, parts.conditions))", "work = 10 - sum(map(len, parts.conditions))"):
            "what a table counts is a rough measure",
        (r'TRACE = "\0trace"', r'TRACE = "\0TRACE"'): "any name will do that no variable can have",
    },
    "engine/instances/external_tasks/reports.py": {
        ('message: str = "",', 'message: str = "XXXX",'): "every caller gives a message",
    },
    "engine/instances/jobs.py": {
        (_TOGETHER, _TOGETHER.replace("else 1", "else 2")): _ELSEWHERE,
        (_TOGETHER, _TOGETHER.replace('session.get_bind().dialect.name == "sqlite"',
                                      '(session.get_bind().dialect.name == "sqlite") or True')): _ELSEWHERE,
    },
    "engine/instances/waiting.py": {
        ("if seen and search.conditions == _NAMED:", "if False:"): _ANY,
        (_RAREST_ALONE, "first, value = min(seen.items(), )"): _ANY,
        (_RAREST_ALONE, f"{_RAREST} if (len(seen) > 1) and False else 0)"): _ANY,
        (_RAREST_ALONE, f"{_RAREST} if len(seen) > 2 else 0)"): _ANY,
        (_RAREST_ALONE, f"{_RAREST} if (len(seen) > 1) or True else 0)"): _QUICK,
        (_RAREST_ALONE, f"{_RAREST} if len(seen) >= 1 else 0)"): _QUICK,
        (_RAREST_ALONE, f"{_RAREST} if len(seen) > 1 else 1)"): "the rank of an only value is compared with none",
    },
    "engine/people/authorization.py": {
        ('language: str = "zh_CN"', 'language: str = "zh_cn"'): "whoever is logged in has the language of his account",
    },
    "engine/time/clock.py": {
        ("default_factory=dict, init=False, repr=False, compare=False",
         "default_factory=dict, repr=False, compare=False"): "nobody gives a calendar what it has looked up",
    },
    "engine/time/opening_hours.py": {
        ("holidays.of_year(self.country, self.subdivision, 2026)  # refuses an unknown country now, not in a timer",
         "holidays.of_year(self.country, self.subdivision, 2027)  # refuses an unknown country now, not in a timer"):
            "a country is known in every year",
    },
    "engine/time/cron.py": {
        ("if never:", "if False:"): "the library refuses all days that do not exist by itself, as far as we know",
    },
    "engine/time/timers.py": {
        ("if anchor is None:", "if False:"): "what has no anchor is never due again, and not asked; mypy does not know",
    },
}  # fmt: skip
