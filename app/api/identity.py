"""Who calls: by API key, by bearer token, or by a browser's session."""

from __future__ import annotations

import structlog
from flask import Response, g, request
from flask_login import current_user
from sqlalchemy.exc import DBAPIError

from app.api import manners, scopes
from app.api.blueprint import bp
from app.core.errors import Forbidden, NotFound, Unauthorized
from app.core.scopes import Scope
from app.core.texts import N_
from app.models import User
from app.models.user import BY_KEY, BY_TOKEN
from app.security import browser_sessions, protect_cookie_request
from app.services import accounts, api_keys
from app.transaction import transaction

log = structlog.get_logger(__name__)

_BEARER = "bearer "


@bp.before_request
def identify() -> None:
    """Finds out who calls before anything of the request is read. Raises Unauthorized."""
    if "\0" in request.path:
        raise NotFound()
    if (request.endpoint or "").removeprefix("api.") not in scopes.OPEN:
        g.caller = _caller()
        manners.count(g.key.id if "key" in g else g.caller.id)
        g.caller_id = g.caller.id  # may still be asked for when the row is gone


@bp.after_request
def note_use(response: Response) -> Response:
    """Writes down, once a minute at most, that the key is used."""
    key_id = g.pop("key_to_note", None)
    if key_id is not None:
        try:
            with transaction():
                api_keys.note_use(key_id)
        except DBAPIError as error:
            log.warning("api_key.not_noted", error=str(error.orig))
    return response


def caller() -> User:
    """The person this request acts for."""
    user: User = g.caller
    return user


def identified() -> User:
    """Who this request acts for, looked up anew: for an answer that goes on for minutes. Raises
    Unauthorized or Forbidden when the key, the token or the sign-in counts no more."""
    g.pop("_login_user", None)  # Flask-Login's
    return _caller()


def need(scope: Scope) -> None:
    """Nothing. Raises Forbidden when the request came with a key that has not this scope: for what
    an operation tells only on demand."""
    scopes.need(g.get("key"), scope)


def may(scope: Scope) -> bool:
    """Whether the request came without a key, or with one that has this scope."""
    return scopes.has(g.get("key"), scope)


def administrator() -> User:
    """The caller, who may manage people. Raises Forbidden, before anything is looked up, so that
    nobody else learns who is there."""
    user = caller()
    if not user.is_administrator:
        raise Forbidden(N_("Only administrators may do this."), code="administrators_only")
    return user


def _caller() -> User:
    """A key or token that was sent decides alone: a wrong one is not made good by a cookie."""
    key = request.headers.get("X-API-Key")
    if key is not None:
        return _by_key(key)
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        return _by_authorization(authorization)
    if not current_user.is_authenticated:
        raise Unauthorized(N_("Send an API key or a token."), code="unauthorized")
    protect_cookie_request()
    return browser_sessions.current_person()


def _by_key(key: str) -> User:
    row = api_keys.find(key)
    user = accounts.enabled(row.user)
    g.key, reach = row, api_keys.reach_of(row)
    g.key_to_note = row.id if api_keys.is_use_due(row) else None
    scopes.check(row, reach)
    user = _program(user, BY_KEY)
    user.reach = reach
    return user


def _by_authorization(value: str) -> User:
    if not value.lower().startswith(_BEARER):
        raise Unauthorized(N_("Only Bearer is understood here."), code="bad_authorization")
    credential = value[len(_BEARER) :].strip()
    if credential.startswith(accounts.KEY_PREFIX):
        return _by_key(credential)
    return _program(accounts.by_token(credential), BY_TOKEN)


def _program(user: User, by: str) -> User:
    """`user`, with the note that a program acts for them, and from where: the journal tells it."""
    user.came_by, user.came_from = by, request.remote_addr
    return user
