"""
The pages: `create_app` puts settings, blueprints and error pages together.

A view reads the request, makes one call of the engine and redirects or renders. Views that change something open
the transaction with `with g.sessions.begin() as session:`, views that only show with `g.readers.begin()`, which takes
no write lock. One folder is one noun: its view, its pages, its templates:

    auth            log in and out, who is asking, CSRF
    user_tasks      inbox and task page
    registration    start a process with its start form
    process_instances  matters: find, show, add to, repair
    registers       records that are kept beside the matters: find, fill in, change, from and to files
    reports         what is counted of the matters, with what is behind each number
    proofs          what is taken away of a matter for strangers to verify, and the keys that sign it
    definitions     processes, decision tables and forms: see, edit, deploy
    rehearsing      play a draft, with nothing leaving it
    operations      incidents, jobs, external tasks and workers: see, try again
    people          users and groups
    notifications   what one was told
    devices         on which somebody has logged in before
    errors          engine error → status and page; the only place that knows both
    phrases         what the engine says, in the language of the request
    filters         dates, states and people in templates
    forms           form definitions as HTML
    health          whether this process answers and the engine moves, for load balancers and on pages
    headers         the Content-Security-Policy and its companions
    languages       zh-CN and English
    navigation      what stands in the header
    public_forms    forms that people outside may send, where the installation allows it
    once            forms that make something only once, however often they arrive
    spreadsheets    files of a spreadsheet, written and read
    proxies         in front of the pages, and what is believed of what they say
    uploads         files that a form sends, and how many at once
"""

from __future__ import annotations

import importlib
from datetime import timedelta

from flask import Flask, g, request

from casepath.engine import database
from casepath.engine.rehearsal import Work
from casepath.settings import Settings
from casepath.web import (
    auth,
    errors,
    filters,
    forms,
    guidance,
    headers,
    health,
    languages,
    navigation,
    once,
    phones,
    phrases,
    proxies,
)

#: Modules with a blueprint named `bp`, in the order of the header.
BLUEPRINTS = (
    "auth",
    "health",
    "user_tasks.views",
    "user_tasks.kept_views",
    "user_tasks.several",
    "worklists.views",
    "registration.views",
    "process_instances.views",
    "papers.views",
    "proofs.views",
    "search.views",
    "registers.views",
    "registers.merging",
    "reports.views",
    "definitions.views",
    "definitions.comparing",
    "rehearsing.views",
    "operations.views",
    "people.views",
    "people.substitutes",
    "notifications.views",
    "incoming.views",
    "public_forms.views",
    "batches.views",
    "registers.imports",
)

#: What one request may send, in bytes: a form or a diagram; a form with files; the fields beside files.
MAX_REQUEST = 4 * 1024 * 1024
MAX_UPLOAD = 32 * 1024 * 1024
MAX_FIELDS = 1024 * 1024
#: How long a page waits for what others write, in seconds; nobody looks at an empty page for longer.
PATIENCE = 5.0


def create_app(
    settings: Settings | None = None, *, public_demo: bool = False, rehearsal_work: Work | None = None
) -> Flask:
    """
    Return the WSGI application; the database must have its tables (`engine.database.upgrade`).

    With `public_demo` every page says that everybody knows the passwords. `rehearsal_work` does in a rehearsal what
    workers do inside a database; without it, all of their work is answered by hand there.
    """
    settings = settings or Settings()
    app = Flask(__name__, static_folder="static", template_folder=".")
    configure(app, settings)
    app.jinja_env.globals["public_demo"] = public_demo
    connect(app, settings)
    app.extensions["rehearsal.work"] = rehearsal_work
    for part in (languages, headers, auth, errors, filters, forms, guidance, health, navigation, once, phones, phrases):
        part.init_app(app)
    for name in BLUEPRINTS:
        app.register_blueprint(importlib.import_module(f"casepath.web.{name}").bp)
    if settings.proxies:
        app.wsgi_app = proxies.believing(app.wsgi_app, settings.proxies)  # type: ignore[method-assign]
    return app


def configure(app: Flask, settings: Settings) -> None:
    """Set what Flask itself reads."""
    app.extensions["settings"] = settings
    settings.apply()
    app.config.update(
        SECRET_KEY=settings.signing_key(),
        MAX_CONTENT_LENGTH=MAX_REQUEST,
        MAX_FORM_MEMORY_SIZE=MAX_FIELDS,
        MAX_FORM_PARTS=2000,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        SESSION_COOKIE_NAME="__Host-casepath" if settings.is_https else "casepath",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_https,
        # A page that asks for news every few seconds must not keep its session alive for ever.
        SESSION_REFRESH_EACH_REQUEST=False,
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}


def connect(app: Flask, settings: Settings) -> None:
    """Give each request the factories of transactions: `g.sessions` for changes, `g.readers` for pages."""
    pool = database.connect(settings.database, patience=PATIENCE)
    sessions, readers = database.sessions(pool), database.sessions(pool, read_only=True)
    app.extensions["database"] = pool

    @app.before_request
    def prepare() -> None:
        g.settings, g.sessions, g.readers = settings, sessions, readers
        if request.mimetype == "multipart/form-data":
            request.max_content_length = MAX_UPLOAD
