"""
What nobody sends by hand: texts that databases refuse, numbers beyond them, requests that are not ours.

Every address is tried, with all of it where it reads what is sent, and on both databases with what they do not take
alike; a new address, and what it reads, is tried without being named here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from flask import Flask, Request
from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import Rule

from casepath.engine import database
from casepath.engine.people import identity
from casepath.settings import Settings
from tests import database as databases
from tests.acting import PROGRAM
from tests.applications import make_app
from tests.each import each
from tests.web.populated import Populated, populate
from tests.web.visitor import Visitor, text

#: In addresses and queries.
HOSTILE = ("a\x00b", "'\"><script>\uffff😀", "9" * 30, "../../x", "x" * 5000, "\r\nX-Other: y")
#: In fields of forms; the last ones are JSON, dates and numbers at the edge of what there is.
TYPED = (*HOSTILE[:3], '"\\ud800\\u0000"', "[" * 3000, "1e999999", "0001-01-02", "9999-12-31")
JSON: tuple[Any, ...] = ({"xml": "\ud800"}, {"xml": "\x00"}, {"xml": "<a>"}, {"xml": 1}, [], 1, None)
#: What SQLite and PostgreSQL do not take alike; all else is tried on SQLite only.
TAKEN_BY_ONE = {"a\x00b", "9" * 30, '"\\ud800\\u0000"', "1e999999", "0001-01-02", "9999-12-31"}
#: How many of them each address meets on PostgreSQL, by turns.
ON_POSTGRESQL = 2
#: What is read only where something else is right, so that an empty form does not show that it is.
FIELDS = (
    "text", "report.message", "reason", "name", "value", "cancel", "start_before", "to", "day", "next", "language",
    "old", "solved", "note", "withdrawal_reason", "customer_name", "demands", "username", "email", "groups", "key",
    "name_en", "variable", "xml", "password",
)  # fmt: skip
#: What is read of every form, whatever its address.
OF_EVERY_FORM = {"csrf_token", "page.kept"}
#: What stands in the addresses of things that are there.
REAL = {"key": "request", "name": "matter.bpmn", "filename": "icon.svg", "username": "bob"}
#: They would end the session, or test the password for minutes.
LEFT_OUT = {"auth.logout", "auth.begin", "static"}


class Recorded(ImmutableMultiDict[str, str]):
    """What a request sends; remembers what is read of it."""

    read: ClassVar[set[str]] = set()

    def __getitem__(self, key: str) -> str:
        self.read.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.read.add(str(key))
        return super().__contains__(key)

    def getlist(self, key: str, *args: Any, **options: Any) -> list[Any]:
        self.read.add(key)
        return super().getlist(key, *args, **options)


class RecordedRequest(Request):
    """A request that remembers what is read of it, also as JSON."""

    parameter_storage_class = Recorded

    def get_json(self, *args: Any, **options: Any) -> Any:
        Recorded.read.add("JSON")
        return super().get_json(*args, **options)


@pytest.fixture
def sqlite_url(populated: tuple[Path, Populated], tmp_path: Path) -> str:
    """A database with one of everything."""
    return databases.copy_file(populated[0], tmp_path / "casepath.db")


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The application on one kind of database."""
    settings = Settings(data_folder=tmp_path / "kept", database_url=database_url, secret_key=SecretStr("secret"))
    made = make_app(settings)
    made.request_class = RecordedRequest
    yield made
    made.extensions["database"].dispose()


@pytest.fixture
def rows(app: Flask) -> sessionmaker[Session]:
    """Transactions on the application's database."""
    return database.sessions(app.extensions["database"])


@pytest.fixture
def there(app: Flask, rows: sessionmaker[Session], populated: tuple[Path, Populated]) -> Populated:
    """One of everything."""
    return populated[1] if is_on_sqlite(app) else populate(rows)


@pytest.fixture
def administrator(app: Flask, there: Populated) -> Visitor:
    """Whoever may open most."""
    return Visitor(app.test_client(), "administrator")


def rules(app: Flask, method: str) -> list[Rule]:
    return [
        rule for rule in app.url_map.iter_rules() if method in (rule.methods or ()) and rule.endpoint not in LEFT_OUT
    ]


def address(rule: Rule, there: Populated, **replaced: str) -> str:
    """The address of something that is there, with some of its parts replaced."""
    real = {**REAL, "reference": there.key, "instance_id": str(there.instance_id)}

    def part(found: re.Match[str]) -> str:
        choices, name = found.groups()
        if name in replaced:
            return quote(replaced[name], safe="")
        return choices.partition(",")[0] if choices else real.get(name, "1")

    return re.sub(r"<(?:any\(([^<>]*)\):|[^<>]*:)?(\w+)>", part, rule.rule)


def is_on_sqlite(app: Flask) -> bool:
    return bool(app.extensions["database"].name == "sqlite")


class Turns:
    """What each address is sent, by turns: all that is worth it where it is read, else one of it."""

    def __init__(self, app: Flask, values: Sequence[str]) -> None:
        self.all = [value for value in values if is_on_sqlite(app) or value in TAKEN_BY_ONE]
        self.most = len(self.all) if is_on_sqlite(app) else ON_POSTGRESQL
        self.turn = count()

    def next(self, *, is_read: bool) -> list[str]:
        number = self.most if is_read else 1
        return [self.all[next(self.turn) % len(self.all)] for _ in range(number)]


def read_by(visitor: Visitor, method: str, path: str) -> set[str]:
    """Return the names of what is read of a request, as far as an empty one shows."""
    Recorded.read.clear()
    (visitor.get if method == "GET" else visitor.post)(path)
    return Recorded.read - OF_EVERY_FORM


def sent(
    app: Flask, visitor: Visitor, there: Populated, method: str, values: Sequence[str]
) -> Iterator[tuple[Rule, str, set[str], str]]:
    """Yield each address with what is read there of what is sent, once with each value that it is to be sent."""
    turns = Turns(app, values)
    for rule in rules(app, method):
        path = address(rule, there)
        names = read_by(visitor, method, path)
        for value in turns.next(is_read=bool(names)):
            yield rule, path, names, value


class TestEverywhere:
    """No answer is a fault of ours, whatever is sent."""

    def test_addresses(self, app: Flask, administrator: Visitor, there: Populated) -> None:
        turns = Turns(app, HOSTILE)
        found = {}
        for method in ("GET", "POST"):
            for rule in rules(app, method):
                for name in sorted(rule.arguments):
                    # A number is read before the view is asked, by what all addresses have in common.
                    for value in turns.next(is_read=f"int:{name}" not in rule.rule):
                        path = address(rule, there, **{name: value})
                        found[method, path] = self.status(administrator, method, path)
        assert len(found) > 50
        assert {key: status for key, status in found.items() if status >= 500} == {}
        # An address leads nowhere before any database is asked: each database would say so in its own way.
        asked = {path: status for (_, path), status in found.items() if "%00" in path}
        assert {path: status for path, status in asked.items() if status not in {404, 405}} == {}
        assert asked

    def test_queries(self, app: Flask, administrator: Visitor, there: Populated) -> None:
        broken, all_names = {}, set()
        for rule, path, names, value in sent(app, administrator, there, "GET", HOSTILE):
            all_names |= names
            # Together one may hide what another does; alone it is looked up.
            for query in [dict.fromkeys({"q", *names}, value), *([{"q": value}] if "q" in names else [])]:
                status = administrator.get(path, query_string=query).status_code
                # Without a worker it says 503, whatever is asked.
                if status >= 500 and rule.rule != "/readyz":
                    broken[rule.rule, value[:20]] = status
        assert broken == {}
        assert len(all_names) > 20

    def test_forms(self, app: Flask, administrator: Visitor, there: Populated) -> None:
        broken, all_names = {}, set()
        for rule, path, names, value in sent(app, administrator, there, "POST", TYPED):
            all_names |= names
            # What is asked for first may hide what is asked for then.
            right = {"reason": "x", "name": "loss", "value": value, "text": value}
            is_hidden = not names.isdisjoint({"value", "text"})
            for form in [dict.fromkeys({*FIELDS, *names}, value), *([right] if is_hidden else [])]:
                if (status := administrator.post(path, form).status_code) >= 500:
                    broken[rule.rule, value[:20]] = status
        assert broken == {}
        assert len(all_names) > 20

    def test_json__where_a_form_is_expected(self, app: Flask, administrator: Visitor, there: Populated) -> None:
        headers = {"X-CSRF-Token": "token", "Content-Type": "application/json"}
        bodies = [json.dumps(value) for value in (JSON if is_on_sqlite(app) else JSON[:2])]
        readers = set()
        for number, rule in enumerate(rules(app, "POST")):
            path = address(rule, there)
            Recorded.read.clear()
            for body in [bodies[number % len(bodies)], *bodies]:
                answer = administrator.client.post(path, data=body, headers=headers)
                assert answer.status_code < 500, (rule.rule, body)
                if "JSON" not in Recorded.read:
                    break
                readers.add(rule.rule)
        assert readers == {"/processes/modeler", "/processes/modeler/check"}

    def status(self, visitor: Visitor, method: str, path: str) -> int:
        answer = visitor.get(path) if method == "GET" else visitor.post(path, {"reason": "x", "name": "a"})
        return answer.status_code


sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@sqlite_only
class TestRequests:
    """Requests that no browser sends from our pages."""

    @pytest.mark.parametrize("username", [None, "administrator"])
    def test_many_fields__are_not_shown_again(self, app: Flask, there: Populated, username: str | None) -> None:
        visitor = Visitor(app.test_client(), username)
        many = "&".join(f"a{number}=1" for number in range(50_000))
        answer = visitor.client.post(
            f"/tasks/{there.held}/complete", data=many, content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code == 413
        assert len(answer.data) < 20_000

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_method__that_is_none_of_ours(self, administrator: Visitor, method: str) -> None:
        assert administrator.client.open("/tasks/", method=method).status_code == 405

    def test_form__sent_to_no_address(self, administrator: Visitor) -> None:
        assert administrator.client.post("/nothing", data={"a": "b"}).status_code == 404

    @each("host", ["x" * 70, "a..b", ".a"])
    @each("method", ["GET", "POST"])
    def test_host__that_is_none(self, administrator: Visitor, host: str, method: str) -> None:
        answer = administrator.client.open("/tasks/", method=method, headers={"Host": host})
        assert answer.status_code == 400

    @pytest.mark.parametrize("host", ["a b", "<script>alert(1)</script>", 'a"b', "[::1"])
    def test_host__is_never_shown(self, administrator: Visitor, host: str) -> None:
        answer = administrator.client.get("/tasks", headers={"Host": host})
        assert answer.status_code == 400
        assert host not in text(answer)

    def test_every_form__needs_the_token_of_the_session(self, app: Flask, there: Populated) -> None:
        visitor = Visitor(app.test_client(), "administrator")
        # What other programs send comes with a token of its channel, what people outside send with a ticket, and both
        # from no browser that has a session.
        without = {"incoming.take", "public_forms.send"}
        for rule in (form for form in rules(app, "POST") if form.endpoint not in without):
            assert visitor.client.post(address(rule, there), data={"reason": "x"}).status_code == 400, rule.rule

    def test_every_page__cannot_be_framed_and_runs_only_our_scripts(
        self, app: Flask, administrator: Visitor, there: Populated
    ) -> None:
        for rule in rules(app, "GET"):
            policy = administrator.get(address(rule, there)).headers["Content-Security-Policy"]
            assert "unsafe-inline" not in policy.partition("style-src")[0], rule.rule
            assert "default-src 'self'" in policy or "default-src 'none'" in policy, rule.rule
            assert "frame-ancestors 'none'" in policy or policy.startswith("sandbox"), rule.rule

    def test_session__of_before_the_log_in_is_worth_nothing_afterwards(
        self, app: Flask, there: Populated, rows: sessionmaker[Session]
    ) -> None:
        with rows.begin() as session:
            identity.set_password(session, "alice", "quiet-river-42", by=PROGRAM)
        victim = app.test_client()
        victim.get("/login")
        planted = victim.get_cookie("casepath")
        assert planted is not None
        token = re.search(r'name="csrf_token" value="([^"]+)"', text(victim.get("/login")))
        assert token
        form = {"username": "alice", "password": "quiet-river-42", "csrf_token": token[1]}
        assert victim.post("/login", data=form).status_code == 303
        attacker = app.test_client()
        attacker.set_cookie("casepath", planted.value)
        assert attacker.get("/tasks/").status_code == 302
        assert victim.post(f"/tasks/{there.free}/claim", data={"csrf_token": token[1]}).status_code == 400
