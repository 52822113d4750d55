"""What people do to a matter on its page: report, repair, add files; and matters without a number."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable

import pytest

from casepath.engine import deployments
from casepath.engine.deployments import definitions
from casepath.engine.instances import attachments, comments, process_instances
from casepath.engine.queries import instances
from casepath.engine.settings import current
from tests.acting import PROGRAM
from tests.each import each
from tests.web import matters
from tests.web.matters import Matter, Rows, state_of
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


class TestMessages:
    def test_report__with_its_form(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        form = {"report.message": "withdrawn", "withdrawal_reason": "和解"}
        answer = alice.post(f"/matters/messages/{matter.key}", form)
        assert answer.status_code == 303
        assert state_of(rows, matter) == "completed"
        page = text(alice.get(answer.location))
        assert "上报了“客户撤诉”" in page
        assert "和解" in page

    def test_report__incomplete_is_shown_at_its_field(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        answer = alice.post(f"/matters/messages/{matter.key}", {"report.message": "withdrawn", "withdrawal_reason": ""})
        assert answer.status_code == 422
        assert 'id="error-withdrawal_reason"' in text(answer)
        assert state_of(rows, matter) == "active"

    @pytest.mark.parametrize("name", ["", "other", "<script>", "x" * 5000])
    def test_report__what_nobody_waits_for(self, alice: Visitor, matter: Matter, name: str) -> None:
        assert alice.post(f"/matters/messages/{matter.key}", {"report.message": name}).status_code == 409

    def test_report__twice(self, alice: Visitor, matter: Matter) -> None:
        form = {"report.message": "withdrawn", "withdrawal_reason": "和解"}
        assert alice.post(f"/matters/messages/{matter.key}", form).status_code == 303
        assert alice.post(f"/matters/messages/{matter.key}", form).status_code == 409

    def test_report__unknown_variables_are_refused(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        form = {"report.message": "withdrawn", "withdrawal_reason": "和解", "loss": "0"}
        assert alice.post(f"/matters/messages/{matter.key}", form).status_code == 422
        assert state_of(rows, matter) == "active"


class TestRepair:
    @pytest.fixture
    def operator(self, visit: Visit, matter_process: None) -> Visitor:
        return visit("operator")

    @each("reason", ["", "   ", "x" * 1001])
    @each("verb", ["cancel", "suspend", "variables", "tokens"])
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

    @each("name", ["", "a b", "1a", "a.b", "<script>", "x" * 300])
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

    @each(
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


class TestManyRows:
    def test_comments(self, alice: Visitor, matter: Matter, rows: Rows) -> None:
        with rows.begin() as session:
            for number in range(151):
                comments.add(session, matter.key, f"note-{number:03}", by="alice")

        seen: list[str] = []
        address, count = f"/matters/show/{matter.key}", 0
        while address:
            page = text(alice.get(address))
            seen = re.findall(r">(note-\d{3})</div>", page) + seen
            link = re.search(r'href="([^"]*comments=\d+)#comments"', page)
            address, count = html.unescape(link[1]) if link else "", count + 1

        assert seen == [f"note-{number:03}" for number in range(151)]
        assert count == 4

    def test_files__that_have_no_room_are_told_on_the_same_page(
        self, alice: Visitor, matter: Matter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(current, "bytes_per_matter", 1000)
        sent = {"files": (io.BytesIO(b"x" * 1001), "a.txt")}

        answer = alice.post(f"/matters/attachments/{matter.key}", sent)

        assert answer.status_code == 422
        assert "一件事项的文件总共最多 1 kB" in text(answer)
        assert 'id="form-files"' in text(answer)


class TestWithoutNumber:
    """A process that gives no numbers has a page for each of its instances."""

    @pytest.fixture
    def instance_id(self, rows: Rows) -> int:
        definitions.forget()
        diagram = (matters.FOLDER / "matter.bpmn").read_text("utf-8").replace("businessKeyFormat", "other")
        with rows.begin() as session:
            files = {**deployments.read_folder(matters.FOLDER), "matter.bpmn": diagram.encode()}
            deployments.deploy(session, files, name="matter", by=PROGRAM)
            return process_instances.start(session, "matter", {"loss": 20}, by="alice").id

    def test_page(self, alice: Visitor, instance_id: int) -> None:
        assert f'href="/matters/show/~{instance_id}"' in text(alice.get("/matters/"))
        page = text(alice.get(f"/matters/show/~{instance_id}"))
        assert f"<h1>#{instance_id}</h1>" in page
        assert "登记了案件" in page
        assert ">解决</a>" in page
        assert "/matters/comments/" not in page

    @pytest.mark.parametrize("page", ["show", "timeline", "timeline.csv", "verify"])
    def test_pages__strangers_see_nothing(self, visit: Visit, instance_id: int, page: str) -> None:
        assert visit("bob").get(f"/matters/{page}/~{instance_id}").status_code == 200
        assert visit("stranger").get(f"/matters/{page}/~{instance_id}").status_code == 404
        assert visit("director").get(f"/matters/{page}/~999").status_code == 404

    def test_report(self, alice: Visitor, rows: Rows, instance_id: int) -> None:
        form = {"report.message": "withdrawn", "withdrawal_reason": "和解"}
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
