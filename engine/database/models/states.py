"""The states of each table and the transitions between them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint

#: The states of each table and where each may go; an empty set is an end. Guarded updates and CHECK constraints follow.
TRANSITIONS: Final[dict[str, dict[str, frozenset[str]]]] = {
    "process_instances": {
        # Runs; every trigger moves it. After a crash it is where its last transaction left it.
        "active": frozenset({"suspended", "completed", "cancelled"}),
        # Holds still: user tasks cannot be completed, jobs and external tasks are not given out,
        # messages, signals and reports of workers wait.
        "suspended": frozenset({"active", "cancelled"}),
        "completed": frozenset(),
        # Ended early by hand, by an uncaught error event or together with its caller; `end_reason` says which.
        "cancelled": frozenset(),
    },
    "user_tasks": {
        "created": frozenset({"completed", "cancelled"}),
        "completed": frozenset(),
        "cancelled": frozenset(),
    },
    "external_tasks": {
        # Free to be fetched, when `retries` is not 0 and `locked_until` is past.
        "created": frozenset({"locked", "completed", "failed", "cancelled"}),
        # A worker has it until `locked_until`; after that it may be fetched again by anybody.
        "locked": frozenset({"created", "completed", "failed", "cancelled"}),
        # No retries left; an incident is open. Setting retries brings it back.
        "failed": frozenset({"created", "cancelled"}),
        # What was reported while the instance was suspended is taken up, as if reported then, when it goes on.
        "completed": frozenset({"locked"}),
        "cancelled": frozenset(),
    },
    "jobs": {
        # Waits for `due_at`, is executed in the transaction that moves the instance; then the row is gone.
        "waiting": frozenset({"failed"}),
        # No retries left; an incident is open.
        "failed": frozenset({"waiting"}),
    },
    "incidents": {"open": frozenset({"resolved"}), "resolved": frozenset()},
    "mails": {
        # Is tried when `due_at` is past; nothing of it has been handed over.
        "waiting": frozenset({"sending", "undeliverable", "given_up"}),
        # Is being handed over: whether the mail server has it is known when it answers.
        "sending": frozenset({"waiting", "sent", "uncertain", "undeliverable", "given_up"}),
        "sent": frozenset(),
        # Was handed over and never answered for: it may have arrived. A person sends it once more, or not.
        "uncertain": frozenset({"waiting", "sent", "given_up"}),
        # Refused for good, or for too long.
        "undeliverable": frozenset({"waiting", "given_up"}),
        # By a person, or because it was erased: it may have left just then.
        "given_up": frozenset({"sent"}),
    },
    "deliveries": {
        # As of mails, up to what the other side tells later: it may have one that waits to be tried once more.
        "waiting": frozenset({"sending", "sent", "withheld", "undeliverable", "given_up", "delivered"}),
        "sending": frozenset({"waiting", "sent", "uncertain", "undeliverable", "given_up", "delivered", "failed"}),
        # The other side has it, and may tell later what became of it.
        "sent": frozenset({"delivered", "failed"}),
        "uncertain": frozenset({"waiting", "sent", "given_up", "delivered", "failed"}),
        "undeliverable": frozenset({"waiting", "given_up", "delivered"}),
        "given_up": frozenset({"sent"}),
        # Whoever was to have it does not consent.
        "withheld": frozenset(),
        "delivered": frozenset(),
        # The other side had it and could do nothing with it. A person sends it once more, or not.
        "failed": frozenset({"waiting", "given_up", "delivered"}),
    },
    "batches": {
        # Waits for somebody else to let it begin.
        "proposed": frozenset({"running", "stopped"}),
        "running": frozenset({"stopped", "completed"}),
        "stopped": frozenset(),
        "completed": frozenset(),
    },
    "batch_items": {
        "waiting": frozenset({"started", "refused"}),
        "started": frozenset(),
        # The process could not be started with this record; `answer` says why.
        "refused": frozenset(),
    },
    "record_starts": {
        # A worker starts the newest version of the process with this record.
        "waiting": frozenset({"started", "refused"}),
        "started": frozenset(),
        # The process could not be started with this record; `answer` says why.
        "refused": frozenset(),
    },
    "imports": {
        # A worker has to read it.
        "waiting": frozenset({"running", "stopped", "failed"}),
        # Workers take some rows at a time.
        "running": frozenset({"completed", "stopped", "failed"}),
        "completed": frozenset(),
        "stopped": frozenset(),
        # It cannot be read, or whoever sent it may not write there any more; `answer` says why.
        "failed": frozenset(),
    },
    "records": {
        # Is found and pointed to.
        "active": frozenset({"archived"}),
        # Is kept, and shown to whoever looks for it; nothing new points to it.
        "archived": frozenset({"active"}),
    },
    "activity_instances": {
        "active": frozenset({"completed", "cancelled"}),
        "completed": frozenset(),
        "cancelled": frozenset(),
    },
}


def states_check(table: str) -> CheckConstraint:
    names = ", ".join(f"'{state}'" for state in TRANSITIONS[table])
    return CheckConstraint(f"state IN ({names})", name=f"{table}_state")
