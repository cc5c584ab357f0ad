"""Signing in and out."""

from __future__ import annotations

from flask import redirect, request, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.core.errors import AppError, Unauthorized
from app.models import User
from app.security import browser_sessions, limit_sign_in, safe_next
from app.services import accounts
from app.transaction import transaction
from app.ui.account_forms import EmailSignInForm, KeySignInForm
from app.ui.answers import page, see_other
from app.ui.blueprint import bp
from app.ui.forms import show_error
from app.ui.language import welcome

BY_EMAIL, BY_KEY = "email", "key"


@bp.get("/")
def show_start() -> Response:
    """The way in."""
    return redirect(url_for("ui.list_instances"))


@bp.get("/login")
def show_sign_in() -> Response:
    """The sign-in page; whoever is signed in already is sent on."""
    if current_user.is_authenticated:
        return see_other(_next())
    return _sign_in_page(_form(request.args.get("by")))


@bp.post("/login")
def sign_in() -> Response:
    """Signs in with an email address and a password, or with an API key."""
    form = _form(request.form.get("by"))
    try:
        user = _who(form)
    except Unauthorized as error:
        show_error(form, error, field="key" if isinstance(form, KeySignInForm) else "password")
        return _sign_in_page(form, status=error.status)
    except AppError as error:
        show_error(form, error)
        return _sign_in_page(form, status=error.status)
    with transaction():
        browser_sessions.sign_in(user, remember=form.remember.data)
    return welcome(user, to=_next())


@bp.post("/logout")
def sign_out() -> Response:
    """Ends the session of this browser."""
    with transaction():
        browser_sessions.sign_out()
    return see_other(url_for("ui.show_sign_in"))


@bp.post("/logout/everywhere")
@login_required
def sign_out_everywhere() -> Response:
    """Ends every session of the person, this one too, and the tokens of programs."""
    me = browser_sessions.current_person()
    with transaction():
        accounts.sign_out_everywhere(me, keep=None)
        browser_sessions.sign_out()
    return see_other(url_for("ui.show_sign_in"))


def _form(by: str | None) -> EmailSignInForm | KeySignInForm:
    return KeySignInForm() if by == BY_KEY else EmailSignInForm()


def _who(form: EmailSignInForm | KeySignInForm) -> User:
    if isinstance(form, KeySignInForm):
        key = (form.key.data or "").strip()
        limit_sign_in(f"key {key[:12]}")
        return accounts.by_key(key)
    email = form.email.data or ""
    limit_sign_in(email)
    return accounts.by_password(email, form.password.data or "")


def _next() -> str:
    return safe_next(request.values.get("next"), default=url_for("ui.list_instances"))


def _sign_in_page(form: EmailSignInForm | KeySignInForm, status: int = 200) -> Response:
    form.next.data = request.values.get("next", "")
    by = BY_KEY if isinstance(form, KeySignInForm) else BY_EMAIL
    told = {"form": form, "by": by, "nobody_yet": accounts.nobody_yet()}
    return page("account/sign_in.html", status=status, **told)
