"""The language of a page: the user's, else what was chosen before logging in, else the installation's."""

from __future__ import annotations

import flask_babel
from flask import Flask, g, session
from flask_babel import Babel, get_locale

from web.settings import LANGUAGES

#: What each language calls itself.
NAMES = {"zh_CN": "中文", "en": "English"}


def init_app(app: Flask) -> None:
    """Choose the language of each request; templates know `language`, `languages` and `html_language`."""
    Babel(
        app,
        default_locale=app.extensions["settings"].default_language,
        default_timezone=app.extensions["settings"].time_zone,
        locale_selector=chosen,
        timezone_selector=lambda: app.extensions["settings"].time_zone,
    )
    app.context_processor(
        lambda: {"language": chosen(), "languages": NAMES, "html_language": chosen().replace("_", "-")}
    )


def chosen() -> str:
    """Return the language of this request: one of `LANGUAGES`."""
    person = g.get("person")
    wanted = person.language if person else session.get("language")
    return str(wanted) if wanted in LANGUAGES else str(g.settings.default_language)


def is_chinese() -> bool:
    """Tell whether this request's texts are Chinese; for texts that come in both languages from the engine."""
    return str(get_locale()).startswith("zh")


def gettext(message: str, **facts: object) -> str:
    """Return a text in the language of this request, with its facts filled in."""
    return str(flask_babel.gettext(message, **facts))
