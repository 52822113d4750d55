"""A process owner plays a draft: each request brings what was played, and nothing of it is kept."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from casepath.engine import deployments
from casepath.engine.database import Base
from casepath.engine.deployments import definitions
from casepath.engine.people import identity
from casepath.engine.rehearsal import sandbox
from tests import diagrams
from tests.acting import PROGRAM
from tests.each import each
from tests.web.conftest import LogIn
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]
FILES = deployments.read_folder(Path(__file__).parent / "request")


@pytest.fixture
def olivia(visit: Visit, rows: Rows) -> Iterator[Visitor]:
    """A process owner, and the deployed process `request`."""
    definitions.forget()
    sandbox.kept.clear()
    with rows.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        for key in ("service", "directors"):
            identity.add_group(session, key, name=key, by=PROGRAM)
        identity.create_user(session, "olivia", name="Olivia", groups=["process_owner"], by=PROGRAM)
        identity.create_user(session, "sara", name="Sara", groups=["service"], by=PROGRAM)
        identity.create_user(session, "dora", name="Dora", groups=["directors"], by=PROGRAM)
        deployments.deploy(session, FILES, name="request", by="olivia")
    yield visit("olivia")
    sandbox.kept.clear()


def place(rows: Rows) -> str:
    with rows.begin() as session:
        return f"/processes/rehearse/{definitions.latest(session, 'process', 'request').id}"


def carried(page: TestResponse | str) -> dict[str, str]:
    """What the form of the page would send by itself."""
    shown = page if isinstance(page, str) else page.get_data(as_text=True)
    form = shown[shown.index('<form id="rehearsal"') :]
    form = form[: form.index("</form>")]
    held = re.findall(r'<textarea hidden name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL)
    held += re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in held}


def played(page: TestResponse | str) -> list[dict[str, Any]]:
    inputs: list[dict[str, Any]] = json.loads(carried(page)["rehearsal.recording"])["inputs"]
    return inputs


MULTIPART = "multipart/form-data"
HELLO = '<message id="m" name="hello"/>'


class Player:
    """Somebody who goes on with the page that came last."""

    def __init__(self, visitor: Visitor, at: str) -> None:
        self.visitor, self.at = visitor, at
        self.page = visitor.get(at)

    def send(self, status: int = 200, *, to: str = "", **form: Any) -> str:
        """Send the form of the page with what is typed and pressed."""
        typed = {name.replace("__", "."): value for name, value in form.items()}
        self.page = self.visitor.post(f"{self.at}{to}", {**carried(self.page), **typed}, content_type=MULTIPART)
        assert self.page.status_code == status, text(self.page)
        return text(self.page)


@pytest.fixture
def player(olivia: Visitor, rows: Rows) -> Player:
    return Player(olivia, place(rows))


def begin(player: Player) -> str:
    return player.send(rehearsal__act="play", rehearsal__by="olivia", customer_name="卫先生", channel="phone")


class TestRehearse:
    def test_it_begins_with_the_form_of_the_process(self, player: Player) -> None:
        assert player.page.status_code == 200
        assert 'name="customer_name"' in text(player.page)
        assert played(player.page) == []

    def test_it_goes_on_with_the_form_of_the_task(self, player: Player) -> None:
        page = begin(player)

        assert [each["kind"] for each in played(page)] == ["start"]
        assert 'name="result"' in page
        assert "卫先生" in page

    def test_a_task_is_completed_as_whoever_may(self, player: Player) -> None:
        begin(player)
        page = player.send(rehearsal__act="play", rehearsal__by="sara", result="gone", solved="yes")

        assert [each.get("by") for each in played(page)] == ["olivia", "sara"]
        assert "review" in carried(page)["rehearsal.chosen"]

    def test_what_does_not_fit__is_said_at_its_field_and_nothing_is_lost(self, player: Player) -> None:
        begin(player)
        page = player.send(422, rehearsal__act="play", rehearsal__by="sara", result="kept as typed", solved="")

        assert "kept as typed" in page
        assert "field-invalid" in page
        assert len(played(page)) == 1

    def test_a_stranger_to_the_task__is_refused(self, player: Player) -> None:
        begin(player)
        page = player.send(422, rehearsal__act="play", rehearsal__by="olivia", result="typed", solved="yes")

        assert "typed" in page
        assert len(played(page)) == 1

    def test_time_passes(self, player: Player) -> None:
        begin(player)
        page = player.send(rehearsal__wait="P2D")

        assert played(page)[-1] == {"kind": "wait", "for": "P2D"}
        player.send(422, rehearsal__wait="")
        player.send(422, rehearsal__wait="yesterday")
        player.send(422, rehearsal__wait="P900Y")

    def test_a_step_is_taken_back__and_all_of_them(self, player: Player) -> None:
        begin(player)
        player.send(rehearsal__wait="P2D")

        assert len(played(player.send(rehearsal__act="undo"))) == 1
        assert played(player.send(rehearsal__act="restart")) == []
        assert played(player.send(rehearsal__act="undo")) == []

    def test_the_recording_is_saved_as_a_file(self, player: Player) -> None:
        begin(player)
        held = carried(player.page)["rehearsal.recording"]

        saved = json.loads(player.send(to="/recording"))
        assert saved == {**json.loads(held), "path": [["request", ["received", "contact"]]]}
        assert "request.rehearsal.json" in player.page.headers["Content-Disposition"]

    def test_fields__for_what_is_typed(self, player: Player) -> None:
        begin(player)
        form = {**carried(player.page), "solved": "no"}
        part = text(player.visitor.post(f"{player.at}/fields", form, headers={"HX-Request": "true"}))
        whole = text(player.visitor.post(f"{player.at}/fields", form))

        assert "只能有一个声音" in part
        assert "<html" not in part
        assert "只能有一个声音" in whole
        assert "<html" in whole

    def test_a_draft__instead_of_what_is_in_force(self, player: Player) -> None:
        drawn = FILES["request.bpmn"].replace("联系客户".encode(), "先打电话".encode())
        page = player.send(diagram=(io.BytesIO(drawn), "request.bpmn"))
        assert "先打电话" in html.unescape(page)

        page = begin(player)
        assert "先打电话" in page
        assert carried(page)["rehearsal.diagram"]

    @each("drawn", [b"no diagram", b"<a/>", b"\xff\xfe", FILES["request.bpmn"][:900]])
    def test_a_draft_that_cannot_be_played(self, player: Player, drawn: bytes) -> None:
        sent = {"diagram": (io.BytesIO(drawn), "request.bpmn")}
        page = text(player.visitor.post(player.at, sent, content_type=MULTIPART))

        assert "先改正以下问题" in page

    def test_nothing_is_kept(self, player: Player, rows: Rows) -> None:
        def count() -> dict[str, int]:
            with rows.begin() as session:
                tables = Base.metadata.sorted_tables
                return {each.name: session.scalar(select(func.count()).select_from(each)) or 0 for each in tables}

        before = count()
        begin(player)
        player.send(rehearsal__act="play", rehearsal__by="sara", result="gone", solved="yes")

        assert count() == before

    def test_it_leads_to_no_matter(self, olivia: Visitor, rows: Rows) -> None:
        """The number of a rehearsed matter may be that of a real one."""
        sends = diagrams.process(
            diagrams.nodes("startEvent start;endEvent end"), diagrams.throw("say", diagrams.message()),
            flow="start > say;say > end", key="request", root=HELLO,
        )  # fmt: skip
        begun = diagrams.process(
            f'<startEvent id="heard">{diagrams.message()}</startEvent>', diagrams.nodes("userTask look;endEvent end"),
            flow="heard > look;look > end", key="other", root=HELLO,
        ).replace(b'isExecutable="true">', b'isExecutable="true"><extensionElements><camunda:properties>'
                  b'<camunda:property name="businessKeyFormat" value="OT{number:4}"/>'
                  b"</camunda:properties></extensionElements>")  # fmt: skip
        with rows.begin() as session:
            deployments.deploy(session, {"request.bpmn": sends}, name="request", by=PROGRAM)
            deployments.deploy(session, {"other.bpmn": begun}, name="other", by=PROGRAM)
        player = Player(olivia, place(rows))
        page = player.send(rehearsal__act="play", rehearsal__by="olivia", rehearsal__chosen="start::0")

        assert "OT0001" in page
        assert "/matters/show/OT0001" not in page

    @each("recording", ["none", "[]", '{"process": "other", "begins_at": "2026-01-01T00:00:00Z", "inputs": []}'])
    def test_another_recording(self, player: Player, recording: str) -> None:
        assert player.visitor.post(player.at, {"rehearsal.recording": recording}).status_code in (400, 422)

    def test_what_can_be_played_no_more(self, player: Player) -> None:
        begin(player)
        held = json.loads(carried(player.page)["rehearsal.recording"])
        held["inputs"].append({"kind": "complete", "element": "gone", "by": "sara"})
        page = text(player.visitor.post(player.at, {"rehearsal.recording": json.dumps(held)}))

        assert "第 2 步" in page
        assert len(played(page)) == 1

    def test_in_english(self, player: Player) -> None:
        player.visitor.post("/language", {"language": "en"})
        page = begin(player)

        assert "Clock of the rehearsal" in page
        assert 'Result<span class="required"' in page


def saved(player: Player) -> bytes:
    """What was played, as a scenario; the player has the page before it again."""
    page = player.page
    scenario = player.send(to="/recording").encode()
    player.page = page
    return scenario


class TestScenarios:
    def test_none_yet(self, player: Player) -> None:
        assert "还没有场景" in player.send(to="/scenarios")

    def test_which_pass_and_what_none_reaches(self, player: Player) -> None:
        begin(player)
        player.send(rehearsal__act="play", rehearsal__by="sara", result="gone", solved="yes")
        page = player.send(to="/scenarios", rehearsal__scenarios=(io.BytesIO(saved(player)), "solved.json"))

        assert "1 个中有 1 个通过" in page
        assert "<li>完成</li>" in page
        assert "<li>复核</li>" not in page
        covered = json.loads(html.unescape(re.search(r'id="coverage">(.*?)</div>', page)[1]))  # type: ignore[index]
        assert covered["elements"]["review"] == {"state": "visited", "count": 1}
        assert covered["elements"]["done"] == {"state": "unreached", "count": 0}

    def test_where_they_part__on_a_draft(self, player: Player) -> None:
        begin(player)
        scenario = saved(player)
        drawn = FILES["request.bpmn"].replace(b'sourceRef="received" targetRef="contact"',
                                              b'sourceRef="received" targetRef="review"')  # fmt: skip
        drawn = drawn.replace(b'sourceRef="contact" targetRef="review"', b'sourceRef="review" targetRef="contact"')
        drawn = drawn.replace(b'sourceRef="review" targetRef="done"', b'sourceRef="contact" targetRef="done"')
        drawn = re.sub(rb"<bpmn:(incoming|outgoing)>.*?</bpmn:\1>", b"", drawn)
        sent = {"diagram": (io.BytesIO(drawn), "request.bpmn"), "rehearsal.recording": "",
                "rehearsal.scenarios": (io.BytesIO(scenario), "one.json")}  # fmt: skip
        page = text(player.visitor.post(f"{player.at}/scenarios", sent, content_type=MULTIPART))

        assert "走到的是“复核”，而不是“联系客户”。" in page

    def test_files_that_are_none(self, player: Player) -> None:
        other = b'{"process": "other", "begins_at": "2026-03-02T09:00:00+00:00", "inputs": []}'
        files = [(io.BytesIO(content), f"n{number}.json") for number, content in enumerate((b"\xff", b"", other))]
        page = text(player.visitor.post(f"{player.at}/scenarios", {"rehearsal.scenarios": files}))

        assert page.count("这不是演练的记录。") == 2
        assert "这是另一个流程的演练。" in page

    def test_those_beside_the_process(self, player: Player, rows: Rows) -> None:
        begin(player)
        files = {**FILES, "scenarios/told.json": saved(player)}
        files["request.bpmn"] = files["request.bpmn"].replace("联系客户".encode(), "打电话".encode())
        with rows.begin() as session:
            deployments.deploy(session, files, name="request", by=PROGRAM)

        assert "<strong>told</strong>" in player.send(to="/scenarios")


@each("line", ["no value", "= 1"])
def test_values__what_is_none(player: Player, line: str) -> None:
    player.send(rehearsal__act="restart")
    begin(player)
    player.send(rehearsal__act="play", rehearsal__by="sara", result="gone", solved="yes")
    page = player.send(422, rehearsal__act="play", rehearsal__by="dora", rehearsal__values=line)

    assert line in html.unescape(page)
    page = player.send(rehearsal__act="play", rehearsal__by="dora", rehearsal__values="amount = 12\nnote = fine")
    assert played(page)[-1]["values"] == {"amount": 12, "note": "fine"}


@pytest.mark.browser
def test_rehearsal__in_the_browser(
    olivia: Visitor, page: Page, address: str, log_in: LogIn, rows: Rows, tmp_path: Path
) -> None:
    """The page goes on after a file was saved, with that file among the scenarios."""
    log_in("olivia")
    page.goto(f"{address}{place(rows)}")
    page.locator("[name=customer_name]").fill("卫先生")
    page.locator("[name=channel]").select_option("phone")
    page.locator("#chosen").get_by_role("button", name="开始").click()
    expect(page.locator("#field-result")).to_be_visible()

    with page.expect_download() as saving:
        page.get_by_role("button", name="存为场景").click()
    file = tmp_path / "one.json"
    saving.value.save_as(file)
    page.locator("#rehearsal-scenarios").set_input_files(file)
    page.get_by_role("button", name="运行全部场景").click()

    expect(page.get_by_text("1 个中有 1 个通过")).to_be_visible()
    page.get_by_role("button", name="返回演练").click()
    expect(page.locator("#field-result")).to_be_visible()
