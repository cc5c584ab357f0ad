"""What can go wrong in words a person can act on: one small tree.

Every error has a stable `code` (documented for API users) and a `message` that is a msgid,
translated where it is shown; `params` fill its placeholders.
"""

from __future__ import annotations

from app.core.texts import N_


class AppError(Exception):
    """Base of all errors that are the answer to somebody's request."""

    status = 400
    code = "error"
    message = N_("The request cannot be carried out.")

    def __init__(self, message: str | None = None, *, code: str | None = None, **params: object):
        self.message = message or type(self).message
        self.code = code or type(self).code
        self.params = params
        super().__init__(self.message % params if params else self.message)


class NotFound(AppError):
    """There is no such thing, or it belongs to somebody else: the two are never told apart."""

    status = 404
    code = "not_found"
    message = N_("Nothing is found here.")


class Forbidden(AppError):
    """The person is known but may not do this."""

    status = 403
    code = "forbidden"
    message = N_("You may not do this.")


class Unauthorized(AppError):
    """Nobody is signed in, or what they signed in with is wrong."""

    status = 401
    code = "unauthorized"
    message = N_("Sign in to go on.")


class Conflict(AppError):
    """The thing is not in a state that allows this, or somebody else was first."""

    status = 409
    code = "conflict"
    message = N_("Somebody else changed this at the same moment. Look again and retry.")


class Invalid(AppError):
    """A value cannot be accepted; `field` names which."""

    status = 422
    code = "invalid"
    message = N_("This value cannot be accepted.")

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        code: str | None = None,
        **params: object,
    ):
        super().__init__(message, code=code, **params)
        self.field = field


class RateLimited(AppError):
    """Too many tries; `retry_after` is in seconds."""

    status = 429
    code = "rate_limited"
    message = N_("Too many attempts. Try again in %(retry_after)s s.")

    def __init__(self, retry_after: int):
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after


class CursorTooOld(AppError):
    """What comes next was there once, and is gone; `oldest` is the oldest cursor that works."""

    status = 410
    code = "cursor_too_old"
    message = N_("What happened after this cursor is not kept any more. Go on from oldestCursor.")

    def __init__(self, oldest: str):
        super().__init__()
        self.oldest = oldest


class Unavailable(AppError):
    """Something the product needs does not answer right now."""

    status = 503
    code = "unavailable"
    message = N_("The service is busy. Try again in a moment.")


class TooManyStreams(Unavailable):
    """As many streams are open as the server has threads for."""

    code = "too_many_streams"
    message = N_("This server has no room for another stream now. Try again later.")
    retry_after = 15  # seconds
