"""Pages behind links that work once: the first administrator, an invitation, a new password."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.core.errors import AppError, NotFound
from app.models import User
from app.security import browser_sessions
from app.services import accounts, invitations, password_resets
from app.transaction import transaction
from app.ui.account_forms import AccountForm, ResetForm
from app.ui.answers import page, see_other
from app.ui.blueprint import bp
from app.ui.forms import show_error
from app.ui.language import welcome


@bp.get("/setup/<token>")
def show_setup(token: str) -> Response:
    """The form; a 404 that says so when the link was used or is too old."""
    accounts.check_setup_link(token)
    return page("account/setup.html", form=AccountForm(), token=token)


@bp.post("/setup/<token>")
def set_up(token: str) -> Response:
    """Makes the first administrator and signs them in."""
    form = AccountForm()
    return _enter(form, "account/setup.html", token, lambda: accounts.set_up(token, **_typed(form)))


@bp.get("/invite/<token>")
def show_invitation(token: str) -> Response:
    """The form for a new account; a 404 that says so when the link works no more."""
    form = AccountForm(data={"email": invitations.find(token).email})
    return page("account/invited.html", form=form, token=token)


@bp.post("/invite/<token>")
def accept_invitation(token: str) -> Response:
    """Makes the account and signs the person in."""
    form = AccountForm()
    return _enter(
        form, "account/invited.html", token, lambda: invitations.accept(token, **_typed(form))
    )


@bp.get("/reset/<token>")
def show_reset(token: str) -> Response:
    """The form for a new password; a 404 that says so when the link works no more."""
    user = password_resets.owner_of(token)
    return page("account/reset.html", form=ResetForm(), token=token, email=user.email)


@bp.post("/reset/<token>")
def reset_password(token: str) -> Response:
    """Sets the password; who followed the link then signs in with it."""
    form = ResetForm()
    user = password_resets.owner_of(token)
    try:
        with transaction():
            password_resets.use(token, password=form.password.data or "")
    except AppError as error:
        if isinstance(error, NotFound):
            raise
        show_error(form, error)
        return page(
            "account/reset.html", status=error.status, form=form, token=token, email=user.email
        )
    flash(gettext("The password was changed. Sign in with it."))
    return see_other(url_for("ui.show_sign_in"))


def _enter(form: AccountForm, template: str, token: str, make: Callable[[], User]) -> Response:
    """Makes an account and signs its owner in; the form again when something is not right."""
    try:
        with transaction():
            user = make()
            browser_sessions.sign_in(user, remember=False)
    except AppError as error:
        if isinstance(error, NotFound):
            raise
        show_error(form, error, field="email" if error.code == "email_taken" else "")
        return page(template, status=error.status, form=form, token=token)
    return welcome(user, to=url_for("ui.list_instances"))


def _typed(form: AccountForm) -> dict[str, str]:
    return {
        "email": form.email.data or "",
        "password": form.password.data or "",
        "name": form.name.data or "",
    }
