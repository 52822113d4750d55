"""Deploying files: versions, findings, start events."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, settings
from casepath.engine.database.models import Deployment, Group, Job, Resource, Subscription
from casepath.engine.deployments import definitions
from casepath.engine.queries import deployed
from tests import diagrams, factories
from tests.acting import OLIVIA, PROGRAM
from tests.each import each
from tests.phrases import chinese

Sessions = sessionmaker[Session]

CALENDAR = b'{"zone": "Asia/Shanghai", "hours": {"mon-fri": [["09:00", "18:00"]]}}'
LANE = '<laneSet><lane name="{}"><flowNodeRef>A</flowNodeRef></lane></laneSet>'


def simple(name: str = "A", key: str = "p") -> bytes:
    """A process with one user task."""
    return diagrams.process(
        f'<startEvent id="Start"/><userTask id="A" name="{name}"/><endEvent id="End"/>',
        flow="Start > A; A > End",
        key=key,
    )


def deploy(transaction: Sessions, **files: bytes) -> deployments.DeploymentResult:
    with transaction.begin() as session:
        return deployments.deploy(
            session, {f"{name}.bpmn": data for name, data in files.items()}, name="test", by=OLIVIA
        )


def test_deploy__the_same_again(transaction: Sessions) -> None:
    first = deploy(transaction, p=simple())
    again = deploy(transaction, p=simple())

    assert [row.version for row in first.definitions] == [1]
    assert again.deployment is None
    assert again.definitions == []
    with transaction.begin() as session:
        assert len(session.scalars(select(Deployment)).all()) == 1


def test_deploy__only_what_has_changed_is_a_new_version(transaction: Sessions) -> None:
    deploy(transaction, p=simple(), q=simple(key="q"))

    second = deploy(transaction, p=simple("B"), q=simple(key="q"))

    assert [(row.key, row.version) for row in second.definitions] == [("p", 2)]
    with transaction.begin() as session:
        assert definitions.latest(session, "process", "q").version == 1
        assert definitions.content(session, definitions.latest(session, "process", "p").id) == simple("B")


def test_deploy__what_was_taken_back_is_not_remembered(transaction: Sessions) -> None:
    """Rows that come later may have the numbers that its rows had."""
    deploy(transaction, p=simple("A"))
    with transaction() as session:
        deployments.deploy(session, {"p.bpmn": simple("B"), "calendar.json": CALENDAR}, name="test", by=OLIVIA)
        taken_back = definitions.latest(session, "process", "p").id
        assert definitions.process(session, taken_back).nodes["A"].bpmn_name == "B"
        assert deployed.texts(session, taken_back).names["A"] == "B"
        assert definitions.calendar(session) is not None
        session.rollback()

    with transaction.begin() as session:
        assert definitions.calendar(session) is None
    deploy(transaction, p=simple("C"))
    with transaction.begin() as session:
        newest = definitions.latest(session, "process", "p").id
        assert definitions.process(session, newest).nodes["A"].bpmn_name == "C"
        assert deployed.texts(session, newest).names["A"] == "C"


def test_deploy__what_a_savepoint_takes_back_is_not_remembered(transaction: Sessions) -> None:
    with transaction.begin() as session:
        deployments.deploy(session, {"p.bpmn": simple("A")}, name="test", by=OLIVIA)
        savepoint = session.begin_nested()
        deployments.deploy(session, {"p.bpmn": simple("B")}, name="test", by=OLIVIA)
        assert definitions.process(session, definitions.latest(session, "process", "p").id).nodes["A"].bpmn_name == "B"
        savepoint.rollback()
        deployments.deploy(session, {"p.bpmn": simple("C")}, name="test", by=OLIVIA)
        assert definitions.process(session, definitions.latest(session, "process", "p").id).nodes["A"].bpmn_name == "C"


def test_deploy__calendar_counts_at_once(transaction: Sessions) -> None:
    with transaction.begin() as session:
        assert definitions.calendar(session) is None
    with transaction.begin() as session:
        deployments.deploy(session, {"calendar.json": CALENDAR}, name="test", by=OLIVIA)

    with transaction.begin() as session:
        assert definitions.calendar(session) is not None


@pytest.mark.parametrize("file", ["forms/f.form", "guidance/A.md"])
def test_deploy__process_is_new_with_what_is_shown_at_its_tasks(transaction: Sessions, file: str) -> None:
    shown = b'{"id": "f", "type": "default", "components": [], "schemaVersion": 16}'

    def versions(content: bytes) -> list[tuple[str, int]]:
        with transaction.begin() as session:
            made = deployments.deploy(session, {"p.bpmn": simple(), file: content}, name="test", by=PROGRAM)
            return [(row.key, row.version) for row in made.definitions if row.kind == "process"]

    assert [versions(shown), versions(shown), versions(shown + b"\n")] == [[("p", 1)], [], [("p", 2)]]


def test_deploy__every_error_of_every_file_at_once(transaction: Sessions) -> None:
    broken = diagrams.process(
        '<startEvent id="Start"/><exclusiveGateway id="G"/><endEvent id="End"/>', flow="Start > G; G > End [${a ==}]"
    )

    with pytest.raises(errors.DeploymentRefused) as refusal:
        deploy(transaction, p=broken, q=b"<not-xml", r=simple(key="r"))

    assert {finding.file for finding in refusal.value.findings if finding.level == "error"} == {"p.bpmn", "q.bpmn"}
    with transaction.begin() as session:
        assert session.scalars(select(Resource)).all() == []


def test_deploy__hostile_xml(transaction: Sessions) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + simple()

    with pytest.raises(errors.DeploymentRefused):
        deploy(transaction, p=bomb)


def test_deploy__the_same_key_in_two_files(transaction: Sessions) -> None:
    with pytest.raises(errors.DeploymentRefused, match="'p' stands in one"):
        deploy(transaction, one=simple(), two=simple("B"))


def test_deploy__nothing(transaction: Sessions) -> None:
    with pytest.raises(errors.InvalidInput, match="A deployment has 1 to"), transaction.begin() as session:
        deployments.deploy(session, {}, name="test", by=PROGRAM)


def test_deploy__python_scripts_are_off(transaction: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.current, "python_scripts", False)
    scripted = diagrams.process(
        '<startEvent id="Start"/>', diagrams.script("S", "a = 1"), '<endEvent id="End"/>', flow="Start > S; S > End"
    )

    with pytest.raises(errors.DeploymentRefused, match="script") as refusal:
        deploy(transaction, p=scripted)

    assert "S" in {finding.element_id for finding in refusal.value.findings}


def test_deploy__start_events_of_older_versions_are_waited_for_no_longer(transaction: Sessions) -> None:
    def waiting(message: str) -> bytes:
        return diagrams.process(
            f'<startEvent id="Start"><messageEventDefinition messageRef="M"/></startEvent>'
            f'<startEvent id="Clock">{diagrams.timer("R/PT1H", "timeCycle")}</startEvent><endEvent id="End"/>',
            flow="Start > End; Clock > End",
            root=f'<message id="M" name="{message}"/>',
        )

    deploy(transaction, p=waiting("old"))
    deploy(transaction, p=waiting("new"))

    with transaction.begin() as session:
        assert session.scalars(select(Subscription.name)).all() == ["new"]
        assert len(session.scalars(select(Job)).all()) == 1


def test_deploy__a_thousand_elements(transaction: Sessions) -> None:
    count = 500
    keys = [f"T{number}" for number in range(count)]
    flow = ";".join(f"{a} > {b}" for a, b in zip(["Start", *keys], [*keys, "End"], strict=True))
    long = diagrams.process(
        '<startEvent id="Start"/>', diagrams.nodes(f"userTask {' '.join(keys)}"), '<endEvent id="End"/>', flow=flow
    )

    deployed = deploy(transaction, p=long)

    with transaction.begin() as session:
        assert len(definitions.process(session, deployed.definitions[0].id).nodes) == count + 2


def test_deploy__name_that_nothing_gives_a_value(transaction: Sessions) -> None:
    form = b'{"type": "default", "id": "f", "components": [{"type": "textfield", "key": "resolved", "label": "R"}]}'
    diagram = diagrams.process(
        '<startEvent id="Start" camunda:formKey="f"/><exclusiveGateway id="G" name="done?"/><endEvent id="End"/>',
        '<userTask id="A" name="A" camunda:assignee="alice"/>',
        flow="Start > G; G > End [${resolved == 'yes'}]; G > A [${resolvd == 'no'}]",
    )

    with transaction.begin() as session:
        deployed = deployments.deploy(session, {"p.bpmn": diagram, "f.form": form}, name="test", by=PROGRAM)

    found = [finding for finding in deployed.warnings if finding.code == "unknown-name"]
    assert [finding.element_id for finding in found] == ["G_A_2"]
    assert "the nearest known: resolved" in found[0].message
    assert "相近的名称：resolved" in chinese(found[0].phrase)


REFERRING = diagrams.process(
    '<startEvent id="Start" camunda:formKey="camunda-forms:deployment:asked.form"/>',
    '<userTask id="Do" camunda:formRef="nowhere" camunda:candidateGroups="service" '
    'camunda:candidateUsers="alice,nobody" camunda:assignee="${starter}"/>',
    '<businessRuleTask id="Rule" camunda:decisionRef="no_table" camunda:resultVariable="x"/>',
    '<callActivity id="Call" calledElement="no_process"/>',
    '<callActivity id="Again" calledElement="p"/>',
    '<endEvent id="End"/>',
    flow="Start > Do; Do > Rule; Rule > Call; Call > Again; Again > End",
)
ASKED = b'{"id": "asked", "components": [{"type": "textfield", "key": "x", "label": "x"}]}'


def test_deploy__warns_of_what_nobody_has(transaction: Sessions) -> None:
    with transaction.begin() as session:
        factories.group(session, "service")
        factories.user(session, "alice", groups=["service"])
        files = {"p.bpmn": REFERRING, "asked.form": ASKED}
        told = deployments.deploy(session, files, name="d", by=PROGRAM).warnings

    warnings = [each for each in told if "key" in each.phrase.facts]
    assert [(each.code, each.element_id, each.phrase.facts["key"]) for each in warnings] == [
        ("unknown-user", "Do", "nobody"),
        ("unknown-form", "Do", "nowhere"),
        ("unknown-decision", "Rule", "no_table"),
        ("unknown-process", "Call", "no_process"),
    ]
    with transaction.begin() as session:
        deployments.deploy(session, {"nowhere.form": ASKED.replace(b"asked", b"nowhere")}, name="late", by=PROGRAM)
        rest = [each for each in told if each is not warnings[1]]
        assert deployments.still_unknown(session, told) == rest
    assert all(chinese(each.phrase) for each in warnings)
    assert warnings[0].message == "Expected a user that is there, but nobody has 'nobody'"


def test_deploy__what_came_before_is_known(transaction: Sessions) -> None:
    with transaction.begin() as session:
        deployments.deploy(session, {"asked.form": ASKED}, name="forms", by=PROGRAM)
        start = diagrams.process('<startEvent id="Start" camunda:formKey="asked"/>', '<endEvent id="End"/>',
                                 flow="Start > End")  # fmt: skip
        assert deployments.deploy(session, {"p.bpmn": start}, name="d", by=PROGRAM).warnings == []


@each(
    "element, group",
    [
        ('<userTask id="A" camunda:candidateGroups="service,nobody"/>', "nobody"),
        ('<userTask id="A" camunda:candidateGroups="${group},nobody"/>', "nobody"),
        ('<userTask id="A"/>' + LANE.format("Nobody"), "Nobody"),
        ('<userTask id="A" camunda:candidateGroups="service,${a == 1 ? \'b,c\' : d}"/>', ""),
        ('<userTask id="A" camunda:assignee="${who}"/>' + LANE.format("X"), ""),
        ('<userTask id="A"/>' + LANE.format("客服"), ""),
        ('<userTask id="A"/>' + LANE.format("service"), ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_deploy__groups_that_nobody_has(transaction: Sessions, element: str, group: str) -> None:
    with transaction.begin() as session:
        session.merge(Group(key="service", name="客服", name_en="Service"))

    named = diagrams.process(element)
    if not group:
        deploy(transaction, p=named)
        return
    with pytest.raises(errors.DeploymentRefused) as refused:
        deploy(transaction, p=named)

    assert [(found.code, found.element_id, found.phrase.facts) for found in refused.value.findings
            if found.level == "error"] == [("unknown-group", "A", {"group": group})]  # fmt: skip


@pytest.mark.parametrize(("active", "warned"), [(True, []), (False, [("empty-group", "A", {"groups": ["service"]})])])
def test_deploy__warns_of_groups_without_people(transaction: Sessions, active: bool, warned: list[object]) -> None:
    with transaction.begin() as session:
        factories.group(session, "service")
        factories.user(session, "alice", groups=["service"]).active = active

    result = deploy(transaction, p=diagrams.process('<userTask id="A" camunda:candidateGroups="service"/>'))

    found = [(each.code, each.element_id, each.phrase.facts) for each in result.warnings]
    assert [each for each in found if each[0] == "empty-group"] == warned


def test_deploy__warns_of_names_that_only_others_have(transaction: Sessions) -> None:
    tasks = '<userTask id="A" name="核实"/><userTask id="B" name="回访"/><dataObject id="D" name="told"/>'
    texts = b'{"p": "P", "A": "Verify", "variables.told": "Told"}'
    words = b'{"A.about": "...", "variables.told": "..."}'

    with transaction.begin() as session:
        files = {"p.bpmn": diagrams.process(tasks), "texts.en.json": texts, "texts.zh.json": words}
        result = deployments.deploy(session, files, name="p", by=PROGRAM)

    missing = [each for each in result.warnings if each.code == "name-missing"]
    assert [(each.file, each.element_id) for each in missing] == [("p.bpmn", "B")]


def test_deploy__groups_while_there_are_none(transaction: Sessions) -> None:
    named = diagrams.process('<userTask id="A" camunda:candidateGroups="service"/>')

    assert len(deploy(transaction, p=named).definitions) == 1


@each("name", ["guidance/A.md", "texts.zh.json", "a.form", "calendar.json"])
def test_deploy__text_in_another_encoding(name: str) -> None:
    """What would be shown as other characters is refused; editors that put a byte order mark in front write UTF-8."""
    written = "{\n\"A\": \"先道歉\"}"

    (refused,) = deployments.check({name: written.encode("gbk")}).findings

    assert (refused.code, refused.file, refused.phrase.facts["line"]) == ("not-utf-8", name, 2)
    assert "UTF-8" in str(refused.phrase)
    marked = deployments.check({name: written.encode("utf-8-sig")}).findings
    assert "not-utf-8" not in {finding.code for finding in marked}
