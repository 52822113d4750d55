"""The commands of `dev.py` say in one sentence what a machine lacks."""

from __future__ import annotations

import ast
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import dev

ROOT = Path(__file__).resolve().parents[2]


def said(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """Run a command that cannot succeed, as if everything was set up; return what it ends with."""
    monkeypatch.setattr(dev, "setup", lambda: None)
    monkeypatch.setattr(sys, "argv", ["dev.py", *words])
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    with pytest.raises(SystemExit) as ended:
        dev.main()
    return ended.value.code


def test_python__that_is_too_old_understands_the_file_and_is_told() -> None:
    tree = ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    before = [node for node in tree.body if node.lineno < 20]

    assert not [node for node in before if isinstance(node, ast.ImportFrom)], "no Python before 3.7 has annotations"
    [check] = [node for node in before if isinstance(node, ast.If)]
    assert "version_info" in ast.unparse(check.test)


def test_run__port_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        code = said(monkeypatch, "run", "--port", str(port), "--data", str(tmp_path))

    assert str(code).startswith(f"dev.py: port {port} cannot be used")


@pytest.mark.parametrize("port", ["x", "70000", "-1", "²"])
def test_run__no_port(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert said(monkeypatch, "run", f"--port={port}") == 2
    assert f"expected a number from 0 to 65535, but found '{port}'" in capsys.readouterr().err


def test_run__folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    code = said(monkeypatch, "run", "--port", "0", "--data", "/dev/null/kept")

    assert str(code) == "dev.py: folder /dev/null/kept cannot be used (Not a directory); choose another with --data."


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["sh", "-c", "echo NewConnectionError; exit 1"], "a package registry could not be reached"),
        (["sh", "-c", "echo npm error code ENOTFOUND; exit 1"], "a package registry could not be reached"),
        (["sh", "-c", "echo the disk is full; exit 3"], "exit code 3: its last words were:\nthe disk is full"),
    ],
)
def test_step__that_fails_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[str], told: str
) -> None:
    monkeypatch.setattr(dev, "LOG", tmp_path / "setup.log")

    with pytest.raises(dev.MissingError, match=told):
        dev.step("Installing", command, quiet=True)


@pytest.mark.parametrize(("tested", "checked", "code"), [(0, 0, 0), (1, 0, 1), (0, 3, 3), (1, 3, 1)])
def test_test__tells_what_the_check_said_and_fails_with_either(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tested: int, checked: int, code: int
) -> None:
    monkeypatch.setattr(dev, "CHECK", [sys.executable, "-c", f"print('a finding'); raise SystemExit({checked})"])
    monkeypatch.setattr(dev, "pytest", lambda *arguments: tested)

    assert dev.test("-x") == code
    assert capsys.readouterr().out == "a finding\n"


def test_test__interrupted_ends_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(dev, "CHECK", ["sleep", "30"])
    monkeypatch.setattr(dev, "pytest", interrupted)
    started = time.monotonic()

    with pytest.raises(KeyboardInterrupt):
        dev.test()
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(("words", "named"), [([], "setup run check test bench"), (["run"], "--port --data")])
def test_help__names_what_there_is(words: list[str], named: str) -> None:
    asked = [sys.executable, str(ROOT / "dev.py"), *words, "--help"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=ROOT).stdout

    assert [name for name in named.split() if name not in said] == []
