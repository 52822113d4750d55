"""The list of matters, and the page of one: its path, its timeline, its files, its repair."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql
from sqlalchemy.orm import Session, sessionmaker

from engine import attachments, definitions, deployments, identity, process_instances, user_tasks
from engine.queries import instances
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]
MATTER = Path(__file__).parent / "matter"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


@dataclass(frozen=True, kw_only=True)
class Matter:
    """A matter that Alice has registered: its task `solve` is open for the group `service`."""

    key: str
    id: int
    task_id: int


def register(rows: Rows, **variables: Any) -> Matter:
    """Start a matter."""
    with rows.begin() as session:
        instance = process_instances.start(session, "matter", {"loss": 20, **variables}, by="alice")
        key = str(instance.business_key)
        return Matter(key=key, id=instance.id, task_id=user_tasks.open_of(session, key, "solve"))


@pytest.fixture
def deployed(rows: Rows) -> None:
    """The process `matter` with its form and its table; an auditor and an operator beside the others."""
    definitions.forget()
    with rows.begin() as session:
        deployments.deploy(session, deployments.read_folder(MATTER), name="matter", by=None)
        identity.import_people(session, {})
        for username, group in (("auditor", "auditor"), ("operator", "operator")):
            identity.create_user(session, username, name=username.title(), groups=[group])


@pytest.fixture
def matter(rows: Rows, deployed: None) -> Matter:
    """A matter of Alice."""
    return register(rows)


def solve(rows: Rows, matter: Matter, solved: str) -> None:
    """Complete the first task."""
    with rows.begin() as session:
        user_tasks.claim(session, matter.task_id, by="bob")
        user_tasks.complete(session, matter.task_id, {"solved": solved, "note": "<b>备注</b>"}, by="bob")


def state_of(rows: Rows, matter: Matter) -> str:
    with rows.begin() as session:
        return process_instances.get(session, matter.id).state


class TestWhoMay:
    """Roles × pages and commands."""

    PAGES = (
        "/matters/show/{key}",
        "/matters/timeline/{key}",
        "/matters/timeline.csv/{key}",
        "/matters/verify/{key}",
        "/matters/instances/{id}/diagram",
        "/matters/instances/{id}/path",
    )

    @pytest.mark.parametrize("page", PAGES)
    @pytest.mark.parametrize(
        ("username", "status"),
        [
            (None, 302),
            ("stranger", 404),
            ("alice", 200),
            ("bob", 200),
            ("director", 200),
            ("auditor", 200),
            ("operator", 200),
            ("administrator", 200),
        ],
    )
    def test_pages(self, visit: Visit, matter: Matter, page: str, username: str | None, status: int) -> None:
        address = page.format(key=matter.key, id=matter.id)
        assert visit(username).get(address).status_code == status

    COMMANDS: tuple[tuple[str, dict[str, str], dict[str, int]], ...] = (
        ("/matters/comments/{key}", {"text": "好"}, {"alice": 303, "director": 303, "auditor": 403, "operator": 303}),
        (
            "/matters/messages/{key}",
            {"message": "withdrawn", "withdrawal_reason": "和解"},
            {"alice": 303, "director": 303, "auditor": 403, "operator": 403},
        ),
        (
            "/matters/instances/{id}/cancel",
            {"reason": "重复"},
            {"alice": 403, "director": 303, "auditor": 403, "operator": 303},
        ),
        (
            "/matters/instances/{id}/suspend",
            {"reason": "等待"},
            {"alice": 403, "director": 403, "auditor": 403, "operator": 303},
        ),
        (
            "/matters/instances/{id}/variables",
            {"reason": "更正", "name": "loss", "value": "30"},
            {"alice": 403, "director": 403, "auditor": 403, "operator": 303},
        ),
        (
            "/matters/instances/{id}/tokens",
            {"reason": "跳过", "start_before": "review"},
            {"alice": 403, "director": 403, "auditor": 403, "operator": 303},
        ),
    )

    @pytest.mark.parametrize(("command", "form", "answers"), COMMANDS)
    @pytest.mark.parametrize(
        "username", [None, "stranger", "alice", "director", "auditor", "operator", "administrator"]
    )
    def test_commands(
        self,
        visit: Visit,
        matter: Matter,
        command: str,
        form: dict[str, str],
        answers: dict[str, int],
        username: str | None,
    ) -> None:
        known: dict[str | None, int] = {None: 401, "stranger": 404, "administrator": answers["operator"]}
        known.update(answers)
        answer = visit(username).post(command.format(key=matter.key, id=matter.id), form)
        assert answer.status_code == known[username]

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
        shown = {who: text(visit(who).get(f"/matters/show/{matter.key}")) for who in ("alice", "director", "auditor")}
        assert "客户撤诉" in shown["alice"]
        assert "/cancel" not in shown["alice"]
        assert "/cancel" in shown["director"]
        assert "/tokens" not in shown["director"]
        assert "/matters/comments/" not in shown["auditor"]


class TestList:
    def test_index__ones_own_and_those_of_ones_group(self, visit: Visit, matter: Matter) -> None:
        seen = {
            who: matter.key in text(visit(who).get("/matters/")) for who in ("stranger", "alice", "bob", "director")
        }
        assert seen == {"stranger": False, "alice": True, "bob": True, "director": True}

    def test_index__empty(self, visit: Visit, deployed: None) -> None:
        assert "还没有案件" in text(visit("stranger").get("/matters/"))
        assert "没有符合条件的案件" in text(visit("stranger").get("/matters/?q=TS"))

    def test_index__says_where_it_stands(self, alice: Visitor, matter: Matter) -> None:
        assert re.search(r"<td data-label=\"当前进展\">\s*解决\s*</td>", text(alice.get("/matters/")))

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
                sql("UPDATE user_tasks SET sort_at = '2020-01-01 00:00:00.000000' WHERE id = :id"),
                {"id": late.task_id},
            )
        page = text(alice.get("/matters/?overdue=1"))
        assert late.key in page
        assert matter.key not in page

    def test_index__pages_by_key(self, alice: Visitor, rows: Rows, deployed: None) -> None:
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
        assert "案件已登记" in page

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
        assert re.search(r"因为 能独立解决\? = 否（Bob 于今天 \d\d:\d\d填写）", page)

    def test_timeline__in_english(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        solve(rows, matter, "no")
        alice.post("/language", {"language": "en"})
        assert "because Solved on own? = No (Bob, today" in text(alice.get(f"/matters/show/{matter.key}"))

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
        timeline = page[page.index('id="timeline"') : page.index("案件信息")]
        link = re.search(r'hx-get="([^"]+below=\d+)"', timeline)
        assert link
        older = text(alice.get(link[1]))
        assert "备注069" in timeline
        assert "备注000" not in timeline
        assert "备注000" in older
        assert "below=" not in older

    def test_values__their_changes(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        with rows.begin() as session:
            process_instances.set_variables(session, matter.id, {"loss": 50}, by="operator", reason="更正")
        page = text(alice.get(f"/matters/show/{matter.key}"))
        assert "2 次变更" in page
        assert "Operator: 50" in page

    def test_show__hostile_texts_are_escaped(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        solve(rows, matter, "no")
        alice.post(f"/matters/comments/{matter.key}", {"text": "<script>alert(1)</script>"})
        page = text(alice.get(f"/matters/show/{matter.key}"))
        assert "<script>alert" not in page
        assert "<b>备注" not in page
        assert "&lt;b&gt;备注" in page

    def test_csv__for_spreadsheets_and_harmless(self, visit: Visit, alice: Visitor, matter: Matter) -> None:
        alice.post(f"/matters/comments/{matter.key}", {"text": '=HYPERLINK("http://x")'})
        answer = visit("auditor").get(f"/matters/timeline.csv/{matter.key}")
        assert answer.data.startswith(b"\xef\xbb\xbf")
        lines = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
        assert lines[1][3] == "process_instance.started"
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

    def test_verify__in_the_language_of_the_request(self, visit: Visit, matter: Matter, rows: Rows) -> None:
        with rows.begin() as session:
            session.execute(sql("DELETE FROM history_events WHERE sequence = 2"))
        assert "第 2 条" in text(visit("auditor").get(f"/matters/verify/{matter.key}"))


class TestMessages:
    def test_report__with_its_form(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        answer = alice.post(f"/matters/messages/{matter.key}", {"message": "withdrawn", "withdrawal_reason": "和解"})
        assert answer.status_code == 303
        assert state_of(rows, matter) == "completed"
        page = text(alice.get(answer.location))
        assert "上报：“客户撤诉”" in page
        assert "和解" in page

    def test_report__incomplete_is_shown_at_its_field(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        answer = alice.post(f"/matters/messages/{matter.key}", {"message": "withdrawn", "withdrawal_reason": ""})
        assert answer.status_code == 422
        assert 'id="error-withdrawal_reason"' in text(answer)
        assert state_of(rows, matter) == "active"

    @pytest.mark.parametrize("name", ["", "other", "<script>", "x" * 5000])
    def test_report__what_nobody_waits_for(self, alice: Visitor, matter: Matter, name: str) -> None:
        assert alice.post(f"/matters/messages/{matter.key}", {"message": name}).status_code == 409

    def test_report__twice(self, alice: Visitor, matter: Matter) -> None:
        form = {"message": "withdrawn", "withdrawal_reason": "和解"}
        assert alice.post(f"/matters/messages/{matter.key}", form).status_code == 303
        assert alice.post(f"/matters/messages/{matter.key}", form).status_code == 409

    def test_report__unknown_variables_are_refused(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        form = {"message": "withdrawn", "withdrawal_reason": "和解", "loss": "0"}
        assert alice.post(f"/matters/messages/{matter.key}", form).status_code == 422
        assert state_of(rows, matter) == "active"


class TestRepair:
    @pytest.fixture
    def operator(self, visit: Visit, deployed: None) -> Visitor:
        return visit("operator")

    @pytest.mark.parametrize("reason", ["", "   ", "x" * 1001])
    @pytest.mark.parametrize("verb", ["cancel", "suspend", "variables", "tokens"])
    def test_each__needs_a_reason(self, operator: Visitor, matter: Matter, rows: Rows, verb: str, reason: str) -> None:
        form = {"reason": reason, "name": "loss", "value": "1", "start_before": "review"}
        answer = operator.post(f"/matters/instances/{matter.id}/{verb}", form)
        assert answer.status_code == 422
        assert state_of(rows, matter) == "active"

    def test_cancel__twice(self, operator: Visitor, matter: Matter, rows: Rows) -> None:
        address = f"/matters/instances/{matter.id}/cancel"
        assert operator.post(address, {"reason": "重复登记"}).status_code == 303
        assert state_of(rows, matter) == "cancelled"
        assert operator.post(address, {"reason": "重复登记"}).status_code == 409
        assert "重复登记" in text(operator.get(f"/matters/show/{matter.key}"))

    def test_suspend_and_resume(self, operator: Visitor, alice: Visitor, matter: Matter, rows: Rows) -> None:
        assert operator.post(f"/matters/instances/{matter.id}/suspend", {"reason": "等待"}).status_code == 303
        assert state_of(rows, matter) == "suspended"
        assert alice.post(f"/tasks/{matter.task_id}/claim").status_code == 409
        assert operator.post(f"/matters/instances/{matter.id}/suspend", {"reason": "等待"}).status_code == 409
        assert operator.post(f"/matters/instances/{matter.id}/resume", {"reason": "继续"}).status_code == 303
        assert state_of(rows, matter) == "active"

    @pytest.mark.parametrize(
        ("value", "kept"),
        [("30", 30), ('"30"', "30"), ("三十", "三十"), ("[1, 2]", [1, 2]), ("", ""), ("[" * 99_999, None)],
    )
    def test_set_variable(self, operator: Visitor, matter: Matter, rows: Rows, value: str, kept: object) -> None:
        form = {"reason": "更正", "name": "loss", "value": value}
        answer = operator.post(f"/matters/instances/{matter.id}/variables", form)
        with rows.begin() as session:
            found = process_instances.variables(session, matter.id)["loss"]
        assert (answer.status_code, found) == (303, value if kept is None else kept)

    @pytest.mark.parametrize("name", ["", "a b", "1a", "a.b", "<script>", "x" * 300])
    def test_set_variable__senseless_name(self, operator: Visitor, matter: Matter, name: str) -> None:
        form = {"reason": "更正", "name": name, "value": "1"}
        assert operator.post(f"/matters/instances/{matter.id}/variables", form).status_code == 422

    def test_move__from_one_task_to_another(self, operator: Visitor, matter: Matter, rows: Rows) -> None:
        with rows.begin() as session:
            number = next(number for number, element in instances.alive(session, matter.id) if element == "solve")
        form = {"reason": "直接复核", "start_before": "review", "cancel": str(number)}
        assert operator.post(f"/matters/instances/{matter.id}/tokens", form).status_code == 303
        with rows.begin() as session:
            assert [element for _, element in instances.alive(session, matter.id)] == ["review"]
        assert "直接复核" in text(operator.get(f"/matters/show/{matter.key}"))

    @pytest.mark.parametrize(
        "form", [{}, {"start_before": "nowhere"}, {"cancel": "999"}, {"cancel": "x"}, {"cancel": "9" * 5000}]
    )
    def test_move__senseless(self, operator: Visitor, matter: Matter, form: dict[str, str], rows: Rows) -> None:
        answer = operator.post(f"/matters/instances/{matter.id}/tokens", {"reason": "x", **form})
        assert answer.status_code in {404, 409, 422}
        assert state_of(rows, matter) == "active"


class TestFiles:
    def attach(self, visitor: Visitor, matter: Matter, name: str, content: bytes) -> int:
        answer = visitor.post(f"/matters/attachments/{matter.key}", {"files": (io.BytesIO(content), name)})
        return answer.status_code

    def only(self, rows: Rows, matter: Matter) -> int:
        with rows.begin() as session:
            (found,) = attachments.list_of(session, matter.key)
            return found.id

    def test_photo__is_shown_in_the_page(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        assert self.attach(alice, matter, "车.png", PNG) == 303
        address = f"/matters/files/{self.only(rows, matter)}"
        assert f'<img src="{address}"' in text(alice.get(f"/matters/show/{matter.key}"))
        answer = alice.get(address)
        assert answer.mimetype == "image/png"
        assert answer.headers["Content-Disposition"] == "inline; filename=\"_.png\"; filename*=UTF-8''%E8%BD%A6.png"
        assert alice.get(f"{address}?download=1").headers["Content-Disposition"].startswith("attachment")

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.html", b"<script>alert(1)</script>"),
            ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
            ("a.png", b"<html><script>alert(1)</script>"),
            ("a.pdf", b"%PDF-1.7 javascript"),
            ("a.js", b"alert(1)"),
            ("../../etc/passwd", b"root"),
            ('a"; filename="b.html', b"x"),
            ("a\u202egnp.exe", b"MZ"),
        ],
    )
    def test_hostile__is_only_downloaded(
        self, alice: Visitor, matter: Matter, rows: Rows, name: str, content: bytes
    ) -> None:
        assert self.attach(alice, matter, name, content) == 303
        answer = alice.get(f"/matters/files/{self.only(rows, matter)}")
        disposition = answer.headers["Content-Disposition"]
        assert disposition.startswith("attachment")
        assert re.fullmatch(r"attachment; filename=\"[\w.-]+\"; filename\*=UTF-8''[\w.%~-]+", disposition, re.ASCII)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")
        assert answer.mimetype not in {"text/html", "image/svg+xml", "text/javascript"}
        assert answer.data == content

    def test_file__of_a_matter_one_may_not_see(self, visit: Visit, alice: Visitor, matter: Matter, rows: Rows) -> None:
        self.attach(alice, matter, "a.png", PNG)
        file_id = self.only(rows, matter)
        assert visit("stranger").get(f"/matters/files/{file_id}").status_code == 404
        assert visit(None).get(f"/matters/files/{file_id}").status_code == 302

    def test_attach__empty(self, alice: Visitor, matter: Matter) -> None:
        assert self.attach(alice, matter, "empty.png", b"") == 422

    def test_attach__nothing(self, alice: Visitor, matter: Matter) -> None:
        assert alice.post(f"/matters/attachments/{matter.key}").status_code == 422

    def test_attach__strangers_and_auditors_may_not(self, visit: Visit, matter: Matter) -> None:
        assert self.attach(visit("stranger"), matter, "a.png", PNG) == 404
        assert self.attach(visit("auditor"), matter, "a.png", PNG) == 403

    @pytest.mark.parametrize("comment", ["", "   ", "x" * 10_001, "a\x00b"])
    def test_comment__senseless(self, alice: Visitor, matter: Matter, comment: str) -> None:
        assert alice.post(f"/matters/comments/{matter.key}", {"text": comment}).status_code == 422


class TestWithoutNumber:
    """A process that gives no numbers has a page for each of its instances."""

    @pytest.fixture
    def instance_id(self, rows: Rows) -> int:
        definitions.forget()
        diagram = (MATTER / "matter.bpmn").read_text("utf-8").replace("businessKeyFormat", "other")
        with rows.begin() as session:
            files = {**deployments.read_folder(MATTER), "matter.bpmn": diagram.encode()}
            deployments.deploy(session, files, name="matter", by=None)
            return process_instances.start(session, "matter", {"loss": 20}, by="alice").id

    def test_page(self, alice: Visitor, instance_id: int) -> None:
        assert f'href="/matters/show/~{instance_id}"' in text(alice.get("/matters/"))
        page = text(alice.get(f"/matters/show/~{instance_id}"))
        assert f"<h1>#{instance_id}</h1>" in page
        assert "案件已登记" in page
        assert ">解决</a>" in page
        assert "/matters/comments/" not in page

    @pytest.mark.parametrize("page", ["show", "timeline", "timeline.csv", "verify"])
    def test_pages__strangers_see_nothing(self, visit: Visit, instance_id: int, page: str) -> None:
        assert visit("bob").get(f"/matters/{page}/~{instance_id}").status_code == 200
        assert visit("stranger").get(f"/matters/{page}/~{instance_id}").status_code == 404
        assert visit("director").get(f"/matters/{page}/~999").status_code == 404

    def test_report(self, alice: Visitor, rows: Rows, instance_id: int) -> None:
        form = {"message": "withdrawn", "withdrawal_reason": "和解"}
        answer = alice.post(f"/matters/messages/~{instance_id}", form)
        assert answer.location == f"/matters/show/~{instance_id}"
        with rows.begin() as session:
            assert process_instances.get(session, instance_id).state == "completed"

    def test_instance__leads_to_its_matter(self, visit: Visit, alice: Visitor, instance_id: int) -> None:
        assert alice.get(f"/matters/instances/{instance_id}").location == f"/matters/show/~{instance_id}"
        assert visit("stranger").get(f"/matters/instances/{instance_id}").status_code == 404

    def test_instance__of_a_matter_with_a_number(self, alice: Visitor, matter: Matter) -> None:
        assert alice.get(f"/matters/instances/{matter.id}").location == f"/matters/show/{matter.key}"
        assert alice.get(f"/matters/show/~{matter.id}").status_code == 200
