"""Passwords: argon2id, and the rules a new one must meet."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from app.core.errors import Invalid
from app.core.texts import N_

MIN_LENGTH = 10
MAX_LENGTH = 200  # argon2 reads every byte: a limit keeps a request from being a burden

_hasher = PasswordHasher()
_NOBODY = (  # a hash of nobody's, as costly to check as any other
    "$argon2id$v=19$m=65536,t=3,p=4$VK+f51V7UOJeOy8x3eddlQ$rnnbCnEgrF9aBAY3vm+ENLbryTzg3ne5h1wnrUQ2yrE"
)


def hash_password(password: str, *, field: str = "password") -> str:
    """The argon2id hash of `password`. Raises Invalid (`field`) when it is too short or long."""
    if len(password) < MIN_LENGTH:
        message = N_("The password needs at least %(count)d characters.")
        raise Invalid(message, field=field, code="password_too_short", count=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        message = N_("The password may have at most %(count)d characters.")
        raise Invalid(message, field=field, code="password_too_long", count=MAX_LENGTH)
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one. Without a hash it takes as long and answers no, so that
    the time of an answer does not tell which addresses have an account."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password[:MAX_LENGTH]) and (
            password_hash is not None
        )
    except (VerifyMismatchError, InvalidHashError):
        return False
