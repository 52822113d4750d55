"""The list of matters, and the page of one: its path, its timeline, its values."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text as sql

from casepath.engine.database.models import ProcessInstance
from casepath.engine.instances import process_instances
from tests.web.matters import Matter, Rows, register, solve
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]


PEOPLE_WHO_SEE = ("alice", "director", "auditor", "operator")


class TestWhoMay:
    """Who is offered what; who may is in `test_roles.py`."""

    def test_commands__need_the_token_of_the_session(self, alice: Visitor, matter: Matter) -> None:
        answer = alice.client.post(f"/matters/comments/{matter.key}", data={"text": "x"})
        assert answer.status_code == 400

    @pytest.mark.parametrize(
        "page", ["/matters/show/MT2026-9999", "/matters/instances/99999/path", "/matters/files/99999"]
    )
    def test_pages__guessed(self, visit: Visit, matter: Matter, page: str) -> None:
        """What is not there is told as what one may not see."""
        assert visit("director").get(page).status_code == 404
        assert visit("stranger").get(page).status_code == 404

    def test_actions__shown_only_to_those_who_may(self, visit: Visit, matter: Matter) -> None:
        shown = {who: text(visit(who).get(f"/matters/show/{matter.key}")) for who in PEOPLE_WHO_SEE}
        assert {who for who, page in shown.items() if "form-message:" in page} == {"alice"}
        assert {who for who, page in shown.items() if "/cancel" in page} == {"operator"}
        assert {who for who, page in shown.items() if "/tokens" in page} == {"operator"}
        assert "/matters/comments/" not in shown["auditor"]


class TestList:
    def test_index__ones_own_and_those_of_ones_group(self, visit: Visit, matter: Matter) -> None:
        seen = {
            who: matter.key in text(visit(who).get("/matters/")) for who in ("stranger", "alice", "bob", "director")
        }
        assert seen == {"stranger": False, "alice": True, "bob": True, "director": True}

    def test_index__empty(self, visit: Visit, matter_process: None) -> None:
        assert "还没有案件" in text(visit("stranger").get("/matters/"))
        assert "没有符合条件的案件" in text(visit("stranger").get("/matters/?q=TS"))

    def test_index__says_where_it_stands(self, alice: Visitor, matter: Matter) -> None:
        assert '<td data-label="当前进展"><ul class="several"><li>解决</li></ul></td>' in text(alice.get("/matters/"))

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("q=MT", True),
            ("q=%25", False),
            ("q=_", False),
            ("state=open", True),
            ("state=completed", False),
            ("state='--", True),
            ("process=matter", True),
            ("process=other", False),
            ("below=1", False),
            ("below=99999999999999999999999", True),
            ("below=x", True),
        ],
    )
    def test_index__narrowed(self, alice: Visitor, matter: Matter, query: str, found: bool) -> None:
        assert (f">{matter.key}<" in text(alice.get(f"/matters/?{query}"))) is found

    def test_index__overdue_only(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        late = register(rows)
        with rows.begin() as session:
            session.execute(
                sql("UPDATE user_tasks SET due_at = '2020-01-01 00:00:00.000000' WHERE id = :id"),
                {"id": late.task_id},
            )
        page = text(alice.get("/matters/?overdue=1"))
        assert late.key in page
        assert matter.key not in page

    def test_index__pages_by_key(self, alice: Visitor, rows: Rows, matter_process: None) -> None:
        keys = [register(rows).key for _ in range(30)]
        first = text(alice.get("/matters/"))
        link = re.search(r'href="(/matters/\?below=\d+)" rel="next"', first)
        assert link
        second = text(alice.get(link[1]))
        seen = [key for key in reversed(keys) if f">{key}<" in first] + [key for key in keys if f">{key}<" in second]
        assert len(seen) == 30
        assert 'rel="next"' not in second


class TestMatter:
    def test_show__where_it_stands(self, alice: Visitor, matter: Matter) -> None:
        page = text(alice.get(f"/matters/show/{matter.key}"))
        assert f"<h1>{matter.key}</h1>" in page
        assert f'href="/tasks/{matter.task_id}"' in page
        assert "登记了案件" in page

    def test_path__active_and_visited(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        solve(rows, matter, "no")
        path = alice.get(f"/matters/instances/{matter.id}/path").get_json()
        assert path["elements"]["review"]["state"] == "active"
        assert path["elements"]["solve"] == {"state": "visited", "count": 1}
        assert "to_review" in path["flows"]
        assert "to_done" not in path["flows"]

    def test_timeline__a_gateway_says_why(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        solve(rows, matter, "no")
        page = text(alice.get(f"/matters/show/{matter.key}"))
        assert "“已解决?”→ 否" in page
        assert re.search(r"因为 能独立解决\?＝否（Bob 于今天 \d\d:\d\d在“解决”中填写）", page)

    def test_timeline__in_english(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        solve(rows, matter, "no")
        about = "Is it solved by now?"
        assert about not in text(alice.get(f"/matters/show/{matter.key}"))

        alice.post("/language", {"language": "en"})
        page = text(alice.get(f"/matters/show/{matter.key}"))
        assert "because Solved on own? = No (Bob in “解决”, today" in page
        assert about in page

    def test_timeline__a_decision_shows_its_table_with_the_row_that_matched(
        self, alice: Visitor, matter: Matter
    ) -> None:
        page = text(alice.get(f"/matters/show/{matter.key}"))
        (matched,) = re.findall(r'<tr class="is-matched">.*?</tr>', page, re.DOTALL)
        assert "&#34;ordinary&#34;" in matched
        assert "&#34;major&#34;" in page

    def test_timeline__every_step_only_when_asked(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        solve(rows, matter, "yes")
        assert "认领了“解决”" not in text(alice.get(f"/matters/show/{matter.key}"))
        assert "认领了“解决”" in text(alice.get(f"/matters/show/{matter.key}?steps=all"))

    def test_timeline__older_events_by_key(self, alice: Visitor, matter: Matter) -> None:
        for number in range(70):
            alice.post(f"/matters/comments/{matter.key}", {"text": f"备注{number:03}"})
        page = text(alice.get(f"/matters/show/{matter.key}"))
        timeline = page[page.index('id="timeline"') : page.index('id="holders"')]
        link = re.search(r'hx-get="([^"]+below=\d+)"', timeline)
        assert link
        older = text(alice.get(html.unescape(link[1])))
        assert "备注069" in timeline
        assert "备注000" not in timeline
        assert "备注000" in older
        assert "below=" not in older

    def test_values__their_changes(self, visit: Visit, matter: Matter, rows: Rows) -> None:
        with rows.begin() as session:
            process_instances.set_variables(session, matter.id, {"loss": 50}, by="operator", reason="更正")
        page = text(visit("operator").get(f"/matters/show/{matter.key}"))
        assert "2 次变更" in page
        assert "Operator，“人工修改”：50" in page

    def test_show__hostile_texts_are_escaped(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        solve(rows, matter, "no")
        alice.post(f"/matters/comments/{matter.key}", {"text": "<script>alert(1)</script>"})
        page = text(alice.get(f"/matters/show/{matter.key}"))
        assert "<script>alert" not in page
        assert "<b>备注" not in page
        assert "&lt;b&gt;备注" in page

    def test_csv__for_spreadsheets_and_harmless(
        self, visit: Visit, alice: Visitor, matter: Matter, rows: Rows
    ) -> None:
        alice.post(f"/matters/comments/{matter.key}", {"text": '=HYPERLINK("http://x")'})
        answer = visit("auditor").get(f"/matters/timeline.csv/{matter.key}")
        assert answer.data.startswith(b"\xef\xbb\xbf")
        lines = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
        assert lines[0][:4] == ["流程", "序号", "时间", "事件类型"]
        assert lines[1][3] == "流程"
        assert (lines[0][-1], lines[1][-1]) == ("代码", "process_instance.started")
        with rows.begin() as session:
            started = session.get_one(ProcessInstance, 1).started_at
        assert lines[1][2] == f"{started.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%d %H:%M:%S}"
        assert not any(cell.startswith("=") for line in lines for cell in line)
        assert any("HYPERLINK" in cell for line in lines for cell in line)

    def test_verify__says_which_event_was_changed(self, visit: Visit, matter: Matter, rows: Rows) -> None:
        auditor = visit("auditor")
        assert "历史完整" in text(auditor.get(f"/matters/verify/{matter.key}"))
        with rows.begin() as session:
            session.execute(
                sql("UPDATE history_events SET at = '2020-01-01 00:00:00.000000' WHERE kind = 'user_task.created'")
            )
        answer = text(auditor.get(f"/matters/verify/{matter.key}"))
        assert "历史被改动过" in answer
        assert "历史完整" not in answer

    def test_verify__says_that_something_beside_the_events_was_changed(
        self, visit: Visit, alice: Visitor, matter: Matter, rows: Rows
    ) -> None:
        alice.post(f"/matters/comments/{matter.key}", {"text": "已联系"})
        with rows.begin() as session:
            session.execute(sql("UPDATE comments SET text = '未联系'"))
        answer = text(visit("auditor").get(f"/matters/verify/{matter.key}"))
        assert f"流程实例 #{matter.id}：其存储的内容与历史记录不符。" in answer

    def test_verify__in_the_language_of_the_request(self, visit: Visit, matter: Matter, rows: Rows) -> None:
        with rows.begin() as session:
            session.execute(sql("DELETE FROM history_events WHERE sequence = 2"))
        assert "第 2 条" in text(visit("auditor").get(f"/matters/verify/{matter.key}"))
