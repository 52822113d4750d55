"""
Set up, run and check Casepath, with nothing but Python's standard library.

    python3 dev.py setup                        make .venv, install the project, bundle the scripts
    python3 dev.py run [--port N] [--data DIR]  serve the demo
    python3 dev.py check                        ruff and mypy
    python3 dev.py test [pytest arguments]      everything that is checked before a change counts
    python3 dev.py bench [--quick]              the benchmarks
    python3 dev.py mutate [module] [--sample N] change rules, and see which changes no test notices
"""

# Without `from __future__ import annotations`, so that any Python 3 gets as far as to say that it is too old.
import sys

if sys.version_info < (3, 11):
    sys.exit(f"dev.py: Python 3.11 or newer is needed, but this is Python {sys.version.split()[0]}.")

import argparse
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import tomllib
from pathlib import Path
from typing import IO, NoReturn

from tests import chromium

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
CACHE = ROOT / ".cache"
LOG = CACHE / "setup.log"
FONT_PACKAGE = "fonts-wqy-zenhei"

#: How to check in a process of its own.
CHECK = [sys.executable, str(ROOT / "dev.py"), "check"]

#: How long a program may take to stop when it is asked to, in seconds.
PATIENCE = 4

#: What pip and npm say when they cannot reach their registry.
UNREACHABLE = (
    "NewConnectionError", "NameResolutionError", "ConnectTimeout", "ReadTimeout", "ProxyError",
    "ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "EAI_AGAIN", "ETIMEDOUT",
)  # fmt: skip


class MissingError(Exception):
    """Something this machine lacks; the message says in one sentence what."""


def main() -> None:
    """Run the command named on the command line and exit with its code."""
    parser = argparse.ArgumentParser(description="Set up, run and check Casepath.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="make .venv, install the project, bundle the scripts")
    run_parser = commands.add_parser("run", help="serve the demo")
    run_parser.add_argument("--port", type=port_number, default=8000)
    run_parser.add_argument("--data", type=Path, default=ROOT / ".data", help="folder of the database (default: .data)")
    commands.add_parser("check", help="ruff and mypy")
    commands.add_parser("test", help="everything that is checked before a change counts")
    commands.add_parser("bench", help="the benchmarks")
    commands.add_parser("mutate", help="change rules, and see which changes no test notices", add_help=False)
    options, rest = parser.parse_known_args()
    if rest and options.command not in {"test", "bench", "mutate"}:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        sys.exit(perform(options, rest))
    except MissingError as missing:
        sys.exit(f"dev.py: {missing}")
    except KeyboardInterrupt:
        sys.exit(130)


def port_number(text: str) -> int:
    """Return the port that a text names; raises `ArgumentTypeError`."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 65535, but found '{text}'")
    return int(text)


def perform(options: argparse.Namespace, rest: list[str]) -> int:
    """Carry out one command and return its exit code; raises `MissingError`."""
    setup()
    if options.command == "run":
        serve(options.port, options.data.resolve())
    if options.command == "check":
        return check()
    if options.command == "test":
        setup_browser()
        return test(*rest)
    if options.command == "bench":
        return bench(*rest)
    if options.command == "mutate":
        return tool("tests.mutation", *rest)
    return 0


# Setting up


def setup() -> None:
    """Make `.venv` complete and the bundles current; a fraction of a second when nothing has changed."""
    CACHE.mkdir(exist_ok=True)
    stamp = VENV / ".casepath"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    if not (PYTHON.exists() and stamp.is_file() and stamp.read_text(encoding="ascii") == wanted):
        install()
        stamp.write_text(wanted, encoding="ascii")
    bundle()


def install() -> None:
    """Create the virtual environment where it is missing and install the project into it, editable."""
    if not PYTHON.exists():
        if not module_exists("venv") or not module_exists("ensurepip"):
            raise MissingError("Python's venv module is missing; Debian and Ubuntu have it in python3-venv.")
        step("Creating .venv", [sys.executable, "-m", "venv", str(VENV)])
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    # Without isolation the build uses the Node.js of .venv instead of unpacking a second one of 200 MB.
    step("Installing the build tools", [*pip, *build_requirements()])
    step("Installing Casepath and its libraries", [*pip, "--no-build-isolation", "--editable", ".[dev]"])


def module_exists(name: str) -> bool:
    """Whether this Python can import `name`."""
    return subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


def build_requirements() -> list[str]:
    """What `pyproject.toml` needs to build the project."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        requires: list[str] = tomllib.load(file)["build-system"]["requires"]
    return requires


def bundle() -> None:
    """Bundle the scripts of the pages and compile the translations, if their sources changed."""
    step("Bundling the scripts of the pages", [str(PYTHON), "hatch_build.py"], quiet=True)


def step(title: str, command: list[str], *, quiet: bool = False) -> None:
    """
    Run one step of the setup with its output in `.cache/setup.log`; `quiet` prints its title only when it is slow.

    Raises `MissingError` with the reason when it fails.
    """
    started = time.monotonic()
    announcement = threading.Timer(1.0 if quiet else 0.0, lambda: print(f"{title} …", flush=True))
    announcement.start()
    with LOG.open("w", encoding="utf-8") as log:
        try:
            code = run(command, output=log)
        finally:
            announcement.cancel()
    if code:
        raise MissingError(f"{title} failed with exit code {code}: {reason(LOG.read_text(encoding='utf-8'))}")
    if not quiet or time.monotonic() - started > 1:
        print(f"{title}: {time.monotonic() - started:.0f} s", flush=True)


def reason(output: str) -> str:
    """The reason of a failed step in one sentence, from what it printed."""
    if any(word in output for word in UNREACHABLE):
        return "a package registry could not be reached; check the network, and the mirrors that pip and npm use."
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(["its last words were:", *lines[-12:], f"All of them are in {LOG}."])


def setup_browser() -> None:
    """Make sure that the browser tests find Chromium and a Chinese font; raises `MissingError` when there is no way."""
    if not has_chinese_font():
        apt_install("Installing a Chinese font", FONT_PACKAGE)
    if chromium.find() is None:
        apt_install("Installing Chromium", "chromium")
    if chromium.find() is None:
        step("Unpacking Chromium from npm", [str(PYTHON), "-m", "tests.chromium"])


def has_chinese_font() -> bool:
    """Whether fontconfig knows a font with Chinese characters; without one the pages work but look empty."""
    if shutil.which("fc-list") is None:
        return False
    found = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=False)
    return bool(found.stdout.strip())


def apt_install(title: str, package: str) -> None:
    """Install a Debian package where this user may; where not, leave it to the caller to look for another way."""
    if shutil.which("apt-get") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    script = f"apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {package}"
    try:
        step(title, ["sh", "-c", script])
    except MissingError as missing:
        print(missing, flush=True)


def run(command: list[str], *, output: IO[str] | None = None) -> int:
    """
    Run a program at the root of the project without input and return its exit code.

    When this process is interrupted or terminated, the program and all that it started are stopped first.
    """
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
    ) as process:
        try:
            return process.wait()
        except BaseException:
            for number in (signal.SIGINT, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(process.pid, number)
                    process.wait(PATIENCE)
            raise


# Running and checking


def serve(port: int, folder: Path) -> NoReturn:
    """
    Become the server, so that signals reach it directly and nothing is left behind when it stops.

    Raises `MissingError` when the port is taken, or the folder cannot be had.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise MissingError(f"port {port} cannot be used ({error.strerror}); choose another with --port.") from error
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise MissingError(f"folder {folder} cannot be used ({error.strerror}); choose another with --data.") from error
    command = [str(BIN / "casepath"), "serve", "--demo", "--port", str(port), "--data", str(folder)]
    if os.name == "nt":
        sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)
    os.chdir(ROOT)
    os.execv(command[0], command)


def check() -> int:
    """Lint and type check everything; 0 when both are content."""
    link_parts()
    return max(tool("ruff", "check", "."), tool("mypy"))


def link_parts() -> None:
    """Show mypy the parts as they are imported, below `casepath`; Python itself finds them without these links."""
    folder = CACHE / "typed" / "casepath"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for part in [*(ROOT / "casepath").glob("*.py"), *(ROOT / name for name in ("engine", "web", "workers"))]:
        (folder / part.name).symlink_to(part, target_is_directory=part.is_dir())


def bench(*arguments: str) -> int:
    """Run the benchmarks one after the other, so that none disturbs another; 0 when all ran to their end."""
    names = sorted(path.stem for path in (ROOT / "tests" / "benchmarks").glob("bench_*.py"))
    return max((tool(f"tests.benchmarks.{name}", *arguments) for name in names), default=0)


def test(*arguments: str) -> int:
    """
    Run the tests, and check beside them: a core idles while they are collected, and at their end.

    Prints what the check said after the tests, whatever came of them, so that one run tells everything there is to
    mend; 0 when both are content.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        with subprocess.Popen(CHECK, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=said) as checking:
            try:
                tested = pytest(*arguments)
            except BaseException:
                checking.terminate()
                raise
        said.seek(0)
        print(said.read(), end="", flush=True)
    return tested or checking.returncode


def pytest(*arguments: str) -> int:
    """Run pytest, on all cores unless the arguments say otherwise; 0 when every test passed."""
    if {"-n", "no:xdist", "--pdb"} & set(arguments):
        return tool("pytest", *arguments)
    return tool("pytest", "-n", str(os.cpu_count() or 1), "--dist", "worksteal", *arguments)


def tool(module: str, *arguments: str) -> int:
    """Run a module of the virtual environment at the root of the project and return its exit code."""
    started = time.monotonic()
    print(f"— {module}", flush=True)
    code = run([str(PYTHON), "-m", module, *arguments])
    verdict = "passed" if code == 0 else f"failed with exit code {code}"
    print(f"— {module}: {verdict}, {time.monotonic() - started:.0f} s\n", flush=True)
    return code


if __name__ == "__main__":
    main()
