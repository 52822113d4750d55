"""Logging in and out, sessions, and the token of forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

import pytest
from flask import Flask
from itsdangerous import URLSafeSerializer
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.people import identity
from tests.acting import PROGRAM
from tests.each import each
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
PASSWORD = "quiet-river-42"


@pytest.fixture
def password(rows: sessionmaker[Session], clock: ModuleType) -> str:
    """The password of alice."""
    with rows.begin() as session:
        identity.set_password(session, "alice", PASSWORD, by=PROGRAM)
    clock.move(timedelta(seconds=1))
    return PASSWORD


def log_in(visitor: Visitor, username: str, password: str, **form: str) -> tuple[int, str]:
    answer = visitor.post("/login", {"username": username, "password": password, **form})
    return answer.status_code, text(answer) if answer.status_code != 303 else answer.location


@pytest.mark.usefixtures("password")
class TestLogIn:
    def test_log_in__right_password(self, nobody: Visitor) -> None:
        assert log_in(nobody, "Alice ", PASSWORD) == (303, "/tasks/")
        assert nobody.get("/tasks/").status_code == 200

    def test_log_in__goes_on_where_it_was_asked_for(self, nobody: Visitor) -> None:
        asked = nobody.get("/tasks/?view=all&q=TS2026")
        assert asked.status_code == 302
        assert asked.location == "/login?next=/tasks/?view%3Dall%26q%3DTS2026"
        assert log_in(nobody, "alice", PASSWORD, next="/tasks/?view=all&q=TS2026")[1] == "/tasks/?view=all&q=TS2026"

    @each(
        "address",
        [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "javascript:alert(1)",
            "evil",
            "/a\nb",
            "/\t/e",
        ],
    )
    def test_log_in__never_leads_elsewhere(self, nobody: Visitor, address: str) -> None:
        assert log_in(nobody, "alice", PASSWORD, next=address) == (303, "/tasks/")

    @pytest.mark.parametrize(
        ("username", "password"),
        [("alice", "wrong"), ("nobody-here", PASSWORD), ("", ""), ("alice", "x" * 100_000), ("<script>", "\x00")],
    )
    def test_log_in__refused_alike(self, nobody: Visitor, username: str, password: str) -> None:
        status, page = log_in(nobody, username, password)
        assert status == 401
        assert "用户名或密码不正确" in page
        assert "<script>" not in page
        assert password not in page or not password

    def test_log_in__refused_keeps_the_name_as_far_as_one_can_be_long(self, nobody: Visitor) -> None:
        _, page = log_in(nobody, "a" * 65, "wrong")

        assert f'value="{"a" * 64}"' in page

    def test_log_in__slowed_down_and_told_how_long(self, nobody: Visitor, clock: ModuleType) -> None:
        for _ in range(5):
            assert log_in(nobody, "alice", "wrong")[0] == 401

        status, page = log_in(nobody, "alice", PASSWORD)
        assert status == 429
        assert "请等待" in page
        assert "并未锁定" in page

        clock.move(timedelta(seconds=16))
        assert log_in(nobody, "alice", PASSWORD)[0] == 303

    def test_log_in__on_a_known_device_nobody_else_slows_down(self, visit: Visit, clock: ModuleType) -> None:
        laptop, colleague = visit(None), visit(None)
        assert log_in(laptop, "alice", PASSWORD)[0] == 303
        laptop.post("/logout")
        for _ in range(6):
            log_in(colleague, "alice", "wrong")
        assert log_in(colleague, "alice", PASSWORD)[0] == 429

        assert log_in(laptop, "alice", PASSWORD)[0] == 303
        # It is no device of anybody else.
        for _ in range(6):
            log_in(colleague, "bob", "wrong")
        laptop.post("/logout")
        assert log_in(laptop, "bob", "wrong")[0] == 429

    @pytest.mark.parametrize("cookie", ["", "x", "eyJpZCI6IngiLCJ1c2VycyI6W119.aaaa"])
    def test_log_in__with_a_device_cookie_that_is_not_ours(self, nobody: Visitor, cookie: str) -> None:
        nobody.client.set_cookie("casepath-device", cookie)
        for _ in range(5):
            log_in(nobody, "alice", "wrong")
        assert log_in(nobody, "alice", PASSWORD)[0] == 429

    def test_log_in__the_device_cookie_names_nobody(self, nobody: Visitor) -> None:
        log_in(nobody, "alice", PASSWORD)
        cookie = nobody.client.get_cookie("casepath-device")
        assert cookie is not None
        assert cookie.http_only
        assert "alice" not in str(URLSafeSerializer("secret", salt="known device").loads(cookie.value))

    def test_log_in__begins_a_new_session(self, app: Flask) -> None:
        visitor = Visitor(app.test_client())
        with visitor.client.session_transaction() as session:
            session.update(csrf_token="token", planted="by somebody else")
        log_in(visitor, "alice", PASSWORD)
        with visitor.client.session_transaction() as session:
            assert session["csrf_token"] != "token"
            assert "planted" not in session

    def test_change_password__ends_other_sessions(self, visit: Visit, clock: ModuleType) -> None:
        here, elsewhere = visit("alice"), visit("alice")
        clock.move(timedelta(seconds=1))
        answer = here.post("/password", {"old": PASSWORD, "new": "another-river-7", "again": "another-river-7"})
        assert answer.status_code == 303
        assert here.get("/tasks/").status_code == 200
        assert elsewhere.get("/tasks/").status_code == 302

    @pytest.mark.parametrize(
        ("old", "new", "again", "said"),
        [
            ("wrong", "another-river-7", "another-river-7", "原密码不正确"),
            (PASSWORD, "another-river-7", "another-river-8", "不一致"),
            (PASSWORD, "river-4", "river-4", "8 至 200"),
            (PASSWORD, "aaaaaaaaaa", "aaaaaaaaaa", "至少包含 4 种不同字符，您填写的只有 1 种"),
        ],
    )
    def test_change_password__refused(self, alice: Visitor, old: str, new: str, again: str, said: str) -> None:
        answer = alice.post("/password", {"old": old, "new": new, "again": again})
        assert answer.status_code == 422
        assert said in text(answer)
        assert new not in text(answer)


def test_log_out(alice: Visitor) -> None:
    assert alice.post("/logout").location == "/login"
    assert alice.get("/tasks/").status_code == 302


def test_log_out__a_copied_cookie_counts_no_longer(app: Flask, alice: Visitor) -> None:
    cookie = alice.client.get_cookie("casepath")
    assert cookie is not None
    thief = Visitor(app.test_client())
    thief.client.set_cookie("casepath", cookie.value)
    assert thief.get("/tasks/").status_code == 200

    alice.post("/logout")

    assert thief.get("/tasks/").status_code == 302
    assert thief.client.post("/tasks/1/claim", data={"csrf_token": "token"}).status_code == 401


def test_log_out__other_devices_stay(visit: Visit, alice: Visitor) -> None:
    elsewhere = visit("alice")
    alice.post("/logout")
    assert elsewhere.get("/tasks/").status_code == 200


def test_log_out__and_in_again(nobody: Visitor, rows: sessionmaker[Session]) -> None:
    with rows.begin() as session:
        identity.set_password(session, "alice", PASSWORD, by=PROGRAM)
    for _ in range(2):
        assert nobody.post("/login", {"username": "alice", "password": PASSWORD}).status_code == 303
        assert nobody.get("/tasks/").status_code == 200
        assert nobody.post("/logout").status_code == 303
        assert nobody.get("/tasks/").status_code == 302


def test_session__ends_after_its_hours_whatever_happens(alice: Visitor, clock: ModuleType) -> None:
    clock.move(timedelta(hours=11, minutes=59))
    assert alice.get("/tasks/counts").status_code == 200
    clock.move(timedelta(minutes=2))
    assert alice.get("/tasks/").status_code == 302


def test_session__of_somebody_locked_out(alice: Visitor, rows: sessionmaker[Session]) -> None:
    with rows.begin() as session:
        identity.set_active(session, "alice", False, by=PROGRAM)
    assert alice.get("/tasks/").status_code == 302


def test_session__cookie_is_hardened(nobody: Visitor) -> None:
    cookie = nobody.get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("cookie", ["", "x", "eyJ1c2VybmFtZSI6ImFsaWNlIn0.aaaa.bbbb"])
def test_session__forged(nobody: Visitor, cookie: str) -> None:
    nobody.client.set_cookie("casepath", cookie)
    assert nobody.get("/tasks/").status_code == 302


def test_fragment__without_session_leads_nowhere(nobody: Visitor) -> None:
    answer = nobody.get("/tasks/counts", headers={"HX-Request": "true"})
    assert answer.status_code == 401


def test_form__of_an_ended_session_gives_back_what_was_typed(nobody: Visitor) -> None:
    answer = nobody.post("/tasks/1/complete", {"result": "客户要求 <b>退车</b>"})
    assert answer.status_code == 401
    assert "客户要求 &lt;b&gt;退车&lt;/b&gt;" in text(answer)


@pytest.mark.parametrize("token", [None, "", "another", "tok\u0454n"])
def test_form__without_the_token_of_the_session(alice: Visitor, token: str | None) -> None:
    sent = {"result": "typed"} if token is None else {"result": "typed", "csrf_token": token}
    for path in ("/tasks/1/complete", "/tasks/1/claim", "/logout", "/language", "/password", "/notifications/read"):
        answer = alice.client.post(path, data=sent)
        assert answer.status_code == 400
    assert "typed" in text(alice.client.post("/tasks/1/complete", data=sent))


@pytest.mark.parametrize("sent", [{}, {"csrf_token": ""}])
def test_form__where_the_session_has_no_token_either(nobody: Visitor, sent: dict[str, str]) -> None:
    """Two empty tokens are equal, but prove nothing."""
    assert nobody.client.post("/language", data={"language": "en", **sent}).status_code == 400


def test_form__token_in_the_header(alice: Visitor) -> None:
    answer = alice.client.post("/language", data={"language": "en"}, headers={"X-CSRF-Token": "token"})
    assert answer.status_code == 303


def test_language__kept_with_the_user(visit: Visit, alice: Visitor) -> None:
    assert 'lang="zh-CN"' in text(alice.get("/tasks/"))
    alice.post("/language", {"language": "en"})
    elsewhere = visit("alice")
    assert 'lang="en"' in text(elsewhere.get("/tasks/"))


def test_language__before_logging_in(nobody: Visitor) -> None:
    assert "登录" in text(nobody.get("/login"))
    nobody.post("/language", {"language": "en", "next": "/login"})
    assert "Log in" in text(nobody.get("/login"))


def test_language__leads_back_to_the_form_that_was_refused(alice: Visitor, task_id: int) -> None:
    form = f"/tasks/{task_id}"
    refused = alice.post(f"{form}/complete", {}, headers={"Referer": f"http://localhost{form}"})

    assert refused.status_code == 422
    assert f'name="next" value="{form}"' in text(refused)


def test_language__unknown(nobody: Visitor) -> None:
    assert nobody.post("/language", {"language": "../../etc"}).status_code == 400


def test_headers__on_every_answer(alice: Visitor, nobody: Visitor) -> None:
    for answer in (alice.get("/tasks/"), nobody.get("/login"), nobody.get("/nothing"), nobody.get("/tasks/")):
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in answer.headers


def test_headers__behind_https(app: Flask) -> None:
    assert "Strict-Transport-Security" in app.test_client().get("/login", base_url="https://localhost").headers


def test_health__answers_everybody(nobody: Visitor) -> None:
    assert nobody.get("/healthz").status_code == 200


def test_home__leads_to_the_inbox(alice: Visitor) -> None:
    assert alice.get("/").location == "/tasks/"


def test_language__leads_back_to_the_page(nobody: Visitor) -> None:
    answer = nobody.post("/language", {"language": "en", "next": "/login?next=/people/"})
    assert answer.location == "/login?next=/people/"


def test_log_in__page_remembers_where_one_wanted_to_go(nobody: Visitor) -> None:
    assert 'name="next" value="/people/"' in text(nobody.get("/login?next=/people/"))


@pytest.mark.parametrize(("fields", "status"), [(2000, 303), (2001, 413)])
def test_form__of_more_fields_than_any_form_has(alice: Visitor, fields: int, status: int) -> None:
    """The token and the language are two of them."""
    form = {"language": "en", **{f"field{number}": "" for number in range(fields - 2)}}
    assert alice.post("/language", form).status_code == status
