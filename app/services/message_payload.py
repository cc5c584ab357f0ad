"""What a webhook is told of a message."""

from __future__ import annotations

from typing import Any

from app.core.details import DETAILS
from app.core.events import iso
from app.extensions import db
from app.models import Chat, LinkedAccount, Media, Message, PollVote, Quote, Reaction
from app.models.chat import GROUP
from app.models.message import OUTGOING
from app.services import polls
from app.services.media_links import link_to


def payload_of(message: Message) -> dict[str, Any]:
    """The `data` of a webhook about this message: the specification's fields, and more."""
    chat = db.session.get_one(Chat, message.chat_id)
    return {
        "messageId": message.id,
        "whatsappId": message.wa_id,
        "from": person_jid(
            message,
            from_me=message.direction == OUTGOING,
            phone=message.sender_phone,
            lid=message.sender_lid,
        ),
        "fromLid": message.sender_lid,
        "chatId": chat.jid,
        "isGroup": chat.kind == GROUP,
        "pushName": message.sender_name,
        "type": message.kind,
        "body": message.body,
        "media": _linked(message.media) if message.media else None,
        "quotedMessageId": message.quote.original_id if message.quote else None,
        "quoted": quote_facts(message.quote) if message.quote else None,
        **{name: (message.details or {}).get(name) for name in DETAILS},
        "forwarded": message.forwarded > 0,
        "mentions": mention_facts(message),
        "source": message.source,
        "timestamp": iso(message.shown_at),
    }


def mention_facts(message: Message) -> list[str]:
    """The JIDs of those who are named in the message: by number where it is known."""
    return [
        f"{phone}@s.whatsapp.net" if phone else f"{lid}@lid"
        for phone, lid in message.mentions or ()
    ]


def media_facts(media: Media) -> dict[str, Any]:
    """What is known of a file. Until it is here that is what its sender says."""
    return {
        "kind": media.kind,
        "mimeType": media.mime or media.claimed_mime or None,
        "fileName": media.file_name or None,
        "size": media.size,
        "seconds": media.seconds,
        "width": media.width,
        "height": media.height,
        "animated": media.animated,
    }


def _linked(media: Media) -> dict[str, Any]:
    return media_facts(media) | {"url": link_to(media)}


def quote_facts(quote: Quote) -> dict[str, Any]:
    """What is told of the message that another answers."""
    return {
        "messageId": quote.original_id,
        "whatsappId": quote.wa_id,
        "fromMe": quote.from_me,
        "type": quote.kind,
        "body": quote.text,
    }


def person_jid(message: Message, *, from_me: bool, phone: str | None, lid: str | None) -> str:
    """Who did something in the chat of `message`: by number where it is known."""
    if from_me:
        return f"{db.session.get_one(LinkedAccount, message.account_id).phone}@s.whatsapp.net"
    if phone:
        return f"{phone}@s.whatsapp.net"
    return f"{lid}@lid" if lid else message.chat.jid


def reaction_facts(message: Message, reaction: Reaction) -> dict[str, Any]:
    """What is told of a reaction."""
    jid = person_jid(message, from_me=reaction.from_me, phone=reaction.phone, lid=reaction.lid)
    return {
        "emoji": reaction.emoji,
        "from": jid,
        "fromMe": reaction.from_me,
        "name": reaction.name,
        "at": iso(reaction.reacted_at),
    }


def poll_facts(message: Message) -> dict[str, Any]:
    """What is told of a poll: what it asks, and how the votes stand."""
    results = polls.results_of(message)
    asked: dict[str, Any] = (message.details or {})["poll"]
    return asked | {
        "voters": results.voters,
        "results": [
            {
                "option": option.text,
                "votes": len(option.voters),
                "voters": [_vote_facts(message, vote) for vote in option.voters],
            }
            for option in results.options
        ],
    }


def _vote_facts(message: Message, vote: PollVote) -> dict[str, Any]:
    jid = person_jid(message, from_me=vote.from_me, phone=vote.phone, lid=vote.lid)
    return {"from": jid, "fromMe": vote.from_me, "name": vote.name, "at": iso(vote.voted_at)}
