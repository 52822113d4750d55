"""Names of processes, tasks and elements in the language of the reader, as the deployment has them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors
from casepath.engine.deployments import definitions
from casepath.engine.instances import process_instances
from casepath.engine.queries import tasks
from tests.acting import PROGRAM
from tests.web.populated import failed_job
from tests.web.prepared import DIRECTOR, REQUEST
from tests.web.visitor import Visitor, text

VARIABLES = {"customer_name": "王建国", "channel": "phone", "demands": ["media"]}
CHINESE = {"request.about": "客户提出的请求，谁都可以登记。", "contact.about": "先听客户说完。"}
ENGLISH = {"request": "Request of a customer", "contact": "Call them", "received": "It came in"}


@pytest.fixture
def task_id(rows: sessionmaker[Session]) -> int:
    """An open task of a process that has English names for some of its elements."""
    definitions.forget()
    with rows.begin() as session:
        texts = {"texts.en.json": json.dumps(ENGLISH).encode(), "texts.zh.json": json.dumps(CHINESE).encode()}
        deployments.deploy(session, deployments.read_folder(REQUEST) | texts, name="request", by=PROGRAM)
    with rows.begin() as session:
        instance = process_instances.start(session, "request", VARIABLES, business_key="R-1", by="alice")
        return tasks.with_business_key(session, DIRECTOR, str(instance.business_key))[0].id


@pytest.fixture
def reader(visit: Callable[[str | None], Visitor], task_id: int) -> Callable[[str], Visitor]:
    """Alice, who reads in a language."""

    def reader(language: str) -> Visitor:
        visitor = visit("alice")
        visitor.post("/language", {"language": language, "next": "/"})
        return visitor

    return reader


def test_operations__name_processes_in_the_language_of_the_reader(
    visit: Callable[[str | None], Visitor], rows: sessionmaker[Session], task_id: int
) -> None:
    with rows.begin() as session:
        failed_job(session, tasks.with_business_key(session, DIRECTOR, "R-1")[0].process_instance_id)
    administrator = visit("administrator")
    chinese = text(administrator.get("/operations/"))
    administrator.post("/language", {"language": "en", "next": "/"})
    english = text(administrator.get("/operations/"))

    assert "· 客户请求 <a" in chinese
    assert "· Request of a customer <a" in english


@pytest.mark.parametrize(
    "path",
    [
        "/tasks/?view=claimable",
        "/tasks/{task}",
        "/matters/",
        "/matters/show/R-1",
        "/register/",
        "/processes/",
        "/processes/forms/",
        "/processes/deployments/",
        "/processes/deployments/1",
    ],
)
def test_pages__name_things_in_the_language_of_the_reader(
    reader: Callable[[str], Visitor], task_id: int, path: str
) -> None:
    address = path.format(task=task_id)
    english, chinese = (text(reader(each).get(address, follow_redirects=True)) for each in ("en", "zh_CN"))

    said = set(ENGLISH.values())
    assert {each for each in said if each in english} & {"Request of a customer", "Call them"}
    assert {each for each in said if each in chinese} == set()
    assert "联系客户" not in english
    assert "客户请求" not in english


@pytest.mark.parametrize(
    ("path", "chinese", "english"),
    [
        ("/register/", CHINESE["request.about"], "A request of a customer."),
        ("/tasks/?view=claimable", CHINESE["contact.about"], "Contact the customer."),
        ("/tasks/{task}", CHINESE["contact.about"], "Contact the customer."),
    ],
)
def test_pages__describe_things_in_the_language_of_the_reader(
    reader: Callable[[str], Visitor], task_id: int, path: str, chinese: str, english: str
) -> None:
    address = path.format(task=task_id)
    shown = [text(reader(each).get(address, follow_redirects=True)) for each in ("zh_CN", "en")]

    assert [(chinese in page, english in page) for page in shown] == [(True, False), (False, True)]


def test_timeline__names_elements(reader: Callable[[str], Visitor], task_id: int) -> None:
    assert "Call them" in text(reader("en").get("/matters/timeline/R-1?steps=all"))


def test_claimed__is_told_with_its_name(reader: Callable[[str], Visitor], task_id: int) -> None:
    english = reader("en")

    assert "“Call them” is yours now." in text(english.post(f"/tasks/{task_id}/claim", follow_redirects=True))


def test_diagram__is_drawn_with_the_names(reader: Callable[[str], Visitor], task_id: int) -> None:
    found = {language: text(reader(language).get("/matters/instances/1/diagram")) for language in ("en", "zh_CN")}

    assert 'name="Call them"' in found["en"]
    assert 'name="复核"' in found["en"]  # without an English one it keeps its own
    assert found["zh_CN"] == (REQUEST / "request.bpmn").read_text(encoding="utf-8")


def test_diagram__has_room_for_longer_names(
    rows: sessionmaker[Session], visit: Callable[[str | None], Visitor]
) -> None:
    """Labels are as wide as their own words are; the middle of each stays where it is, its end above the shape."""
    drawn = (
        b'<bpmndi:BPMNDiagram xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" '
        b'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" id="drawn"><bpmndi:BPMNPlane id="plane" '
        b'bpmnElement="request"><bpmndi:BPMNShape id="shape" bpmnElement="received"><dc:Bounds x="90" y="90" '
        b'width="36" height="36"/><bpmndi:BPMNLabel><dc:Bounds x="100" y="5" width="22" height="14"/>'
        b"</bpmndi:BPMNLabel></bpmndi:BPMNShape></bpmndi:BPMNPlane></bpmndi:BPMNDiagram></bpmn:definitions>"
    )
    definitions.forget()
    with rows.begin() as session:
        files = deployments.read_folder(REQUEST)
        files["request.bpmn"] = files["request.bpmn"].replace(b"</bpmn:definitions>", drawn)
        files["texts.en.json"] = json.dumps({"received": "Request received"}).encode()
        made = deployments.deploy(session, files, name="request", by=PROGRAM)
        number = next(each.id for each in made.definitions if each.kind == "process")
    alice = visit("alice")
    alice.post("/language", {"language": "en", "next": "/"})

    assert '<dc:Bounds x="79" y="-9" width="64" height="28"/>' in text(alice.get(f"/processes/diagrams/{number}"))


def test_editor__gets_the_file_as_it_came(
    rows: sessionmaker[Session], reader: Callable[[str], Visitor], task_id: int
) -> None:
    with rows.begin() as session:
        process = definitions.latest(session, "process", "request").id

    address = f"/processes/diagrams/{process}"
    assert 'name="Call them"' in text(reader("en").get(address))
    assert 'name="联系客户"' in text(reader("en").get(f"{address}?plain=1"))


def test_texts__alone_make_a_new_version(rows: sessionmaker[Session], task_id: int) -> None:
    with rows.begin() as session:
        files = deployments.read_folder(REQUEST) | {"texts.en.json": b'{"contact": "Ring them"}'}
        assert [(made.key, made.version) for made in deployments.deploy(
            session, files, name="request", by=PROGRAM).definitions] == [("request", 2)]  # fmt: skip


@pytest.mark.parametrize(
    "content", [b"[]", b'{"contact": 1}', b"{", b'{"contact": {"en": "x"}}', b'{"contact.subject": "${"}']
)
def test_texts__that_are_none(rows: sessionmaker[Session], content: bytes) -> None:
    with pytest.raises(errors.DeploymentRefused), rows.begin() as session:
        deployments.deploy(session, {"texts.en.json": content}, name="request", by=PROGRAM)
