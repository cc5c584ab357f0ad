"""People: who they are and how they prove it."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import cast

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import func, select, update

from app.clock import utcnow
from app.core.errors import Conflict, Invalid, NotFound, Unauthorized
from app.core.ids import new_id
from app.core.texts import N_
from app.extensions import db
from app.models import AccessToken, ApiKey, SetupLink, User
from app.models.user import ADMINISTRATOR, USER
from app.services import activity, passwords
from app.transaction import alone

KEY_PREFIX = "wam_"
TOKEN_PREFIX = "wat_"  # noqa: S105 - a marker, not a secret
TOKEN_LIFETIME = timedelta(hours=24)
SETUP_LIFETIME = timedelta(hours=24)


def create_user(*, email: str, password: str, name: str = "", administrator: bool = False) -> User:
    """A new person with one API key. Raises Invalid (email, password), or Conflict when the
    address is taken."""
    address = _checked_email(email)
    if db.session.scalar(select(User.id).where(User.email == address)):
        raise Conflict(N_("This email address already has an account."), code="email_taken")
    now = utcnow()
    user = User(
        id=new_id("usr", now),
        email=address,
        name=name.strip()[:100],
        password_hash=passwords.hash_password(password),
        role=ADMINISTRATOR if administrator else USER,
        created_at=now,
        session_stamp=secrets.token_hex(16),
    )
    db.session.add(user)
    db.session.flush()
    create_key(user)
    activity.record("user:account:created", actor=user)
    return user


def by_password(email: str, password: str) -> User:
    """The person with this address and password. Raises Unauthorized, never saying which of the
    two is wrong."""
    user = db.session.scalar(select(User).where(User.email == email.strip().lower()))
    right = passwords.matches(user.password_hash if user else None, password)
    if user is None or not right or not user.is_active:
        raise Unauthorized(N_("The email or the password is wrong."), code="bad_credentials")
    return cast(User, user)


def by_key(key: str) -> User:
    """The person this API key belongs to. Raises Unauthorized."""
    found = db.session.execute(
        select(ApiKey, User)
        .join(User, User.id == ApiKey.user_id)
        .where(ApiKey.key_hash == _hash(key.strip()), ApiKey.revoked_at.is_(None))
    ).first()
    if found is None or not found.User.is_active:
        raise Unauthorized(N_("The API key is wrong."), code="bad_api_key")
    return cast(User, found.User)


def by_token(token: str) -> User:
    """The person a bearer token was given to. Raises Unauthorized when it is wrong or too old."""
    user = db.session.scalar(
        select(User)
        .join(AccessToken, AccessToken.user_id == User.id)
        .where(AccessToken.token_hash == _hash(token), AccessToken.expires_at > utcnow())
    )
    if user is None or not user.is_active:
        raise Unauthorized(N_("The token is wrong or too old. Sign in again."), code="bad_token")
    return cast(User, user)


def by_session(session_id: str) -> User | None:
    """The person a browser session stands for; None once they signed out everywhere."""
    user_id, _, stamp = session_id.partition(".")
    user = db.session.get(User, user_id)
    if user is None or not user.is_active or not secrets.compare_digest(user.session_stamp, stamp):
        return None
    return user


def create_key(user: User, *, name: str = "") -> ApiKey:
    """A new API key of `user`."""
    now = utcnow()
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        id=new_id("key", now),
        user_id=user.id,
        name=name,
        key_hash=_hash(key),
        key_encrypted=key,
        created_at=now,
    )
    db.session.add(row)
    return row


def current_key(user: User) -> ApiKey:
    """The newest working API key of `user`. Raises NotFound when all are revoked."""
    key = db.session.scalar(
        select(ApiKey)
        .where(ApiKey.user_id == user.id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    )
    if key is None:
        raise NotFound()
    return key


def issue_token(user: User) -> tuple[str, AccessToken]:
    """A bearer token for 24 h, and its row; the token itself is told only here."""
    now = utcnow()
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = AccessToken(
        id=new_id("tok", now),
        user_id=user.id,
        token_hash=_hash(token),
        created_at=now,
        expires_at=now + TOKEN_LIFETIME,
    )
    db.session.add(row)
    return token, row


def nobody_yet() -> bool:
    """Whether no account exists, so that a setup link is due."""
    return not db.session.scalar(select(func.count()).select_from(User))


def new_setup_link() -> str:
    """The token of a fresh link that makes the first administrator; earlier links stop working."""
    now = utcnow()
    db.session.execute(update(SetupLink).where(SetupLink.used_at.is_(None)).values(expires_at=now))
    token = secrets.token_urlsafe(24)
    db.session.add(
        SetupLink(
            id=new_id("stl", now),
            token_hash=_hash(token),
            created_at=now,
            expires_at=now + SETUP_LIFETIME,
        )
    )
    return token


def check_setup_link(token: str) -> None:
    """Nothing. Raises NotFound when the link is wrong, used, too old, or no longer needed."""
    link = db.session.scalar(
        select(SetupLink.id).where(
            SetupLink.token_hash == _hash(token),
            SetupLink.used_at.is_(None),
            SetupLink.expires_at > utcnow(),
        )
    )
    if link is None or not nobody_yet():
        raise NotFound(N_("This setup link was used or is too old."), code="setup_link_invalid")


def set_up(token: str, *, email: str, password: str, name: str = "") -> User:
    """The first administrator, made by a setup link, which is used up. Raises NotFound, Invalid."""
    alone("first administrator")
    check_setup_link(token)
    user = create_user(email=email, password=password, name=name, administrator=True)
    db.session.execute(
        update(SetupLink).where(SetupLink.token_hash == _hash(token)).values(used_at=utcnow())
    )
    return user


def _checked_email(email: str) -> str:
    try:
        checked = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        message = N_("This is not an email address.")
        raise Invalid(message, field="email", code="bad_email") from None
    return checked.normalized.lower()


def _hash(secret: str) -> str:
    """SHA-256: enough for a key of 256 random bits, and it can be looked up by."""
    return hashlib.sha256(secret.encode()).hexdigest()
