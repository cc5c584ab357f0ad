"""Reactions, edits and deletions of ours: queued like messages, and done once they are sent.

To say the same again changes nothing, so one that may have gone is simply sent once more.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict, Invalid
from app.core.ids import new_id
from app.core.states import MessageStatus
from app.core.texts import N_
from app.extensions import db
from app.models import Instance, Message
from app.models.message import DELETION, EDIT, OUTGOING, REACTION, TEXT
from app.models.reaction import EMOJI_LENGTH
from app.services import amendments, chats, messaging
from app.services.amendments import Author
from app.services.timing import AT_ONCE

EDIT_WITHIN = timedelta(minutes=15)
DELETE_WITHIN = timedelta(hours=60)
"""After that WhatsApp takes no edit, and no deletion for everybody."""
_KEYCAP = "\N{COMBINING ENCLOSING KEYCAP}"


def react(message: Message, emoji: str, *, source: str) -> Message:
    """Queues a reaction to the message; "" takes ours back. Raises Invalid (emoji), Conflict."""
    return _queue(message, REACTION, _checked_emoji(emoji), source)


def edit(message: Message, text: str, *, source: str) -> Message:
    """Queues `text` to be put in the place of ours. Raises Invalid (text), and Conflict for what
    cannot be edited, or not any more."""
    text = messaging.checked_text(text)
    if not may_edit(message):
        _check_ours(message)
        if message.kind != TEXT:
            raise Conflict(N_("Only texts can be edited."), code="not_a_text")
        late = N_("WhatsApp lets messages be edited for %(count)d minutes.")
        count = EDIT_WITHIN // timedelta(minutes=1)
        raise Conflict(late, code="edit_too_late", count=count)
    return _queue(message, EDIT, text, source)


def remove(message: Message, *, source: str) -> Message:
    """Queues the deletion of ours for everybody. Raises Conflict for what cannot be deleted, or not
    any more."""
    if not may_delete(message):
        _check_ours(message)
        late = N_("WhatsApp lets messages be deleted for everybody for %(count)d hours.")
        count = DELETE_WITHIN // timedelta(hours=1)
        raise Conflict(late, code="delete_too_late", count=count)
    return _queue(message, DELETION, "", source)


def may_react(message: Message) -> bool:
    """Whether there is something that WhatsApp knows and that can be reacted to."""
    is_one = not (message.is_amendment or message.is_note)
    return bool(message.wa_id) and message.deleted_at is None and is_one


def may_edit(message: Message) -> bool:
    """Whether it is a text of ours that WhatsApp lets us edit still."""
    return message.kind == TEXT and _is_ours_since(message, EDIT_WITHIN)


def may_delete(message: Message) -> bool:
    """Whether it is ours and WhatsApp lets us delete it still."""
    return _is_ours_since(message, DELETE_WITHIN)


def is_too_late(amendment: Message) -> bool:
    """Whether it waited so long that WhatsApp takes it no more."""
    target = db.session.get(Message, amendment.target_id)
    if target is None or amendment.kind == REACTION:
        return False
    within = EDIT_WITHIN if amendment.kind == EDIT else DELETE_WITHIN
    return utcnow() - (target.sent_at or target.created_at) >= within


def done(amendment: Message, at: datetime) -> None:
    """WhatsApp has accepted it: what it is about changes."""
    target = db.session.get(Message, amendment.target_id)
    if target is None:  # deleted with its chat
        return
    us = Author(from_me=True)
    if amendment.kind == REACTION:
        amendments.react(target, us, amendment.body, at, is_news=True)
    elif amendment.kind == EDIT:
        amendments.edit(target, us, amendment.body, at, is_news=True)
    else:
        amendments.remove(target, us, at, is_news=True)


def _is_ours_since(message: Message, within: timedelta) -> bool:
    since = message.sent_at or message.created_at
    return may_react(message) and message.direction == OUTGOING and utcnow() - since < within


def _check_ours(message: Message) -> None:
    if message.direction != OUTGOING:
        raise Conflict(N_("Only your own messages can be changed."), code="not_yours")
    _check_known(message)


def _check_known(message: Message) -> None:
    if message.deleted_at is not None:
        raise Conflict(N_("This message was deleted."), code="deleted")
    if not may_react(message):
        text = N_("This message has not been sent yet: nothing can be said about it.")
        raise Conflict(text, code="not_sent_yet")


def _checked_emoji(emoji: str) -> str:
    emoji = emoji.strip()
    plain = any(one.isalnum() or one.isspace() for one in emoji) and _KEYCAP not in emoji
    if plain or len(emoji) > EMOJI_LENGTH:
        raise Invalid(N_("Choose one emoji."), field="emoji", code="bad_emoji")
    return emoji


def _queue(target: Message, kind: str, body: str, source: str) -> Message:
    _check_known(target)
    instance = db.session.get_one(Instance, target.instance_id)
    messaging.require_linked(instance, target.chat)
    chats.require_may_write(target.chat)
    now = utcnow()
    amendment = Message(
        id=new_id("msg", now),
        instance_id=target.instance_id,
        account_id=target.account_id,
        chat_id=target.chat_id,
        direction=OUTGOING,
        source=source,
        kind=kind,
        body=body,
        target_id=target.id,
        secret=secrets.token_bytes(messaging.SECRET_BYTES),
        status=MessageStatus.QUEUED,
        created_at=now,
        **AT_ONCE.values(now),
    )
    db.session.add(amendment)
    db.session.flush()
    bell.changed(topics.chat(target.chat_id))
    bell.wake(target.instance_id)
    return amendment
