"""The words of digests: which matters have something unread, and of which kind."""

from __future__ import annotations

from collections.abc import Mapping

from casepath.engine.instances import digests
from casepath.engine.instances.digests import Digest
from casepath.engine.instances.wordings import Wording
from casepath.workers import Surroundings

#: By language: the subject, a kind of notice with how many, what is about no matter, and how to stop it.
WORDS: Mapping[str, Mapping[str, str]] = {
    "zh_CN": {
        "subject": "{count} 个案件有未读通知",
        "notice": "通知 {count} 条",
        "reminder": "提醒 {count} 条",
        "escalation": "升级 {count} 条",
        "mention": "提及 {count} 条",
        "news": "动态 {count} 条",
        "other": "其他",
        "between": "，",
        "line": "{matter}：{kinds}",
        "end": "这些通知在“通知”页面中；每日汇总的时间也可在那里更改或取消。",
    },
    "en": {
        "subject": "Something unread in {count} matters",
        "notice": "notices: {count}",
        "reminder": "reminders: {count}",
        "escalation": "escalations: {count}",
        "mention": "mentions: {count}",
        "news": "news: {count}",
        "other": "Other",
        "between": ", ",
        "line": "{matter} – {kinds}",
        "end": "They are on the page Notifications, where you also choose when this summary comes, or that none does.",
    },
}


def step(surroundings: Surroundings) -> bool:
    """Write the digests that are due, where e-mail is configured; return whether there were any."""
    if surroundings.mail is None:
        return False
    with surroundings.readers.begin() as session:
        if not digests.are_due(session):
            return False
    with surroundings.sessions.begin() as session:
        found = digests.take(session)
        for digest in found or ():
            said = {language: wording(digest, words) for language, words in WORDS.items()}
            digests.write(session, digest, said, language="zh_CN")
    return found is not None


def wording(digest: Digest, words: Mapping[str, str]) -> Wording:
    """Return what a digest says in a language."""
    lines = []
    for business_key, kinds in digest.matters.items():
        counted = words["between"].join(words[kind].format(count=count) for kind, count in sorted(kinds.items()))
        lines.append(words["line"].format(matter=business_key or words["other"], kinds=counted))
    text = "\n".join([*lines, "", words["end"]])
    return Wording(subject=words["subject"].format(count=len(digest.matters)), text=text)
