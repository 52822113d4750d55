"""
Make a fixture of a database with matters in flight: `python -m tests.upgrades NAME`, from the root of the repository.

Made once, when a version with another schema lands, by the code of that version; `NAME` is its commit or number. It
writes `tests/fixtures/databases/NAME.db.gz`, a SQLite database with the records of the demo in which every story of
`processes/` has been played part of its way, and `NAME.json`, which says how far. Never make one again under the same
name: what is there was written by the code of its time, and that is what it is for.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sqlite3
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from casepath import demo, server, stories
from casepath.engine import database, deployments
from casepath.engine.database.models import ProcessInstance
from casepath.engine.instances import attachments, comments, process_instances
from casepath.engine.people.authorization import Program
from casepath.engine.time import clock
from casepath.installation import read_settings
from casepath.stories import Story
from casepath.workers import loop
from tests.upgrades.stage import LonelyStage

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = ROOT / "processes"
FOLDER = ROOT / "tests" / "fixtures" / "databases"
#: How far stories are played, in turn, in quarters.
QUARTERS = (1, 2, 3)
BY, REASON = Program("fixture"), "fixture"


def make(name: str) -> None:
    """Write a fixture; raises `FileExistsError` where there is one of this name."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.json").open("x", encoding="utf-8") as manifest, tempfile.TemporaryDirectory() as folder:
        # Sets the zone, too, in which people type times.
        settings = read_settings(Path(folder))
        pool = database.connect(settings.database)
        database.upgrade(pool)
        sessions = database.sessions(pool)
        for part in stories.folders(PROCESSES):
            with sessions.begin() as session:
                deployments.deploy(session, deployments.read_folder(part), name=part.name, by=BY)
        with sessions.begin() as session:
            demo.add_people(session, PROCESSES)
            demo.add_records(session, PROCESSES)
        work = loop.Loop(server.surroundings(settings, pool)).rest
        played = play(LonelyStage(sessions, work))
        pool.dispose()
        copy = Path(folder) / "copy.db"
        with closing(sqlite3.connect(Path(folder) / "casepath.db")) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        (FOLDER / f"{name}.db.gz").write_bytes(gzip.compress(copy.read_bytes(), mtime=0))
        json.dump(played, manifest, indent=1)


def play(stage: LonelyStage) -> dict[str, dict[str, object]]:
    """Play every story part of its way; return how many steps of each, its business key, and when it stands still."""
    played: dict[str, dict[str, object]] = {}
    # What is begun for records stands in the history of the house too, where time does not go back; and what begins by
    # itself does so whatever is played.
    told = [story for story in stories.read_all(PROCESSES) if not story.records and not story.begins_by_itself]
    for number, story in enumerate(told):
        steps = resting(story, number)
        clock.set_to(story.begins_at)
        stories.play(story, stage, stop_after=steps)
        note(stage.sessions, story, stage.business_key, number)
        played[story.id] = {"steps": steps, "business_key": stage.business_key, "at": clock.now().isoformat()}
        switch(stage.sessions, stage.business_key, "suspend")
    for rest in played.values():
        clock.set_to(datetime.fromisoformat(str(rest["at"])))
        switch(stage.sessions, str(rest["business_key"]), "resume")
    clock.reset()
    return played


def resting(story: Story, number: int) -> int:
    """How many steps are played: the last thing that somebody does is never among them."""
    done = [index for index, step in enumerate(story.steps) if "complete" in step or "message" in step]
    return done[len(done) * QUARTERS[number % len(QUARTERS)] // 4] if done else 0


def note(sessions: sessionmaker[Session], story: Story, business_key: str, number: int) -> None:
    """Leave a comment, and a file with every second matter."""
    by = str(story.start["by"])
    with sessions.begin() as session:
        comments.add(session, business_key, f"已联系客户（{number}）", by=by)
        if number % 2:
            attachments.add(session, business_key, name=f"说明{number}.txt", content=f"说明 {number}".encode(), by=by)


def switch(sessions: sessionmaker[Session], business_key: str, verb: str) -> None:
    """Suspend or resume what runs of a matter; what is called goes along."""
    with sessions.begin() as session:
        running = select(ProcessInstance.id).where(
            ProcessInstance.business_key == business_key,
            ProcessInstance.parent_id.is_(None),
            ProcessInstance.ended_at.is_(None),
        )
        for process_instance_id in session.scalars(running.order_by(ProcessInstance.id)).all():
            getattr(process_instances, verb)(session, process_instance_id, by=BY, reason=REASON)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.upgrades", description="Make a fixture of a database.")
    parser.add_argument("name", help="commit or number of the version that makes it")
    make(parser.parse_args().name)
