"""What is served while a demo is being prepared: how far it is, on every page, until the pages themselves are there."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

#: Seconds after which a browser asks again.
AGAIN = 2
_PAGE = """<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{again}">
<title>Casepath {percent} %</title>
<style>
  body {{ font: 1.1rem/1.6 system-ui, sans-serif; color: #1d2b30; max-width: 34rem; margin: 20vh auto; }}
  body {{ padding: 0 1rem; }}
  progress {{ width: 100%; height: 1.2rem; accent-color: #0b6272; }}
</style>
<h1>Casepath</h1>
<p>正在准备演示数据：案例依次重演，完成后自动进入。</p>
<p lang="en">The demo is being prepared: its matters are played. The pages open by themselves when it is done.</p>
<progress max="100" value="{percent}" aria-label="{percent} %"></progress>
<p>{percent} %</p>
</html>
"""


class Preparing:
    """Stands before an application until it is ready; only whether the server lives is told at once."""

    def __init__(self) -> None:
        self._percent = 0
        self._is_ready = False

    def before(self, app: WSGIApplication) -> WSGIApplication:
        """Return an application that tells how far it is, and is the other one as soon as that is ready."""

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if self._is_ready or environ.get("PATH_INFO") == "/healthz":
                return app(environ, start_response)
            page = _PAGE.format(again=AGAIN, percent=self._percent).encode()
            headers = [
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Length", str(len(page))),
                ("Cache-Control", "no-store"),
                ("Retry-After", str(AGAIN)),
            ]
            start_response("503 Service Unavailable", headers)
            return [page]

        return answer

    def progress(self, done: int, count: int) -> None:
        """Note how far it is."""
        self._percent = 100 * done // max(count, 1)

    def ready(self) -> None:
        """Let the application answer from now on."""
        self._is_ready = True
