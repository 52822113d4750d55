"""Settings from the environment and a file, and the secret key."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pydantic
import pytest

from casepath.installation import read_settings
from casepath.settings import Settings
from tests.each import each


def test_settings__defaults_lie_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path)
    assert settings.database == f"sqlite:///{tmp_path / 'casepath.db'}"
    assert settings.url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(("host", "url"), [("::1", "http://[::1]:8000"), ("0.0.0.0", "http://0.0.0.0:8000")])
def test_url__of_a_host(tmp_path: Path, host: str, url: str) -> None:
    assert Settings(data_folder=tmp_path, host=host).url == url


def test_settings__environment_wins_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "casepath.toml").write_text('port = 9000\ntime_zone = "Europe/Berlin"\n', encoding="utf-8")
    monkeypatch.setenv("CASEPATH_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("CASEPATH_PORT", "9100")

    settings = Settings()

    assert (settings.port, settings.time_zone) == (9100, "Europe/Berlin")


def test_settings__another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dealer.toml").write_text('database_url = "postgresql://db/casepath"\n', encoding="utf-8")
    monkeypatch.setenv("CASEPATH_CONFIG_FILE", str(tmp_path / "dealer.toml"))

    assert Settings(data_folder=tmp_path).database == "postgresql://db/casepath"


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "x"), ("PORT", "70000"), ("TIME_ZONE", "Shanghai"), ("TIME_ZONE", "../etc"), ("DEFAULT_LANGUAGE", "de")],
)
def test_settings__refused_naming_the_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"CASEPATH_{name}", value)
    with pytest.raises(pydantic.ValidationError, match=name.lower()):
        Settings(data_folder=tmp_path)


def test_signing_key__made_once_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    key = Settings(data_folder=tmp_path / "new").signing_key()

    assert len(key) >= 43
    assert Settings(data_folder=tmp_path / "new").signing_key() == key
    assert stat.S_IMODE((tmp_path / "new" / "secret-key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret-key"]


def test_signing_key__the_same_for_all_that_start_together(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = {*pool.map(lambda _: Settings(data_folder=tmp_path).signing_key(), range(32))}

    assert len(keys) == 1


def test_signing_key__given(tmp_path: Path) -> None:
    assert Settings(data_folder=tmp_path, secret_key=pydantic.SecretStr("open-sesame")).signing_key() == "open-sesame"
    assert "open-sesame" not in repr(Settings(data_folder=tmp_path, secret_key=pydantic.SecretStr("open-sesame")))


@each("text, found", [("", ()), ("127.0.0.1", ("127.0.0.1/32",)), (" 10.1.0.0/16, ::1 ,", ("10.1.0.0/16", "::1/128"))])
def test_proxies(tmp_path: Path, text: str, found: tuple[str, ...]) -> None:
    assert tuple(map(str, Settings(data_folder=tmp_path, trusted_proxies=text).proxies)) == found


@each("text", ["1", "proxy.example", "10.1.0.1/16", "10.0.0.0/33", "10.1.0.0/16;::1"])
def test_proxies__that_are_none_are_told_in_a_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="Expected addresses or networks such as"):
        Settings(data_folder=tmp_path, trusted_proxies=text)


def test_connectors__from_the_file(tmp_path: Path) -> None:
    text = '[connectors.wecom]\nurl = "https://qyapi.example/send?key=hidden"\nheaders = {X-App = "casepath"}\n'
    (tmp_path / "casepath.toml").write_text(text, encoding="utf-8")

    known = Settings(data_folder=tmp_path).connectors["wecom"]

    assert known.url.get_secret_value().endswith("key=hidden")
    assert (known.headers["X-App"].get_secret_value(), known.private) == ("casepath", False)
    assert "hidden" not in repr(known)


@pytest.mark.parametrize(
    "value", ['{"a": {"url": "ftp-hidden"}}', '{"a": {"token": "short-hidden"}}', '{"a": {"colour": "hidden"}}']
)
def test_connectors__refused_without_telling_what_is_in_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("CASEPATH_CONNECTORS", value)
    with pytest.raises(click.ClickException) as caught:
        read_settings(tmp_path)
    assert "hidden" not in caught.value.message
