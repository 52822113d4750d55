"""Under which name the pages may be asked for, and what they say of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from casepath.settings import Settings
from casepath.web import create_app


@pytest.mark.parametrize(
    ("host", "status"),
    [("casepath.dealer.example", 200), ("localhost:8000", 200), ("[::1]:8000", 200), ("evil.example", 400)],
)
def test_host__must_be_ours(tmp_path: Path, sqlite_url: str, host: str, status: int) -> None:
    settings = Settings(data_folder=tmp_path, database_url=sqlite_url, public_url="http://casepath.dealer.example")

    assert create_app(settings).test_client().get("/login", headers={"Host": host}).status_code == status


def test_banner__only_on_a_public_demo(app: Flask, tmp_path: Path, sqlite_url: str) -> None:
    settings = Settings(data_folder=tmp_path, database_url=sqlite_url)

    assert "demo-banner" in create_app(settings, public_demo=True).test_client().get("/login").text
    assert "demo-banner" not in app.test_client().get("/login").text
