"""Looks whether the engine moves, and tells administrators once when it does not."""

from __future__ import annotations

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from casepath.engine.instances import notifications, signs
from casepath.engine.instances.wordings import Wording
from casepath.engine.people import authorization, identity
from casepath.engine.queries import watch
from casepath.engine.queries.watch import Standstill
from casepath.engine.settings import current
from casepath.engine.time import clock
from casepath.workers import Surroundings

log = logging.getLogger(__name__)

#: How long it is until the next look, in seconds.
INTERVAL = 10.0

#: What administrators are told, by their language: what stands still by its code, and what to do.
WORDS = {
    "zh_CN": {
        "silent:jobs": "没有工作者处理定时器和后续步骤（最近一次：{since}）",
        "silent:topics": "没有工作者发送通知和生成文件（最近一次：{since}）",
        "late": "一项工作本应在 {since} 执行，至今没有执行",
        "never": "从未",
        "text": "请查看“运维”页面中的“工作者”，并检查其是否在运行。",
    },
    "en": {
        "silent:jobs": "No worker executes timers and continuations; the last one did: {since}",
        "silent:topics": "No worker sends notices and makes documents; the last one did: {since}",
        "late": "A job was due at {since} and has not been executed",
        "never": "never",
        "text": "Please look at Workers on the page Operations, and see whether a worker runs.",
    },
}


class Watch:
    """Looks for as long as its process runs."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.began_at = clock.now()

    def step(self) -> float:
        """Look, and tell administrators what they do not know yet; return the seconds until the next look."""
        # Whoever was just started has to get round to its work first.
        if clock.now() - self.began_at > current.silent_after:
            with self.surroundings.sessions.begin() as session:
                self.tell(session)
        return INTERVAL

    def tell(self, session: Session) -> None:
        """Tell administrators of what stands still, once until it moves again."""
        standing = {each.key: each for each in watch.standstills(session)}
        for key in signs.ring(session, standing):
            log.error("nothing moves: %s", words("en", standing[key], ZoneInfo("UTC")))
            zone = ZoneInfo(self.surroundings.time_zone)
            said = {
                language: Wording(subject=words(language, standing[key], zone), text=WORDS[language]["text"])
                for language in WORDS
            }
            notifications.notify(
                session,
                sorted(identity.members(session, [authorization.ADMINISTRATOR])),
                kind="escalation",
                wording=said["zh_CN"],
                translated=said,
                idempotency_key=f"{key} {clock.now().isoformat()}",
                by_mail=True,
            )


def words(language: str, standstill: Standstill, zone: ZoneInfo) -> str:
    """Return in a sentence what stands still."""
    said = WORDS[language]
    return said[standstill.key].format(since=_written(standstill.since, zone) or said["never"])


def _written(at: datetime | None, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if at is not None else ""
