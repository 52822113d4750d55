"""Print what is silent in all files of some folders; see `tests.effects`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.effects.models import ENDINGS, ROOT, files, own
from tests.effects.silent import silent


def main() -> int:
    """Check all files; return 1 where one is silent."""
    parser = argparse.ArgumentParser(prog="python -m tests.effects", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="with models of others; none: those of this repository")
    folders = parser.parse_args().folders
    found = 0
    models = [model for folder in folders for model in files(folder)] if folders else own()
    for path, content in models:
        for piece in silent(path, content):
            print(f"{path}:{piece}", flush=True)
            found += 1
    print(f"{len(models)} files ({', '.join(ENDINGS)}) of {', '.join(map(str, folders)) or ROOT}: {found} silent")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
