"""Reactions, votes, edits and deletions of ours: queued like messages, and done once they are sent.

To say the same again changes nothing, so one that may have gone is simply sent once more.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict, Invalid
from app.core.events import iso
from app.core.ids import new_id
from app.core.states import MessageStatus
from app.core.texts import N_
from app.extensions import db
from app.models import Instance, Message, PollVote
from app.models.message import DELETION, EDIT, OUTGOING, REACTION, TEXT, VOTE
from app.models.reaction import EMOJI_LENGTH, ME
from app.services import amendments, chats, mentions, messaging, polls
from app.services.amendments import Author
from app.services.timing import AT_ONCE

EDIT_WITHIN = timedelta(minutes=15)
DELETE_WITHIN = timedelta(hours=60)
"""After that WhatsApp takes no edit, and no deletion for everybody."""
_UNDER_WAY = frozenset({MessageStatus.QUEUED, MessageStatus.SENDING})
_MOMENT = timedelta(milliseconds=1)  # WhatsApp tells votes apart by it
_KEYCAP = "\N{COMBINING ENCLOSING KEYCAP}"


def react(message: Message, emoji: str, *, source: str) -> Message:
    """Queues a reaction to the message; "" takes ours back. Raises Invalid (emoji), Conflict."""
    return _queue(message, REACTION, _checked_emoji(emoji), source)


def vote(message: Message, options: Sequence[str], *, source: str) -> Message:
    """Queues our choice in a poll, in place of the one before; nothing takes it back. Raises
    Invalid (options), and Conflict for what is no poll, or one whose votes cannot be read here."""
    if not polls.options_of(message):
        raise Conflict(N_("This message is not a poll."), code="not_a_poll")
    if not polls.is_countable(message):
        text = N_("One can vote in this poll only on the phone: it came here without its key.")
        raise Conflict(text, code="poll_without_key")
    chosen = _checked_choice(message, options)
    said = {"vote": {"options": chosen}}
    return _queue(message, VOTE, ", ".join(chosen), source, details=said)


def choice_of_ours(message: Message) -> list[str]:
    """What we have chosen in a poll: what waits to be sent goes before what was sent."""
    ours = Message.target_id == message.id, Message.kind == VOTE, Message.status.in_(_UNDER_WAY)
    query = select(Message).where(Message.chat_id == message.chat_id, *ours)
    if (waiting := db.session.scalar(query.order_by(Message.id.desc()).limit(1))) is not None:
        return list((waiting.details or {})["vote"]["options"])
    sent = db.session.get(PollVote, (message.id, ME))
    return list(sent.chosen) if sent else []


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


def may_vote(message: Message) -> bool:
    """Whether it is a poll that WhatsApp knows, and whose votes can be read here."""
    return may_react(message) and polls.is_countable(message)


def may_edit(message: Message) -> bool:
    """Whether it is a text of ours that WhatsApp lets us edit still."""
    return message.kind == TEXT and _is_ours_since(message, EDIT_WITHIN)


def may_delete(message: Message) -> bool:
    """Whether it is ours and WhatsApp lets us delete it still."""
    return _is_ours_since(message, DELETE_WITHIN)


def is_too_late(amendment: Message) -> bool:
    """Whether it waited so long that WhatsApp takes it no more."""
    target = db.session.get(Message, amendment.target_id)
    if target is None or amendment.kind in {REACTION, VOTE}:
        return False
    within = EDIT_WITHIN if amendment.kind == EDIT else DELETE_WITHIN
    return utcnow() - (target.sent_at or target.created_at) >= within


def begin_vote(amendment: Message, poll: Message) -> datetime:
    """From when a vote of ours that is sent now counts: from now on, or after our latest one where
    the clock of another device is ahead of ours. It is noted in the vote."""
    last = db.session.get(PollVote, (poll.id, ME))
    at = max(utcnow(), last.voted_at + _MOMENT) if last else utcnow()
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    said = (amendment.details or {})["vote"] | {"at": iso(at)}
    amendment.details = {"vote": said}
    return at


def done(amendment: Message, at: datetime) -> None:
    """WhatsApp has accepted it: what it is about changes."""
    target = db.session.get(Message, amendment.target_id)
    if target is None:  # deleted with its chat
        return
    us = Author(from_me=True)
    if amendment.kind == REACTION:
        amendments.react(target, us, amendment.body, at, is_news=True)
    elif amendment.kind == VOTE:
        said = (amendment.details or {})["vote"]
        begun = datetime.fromisoformat(said["at"])
        amendments.vote(target, us, said["options"], begun, is_news=True)
    elif amendment.kind == EDIT:
        named = [(phone, lid) for phone, lid in amendment.mentions or ()]
        amendments.edit(target, us, amendment.body, at, mentions=named, is_news=True)
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


def _checked_choice(message: Message, options: Sequence[str]) -> list[str]:
    """The options in the order of the poll."""
    offered, most = polls.options_of(message), polls.choices_of(message)
    if not set(options) <= set(offered):
        text = N_("The poll has no such answer.")
        raise Invalid(text, field="options", code="unknown_option")
    chosen = [option for option in offered if option in options]
    if len(chosen) > most:
        text = N_("At most %(count)d answers may be chosen in this poll.")
        raise Invalid(text, field="options", code="too_many_options", count=most)
    return chosen


def _named_in(target: Message, text: str) -> list[list[str | None]] | None:
    return [list(who) for who in mentions.of_text(target.chat, text)] or None


def _queue(
    target: Message, kind: str, body: str, source: str, *, details: dict[str, Any] | None = None
) -> Message:
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
        details=details,
        mentions=_named_in(target, body) if kind == EDIT else None,
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
