"""The package as a stranger installs it: one name, and everything below it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel brings."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=300)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, folder: Path, *arguments: str) -> str:
    """Run Python far from the checkout, with the wheel before everything else."""
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, *arguments]
    ended = subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    return ended.stdout


def test_wheel__adds_one_name(installed: Path) -> None:
    assert sorted(path.name for path in installed.iterdir() if path.suffix != ".dist-info") == ["casepath"]


def test_wheel__brings_its_parts(installed: Path, tmp_path: Path) -> None:
    program = "import casepath.engine, casepath.web; print(casepath.engine.__file__, *casepath.__path__)"

    assert run(installed, tmp_path, "-c", program).split() == [
        str(installed / "casepath" / "engine" / "__init__.py"),
        str(installed / "casepath"),
    ]


def test_wheel__deploys_the_processes_it_brings(installed: Path, tmp_path: Path) -> None:
    folder = installed / "casepath" / "processes" / "shared"

    assert "shared" in run(installed, tmp_path, "-m", "casepath", "--data", str(tmp_path), "deploy", str(folder))
