"""A message as the API shows it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from app import models
from app.api.bodies import Answer, Moment
from app.core.details import DETAILS
from app.core.events import iso
from app.core.phones import lid_jid, phone_jid
from app.services import receipts
from app.services.message_payload import (
    media_facts,
    mention_facts,
    poll_facts,
    quote_facts,
    reaction_facts,
)


class Quoted(Answer):
    """The message that another one answers, as it was then."""

    message_id: str | None = Field(description="None where it is not stored here.")
    whatsapp_id: str
    from_me: bool
    type: str = Field(examples=["text"])
    body: str = Field(description="The first 300 characters of its text.")


class Location(Answer):
    """A point on the map, in degrees."""

    latitude: float = Field(examples=[55.7539])
    longitude: float = Field(examples=[37.6208])
    name: str
    address: str


class Card(Answer):
    """Somebody's contact card."""

    name: str
    phones: list[str] = Field(description="Digits, or as it was written.")


class Voter(Answer):
    """Somebody who has chosen an answer of a poll."""

    from_: str = Field(alias="from", examples=["79161234567@s.whatsapp.net"])
    from_me: bool
    name: str
    at: Moment


class PollResult(Answer):
    """One answer of a poll, and who has chosen it."""

    option: str
    votes: int
    voters: list[Voter]


class Poll(Answer):
    """A question with answers to choose from."""

    question: str
    options: list[str]
    choices: int = Field(description="How many may be chosen at most; 0 for any number.")
    voters: int = Field(description="How many people have voted.")
    results: list[PollResult]


class Reaction(Answer):
    """What somebody put on a message."""

    emoji: str = Field(examples=["👍"])
    from_: str = Field(alias="from", examples=["79161234567@s.whatsapp.net"])
    from_me: bool
    name: str
    at: Moment


class Receipt(Answer):
    """How far a message of yours has come with one person."""

    participant: str = Field(examples=["79161234567@s.whatsapp.net"])
    name: str
    delivered_at: Moment | None
    read_at: Moment | None
    played_at: Moment | None = Field(description="Of a voice message.")


class File(Answer):
    """The file of a message. Until it is stored, all of it is what the sender says."""

    kind: Literal["image", "video", "gif", "audio", "voice", "document", "sticker"]
    mime_type: str | None = Field(examples=["application/pdf"])
    file_name: str | None = Field(examples=["invoice.pdf"])
    size: int | None = Field(description="In bytes.")
    seconds: int | None
    width: int | None = Field(description="In pixels.")
    height: int | None
    animated: bool = Field(description="Whether a sticker moves.")
    state: Literal["making", "waiting", "fetching", "stored", "failed", "expired"] = Field(
        description="stored: it can be had; expired: WhatsApp has deleted it; making: it is still "
        "to be made of what was uploaded, and is sent then."
    )
    failure: str | None = Field(description="A code, where the last try to have it failed.")


class Message(Answer):
    """One message of one chat."""

    id: str = Field(examples=["msg_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    instance_id: str
    chat_id: str = Field(examples=["79161234567@s.whatsapp.net"])
    direction: Literal["in", "out", "sys"] = Field(
        description="sys: a note of what happened in a group."
    )
    source: Literal["ui", "api", "phone"] | None = Field(description="Of an outgoing one.")
    type: str = Field(examples=["text"])
    body: str = Field(description="The text, or the caption of a file.")
    media: File | None = Field(description="The file it carries.")
    quoted: Quoted | None = Field(description="The message it answers.")
    forwarded: bool = Field(description="Whether it was passed on.")
    mentions: list[str] = Field(description="The JIDs of those named in it with an @.")
    location: Location | None = None
    contacts: list[Card] | None = None
    poll: Poll | None = None
    reactions: list[Reaction]
    status: Literal[
        "queued",
        "sending",
        "sent",
        "delivered",
        "read",
        "played",
        "failed",
        "unconfirmed",
        "cancelled",
        "expired",
        "received",
    ]
    failure: str | None = Field(description="A code, where the status is failed.")
    settled: Literal["resent", "dismissed"] | None = Field(
        description="What somebody decided about an unconfirmed one."
    )
    resent_as: str | None = Field(description="The id of the message sent in its place.")
    whatsapp_id: str | None = Field(description="WhatsApp's own id, once it is known.")
    send_at: Moment | None = Field(description="When it is wanted to go, where not at once.")
    expires_at: Moment | None = Field(description="From then on it is not sent any more.")
    created_at: Moment
    timestamp: Moment = Field(description="Its place in the conversation.")
    sent_at: Moment | None
    delivered_at: Moment | None
    read_at: Moment | None
    edited_at: Moment | None = Field(description="When its author changed it last.")
    deleted_at: Moment | None = Field(description="When its author deleted it for everybody.")


class MessageInFull(Message):
    """One message, and how far it has come with whom."""

    receipts: list[Receipt] = Field(
        description="Of one of yours: with each person of the group it was sent to, or with the "
        "one person of the chat. Empty where that is not known."
    )


def message_in_full(message: models.Message) -> MessageInFull:
    """`message` as the API shows it by itself."""
    people = [_receipt_shown(one) for one in receipts.of(message)]
    return MessageInFull.model_validate(_shown(message) | {"receipts": people})


def message_shown(message: models.Message) -> Message:
    """`message` as the API shows it."""
    return Message.model_validate(_shown(message))


def _shown(message: models.Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "instanceId": message.instance_id,
        "chatId": message.chat.jid,
        "direction": message.direction,
        "source": message.source,
        "type": message.kind,
        "body": message.body,
        "media": _file_shown(message.media),
        "quoted": quote_facts(message.quote) if message.quote else None,
        "forwarded": message.forwarded > 0,
        "mentions": mention_facts(message),
        "reactions": [reaction_facts(message, one) for one in message.reactions],
        "status": message.status,
        "failure": message.failure,
        "settled": message.settled,
        "resentAs": message.resent_as_id,
        "whatsappId": message.wa_id,
        "sendAt": iso(message.send_at) if message.send_at else None,
        "expiresAt": iso(message.expires_at) if message.expires_at else None,
        "createdAt": iso(message.created_at),
        "timestamp": iso(message.shown_at),
        "sentAt": iso(message.sent_at) if message.sent_at else None,
        "deliveredAt": iso(message.delivered_at) if message.delivered_at else None,
        "readAt": iso(message.read_at) if message.read_at else None,
        "editedAt": iso(message.edited_at) if message.edited_at else None,
        "deletedAt": iso(message.deleted_at) if message.deleted_at else None,
        **_details_shown(message),
    }


def _details_shown(message: models.Message) -> dict[str, Any]:
    details = {name: (message.details or {}).get(name) for name in DETAILS}
    return details | {"poll": poll_facts(message)} if details["poll"] else details


def _receipt_shown(receipt: receipts.Receipt) -> dict[str, Any]:
    jid = phone_jid(receipt.phone) if receipt.phone else lid_jid(str(receipt.lid))
    times = {
        "deliveredAt": receipt.delivered_at,
        "readAt": receipt.read_at,
        "playedAt": receipt.played_at,
    }
    told = {name: iso(at) if at else None for name, at in times.items()}
    return {"participant": jid, "name": receipt.name, **told}


def _file_shown(media: models.Media | None) -> dict[str, Any] | None:
    if media is None:
        return None
    return media_facts(media) | {"state": media.state, "failure": media.failure}
