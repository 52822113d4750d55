"""
The proof bundle: what is known of some process instances, in a zip that a stranger verifies without us.

It holds their histories as the text that was hashed, the values, what the rows were when they were sealed, the files
that were deployed and attached, and a signed statement of where each chain ends; `docs/proof.md` describes the format.

    contents   the files of a bundle, out of the tables
    keys       the keys of the installation
    verify     the program that goes along: at most 200 lines that need nothing but Python
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.orm import Session

from casepath.engine.database import values
from casepath.engine.history.bundle import contents
from casepath.engine.history.bundle.keys import PublicKey, Signer, known, renew, signer
from casepath.engine.history.chain import at_text
from casepath.engine.time import clock

__all__ = ["FORMAT", "VERIFIER", "PublicKey", "Signatory", "Signer", "known", "renew", "signer", "write"]

FORMAT = "casepath proof 1"
VERIFIER = Path(__file__).with_name("verify.py")
MANIFEST, STATEMENT, SIGNATURE = "manifest.txt", "statement.json", "statement.sig"
#: The oldest date that a zip knows: the same content makes the same bytes whenever it is packed.
NO_DATE = (1980, 1, 1, 0, 0, 0)
UNIX, MODE = 3, 0o100644 << 16
#: What would hardly become smaller.
STORED = "attachments/"


@dataclass(frozen=True, kw_only=True)
class Signatory:
    """Who states what a bundle says: with which key, under which name, with which version of which product."""

    signer: Signer
    operator: str
    product: str


def write(
    session: Session,
    file: BinaryIO,
    process_instance_ids: Collection[int],
    *,
    matter: str | int,
    story: Mapping[str, bytes],
    signatory: Signatory,
) -> None:
    """
    Write the bundle of process instances into a file that can be sought in; `story` are files for people to read.

    Of what is packed only one file is in memory at a time. The session has to see the database as it is at one moment.
    """
    manifest = ""
    with zipfile.ZipFile(file, "w") as archive:
        found = contents.Contents(session, sorted(process_instance_ids))
        for name, content in [("verify.py", VERIFIER.read_bytes()), *sorted(story.items())]:
            manifest += _packed(archive, name, content)
        for name, content in found.files():
            manifest += _packed(archive, name, content)
        statement = {
            "at": at_text(clock.now()),
            "deployments": found.deployments,
            "format": FORMAT,
            "heads": found.heads,
            "key": signatory.signer.key,
            "manifest": sha256(manifest.encode()).hexdigest(),
            "matter": matter,
            "operator": signatory.operator,
            "product": signatory.product,
        }
        text = values.canonical(statement).encode()
        _packed(archive, MANIFEST, manifest.encode())
        _packed(archive, STATEMENT, text)
        _packed(archive, SIGNATURE, signatory.signer.sign(text).hex().encode())


def _packed(archive: zipfile.ZipFile, name: str, content: bytes) -> str:
    """Pack a file, and return its line in the manifest."""
    entry = zipfile.ZipInfo(name, NO_DATE)
    entry.create_system, entry.external_attr = UNIX, MODE
    packing = zipfile.ZIP_STORED if name.startswith(STORED) else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content, compress_type=packing, compresslevel=6)
    return f"{sha256(content).hexdigest()}  {name}\n"
