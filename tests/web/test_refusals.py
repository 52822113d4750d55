"""What people are refused says what was expected and what was found, in their language, and keeps what they typed."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from casepath.engine import errors
from casepath.engine.instances import attachments, comments, user_tasks
from casepath.engine.people import authorization, identity
from casepath.web import phrases, uploads
from tests.acting import PROGRAM
from tests.each import each
from tests.web.matters import Matter, Rows, state_of
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
LANGUAGES = ("zh_CN", "en")
PASSWORD = "quiet-river-42"
BAD = "<b>bad</b>"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Something that is sent and refused."""

    who: str = "alice"
    path: str
    form: dict[str, Any] | bytes | Callable[[], dict[str, Any]]
    zh: str
    en: str
    status: int = 422
    #: What stands on the page again.
    kept: str = ""


def files(*contents: tuple[bytes, str]) -> Callable[[], dict[str, Any]]:
    return lambda: {"files": [(io.BytesIO(content), name) for content, name in contents]}


def large(name: str, size: int) -> bytes:
    """The body of a request with one file."""
    head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    return head.encode() + b"x" * size + b"\r\n--x--\r\n"


def send(visitor: Visitor, path: str, sent: Sent) -> TestResponse:
    if not isinstance(sent.form, bytes):
        return visitor.post(path, sent.form() if callable(sent.form) else sent.form)
    options = {"content_type": "multipart/form-data; boundary=x", "headers": {"X-CSRF-Token": "token"}}
    return visitor.client.post(path, data=sent.form, **options)


LONG = "长" * 10_001
SENT = {
    "comment-empty": Sent(path="/matters/comments/{key}", form={"text": "  "}, zh="请填写备注，目前为空。",
                          en="Please write a comment; there is nothing yet."),
    "comment-long": Sent(path="/matters/comments/{key}", form={"text": LONG}, kept=f">\n{LONG}</textarea>",
                         zh="备注最多 10,000 个字符，您填写的有 10,001 个。",
                         en="At most 10,000 characters are possible for a comment; yours has 10,001."),
    "file-large": Sent(path="/matters/attachments/{key}", form=large("大.bin", 30_000_001),
                       zh="这些文件合计 30.1 MB，一次最多上传 30 MB。",
                       en="These files have 30.1 MB together; at most 30 MB can be sent at once."),
    "file-empty": Sent(path="/matters/attachments/{key}", form=files((b"", "a<b>.png")),
                       zh="“a_b_.png”是空文件；文件须有内容，且不超过 30 MB。",
                       en="“a_b_.png” is empty; a file has something in it, at most 30 MB."),
    "file-none": Sent(path="/matters/attachments/{key}", form={}, zh="请至少选择一个文件，目前没有收到文件。",
                      en="Please choose at least one file; none has arrived."),
    "files-many": Sent(path="/matters/attachments/{key}", form=files(*[(b"x", f"{n}.txt") for n in range(21)]),
                       zh="一次最多上传 20 个文件，收到 21 个。",
                       en="At most 20 files can be sent at once; 21 have arrived."),
    "file-type": Sent(who="olivia", path="/processes/upload",
                      form=lambda: {"name": "我的部署", **files((b"x", "a<b>.exe"))()}, kept='value="我的部署"',
                      zh="无法部署“a_b_.exe”；文件名须以下列之一结尾：.bpmn",
                      en="“a_b_.exe” cannot be deployed; the name of a file ends in one of: .bpmn"),
    "deployment-empty": Sent(who="olivia", path="/processes/upload", form={"name": "x"},
                             zh="请至少选择一个文件", en="Please choose at least one file"),
    "deployment-many": Sent(who="olivia", path="/processes/upload",
                            form=files(*[(b"x", f"{n}.bpmn") for n in range(201)]),
                            zh="一次最多上传 200 个文件，收到 201 个。", en="At most 200 files can be sent at once"),
    "person-unknown": Sent(who="supervisor", path="/tasks/{task}/assign", form={"to": BAD},
                           zh="请选择一名启用的用户，“&lt;b&gt;bad&lt;/b&gt;”不是。",
                           en="Please choose an active user; “&lt;b&gt;bad&lt;/b&gt;” is none."),
    "day": Sent(who="holder", path="/tasks/{task}/follow-up", form={"day": "2026-02-30"},
                zh="请选择日期，例如 2026-10-01；您填写的是“2026-02-30”。",
                en="Please choose a day such as 2026-10-01; you wrote “2026-02-30”."),
    "draft-long": Sent(who="holder", path="/tasks/{task}/draft", form={"note": "x" * 200_001}, kept="x" * 200_001,
                       zh="草稿最多 200,000 个字符，您的草稿有 200,024 个。",
                       en="A draft has at most 200,000 characters; yours has 200,024."),
    "role": Sent(who="administrator", path="/people/groups", form={"key": "sales team", "name": "销售"},
                 kept='value="销售"', zh="您填写的是“sales team”。",
                 en="A key has 1 to 64 letters, digits, &#39;_&#39;, &#39;.&#39; and"),
    "user-name": Sent(who="administrator", path="/people/", form={"username": "a b", "name": "王芳"},
                      kept='value="王芳"', zh="您填写的是“a b”。", en="you wrote “a b”."),
    "user-name-taken": Sent(who="administrator", path="/people/", form={"username": "Alice", "name": "王芳"},
                            kept='value="Alice"', zh="用户名不能重复，“alice”已存在。",
                            en="The user name must be new, but “alice” exists."),
    "group-unknown": Sent(who="administrator", path="/people/", status=404,
                          form={"username": "carol", "name": "王芳", "groups": "x-team"}, kept=">王芳</textarea>",
                          zh="没有组“x-team”，或您无权查看。",
                          en="There is no group “x-team”, or it is not meant for you."),
    "administrator-last": Sent(who="administrator", path="/people/users/administrator/deactivate", form={},
                               zh="至少须保留一名启用的系统管理员，此操作之后将一名不剩。",
                               en="At least one active administrator has to be left; after this there is none."),
    "password-short": Sent(path="/password", form={"old": PASSWORD, "new": "k7", "again": "k7"},
                           zh="密码须为 8 至 200 个字符，您填写的有 2 个。",
                           en="A password has 8 to 200 characters; yours has 2."),
    "password-name": Sent(path="/password", form={"old": PASSWORD, "new": "alice-77", "again": "alice-77"},
                          zh="密码不得包含用户名，您填写的密码包含用户名。",
                          en="A password must not contain the user name; yours does."),
    "reason-cancel": Sent(who="operator", path="/matters/instances/{id}/cancel", form={"reason": " "},
                          zh="请填写原因，目前为空。", en="Please write a reason; there is nothing yet."),
    "reason-suspend": Sent(who="operator", path="/matters/instances/{id}/suspend", form={"reason": "r" * 1001},
                           kept="r" * 1001, zh="原因最多 1,000 个字符，您填写的有 1,001 个。",
                           en="At most 1,000 characters are possible for a reason; yours has 1,001."),
    "reason-variable": Sent(who="operator", path="/matters/instances/{id}/variables",
                            form={"name": "loss", "value": "三十", "reason": ""}, kept=">\n三十</textarea>",
                            zh="请填写原因，目前为空。", en="Please write a reason; there is nothing yet."),
    "variable-name": Sent(who="operator", path="/matters/instances/{id}/variables", kept='value="更正"',
                          form={"name": "a b", "value": "1", "reason": "更正"}, zh="您填写的是“a b”。",
                          en="you wrote “a b”."),
    "variable-value": Sent(who="operator", path="/matters/instances/{id}/variables", kept=">\nNaN</textarea>",
                           form={"name": "loss", "value": "NaN", "reason": "更正"}, zh="数字须为有限且大小合理的数",
                           en="Numbers have to be finite and of reasonable size"),
    "variable-long": Sent(who="operator", path="/matters/instances/{id}/variables", kept="v" * 100_001,
                          form={"name": "loss", "value": "v" * 100_001, "reason": "更正"},
                          zh="值最多 100,000 个字符，此值有 100,001 个。",
                          en="A value has at most 100,000 characters; this one has 100,001."),
    "tokens-none": Sent(who="operator", path="/matters/instances/{id}/tokens", form={"reason": "更正"},
                        kept='value="更正"', zh="请选择要移除的令牌，或开始的位置；目前均未选择。",
                        en="Please choose a token to take away, or an element to start before; neither was chosen."),
    "element-unknown": Sent(who="operator", path="/matters/instances/{id}/tokens", status=404,
                            form={"reason": "更正", "start_before": BAD}, kept=">更正</textarea>",
                            zh="没有元素“&lt;b&gt;bad&lt;/b&gt;”，或您无权查看。",
                            en="There is no element “&lt;b&gt;bad&lt;/b&gt;”"),
    "matter-unknown": Sent(path="/matters/comments/TS2026-9999", form={"text": "已联系"}, status=404,
                           kept=">已联系</textarea>", zh="没有案件“TS2026-9999”，或您无权查看。",
                           en="There is no matter “TS2026-9999”, or it is not meant for you."),
    "message-unknown": Sent(path="/matters/messages/{key}", form={"report.message": "arrived"}, status=409,
                            zh="没有在等待“arrived”。", en="does not wait for “arrived”."),
    "not-allowed": Sent(who="auditor", path="/matters/comments/{key}", form={"text": "已联系"}, status=403,
                        kept=">已联系</textarea>", zh="您以Auditor的身份登录，无权向此案件添加内容。",
                        en="Auditor may not contribute to matter"),
    "people-not-allowed": Sent(path="/people/", form={}, status=403, zh="您以Alice的身份登录，无权修改此用户。",
                             en="Alice may not change user"),
    "state": Sent(who="operator", path="/matters/instances/{id}/resume", form={"reason": "继续"}, status=409,
                  zh="您想恢复此流程。流程正在运行。", en="It is not possible to resume process instance"),
    "request-large": Sent(path="/matters/attachments/{key}", form=large("大.bin", 33_600_000), status=413,
                          zh="一次最多接受 33.6 MB，您发送的内容为 33.7 MB。",
                          en="At most 33.6 MB are accepted at once; what you sent has 33.7 MB."),
}  # fmt: skip


@pytest.fixture
def people(rows: Rows, matter: Matter) -> None:
    """More people: somebody who has the task, somebody who hands tasks out, an owner of processes; and a password."""
    with rows.begin() as session:
        identity.set_password(session, "alice", PASSWORD, by=PROGRAM)
        identity.create_user(session, "olivia", name="Olivia", groups=[authorization.PROCESS_OWNER], by=PROGRAM)


@pytest.fixture
def roles(matter: Matter, rows: Rows, people: None) -> dict[str, str]:
    """Who plays which part in `SENT`."""
    with rows.begin() as session:
        user_tasks.claim(session, matter.task_id, by="bob")
    return {"holder": "bob", "supervisor": "administrator"}


@each("name", SENT)
@each("language", LANGUAGES)
def test_refused__in_the_language_of_the_reader(
    visit: Visit, matter: Matter, roles: dict[str, str], name: str, language: str
) -> None:
    sent = SENT[name]
    visitor = visit(roles.get(sent.who, sent.who))
    visitor.post("/language", {"language": language})

    answer = send(visitor, sent.path.format(key=matter.key, id=matter.id, task=matter.task_id), sent)

    page = text(answer)
    assert answer.status_code == sent.status
    assert (sent.zh if language == "zh_CN" else sent.en) in page
    assert "Expected " not in page
    assert sent.kept in page
    assert BAD not in page


TYPED = [
    ("cost", "12,5", "请填写数字，例如 12.5；您填写的是“12,5”。",
     "Please write a number, such as 12.5; you wrote “12,5”."),
    ("cost", "-1", "最小为 0，您填写的是 -1。", "At least 0 is needed; you wrote -1."),
    ("cost", "0.125", "小数点后最多 2 位，您填写的是 0.125。",
     "At most 2 digits behind the decimal point are possible; you wrote 0.125."),
    ("contacted_at", "2026-02-30T10:00", "您填写的是“2026-02-30”。", "you wrote “2026-02-30”."),
    ("contacted_at", "2026-10-01", "请填写日期和时间，例如 2026-10-01 14:30；您填写的是“2026-10-01”。",
     "Please write a date and a time, such as 2026-10-01 14:30; you wrote “2026-10-01”."),
    ("result", "x" * 1201, "最多 200 个字符，您填写了 1,201 个。",
     "At most 200 characters are possible; you wrote 1,201."),
    ("solved", "perhaps", "请选择其中一项，“perhaps”不在选项中。",
     "Please choose one of the options; “perhaps” is none of them."),
    ("intruder", "1", "此表单没有字段“intruder”。", "The form has no field “intruder”."),
]  # fmt: skip


@each("field, typed, zh, en", TYPED)
@each("language", LANGUAGES)
def test_form__says_what_is_wrong_with_a_value(
    alice: Visitor, task_id: int, language: str, field: str, typed: str, zh: str, en: str
) -> None:
    alice.post("/language", {"language": language})

    answer = alice.post(f"/tasks/{task_id}/complete", {"result": "已联系", "solved": "yes", field: typed})

    assert answer.status_code == 422
    assert (zh if language == "zh_CN" else en) in text(answer)


@pytest.mark.parametrize("name", ["password-short", "password-name"])
def test_refused__never_shows_a_secret(visit: Visit, roles: dict[str, str], name: str) -> None:
    form = SENT[name].form
    assert isinstance(form, dict)

    page = text(visit("alice").post("/password", form))

    assert form["new"] not in page.replace("Alice", "")
    assert form["old"] not in page


def test_refused__nothing_is_kept_of_it(alice: Visitor, matter: Matter, rows: Rows) -> None:
    alice.post(f"/matters/comments/{matter.key}", {"text": LONG})
    alice.post(f"/matters/attachments/{matter.key}", files((b"x", "a.txt"), (b"", "b.txt"))())

    with rows.begin() as session:
        assert comments.page(session, matter.key)[0] == []
        assert attachments.list_of(session, matter.key) == []
    assert state_of(rows, matter) == "active"


def test_refused__too_large_in_the_language_that_the_user_has_chosen_elsewhere(
    visit: Visit, alice: Visitor, matter: Matter
) -> None:
    alice.post("/language", {"language": "en"})

    page = text(send(visit("alice"), f"/matters/attachments/{matter.key}", SENT["request-large"]))

    assert "At most 33.6 MB are accepted at once" in page


def test_attach__as_many_files_as_may_be_sent_at_once(alice: Visitor, matter: Matter, rows: Rows) -> None:
    many = files(*[(b"x", f"{number}.txt") for number in range(uploads.MAX_FILES)])

    assert alice.post(f"/matters/attachments/{matter.key}", many()).status_code == 303

    with rows.begin() as session:
        assert len(attachments.list_of(session, matter.key)) == uploads.MAX_FILES


def test_refused__as_json_with_code_and_reason(alice: Visitor, matter: Matter) -> None:
    answer = alice.get("/matters/show/TS2026-9999", headers={"Accept": "application/json"})

    assert answer.json is not None
    assert answer.json["code"] == "not-found"
    assert answer.json["reason"] == "没有案件“TS2026-9999”，或您无权查看。"
    assert answer.json["detail"] == "There is no matter “TS2026-9999”, or it is not meant for you."


@pytest.mark.parametrize("who", ["operator", "alice"])
def test_refused__what_is_wrong_inside_a_process_only_for_those_who_look_after_processes(
    own_app: Flask, visit: Visit, matter: Matter, who: str
) -> None:
    @own_app.get("/raise")
    def refuse() -> str:
        text = "Expected a regular expression, but found '{written}': {found}"
        raise errors.ExpressionError(text, written="<b>", found="")

    page = text(visit(who).get("/raise"))

    assert ("应为正则表达式，但实际为“&lt;b&gt;”" in page) is (who == "operator")


@pytest.mark.parametrize(
    ("found", "said"),
    [("a\nb\t c", "a b c"), ("x" * 101, "x" * 99 + "…"), ("", ""), (7, "7"), (None, "None")],
)
def test_shown__is_short_and_on_one_line(found: object, said: str) -> None:
    assert phrases.shown(found) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (1001, "1.1 kB"), (20_000_001, "20.1 MB")]
)
def test_size__is_never_rounded_down(own_app: Flask, visit: Visit, count: int, said: str) -> None:
    @own_app.get("/size")
    def size() -> str:
        return phrases.size(count)

    visitor = visit("alice")
    visitor.post("/language", {"language": "en"})
    assert re.fullmatch(re.escape(said), text(visitor.get("/size")))
