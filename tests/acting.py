"""Who acts in tests: a program where it does not matter, else somebody with a name who need not be in the database."""

from __future__ import annotations

from casepath.engine.people.authorization import Person, Program

#: May do everything that forms and states allow.
PROGRAM = Program("test")


def somebody(username: str, *groups: str) -> Person:
    """A person of these groups."""
    return Person(username=username, groups=frozenset(groups))


#: Alice and Bob belong to the group that does the tasks of tests.
ALICE = somebody("alice", "service")
BOB = somebody("bob", "service")
OPERATOR = somebody("otto", "operator")
ADMINISTRATOR = somebody("ada", "administrator")
OLIVIA = somebody("olivia", "administrator", "process_owner")
