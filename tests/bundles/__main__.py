"""
Change the proof bundle of a matter again and again: both verifiers have to find each change and to name the place.

    python -m tests.bundles --changes 1000 --seed 1
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import func, select

from casepath.engine import database
from casepath.engine.database.models import Attachment, ProcessInstance
from casepath.engine.history import bundle
from casepath.engine.instances import proofs
from tests import bundles
from tests.bundles import changes
from tests.upgrades import fixtures


def signed(url: str, folder: Path) -> tuple[bytes, bundle.Signer]:
    """Return the bundle of a matter that has files and called processes, and who has signed it."""
    pool = database.connect(url)
    database.upgrade(pool)
    signer = bundle.signer(folder)
    with database.sessions(pool, read_only=True).begin() as session:
        of_matter = select(ProcessInstance.business_key).where(
            ProcessInstance.business_key.in_(select(Attachment.business_key))
        )
        most = of_matter.group_by(ProcessInstance.business_key).order_by(func.count().desc())
        key = session.scalars(most.limit(1)).one()
        signatory = bundle.Signatory(signer=signer, operator="tests", product="casepath")
        file = io.BytesIO()
        proofs.write(session, file, str(key), story={"story.en.html": b"<p>story</p>"}, signatory=signatory)
    pool.dispose()
    return file.getvalue(), signer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fixture", choices=fixtures.NAMES, default="0018")
    asked = parser.parse_args()
    began = time.monotonic()
    missed: list[str] = []
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content, signer = signed(fixtures.unpack(asked.fixture, folder), folder)
        paths, made = [], []
        for number, each in enumerate(changes.changed(content, signer, asked.changes, asked.seed)):
            path = folder / f"{number}.zip"
            path.write_bytes(each.content)
            paths.append(path)
            made.append((each.kind, each.places))
        in_javascript = bundles.found_in_javascript(paths, signer.key)
        for number, (path, (kind, places), second) in enumerate(zip(paths, made, in_javascript, strict=True)):
            counts[kind] += 1
            for verifier, found in (("verify.py", bundles.found_in_python(path, signer.key)), ("verify.mjs", second)):
                if not changes.named(found, places):
                    missed.append(f"{number} {kind}: {verifier} should name {places}, but found {found[:3]}")
    for line in missed:
        print(line)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    took = f"{time.monotonic() - began:.0f} s"
    print(f"{len(made)} changes of a bundle of {len(content)} bytes: {len(missed)} missed, {took}")
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
