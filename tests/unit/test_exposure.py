"""What forbids to serve other machines."""

from __future__ import annotations

from pathlib import Path

import pydantic
import pytest

from casepath import exposure
from casepath.settings import Settings

SAFE = {"host": "0.0.0.0", "public_url": "https://casepath.dealer.example", "trusted_proxies": "10.0.0.5"}


def settings(tmp_path: Path, **changed: object) -> Settings:
    return Settings(data_folder=tmp_path, **(SAFE | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_objections__none_on_this_machine(tmp_path: Path, host: str) -> None:
    known = settings(tmp_path, host=host, public_url="", secret_key=pydantic.SecretStr("x"))

    assert list(exposure.objections(known, demo_people=["admin"], public_demo=False)) == []


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"public_url": ""}, "public_url"),
        ({"public_url": "http://casepath.dealer.example"}, "https"),
        ({"secret_key": pydantic.SecretStr("k" * 31)}, "secret_key"),
    ],
)
def test_objections__beyond_it(tmp_path: Path, changed: dict[str, object], word: str) -> None:
    (objection,) = exposure.objections(settings(tmp_path, **changed), demo_people=[], public_demo=False)

    assert word in objection


@pytest.mark.parametrize(
    "changed",
    [{}, {"secret_key": pydantic.SecretStr("k" * 32)}, {"public_url": "http://10.0.0.5:8000", "plain_http": True}],
)
def test_objections__none_where_it_is_safe(tmp_path: Path, changed: dict[str, object]) -> None:
    assert list(exposure.objections(settings(tmp_path, **changed), demo_people=[], public_demo=False)) == []


def test_objections__people_of_the_demo(tmp_path: Path) -> None:
    (objection,) = exposure.objections(settings(tmp_path), demo_people=["admin_yang"], public_demo=False)

    assert "admin_yang" in objection
    assert list(exposure.objections(settings(tmp_path), demo_people=["admin_yang"], public_demo=True)) == []


def test_warnings__of_proxies(tmp_path: Path) -> None:
    behind = settings(tmp_path, host="127.0.0.1")

    assert list(exposure.warnings(behind)) == []
    nobody, everybody = settings(tmp_path, trusted_proxies=""), settings(tmp_path, trusted_proxies="10.0.0.5, ::/0")
    assert "trusted_proxies is empty" in next(exposure.warnings(nobody))
    assert "the whole internet" in next(exposure.warnings(everybody))


def test_cookies__are_secure_where_people_come_through_tls(tmp_path: Path) -> None:
    assert settings(tmp_path).is_https
    assert not Settings(data_folder=tmp_path).is_https


@pytest.mark.parametrize("url", ["casepath.example", "ftp://casepath.example", "https://"])
def test_public_url__that_is_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="public_url"):
        settings(tmp_path, public_url=url)
