"""The inbox and the page of a task."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from types import ModuleType

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.database.models import UserTask, UserTaskCandidate
from casepath.engine.instances import process_instances, user_tasks
from casepath.engine.people import identity
from casepath.engine.time import clock as engine_clock
from tests import factories
from tests.acting import PROGRAM
from tests.each import each
from tests.web.visitor import LINKED, Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]
SOLVED = {"result": "已联系，客户同意来店", "solved": "yes"}


def inbox(rows: Rows, names: list[str], **columns: object) -> list[int]:
    """Make one free task of the group `service` per business key, each due an hour later than the one before."""
    with rows.begin() as session:
        of = factories.definition(session)
        found = []
        for number, name in enumerate(names):
            due_at = engine_clock.now() + timedelta(hours=number + 1)
            instance = factories.process_instance(session, of=of, business_key=name)
            task = factories.user_task(session, of=instance, **{"due_at": due_at, **columns})  # type: ignore[arg-type]
            found.append(task.id)
    return found


class TestInbox:
    def test_index__empty(self, alice: Visitor) -> None:
        assert "全部处理完毕" in text(alice.get("/tasks/"))
        assert "没有待认领的任务" in text(alice.get("/tasks/?view=claimable"))
        assert "没有找到" in text(alice.get("/tasks/?q=TS"))

    def test_index__empty_while_some_wait_to_be_claimed(self, alice: Visitor, rows: Rows) -> None:
        inbox(rows, ["TS-A", "TS-B"])

        page = text(alice.get("/tasks/"))
        assert "全部处理完毕" not in page
        assert "<strong>2 个任务待认领</strong>" in page
        assert 'class="button" href="/tasks/?view=claimable"' in page

    def test_index__overdue_first(self, alice: Visitor, rows: Rows, clock: ModuleType) -> None:
        inbox(rows, ["TS-A", "TS-B", "TS-C"])
        clock.move(timedelta(minutes=90))
        page = text(alice.get("/tasks/?view=claimable"))
        assert page.index("TS-A") < page.index("TS-B") < page.index("TS-C")
        assert page.count("is-overdue") == 1
        assert page.count("is-soon") == 2

    def test_index__each_in_its_list(self, alice: Visitor, rows: Rows) -> None:
        inbox(rows, ["TS-MINE"], assignee="alice")
        inbox(rows, ["TS-FREE"])
        inbox(rows, ["TS-BOB"], assignee="bob")
        inbox(rows, ["TS-SALES"], candidate_groups=["sales"])
        seen = {
            view: {
                name
                for name in ("MINE", "FREE", "BOB", "SALES")
                if f"TS-{name}" in text(alice.get(f"/tasks/?view={view}"))
            }
            for view in ("mine", "claimable", "all")
        }
        assert seen == {"mine": {"MINE"}, "claimable": {"FREE"}, "all": {"MINE", "FREE", "BOB"}}

    def test_index__director_sees_all(self, visit: Visit, rows: Rows) -> None:
        inbox(rows, ["TS-SALES"], candidate_groups=["sales"])
        assert "TS-SALES" in text(visit("director").get("/tasks/?view=all"))

    def test_index__claims_only_what_one_may(self, alice: Visitor, visit: Visit, rows: Rows) -> None:
        (task_id,) = inbox(rows, ["TS-FREE"])
        seen = [text(visitor.get("/tasks/?view=all")) for visitor in (alice, visit("administrator"))]
        assert ["TS-FREE" in page for page in seen] == [True, True]
        assert [f"/tasks/{task_id}/claim" in page for page in seen] == [True, False]

    def test_index__pages_by_key(self, alice: Visitor, rows: Rows) -> None:
        names = [f"TS-{number:03}" for number in range(60)]
        inbox(rows, names)
        address, seen = "/tasks/?view=claimable", []
        for _ in range(3):
            page = text(alice.get(address))
            seen += [name for name in names if f">{name}<" in page]
            link = re.search(r'href="([^"]+)" rel="next"', page)
            address = html.unescape(link[1]) if link else ""
        assert seen == names
        assert address == ""

    @pytest.mark.parametrize(
        "after",
        [
            "x",
            "~",
            "0001-01-01T00:00:00+23:59~1",
            "9999-12-31T23:59:00-23:59~1",
            "2026-01-01~1",
            "2026-01-01T00:00:00+00:00~x",
            "9" * 400 + "~1",
            "2026-01-01T00:00:00+00:00~99999999999999999999",
        ],
    )
    def test_index__senseless_key_is_the_first_page(self, alice: Visitor, rows: Rows, after: str) -> None:
        inbox(rows, ["TS-A"])
        answer = alice.get("/tasks/", query_string={"view": "claimable", "after": after})
        assert "TS-A" in text(answer)

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("0007", True),
            ("联系", True),
            ("ts-2026-0007", True),
            ("0008", False),
            ("%", False),
            ("_", False),
            ("\ufffd", False),
        ],
    )
    def test_index__search(self, alice: Visitor, rows: Rows, asked: str, found: bool) -> None:
        inbox(rows, ["TS-2026-0007"])
        page = text(alice.get("/tasks/", query_string={"view": "claimable", "q": asked}))
        assert ("TS-2026-0007" in page) is found
        assert f'value="{asked}"' in page

    def test_index__narrowed_to_overdue_and_to_a_process(self, alice: Visitor, rows: Rows, clock: ModuleType) -> None:
        inbox(rows, ["TS-A", "TS-B"])
        clock.move(timedelta(minutes=90))
        page = text(alice.get("/tasks/?view=claimable&due=overdue&process=complaint"))
        assert "TS-A" in page
        assert "TS-B" not in page
        assert "TS-B" not in text(alice.get("/tasks/?view=claimable&due=overdue"))
        assert "TS-A" not in text(alice.get("/tasks/?view=claimable&process=other"))

    def test_index__put_off_tasks_are_hidden_until_their_day(
        self, alice: Visitor, rows: Rows, clock: ModuleType
    ) -> None:
        (task_id,) = inbox(rows, ["TS-A"], assignee="alice", due_at=None)
        with rows.begin() as session:
            user_tasks.set_follow_up(session, task_id, engine_clock.now() + timedelta(hours=1), by="alice")
        assert "TS-A" not in text(alice.get("/tasks/"))
        clock.move(timedelta(hours=1))
        assert "TS-A" in text(alice.get("/tasks/"))

    def test_index__hostile_texts_are_escaped(self, alice: Visitor, rows: Rows) -> None:
        inbox(rows, ["<script>alert(1)</script>"])
        page = text(alice.get("/tasks/", query_string={"view": "claimable", "q": '"><img src=x onerror=alert(1)>'}))
        assert "<img" not in page
        assert "<script>alert" not in text(alice.get("/tasks/?view=claimable"))

    def test_counts__capped_and_out_of_band(self, alice: Visitor, rows: Rows, clock: ModuleType) -> None:
        inbox(rows, [f"TS-{number}" for number in range(101)])
        inbox(rows, ["TS-MINE"], assignee="alice")
        clock.move(timedelta(hours=2))
        counts = text(alice.get("/tasks/counts?tabs=1"))
        assert '<span id="count-claimable" class="count" hx-swap-oob="true">99+</span>' in counts
        assert '<span id="count-header" class="count count-alert" hx-swap-oob="true">1</span>' in counts


class TestTask:
    def test_show__form_guidance_and_matter(self, alice: Visitor, task_id: int) -> None:
        page = text(alice.get(f"/tasks/{task_id}"))
        assert "<h1>联系客户</h1>" in page
        assert '<label for="field-result">联系结果' in page
        assert "先处理<strong>心情</strong>" in page
        assert "王建国" in page
        assert "<dd>电话</dd>" in page
        assert "<dd>媒体</dd>" in page
        assert "<script>alert" not in page
        assert "javascript:alert" not in page.replace("[点这里](javascript:alert(2))", "")

    def test_show__in_english(self, alice: Visitor, task_id: int) -> None:
        alice.post("/language", {"language": "en"})
        page = text(alice.get(f"/tasks/{task_id}"))
        assert '<label for="field-result">Result' in page
        assert "First the <strong>mood</strong>" in page
        assert "Contact the customer." in page
        assert "<dd>Telephone</dd>" in page

    def test_claim_and_give_back(self, alice: Visitor, bob: Visitor, task_id: int) -> None:
        assert alice.post(f"/tasks/{task_id}/claim").status_code == 303
        refused = bob.post(f"/tasks/{task_id}/claim")
        assert refused.status_code == 409
        assert "Alice" in text(refused)
        assert alice.post(f"/tasks/{task_id}/unclaim").status_code == 303
        assert bob.post(f"/tasks/{task_id}/claim").status_code == 303

    def test_hand_on(self, alice: Visitor, bob: Visitor, task_id: int) -> None:
        alice.post(f"/tasks/{task_id}/claim")
        assert alice.post(f"/tasks/{task_id}/assign", {"to": "bob"}).status_code == 303
        assert "联系客户" in text(bob.get("/tasks/"))
        assert alice.post(f"/tasks/{task_id}/assign", {"to": "alice"}).status_code == 409

    def test_delegate_and_get_back(self, alice: Visitor, bob: Visitor, task_id: int) -> None:
        alice.post(f"/tasks/{task_id}/claim")
        alice.post(f"/tasks/{task_id}/delegate", {"to": "bob"})
        assert "由Alice委派" in text(bob.get(f"/tasks/{task_id}"))
        assert bob.post(f"/tasks/{task_id}/resolve", {"result": "请看这里"}).status_code == 303
        page = text(alice.get(f"/tasks/{task_id}"))
        assert "请看这里" in page
        assert alice.post(f"/tasks/{task_id}/complete", SOLVED).status_code == 303

    def test_delegate__taken_back_by_the_owner(self, alice: Visitor, bob: Visitor, task_id: int) -> None:
        alice.post(f"/tasks/{task_id}/claim")
        alice.post(f"/tasks/{task_id}/delegate", {"to": "bob"})
        assert "收回" in text(alice.get(f"/tasks/{task_id}"))
        assert alice.post(f"/tasks/{task_id}/resolve").status_code == 303
        assert alice.post(f"/tasks/{task_id}/complete", SOLVED).status_code == 303

    def test_follow_up__hidden_until_its_day_but_found_by_number(
        self, alice: Visitor, task_id: int, clock: ModuleType
    ) -> None:
        clock.set_to(datetime.fromisoformat("2026-10-01T10:00+08:00"))
        alice.log_in("alice")
        alice.post(f"/tasks/{task_id}/claim")
        # It is due in two hours.
        assert alice.post(f"/tasks/{task_id}/follow-up", {"day": "2026-10-02"}).status_code == 422
        put_off = {"day": "2026-10-02", "reason": "客户出差"}
        assert alice.post(f"/tasks/{task_id}/follow-up", put_off).status_code == 303
        assert "联系客户</a>" not in text(alice.get("/tasks/?process=request"))
        assert "推迟到 2026-10-02" in text(alice.get(f"/tasks/{task_id}"))
        assert "联系客户</a>" in text(alice.get("/tasks/?view=put_off"))
        number = re.search(r"RQ\d{4}-\d{4}", text(alice.get(f"/tasks/{task_id}")))
        assert number
        assert "联系客户</a>" in text(alice.get(f"/tasks/?q={number[0]}"))

        clock.set_to(datetime.fromisoformat("2026-10-02T00:00+08:00"))
        alice.log_in("alice")
        assert "联系客户</a>" in text(alice.get("/tasks/"))
        assert "联系客户</a>" not in text(alice.get("/tasks/?view=put_off"))
        assert "已经开始" in text(alice.post(f"/tasks/{task_id}/follow-up", {"day": "2026-10-01", "reason": "x"}))

    @pytest.mark.parametrize("day", ["tomorrow", "2026-13-01", "0001-01-01", "99999-01-01", "<b>"])
    def test_follow_up__no_day(self, alice: Visitor, task_id: int, day: str) -> None:
        alice.post(f"/tasks/{task_id}/claim")
        assert alice.post(f"/tasks/{task_id}/follow-up", {"day": day}).status_code == 422

    @pytest.mark.parametrize("to", ["", "nobody-here", "<script>", "x" * 5000, "a\x00"])
    def test_hand_on__to_somebody_who_is_not_there(self, alice: Visitor, task_id: int, to: str) -> None:
        alice.post(f"/tasks/{task_id}/claim")
        for verb in ("assign", "delegate"):
            answer = alice.post(f"/tasks/{task_id}/{verb}", {"to": to})
            assert answer.status_code == 422
            assert "<script>" not in text(answer)

    def test_save_draft__incomplete_and_kept(self, alice: Visitor, task_id: int) -> None:
        alice.post(f"/tasks/{task_id}/claim")
        assert alice.post(f"/tasks/{task_id}/draft", {"result": "写了一半", "cost": "abc"}).status_code == 303
        page = text(alice.get(f"/tasks/{task_id}"))
        assert "写了一半" in page
        assert 'value="abc"' in page
        assert "草稿" in page

    def test_save_draft__a_box_unticked_stays_so(self, alice: Visitor, rows: Rows, task_id: int) -> None:
        with rows.begin() as session:
            number = user_tasks.get(session, task_id).process_instance_id
            process_instances.set_variables(session, number, {"urgent": True}, by=PROGRAM, reason="-")
        alice.post(f"/tasks/{task_id}/claim")
        ticked = r'name="urgent" type="checkbox" value="true" checked'
        assert re.search(ticked, text(alice.get(f"/tasks/{task_id}")))
        alice.post(f"/tasks/{task_id}/draft", {"result": "…"})
        assert not re.search(ticked, text(alice.get(f"/tasks/{task_id}")))

    def test_complete(self, alice: Visitor, rows: Rows, task_id: int) -> None:
        sent = {**SOLVED, "contacted_at": "2026-10-01T09:30", "cost": "12.50", "urgent": "true"}
        answer = alice.post(f"/tasks/{task_id}/complete", sent)
        assert answer.status_code == 303
        assert "“联系客户”已完成" in text(alice.get(answer.location))
        with rows.begin() as session:
            task = user_tasks.get(session, task_id)
            kept = process_instances.variables(session, task.process_instance_id)
        assert (task.state, task.assignee) == ("completed", "alice")
        assert kept["result"] == "已联系，客户同意来店"
        assert (
            kept["contacted_at"].astimezone().isoformat()
            == datetime.fromisoformat("2026-10-01T09:30+08:00").astimezone().isoformat()
        )
        assert kept["urgent"] is True
        assert "已由Alice" in text(alice.get(f"/tasks/{task_id}"))

    def test_complete__leads_on_in_the_same_matter(self, visit: Visit, rows: Rows, task_id: int) -> None:
        with rows.begin() as session:
            identity.set_groups(session, "bob", ["service", "directors"], by=PROGRAM)
        bob = visit("bob")
        page = text(bob.get(bob.post(f"/tasks/{task_id}/complete", SOLVED).location))
        assert f'本案下一步： <a href="/tasks/{task_id + 1}">复核</a>' in page

    def test_complete__errors_at_their_fields_and_values_kept(self, alice: Visitor, task_id: int) -> None:
        sent = {"result": "", "contacted_at": "yesterday", "cost": "-1", "solved": "maybe"}
        answer = alice.post(f"/tasks/{task_id}/complete", sent)
        page = text(answer)
        assert answer.status_code == 422
        for key in sent:
            assert f'id="error-{key}"' in page
        assert 'value="yesterday"' in page
        assert 'value="-1"' in page
        assert page.count('aria-invalid="true"') == 4

    def test_complete__what_somebody_else_completed_is_told_and_nothing_is_lost(
        self, alice: Visitor, bob: Visitor, task_id: int
    ) -> None:
        alice.post(f"/tasks/{task_id}/complete", SOLVED)
        late = bob.post(f"/tasks/{task_id}/complete", {"result": "我也联系了 <b>客户</b>", "solved": "no"})
        page = text(late)
        assert late.status_code == 409
        assert "Alice已完成此任务" in page
        assert "我也联系了 &lt;b&gt;客户&lt;/b&gt;" in page
        assert "联系结果" in page
        assert ">否</textarea>" in page

    def test_complete__what_somebody_else_has_claimed(self, alice: Visitor, bob: Visitor, task_id: int) -> None:
        alice.post(f"/tasks/{task_id}/claim")
        late = bob.post(f"/tasks/{task_id}/complete", SOLVED)
        assert late.status_code == 409
        assert "Alice" in text(late)
        assert SOLVED["result"] in text(late)

    def test_complete__suspended(self, alice: Visitor, rows: Rows, task_id: int) -> None:
        with rows.begin() as session:
            instance_id = user_tasks.get(session, task_id).process_instance_id
            process_instances.suspend(session, instance_id, by="administrator", reason="test")
        assert "已挂起" in text(alice.get(f"/tasks/{task_id}"))
        late = alice.post(f"/tasks/{task_id}/complete", SOLVED)
        assert late.status_code == 409
        assert SOLVED["result"] in text(late)

    def test_complete__cancelled(self, alice: Visitor, rows: Rows, task_id: int) -> None:
        with rows.begin() as session:
            instance_id = user_tasks.get(session, task_id).process_instance_id
            process_instances.cancel(session, instance_id, by="administrator", reason="test")
        assert "任务于" in text(alice.get(f"/tasks/{task_id}"))
        assert alice.post(f"/tasks/{task_id}/complete", SOLVED).status_code == 409

    @pytest.mark.parametrize(
        "sent",
        [
            {**SOLVED, "customer_name": "changed by hand"},
            {**SOLVED, "__proto__": "x"},
            {**SOLVED, "result": "x" * 201},
            {**SOLVED, "cost": "1e999999999"},
            {**SOLVED, "cost": "NaN"},
            {**SOLVED, "contacted_at": "99999-99-99T99:99"},
            {**SOLVED, "solved": ["yes", "no"]},
            {**SOLVED, "result": "\x00"},
        ],
    )
    def test_complete__hostile_values(self, alice: Visitor, task_id: int, sent: dict[str, object]) -> None:
        answer = alice.post(f"/tasks/{task_id}/complete", sent)
        assert answer.status_code == 422

    def test_complete__too_large(self, alice: Visitor, task_id: int) -> None:
        assert alice.post(f"/tasks/{task_id}/complete", {"result": "x" * 5_000_000}).status_code == 413
        assert alice.post(f"/tasks/{task_id}/draft", {"result": "x" * 900_000}).status_code == 422

    def test_complete__scripts_are_shown_as_text(self, alice: Visitor, visit: Visit, task_id: int) -> None:
        alice.post(f"/tasks/{task_id}/complete", {**SOLVED, "result": "<script>alert(1)</script>"})
        assert "<script>alert" not in text(visit("director").get("/tasks/?view=all"))

    def test_fields__appear_with_the_answer_they_depend_on(self, alice: Visitor, task_id: int) -> None:
        assert "只能有一个声音" not in text(alice.get(f"/tasks/{task_id}"))
        shown = text(alice.post(f"/tasks/{task_id}/fields", {"solved": "no", "result": "typed"}, headers=LINKED))
        assert "<strong>媒体:</strong>面对媒体" in shown
        assert "typed" in shown
        assert "<html" not in shown


def test_strangers__are_told_the_same_of_what_is_not_theirs_and_what_is_not_there(visit: Visit, task_id: int) -> None:
    stranger = visit("stranger")
    assert stranger.get(f"/tasks/{'9' * 26}").status_code == 404
    there, absent = stranger.get(f"/tasks/{task_id}"), stranger.get("/tasks/999999")
    said = [text(there).replace(f"/tasks/{task_id}", ""), text(absent).replace("/tasks/999999", "")]
    assert said[0].replace(f"“{task_id}”", "") == said[1].replace("“999999”", "")


def test_index__order_is_told_and_remembered(alice: Visitor, task_id: int) -> None:
    assert "逾期的在前" in text(alice.get("/tasks/?view=claimable"))

    chosen = alice.get("/tasks/?view=claimable&order=newest")

    assert "最近到达的在前" in text(chosen)
    assert '<option value="newest" selected>' in text(alice.get("/tasks/?view=claimable"))
    assert '<option value="urgent" selected>' in text(alice.get("/tasks/?view=claimable&order=no-such-order"))


def test_index__a_list_that_asks_for_what_is_new_chooses_no_order(alice: Visitor, task_id: int) -> None:
    alice.get("/tasks/?view=claimable&order=newest")
    alice.get("/tasks/?view=claimable&order=due&seen=other", headers=LINKED)

    assert '<option value="newest" selected>' in text(alice.get("/tasks/?view=claimable"))


@each("hours, is_told", [(1, False), (-1, True)])
def test_born_overdue__says_so(alice: Visitor, rows: Rows, task_id: int, hours: int, is_told: bool) -> None:
    with rows.begin() as session:
        task = session.get_one(UserTask, task_id)
        task.due_at = task.sort_at = task.created_at + timedelta(hours=hours)
        session.execute(update(UserTaskCandidate).values(sort_at=task.sort_at))

    assert ("到达时已过期限" in text(alice.get("/tasks/?view=claimable"))) == is_told
    assert ("期限从更早的时间起算" in text(alice.get(f"/tasks/{task_id}"))) == is_told
