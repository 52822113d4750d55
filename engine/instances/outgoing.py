"""
A queue of what goes out, whatever takes it there: e-mails, and what goes through channels.

What is to go out is written in the transaction of the step that asks for it, and sent afterwards by whoever takes it.
Just before it leaves, `hand_over` says so; `settle` says what came of it. The other side may have taken what was handed
over, so a worker that ends between the two leaves something `uncertain`: it may have arrived, and nobody but a person
has it sent once more. What has not been handed over is simply taken again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from casepath.engine import errors, phrases, texts
from casepath.engine.history import Event, organisation
from casepath.engine.people import authorization, identity
from casepath.engine.people.authorization import By
from casepath.engine.phrases import Phrase
from casepath.engine.time import clock

#: How long one attempt may take.
LOCK = timedelta(minutes=15)
#: Characters that are kept of what the other side says.
MAX_ANSWER_LENGTH = 1_000
#: What became of an attempt.
Outcome = Literal["waiting", "sent", "uncertain", "undeliverable", "withheld"]
#: Where a person may step in.
STUCK = ("waiting", "uncertain", "undeliverable", "failed")


class Queue:
    """The rows of a table of what goes out."""

    def __init__(self, table: Table, noun: str, unanswered: Phrase) -> None:
        self.table = table
        #: What the rows are, in refusals and in the history of the house.
        self.noun = noun
        #: What is said of one that was handed over and never answered for.
        self.unanswered = unanswered
        late = table.c.state.in_(("waiting", "sending")), table.c.due_at <= bindparam("now")
        self._late = select(table.c.id).where(*late).limit(1)

    def doubt(self, session: Session, now: datetime) -> None:
        """Note that those are uncertain that were handed over and not settled in time."""
        columns = self.table.c
        session.execute(
            update(self.table)
            .where(columns.state == "sending", columns.due_at <= now)
            .values(state="uncertain", answer=phrases.dumps(self.unanswered), ended_at=now)
        )

    def are_due(self, session: Session) -> bool:
        """Tell whether any are due, or were handed over and not settled in time."""
        return session.scalar(self._late, {"now": clock.now()}) is not None

    def begin(self, session: Session, row_id: int, attempt: int) -> None:
        """Note that a worker begins an attempt at one that is due."""
        change = update(self.table).where(self.table.c.id == row_id)
        session.execute(change.values(attempts=attempt, due_at=clock.now() + LOCK))

    def hand_over(self, session: Session, row_id: int, attempt: int, address: str | None) -> bool:
        """Note that one leaves now; return whether it may: not where another has it, or nobody any more."""
        columns = self.table.c
        change = (
            update(self.table)
            .where(columns.id == row_id, columns.state == "waiting", columns.attempts == attempt)
            .values(state="sending", address=address, due_at=clock.now() + LOCK)
        )
        return bool(session.connection().execute(change).rowcount)

    def settle(
        self,
        session: Session,
        row_id: int,
        attempt: int,
        outcome: Outcome,
        *,
        answer: str | Phrase,
        retry_in: timedelta = timedelta(0),
        **more: object,
    ) -> None:
        """
        Note what came of an attempt, and what was answered; one that is to wait is tried again in `retry_in`.

        Nothing is noted of an attempt that another one has followed, or that a person has put an end to. Of one that
        was given up or erased while it left, only that it did.
        """
        now = clock.now()
        columns = self.table.c
        open_states = ("waiting", "sending", "uncertain") if outcome == "sent" else ("waiting", "sending")
        change: dict[str, Any] = {"state": outcome, "answer": stored(answer), **more}
        change |= {"due_at": now + retry_in} if outcome == "waiting" else {"ended_at": now}
        mine = update(self.table).where(columns.id == row_id, columns.attempts == attempt)
        noted = session.connection().execute(mine.where(columns.state.in_(open_states)).values(**change)).rowcount
        if outcome == "sent" and not noted:
            session.connection().execute(mine.where(columns.state == "given_up").values(state=outcome, ended_at=now))

    def retry(self, session: Session, row_id: int, *, by: By) -> None:
        """
        Have one that waits, or did not arrive, tried at once; the history of the house says so.

        Raises `NotFound`, `Forbidden` or `InvalidState`.
        """
        change = {"state": "waiting", "due_at": clock.now(), "ended_at": None}
        self._decide(session, row_id, "retry", "retried", change, by)

    def give_up(self, session: Session, row_id: int, *, by: By) -> None:
        """
        Have one not sent any more; the history of the house says so.

        Raises `NotFound`, `Forbidden`, or `InvalidState` where it is being sent, was sent, or is given up.
        """
        self._decide(session, row_id, "give up", "given_up", {"state": "given_up", "ended_at": clock.now()}, by)

    def _decide(self, session: Session, row_id: int, verb: str, done: str, to: dict[str, Any], by: By) -> None:
        actor = identity.allowed(session, by, authorization.may_operate, verb, self.noun, row_id)
        self._change(session, row_id, verb, STUCK, to)
        event = Event(kind=f"{self.noun}.{done}", facts={self.noun: row_id}, by=actor.signature)
        organisation.record(session, event)

    def _change(self, session: Session, row_id: int, verb: str, states: Collection[str], to: dict[str, Any]) -> None:
        columns = self.table.c
        guarded = update(self.table).where(columns.id == row_id, columns.state.in_(states)).values(**to)
        if session.connection().execute(guarded).rowcount:
            return
        state = session.scalar(select(columns.state).where(columns.id == row_id))
        if state is None:
            raise errors.NotFound(self.noun, row_id)
        raise errors.InvalidState(verb, self.noun, row_id, state)


def stored(answer: str | Phrase) -> str:
    """Return an answer as it is kept: what the engine itself says as a phrase, what others say on one line."""
    if isinstance(answer, Phrase):
        return phrases.dumps(answer)
    return texts.storable(" ".join(answer.split()), limit=MAX_ANSWER_LENGTH)
