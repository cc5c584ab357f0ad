"""People: who they are, how they prove it, and what they say about themselves."""

from __future__ import annotations

from datetime import datetime, timedelta

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, func, select, update

from app import bell
from app.clock import utcnow
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from app.core.ids import new_id
from app.core.texts import N_
from app.extensions import db
from app.i18n import LANGUAGES
from app.models import AccessToken, SetupLink, User
from app.models.user import ADMINISTRATOR, THEMES, USER
from app.services import activity, api_keys, passwords, sign_ins
from app.services.api_keys import KEY_PREFIX, create_key, current_key
from app.services.tokens import digest, new_token
from app.transaction import alone

__all__ = ["KEY_PREFIX", "create_key", "current_key"]

TOKEN_PREFIX = "wat_"  # noqa: S105 - a marker, not a secret
TOKEN_LIFETIME = timedelta(hours=24)
SETUP_LIFETIME = timedelta(hours=24)
NAME_LENGTH = 100


def create_user(
    *,
    email: str,
    password: str,
    name: str = "",
    administrator: bool = False,
    instance_limit: int | None = None,
) -> User:
    """A new person with one API key. Raises Invalid (email, password, name), or Conflict when the
    address is taken."""
    address = checked_email(email)
    if db.session.scalar(select(User.id).where(User.email == address)):
        raise Conflict(N_("This email address already has an account."), code="email_taken")
    now = utcnow()
    user = User(
        id=new_id("usr", now),
        email=address,
        name=_checked_name(name),
        password_hash=passwords.hash_password(password),
        role=ADMINISTRATOR if administrator else USER,
        created_at=now,
        instance_limit=instance_limit,
    )
    db.session.add(user)
    db.session.flush()
    create_key(user)
    activity.record("user:account:created", actor=user)
    return user


def by_password(email: str, password: str) -> User:
    """The person with this address and password. Raises Unauthorized, never saying which of the
    two is wrong; Forbidden when both are right and the account is disabled."""
    user = db.session.scalar(select(User).where(User.email == email.strip().lower()))
    right = passwords.matches(user.password_hash if user else None, password)
    if user is None or not right:
        raise Unauthorized(N_("The email or the password is wrong."), code="bad_credentials")
    return enabled(user)


def by_key(key: str) -> User:
    """The person who signs in with this API key, the personal one: signed in one may do more than
    another key allows. Raises Unauthorized, Forbidden."""
    row = api_keys.find(key)
    user = enabled(row.user)
    if not row.is_personal:
        message = N_("Only the personal API key signs in.")
        raise Forbidden(message, code="personal_key_needed")
    return user


def by_token(token: str) -> User:
    """The person a bearer token was given to. Raises Unauthorized when it is wrong or too old,
    Forbidden."""
    user = db.session.scalar(
        select(User)
        .join(AccessToken, AccessToken.user_id == User.id)
        .where(AccessToken.token_hash == digest(token), AccessToken.expires_at > utcnow())
    )
    if user is None:
        raise Unauthorized(N_("The token is wrong or too old. Sign in again."), code="bad_token")
    return enabled(user)


def enabled(user: User) -> User:
    """`user`, who has proved to be it. Raises Forbidden when the account is disabled; nobody else
    is told that."""
    if not user.is_active:
        message = N_("This account is disabled. Ask an administrator.")
        raise Forbidden(message, code="account_disabled")
    return user


def issue_token(user: User) -> tuple[str, AccessToken]:
    """A bearer token for 24 h, and its row; the token itself is told only here."""
    now = utcnow()
    token = new_token(TOKEN_PREFIX)
    row = AccessToken(
        id=new_id("tok", now),
        user_id=user.id,
        token_hash=digest(token),
        created_at=now,
        expires_at=now + TOKEN_LIFETIME,
    )
    db.session.add(row)
    activity.record("user:sign_in:token", actor=user)
    return token, row


def sign_out_everywhere(user: User, *, keep: str | None) -> None:
    """Ends every bearer token of `user`, and every sign-in but the one with id `keep`."""
    kind = "user:sign_in:others_ended" if keep else "user:sign_in:all_ended"
    activity.record(kind, actor=user)
    sign_ins.end_all(user, keep=keep)
    end_tokens(user)


def note_failed_sign_in(email: str, *, address: str) -> None:
    """Writes into the journal that a wrong password was given for this account, if there is one;
    once a minute for each address."""
    user = db.session.scalar(select(User).where(User.email == email))
    if user is not None and bell.once_in(60, f"failed_sign_in:{user.id}:{address}"):
        activity.record("user:sign_in:failed", owner_id=user.id, address=address)


def end_tokens(user: User) -> None:
    """Makes every bearer token of `user` worthless."""
    db.session.execute(delete(AccessToken).where(AccessToken.user_id == user.id))


def sweep(now: datetime) -> None:
    """Forgets bearer tokens, and setup links, that are over."""
    db.session.execute(delete(AccessToken).where(AccessToken.expires_at <= now))
    db.session.execute(delete(SetupLink).where(SetupLink.expires_at <= now))


def rename(user: User, name: str) -> None:
    """What the person is called. Raises Invalid."""
    checked = _checked_name(name)
    if checked != user.name:
        user.name = checked
        activity.record("user:account:renamed", actor=user)


def prefer(user: User, *, language: str | None, theme: str | None) -> None:
    """How the pages speak and look for this person; None leaves it to the browser and the system.
    Raises Invalid."""
    if language is not None and language not in LANGUAGES:
        raise Invalid(N_("There is no such language."), field="language", code="unknown_language")
    if theme is not None and theme not in THEMES:
        raise Invalid(N_("There is no such theme."), field="theme", code="unknown_theme")
    user.language, user.theme = language, theme


def check_password(user: User, password: str, *, field: str) -> None:
    """Nothing. Raises Invalid (`field`) when `password` is not the person's."""
    if not passwords.matches(user.password_hash, password):
        message = N_("This is not your password.")
        raise Invalid(message, field=field, code="wrong_password")


def change_password(user: User, *, current: str, new: str, keep: str | None) -> None:
    """Sets the password of who knows the present one; ends every bearer token, and every sign-in
    but the one with id `keep`. Raises Invalid (current_password, new_password)."""
    check_password(user, current, field="current_password")
    set_password(user, new, field="new_password", keep=keep)
    activity.record("user:password:changed", actor=user)


def set_password(user: User, new: str, *, field: str = "password", keep: str | None = None) -> None:
    """A new password, after which nobody is signed in but the sign-in `keep`. API keys go on
    working. Raises Invalid (`field`)."""
    user.password_hash = passwords.hash_password(new, field=field)
    sign_ins.end_all(user, keep=keep)
    end_tokens(user)


def nobody_yet() -> bool:
    """Whether no account exists, so that a setup link is due."""
    return not db.session.scalar(select(func.count()).select_from(User))


def new_setup_link() -> str:
    """The token of a fresh link that makes the first administrator; earlier links stop working."""
    now = utcnow()
    db.session.execute(update(SetupLink).where(SetupLink.used_at.is_(None)).values(expires_at=now))
    token = new_token()
    db.session.add(
        SetupLink(
            id=new_id("stl", now),
            token_hash=digest(token),
            created_at=now,
            expires_at=now + SETUP_LIFETIME,
        )
    )
    return token


def check_setup_link(token: str) -> None:
    """Nothing. Raises NotFound when the link is wrong, used, too old, or no longer needed."""
    link = db.session.scalar(
        select(SetupLink.id).where(
            SetupLink.token_hash == digest(token),
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
        update(SetupLink).where(SetupLink.token_hash == digest(token)).values(used_at=utcnow())
    )
    return user


def checked_email(email: str) -> str:
    """The address as it is kept: normalised, in lower case. Raises Invalid (email)."""
    try:
        checked = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        message = N_("This is not an email address.")
        raise Invalid(message, field="email", code="bad_email") from None
    return checked.normalized.lower()


def _checked_name(name: str) -> str:
    name = name.strip()
    if len(name) > NAME_LENGTH:
        message = N_("The name may have at most %(count)d characters.")
        raise Invalid(message, field="name", code="name_too_long", count=NAME_LENGTH)
    return name
