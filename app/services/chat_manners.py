"""How somebody keeps a chat: in the archive, pinned, muted, marked unread. It holds here at once;
the phone is told as soon as it can be (services/chat_wishes)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.chat_settings import Aspect
from app.core.errors import Conflict, Invalid
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, LinkedAccount
from app.models.chat import ALWAYS
from app.services import chat_wishes, chats
from app.transaction import rows_changed

PINNED_MAX = 3
"""As phones have it."""


class Quiet(StrEnum):
    """For how long a chat is muted, as phones offer it."""

    HOURS = "8h"
    WEEK = "week"
    ALWAYS = "always"

    @property
    def until(self) -> datetime:
        """When it ends if it begins now."""
        if self is Quiet.ALWAYS:
            return ALWAYS
        return utcnow() + (timedelta(hours=8) if self is Quiet.HOURS else timedelta(days=7))


def archive(chat: Chat) -> None:
    """Puts the chat away until something arrives in it; it is not pinned any more."""
    if _change(chat, Chat.archived_at.is_(None), archived_at=utcnow(), pinned_at=None):
        chat_wishes.forget(chat, Aspect.PINNED)
        chat_wishes.want(chat, Aspect.ARCHIVED, True)


def unarchive(chat: Chat) -> None:
    """Puts the chat back into the list."""
    if _change(chat, Chat.archived_at.is_not(None), archived_at=None):
        chat_wishes.want(chat, Aspect.ARCHIVED, False)


def pin(chat: Chat) -> None:
    """Keeps the chat at the top of the list, and out of the archive. Raises Conflict where as many
    as may be are pinned already."""
    _hold_account(chat)
    if _pinned_beside(chat) >= PINNED_MAX:
        text = N_("At most %(count)d chats can be pinned. Unpin another one first.")
        raise Conflict(text, code="too_many_pinned", count=PINNED_MAX)
    was_away = chat.archived_at is not None or chat_wishes.is_archived_there(chat)
    if _change(chat, Chat.pinned_at.is_(None), pinned_at=utcnow(), archived_at=None):
        if was_away:
            chat_wishes.want(chat, Aspect.ARCHIVED, False)
        chat_wishes.want(chat, Aspect.PINNED, True)


def unpin(chat: Chat) -> None:
    """Lets the chat stand where its newest message belongs."""
    if _change(chat, Chat.pinned_at.is_not(None), pinned_at=None):
        chat_wishes.want(chat, Aspect.PINNED, False)


def mute(chat: Chat, until: datetime) -> None:
    """Has the chat draw no attention until then. Raises Invalid for a moment that is past."""
    if until <= utcnow():
        text = N_("This moment is past.")
        raise Invalid(text, field="mutedUntil", code="muted_until_past")
    until = min(until, ALWAYS)
    is_other = or_(Chat.muted_until.is_(None), Chat.muted_until != until)
    if _change(chat, is_other, muted_until=until):
        chat_wishes.want(chat, Aspect.MUTED, True, until=until)


def unmute(chat: Chat) -> None:
    """Has the chat draw attention again."""
    if _change(chat, Chat.muted_until.is_not(None), muted_until=None):
        chat_wishes.want(chat, Aspect.MUTED, False)


def mark_unread(chat: Chat) -> None:
    """Leaves a mark on the chat, which goes when somebody opens it."""
    if _change(chat, Chat.marked_unread.is_(False), marked_unread=True):
        chat_wishes.want(chat, Aspect.UNREAD, True)


def mark_read(chat: Chat) -> None:
    """Forgets the mark, and what is unread."""
    was_read = or_(Chat.marked_unread, Chat.unread > 0)
    if _change(chat, was_read, marked_unread=False, unread=0):
        chat_wishes.want(chat, Aspect.UNREAD, False)


def _pinned_beside(chat: Chat) -> int:
    others = Chat.account_id == chat.account_id, Chat.pinned_at.is_not(None), Chat.id != chat.id
    return db.session.scalar(select(func.count(Chat.id)).where(*others)) or 0


def _hold_account(chat: Chat) -> None:
    """Nobody else counts the pinned chats of the account until the transaction ends."""
    query = select(LinkedAccount.id).where(LinkedAccount.id == chat.account_id)
    db.session.execute(query.with_for_update(key_share=True))


def _change(chat: Chat, condition: ColumnElement[bool], **values: Any) -> bool:
    """Whether the chat was kept otherwise before."""
    statement = update(Chat).where(Chat.id == chat.id, condition).values(**values)
    changed = rows_changed(statement) == 1
    if changed:
        db.session.refresh(chat)
        bell.changed(topics.chat(chat.id))
        chats.tell_lists(chat)
    return changed
