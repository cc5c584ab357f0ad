"""Browser sessions: who a cookie stands for, and that a request was really meant."""

from __future__ import annotations

from datetime import timedelta
from typing import NoReturn

from flask import Flask, session
from flask_login import login_user, logout_user

from app.config import Settings
from app.core.errors import Unauthorized
from app.extensions import csrf, login_manager
from app.models import User
from app.services import accounts

REMEMBERED_FOR = timedelta(days=30)


def register(app: Flask, settings: Settings) -> None:
    """Sets up Flask-Login: who is signed in, and what happens to who is not."""
    app.config.update(
        REMEMBER_COOKIE_DURATION=REMEMBERED_FOR,
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=settings.secure_cookies,
    )
    login_manager.session_protection = "basic"  # "strong" throws out a phone that changes networks
    login_manager.user_loader(accounts.by_session)
    login_manager.unauthorized_handler(_refuse)


def protect_cookie_request() -> None:
    """Checks the CSRF token of a request that a cookie authenticates.

    For every unsafe request from a browser's session, pages and API alike; never for one that
    brings an API key or a token. Raises flask_wtf.csrf.CSRFError.
    """
    csrf.protect()


def sign_in(user: User, *, remember: bool) -> None:
    """Makes this browser's session `user`'s; nothing of an earlier session is kept."""
    session.clear()
    login_user(user, remember=remember)


def sign_out() -> None:
    """Ends this browser's session."""
    session.clear()
    logout_user()  # last: it leaves a mark in the session that clears the remembering cookie


def _refuse() -> NoReturn:
    raise Unauthorized()
