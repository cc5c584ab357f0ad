"""First start: the page behind the one-time link makes the first administrator."""

from __future__ import annotations

from flask import url_for
from werkzeug.wrappers import Response

from app.core.errors import AppError, NotFound
from app.security import browser_sessions
from app.services import accounts
from app.transaction import transaction
from app.ui.answers import page, see_other
from app.ui.blueprint import bp
from app.ui.forms import SetupForm, show_error


@bp.get("/setup/<token>")
def show_setup(token: str) -> Response:
    """The form; a 404 that says so when the link was used or is too old."""
    accounts.check_setup_link(token)
    return page("account/setup.html", form=SetupForm(), token=token)


@bp.post("/setup/<token>")
def set_up(token: str) -> Response:
    """Makes the first administrator and signs them in."""
    form = SetupForm()
    try:
        with transaction():
            user = accounts.set_up(
                token,
                email=form.email.data or "",
                password=form.password.data or "",
                name=form.name.data or "",
            )
    except NotFound:
        raise
    except AppError as error:
        show_error(form, error)
        return page("account/setup.html", status=error.status, form=form, token=token)
    browser_sessions.sign_in(user, remember=False)
    return see_other(url_for("ui.list_instances"))
