"""How often somebody may try to sign in."""

from __future__ import annotations

import math
import time

from flask import Flask, Response, g
from flask_limiter import RateLimitExceeded
from flask_limiter.util import get_remote_address

from app import bell
from app.config import Settings
from app.core.errors import RateLimited
from app.extensions import limiter
from app.services import limits
from app.transaction import transaction

PER_ADDRESS = "10 per minute; 100 per hour"
PER_ACCOUNT_COUNT = 30
PER_ACCOUNT = f"{PER_ACCOUNT_COUNT} per 15 minutes"
"""Guesses at one account from many addresses; its owner can still use the API key."""
_NOTE_JOB = "app.jobs.accounts.note_failed_sign_in"
_SCOPE_OF_ACCOUNT = "sign-in account"


def register(app: Flask, settings: Settings) -> None:
    """Counts in Redis; while it is away, in this process's memory."""
    location = settings.redis_location
    app.config.update(
        RATELIMIT_STORAGE_URI=location.replace("unix://", "redis+unix://", 1),
        RATELIMIT_STORAGE_OPTIONS={"socket_connect_timeout": 1, "socket_timeout": 1},
        RATELIMIT_KEY_PREFIX="limits",
        RATELIMIT_HEADERS_ENABLED=False,
    )
    limiter.init_app(app)
    app.after_request(_note_failure)


def limit_sign_in(account: str) -> None:
    """Lets an attempt to sign in to `account` pass. It counts if its answer is 401 or 422.

    Raises RateLimited after too many failures from this address, or at this account.
    """
    g.sign_in_account = account.strip().lower()
    try:
        _attempt()
    except RateLimitExceeded:
        breached = limiter.current_limit
        wait = breached.reset_at - time.time() if breached else 60.0
        if breached and _SCOPE_OF_ACCOUNT in breached.key:
            _tell_the_owner()
        raise RateLimited(max(1, math.ceil(wait))) from None


def _was_refused(response: Response) -> bool:
    return response.status_code in {401, 422}


def _note_failure(response: Response) -> Response:
    """Has a wrong password noted in the journal of the account. A job does it, whether or not there
    is such an account: how long the answer takes does not tell."""
    account = g.get("sign_in_account", "")
    if response.status_code == 401 and "@" in account:
        with transaction():
            bell.enqueue("default", _NOTE_JOB, account[:254], get_remote_address())
    return response


def _account() -> str:
    account: str = g.sign_in_account
    return account or "nobody"


def _tell_the_owner() -> None:
    """Lets the person's webhooks know that somebody may be guessing their password."""
    with transaction():
        limits.tell_of_sign_ins(_account(), PER_ACCOUNT_COUNT)


@limiter.shared_limit(
    PER_ACCOUNT, scope=_SCOPE_OF_ACCOUNT, key_func=_account, deduct_when=_was_refused
)
@limiter.shared_limit(
    PER_ADDRESS, scope="sign-in address", key_func=get_remote_address, deduct_when=_was_refused
)
def _attempt() -> None:
    """The limits hang on this call, so that pages and API count together."""
