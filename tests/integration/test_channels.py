"""Declarations of channels: what is deployed, and what is refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.deployments import channels as declarations
from casepath.engine.instances import signs
from casepath.engine.time import clock
from tests import channels, diagrams
from tests.acting import PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]


def test_deploy__a_file_that_has_not_changed_is_no_new_version(transaction: Sessions) -> None:
    for _ in range(2):
        with transaction.begin() as session:
            channels.deploy(session, channels.SMS, channels.WECOM)

    with transaction.begin() as session:
        assert declarations.keys(session) == ["sms", "wecom"]
        assert deployments.latest(session, "channel", "sms").version == 1
        assert declarations.declared(session, "wecom").accepted == {"errcode": 0}


@each(
    "change, words",
    [
        ({"connector": "pigeon"}, "pigeon"),
        ({"colour": "red"}, "colour"),
        ({"url": "https://hooks.example/secret"}, "url"),
        ({"name": ""}, "name"),
        ({"setting": 7}, "setting"),
        ({"body": {"a": "${"}}, "body"),
        ({"method": "GET"}, "GET"),
        ({"signature": {"text": "${password}", "name": "sign"}}, "password"),
        ({"signature": {"text": "x", "name": "sign", "place": "body"}}, "place"),
        ({"recipients": {"register": "nobody", "address": "phone"}}, "nobody"),
        ({"recipients": {"register": "guest", "address": "fax"}}, "fax"),
        ({"recipients": {"register": "guest", "address": "phone", "consent": "likes"}}, "likes"),
        ({"recipients": {"register": "guest", "address": "phone", "consent": "name"}}, "checkbox"),
        ({"messages": {"smoke": "m"}}, "smoke"),
        ({"starts": {"number": "n"}}, "starts.process"),
        ({"starts": {"process": "p", "values": {"a": []}}}, "starts.values"),
        ({"public": "yes", "starts": {"process": "p"}}, "public"),
        ({"public": True}, "starts"),
        ({"accepted": [0]}, "accepted"),
    ],
)
def test_deploy__refused(transaction: Sessions, change: dict[str, Any], words: str) -> None:
    with transaction.begin() as session, pytest.raises(errors.DeploymentRefused, match=words):
        channels.deploy(session, {**channels.WECOM, **change})


def test_deploy__warns_of_a_process_that_is_not_there_yet(transaction: Sessions) -> None:
    def starting(key: str) -> dict[str, bytes]:
        declared = channels.declared({**channels.SMS, "starts": {"process": key}})
        return {**channels.REGISTER, "channels.json": declared}

    nodes = diagrams.nodes("startEvent s;endEvent e")
    process = diagrams.process(nodes, flow="s > e", key="q")
    with transaction.begin() as session:
        files = {**starting("q"), "q.bpmn": process}
        assert deployments.deploy(session, files, name="whole", by=PROGRAM).warnings == []
    with transaction.begin() as session:
        warnings = deployments.deploy(session, starting("r"), name="x", by=PROGRAM).warnings
        assert [(each.code, each.element_id) for each in warnings] == [("unknown-process", "sms")]
        assert deployments.still_unknown(session, warnings) == warnings

        deployments.deploy(session, {"r.bpmn": diagrams.process(nodes, flow="s > e", key="r")}, name="r", by=PROGRAM)
        assert deployments.still_unknown(session, warnings) == []


@each(
    "content",
    [{"channels": {}}, {"channels": []}, {"channels": [7]}, {"channels": [channels.SMS], "more": 1}],
)
def test_deploy__no_list_of_channels(transaction: Sessions, content: Any) -> None:
    files = {**channels.REGISTER, "channels.json": json.dumps(content).encode()}
    with transaction.begin() as session, pytest.raises(errors.DeploymentRefused):
        deployments.deploy(session, files, name="x", by=PROGRAM)


def test_deploy__warns_of_a_topic_that_nobody_serves(transaction: Sessions) -> None:
    files = {"p.bpmn": channels.sending("sms", "text=x"), "q.bpmn": channels.sending("fax", "text=x", key="q")}
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS)
        signs.give(session, "w1", "topics", began_at=clock.now(), topics=["notify"])
        warnings = deployments.deploy(session, files, name="x", by=PROGRAM).warnings

    assert [each.phrase.facts["key"] for each in warnings if each.code == "unknown-topic"] == ["fax"]
