"""What is refused, as pages and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask, abort
from werkzeug.routing import BuildError

from casepath.engine import errors
from casepath.engine.phrases import Phrase
from casepath.web import auth, headers
from tests.each import each
from tests.web.visitor import Visitor, text

FINDING = errors.Finding(code="json", file="x.form", phrase=Phrase("Expected a JSON object"))
TOO_SMALL = errors.InvalidInput("At least {limit} is needed; you wrote {found}.", code="too-small", limit=5, found=3)
TOO_SMALL.field = "cost"
REFUSALS = {
    "not-found": (errors.NotFound("user task", 7), 404),
    "forbidden": (errors.Forbidden("open", "page", "/x", "alice"), 403),
    "invalid-state": (errors.InvalidState("claim", "user task", 7, "completed", by="bob"), 409),
    "not-waiting": (errors.NotWaiting("paid", "TS-1"), 409),
    "several-waiting": (errors.SeveralWaiting("paid", None, ["1 (TS-1)", "2 (TS-2)"]), 409),
    "invalid-input": (errors.InvalidInput("Expected a subject, but found none"), 422),
    "invalid-variables": (errors.InvalidVariables([TOO_SMALL]), 422),
    "deployment-refused": (errors.DeploymentRefused([FINDING]), 422),
    "expression-error": (errors.ExpressionError("unreadable", text="${"), 422),
    "fault": (ZeroDivisionError("secret detail"), 500),
}


@pytest.fixture
def refusing(own_app: Flask) -> Iterator[Flask]:
    """The application with a page that raises what its address says."""

    @own_app.route("/raise/<name>", methods=["GET", "POST"])
    def refuse(name: str) -> str:
        raise REFUSALS[name][0]

    @own_app.get("/status/<int:status>")
    @auth.public
    def answer(status: int) -> str:
        abort(status)

    @own_app.get("/drawing")
    def drawing() -> str:
        headers.allow_style_attributes()
        return "drawn"

    yield own_app
    auth.PUBLIC.discard(answer)


@each("name", REFUSALS)
@pytest.mark.usefixtures("refusing")
def test_refused__as_page(alice: Visitor, name: str) -> None:
    answer = alice.get(f"/raise/{name}")

    assert answer.status_code == REFUSALS[name][1]
    assert '<html lang="zh-CN">' in text(answer)
    assert "secret detail" not in text(answer)
    assert "Traceback" not in text(answer)


@each("name", REFUSALS)
@pytest.mark.usefixtures("refusing")
def test_refused__as_json(alice: Visitor, name: str) -> None:
    answer = alice.get(f"/raise/{name}", headers={"Accept": "application/json"})

    assert answer.status_code == REFUSALS[name][1]
    assert answer.json is not None
    assert answer.json["code"] == (name if name != "fault" else "500")
    if name == "deployment-refused":
        assert answer.json["problems"][0]["message"] == "应为 JSON 对象"
    if name == "invalid-variables":
        message = "最小为 5，您填写的是 3。"
        assert answer.json["problems"] == [{"field": "cost", "code": "too-small", "message": message}]
    if name == "fault":
        assert "secret detail" not in text(answer)


@pytest.mark.usefixtures("refusing")
def test_refused__names_who_was_faster(alice: Visitor) -> None:
    assert "Bob已完成此任务" in text(alice.get("/raise/invalid-state"))


@pytest.mark.usefixtures("refusing")
def test_refused__gives_back_what_was_typed_but_no_secrets(alice: Visitor) -> None:
    answer = alice.post("/raise/fault", {"note": "kept <i>text</i>", "password": "hidden-7", "old": "hidden-8"})

    assert "kept &lt;i&gt;text&lt;/i&gt;" in text(answer)
    assert "hidden-" not in text(answer)
    assert ">token<" not in text(answer)


@each("status", [400, 403, 404, 405, 410, 413, 415, 418, 429])
@pytest.mark.usefixtures("refusing")
def test_http_errors__have_pages_for_everybody(nobody: Visitor, status: int) -> None:
    answer = nobody.get(f"/status/{status}")

    assert answer.status_code == status
    assert "Casepath" in text(answer)


def test_not_found__belongs_to_no_entry_of_the_header(alice: Visitor) -> None:
    page = alice.get("/processes/no-such-page").get_data(as_text=True)

    assert "<nav" in page
    assert "aria-current" not in page


def test_not_found__tells_nobody_more_than_somebody(nobody: Visitor, alice: Visitor) -> None:
    assert nobody.get("/no-such-page").status_code == alice.get("/no-such-page").status_code == 404


@each(
    "address, page",
    [
        ("/tasks/1/fields", "/tasks/1"),
        ("/tasks/1/complete", "/tasks/1"),
        ("/tasks/1/follow-up", "/tasks/1"),
        ("/register/complaint/draft", "/register/complaint"),
        ("/notifications/read", "/notifications/"),
        ("/notifications/1/open", "/notifications/"),
        ("/people/users/alice/password", "/people/users/alice"),
        ("/operations/mails/1/retry", "/operations/mails"),
        ("/matters/comments/K-1", "/matters/"),
        ("/logout", "/"),
    ],
)
def test_method__address_of_a_form_leads_to_the_page_above(alice: Visitor, address: str, page: str) -> None:
    answer = alice.get(address)

    assert (answer.status_code, answer.location) == (302, page)


def test_method__no_form_is_a_dead_end(visit: Callable[[str | None], Visitor]) -> None:
    administrator = visit("administrator")
    adapter = administrator.client.application.url_map.bind("localhost")
    rules = [rule for rule in administrator.client.application.url_map.iter_rules()
             if "POST" in (rule.methods or ()) and "GET" not in (rule.methods or ())]  # fmt: skip
    values = {"username": "alice", "key": "k", "business_key": "k", "reference": "k", "verb": "cancel"}
    addresses = []
    for rule in rules:
        for verb in ("cancel", "activate"):
            facts = {name: {**values, "verb": verb}.get(name, 1) for name in rule.arguments}
            try:
                addresses.append(adapter.build(rule.endpoint, facts, method="POST"))
            except (BuildError, ValueError):
                continue

    assert len(addresses) > 30
    assert [each for each in addresses if administrator.get(each).status_code not in {200, 302, 404}] == []


def test_method__not_allowed_for_programs(alice: Visitor) -> None:
    assert alice.get("/tasks/1/fields", headers={"Accept": "application/json"}).status_code == 405


@pytest.mark.usefixtures("refusing")
def test_policy__style_attributes_only_where_a_page_asks_for_them(alice: Visitor) -> None:
    drawn, other = alice.get("/drawing"), alice.get("/tasks/")

    assert drawn.headers["Content-Security-Policy"].endswith("; style-src-attr 'unsafe-inline'")
    assert "unsafe-inline" not in other.headers["Content-Security-Policy"]
