"""Changes that no test notices, and why none has to: most do the same on another way."""

from __future__ import annotations

_ANY_NAME = "any name will do that no variable can have"
_KEY = 'return found if len(found) <= MAX_LENGTH else f"sha256:{hashlib.sha256(found.encode()).hexdigest()}"'
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
        (_KEY, _KEY.replace("len(found) <= MAX_LENGTH", "(len(found) <= MAX_LENGTH) and False")):
            "digests are told apart, too; short keys are only left readable",
    },
    "engine/bpmn/catchers.py": {
        ("if start.catches(kind):", "if True:"): "what catches nothing of a kind is passed over by each that asks",
    },
    "engine/bpmn/compensation.py": {
        ("if token.inner is not None:", "if True:"): "a loop has opened its scope before it can complete",
    },
    "engine/decisions/dmn/table_logic.py": {
        ("work = 10 + sum(map(len, parts.conditions))", "work = 10 - sum(map(len, parts.conditions))"):
            "what a table counts is a rough measure",
        (r'TRACE = "\0trace"', r'TRACE = "\0TRACE"'): _ANY_NAME,
        (r'TRACE = "\0trace"', r'TRACE = "XX\0traceXX"'): _ANY_NAME,
    },
    "engine/instances/external_tasks/reports.py": {
        ('message: str = "",', 'message: str = "XXXX",'): "every caller gives a message",
    },
    "engine/history/erasure.py": {
        ("if not numbers:", "if False:"): _QUICK,
        ("if not notices:", "if False:"): _QUICK,
    },
    "engine/instances/external_tasks/locks.py": {
        ("if mine:", "if True:"): _QUICK,
        ("free.order_by(*order).limit(limit).with_for_update(skip_locked=True)",
         "free.order_by(*order).limit(limit).with_for_update()"): _ELSEWHERE,
    },
    "engine/instances/jobs.py": {
        ('_roots = _instances.alias("roots")', '_roots = _instances.alias("ROOTS")'): "any name will do",
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
    "web/auth.py": {
        ('sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")',
         'sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "XXXX")'):
            "no session has this token",
    },
}  # fmt: skip
