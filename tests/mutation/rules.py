"""Which modules have rules, by what they rule, and which tests hold them, the ones that fail soonest first."""

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
         "tests/integration/test_semantics_failures.py", "tests/integration/test_races.py",
         "tests/integration/test_messages.py", "tests/integration/test_suspended.py",
         "tests/integration/test_taken_back.py", "tests/integration/test_record_lists.py")  # fmt: skip
_MESSAGES = ("tests/integration/test_messages.py", *_SEMANTICS[:-1])
_MAILS = ("tests/integration/test_mails.py", "tests/integration/test_commands_mail.py")
_TASKS = ("tests/integration/test_user_tasks.py", "tests/integration/test_completion.py",
          "tests/integration/test_substitutes.py")  # fmt: skip
_EXTERNAL = ("tests/integration/test_external_tasks.py", "tests/integration/test_suspended.py",
             "tests/integration/test_workers.py",
             "tests/integration/test_semantics_failures.py")  # fmt: skip
_REGISTERS = ("tests/integration/test_records.py", "tests/integration/test_record_lists.py")

#: Group to module to test files.
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "rights": {
        "engine/people/access.py": ("tests/integration/test_access.py", "tests/web/test_roles.py",
                                    "tests/web/test_seeing.py", "tests/integration/test_messages.py",
                                    "tests/integration/test_rights.py", "tests/integration/test_mentions.py"),
        "engine/people/authorization.py": ("tests/unit/test_authorization.py", "tests/integration/test_rights.py",
                                           "tests/integration/test_user_tasks.py", "tests/web/test_roles.py"),
        "engine/people/substitutes.py": ("tests/integration/test_substitutes.py",
                                         "tests/integration/test_pages_of_lists.py", "tests/web/test_substitutes.py"),
        "web/auth.py": ("tests/web/test_auth.py", "tests/web/test_absence.py", "tests/web/test_people.py"),
    },
    "calendar": {
        "engine/time/clock.py": (*_CALENDAR, "tests/unit/test_expressions.py", "tests/integration/test_digests.py"),
        "engine/time/holidays.py": _CALENDAR,
        "engine/time/opening_hours.py": _CALENDAR,
    },
    "timers": {
        "engine/time/cron.py": ("tests/unit/test_timers.py",),
        "engine/time/periods.py": ("tests/unit/test_timers.py",),
        "engine/time/timers.py": ("tests/unit/test_timers.py", "tests/integration/test_jobs.py"),
    },
    "joins": {
        "engine/bpmn/budget.py": ("tests/unit/test_budget.py", "tests/integration/test_limits.py"),
        "engine/bpmn/catchers.py": (*_SEMANTICS, "tests/integration/test_messages.py"),
        "engine/bpmn/compensation.py": _SEMANTICS,
        "engine/bpmn/joins.py": _SEMANTICS,
    },
    "forms": {
        "engine/forms/checks.py": _FORMS,
        "engine/forms/definition.py": _FORMS,
        "engine/forms/shown.py": (*_FORMS, "tests/web/test_forms_kept.py"),
        "engine/forms/submission.py": _FORMS,
        "engine/forms/supported.py": _FORMS,
        "engine/forms/typed.py": _FORMS,
    },
    "tables": {
        "engine/decisions/dmn/results.py": _TABLES,
        "engine/decisions/dmn/table_compiler.py": _TABLES,
        "engine/decisions/dmn/table_logic.py": _TABLES,
    },
    "history": {
        "engine/database/facts.py": ("tests/integration/test_facts.py",),
        "engine/database/values.py": ("tests/unit/test_values.py", *_HISTORY),
        "engine/history/erasure.py": (*_HISTORY, "tests/integration/test_mails.py",
                                      "tests/integration/test_deliveries.py", "tests/integration/test_arrivals.py"),
        "engine/history/log.py": _HISTORY,
        "engine/history/chain.py": _HISTORY,
        "engine/history/verification.py": _HISTORY,
    },
    "registers": {
        "engine/database/entries.py": ("tests/unit/test_entries.py", *_REGISTERS),
        "engine/deployments/registers.py": ("tests/integration/test_registers.py",),
        "engine/history/registers.py": _REGISTERS,
        "engine/queries/records.py": _REGISTERS,
        "engine/registers/access.py": _REGISTERS,
        "engine/registers/cells.py": ("tests/web/test_registers.py",),
        "engine/registers/files.py": ("tests/integration/test_register_files.py",),
        "engine/registers/imports.py": _REGISTERS,
        "engine/registers/spreadsheets.py": ("tests/web/test_registers.py",),
        "engine/registers/records.py": _REGISTERS,
        "web/registers/sheets.py": ("tests/web/test_registers.py",),
        "web/spreadsheets.py": ("tests/web/test_registers.py",),
    },
    "jobs": {
        "engine/instances/external_tasks/locks.py": _EXTERNAL,
        "engine/instances/external_tasks/reports.py": _EXTERNAL,
        "engine/instances/incidents.py": _JOBS,
        "engine/instances/jobs.py": _JOBS,
    },
    "messages": {
        "engine/database/correlation.py": ("tests/unit/test_correlation.py", "tests/integration/test_messages.py"),
        "engine/instances/messages.py": _MESSAGES,
        "engine/instances/waiting.py": _MESSAGES,
    },
    "tasks": {
        "engine/instances/drafts.py": ("tests/integration/test_drafts.py",),
        "engine/instances/mails.py": _MAILS,
        "engine/instances/receivers.py": _TASKS,
        "engine/instances/submissions.py": ("tests/integration/test_submissions.py",),
        "engine/instances/task_changes.py": _TASKS,
        "engine/instances/user_tasks.py": _TASKS,
    },
}  # fmt: skip

#: Module to test files.
TESTS = {module: tests for modules in GROUPS.values() for module, tests in modules.items()}
