"""The models that are looked at: those of the processes and of the tests, or all of a folder."""

from __future__ import annotations

from pathlib import Path

from tests import breaches
from tests.breaches import activities, collaboration, events, execution, flows, structure

ROOT = Path(__file__).resolve().parents[2]
ENDINGS = (".bpmn", ".dmn", ".form")


def own() -> list[tuple[Path, bytes]]:
    """Return the models of this repository: of the processes, of the pages' tests, and of the rules of deployment."""
    areas = (activities, collaboration, events, execution, flows, structure)
    broken: list[breaches.Breach] = [breach for area in areas for breach in area.BREACHES]
    sound = {name: file for area in (collaboration, execution, flows, structure) for name, file in area.SOUND.items()}
    small = [(Path(f"breaches/{breach.code}-{breach.element}.bpmn"), breach.file) for breach in broken]
    small += [(Path(f"sound/{name}.bpmn"), file) for name, file in sound.items()]
    return [*files(ROOT / "processes"), *files(ROOT / "tests"), *small]


def files(folder: Path) -> list[tuple[Path, bytes]]:
    """Return the models in a folder and the folders in it."""
    return [(path, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.suffix in ENDINGS]
