"""A server in a process of its own, and people with browsers who use it."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

PASSWORD = "quiet-river-42"
#: Seconds that the server, or a command, may take to start on a machine under load.
STARTS_WITHIN = 90


class Browser:
    """Somebody with a browser: keeps cookies, sends the token of the page."""

    def __init__(self, address: str) -> None:
        self.address = address
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)
        self.token = ""

    def send(self, path: str, *, file: tuple[str, bytes] | None = None, **form: str) -> str:
        """
        Open a page, or send a form, with a file under its name; raises `HTTPError` for any answer that is no success.
        """
        wanted = urllib.request.Request(f"{self.address}{path}")
        if file is not None:
            wanted.data, wanted.headers["Content-type"] = self._multipart(file, form)
        elif form:
            wanted.data = urllib.parse.urlencode({**form, "csrf_token": self.token}).encode()
        with closing(self.opener.open(wanted, timeout=STARTS_WITHIN)) as answer:
            page: str = answer.read().decode()
        if found := re.search(r'name="csrf-token" content="([^"]+)"', page):
            self.token = found[1]
        return page

    def log_in(self, username: str) -> str:
        """Log in; return the inbox."""
        self.send("/login")
        return self.send("/login", username=username, password=PASSWORD)

    def _multipart(self, file: tuple[str, bytes], form: dict[str, str]) -> tuple[bytes, str]:
        field, content = file
        fields = {**form, "csrf_token": self.token}.items()
        parts = [f'--part\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{text}\r\n' for key, text in fields]
        parts += [f'--part\r\nContent-Disposition: form-data; name="{field}"; filename="photo.jpg"\r\n\r\n']
        return "".join(parts).encode() + content + b"\r\n--part--\r\n", "multipart/form-data; boundary=part"


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve the pages in a process of their own, with a worker; give their address and the process."""
    command = [sys.executable, "-m", "casepath", "serve", "--port", "0"]
    log = Path(environment["CASEPATH_DATA_FOLDER"]).with_name("log")
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        end = time.monotonic() + STARTS_WITHIN
        while (found := re.search(r"Serving (\S+)\n", log.read_text(encoding="utf-8"))) is None:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < end
            time.sleep(0.05)
        yield found[1], process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
