"""Serve the pages, and a worker beside them."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from types import FrameType

import sqlalchemy

from casepath import http_server
from casepath.engine import database
from casepath.preparing import Preparing
from casepath.settings import Connector, Settings
from casepath.workers import Endpoint, Mail, Surroundings
from casepath.workers.loop import PATIENCE, Loop, repeat
from casepath.workers.watch import Watch

#: Told how many of how many steps are done.
Progress = Callable[[int, int], object]


def surroundings(settings: Settings, pool: sqlalchemy.Engine) -> Surroundings:
    """Return what workers need."""
    mail = None
    if settings.smtp_host:
        mail = Mail(
            host=settings.smtp_host,
            port=settings.smtp_port,
            user=settings.smtp_user,
            password=settings.smtp_password.get_secret_value(),
            encryption=settings.smtp_encryption,
            sender=settings.smtp_sender,
            timeout=settings.smtp_timeout,
            keep_trying=timedelta(days=settings.mail_retry_days),
        )
    return Surroundings(
        sessions=database.sessions(pool),
        mail=mail,
        endpoints={name: endpoint(known) for name, known in settings.connectors.items()},
        keep_trying=timedelta(days=settings.delivery_retry_days),
        url=settings.url,
        time_zone=settings.time_zone,
    )


def endpoint(known: Connector) -> Endpoint:
    """Return a server outside as workers know it."""
    return Endpoint(
        url=known.url.get_secret_value(),
        headers={name: value.get_secret_value() for name, value in known.headers.items()},
        secret=known.secret.get_secret_value(),
        timeout=known.timeout,
        private=known.private,
    )


def run(
    settings: Settings,
    pool: sqlalchemy.Engine,
    *,
    with_worker: bool,
    announce: Callable[[str], object],
    public_demo: bool = False,
    prepare: Callable[[Progress], object] | None = None,
) -> None:
    """
    Serve until SIGTERM or ctrl-C, then stop in a few seconds, nothing left half done.

    `prepare` runs first, while every page tells how far it is: it is given what to tell that, and may move the clock.
    Raises as `http_server.listen` does, and what `prepare` raises.
    """
    gate = Preparing()
    server, port = http_server.listen(settings, public_demo=public_demo, before=gate.before)
    # Port 0 is any that is free.
    settings = settings.model_copy(update={"port": port})
    loop = Loop(surroundings(settings, pool))
    over = threading.Event()
    failures: list[BaseException] = []

    def progress(done: int, count: int) -> None:
        if over.is_set():
            sys.exit()
        gate.progress(done, count)

    def begin() -> None:
        try:
            if prepare is not None:
                prepare(progress)
        except Exception as error:
            failures.append(error)
            signal.raise_signal(signal.SIGTERM)
            return
        gate.ready()
        if with_worker:
            loop.run()
        else:
            # Who else would tell that there is no worker?
            repeat(Watch(loop.surroundings).step, over)

    thread = threading.Thread(target=begin, name="worker" if with_worker else "watch", daemon=True)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        over.set()
        loop.stop()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    announce(f"Serving {settings.url}")
    thread.start()
    try:
        server.run()
    finally:
        over.set()
        loop.stop()
        server.close()
        thread.join(PATIENCE)
        pool.dispose()
        if failures:
            raise failures[0]
