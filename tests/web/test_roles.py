"""
Every address × everybody: what each role is answered, for things that are there and for those that are not.

`RIGHTS` has at least one row for every route; a new route without a row fails `test_matrix__knows_every_route`.
"""

from __future__ import annotations

import dataclasses
import io
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from werkzeug.test import TestResponse

from casepath.settings import Settings
from casepath.web.batches.views import seen
from tests import database as databases
from tests.applications import make_app
from tests.each import each
from tests.web.populated import MISSING, ROLES, Populated
from tests.web.visitor import Visitor, text

#: Statuses in the order of `ROLES`: nobody, outsider, stranger, member, colleague, director, operator, auditor,
#: process owner, administrator.
EVERYBODY = "200 " * 10
PEOPLE = "302 " + "200 " * 9
SEEN = "302 404 404 200 200 200 200 200 404 200"
NOT_THEIRS = "401 404 404 403 403 403 403 403 404 403"
OPERATED = "302 403 403 403 403 403 200 403 403 200"
TRIED_AGAIN = "401 403 403 403 403 403 303 403 403 303"
DEPLOYED = "302 403 403 403 403 403 403 403 200 200"
MODIFIED = "401 404 404 403 403 403 303 403 404 303"
MANAGED = "302 403 403 403 403 403 403 403 403 200"
PEOPLE_CHANGED = "401 403 403 403 403 403 403 403 403 303"
PASSWORD_SHOWN = "401 403 403 403 403 403 403 403 403 200"
PEOPLE_REFUSED = "401 403 403 403 403 403 403 403 403 422"
READ = "302 404 404 200 200 200 404 200 404 200"
COUNTED = "302 404 404 200 200 404 404 200 404 200"
WRITTEN = "302 404 404 200 200 403 404 403 404 403"
KEPT = "401 404 404 303 303 403 404 403 404 403"
IMPORT = "302 404 404 200 200 404 404 404 404 404"
NOT_IN_USE = "401 404 404 409 409 403 404 403 404 403"
STARTABLE = "302 404 404 200 200 200 404 404 404 200"
SHARED = "401 404 404 303 303 404 404 404 404 303"
BATCH = "302 404 404 200 200 200 200 200 404 200"
DIAGRAM = (Path(__file__).parent / "matter" / "matter.bpmn").read_bytes().replace(b'name="done"', b'name="over"')


@dataclass(frozen=True)
class Row:
    """What each role is answered at one address, with `{names}` of what is there."""

    route: str
    address: str
    answers: str
    form: tuple[tuple[str, Any], ...] = ()


RIGHTS = (
    Row("GET /", "/", "302 " * 10),
    Row("GET /login", "/login", "200 " + "302 " * 9),
    Row("POST /login", "/login", "401 " * 10, (("username", "alice"), ("password", "wrong"))),
    Row("POST /logout", "/logout", "401 " + "303 " * 9),
    Row("POST /language", "/language", "303 " * 10, (("language", "en"),)),
    Row("GET /password", "/password", PEOPLE),
    Row("POST /password", "/password", "401 " + "422 " * 9, (("old", "a"), ("new", "b"), ("again", "c"))),
    Row("GET /healthz", "/healthz", EVERYBODY),
    Row("GET /readyz", "/readyz", "503 " * 10),
    Row("GET /static/<path:filename>", "/static/icon.svg", EVERYBODY),
    # tasks
    Row("GET /tasks/", "/tasks/", PEOPLE),
    Row("GET /tasks/list.xlsx", "/tasks/list.xlsx", PEOPLE),
    Row("GET /tasks/calendar", "/tasks/calendar", PEOPLE),
    Row("GET /tasks/counts", "/tasks/counts", PEOPLE),
    Row("GET /tasks/<int:task_id>", "/tasks/{free}", SEEN),
    Row("GET /tasks/<int:task_id>/begun", "/tasks/{free}/begun", SEEN),
    Row("GET /tasks/<int:task_id>", "/tasks/{held}", SEEN),
    Row("POST /tasks/<int:task_id>/fields", "/tasks/{free}/fields", "401 404 404 200 200 200 200 200 404 200"),
    Row("POST /tasks/<int:task_id>/claim", "/tasks/{free}/claim", "401 404 404 303 303 403 403 403 404 403"),
    Row("POST /tasks/<int:task_id>/unclaim", "/tasks/{held}/unclaim", "401 404 404 303 409 403 303 403 404 303",
        (("reason", "生病"),)),
    Row("POST /tasks/<int:task_id>/unclaim", "/tasks/{free}/unclaim", "401 404 404 403 403 403 409 403 404 409",
        (("reason", "生病"),)),
    Row("POST /tasks/<int:task_id>/assign", "/tasks/{free}/assign", "401 404 404 303 303 403 303 403 404 303",
        (("to", "bob"), ("reason", "生病"))),
    Row("POST /tasks/<int:task_id>/assign", "/tasks/{held}/assign", "401 404 404 303 409 403 303 403 404 303",
        (("to", "bob"), ("reason", "生病"))),
    Row("POST /tasks/<int:task_id>/delegate", "/tasks/{free}/delegate", NOT_THEIRS, (("to", "bob"),)),
    Row("POST /tasks/<int:task_id>/delegate", "/tasks/{held}/delegate", "401 404 404 303 409 403 403 403 404 403",
        (("to", "bob"),)),
    Row("POST /tasks/<int:task_id>/resolve", "/tasks/{lent}/resolve", "401 404 404 303 303 403 403 403 404 403"),
    Row("POST /tasks/<int:task_id>/resolve", "/tasks/{free}/resolve", NOT_THEIRS),
    Row("POST /tasks/<int:task_id>/follow-up", "/tasks/{free}/follow-up", "401 404 404 403 403 403 303 403 404 303"),
    Row("POST /tasks/<int:task_id>/follow-up", "/tasks/{held}/follow-up", "401 404 404 303 409 403 303 403 404 303"),
    Row("POST /tasks/<int:task_id>/draft", "/tasks/{free}/draft", "401 404 404 303 303 403 403 403 404 403"),
    Row("POST /tasks/<int:task_id>/draft", "/tasks/{held}/draft", "401 404 404 303 409 403 403 403 404 403"),
    Row("POST /tasks/<int:task_id>/complete", "/tasks/{free}/complete", "401 404 404 303 303 403 403 403 404 403",
        (("solved", "yes"),)),
    Row("POST /tasks/<int:task_id>/complete", "/tasks/{held}/complete", "401 404 404 303 409 403 403 403 404 403",
        (("solved", "yes"),)),
    Row("POST /tasks/<int:task_id>/comment", "/tasks/{free}/comment", "401 404 404 303 303 303 303 403 404 303",
        (("matter.comment", "好"),)),
    Row("POST /tasks/<int:task_id>/attach", "/tasks/{free}/attach", "401 404 404 303 303 303 303 403 404 303",
        (("matter.files", (b"x", "a.txt")),)),
    Row("POST /tasks/several/claim", "/tasks/several/claim", "401 " + "303 " * 9, (("page.task", "{free}"),)),
    Row("POST /tasks/several/assign", "/tasks/several/assign", "401 " + "303 " * 9, (("to", "bob"),)),
    Row("POST /tasks/several/follow-up", "/tasks/several/follow-up", "401 " + "303 " * 9),
    Row("POST /tasks/several/form", "/tasks/several/form", "401 " + "303 " * 9),
    Row("POST /tasks/several/complete", "/tasks/several/complete", "401 " + "303 " * 9),
    Row("POST /tasks/views/", "/tasks/views/", "401 " + "303 " * 9, (("name", "A"),)),
    Row("POST /tasks/views/<int:view_id>", "/tasks/views/{view_id}", SHARED, (("name", "B"),)),
    Row("POST /tasks/views/<int:view_id>/remove", "/tasks/views/{view_id}/remove", SHARED),
    # forms for people outside, which are off
    Row("GET /open/<channel>", "/open/web_form", "404 " * 10),
    Row("POST /open/<channel>", "/open/web_form", "404 " * 10),
    Row("GET /open/<channel>/received/<number>", "/open/web_form/received/1", "404 " * 10),
    # registration
    Row("GET /register/", "/register/", PEOPLE),
    Row("GET /register/<key>", "/register/request", "302 403 200 200 200 200 200 403 200 200"),
    Row("POST /register/<key>/fields", "/register/request/fields", "401 403 200 200 200 200 200 403 200 200"),
    Row("POST /register/<key>", "/register/request", "401 403 303 303 303 303 303 403 303 303",
        (("customer_name", "王建国"), ("channel", "phone"), ("demands", "media"))),
    Row("POST /register/<key>/draft", "/register/request/draft", "401 403 303 303 303 303 303 403 303 303",
        (("customer_name", "王建国"),)),
    Row("POST /register/<key>/discard", "/register/request/discard", "401 " + "303 " * 9, (("draft.id", "1"),)),
    # matters
    Row("GET /matters/", "/matters/", PEOPLE),
    Row("GET /matters/list.xlsx", "/matters/list.xlsx", PEOPLE),
    Row("GET /search/", "/search/?q=a", PEOPLE),
    Row("GET /matters/show/<matter:reference>", "/matters/show/{key}", SEEN),
    Row("POST /notifications/digest", "/notifications/digest", "401 " + "303 " * 9, (("hour", "8"),)),
    Row("POST /matters/watch/<path:business_key>", "/matters/watch/{key}", "401 404 404 303 303 303 303 303 404 303",
        (("watch", "1"),)),
    Row("GET /matters/people/<path:business_key>", "/matters/people/{key}", SEEN),
    Row("GET /matters/timeline/<matter:reference>", "/matters/timeline/{key}", SEEN),
    Row("GET /matters/timeline.csv/<matter:reference>", "/matters/timeline.csv/{key}", SEEN),
    Row("GET /matters/verify/<matter:reference>", "/matters/verify/{key}", SEEN),
    Row("POST /matters/proof/<matter:reference>", "/matters/proof/{key}", "401 404 404 403 403 200 403 200 404 403"),
    Row("GET /matters/papers/<key>/<matter:reference>", "/matters/papers/slip/{key}", SEEN),
    Row("GET /matters/papers.pdf/<key>/<matter:reference>", "/matters/papers.pdf/slip/{key}", SEEN),
    Row("GET /matters/register", "/matters/register", PEOPLE),
    Row("GET /matters/register.pdf", "/matters/register.pdf?document=list", PEOPLE),
    Row("GET /matters/register.xlsx", "/matters/register.xlsx?document=list", PEOPLE),
    Row("GET /matters/instances/<int:instance_id>", "/matters/instances/{instance_id}", SEEN.replace("200", "302")),
    Row("GET /matters/instances/<int:instance_id>/diagram", "/matters/instances/{instance_id}/diagram", SEEN),
    Row("GET /matters/instances/<int:instance_id>/path", "/matters/instances/{instance_id}/path", SEEN),
    Row("GET /matters/files/<int:attachment_id>", "/matters/files/{file_id}", SEEN),
    Row("GET /matters/files/<int:attachment_id>", "/matters/files/{sheet_id}", SEEN),
    Row("POST /matters/comments/<path:business_key>", "/matters/comments/{key}",
        "401 404 404 303 303 303 303 403 404 303", (("text", "好"),)),
    Row("POST /matters/attachments/<path:business_key>", "/matters/attachments/{key}",
        "401 404 404 303 303 303 303 403 404 303", (("files", (b"x", "a.txt")),)),
    Row("POST /matters/messages/<matter:reference>", "/matters/messages/{key}",
        "401 404 404 303 303 403 403 403 404 403", (("report.message", "withdrawn"), ("withdrawal_reason", "和解"))),
    Row("POST /matters/instances/<int:instance_id>/<any(cancel, suspend, resume):verb>",
        "/matters/instances/{instance_id}/cancel", "401 404 404 403 403 403 303 403 404 303", (("reason", "重复"),)),
    Row("POST /matters/instances/<int:instance_id>/<any(cancel, suspend, resume):verb>",
        "/matters/instances/{instance_id}/suspend", MODIFIED, (("reason", "等待"),)),
    Row("POST /matters/instances/<int:instance_id>/<any(cancel, suspend, resume):verb>",
        "/matters/instances/{instance_id}/resume", MODIFIED.replace("303", "409"), (("reason", "继续"),)),
    Row("POST /matters/instances/<int:instance_id>/variables", "/matters/instances/{instance_id}/variables", MODIFIED,
        (("reason", "更正"), ("name", "loss"), ("value", "30"))),
    Row("POST /matters/instances/<int:instance_id>/tokens", "/matters/instances/{instance_id}/tokens", MODIFIED,
        (("reason", "跳过"), ("start_before", "review"))),
    # substitutes: one's own, and to administrators everybody's
    Row("GET /substitutes/", "/substitutes/", PEOPLE),
    Row("GET /substitutes/<username>", "/substitutes/stranger", "302 403 200 403 403 403 403 403 403 200"),
    Row("POST /substitutes/<username>", "/substitutes/stranger", "401 403 303 403 403 403 403 403 403 303",
        (("substitute", "alice"), ("from", "2099-01-01"), ("until", "2099-01-02"))),
    Row("POST /substitutes/<username>/<int:substitution_id>/end", "/substitutes/stranger/{substitution_id}/end",
        "401 403 303 403 403 403 403 403 403 303"),
    # notifications: those of others are left alone, as if they were not there
    Row("GET /notifications/", "/notifications/", PEOPLE),
    Row("POST /notifications/read", "/notifications/read", "401 " + "303 " * 9),
    Row("POST /notifications/<int:notification_id>/open", "/notifications/{notification_id}/open",
        "401 " + "303 " * 9),
    # records: of whom their register says so, and of whoever looks at everything
    Row("GET /registers/", "/registers/", "302 200 200 200 200 302 200 200 200 200"),
    Row("GET /registers/<key>", "/registers/bed", READ),
    Row("GET /registers/<key>", "/registers/patient", "302 404 404 200 200 404 404 200 404 200"),
    Row("GET /registers/<key>/choices/<field>", "/registers/bed/choices/bed", READ),
    Row("GET /matters/choices/<field>", "/matters/choices/bed?bed=a", PEOPLE),
    Row("GET /registers/<key>/file.csv", "/registers/bed/file.csv", READ),
    Row("GET /registers/<key>/file.xlsx", "/registers/bed/file.xlsx", READ),
    Row("GET /registers/<key>/new", "/registers/bed/new", WRITTEN),
    Row("POST /registers/<key>/fields", "/registers/bed/fields", WRITTEN.replace("302", "401")),
    Row("POST /registers/<key>/new", "/registers/bed/new", KEPT, (("label", "4A"),)),
    Row("GET /registers/<key>/import", "/registers/bed/import", WRITTEN),
    Row("POST /registers/<key>/import", "/registers/bed/import", KEPT,
        (("file", ("床号\n4A\n".encode(), "a.csv")),)),
    Row("GET /imports/<int:import_id>", "/imports/{import_id}", IMPORT),
    Row("GET /imports/<int:import_id>/progress", "/imports/{import_id}/progress", IMPORT),
    Row("GET /imports/<int:import_id>/refused.csv", "/imports/{import_id}/refused.csv", IMPORT),
    Row("POST /imports/<int:import_id>/stop", "/imports/{import_id}/stop",
        IMPORT.replace("302", "401").replace("200", "303")),
    # reports: of whom their declarations say so, and of whoever looks at everything
    Row("GET /reports/", "/reports/", PEOPLE),
    Row("GET /reports/<key>", "/reports/load", "302 404 404 302 302 404 404 302 404 302"),
    Row("GET /reports/<key>/<period>", "/reports/load/2026-11", COUNTED),
    Row("GET /reports/<key>/<period>/report.xlsx", "/reports/load/2026-11/report.xlsx", COUNTED),
    Row("GET /reports/<key>/<period>/report.pdf", "/reports/load/2026-11/report.pdf", COUNTED),
    Row("GET /reports/<key>/<period>/matters", "/reports/load/2026-11/matters?figure=all", COUNTED),
    Row("GET /records/<int:record_id>", "/records/{record_id}", READ),
    Row("GET /records/<int:record_id>/change", "/records/{record_id}/change", WRITTEN),
    Row("POST /records/<int:record_id>/change", "/records/{record_id}/change", KEPT,
        (("record.revision", "1"), ("label", "3A"), ("room", "3"))),
    Row("POST /records/<int:record_id>/archive", "/records/{record_id}/archive", KEPT),
    Row("POST /records/<int:record_id>/restore", "/records/{archived_id}/restore", KEPT),
    Row("GET /records/<int:record_id>/merge", "/records/{record_id}/merge", WRITTEN),
    Row("POST /records/<int:record_id>/merge", "/records/{record_id}/merge", NOT_IN_USE, (("other", "2"),)),
    Row("POST /records/<int:record_id>/separate", "/records/{record_id}/separate", NOT_IN_USE),
    Row("POST /records/<int:record_id>/distinguish", "/records/{record_id}/distinguish", KEPT, (("other", "2"),)),
    Row("POST /records/<int:record_id>/erase", "/records/{archived_id}/erase",
        "401 404 404 403 403 403 404 403 404 303", (("fields", "room"), ("reason", "x"))),
    # worklists
    Row("GET /worklists/<process>", "/worklists/clean", "302 404 404 200 200 404 404 404 404 404"),
    Row("POST /worklists/<process>/next", "/worklists/clean/next", "401 404 404 303 303 404 404 404 404 404"),
    # batches
    Row("GET /batches/", "/batches/", PEOPLE),
    Row("GET /registers/<key>/start/", "/registers/bed/start/", "302 404 404 302 302 302 404 200 404 302"),
    Row("GET /registers/<key>/start/<process>", "/registers/bed/start/clean", STARTABLE),
    Row("POST /registers/<key>/start/<process>/fields", "/registers/bed/start/clean/fields",
        STARTABLE.replace("302", "401")),
    Row("POST /registers/<key>/start/<process>", "/registers/bed/start/clean", STARTABLE.replace("302", "401")),
    Row("POST /registers/<key>/start/<process>", "/registers/bed/start/clean",
        STARTABLE.replace("302", "401").replace("200", "303"), (("batch.seen", seen(["3C", "3A"], {})),)),
    Row("GET /batches/<int:batch_id>", "/batches/{batch_id}", BATCH),
    Row("GET /batches/<int:batch_id>/progress", "/batches/{batch_id}/progress", BATCH),
    # Alice has proposed it.
    Row("POST /batches/<int:batch_id>/<any(approve, stop):verb>", "/batches/{batch_id}/approve",
        "401 404 404 403 303 303 403 403 404 303"),
    Row("POST /batches/<int:batch_id>/<any(approve, stop):verb>", "/batches/{batch_id}/stop",
        "401 404 404 303 303 303 303 403 404 303"),
    # programs outside, by a token that nobody has who is logged in
    Row("POST /incoming/<channel>/<any(report, reply, recording, item):kind>", "/incoming/sms/report", "401 " * 10),
    # processes: whoever is logged in may read them
    Row("GET /processes/", "/processes/", PEOPLE),
    Row("GET /processes/show/<key>", "/processes/show/matter", PEOPLE),
    Row("GET /processes/show/<key>/compare", "/processes/show/matter/compare", PEOPLE),
    Row("GET /processes/diagrams/<int:definition_id>", "/processes/diagrams/{definition_id}", PEOPLE),
    Row("GET /processes/diagrams/<int:definition_id>/standing", "/processes/diagrams/{definition_id}/standing",
        "302 403 403 403 403 200 200 200 200 200"),
    Row("GET /processes/decisions/", "/processes/decisions/", PEOPLE),
    Row("GET /processes/decisions/<key>", "/processes/decisions/grade", PEOPLE),
    Row("GET /processes/forms/", "/processes/forms/", PEOPLE),
    Row("GET /processes/forms/<key>", "/processes/forms/solve", PEOPLE),
    Row("GET /processes/deployments/", "/processes/deployments/", PEOPLE),
    Row("GET /processes/deployments/<int:deployment_id>", "/processes/deployments/{deployment_id}", PEOPLE),
    Row("GET /processes/deployments/<int:deployment_id>/files/<path:name>",
        "/processes/deployments/{deployment_id}/files/matter.bpmn", PEOPLE),
    Row("GET /processes/deployments/<int:deployment_id>/again", "/processes/deployments/{deployment_id}/again",
        DEPLOYED),
    Row("POST /processes/deployments/<int:deployment_id>/again", "/processes/deployments/{deployment_id}/again",
        "401 403 403 403 403 403 403 403 303 303"),
    Row("GET /processes/modeler", "/processes/modeler", DEPLOYED),
    Row("POST /processes/modeler", "/processes/modeler", "401 403 403 403 403 403 403 403 400 400"),
    Row("POST /processes/modeler/check", "/processes/modeler/check", "401 403 403 403 403 403 403 403 400 400"),
    Row("POST /processes/modeler/compare/<int:definition_id>", "/processes/modeler/compare/{definition_id}",
        "401 403 403 403 403 403 403 403 200 200", (("diagram", (DIAGRAM, "matter.bpmn")),)),
    Row("GET /processes/rehearse/<int:definition_id>", "/processes/rehearse/{definition_id}", DEPLOYED),
    Row("POST /processes/rehearse/<int:definition_id>", "/processes/rehearse/{definition_id}",
        "401 403 403 403 403 403 403 403 200 200"),
    Row("POST /processes/rehearse/<int:definition_id>/fields", "/processes/rehearse/{definition_id}/fields",
        "401 403 403 403 403 403 403 403 200 200"),
    Row("POST /processes/rehearse/<int:definition_id>/recording", "/processes/rehearse/{definition_id}/recording",
        "401 403 403 403 403 403 403 403 200 200"),
    Row("POST /processes/rehearse/<int:definition_id>/scenarios", "/processes/rehearse/{definition_id}/scenarios",
        "401 403 403 403 403 403 403 403 200 200"),
    Row("GET /processes/upload", "/processes/upload", DEPLOYED),
    Row("POST /processes/upload", "/processes/upload", "401 403 403 403 403 403 403 403 303 303",
        (("files", (DIAGRAM, "matter.bpmn")), ("what", "x"), ("why", "y"))),
    # operations
    Row("GET /operations/", "/operations/", OPERATED),
    Row("GET /operations/jobs", "/operations/jobs", OPERATED),
    Row("GET /operations/external-tasks", "/operations/external-tasks", OPERATED),
    Row("GET /operations/mails", "/operations/mails", OPERATED),
    Row("POST /operations/mails/<int:mail_id>/retry", "/operations/mails/{mail_id}/retry", TRIED_AGAIN),
    Row("POST /operations/mails/<int:mail_id>/give-up", "/operations/mails/{mail_id}/give-up", TRIED_AGAIN),
    Row("GET /operations/deliveries", "/operations/deliveries", OPERATED),
    Row("POST /operations/deliveries/<int:delivery_id>/retry", "/operations/deliveries/{delivery_id}/retry",
        TRIED_AGAIN),
    Row("POST /operations/deliveries/<int:delivery_id>/give-up", "/operations/deliveries/{delivery_id}/give-up",
        TRIED_AGAIN),
    Row("GET /operations/proof", "/operations/proof", OPERATED),
    Row("GET /operations/workers", "/operations/workers", OPERATED),
    Row("POST /operations/incidents/<int:incident_id>/resolve", "/operations/incidents/{incident_id}/resolve",
        TRIED_AGAIN),
    Row("POST /operations/jobs/<int:job_id>/retry", "/operations/jobs/{job_id}/retry", TRIED_AGAIN),
    Row("POST /operations/external-tasks/<int:task_id>/retry", "/operations/external-tasks/{external_task_id}/retry",
        TRIED_AGAIN),
    Row("POST /operations/external-tasks/<int:task_id>/unlock", "/operations/external-tasks/{external_task_id}/unlock",
        TRIED_AGAIN.replace("303", "409")),
    # people
    Row("GET /people/", "/people/", MANAGED),
    Row("POST /people/", "/people/", PASSWORD_SHOWN, (("username", "new"), ("name", "新人"), ("groups", "sales"))),
    Row("GET /people/groups", "/people/groups", MANAGED),
    Row("POST /people/groups", "/people/groups", PEOPLE_CHANGED, (("key", "parts"), ("name", "配件"))),
    Row("GET /people/users/<username>", "/people/users/bob", MANAGED),
    Row("POST /people/users/<username>/groups", "/people/users/bob/groups", PEOPLE_CHANGED, (("groups", "sales"),)),
    # Bob is not locked out.
    Row("POST /people/users/<username>/erase", "/people/users/bob/erase", PEOPLE_REFUSED, (("reason", "x"),)),
    Row("POST /people/users/<username>/password", "/people/users/bob/password", PASSWORD_SHOWN),
    Row("POST /people/users/<username>/<any(activate, deactivate):verb>", "/people/users/bob/activate",
        PEOPLE_CHANGED),
    Row("POST /people/users/<username>/<any(activate, deactivate):verb>", "/people/users/bob/deactivate",
        PEOPLE_CHANGED),
)  # fmt: skip


class Place:
    """A populated application whose database is brought back to its beginning once something was written."""

    def __init__(self, folder: Path, first: Path, there: Populated) -> None:
        self.there = there
        self._first, self._now = first, folder / "now.db"
        self.app: Flask = make_app(
            Settings(
                data_folder=folder / "kept",
                database_url=databases.copy_file(first, self._now),
                secret_key=SecretStr("secret"),
            )
        )
        self._watch()

    def _watch(self) -> None:
        self._reader = sqlite3.connect(self._now)
        self._version = self._version_now()

    def _version_now(self) -> Any:
        return self._reader.execute("PRAGMA data_version").fetchone()

    def was_written(self) -> bool:
        """Tell whether anything has been written since the beginning."""
        return bool(self._version_now() != self._version)

    def restore(self) -> None:
        """Undo everything."""
        if self.was_written():
            self.close()
            for leftover in self._now.parent.glob("now.db-*"):
                leftover.unlink()
            databases.copy_file(self._first, self._now)
            self._watch()

    def close(self) -> None:
        """Let go of the database."""
        self._reader.close()
        self.app.extensions["database"].dispose()

    def answer(self, row: Row, role: str, *, missing: bool = False) -> TestResponse:
        """What a role is answered at the address of a row; of something that is not there, if wanted."""
        visitor = Visitor(self.app.test_client(), ROLES[role][0])
        address = self.address(row, missing=missing)
        if row.route.startswith("GET"):
            return visitor.get(address)
        form = {
            name: (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value for name, value in row.form
        }
        return visitor.post(address, form)

    def address(self, row: Row, *, missing: bool = False) -> str:
        """The address of what is there, or of what is not."""
        there = dataclasses.asdict(self.there)
        if missing:
            there = {name: "MT9999-9999" if name == "key" else MISSING for name in there}
        return row.address.format(**there)


@pytest.fixture(scope="module")
def place(populated: tuple[Path, Populated], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("roles"), *populated)
    yield made
    made.close()


def routes(app: Flask) -> set[str]:
    return {
        f"{method} {rule.rule}" for rule in app.url_map.iter_rules() for method in rule.methods or () if
        method not in {"HEAD", "OPTIONS"}
    }  # fmt: skip


def test_matrix__knows_every_route(place: Place) -> None:
    assert {row.route for row in RIGHTS} == routes(place.app)


@pytest.mark.parametrize("row", RIGHTS, ids=lambda row: f"{row.route.split()[0]} {row.address}")
def test_matrix__answers(place: Place, row: Row) -> None:
    """What one may not see is told like what is not there."""
    found, refused_and_written, told_apart = {}, [], []
    for role in ROLES:
        place.restore()
        answer = place.answer(row, role)
        found[role] = answer.status_code
        # A log-in that fails is counted.
        if answer.status_code in {401, 403, 404} and row.route != "POST /login" and place.was_written():
            refused_and_written.append(role)
        if answer.status_code == 404 and "{" in row.address:
            place.restore()
            absent = place.answer(row, role, missing=True)
            if said(answer, place.address(row)) != said(absent, place.address(row, missing=True)):
                told_apart.append(role)
            absent.close()
        answer.close()
    assert found == dict(zip(ROLES, map(int, row.answers.split()), strict=True))
    assert refused_and_written == []
    assert told_apart == []


#: Their answers are the same whether it is there or not.
NOT_LOOKED_UP = {
    "GET /tasks/<int:task_id>/<any(claim, unclaim, assign, delegate, resolve, draft, comment, attach, complete):_verb>",
    "POST /notifications/<int:notification_id>/open",
}


@each("row", [row for row in RIGHTS if "{" in row.address and row.route not in NOT_LOOKED_UP])
def test_missing__is_told_to_who_may_see_all(place: Place, row: Row) -> None:
    place.restore()
    assert place.answer(row, "administrator", missing=True).status_code == 404


def said(answer: TestResponse, address: str) -> tuple[int, set[str], str]:
    """What an answer tells: status, headers, and the page without its own address and what was asked for in it."""
    page = text(answer).replace(address, "")
    page = re.sub(r"“([\w-]+)”", lambda asked: "" if asked[1] in address else asked[0], page)
    return answer.status_code, {name for name, _ in answer.headers}, page


def test_notification__of_somebody_else_stays_unread(place: Place) -> None:
    place.restore()
    row = next(row for row in RIGHTS if row.address.endswith("/open"))
    answers = [place.answer(row, "stranger"), place.answer(row, "stranger", missing=True)]
    assert {answer.location for answer in answers} == {"/notifications/"}
    assert place.answer(row, "member").location == f"/matters/show/{place.there.key}"
