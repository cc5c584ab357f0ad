"""What is said about an earlier message: reactions, votes, edits, and deletions for everybody.

Who may: anybody reacts and votes; only the author edits and deletes. What is about a message that
is not stored here, or that somebody else wrote, is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import delete, select

from app import bell, topics
from app.clock import utcnow
from app.core.events import Event, iso
from app.extensions import db
from app.models import Chat, Media, Message, PollVote, Quote, Reaction
from app.models.chat import GROUP
from app.models.message import INCOMING, OUTGOING
from app.models.reaction import EMOJI_LENGTH, ME
from app.services import chats, outbox
from app.services.message_payload import payload_of, person_jid
from app.services.people_names import Who

log = structlog.get_logger(__name__)

FORMER_TEXTS = 20
"""Former texts of one message that are kept: the first and the latest."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who said it. `from_me`: the account itself, from whichever device."""

    from_me: bool
    phone: str | None = None
    lid: str | None = None
    name: str = ""

    @property
    def key(self) -> str:
        """What a person's one reaction to a message is known by."""
        return ME if self.from_me else str(self.lid or self.phone or "")[:24]


def target_of(chat: Chat, wa_id: str) -> Message | None:
    """The message of `chat` that WhatsApp knows by this id; None where it is not stored."""
    query = select(Message).where(Message.chat_id == chat.id, Message.wa_id == wa_id)
    return db.session.scalar(query.order_by(Message.id).limit(1))


def react(message: Message, author: Author, emoji: str, at: datetime, *, is_news: bool) -> None:
    """Puts the author's `emoji` on the message in place of the one before; "" takes it back."""
    known = db.session.get(Reaction, (message.id, author.key))
    if message.deleted_at is not None or (known.emoji if known else "") == emoji:
        return
    if not emoji:
        db.session.delete(known)
    elif known is not None:
        known.emoji, known.reacted_at = emoji[:EMOJI_LENGTH], at
    else:
        db.session.add(
            Reaction(
                message_id=message.id,
                author=author.key,
                phone=author.phone,
                lid=author.lid,
                name=author.name[:100],
                emoji=emoji[:EMOJI_LENGTH],
                reacted_at=at,
            )
        )
    _changed(message)
    if is_news:
        _tell(Event.MESSAGE_REACTION, message, author, at, emoji=emoji)


def vote(
    message: Message, author: Author, chosen: Sequence[str], at: datetime, *, is_news: bool
) -> None:
    """Puts what the author has chosen in a poll in place of an older vote; nothing takes it back.
    `at`: when it was given, by the clock of who gave it."""
    known = _vote_of(message, author)
    if message.deleted_at is not None or (known is not None and known.voted_at > at):
        return
    before = list(known.chosen) if known else []
    if known is not None:
        known.chosen, known.voted_at = list(chosen), at
    else:
        known = PollVote(
            message_id=message.id,
            author=author.key,
            phone=author.phone,
            lid=author.lid,
            name=author.name[:100],
            chosen=list(chosen),
            voted_at=at,
        )
        db.session.add(known)
    if before == known.chosen:
        db.session.flush()
        return
    _changed(message)
    db.session.expire(message, ["poll_votes"])
    if is_news:
        more = {"fromMe": author.from_me, "options": known.chosen}
        _tell(Event.POLL_VOTE, message, author, at, **more)


def _vote_of(message: Message, author: Author) -> PollVote | None:
    """The author's vote until now. Somebody may be known by number first and by LID later."""
    votes = db.session.scalars(select(PollVote).where(PollVote.message_id == message.id)).all()
    if (own := next((one for one in votes if one.author == author.key), None)) is not None:
        return own
    others = () if author.from_me else (one for one in votes if not one.from_me)
    return next((one for one in others if _same_person(one, author)), None)


def _same_person(vote: PollVote, author: Author) -> bool:
    same_lid = bool(author.lid) and author.lid == vote.lid
    return same_lid or (bool(author.phone) and author.phone == vote.phone)


def edit(
    message: Message,
    author: Author,
    text: str,
    at: datetime,
    *,
    mentions: Sequence[Who] = (),
    is_news: bool,
) -> None:
    """Puts `text`, which names the people of `mentions`, in the place of what the author had
    written; the former text is kept."""
    if not _wrote(message, author) or message.deleted_at is not None or not text:
        return
    if (message.edited_at is not None and message.edited_at > at) or message.body == text:
        return  # told twice, or late
    former = [*(message.former_texts or []), {"text": message.body, "until": iso(at)}]
    message.former_texts = [former[0], *former[1:][-(FORMER_TEXTS - 1) :]]
    message.body, message.edited_at = text, at
    message.mentions = [list(who) for who in mentions] or None
    _changed(message)
    chats.correct(message)
    if is_news:
        _tell(Event.MESSAGE_EDITED, message, author, at, body=text, formerBody=former[-1]["text"])


def remove(message: Message, author: Author, at: datetime, *, is_news: bool) -> None:
    """Takes away what the message said, for everybody: its author wants it gone. That there was
    one stays. Its file goes with the next sweep."""
    if not _wrote(message, author) or message.deleted_at is not None:
        return
    message.body, message.deleted_at, message.forwarded = "", at, 0
    message.details = message.former_texts = message.mentions = None
    for model in (Media, Quote, Reaction, PollVote):
        db.session.execute(delete(model).where(model.message_id == message.id))
    _changed(message)
    db.session.expire(message, ["media", "quote", "reactions", "poll_votes"])
    chats.correct(message)
    if is_news:
        _tell(Event.MESSAGE_DELETED, message, author, at)


def _wrote(message: Message, author: Author) -> bool:
    """Whether the message is the author's own: nobody changes what somebody else has written."""
    if author.from_me:
        return message.direction == OUTGOING
    if message.direction != INCOMING:
        log.warning("amendment.not_the_authors", message_id=message.id)
        return False
    if message.chat.kind != GROUP:
        return True
    same_lid = bool(author.lid) and author.lid == message.sender_lid
    return same_lid or (bool(author.phone) and author.phone == message.sender_phone)


def _changed(message: Message) -> None:
    message.changed_at = utcnow()  # pages that are open ask for what changed
    db.session.flush()
    bell.changed(topics.chat(message.chat_id), topics.chats(message.instance_id))


def _tell(event: Event, message: Message, author: Author, at: datetime, **more: Any) -> None:
    """`from` is who changed something, `timestamp` when."""
    jid = person_jid(message, from_me=author.from_me, phone=author.phone, lid=author.lid)
    who = {"from": jid, "fromLid": author.lid, "pushName": author.name}
    data = payload_of(message) | who | more | {"timestamp": iso(at)}
    outbox.emit(message.instance_id, event, data)
