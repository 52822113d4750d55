"""The timeline of a matter: what people read at a glance, in their language."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

from flask import Flask

from casepath.engine.instances import notifications
from casepath.engine.instances.wordings import Wording
from casepath.web.process_instances.timeline import answers
from casepath.web.words import Words
from tests.web.matters import Matter, Rows
from tests.web.visitor import Visitor, text


def remind(rows: Rows, matter: Matter, subject: str, **translated: Wording) -> None:
    """Remind Bob about a matter, as a process does."""
    with rows.begin() as session:
        notifications.notify(
            session,
            ["bob"],
            kind="reminder",
            wording=Wording(subject=subject, text=""),
            translated=translated,
            business_key=matter.key,
            process_instance_id=matter.id,
        )


def test_notices__the_same_again_and_again_are_one_line(
    alice: Visitor, matter: Matter, rows: Rows, clock: ModuleType
) -> None:
    for _ in range(3):
        clock.move(timedelta(hours=1))
        remind(rows, matter, "快到期了")
    remind(rows, matter, "超期了")

    page = text(alice.get(f"/matters/show/{matter.key}")).partition('id="timeline"')[2]

    assert page.count("已提醒Bob：快到期了") == 1
    assert "起共 3 次</span>" in page
    assert page.count("已提醒Bob：超期了") == 1
    assert text(alice.get(f"/matters/timeline.csv/{matter.key}")).count("已提醒Bob：快到期了") == 3


def test_notices__in_the_language_of_the_page(alice: Visitor, matter: Matter, rows: Rows) -> None:
    remind(rows, matter, "超期了", en=Wording(subject="It is late", text=""))
    alice.post("/language", {"language": "en"})

    page = text(alice.get(f"/matters/show/{matter.key}"))

    assert "Reminded Bob: It is late" in page
    assert "<strong>It is late</strong>" in page
    assert "超期了" not in page


def test_who__is_told_in_one_sentence(alice: Visitor, matter: Matter) -> None:
    alice.post("/language", {"language": "en"})

    assert '<strong class="who">Alice</strong> registered the matter' in text(alice.get(f"/matters/show/{matter.key}"))


def test_answers__of_a_table_are_keys_also_where_people_write_into_a_field_of_that_name(app: Flask) -> None:
    told = Words(
        labels={"team": "处理人"},
        options={},
        anywhere={"service": "服务部", "parts": "配件部"},
        written=frozenset({"team"}),
    )

    with app.test_request_context("/login"):
        app.preprocess_request()
        assert answers({"team": "service,parts"}, {"team": "处理人"}, told) == [("处理人", "服务部、配件部")]
