"""Matters that somebody watches."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.instances import watches
from tests.web.matters import Matter
from tests.web.visitor import Visitor, text

Rows = sessionmaker[Session]
Visit = Callable[[str | None], Visitor]


def test_watch__is_begun_and_left_on_the_page(alice: Visitor, bob: Visitor, matter: Matter, rows: Rows) -> None:
    page = text(alice.post(f"/matters/watch/{matter.key}", {"watch": "1"}, follow_redirects=True))
    assert "此案件有进展时将通知您。" in page
    assert 'aria-pressed="true"' in page
    assert matter.key in text(alice.get("/matters/?watched=1"))
    assert matter.key not in text(bob.get("/matters/?watched=1"))

    bob.post(f"/matters/comments/{matter.key}", {"text": "好"})
    with rows.begin() as session:
        watches.tell_news(session)
    assert "Bob添加了评论。" in text(alice.get("/notifications/"))

    page = text(alice.post(f"/matters/watch/{matter.key}", follow_redirects=True))
    assert "已取消关注。" in page
    assert 'aria-pressed="false"' in page


def test_watch__what_one_may_not_see_is_not_there(visit: Visit, matter: Matter) -> None:
    assert visit("stranger").post(f"/matters/watch/{matter.key}", {"watch": "1"}).status_code == 404
