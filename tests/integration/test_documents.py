"""Documents of a deployment: checked, versioned, printed of what history tells, and archived once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history, papers
from casepath.engine.database.models import Definition, HistoryEvent, Incident
from casepath.engine.deployments import documents
from casepath.engine.instances import attachments, process_instances, user_tasks
from casepath.engine.papers import Paper, Table
from casepath.engine.people import identity
from casepath.engine.queries import papers as printed
from casepath.engine.queries.papers import Printing
from casepath.engine.time import clock as engine_clock
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import diagrams, factories, pdf
from tests.acting import PROGRAM

Sessions = sessionmaker[Session]
SHANGHAI = ZoneInfo("Asia/Shanghai")


def form(**fields: Any) -> bytes:
    """A form of texts by key and label, or of selects by key, label and choices."""
    parts: list[dict[str, Any]] = []
    for key, (label, *choices) in fields.items():
        values = [{"value": value, "label": said} for value, said in choices]
        parts.append({"type": "select" if values else "textfield", "key": key, "label": label, "values": values})
    return json.dumps({"type": "default", "components": parts}).encode()


NOTICE = """---
title: 通知单
title_en: Notice
for: p
when: count(rounds.Plan) > 0
copies: 第一联　班组 | 第二联　留存
foot: {{printed_by}}
---
# {{title}}

编号：{{number}} -> {{facts.kind}}

|--|----|
{{#loop rounds.Start}}
| **客户** | {{customer}}，{{kind}} |
{{/loop}}
{{#loop rounds.Plan}}
| **方案 {{step.round}}** | {{plan}}<br>-> {{step.signed}} |
{{/loop}}
"""
LIST = """---
title: 登记表
over: p
paper: A4 landscape
---
# {{title}}

{{period.from}} 至 {{period.until}} -> 共 {{period.count}}，处理中 {{period.open}}，办结 {{period.completed}}

| 编号 | 登记 | 客户 | 方案 | 结案 |
|---|---|---|---|---|
{{#loop matters}}
| {{number}} | {{started_at}} | {{rounds.Start[1].customer}} | {{rounds.Plan[-1].plan}} | {{ended_at}} |
{{/loop}}
"""
DIAGRAM = diagrams.process(
    '<extensionElements><camunda:properties><camunda:property name="facts" value="customer,kind"/>'
    "</camunda:properties></extensionElements>",
    '<startEvent id="Start" name="登记" camunda:formKey="intake"/>',
    '<userTask id="Plan" name="方案" camunda:formKey="plan" camunda:candidateUsers="alice"/>',
    '<exclusiveGateway id="Well" default="again"/>',
    '<serviceTask id="Keep" camunda:type="external" camunda:topic="archive"><extensionElements><camunda:inputOutput>'
    '<camunda:inputParameter name="template">notice</camunda:inputParameter>'
    "</camunda:inputOutput></extensionElements></serviceTask>",
    '<endEvent id="End"/>',
    '<sequenceFlow id="again" sourceRef="Well" targetRef="Plan"/>',
    flow="Start > Plan; Plan > Well; Well > Keep [${good == 'yes'}]; Keep > End",
)
FILES = {
    "p.bpmn": DIAGRAM,
    "forms/intake.form": form(customer=["客户"], kind=["性质", ("repair", "维修质量"), ("parts", "配件")]),
    "forms/plan.form": form(plan=["方案"], good=["好吗", ("yes", "好"), ("no", "不好")]),
    "documents/notice.md": NOTICE.encode(),
    "documents/list.md": LIST.encode(),
}


@pytest.fixture
def play(transaction: Sessions, clock: ModuleType) -> Callable[..., str]:
    """Deploy, and play a matter with these plans; the last one is good where it is said so."""
    with transaction.begin() as session:
        factories.group(session, "service")
        factories.user(session, "alice", groups=["service"])
        factories.user(session, "bob")
        result = deployments.deploy(session, FILES, name="p", by=PROGRAM)
        assert [each for each in result.warnings if each.file.startswith("documents/")] == []
    engine_clock.set_to(datetime(2026, 11, 2, 1, 0, tzinfo=UTC))

    def play_one(key: str, *plans: str, ends: bool = True, customer: str = "王") -> str:
        with transaction.begin() as session:
            process_instances.start(
                session, "p", {"customer": customer, "kind": "repair"}, business_key=key, by="alice"
            )
        for number, plan in enumerate(plans, 1):
            engine_clock.move(timedelta(minutes=7))
            good = "yes" if ends and number == len(plans) else "no"
            with transaction.begin() as session:
                task = user_tasks.open_of(session, key, "Plan")
                user_tasks.complete(session, task, {"plan": plan, "good": good}, by="alice")
        return key

    return play_one


def printing() -> Printing:
    return Printing(at=engine_clock.now(), zone=SHANGHAI, by="Alice")


def notice(session: Session, key: str) -> Paper:
    return printed.of_matter(session, documents.newest(session, "notice"), key, printing())


def rows(paper: Paper) -> list[list[str]]:
    (table,) = [block for block in paper.blocks if isinstance(block, Table)]
    return [[cell.text for cell in row.cells] for row in table.rows]


class TestDeploying:
    def refusals(self, transaction: Sessions, **changed: str) -> list[errors.Finding]:
        files = {**FILES, **{f"documents/{name}.md": text.encode() for name, text in changed.items()}}
        with transaction.begin() as session:
            try:
                found = deployments.deploy(session, files, name="p", by=PROGRAM).warnings
            except errors.DeploymentRefused as refused:
                found = list(refused.findings)
        return [each for each in found if each.file.startswith("documents/")]

    def test_refuses_a_field_that_no_form_has(self, transaction: Sessions) -> None:
        (found,) = self.refusals(transaction, notice=NOTICE.replace("{{plan}}", "{{plam}}"))

        assert (found.level, found.file) == ("error", "documents/notice.md")
        assert "Line 18: expected a field of the form at “Plan”, but found “plam”" in found.message

    def test_refuses_a_field_that_is_called_as_what_is_told_beside_it(self, transaction: Sessions) -> None:
        files = {**FILES, "forms/plan.form": form(plan=["方案"], good=["好吗"], step=["步骤"])}
        with transaction.begin() as session, pytest.raises(errors.DeploymentRefused) as refused:
            deployments.deploy(session, files, name="p", by=PROGRAM)

        found = {each.file: str(each.phrase) for each in refused.value.findings if each.level == "error"}
        assert sorted(found) == ["documents/list.md", "documents/notice.md"]
        assert all("the form at “Plan” has a field “step”" in said for said in found.values())

    def test_refuses_what_cannot_be_read(self, transaction: Sessions) -> None:
        (found,) = self.refusals(transaction, notice=NOTICE.replace("{{/loop}}", "", 1))

        assert found.code == "guidance-tag"

    def test_warns_of_what_may_still_come(self, transaction: Sessions) -> None:
        text = NOTICE.replace("rounds.Plan", "rounds.Later").replace("facts.kind", "facts.none")
        found = self.refusals(transaction, notice=text.replace("for: p", "for: q"))

        assert {each.level for each in found} == {"warning"}
        assert sorted((each.code, each.phrase.facts["key"]) for each in found) == [
            ("unknown-element", "Later"), ("unknown-fact", "none"), ("unknown-process", "q"),
        ]  # fmt: skip

    def test_warns_no_more_of_what_has_come(self, transaction: Sessions) -> None:
        alone = {"documents/notice.md": NOTICE.encode()}
        with transaction.begin() as session:
            told = deployments.deploy(session, alone, name="d", by=PROGRAM).warnings
            assert len(deployments.still_unknown(session, told)) == len(told) == 4

            deployments.deploy(session, FILES, name="p", by=PROGRAM)
            assert deployments.still_unknown(session, told) == []

    def test_makes_versions_of_their_own(self, transaction: Sessions, play: Callable[..., str]) -> None:
        with transaction.begin() as session:
            changed = {**FILES, "documents/notice.md": NOTICE.replace("通知单", "通知书").encode()}
            result = deployments.deploy(session, changed, name="p", by=PROGRAM)

            assert [(each.kind, each.key, each.version) for each in result.definitions] == [("document", "notice", 2)]
            assert documents.newest(session, "notice").title == "通知书"
            assert [each.title for each in documents.every(session)] == ["登记表", "通知书"]


class TestPrinting:
    def test_tells_what_was_handed_in_each_time(self, transaction: Sessions, play: Callable[..., str]) -> None:
        key = play("K1", "甲 | **乙**", "丙")

        with transaction.begin() as session:
            assert rows(notice(session, key)) == [
                ["客户", "王，维修质量"],
                ["方案 1", "甲 | **乙**\nAlice　2026年11月2日 09:07"],
                ["方案 2", "丙\nAlice　2026年11月2日 09:14"],
            ]

    def test_tells_how_it_was_then(self, transaction: Sessions, play: Callable[..., str]) -> None:
        text = "---\ntitle: 状态\nfor: p\n---\n{{state}} {{ended_at}}{{#loop files}}，{{name}}{{/loop}}\n"
        with transaction.begin() as session:
            deployments.deploy(session, {"documents/how.md": text.encode()}, name="how", by=PROGRAM)
        key = play("K1", "甲")
        before = printing()
        engine_clock.move(timedelta(minutes=1))
        Loop(Surroundings(sessions=transaction, time_zone="Asia/Shanghai"), worker_id="w").rest()

        with transaction.begin() as session:
            papers_of = [
                printed.of_matter(session, documents.newest(session, "how"), key, each)
                for each in (before, printing())
            ]
        assert ["".join(run.text for run in paper.runs) for paper in papers_of] == [
            "open", "completed 2026年11月2日 09:08，K1 通知单.pdf",
        ]  # fmt: skip

    def test_archiving_keeps_nobody_from_writing(
        self, transaction: Sessions, play: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        of_matter = printed.of_matter

        def meanwhile(*given: Any) -> Paper:
            with transaction.begin() as session:
                attachments.add(session, "K1", name="note.txt", content=b"meanwhile", by=PROGRAM)
            return of_matter(*given)

        monkeypatch.setattr(printed, "of_matter", meanwhile)
        play("K1", "甲")
        Loop(Surroundings(sessions=transaction, time_zone="Asia/Shanghai"), worker_id="w").rest()

        with transaction.begin() as session:
            assert [file.name for file in attachments.list_of(session, "K1")] == ["note.txt", "K1 通知单.pdf"]

    def test_tells_what_was_erased(self, transaction: Sessions, play: Callable[..., str]) -> None:
        key = play("K1", "秘密")
        with transaction.begin() as session:
            instance = session.scalars(select(HistoryEvent.process_instance_id)).first()
            assert instance is not None
            history.erase(session, instance, ["plan"], reason="law", by="ada")

            assert rows(notice(session, key))[1][1].startswith("（已删除）")

    def test_is_offered_where_its_condition_holds(self, transaction: Sessions, play: Callable[..., str]) -> None:
        play("K1")
        play("K2", "方案", ends=False)

        with transaction.begin() as session:
            offered = [[each.key for each in printed.offered(session, key, printing())] for key in ("K1", "K2")]
        assert offered == [[], ["notice"]]

    def test_of_a_matter_that_is_not_there(self, transaction: Sessions, play: Callable[..., str]) -> None:
        with transaction.begin() as session, pytest.raises(errors.NotFound):
            notice(session, "K9")


class TestListing:
    def listed(self, session: Session, username: str = "alice", first: int = 1, last: int = 30) -> Paper:
        document, person = documents.newest(session, "list"), identity.actor(session, username)
        assert isinstance(person, identity.Person)
        days = date(2026, 11, first), date(2026, 11, last)
        return printed.of_period(session, document, person, *days, printing())

    def test_tells_each_matter_of_the_period(self, transaction: Sessions, play: Callable[..., str]) -> None:
        play("K1", "甲", "乙")
        play("K2", customer="李")
        Loop(Surroundings(sessions=transaction, time_zone="Asia/Shanghai"), worker_id="w").rest()

        with transaction.begin() as session:
            paper = self.listed(session)
        assert rows(paper) == [
            ["K1", "2026年11月2日 09:00", "王", "乙", "2026年11月2日 09:14"],
            ["K2", "2026年11月2日 09:14", "李", "", ""],
        ]
        heading = "".join(run.text for run in paper.runs)
        assert heading.startswith("登记表2026年11月1日 至 2026年11月30日共 2，处理中 1，办结 1")
        sheet = papers.sheet_of(paper)
        assert [type(cell) for cell in next(iter(sheet.rows))] == [str, datetime, str, str, datetime]

    def test_begins_and_ends_with_whole_days_of_the_zone(self, transaction: Sessions, play: Callable[..., str]) -> None:
        """At 23:59 of 2 November in Shanghai it is the afternoon of that day in universal time."""
        engine_clock.set_to(datetime(2026, 11, 2, 15, 59, tzinfo=UTC))
        play("K1")
        engine_clock.set_to(datetime(2026, 11, 2, 16, 0, tzinfo=UTC))
        play("K2")

        with transaction.begin() as session:
            found = [[row[0] for row in rows(self.listed(session, first=day, last=day))] for day in (1, 2, 3)]
        assert found == [[], ["K1"], ["K2"]]

    def test_shows_nobody_what_is_not_his(self, transaction: Sessions, play: Callable[..., str]) -> None:
        play("K1")

        with transaction.begin() as session:
            assert rows(self.listed(session, "bob")) == []

    def test_refuses_more_than_it_holds(
        self, transaction: Sessions, play: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(printed, "MAX_MATTERS", 1)
        play("K1")
        play("K2")

        with transaction.begin() as session, pytest.raises(errors.InvalidInput, match="at most 1 matters"):
            self.listed(session)


class TestArchiving:
    def test_keeps_the_document_once(self, transaction: Sessions, play: Callable[..., str]) -> None:
        key = play("K1", "甲")
        loop = Loop(Surroundings(sessions=transaction, time_zone="Asia/Shanghai"), worker_id="w")
        (task,) = loop.topics.fetch(["archive"], 1)
        lost = Loop(loop.surroundings, worker_id="lost")

        # Another worker does the same work, and reports too late.
        loop.topics.handle(task)
        lost.topics.handle(task)
        loop.rest()

        with transaction.begin() as session:
            (kept,) = attachments.list_of(session, key)
            content = attachments.content(session, kept.id)
            told = session.scalar(
                select(func.count()).select_from(HistoryEvent).where(HistoryEvent.kind == "attachment.added")
            )
        assert (kept.name, kept.media_type, told) == ("K1 通知单.pdf", "application/pdf", 1)
        assert kept.sha256 == attachments.digest(content)
        pages = [pdf.bare(page) for page in pdf.pages(content)]
        assert [page[:12] for page in pages] == ["第一联班组通知单编号：K", "第二联留存通知单编号：K"]
        assert "方案1甲Alice2026年11月2日09:07" in pages[0]

    def test_without_a_template_prints_every_step(self, transaction: Sessions, play: Callable[..., str]) -> None:
        key = play("K1", "甲", ends=False)
        with transaction.begin() as session:
            for found in session.scalars(select(Definition).where(Definition.kind == "document")):
                found.key = f"other_{found.key}"
        engine_clock.move(timedelta(minutes=7))
        with transaction.begin() as session:
            task = user_tasks.open_of(session, key, "Plan")
            user_tasks.complete(session, task, {"plan": "乙", "good": "yes"}, by="alice")
        Loop(Surroundings(sessions=transaction, time_zone="Asia/Shanghai"), worker_id="w").rest()

        with transaction.begin() as session:
            (kept,) = attachments.list_of(session, key)
            told = pdf.bare(pdf.text(attachments.content(session, kept.id)))
        assert "登记客户王性质维修质量Alice" in told
        assert "方案（第2次）方案乙好吗好Alice" in told

    def test_stands_still_where_the_paper_is_too_long(
        self, transaction: Sessions, play: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("casepath.engine.papers.typesetting.MAX_CHARACTERS", 10)
        play("K1", "甲")
        Loop(Surroundings(sessions=transaction, time_zone="Asia/Shanghai"), worker_id="w").rest()

        with transaction.begin() as session:
            assert "too long to be printed" in (session.scalars(select(Incident.message)).one() or "")
            assert attachments.list_of(session, "K1") == []
