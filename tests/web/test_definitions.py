"""Processes, decision tables and forms: to be seen by everybody, to be deployed by process owners."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from casepath.engine import deployments
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances
from casepath.engine.people import identity
from casepath.engine.queries import deployed, versions
from tests import diagrams
from tests.acting import PROGRAM
from tests.each import each
from tests.unit.dmn_files import decision, input_data, table
from tests.unit.dmn_files import definitions as definitions_of
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]
MATTER = Path(__file__).parent / "matter"
REQUEST = Path(__file__).parent / "request"
DIAGRAM = (REQUEST / "request.bpmn").read_text("utf-8")
BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;">]>' + DIAGRAM.partition("?>")[2]

#: What whoever deploys has to say.
PURPOSE = {"what": "名称改短", "why": "字太长"}
#: What a request begins with.
ASKED = {"customer_name": "王芳", "channel": "phone"}


@pytest.fixture
def deployed_processes(rows: Rows) -> None:
    """The processes `matter` and `request`, and the process owner Olivia."""
    definitions.forget()
    with rows.begin() as session:
        identity.import_people(session, {}, by=PROGRAM)
        identity.create_user(session, "olivia", name="Olivia", groups=["process_owner"], by=PROGRAM)
        for folder in (MATTER, REQUEST):
            deployments.deploy(session, deployments.read_folder(folder), name=folder.name, by="olivia")


@pytest.fixture
def olivia(visit: Visit, deployed_processes: None) -> Visitor:
    """A process owner."""
    return visit("olivia")


def edit(visitor: Visitor, diagram: str, name: str = "request.bpmn") -> TestResponse:
    """Deploy from the editor, as `web/assets/modeler.js` does."""
    return send(visitor, "/processes/modeler", {"name": name, "xml": diagram, **PURPOSE})


def upload(visitor: Visitor, files: dict[str, bytes]) -> TestResponse:
    """Deploy files."""
    sent: Any = [(io.BytesIO(content), name) for name, content in files.items()]
    return visitor.post("/processes/upload", {"files": sent, "name": "files", **PURPOSE})


def version_of(rows: Rows, key: str) -> int:
    with rows.begin() as session:
        return definitions.latest(session, "process", key).version


class TestWhoMay:
    def test_standing(self, visit: Visit, deployed_processes: None, rows: Rows) -> None:
        with rows.begin() as session:
            number = definitions.latest(session, "process", "matter").id
            process_instances.start(session, "matter", {"loss": 1}, by="alice")
        answer = visit("director").get(f"/processes/diagrams/{number}/standing")
        assert answer.get_json()["elements"]["solve"] == {"state": "active", "count": 1}

    def test_deploy__needs_the_token_of_the_session(self, olivia: Visitor) -> None:
        assert olivia.client.post("/processes/modeler", json={"name": "a.bpmn", "xml": DIAGRAM}).status_code == 400


class TestShow:
    def test_index__counts_instances(self, olivia: Visitor, rows: Rows) -> None:
        with rows.begin() as session:
            process_instances.start(session, "matter", {"loss": 1}, by="alice")
            found = {each.key: (each.running, each.total) for each in versions.newest(session, "process")[0]}
        assert found == {"matter": (1, 1), "request": (0, 0)}
        assert "客户请求" in text(olivia.get("/processes/"))

    def test_index__empty(self, visit: Visit) -> None:
        assert "尚未部署流程" in text(visit("alice").get("/processes/"))

    def test_show__forms_decisions_and_guidance(self, visit: Visit, deployed_processes: None) -> None:
        page = text(visit("alice").get("/processes/show/matter"))
        assert 'href="/processes/forms/solve"' in page
        assert '<a href="/processes/decisions/grade">分级表</a>' in page
        assert "先处理<strong>心情</strong>" in text(visit("alice").get("/processes/show/request"))
        assert "/processes/modeler" not in page

    def test_show__an_older_version(self, olivia: Visitor) -> None:
        edit(olivia, DIAGRAM.replace('name="客户请求"', 'name="新的请求"'))
        assert "<h1>新的请求</h1>" in text(olivia.get("/processes/show/request"))
        assert "<h1>客户请求</h1>" in text(olivia.get("/processes/show/request?version=1"))

    @each(
        "page",
        [
            "/processes/show/other",
            "/processes/show/matter?version=9",
            "/processes/show/matter?version=x",
            "/processes/show/grade",
            "/processes/decisions/matter",
            "/processes/forms/other",
            "/processes/deployments/999",
            "/processes/deployments/1/files/../matter.bpmn",
            "/processes/deployments/1/files/other",
            "/processes/diagrams/999",
            "/processes/modeler?definition=999",
        ],
    )
    def test_pages__of_what_is_not_there(self, olivia: Visitor, page: str) -> None:
        assert olivia.get(page).status_code == 404

    def test_decision__readable(self, olivia: Visitor) -> None:
        page = text(olivia.get("/processes/decisions/grade"))
        assert "以第一个符合的行为准" in page
        assert "<td>&gt;= 1000</td>" in page
        assert "is-matched" not in page

    def test_decision__tells_what_its_columns_do_not_want(self, olivia: Visitor) -> None:
        assert 'id="wording"' not in text(olivia.get("/processes/decisions/grade"))
        logic = table(["x"], ["said"], '> 1 | "我来"').replace('name="said"', 'name="said" noSentenceBegins="我"')
        script = definitions_of(input_data("x"), decision("script", logic, "input:x"))
        assert upload(olivia, {"script.dmn": script}).status_code == 303
        page = text(olivia.get("/processes/decisions/script"))

        assert "以“我”开头，请换一种说法：我来" in page

    def test_form__cannot_be_filled_in(self, olivia: Visitor) -> None:
        page = text(olivia.get("/processes/forms/solve"))
        assert "能独立解决?" in page
        assert page.count("disabled") == 3

    def test_forms__are_told_by_the_steps_in_which_they_are_filled_in(self, olivia: Visitor) -> None:
        page = text(olivia.get("/processes/forms/"))
        assert '<a class="title" href="/processes/forms/solve">解决</a>' in page
        assert '<span class="beneath mono">forms/solve.form</span>' in page
        assert '<a class="title" href="/processes/forms/withdrawal">客户撤诉</a>' in page
        assert "<h1>解决</h1>" in text(olivia.get("/processes/forms/solve"))

    def test_deployment__tells_forms_by_their_titles(self, olivia: Visitor) -> None:
        page = text(olivia.get("/processes/deployments/1"))
        assert '<a href="/processes/forms/solve?version=1">解决</a>' in page

    def test_deployments__pages_by_key(self, olivia: Visitor) -> None:
        for number in range(30):
            edit(olivia, DIAGRAM.replace("收到请求", f"收到{number}"))
        page = text(olivia.get("/processes/deployments/"))
        assert 'rel="next"' in page
        assert "matter" not in page.partition("</nav>")[2].partition("<table")[2]

    def test_file__is_only_saved(self, olivia: Visitor) -> None:
        answer = olivia.get("/processes/deployments/1/files/matter.bpmn")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.mimetype == "application/octet-stream"


class TestDeploy:
    def test_deploy__new_version_and_where_to_see_it(self, olivia: Visitor, rows: Rows) -> None:
        answer = edit(olivia, DIAGRAM.replace("收到请求", "收到"))
        assert answer.get_json() == {"location": "/processes/show/request"}
        assert version_of(rows, "request") == 2

    def test_deploy__keeps_the_guidance_that_belongs_to_it(self, olivia: Visitor, rows: Rows) -> None:
        edit(olivia, DIAGRAM.replace("收到请求", "收到"))
        with rows.begin() as session:
            found = definitions.latest(session, "process", "request")
            assert "心情" in (deployed.guidance(session, found.id, "contact", "zh_CN") or "")
            assert len(versions.of_key(session, "form", "contact")[0]) == 1

    def test_deploy__nothing_new(self, olivia: Visitor, rows: Rows) -> None:
        edit(olivia, DIAGRAM)
        assert version_of(rows, "request") == 1
        assert "没有变化" in text(olivia.get("/processes/"))

    def test_deploy__findings_in_the_language_of_the_request(self, olivia: Visitor, rows: Rows) -> None:
        broken = DIAGRAM.replace('targetRef="review"', 'targetRef="nowhere"')
        chinese = edit(olivia, broken)
        assert chinese.status_code == 422
        problems = chinese.get_json()["problems"]
        assert problems
        assert all(any("\u4e00" <= letter <= "\u9fff" for letter in problem["message"]) for problem in problems)
        olivia.post("/language", {"language": "en"})
        english = edit(olivia, broken).get_json()
        assert "Expected" in english["problems"][0]["message"]
        assert version_of(rows, "request") == 1

    @each("diagram", ["", "x", "<a/>", "<" * 1000, BOMB, DIAGRAM[: len(DIAGRAM) // 2]])
    def test_deploy__hostile_or_broken(self, olivia: Visitor, rows: Rows, diagram: str) -> None:
        answer = edit(olivia, diagram)
        assert answer.status_code == 422
        assert answer.get_json()["message"]
        assert version_of(rows, "request") == 1

    @each("sent", [None, [], {}, {"xml": 1}, "x"])
    def test_deploy__not_what_the_editor_sends(self, olivia: Visitor, sent: object) -> None:
        answer = olivia.client.post("/processes/modeler", json=sent, headers={"X-CSRF-Token": "token"})
        assert answer.status_code == 400

    @each("name", ["../../x.bpmn", "x" * 400, "a\x00b", "<script>.bpmn", ""])
    def test_deploy__hostile_names(self, olivia: Visitor, name: str) -> None:
        assert edit(olivia, DIAGRAM.replace("收到请求", "收到"), name).status_code == 200
        page = text(olivia.get("/processes/deployments/"))
        assert "<script>.bpmn" not in page
        assert ".." not in page.partition("<table")[2]

    def test_upload__several_files(self, olivia: Visitor, rows: Rows) -> None:
        files = {
            "request.bpmn": DIAGRAM.replace("收到请求", "收到").encode(),
            "contact.form": (REQUEST / "forms" / "contact.form").read_bytes().replace("费用".encode(), "花费".encode()),
            "contact.md": "新的**指引**".encode(),
        }
        assert upload(olivia, files).status_code == 303
        with rows.begin() as session:
            found = definitions.latest(session, "process", "request")
            assert deployed.guidance(session, found.id, "contact", "zh_CN") == "新的**指引**"
            assert deployed.guidance(session, found.id, "contact", "en") is not None
            assert definitions.latest(session, "form", "contact").version == 2

    @pytest.mark.parametrize("content", [BOMB.encode(), b"\x00\xff", b""])
    def test_upload__hostile_files_are_told_on_a_page(self, olivia: Visitor, rows: Rows, content: bytes) -> None:
        answer = upload(olivia, {"request.bpmn": content})
        assert answer.status_code == 422
        assert "存在错误，未部署" in text(answer)
        assert version_of(rows, "request") == 1

    @pytest.mark.parametrize("files", [{}, {"a.exe": b"MZ"}, {"a.bpmn.html": b"<script>"}])
    def test_upload__senseless(self, olivia: Visitor, files: dict[str, bytes]) -> None:
        assert upload(olivia, files).status_code == 422


@each(
    "page",
    ["/processes/", "/processes/show/drawn", "/processes/diagrams/{number}", "/processes/modeler?definition={number}"],
)
def test_drawing__is_shown_whatever_is_in_it(visit: Visit, deployed_processes: None, rows: Rows, page: str) -> None:
    content = diagrams.definitions('<process id="drawn" name="图" isExecutable="false"><dragon id="A"/></process>')
    with rows.begin() as session:
        deployments.deploy(session, {"drawn.bpmn": content}, name="drawn", by=PROGRAM)
        number = definitions.latest(session, "process", "drawn").id

    assert visit("olivia").get(page.format(number=number)).status_code == 200


class TestPurpose:
    """Whoever deploys says what changes and why; it stands wherever the version does."""

    CHANGED = DIAGRAM.replace("收到请求", "收到")
    PAGES = (
        "/processes/show/request", "/processes/deployments/", "/processes/deployments/3",
        "/processes/show/request/compare",
    )  # fmt: skip

    @each("missing", ["what", "why"])
    def test_deploy__only_with_both(self, olivia: Visitor, rows: Rows, missing: str) -> None:
        sent = {"xml": self.CHANGED, "name": "request.bpmn", **PURPOSE, missing: " "}
        answer = send(olivia, "/processes/modeler", sent)

        assert answer.status_code == 422
        assert answer.get_json()["message"].startswith("请填写变更")
        assert version_of(rows, "request") == 1

    def test_upload__keeps_what_was_written(self, olivia: Visitor, rows: Rows) -> None:
        sent: Any = {"files": [(io.BytesIO(self.CHANGED.encode()), "request.bpmn")], "what": "<b>短", "why": ""}
        answer = olivia.post("/processes/upload", sent)

        assert answer.status_code == 422
        assert "请填写变更原因" in text(answer)
        assert "&lt;b&gt;短</textarea>" in text(answer)
        assert version_of(rows, "request") == 1

    def test_again__keeps_what_was_written(self, olivia: Visitor, rows: Rows) -> None:
        edit(olivia, self.CHANGED)
        answer = olivia.post("/processes/deployments/2/again", {"in_force": "3", "what": "长名", "why": "字" * 2001})

        assert answer.status_code == 422
        assert "长名</textarea>" in text(answer)
        assert version_of(rows, "request") == 2

    def test_shown__wherever_the_version_is(self, olivia: Visitor) -> None:
        edit(olivia, self.CHANGED)

        pages = [text(olivia.get(address)) for address in self.PAGES]

        assert [PURPOSE["what"] in page and PURPOSE["why"] in page for page in pages] == [True] * 4

    def test_compare__tells_what_ran_in_the_former_version(self, visit: Visit, olivia: Visitor, rows: Rows) -> None:
        """Then, as the history has it, and now; to process owners, and to those who see every matter."""
        with rows.begin() as session:
            identity.create_user(session, "rita", name="Rita", groups=["auditor"], by=PROGRAM)
            identity.create_user(session, "nemo", name="Nemo", by=PROGRAM)
            for _ in range(2):
                process_instances.start(session, "request", ASKED, by=PROGRAM)
        edit(olivia, self.CHANGED)
        with rows.begin() as session:
            process_instances.start(session, "request", ASKED, by=PROGRAM, version=1)

        pages = [text(visit(name).get("/processes/show/request/compare")) for name in ("rita", "olivia", "nemo")]
        assert ["部署时，版本 1 中有 2 个实例在运行" in page for page in pages] == [True, True, False]
        assert ["版本 1 中正在运行的" in page for page in pages] == [True, True, False]


class TestAgain:
    """An older deployment comes back as a new version."""

    CHANGED = DIAGRAM.replace("收到请求", "收到")

    def again(self, olivia: Visitor, in_force: int = 3) -> TestResponse:
        return olivia.post("/processes/deployments/2/again", {"in_force": str(in_force), **PURPOSE})

    def test_again__shows_what_differs_by_the_names_of_files(self, olivia: Visitor) -> None:
        assert "/processes/deployments/2/again" not in text(olivia.get("/processes/deployments/2"))
        edit(olivia, self.CHANGED)

        assert "/processes/deployments/2/again" in text(olivia.get("/processes/deployments/2"))
        page = text(olivia.get("/processes/deployments/2/again"))
        differing = page[page.index("differences") : page.index("</ul>", page.index("differences"))]
        assert "request.bpmn" in differing
        assert "forms/contact.form" not in differing

    def test_again__is_a_new_version_by_whoever_confirmed_it(self, olivia: Visitor, rows: Rows) -> None:
        edit(olivia, self.CHANGED)

        assert self.again(olivia).status_code == 303

        with rows.begin() as session:
            newest = versions.one(session, "process", "request")
            assert (newest.version, newest.created_by) == (3, "olivia")
            assert versions.content(session, newest.deployment_id, "request.bpmn") == DIAGRAM.encode()
            assert versions.differences(session, 2) == [
                versions.Difference(name=name, state="same") for name in sorted(versions.contents(session, 2))
            ]

    def test_again__not_over_what_came_meanwhile(self, olivia: Visitor, rows: Rows) -> None:
        edit(olivia, self.CHANGED)
        edit(olivia, DIAGRAM.replace("收到请求", "来了"))

        assert self.again(olivia, in_force=3).headers["Location"].endswith("/again")
        assert version_of(rows, "request") == 3

    def test_again__is_checked_like_every_deployment(self, olivia: Visitor, rows: Rows) -> None:
        edit(olivia, self.CHANGED)
        with rows.begin() as session:
            session.execute(sql("UPDATE resources SET content = 'x' WHERE deployment_id = 2 AND name LIKE '%.bpmn'"))

        answer = self.again(olivia)

        assert answer.status_code == 422
        assert "存在错误，未部署" in text(answer)
        assert version_of(rows, "request") == 2


class TestEditor:
    def test_deploy__keeps_every_other_file(self, olivia: Visitor, rows: Rows) -> None:
        """Forms, tables, texts and guidance stay, and what was deployed anew since stays new."""
        with rows.begin() as session:
            before = definitions.latest(session, "process", "request").deployment_id
            names = {file.name for file in versions.files(session, before)}
            texts = deployments.read_folder(REQUEST) | {"texts.en.json": b'{"contact": "Call"}'}
            deployments.deploy(session, texts, name="request", by=PROGRAM)
        form = (REQUEST / "forms" / "contact.form").read_bytes().replace("费用".encode(), "花费".encode())
        assert upload(olivia, {"contact.form": form}).status_code == 303

        assert edit(olivia, DIAGRAM.replace("收到请求", "收到")).status_code == 200

        with rows.begin() as session:
            found = definitions.latest(session, "process", "request")
            assert {file.name for file in versions.files(session, found.deployment_id)} == names | {"texts.en.json"}
            assert versions.content(session, found.deployment_id, "forms/contact.form") == form
            assert definitions.latest(session, "form", "contact").version == 2

    def test_deploy__with_english_names(self, olivia: Visitor, rows: Rows) -> None:
        with rows.begin() as session:
            texts = deployments.read_folder(REQUEST) | {"texts.en.json": b'{"contact": "Call", "review": "Look"}'}
            deployments.deploy(session, texts, name="request", by=PROGRAM)
            newest = definitions.latest(session, "process", "request")
        page = text(olivia.get(f"/processes/modeler?definition={newest.id}"))
        assert 'data-names="{&#34;contact&#34;: &#34;Call&#34;, &#34;review&#34;: &#34;Look&#34;}"' in page

        entered = {"contact": "Ring up", "review": "", "x": 1}
        sent: dict[str, Any] = {"name": "request.bpmn", "xml": DIAGRAM, "english": entered, **PURPOSE}
        assert send(olivia, "/processes/modeler", sent).status_code == 200

        with rows.begin() as session:
            found = definitions.latest(session, "process", "request")
            assert json.loads(versions.content(session, found.deployment_id, "texts.en.json")) == {"contact": "Ring up"}
            assert found.version == newest.version + 1

    def test_deploy__not_over_a_version_that_came_meanwhile(self, olivia: Visitor, rows: Rows) -> None:
        with rows.begin() as session:
            known = str(definitions.latest(session, "process", "request").id)
        edit(olivia, DIAGRAM.replace("收到请求", "收到"))

        later = {"xml": DIAGRAM.replace("收到请求", "来了"), "newest": known, **PURPOSE}
        answer = send(olivia, "/processes/modeler", later)

        assert answer.status_code == 422
        assert "第2版" in answer.get_json()["message"]
        assert version_of(rows, "request") == 2

    def test_modeler__says_that_a_version_is_old(self, olivia: Visitor, rows: Rows) -> None:
        with rows.begin() as session:
            old = definitions.latest(session, "process", "request").id
        assert "最新的是" not in text(olivia.get(f"/processes/modeler?definition={old}"))
        edit(olivia, DIAGRAM.replace("收到请求", "收到"))
        assert "这是第1版，最新的是第2版。" in text(olivia.get(f"/processes/modeler?definition={old}"))

    def test_check__tells_what_is_wrong_where(self, olivia: Visitor) -> None:
        right = send(olivia, "/processes/modeler/check", {"xml": DIAGRAM}).get_json()
        broken = DIAGRAM.replace('targetRef="review"', 'targetRef="x"')
        wrong = send(olivia, "/processes/modeler/check", {"xml": broken})

        assert right["deployable"]
        assert not wrong.get_json()["deployable"]
        assert {each["level"] for each in wrong.get_json()["problems"]} >= {"error"}

    def test_check__finds_what_a_deployment_would_refuse(self, olivia: Visitor) -> None:
        """A group that nobody has, a form that is not there, and what stands in a file beside the diagram."""
        strange = DIAGRAM.replace('candidateGroups="service"', 'candidateGroups="servis"')
        formless = DIAGRAM.replace('formKey="contact"', 'formKey="contct"')

        found = [send(olivia, "/processes/modeler/check", {"xml": each}).get_json() for each in (strange, formless)]

        assert [each["deployable"] for each in found] == [False, True]
        assert "servis" in found[0]["problems"][0]["message"]
        assert found[0]["problems"][0]["element_id"] == "contact"
        assert [each["element_id"] for each in found[1]["problems"] if "contct" in each["message"]] == ["contact"]
        refused = send(olivia, "/processes/modeler", {"xml": strange, **PURPOSE}).get_json()
        assert refused["problems"] == found[0]["problems"]

    def test_check__only_for_process_owners(self, alice: Visitor) -> None:
        assert send(alice, "/processes/modeler/check", {"xml": DIAGRAM}).status_code == 403


def send(visitor: Visitor, address: str, sent: dict[str, Any]) -> TestResponse:
    """Send what the editor sends."""
    with visitor.client.session_transaction() as session:
        session["csrf_token"] = "token"
    headers = {"X-CSRF-Token": "token", "Accept": "application/json"}
    return visitor.client.post(address, json={"name": "request.bpmn", **sent}, headers=headers)
