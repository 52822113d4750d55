"""The timeline of a matter: what people read at a glance, in their language."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

from flask import Flask

from casepath.engine import deployments
from casepath.engine.instances import notifications, process_instances
from casepath.engine.instances.wordings import Wording
from casepath.web.process_instances.timeline import answers
from casepath.web.words import Words
from tests.acting import PROGRAM
from tests.wards import ADMISSION, ADMISSION_FORM, BED, MORE, PATIENT, field, form, ward
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


def test_values__those_that_are_facts_are_in_sight(rows: Rows, alice: Visitor) -> None:
    with rows.begin() as session:
        mine = {"readers": [], "writers": ["service"]}
        deployments.deploy(session, ward(patient={**PATIENT, **mine}, bed={**BED, **mine}), name="ward", by=PROGRAM)
        more = [field(name, name, name) for name in ("one", "two")]
        files = {**ADMISSION, "admission.form": form(*ADMISSION_FORM, *MORE, *more)}
        deployments.deploy(session, files, name="admission", by=PROGRAM)
        given = {"name": "梅一", "telephone": "555-0101", "one": "甲", "two": "乙"}
        process_instances.start(session, "admission", given, by="alice")

    shown = text(alice.get("/matters/show/A-1"))
    timeline = shown[shown.index('class="events"') :]
    in_sight, _, folded = timeline.partition('<details class="more-details">')

    assert ["梅一" in in_sight, "555-0101" in in_sight, "甲" in in_sight] == [True, True, False]
    assert "还有 3 项" in folded
    assert "甲" in folded
    assert "甲" in text(alice.get("/matters/timeline.csv/A-1"))
