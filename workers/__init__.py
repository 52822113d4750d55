"""
Workers: what happens outside the engine, after the transaction that asked for it.

    @topic("notify")
    def notify(work: Work) -> Result: …

registers who does the work of a topic. `topics` fetches, has it done, and reports. What waits to go out is sent as
`sending` says: by `outbox` the mails, as `letters` that `smtp` hands over; by `channels` what goes through a channel,
with `connectors` that make `requests`. `loop` keeps that going, and the engine's own due jobs beside it;
`notifications`, `documents` and `reports` are the handlers of this project, and each deployed channel is a topic too.
`rehearsing` does in rehearsals what does not go out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import database
from casepath.engine.instances.external_tasks import FetchedTask

#: How long a worker has a task before others may try.
DEFAULT_LOCK = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Mail:
    """How e-mail goes out."""

    host: str
    port: int
    user: str = ""
    #: Left out where a mail server is shown.
    password: str = field(default="", repr=False)
    #: `starttls`, `tls` or `none`.
    encryption: str = "starttls"
    #: An address, or a name with one: `Casepath <casepath@house.example>`.
    sender: str = ""
    #: Seconds to wait at each step for the mail server.
    timeout: int = 20
    #: How long a mail is tried that the mail server refuses for the moment.
    keep_trying: timedelta = timedelta(days=5)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A server that a connector speaks to; all of it is left out where it is shown."""

    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Signs what is sent.
    secret: str = field(default="", repr=False)
    #: Seconds that one request may take.
    timeout: float = 20
    #: Whether it may lie in a private network, and be asked without TLS.
    private: bool = False


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the work of any topic may use."""

    sessions: sessionmaker[Session]
    #: None: no e-mail is sent.
    mail: Mail | None = None
    #: Servers outside, by the names under which channels know them.
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    #: How long something is tried to go out through a channel that is not taken.
    keep_trying: timedelta = timedelta(days=5)
    #: Address of the pages, for links.
    url: str = ""
    #: Zone in which times are written.
    time_zone: str = "UTC"

    @cached_property
    def readers(self) -> sessionmaker[Session]:
        """Sessions for what only reads, however long: while they are open, others may write."""
        return database.sessions(self.sessions.kw["bind"], read_only=True)


@dataclass(frozen=True, kw_only=True)
class Work:
    """One external task to be done."""

    task: FetchedTask
    surroundings: Surroundings

    def text(self, name: str, default: str = "") -> str:
        """Return an input as text."""
        value = self.task.variables.get(name)
        return default if value is None else str(value)

    def names(self, name: str) -> list[str]:
        """Return an input that lists names: a list, or a text with commas between them."""
        value = self.task.variables.get(name)
        parts = value if isinstance(value, list) else str(value or "").split(",")
        return [part for item in parts if (part := str(item).strip())]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of the work."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    #: Only for the activity and its output mappings.
    local_variables: Mapping[str, Any] = field(default_factory=dict)
    #: Writes in the transaction that completes the task, before the process goes on; never where it is no longer ours.
    also: Callable[[Session], object] | None = None


class Unrecoverable(Exception):
    """Trying again would not help: the input is wrong. Becomes an incident at once."""


Handler = Callable[[Work], Result]

HANDLERS: dict[str, Handler] = {}
#: Topics whose work only writes into the database that it is given, so that rehearsals have it done, too.
REHEARSED: set[str] = set()


def topic(name: str, *, rehearsed: bool = False) -> Callable[[Handler], Handler]:
    """Register who does the work of a topic; `rehearsed` says that nothing of it leaves the database."""

    def register(handler: Handler) -> Handler:
        if name in HANDLERS:
            raise ValueError(f"Expected one handler of topic '{name}', but found two")
        HANDLERS[name] = handler
        if rehearsed:
            REHEARSED.add(name)
        return handler

    return register
