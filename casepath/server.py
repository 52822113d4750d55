"""Serve the pages, and a worker beside them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from types import FrameType

import sqlalchemy

from casepath import http_server
from casepath.engine import database
from casepath.settings import Connector, Settings
from casepath.workers import Endpoint, Mail, Surroundings
from casepath.workers.loop import PATIENCE, Loop, repeat, start_thread
from casepath.workers.watch import Watch


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
) -> None:
    """
    Serve until SIGTERM or ctrl-C, then stop in a few seconds, nothing left half done.

    Raises as `http_server.listen` does.
    """
    server, port = http_server.listen(settings, public_demo=public_demo)
    # Port 0 is any that is free.
    settings = settings.model_copy(update={"port": port})
    loop = Loop(surroundings(settings, pool))
    thread: threading.Thread | None = start_thread(loop) if with_worker else None
    over = threading.Event()
    if not with_worker:
        # Who else would tell that there is no worker?
        threading.Thread(target=repeat, args=(Watch(loop.surroundings).step, over), name="watch", daemon=True).start()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        loop.stop()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    announce(f"Serving {settings.url}")
    try:
        server.run()
    finally:
        over.set()
        loop.stop()
        server.close()
        if thread is not None:
            thread.join(PATIENCE)
        pool.dispose()
