"""The person's language and time zone."""

from __future__ import annotations

from typing import Any

from babel.dates import get_timezone
from flask import Flask, current_app, has_request_context, request
from flask_babel import gettext

from app.core.errors import AppError
from app.extensions import babel

LANGUAGES = {"ru": "Русский", "en": "English"}
LANGUAGE_COOKIE = "language"
TIMEZONE_COOKIE = "timezone"
COOKIE_SECONDS = 365 * 24 * 3600


def register(app: Flask) -> None:
    """Gives `app` its languages and the reader's time zone."""
    babel.init_app(app, locale_selector=choose_language, timezone_selector=_choose_timezone)


def choose_language() -> str:
    """The language of this request: the chosen one, else the browser's, else the deployment's.

    It never asks the database: what a person chose is put into the cookie when they sign in.
    """
    default: str = current_app.config["BABEL_DEFAULT_LOCALE"]
    if not has_request_context():
        return default
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(LANGUAGES, default) or default


def words(msgid: str, params: dict[str, Any] | None = None) -> str:
    """`msgid` in the language of this request, its placeholders filled from `params`."""
    text: str = gettext(msgid)
    return text % params if params else text


def words_of(error: AppError) -> str:
    """What `error` says, in the language of this request."""
    return words(error.message, error.params)


def _choose_timezone() -> str | None:
    """The reader's time zone, as their browser told it; None for the server's default."""
    name = request.cookies.get(TIMEZONE_COOKIE, "") if has_request_context() else ""
    try:
        get_timezone(name)
    except (LookupError, ValueError):
        return None
    return name or None
