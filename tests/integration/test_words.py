"""What variables and their values are called by the texts of all deployments."""

from __future__ import annotations

import json

from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments
from casepath.engine.queries import deployed
from tests import diagrams
from tests.acting import OLIVIA

FILE = "texts.en.json"


def deploy(session: Session, name: str, **said: str) -> None:
    """Deploy a process of this name with texts."""
    texts = {f"variables.{key}": text for key, text in said.items()}
    process = diagrams.process('<startEvent id="S"/><endEvent id="E"/>', flow="S > E", key=name)
    files = {f"{name}.bpmn": process, FILE: json.dumps({"S": "Start", **texts}).encode()}
    deployments.deploy(session, files, name=name, by=OLIVIA)


def test_words__the_newest_say_how(transaction: sessionmaker[Session]) -> None:
    with transaction.begin() as session:
        deploy(session, "a", colour="Colour", **{"colour.red": "red"})
        deploy(session, "b", colour="Paint", size="Size")
        assert deployed.words(session, "en").texts == {
            ("colour", None): "Paint", ("colour", "red"): "red", ("size", None): "Size"}  # fmt: skip

        deploy(session, "a", colour="Tint")

        assert deployed.words(session, "en").texts["colour", None] == "Tint"
        assert deployed.words(session, "en").texts["colour", "red"] == "red"
        assert deployed.words(session, "zh").texts == {}


def test_words__in_one_statement_however_many_deployments(transaction: sessionmaker[Session]) -> None:
    """Every page asks."""
    statements = []
    with transaction.begin() as session:
        for name in ("ash", "elm", "fir", "oak", "yew"):
            deploy(session, name, **{name: name})
        deployed.words(session, "en")
        event.listen(session.connection(), "before_cursor_execute", lambda *told: statements.append(told[2]))

        assert len(deployed.words(session, "en").texts) == 5
        assert len(statements) == 1
