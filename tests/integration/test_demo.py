"""What the demo plays: beside each other and up to now, and nothing that was begun before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from casepath import demo, retelling, stories
from casepath.engine import deployments, history
from casepath.engine.database.models import ProcessInstance, RecordLink, UserTask
from casepath.engine.deployments import registers
from casepath.engine.instances import jobs, process_instances
from casepath.engine.queries import records
from casepath.engine.time import clock as engine_clock
from casepath.habits import Habit
from casepath.stories import Story
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import channels, factories
from tests.diagrams import nodes, process

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
STORIES = [story for story in stories.read_all(PROCESSES) if not story.begins_by_itself]

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def begin(session: Session, story: stories.Story) -> None:
    """Leave an instance of a story."""
    instance = factories.process_instance(session, of=factories.definition(session, key=story.process))
    instance.started_at = story.begins_at
    session.flush()


def test_unplayed__all_where_there_is_nothing(transaction: sessionmaker[Session]) -> None:
    with transaction.begin() as session:
        assert demo.unplayed(session, STORIES) == STORIES


def test_unplayed__the_rest_of_a_run_that_was_interrupted(transaction: sessionmaker[Session]) -> None:
    with transaction.begin() as session:
        for story in STORIES[:5]:
            begin(session, story)

        assert demo.unplayed(session, STORIES) == STORIES[5:]


def test_unplayed__none_of_other_stories_among_those_that_were_told(transaction: sessionmaker[Session]) -> None:
    """A new version tells others: played now, they would turn the clock back under what people do."""
    with transaction.begin() as session:
        for story in STORIES[5:]:
            begin(session, story)

        assert demo.unplayed(session, STORIES) == []


def test_unplayed__none_where_work_is_done(transaction: sessionmaker[Session]) -> None:
    with transaction.begin() as session:
        instance = factories.process_instance(session, of=factories.definition(session, key=STORIES[0].process))
        assert instance.started_at <= engine_clock.now()

        assert demo.unplayed(session, STORIES) == []


def test_put_up_on__stays_the_day_on_which_it_was(transaction: sessionmaker[Session], clock: ModuleType) -> None:
    """What is told was deployed before, and days later the same is told of the same days."""
    first, days_later = datetime(2027, 3, 1, 12, tzinfo=UTC), datetime(2027, 3, 4, 23, tzinfo=UTC)
    clock.set_to(first)
    repertoire = retelling.read(PROCESSES)
    assert repertoire is not None
    assert repertoire.days < demo.LEAD.days
    with transaction.begin() as session:
        begins_at = demo.begins_at(session)
        told = retelling.recent(STORIES, datetime(2027, 3, 1, tzinfo=UTC))
        assert begins_at is not None
        assert begins_at < min(story.begins_at for story in told)
        clock.set_to(begins_at)
        demo.add_people(session, PROCESSES)
        for now in (first, days_later):
            clock.set_to(now)
            assert demo.begins_at(session) is None
            assert demo.told_here(session, PROCESSES, None) == told
        assert any(story.records for story in told)


def test_put_up_on__today_where_people_were_let_in_before(
    transaction: sessionmaker[Session], clock: ModuleType
) -> None:
    clock.set_to(datetime(2027, 3, 1, 12, tzinfo=UTC))
    with transaction.begin() as session:
        demo.add_people(session, PROCESSES)

        assert demo.put_up_on(session) == datetime(2027, 3, 1, tzinfo=UTC)
        told = demo.told_here(session, PROCESSES, None)
        assert len(told) > 30
        assert not any(story.records for story in told), "they would stand in the history of the house, before its last"


def test_play_all__beside_each_other_up_to_now(transaction: sessionmaker[Session], clock: ModuleType) -> None:
    """Steps of several stories in the order of time; what is still to come is left to people."""
    tasks = "".join(f'<userTask id="{key}" camunda:assignee="alice"/>' for key in "AB")
    number = '<camunda:property name="businessKeyFormat" value="P{number:4}"/>'
    numbered = f"<extensionElements><camunda:properties>{number}</camunda:properties></extensionElements>"
    diagram = process(numbered, nodes("startEvent S; endEvent E"), tasks, flow="S > A; A > B; B > E")
    with transaction.begin() as session:
        factories.group(session, "administrator")
        factories.user(session, "alice", groups=["administrator"])
        deployments.deploy(session, {"p.bpmn": diagram}, name="p", by=demo.DEMO)
    clock.set_to(datetime(2026, 5, 10, tzinfo=UTC))
    told = [
        Story(id=name, name={}, process="p", start={"at": f"2026-05-{day}T08:00:00+00:00", "by": "alice"}, steps=[
            {"advance": "P2D", "complete": "A", "by": "alice"},
            {"advance": "P2D", "complete": "B", "by": "alice"},
        ])
        for name, day in zip(["first", "second", "open", "later"], ["01", "02", "07", "20"], strict=True)
    ]  # fmt: skip
    wrong = replace(told[0], id="wrong", steps=[{"advance": "P1D", "complete": "B", "by": "alice"}])
    progress: list[tuple[int, int]] = []

    over = demo.play_all(transaction, lambda: None, [*told, wrong], lambda *told: progress.append(told))

    assert over == [wrong]
    assert progress == sorted(progress)
    assert {count for _, count in progress} == {10}
    with transaction.begin() as session:
        done = session.execute(select(UserTask.process_instance_id, UserTask.element_id, UserTask.ended_at)
                               .where(UserTask.state == "completed").order_by(UserTask.ended_at)).all()  # fmt: skip
        assert [(row.element_id, row.ended_at.day) for row in done] == [
            ("A", 3), ("A", 4), ("B", 5), ("B", 6), ("A", 9)]  # fmt: skip
        assert session.scalar(select(func.count()).select_from(ProcessInstance)) == 4
        assert [str(problem) for problem in history.verify_all(session)] == []


@pytest.mark.parametrize("day", ["2023-03-01", "2025-10-26", "2025-11-03", "2028-02-29"])
def test_add_records__on_any_day(transaction: sessionmaker[Session], clock: ModuleType, day: str) -> None:
    """No record tells of a day that has not come: a mileage that is read tomorrow is refused."""
    clock.set_to(datetime.fromisoformat(f"{day}T00:00+08:00"))
    with transaction.begin() as session:
        demo.add_people(session, PROCESSES)
        for folder in ("shared", "customers"):
            deployments.deploy(session, deployments.read_folder(PROCESSES / folder), name=folder, by=demo.DEMO)
        demo.add_records(session, PROCESSES)

        vehicles = records.every(session, registers.declared(session, "vehicle"), records.Filters())
        read_on = {row.values["mileage_read_on"] for row in vehicles}
        assert read_on == {clock.now().date() - timedelta(days=1)}


def test_add_records__invented_ones_beside_those_of_the_files(transaction: sessionmaker[Session]) -> None:
    """Everything that stories say of a record is there, and no two agree where none should."""
    repertoire = retelling.read(PROCESSES)
    assert repertoire is not None
    with transaction.begin() as session:
        demo.add_people(session, PROCESSES)
        for folder in ("shared", "customers"):
            deployments.deploy(session, deployments.read_folder(PROCESSES / folder), name=folder, by=demo.DEMO)
        demo.add_records(session, PROCESSES, repertoire)
        demo.add_records(session, PROCESSES, repertoire)

    with transaction.begin() as session:
        counts = {key: len(list(records.every(session, registers.declared(session, key), records.Filters())))
                  for key in ("customer", "vehicle")}  # fmt: skip
        assert counts == {"customer": 60, "vehicle": 70}
        told = demo.told_here(session, PROCESSES, repertoire)
        assert len(told) >= 300
        again = [story for story in told if story.id == "attitude"]
        assert len({story.start["variables"]["customer_name"] for story in again}) > 3
        assert told == demo.told_here(session, PROCESSES, repertoire)


def test_start__says_only_what_is_asked(transaction: sessionmaker[Session]) -> None:
    said = {"name": "Anna", "plate": "X1"}
    with transaction.begin() as session:
        start = '<startEvent id="S" camunda:formKey="said"/>'
        files = {"said.form": channels.form("said", channels.field("name")), "p.bpmn": process(
            start, nodes("userTask A"), flow="S > A", key="p"), "q.bpmn": process(
            nodes("startEvent S; userTask A"), flow="S > A", key="q")}  # fmt: skip
        deployments.deploy(session, files, name="p", by=demo.DEMO)

        assert demo._asked(session, "p", said) == {"name": "Anna"}
        assert demo._asked(session, "q", said) == said


def test_told_here__of_records_that_matters_point_to(transaction: sessionmaker[Session]) -> None:
    repertoire = retelling.read(PROCESSES)
    assert repertoire is not None
    with transaction.begin() as session:
        demo.add_people(session, PROCESSES)
        for folder in ("shared", "customers", "complaint"):
            deployments.deploy(session, deployments.read_folder(PROCESSES / folder), name=folder, by=demo.DEMO)
        demo.add_records(session, PROCESSES, repertoire)
        again = [story for story in demo.told_here(session, PROCESSES, repertoire) if story.id == "attitude"]
        begun = again[-1].start

        started = process_instances.start(session, "complaint", begun["variables"], by=begun["by"])

        linked = session.execute(select(RecordLink.register, RecordLink.key).where(
            RecordLink.process_instance_id == started.id)).all()  # fmt: skip
        assert {(register, key) for register, key in linked} == {
            ("customer", begun["variables"]["customer"]), ("vehicle", begun["variables"]["vehicle"])}  # fmt: skip


@pytest.mark.parametrize("day", ["2025-10-26", "2028-02-29"])
def test_add_records_of_today__calls_are_due_today(
    transaction: sessionmaker[Session], clock: ModuleType, day: str
) -> None:
    now = datetime.fromisoformat(f"{day}T09:30+08:00")
    clock.set_to(now)
    with transaction.begin() as session:
        demo.add_people(session, PROCESSES)
        for folder in ("shared", "customers", "tracking", "complaint", "follow_up"):
            deployments.deploy(session, deployments.read_folder(PROCESSES / folder), name=folder, by=demo.DEMO)
        demo.add_records(session, PROCESSES)
        demo.add_records_of_today(session, PROCESSES)

    Loop(Surroundings(sessions=transaction, time_zone="Asia/Shanghai")).rest()

    with transaction.begin() as session:
        dues = [task.due_at for task in session.scalars(select(UserTask)) if task.element_id == "make_call"]
        assert sum(due is not None and due.date() == now.date() for due in dues) >= 3
        assert all(due is not None and due > now for due in dues)


def test_play_all__waits_for_what_comes_later_on_these_days(
    transaction: sessionmaker[Session], clock: ModuleType
) -> None:
    wait = "<timerEventDefinition><timeDuration>P4D</timeDuration></timerEventDefinition>"
    tasks = f'<intermediateCatchEvent id="W">{wait}</intermediateCatchEvent>' + "".join(
        f'<userTask id="{key}" camunda:assignee="alice" camunda:dueDate="${{said}}"/>' for key in "AB"
    )
    number = '<camunda:property name="businessKeyFormat" value="P{number:4}"/>'
    numbered = f"<extensionElements><camunda:properties>{number}</camunda:properties></extensionElements>"
    diagram = process(numbered, nodes("startEvent S; endEvent E"), tasks, flow="S > W; W > A; A > B; B > E")
    with transaction.begin() as session:
        factories.group(session, "administrator")
        factories.user(session, "alice", groups=["administrator"])
        deployments.deploy(session, {"p.bpmn": diagram}, name="p", by=demo.DEMO)
    clock.set_to(datetime(2026, 5, 10, tzinfo=UTC))
    start = {"at": "2026-05-01T08:00:00+00:00", "by": "alice", "variables": {"said": "2026-05-20"}}
    told = Story(id="1", name={}, process="p", start=start, steps=[
        {"advance": "P2D", "complete": "A", "by": "alice", "variables": {"said": "2026-05-21"}},
        {"advance": "P1D", "complete": "B", "by": "alice"},
    ])  # fmt: skip

    def work() -> None:
        jobs.run_due(transaction)

    assert demo.play_all(transaction, work, [told]) == []

    with transaction.begin() as session:
        columns = UserTask.element_id, UserTask.ended_at
        done = session.execute(select(*columns).order_by(UserTask.id)).all()
        assert [(row.element_id, row.ended_at.day) for row in done] == [("A", 5), ("B", 6)]
        instance = session.scalars(select(ProcessInstance.id)).one()
        assert process_instances.variables(session, instance) == {"said": "2026-05-23"}


def test_play_all__people_do_by_habit_what_no_story_tells(
    transaction: sessionmaker[Session], clock: ModuleType
) -> None:
    """What a story has begun beside it is done so many days later, by whom it is for, with what their habit answers."""
    task = '<userTask id="A" camunda:candidateGroups="staff"/>'
    diagram = process(nodes("startEvent S; endEvent E"), task, flow="S > A; A > E")
    with transaction.begin() as session:
        factories.group(session, "staff")
        for name in ("bob", "alice"):
            factories.user(session, name, groups=["staff"])
        deployments.deploy(session, {"p.bpmn": diagram}, name="p", by=demo.DEMO)
    clock.set_to(datetime(2026, 5, 10, tzinfo=UTC))
    told = [
        Story(id=day, name={}, process="p", start={"at": f"2026-05-{day}T08:00:00+00:00", "by": "alice"}, steps=[])
        for day in ("01", "02", "07")
    ]
    answers = {"until": {"in_days": 14}, "said": "done"}
    habit = Habit(task="p/A", percent=100, days=[4, 4], answers=[answers])

    demo.play_all(transaction, lambda: None, told, habits=[habit, replace(habit, task="q/A", days=[0, 0])])

    with transaction.begin() as session:
        columns = UserTask.state, UserTask.assignee, UserTask.ended_at
        found = session.execute(select(*columns).order_by(UserTask.id)).all()
        assert [(row.state, row.assignee) for row in found] == [("completed", "alice")] * 2 + [("created", None)]
        assert [row.ended_at.day for row in found[:2]] == [5, 6]
        known = process_instances.variables(session, session.scalars(select(ProcessInstance.id)).first() or 0)
    assert known == {"until": "2026-05-19", "said": "done"}


def test_play_all__what_is_refused_by_habit_is_left_to_people(
    transaction: sessionmaker[Session], clock: ModuleType
) -> None:
    form = b'{"type": "default", "components": [{"type": "textfield", "key": "said", "validate": {"required": true}}]}'
    task = '<userTask id="A" camunda:candidateUsers="alice" camunda:formKey="f"/>'
    diagram = process(nodes("startEvent S; endEvent E"), task, flow="S > A; A > E")
    with transaction.begin() as session:
        factories.group(session, "staff")
        factories.user(session, "alice", groups=["staff"])
        deployments.deploy(session, {"p.bpmn": diagram, "f.form": form}, name="p", by=demo.DEMO)
    clock.set_to(datetime(2026, 5, 10, tzinfo=UTC))
    told = [Story(id="1", name={}, process="p", start={"at": "2026-05-01T08:00:00+00:00", "by": "alice"}, steps=[])]

    habit = Habit(task="p/A", percent=100, days=[0, 0], answers=[{}])
    assert demo.play_all(transaction, lambda: None, told, habits=[habit]) == []

    with transaction.begin() as session:
        assert session.scalars(select(UserTask.state)).all() == ["created"]


def test_play_all__what_begins_by_itself_does_so_among_the_stories(
    transaction: sessionmaker[Session], clock: ModuleType
) -> None:
    """A timer that was due before the first story has begun nothing today."""
    daily = "<timerEventDefinition><timeCycle>0 0 * * *</timeCycle></timerEventDefinition>"
    by_itself = process(f'<startEvent id="S">{daily}</startEvent>', nodes("endEvent E"), flow="S > E", key="daily")
    told_of = process(nodes("startEvent S; endEvent E"), flow="S > E")
    clock.set_to(datetime(2026, 4, 1, 12, tzinfo=UTC))
    with transaction.begin() as session:
        factories.group(session, "staff")
        factories.user(session, "alice", groups=["staff"])
        deployments.deploy(session, {"p.bpmn": told_of, "daily.bpmn": by_itself}, name="p", by=demo.DEMO)
    clock.set_to(datetime(2026, 5, 10, tzinfo=UTC))
    told = [
        Story(id=day, name={}, process="p", start={"at": f"2026-05-{day}T08:00:00+00:00", "by": "alice"}, steps=[])
        for day in ("01", "04")
    ]

    def work() -> None:
        jobs.run_due(transaction)

    demo.play_all(transaction, work, told)

    with transaction.begin() as session:
        query = select(ProcessInstance.started_at).where(ProcessInstance.definition_key == "daily")
        begun = list(session.scalars(query.order_by(ProcessInstance.id)))
    # The last one is of today, where the clock is real again.
    assert [each.day for each in begun[:-1]] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
