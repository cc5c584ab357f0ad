"""The page about oneself."""

from __future__ import annotations

from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.core.errors import NotFound
from app.models import User
from app.services import accounts
from app.ui.answers import page
from app.ui.blueprint import bp


@bp.get("/ui/profile")
@login_required
def show_profile() -> Response:
    """Email, name, role, and the API key behind a reveal."""
    return page("account/profile.html", key=_key_of(current_user))


def _key_of(user: User) -> str | None:
    try:
        return accounts.current_key(user).key_encrypted
    except NotFound:
        return None
