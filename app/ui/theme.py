"""Light or dark: chosen, or as the system has it. The server writes it into the page, so that
nothing flashes while a page loads."""

from __future__ import annotations

from flask import Flask, abort, current_app, make_response, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.i18n import COOKIE_SECONDS
from app.security import safe_next
from app.services import accounts
from app.transaction import transaction
from app.ui.answers import see_other, wants_fragment
from app.ui.blueprint import bp

SYSTEM = "system"
THEMES = ("light", "dark", SYSTEM)
THEME_COOKIE, RAIL_COOKIE = "theme", "rail"


def register(app: Flask) -> None:
    """Tells the templates of `app` what was chosen."""
    app.jinja_env.globals.update(theme=chosen_theme, rail_is_narrow=rail_is_narrow)


def chosen_theme() -> str:
    """The theme of this browser; `system` unless another was chosen. It asks no database: what a
    person chose is put into the cookie when they sign in."""
    chosen = request.cookies.get(THEME_COOKIE, SYSTEM)
    return chosen if chosen in THEMES else SYSTEM


def rail_is_narrow() -> bool:
    """Whether the rail was folded in this browser; js/theme.js keeps that cookie."""
    return request.cookies.get(RAIL_COOKIE) == "narrow"


@bp.post("/theme")
def choose_theme() -> Response:
    """Remembers the theme in this browser, and for the person if one is signed in. A script puts
    it on at once; without scripts the page comes back in it."""
    theme = request.form.get("theme", "")
    if theme not in THEMES:
        abort(422)
    if current_user.is_authenticated:
        kept = None if theme == SYSTEM else theme
        with transaction():
            accounts.prefer(current_user, language=current_user.language, theme=kept)
    if wants_fragment():
        response: Response = make_response("", 204)
    else:
        start = url_for("ui.list_instances")
        response = see_other(safe_next(request.form.get("next"), default=start))
    remember_theme(response, theme)
    return response


def remember_theme(response: Response, theme: str) -> None:
    """Puts the theme into a cookie, which is all that later requests look at."""
    response.set_cookie(
        THEME_COOKIE,
        theme,
        max_age=COOKIE_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
