"""Browser sessions: who a cookie stands for, and that a request was really meant.

The cookie holds a random token; the row of its sign-in says whose it is and until when. So every
browser can be listed, and ended from another one.
"""

from __future__ import annotations

from typing import NoReturn

import structlog
from flask import Flask, Response, g, request, session
from flask_login import current_user, login_user, logout_user
from sqlalchemy.exc import DBAPIError

from app.core.errors import Unauthorized
from app.extensions import csrf, login_manager
from app.models import SignIn, User
from app.services import sign_ins
from app.transaction import transaction

log = structlog.get_logger(__name__)

_TOKEN = "sign_in"  # noqa: S105 - the name of a place in the cookie


def register(app: Flask) -> None:
    """Sets up Flask-Login: who is signed in, and what happens to who is not."""
    app.permanent_session_lifetime = sign_ins.REMEMBERED_FOR
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False  # polls would carry a cookie each
    login_manager.session_protection = None  # the rows do better
    login_manager.user_loader(_load)
    login_manager.unauthorized_handler(_refuse)
    app.after_request(_note)


def protect_cookie_request() -> None:
    """Checks the CSRF token of a request that a cookie authenticates.

    For every unsafe request from a browser's session, pages and API alike; never for one that
    brings an API key or a token. Raises flask_wtf.csrf.CSRFError.
    """
    csrf.protect()


def sign_in(user: User, *, remember: bool) -> None:
    """Makes this browser's session `user`'s; nothing of an earlier one is kept. Belongs into a
    transaction()."""
    _end()
    token = sign_ins.begin(user, remember=remember, address=_address(), agent=_agent())
    session[_TOKEN] = token
    session.permanent = remember
    login_user(user)


def sign_out() -> None:
    """Ends this browser's session. Belongs into a transaction()."""
    _end()
    logout_user()


def current_person() -> User:
    """Who is signed in, as the row itself. For views that asked with login_required."""
    person: User = current_user._get_current_object()
    return person


def current_sign_in() -> SignIn | None:
    """This browser's sign-in, once who is signed in was asked for; None for API keys and tokens."""
    found: SignIn | None = g.get("sign_in")
    return found


def _end() -> None:
    sign_ins.end_by_token(session.get(_TOKEN, ""))
    session.clear()
    g.pop("sign_in", None)


def _load(user_id: str) -> User | None:
    """Who the cookie stands for; None once the sign-in ended or the person was disabled."""
    found = sign_ins.find(session.get(_TOKEN, ""))
    if found is None or found.user_id != user_id:
        return None
    g.sign_in = found
    g.sign_in_to_note = found.id if sign_ins.is_stale(found, address=_address()) else None
    found.user.came_from = _address()
    return found.user


def _note(response: Response) -> Response:
    """Writes down, every few minutes, that the browser is still used; its cookie lives on too."""
    sign_in_id = g.pop("sign_in_to_note", None)
    if sign_in_id is not None and "sign_in" in g:
        try:
            with transaction():
                sign_ins.see(sign_in_id, address=_address(), agent=_agent())
        except DBAPIError as error:
            log.warning("sign_in.not_noted", error=str(error.orig))
        session.modified = True
    return response


def _address() -> str:
    return request.remote_addr or ""


def _agent() -> str:
    return request.user_agent.string


def _refuse() -> NoReturn:
    raise Unauthorized()
