"""The keys that sign proof: made once, for nobody but who runs the installation, and never silently another one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from casepath.engine import errors
from casepath.engine.history import bundle
from casepath.engine.history.bundle import keys, verify
from tests.each import each


def test_signer__makes_a_key_at_first_use_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert bundle.known(folder) == []

    signer = bundle.signer(folder)

    assert bundle.signer(folder).key == signer.key
    assert [each.text for each in bundle.known(folder)] == [signer.key]
    assert stat.S_IMODE((folder / keys.PRIVATE).stat().st_mode) == 0o600
    assert verify.is_signed(bytes.fromhex(signer.key), b"text", signer.sign(b"text"))
    assert {path.name for path in folder.iterdir()} == {keys.PRIVATE, keys.PUBLIC}
    # What is not to be seen is not to be seen by accident.
    assert b"PRIVATE" not in (folder / keys.PUBLIC).read_bytes()
    assert "PRIVATE" not in repr(signer)


def test_signer__of_many_that_begin_at_once_all_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = {signer.key for signer in pool.map(lambda _: bundle.signer(tmp_path), range(64))}

    assert len(found) == 1
    assert [each.text for each in bundle.known(tmp_path)] == [*found]


def test_renew__the_old_public_key_stays_known(tmp_path: Path) -> None:
    old = bundle.signer(tmp_path).key

    new = bundle.renew(tmp_path).key

    assert new != old
    assert bundle.signer(tmp_path).key == new
    assert [each.text for each in bundle.known(tmp_path)] == [old, new]


def make_unreadable(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


@each(
    "name, damage, code",
    [
        (keys.PRIVATE, lambda path: path.unlink(), "proof-key-gone"),
        (keys.PRIVATE, lambda path: path.write_bytes(b"nonsense"), "proof-key-unreadable"),
        (keys.PRIVATE, make_unreadable, "proof-key-unreadable"),
        (keys.PRIVATE, lambda path: path.chmod(0o640), "proof-key-open"),
        (keys.PUBLIC, lambda path: path.write_text("nonsense\n"), "proof-keys-unreadable"),
    ],
)
def test_signer__says_what_is_wrong_and_makes_no_other_key(
    name: str, damage: Callable[[Path], object], code: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    bundle.signer(folder)
    before = (folder / keys.PUBLIC).read_bytes()
    damage(folder / name)

    with pytest.raises(errors.InvalidInput, match="Nothing can be signed") as refusal:
        bundle.signer(folder)

    assert refusal.value.code == code
    assert name == keys.PUBLIC or (folder / keys.PUBLIC).read_bytes() == before


def test_signer__says_that_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_words: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(errors.InvalidInput, match="No space left"):
        bundle.signer(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_signer__a_key_of_another_kind(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    text = X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / keys.PRIVATE).write_bytes(text)
    (tmp_path / keys.PRIVATE).chmod(0o600)

    with pytest.raises(errors.InvalidInput, match="cannot be read"):
        bundle.signer(tmp_path)
