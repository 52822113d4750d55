"""
The keys with which an installation signs its proof bundles: Ed25519, in files of the folder of its data.

    proof-key        the private key (PEM), made at first use, for nobody but whoever runs the installation
    proof-keys.pub   a line for each key that was ever used: the public one in hex, and since when

The database and the logs know neither.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from casepath.engine import errors
from casepath.engine.time import clock

PRIVATE, PUBLIC = "proof-key", "proof-keys.pub"
#: Hex digits of a fingerprint.
FINGERPRINT = 32


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """The part of a key that everybody may know."""

    #: 64 hex digits.
    text: str
    since: datetime

    @property
    def fingerprint(self) -> str:
        """What is short enough to be told by telephone: the beginning of the SHA-256 of its bytes, in hex."""
        return sha256(bytes.fromhex(self.text)).hexdigest()[:FINGERPRINT]


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Who signs: the public key in hex, and what makes a signature of 64 bytes."""

    key: str
    sign: Callable[[bytes], bytes]


def known(folder: Path) -> list[PublicKey]:
    """Return the public keys that were ever used, the one in use last; raises `InvalidInput` for a damaged list."""
    path = folder / PUBLIC
    found: dict[str, PublicKey] = {}
    try:
        for line in path.read_text(encoding="ascii").splitlines():
            text, since = line.split()
            found.pop(text, None)
            found[text] = PublicKey(text=bytes.fromhex(text).hex(), since=datetime.fromisoformat(since))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise errors.InvalidInput(
            "Nothing can be signed: the list of public keys, {file}, cannot be read ({found}).",
            code="proof-keys-unreadable", file=path.name, found=_reason(error),
        ) from error  # fmt: skip
    return list(found.values())


def signer(folder: Path) -> Signer:
    """
    Return who signs here, with a new key where there has never been one.

    Raises `InvalidInput` where the key is lost, cannot be read, or may be read by others.
    """
    # Asked first: who finds a key in the list and then no file knows that it was there.
    before = known(folder)
    path = folder / PRIVATE
    if not path.exists():
        if before:
            raise errors.InvalidInput(
                "Nothing can be signed: the key in {file} is gone. Please put it back, or make a new one with "
                "casepath history key --new.",
                code="proof-key-gone", file=path.name,
            )  # fmt: skip
        # Of two that begin together, both go on with the key of the first.
        _write(path, os.link)
    return _ready(folder, before)


def renew(folder: Path) -> Signer:
    """Have a new key sign from now on, and return it; the old public key stays known. Raises `InvalidInput`."""
    before = known(folder)
    _write(folder / PRIVATE, os.replace)
    return _ready(folder, before)


def _ready(folder: Path, before: list[PublicKey]) -> Signer:
    """Return who signs with the key that is there, whose public part is in the list from now on."""
    private = _read(folder / PRIVATE)
    text = private.public_key().public_bytes_raw().hex()
    if not before or before[-1].text != text:
        with (folder / PUBLIC).open("a", encoding="ascii") as file:
            file.write(f"{text} {clock.now().isoformat(timespec='seconds')}\n")
    return Signer(key=text, sign=private.sign)


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        is_open = os.name == "posix" and bool(path.stat().st_mode & 0o077)
        found = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(found, Ed25519PrivateKey):
            raise TypeError("another kind of key")
    except (OSError, TypeError, UnsupportedAlgorithm, ValueError) as error:
        raise errors.InvalidInput(
            "Nothing can be signed: the key in {file} cannot be read ({found}).",
            code="proof-key-unreadable", file=path.name, found=_reason(error),
        ) from error  # fmt: skip
    if is_open:
        raise errors.InvalidInput(
            "Nothing can be signed: others may read the key in {file}. Only its owner should (chmod 600).",
            code="proof-key-open", file=path.name,
        )  # fmt: skip
    return found


def _write(path: Path, put: Callable[[Path, Path], object]) -> None:
    """Write a new private key beside its place, whole and on the disk, and put it there; not over another's."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        put(unfinished, path)
    except FileExistsError:
        return
    except OSError as error:
        raise errors.InvalidInput(
            "Nothing can be signed: no key can be written to {file} ({found}).",
            code="proof-key-unwritable", file=path.name, found=_reason(error),
        ) from error  # fmt: skip
    finally:
        unfinished.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    """Return what went wrong; of what a library says of a key only the kind."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
