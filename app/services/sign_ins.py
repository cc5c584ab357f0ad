"""Browsers in which people are signed in: each is a row, so it can be shown and ended.

A signed cookie alone could not be: it would be good until it expires, wherever it went.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from app import bell, topics
from app.clock import utcnow
from app.core.devices import device_of
from app.core.errors import NotFound
from app.core.ids import new_id
from app.core.texts import N_
from app.extensions import db
from app.models import Instance, SignIn, User
from app.services import activity, notices
from app.services.tokens import digest, new_token

REMEMBERED_FOR = timedelta(days=30)
FORGOTTEN_AFTER = timedelta(hours=24)
"""A browser that is not to be remembered drops its cookie when it is closed; one that is left
open is signed out after this long without a request."""
SEEN_EVERY = timedelta(minutes=5)


def begin(user: User, *, remember: bool, address: str, agent: str) -> str:
    """The token of a new sign-in of `user`; it is told only here."""
    now = utcnow()
    token = new_token()
    row = SignIn(
        id=new_id("sin", now),
        user_id=user.id,
        token_hash=digest(token),
        remembered=remember,
        created_at=now,
        seen_at=now,
        expires_at=_end_of(now, remembered=remember),
    )
    _describe(row, address, agent)
    db.session.add(row)
    db.session.flush()
    device = device_of(row.agent) or "—"
    activity.record("user:sign_in:begun", actor=user, address=row.address, device=device)
    return token


def find(token: str) -> SignIn | None:
    """The sign-in with this token and its person; None when it ended, or the person is disabled.
    What the bell counts comes along: every page needs both."""
    unread = notices.unread_of(SignIn.user_id)
    mine = (SignIn.token_hash == digest(token), SignIn.expires_at > utcnow())
    found = db.session.execute(select(SignIn, unread).where(*mine)).one_or_none()
    if found is None or not found[0].user.is_active:
        return None
    row: SignIn = found[0]
    row.user.unread_notices = found[1]
    return row


def is_stale(sign_in: SignIn, *, address: str) -> bool:
    """Whether it is time to say see() of the sign-in."""
    return sign_in.address != address[:45] or sign_in.seen_at < utcnow() - SEEN_EVERY


def see(sign_in_id: str, *, address: str, agent: str) -> None:
    """Notes that the sign-in is used, and puts its end off; does nothing when it ended."""
    row = db.session.get(SignIn, sign_in_id)
    if row is not None:
        row.seen_at = utcnow()
        row.expires_at = _end_of(row.seen_at, remembered=row.remembered)
        _describe(row, address, agent)


def all_of(user: User) -> list[SignIn]:
    """The sign-ins of `user`, the one seen last first."""
    query = select(SignIn).where(SignIn.user_id == user.id, SignIn.expires_at > utcnow())
    return list(db.session.scalars(query.order_by(SignIn.seen_at.desc(), SignIn.id.desc())))


def end(user: User, sign_in_id: str) -> None:
    """Signs one browser of `user` out. Raises NotFound."""
    row = db.session.get(SignIn, sign_in_id)
    if row is None or row.user_id != user.id:
        raise NotFound(N_("This sign-in has ended already."), code="sign_in_not_found")
    device = device_of(row.agent) or "—"
    activity.record("user:sign_in:one_ended", actor=user, device=device)
    db.session.delete(row)
    _tell(user)


def end_by_token(token: str) -> None:
    """Signs out the browser that holds `token`, if it is signed in."""
    row = db.session.scalar(select(SignIn).where(SignIn.token_hash == digest(token)))
    if row is not None:
        activity.record("user:sign_in:ended", actor=row.user, address=row.address)
        db.session.delete(row)


def end_all(user: User, *, keep: str | None = None) -> None:
    """Signs every browser of `user` out, but for the sign-in with id `keep`."""
    query = delete(SignIn).where(SignIn.user_id == user.id)
    db.session.execute(query if keep is None else query.where(SignIn.id != keep))
    _tell(user)


def sweep(now: datetime) -> None:
    """Forgets the sign-ins that are over."""
    db.session.execute(delete(SignIn).where(SignIn.expires_at <= now))


def _tell(user: User) -> None:
    """Polls are answered without a look at the sign-in while nothing changed: now something has,
    so that open pages notice they are signed out."""
    ids = db.session.scalars(select(Instance.id).where(Instance.owner_id == user.id))
    bell.changed(topics.instances_of(user.id), *map(topics.instance, ids))


def _end_of(now: datetime, *, remembered: bool) -> datetime:
    return now + (REMEMBERED_FOR if remembered else FORGOTTEN_AFTER)


def _describe(row: SignIn, address: str, agent: str) -> None:
    row.address = address[:45]
    row.agent = agent.replace("\0", "")[:300]
