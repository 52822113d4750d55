"""Files are checked by another process, which may take only so much."""

from __future__ import annotations

from pathlib import Path

import pytest

from casepath.engine import deployments, errors
from casepath.engine.deployments import apart
from tests import diagrams
from tests.each import each

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
BROKEN = diagrams.process('<startEvent id="Start"/><task id="Task"/>', flow="Start > Nowhere")
LARGE = diagrams.process(
    '<startEvent id="Start"/><exclusiveGateway id="G"/>',
    *(f'<task id="t{number}"/>' for number in range(12_000)),
    flow="Start > G;" + ";".join(f"G > t{number} [${{a == {number}}}]" for number in range(12_000)),
)
#: Take more than a second to check.
MANY = {f"{name}.bpmn": LARGE for name in "abcd"}


@each(
    "files",
    [deployments.read_folder(PROCESSES / "complaint"), {"a.bpmn": BROKEN}, {"a.dmn": b"<", "a.form": b"{"}],
)
def test_inspect__finds_what_a_check_finds(files: dict[str, bytes]) -> None:
    assert deployments.inspect(files) == deployments.check(files).findings


def test_inspect__no_files() -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        deployments.inspect({})

    assert refused.value.code == "files-of-deployment"


@each("limits", [{"seconds": 1}, {"memory": 1}])
def test_inspect__takes_too_much(limits: dict[str, int]) -> None:
    found = deployments.inspect(MANY, **limits)

    assert [(each.level, each.code, each.file) for each in found] == [("error", "check-too-long", "a.bpmn")]


def test_inspect__does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PATIENCE", 0)

    assert [each.code for each in deployments.inspect(MANY)] == ["check-too-long"]
