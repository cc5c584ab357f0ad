"""Who calls: by API key, by bearer token, or by a browser's session."""

from __future__ import annotations

from flask import g, request
from flask_login import current_user

from app.api.blueprint import bp
from app.core.errors import NotFound, Unauthorized
from app.core.texts import N_
from app.models import User
from app.security import protect_cookie_request
from app.services import accounts

_BEARER = "bearer "
OPEN = frozenset({"api.login", "api.show_openapi"})
"""What nobody needs to be known for."""


@bp.before_request
def identify() -> None:
    """Finds out who calls before anything of the request is read. Raises Unauthorized."""
    if "\0" in request.path:
        raise NotFound()
    if request.endpoint not in OPEN:
        g.caller = _caller()


def caller() -> User:
    """The person this request acts for."""
    user: User = g.caller
    return user


def _caller() -> User:
    """A key or token that was sent decides alone: a wrong one is not made good by a cookie."""
    key = request.headers.get("X-API-Key")
    if key is not None:
        return accounts.by_key(key)
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        return _by_authorization(authorization)
    if not current_user.is_authenticated:
        raise Unauthorized(N_("Send an API key or a token."), code="unauthorized")
    protect_cookie_request()
    user: User = current_user._get_current_object()
    return user


def _by_authorization(value: str) -> User:
    if not value.lower().startswith(_BEARER):
        raise Unauthorized(N_("Only Bearer is understood here."), code="bad_authorization")
    credential = value[len(_BEARER) :].strip()
    if credential.startswith(accounts.KEY_PREFIX):
        return accounts.by_key(credential)
    return accounts.by_token(credential)
