"""The language: for the person, and for this browser while nobody is signed in."""

from __future__ import annotations

from flask import abort, current_app, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.i18n import COOKIE_SECONDS, LANGUAGE_COOKIE, LANGUAGES
from app.models import User
from app.security import safe_next
from app.services import accounts
from app.transaction import transaction
from app.ui.answers import see_other
from app.ui.blueprint import bp
from app.ui.theme import remember_theme


@bp.post("/language")
def choose_language() -> Response:
    """Remembers the language in this browser, and for the person if one is signed in."""
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        abort(422)
    if current_user.is_authenticated:
        with transaction():
            accounts.prefer(current_user, language=language, theme=current_user.theme)
    response = see_other(safe_next(request.form.get("next"), default=url_for("ui.list_instances")))
    remember_language(response, language)
    return response


def remember_language(response: Response, language: str) -> None:
    """Puts the language into a cookie, which is all that later requests look at."""
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=COOKIE_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )


def welcome(user: User, *, to: str) -> Response:
    """Sends who just signed in on, in the language and the theme they chose."""
    response = see_other(to)
    if user.language:
        remember_language(response, user.language)
    if user.theme:
        remember_theme(response, user.theme)
    return response
