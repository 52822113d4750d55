"""What load balancers and administrators are told of the health of the house."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine.instances import signs
from casepath.engine.settings import current
from casepath.engine.time import clock as engine_clock
from tests.web.visitor import Visitor, text

Visit = Callable[[str | None], Visitor]
Rows = sessionmaker[Session]

BANNER = 'class="standstill"'


@pytest.fixture
def worker(rows: Rows, clock: ModuleType) -> Callable[[], None]:
    """Have a worker give signs of life; the clock stands still until it is moved."""
    clock.set_to(clock.now())

    def sign() -> None:
        with rows.begin() as session:
            for name in ("jobs", "topics"):
                signs.give(session, "house.example/7", name, began_at=engine_clock.now(), topics=["notify"])

    return sign


def test_healthz(nobody: Visitor) -> None:
    assert nobody.get("/healthz").status_code == 200


def test_readyz__with_a_living_worker(nobody: Visitor, worker: Callable[[], None], clock: ModuleType) -> None:
    worker()
    clock.move(timedelta(seconds=7))

    answer = nobody.get("/readyz")

    assert answer.status_code == 200
    assert answer.json == {
        "ready": True,
        "reasons": [],
        "oldest_due_job": None,
        "topics": [],
        "threads": [
            {"name": "jobs", "running": 7, "seen": 7, "restarts": 0},
            {"name": "topics", "running": 7, "seen": 7, "restarts": 0},
        ],
    }
    assert answer.headers["Cache-Control"] == "no-store"
    assert "house.example" not in text(answer)


def test_readyz__when_nothing_moves(nobody: Visitor, worker: Callable[[], None], clock: ModuleType) -> None:
    worker()
    clock.move(current.silent_after + timedelta(seconds=1))

    answer = nobody.get("/readyz")

    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["reasons"] == [
        {"code": "silent", "thread": "jobs", "seconds": 61},
        {"code": "silent", "thread": "topics", "seconds": 61},
    ]


def test_banner__for_those_who_can_help(visit: Visit, worker: Callable[[], None], clock: ModuleType) -> None:
    worker()
    assert BANNER not in text(visit("administrator").get("/tasks/"))

    clock.move(current.silent_after + timedelta(seconds=1))

    page = text(visit("administrator").get("/tasks/"))
    assert page.count(BANNER) == 2
    assert "没有工作者处理定时器和后续步骤" in page
    assert BANNER not in text(visit("alice").get("/tasks/"))


@pytest.mark.usefixtures("rows")
def test_banner__in_english(visit: Visit) -> None:
    administrator = visit("administrator")
    administrator.post("/language", {"language": "en"})

    assert "No worker sends notices and makes documents." in text(administrator.get("/tasks/"))


def test_workers__page(visit: Visit, worker: Callable[[], None], clock: ModuleType) -> None:
    administrator = visit("administrator")
    assert "没有工作者活动过" in text(administrator.get("/operations/workers"))
    worker()
    page = text(administrator.get("/operations/workers"))
    assert "house.example" in page
    assert "正常" in page
    assert "notify" in page

    clock.move(current.silent_after + timedelta(seconds=1))

    assert "无响应" in text(administrator.get("/operations/workers"))
    assert visit("alice").get("/operations/workers").status_code == 403
