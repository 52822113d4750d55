"""The papers that are declared for a process tell what its people wrote, whichever way the matter took."""

from __future__ import annotations

from pathlib import Path

import pytest

from casepath import stories
from casepath.demo import EngineStage
from casepath.engine import database, papers, settings
from casepath.engine.deployments import documents
from casepath.engine.queries import papers as printed
from casepath.engine.queries.papers import Printing
from casepath.engine.time import clock
from casepath.workers import Surroundings
from casepath.workers.loop import Loop
from tests import pdf
from tests.acceptance.wandering import ZONE
from tests.each import each

STORIES = {story.id: story for story in stories.read_all(Path(__file__).resolve().parents[2] / "processes")}


#: Story → document → what it tells.
TOLD = {
    "back_to_fm": {
        "after_sales_form": ["要求更换变速箱", "更换阀体总成", "又顿挫了", "CCAC处理结果已更换", "第4次已接通；满意"],
        "notice": ["更换阀体总成", "已更换", "☐满意☑不满意", "☑满意☐不满意"],
    },
    "court": {
        "after_sales_form": ["已委托律师", "未解决：要求现金，保养券不接受", "客户要求超出法律和厂家政策"],
        "notice": ["负责人决定结案已按法院调解履行", "赔得太少"],
    },
    "promised_with_approval": {"after_sales_form": ["抱怨原因毛刷有砂粒", "补漆并补偿500元", "处理结果客户接受"]},
    "irrational": {"after_sales_form": ["抱怨原因误解终身免费检测的内容", "处理结果客户接受，领取维修记录"]},
    "late_contact": {"sales_form": ["抱怨原因手续办理过程产生抱怨", "牌照办好送上门"]},
}


@each("story, documents_told", TOLD.items())
@pytest.mark.usefixtures("clock")
def test_papers__tell_what_was_written(
    story: str, documents_told: dict[str, list[str]], dealership_on_sqlite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings.current, "time_zone", ZONE.key)
    pool = database.connect(dealership_on_sqlite)
    sessions = database.sessions(pool)
    stage = EngineStage(sessions, Loop(Surroundings(sessions=sessions, time_zone="Asia/Shanghai")).rest)
    stories.play(STORIES[story], stage)

    missing = []
    for document, told in documents_told.items():
        with sessions.begin() as session:
            paper = printed.of_matter(
                session, documents.newest(session, document), stage.business_key, Printing(at=clock.now(), zone=ZONE)
            )
        text = pdf.bare(pdf.text(papers.pdf(paper)))
        missing += [(document, words) for words in told if pdf.bare(words) not in text]
    pool.dispose()
    assert missing == []
