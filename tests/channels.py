"""Channels for tests, a process that sends through one, and a register of people to whom it sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine import deployments
from casepath.engine.instances import process_instances
from casepath.engine.registers import records
from tests import diagrams
from tests.acting import PROGRAM

GUESTS = {"register": "guest", "address": "phone", "consent": "agrees"}
#: As the documentation shows them.
WECOM = {
    "id": "wecom", "name": "企业微信", "connector": "http", "setting": "wecom",
    "body": {"msgtype": "text", "text": {"content": "${text}"}},
    "accepted": {"errcode": 0}, "again": {"errcode": [-1, 45009]},
}  # fmt: skip
DINGTALK = {
    "id": "dingtalk", "name": "钉钉", "connector": "http", "setting": "dingtalk",
    "body": {"msgtype": "text", "text": {"content": "${text}"}},
    "signature": {"text": "${timestamp}\n${secret}", "name": "sign", "timestamp": "timestamp"},
    "accepted": {"errcode": 0}, "again": {"errcode": [-1, 130101]},
}  # fmt: skip
SMS = {"id": "sms", "name": "短信", "name_en": "SMS", "connector": "log", "recipients": GUESTS}
OTHER = {
    "id": "other", "name": "其他", "connector": "http", "setting": "other", "number": "id",
    "body": {"to": "${to}", "text": "${text}", "amount": "${amount}", "key": "${key}"},
}  # fmt: skip


def declared(*channels: Mapping[str, Any]) -> bytes:
    """Return a file of channels."""
    return json.dumps({"channels": channels}, ensure_ascii=False).encode()


def field(key: str, kind: str = "textfield", **rules: Any) -> dict[str, Any]:
    """Return a field of a form."""
    return {"type": kind, "key": key, "label": key, "id": key, "validate": rules}


def form(key: str, *fields: Mapping[str, Any]) -> bytes:
    """Return a form."""
    return json.dumps({"schemaVersion": 16, "type": "default", "id": key, "components": fields}).encode()


REGISTER = {
    "registers/guest.json": json.dumps(
        {"id": "guest", "name": "客人", "form": "guest", "number": "G{number:5}", "title": ["name"],
         "writers": ["service"]}
    ).encode(),
    "guest.form": form("guest", field("name", required=True), field("phone"), field("agrees", "checkbox")),
}  # fmt: skip


def sending(topic: str, *inputs: str, key: str = "p") -> bytes:
    """Return a process that sends through a channel, and ends; inputs are `name=expression`."""
    parameters = "".join(
        '<camunda:inputParameter name="{}">{}</camunda:inputParameter>'.format(*each.split("=", 1)) for each in inputs
    )
    mapped = f"<extensionElements><camunda:inputOutput>{parameters}</camunda:inputOutput></extensionElements>"
    task = f'<serviceTask id="send" camunda:type="external" camunda:topic="{topic}">{mapped}</serviceTask>'
    return diagrams.process(
        diagrams.nodes("startEvent start;endEvent end"), task, flow="start > send;send > end", key=key
    )


def deploy(session: Session, *channels: Mapping[str, Any], **more: bytes) -> None:
    """Deploy channels with the register of guests, and other files."""
    files = {**REGISTER, "channels.json": declared(*channels), **{f"{name}.bpmn": file for name, file in more.items()}}
    deployments.deploy(session, files, name="channels", by=PROGRAM)


def guest(session: Session, name: str, phone: str = "", *, agrees: bool | None = True) -> str:
    """Keep a guest; return his key."""
    known = {"name": name, "phone": phone, "agrees": agrees}
    submitted = {key: value for key, value in known.items() if value is not None}
    return records.create(session, "guest", submitted, by=PROGRAM).key


def send(session: Session, *, key: str = "p", business_key: str | None = "N1", **variables: Any) -> int:
    """Start the process that sends; return its instance."""
    return process_instances.start(session, key, variables, business_key=business_key, by=PROGRAM).id
