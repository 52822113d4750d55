"""What deployments are for: said once, sealed in the history of the house, with what ran before."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.deployments import Purpose, purposes
from casepath.engine.deployments.purposes import Made, Running
from casepath.engine.history import organisation
from casepath.engine.instances import process_instances
from tests import diagrams
from tests.acting import OLIVIA, PROGRAM
from tests.each import each

Sessions = sessionmaker[Session]

PURPOSE = Purpose(what="A is called B", why="nobody knew what A was")


def simple(name: str = "A") -> dict[str, bytes]:
    """Files of a process with one user task."""
    elements = f'<startEvent id="Start"/><userTask id="A" name="{name}"/><endEvent id="End"/>'
    return {"p.bpmn": diagrams.process(elements, flow="Start > A; A > End")}


def deploy(rows: Sessions, name: str = "A", purpose: Purpose | None = None) -> int:
    """Deploy; return the number of the deployment."""
    with rows.begin() as session:
        made = deployments.deploy(session, simple(name), name="p", by=OLIVIA, purpose=purpose).deployment
        assert made is not None
        return made.id


def test_made__what_and_why_and_what_ran(transaction: Sessions) -> None:
    first = deploy(transaction)
    with transaction.begin() as session:
        for _ in range(3):
            process_instances.start(session, "p", by=PROGRAM)
    second = deploy(transaction, "B", PURPOSE)
    with transaction.begin() as session:
        # What begins, and what ends, afterwards, changes nothing of what was.
        process_instances.start(session, "p", by=PROGRAM)

        assert purposes.made(session, [first, second, 99]) == {
            first: Made(deployment_id=first, purpose=None, running=[]),
            second: Made(
                deployment_id=second,
                purpose=PURPOSE,
                running=[Running(process="p", version=1, instances=3, elements={"A": 3})],
            ),
        }
        assert purposes.made(session, []) == {}
        assert list(history.verify_all(session)) == []


def test_made__by_whom_with_which_files(transaction: Sessions) -> None:
    number = deploy(transaction, purpose=PURPOSE)

    with transaction.begin() as session:
        (event,) = organisation.events(session, kind=purposes.MADE)
        made = deployments.definition(session, deployments.latest(session, "process", "p").id)
        (digest,) = session.scalars(text("SELECT sha256 FROM deployments WHERE id = :id"), {"id": number})
    assert event.by == "olivia"
    assert (event.facts["sha256"], event.facts["versions"]) == (digest, [["process", "p", made.version]])


def test_made__nothing_where_nothing_is_new(transaction: Sessions) -> None:
    deploy(transaction)
    with transaction.begin() as session:
        deployments.deploy(session, simple(), name="again", by=OLIVIA, purpose=PURPOSE)

        assert len(organisation.events(session, kind=purposes.MADE)) == 1


def test_verify__finds_another_reason(transaction: Sessions) -> None:
    deploy(transaction, purpose=PURPOSE)

    with transaction.begin() as session:
        session.execute(text("UPDATE organisation_events SET facts = replace(facts, 'nobody', 'somebody')"))

    with transaction.begin() as session:
        assert [problem.what for problem in organisation.verify(session)] == ["changed"]


@each("what, why", [("", "x"), ("x", " \n"), ("x" * 2001, "x"), ("x", "x" * 2001), ("x\0", "x"), ("x", "\ud800")])
def test_purpose__needs_both_and_both_short(what: str, why: str) -> None:
    with pytest.raises(errors.InvalidInput):
        Purpose.of(what, why)


def test_purpose__without_what_is_around() -> None:
    assert Purpose.of(" a ", "b\n") == Purpose(what="a", why="b")
