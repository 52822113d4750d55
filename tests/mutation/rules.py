"""Which modules have rules, and which tests hold them: the ones that fail soonest first. The only list of them."""

from __future__ import annotations

_SEMANTICS = (
    *(f"tests/integration/test_semantics{name}.py"
      for name in ("", "_flow", "_catching", "_nested", "_calls", "_compensation", "_camunda", "_modification",
                   "_failures")),
    "tests/integration/test_spiffworkflow_losses.py", "tests/integration/test_spiffworkflow_misreadings.py",
    "tests/unit/test_token_game.py", "tests/integration/test_token_game.py",
)  # fmt: skip
_CALENDAR = ("tests/unit/test_clock.py", "tests/unit/test_timers.py")
_FORMS = ("tests/unit/test_forms.py",)
_TABLES = ("tests/unit/test_dmn_tables.py", "tests/unit/test_dmn_model.py", "tests/unit/test_dmn_hostile.py",
           "tests/unit/test_decisions.py", "tests/unit/test_dmn_tck.py")  # fmt: skip
_HISTORY = ("tests/unit/test_history.py", "tests/integration/test_history.py")
_JOBS = ("tests/integration/test_jobs.py", "tests/integration/test_workers.py", "tests/integration/test_semantics.py",
         "tests/integration/test_semantics_failures.py", "tests/integration/test_races.py")  # fmt: skip
_MESSAGES = ("tests/integration/test_messages.py", *_SEMANTICS[:-1])
_EXTERNAL = ("tests/integration/test_external_tasks.py", "tests/integration/test_workers.py",
             "tests/integration/test_semantics_failures.py")  # fmt: skip

#: Module to test files.
TESTS: dict[str, tuple[str, ...]] = {
    "engine/people/access.py": ("tests/integration/test_access.py", "tests/web/test_roles.py"),
    "engine/people/authorization.py": ("tests/unit/test_authorization.py", "tests/integration/test_rights.py",
                                "tests/integration/test_user_tasks.py", "tests/web/test_roles.py"),
    "engine/bpmn/catching.py": _SEMANTICS,
    "engine/bpmn/compensation.py": _SEMANTICS,
    "engine/bpmn/joining.py": _SEMANTICS,
    "engine/time/clock.py": _CALENDAR,
    "engine/time/cron.py": ("tests/unit/test_timers.py",),
    "engine/decisions/dmn/results.py": _TABLES,
    "engine/decisions/dmn/table_compiler.py": _TABLES,
    "engine/decisions/dmn/table_logic.py": _TABLES,
    "engine/instances/external_tasks/fetching.py": _EXTERNAL,
    "engine/instances/external_tasks/reporting.py": _EXTERNAL,
    "engine/forms/checking.py": _FORMS,
    "engine/forms/definition.py": _FORMS,
    "engine/forms/shown.py": _FORMS,
    "engine/forms/submission.py": _FORMS,
    "engine/forms/supported.py": _FORMS,
    "engine/forms/typed.py": _FORMS,
    "engine/history/erasure.py": _HISTORY,
    "engine/history/log.py": _HISTORY,
    "engine/history/sealing.py": _HISTORY,
    "engine/history/verification.py": _HISTORY,
    "engine/time/holidays.py": _CALENDAR,
    "engine/instances/incidents.py": _JOBS,
    "engine/instances/jobs.py": _JOBS,
    "engine/instances/messages.py": _MESSAGES,
    "engine/time/opening_hours.py": _CALENDAR,
    "engine/time/periods.py": ("tests/unit/test_timers.py",),
    "engine/time/timers.py": ("tests/unit/test_timers.py", "tests/integration/test_jobs.py"),
    "engine/database/values.py": ("tests/unit/test_values.py", *_HISTORY),
    "web/auth.py": ("tests/web/test_auth.py",),
}  # fmt: skip
