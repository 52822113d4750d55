"""The language of a page: the user's, else what was chosen before logging in, else the installation's."""

from __future__ import annotations

import functools
from pathlib import Path

import flask_babel
from babel.support import NullTranslations, Translations
from flask import Flask, g, session

from casepath.settings import LANGUAGES

#: What each language calls itself.
NAMES = {"zh_CN": "中文", "en": "English"}
CATALOGUES = Path(__file__).parent / "translations"


class Domain(flask_babel.Domain):  # type: ignore[misc]
    """The texts of a language by the name of its folder; Babel itself would make zh_Hans_CN of zh_CN."""

    def get_translations(self) -> NullTranslations:
        return catalogue(chosen())


class Babel(flask_babel.Babel):  # type: ignore[misc]
    """Flask-Babel with our catalogues."""

    @property
    def domain_instance(self) -> Domain:
        return Domain()


@functools.cache
def catalogue(language: str, domain: str = "messages") -> NullTranslations:
    """
    Return the texts of a language: `messages` of the pages, or what `engine` says.

    Texts are written in English, so English needs no catalogue.
    """
    return Translations.load(CATALOGUES, [language], domain)


def init_app(app: Flask) -> None:
    """Choose the language of each request; templates know `language`, `languages` and `html_language`."""
    settings = app.extensions["settings"]
    Babel(
        app,
        default_locale=settings.default_language,
        default_timezone=settings.time_zone,
        locale_selector=chosen,
        timezone_selector=lambda: settings.time_zone,
    )
    app.context_processor(
        lambda: {"language": chosen(), "languages": NAMES, "html_language": chosen().replace("_", "-")}
    )


def chosen() -> str:
    """Return the language of this request: one of `LANGUAGES`."""
    if (asked := g.get("asked_language")) in LANGUAGES:
        return str(asked)
    person = g.get("person")
    wanted = person.language if person else session.get("language")
    return str(wanted) if wanted in LANGUAGES else str(g.settings.default_language)


def ask_for(language: str) -> None:
    """Show this page in a language whatever was chosen before, `zh_CN` or `zh-CN`; what is none changes nothing."""
    g.asked_language = language.replace("-", "_")


def of_names() -> str:
    """Return the language of the texts beside diagrams, as the name of their file says it."""
    return "zh" if is_chinese() else chosen()


def is_chinese() -> bool:
    """Tell whether this request's texts are Chinese; for texts that come in both languages from the engine."""
    return chosen().startswith("zh")


def in_each(text: str) -> list[str]:
    """Return a text of the pages in every language, for what people may have written in any."""
    return [catalogue(language).gettext(text) for language in NAMES]


def of_engine(text: str) -> str:
    """Return a text of the engine in the language of this request, with its gaps."""
    return catalogue(chosen(), "engine").gettext(text)


def gettext(message: str, **facts: object) -> str:
    """Return a text in the language of this request, with its facts filled in."""
    return str(flask_babel.gettext(message, **facts))
