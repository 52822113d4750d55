"""Play a recording, and take one more input; every rule of the engine holds, for whoever it is that acts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.database.models import ExternalTask, ProcessInstance, UserTask
from casepath.engine.instances import external_tasks, jobs, messages, process_instances, user_tasks
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import By, Program
from casepath.engine.rehearsal import recording as recordings
from casepath.engine.rehearsal import sandbox as sandboxes
from casepath.engine.rehearsal.recording import Input, Recording
from casepath.engine.rehearsal.sandbox import Sandbox
from casepath.engine.time import clock

#: Does work that only writes into the database it is given; tells whether there was any.
Work = Callable[[sessionmaker[Session]], bool]

#: Who deploys, starts and answers where no person does.
REHEARSAL = Program("rehearsal")
#: Rounds of work after one input, and seconds that a whole request may play.
MAX_ROUNDS = 2_000
MAX_SECONDS = 20.0
#: How long the rehearsal has work that it answers.
HELD = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The files that are rehearsed; none, where what is in force is."""

    files: Mapping[str, bytes]
    process: str

    @property
    def digest(self) -> str:
        """What is another for other files."""
        parts = [(name, sha256(content).hexdigest()) for name, content in sorted(self.files.items())]
        return sha256(repr((self.process, parts)).encode()).hexdigest()


@dataclass(kw_only=True)
class Rehearsal:
    """A recording as it was played: as far as it could be."""

    recording: Recording
    #: To be read inside `rehearse` only, as everything of it.
    readers: sessionmaker[Session]
    #: Number of the input that could not be played, from 0, and why; the later ones were not tried.
    parted_at: int | None = None
    refusal: errors.EngineError | None = None


@contextmanager
def rehearse(
    session: Session, draft: Draft, recording: Recording, *, by: By, work: Work | None = None, more: Input | None = None
) -> Iterator[Rehearsal]:
    """
    Play a recording on a draft, and one input more; inside, the clock is that of the rehearsal and stands at its end.

    `session` only reads what is in force and the roles. `work` does what workers would do inside the database; without
    it, or for other topics, work waits to be answered. An input of the recording that cannot be played ends it there
    (`parted_at`). Raises `Forbidden`, `DeploymentRefused`, and what `more` is refused with: then it is not in it.
    """
    identity.allowed(session, by, authorization.may_rehearse, "rehearse", "process definition", draft.process)
    with clock.apart(recording.begins_at):
        player = _Player(session, draft, work)
        with player.at(recording.inputs) as (sandbox, played, refusal):
            if more is not None and refusal is None:
                longer = recording.with_input(more)
                player.take(sandbox, more)
                player.keep(longer.inputs, sandbox)
                recording = longer
            parted = played if refusal is not None else None
            yield Rehearsal(
                recording=recording if refusal is None else recording.first(played),
                readers=sandbox.readers,
                parted_at=parted,
                refusal=refusal,
            )


class _Player:
    def __init__(self, session: Session, draft: Draft, work: Work | None) -> None:
        self._source, self._draft, self._work = session, draft, work
        self._house = sandboxes.house(session)
        self._begin = clock.now()
        self._mark = repr((self._house.mark, draft.digest, self._begin, work is not None))
        self._end = time.monotonic() + MAX_SECONDS

    @contextmanager
    def at(
        self, inputs: tuple[Input, ...]
    ) -> Iterator[tuple[Sandbox, int, errors.EngineError | None]]:
        """Have the sandbox as it stands after inputs; with how many of them could be played, and why not the next."""
        done = len(inputs)
        while (found := sandboxes.kept.get(self._key(inputs[:done]))) is None and done:
            done -= 1
        content, now = found or (self._furnished(), self._begin)
        with sandboxes.opened(content) as sandbox:
            clock.set_to(now)
            refusal = None
            while done < len(inputs):
                try:
                    self.take(sandbox, inputs[done])
                except errors.EngineError as error:
                    refusal = error
                    break
                done += 1
            self.keep(inputs[:done], sandbox)
            yield sandbox, done, refusal

    def keep(self, inputs: tuple[Input, ...], sandbox: Sandbox) -> None:
        """Keep how it stands, for the next request."""
        sandboxes.kept.put(self._key(inputs), sandbox.content(), clock.now())

    def take(self, sandbox: Sandbox, given: Input) -> None:
        """Play one input and what follows by itself; raises `EngineError` where it is refused."""
        if given.kind == "wait":
            self._wait(sandbox, given)
            return
        with sandbox.sessions.begin() as session:
            _ACTS[given.kind](session, self._draft.process, given)
        self._settle(sandbox)

    def _key(self, inputs: tuple[Input, ...]) -> str:
        played = [each.as_json() for each in inputs]
        return sha256(repr((self._mark, played)).encode()).hexdigest()

    def _furnished(self) -> bytes:
        with sandboxes.opened(sandboxes.empty()) as sandbox:
            sandboxes.furnish(sandbox, self._source, self._house)
            if self._draft.files:
                # What people draw is checked by another process first, with limits of time and memory.
                wrong = [each for each in deployments.inspect(dict(self._draft.files)) if each.level == "error"]
                if wrong:
                    raise errors.DeploymentRefused(wrong)
                with sandbox.sessions.begin() as session:
                    deployments.deploy(session, self._draft.files, name="rehearsal", by=REHEARSAL)
            return sandbox.content()

    def _wait(self, sandbox: Sandbox, given: Input) -> None:
        """Let time pass from one due job to the next, so that each is executed at its time."""
        until = clock.now() + recordings.span(given.length) if given.length else _next(sandbox)
        if until is None:
            raise errors.InvalidInput("Nothing is waited for that comes by itself.", code="rehearsal-nothing-due")
        if until - self._begin > recordings.MAX_TIME:
            raise errors.InvalidInput("Time only goes on, and not for more than ten years.", code="rehearsal-time")
        while (due := _next(sandbox)) is not None and due <= until:
            before = clock.now()
            clock.set_to(max(due, before))
            if not self._settle(sandbox) and clock.now() == before:
                break
        clock.set_to(until)
        self._settle(sandbox)

    def _settle(self, sandbox: Sandbox) -> bool:
        """Run what runs by itself until nothing is left; tell whether there was anything."""
        for number in range(MAX_ROUNDS):
            if time.monotonic() > self._end:
                break
            executed = jobs.run_due(sandbox.sessions)
            worked = self._work is not None and self._work(sandbox.sessions)
            if not executed and not worked:
                return number > 0
        raise errors.InvalidInput("The rehearsal takes too long; please let less time pass at once.",
                                  code="rehearsal-too-slow")  # fmt: skip


def _next(sandbox: Sandbox) -> datetime | None:
    with sandbox.readers.begin() as session:
        return jobs.next_due(session)


# -- inputs ------------------------------------------------------------------------------------------------------------


def _by(given: Input) -> By:
    return given.by or REHEARSAL


def _start(session: Session, process: str, given: Input) -> None:
    process_instances.start(session, process, given.values, by=_by(given))


def _complete(session: Session, _process: str, given: Input) -> None:
    query = select(UserTask.id).where(UserTask.element_id == given.element, UserTask.state == "created")
    task = user_tasks.get(session, _chosen(session.scalars(query.order_by(UserTask.id)).all(), given, "user task"))
    if task.assignee is None and given.by:
        user_tasks.claim(session, task.id, by=given.by)
    user_tasks.complete(session, task.id, given.values, by=_by(given))


def _answer(session: Session, _process: str, given: Input) -> None:
    external_tasks.complete(session, _held(session, given), worker_id=REHEARSAL.name, variables=given.values)


def _error(session: Session, _process: str, given: Input) -> None:
    external_tasks.throw_error(session, _held(session, given), worker_id=REHEARSAL.name, error_code=given.name)


def _held(session: Session, given: Input) -> int:
    open_states = ExternalTask.state.in_(("created", "locked", "failed"))
    query = select(ExternalTask.id).where(ExternalTask.element_id == given.element, open_states)
    found = _chosen(session.scalars(query.order_by(ExternalTask.id)).all(), given, "external task")
    external_tasks.lock(session, found, worker_id=REHEARSAL.name, lock_for=HELD)
    return found


def _message(session: Session, _process: str, given: Input) -> None:
    key = session.scalar(select(ProcessInstance.business_key).order_by(ProcessInstance.id).limit(1))
    messages.correlate(session, given.name, business_key=key, variables=given.values, by=_by(given))


def _chosen(ids: Sequence[int], given: Input, noun: str) -> int:
    if given.number >= len(ids):
        raise errors.NotFound(noun, given.element)
    return ids[given.number]


_ACTS = {"start": _start, "complete": _complete, "answer": _answer, "error": _error, "message": _message}
