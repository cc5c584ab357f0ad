"""Messages: sent, and how far they have come."""

from __future__ import annotations

from typing import Literal

from flask import request
from pydantic import Field

from app import models, topics
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import caller
from app.api.waiting import LONGEST, wait_for
from app.config import current_settings
from app.core.errors import Invalid
from app.core.events import iso
from app.core.states import MessageStatus
from app.core.texts import N_
from app.models.message import FROM_API
from app.services import instances, messaging
from app.transaction import transaction

TAGS = ["Messages"]
KEY_LENGTH = 255
UNDER_WAY = frozenset({MessageStatus.QUEUED, MessageStatus.SENDING})


class TextToSend(Body):
    """A text and whom to send it to."""

    to: str = Field(
        max_length=100,
        description="A phone number in any notation, or a WhatsApp id "
        "(…@s.whatsapp.net, …@lid, …@g.us).",
    )
    text: str = Field(description="1 to 65536 characters.")


class Wait(Body):
    """How long to wait for the outcome."""

    wait: int = Field(
        default=0, ge=0, le=LONGEST, description="Seconds to wait for the outcome, up to 30."
    )


class Message(Answer):
    """One message of one chat."""

    id: str = Field(examples=["msg_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    instance_id: str
    chat_id: str = Field(examples=["79161234567@s.whatsapp.net"])
    direction: Literal["in", "out"]
    source: Literal["ui", "api", "phone"] | None = Field(description="Of an outgoing one.")
    type: str = Field(examples=["text"])
    body: str
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
    created_at: Moment
    timestamp: Moment = Field(description="Its place in the conversation.")
    sent_at: Moment | None
    delivered_at: Moment | None
    read_at: Moment | None


class Sent(Answer):
    """The message that was queued, or is sent by now."""

    message: Message


@bp.post("/instances/<instance_id>/send")
@bp.input(Wait, location="query", arg_name="query")
@takes(TextToSend, example={"to": "+7 916 123-45-67", "text": "Your order is ready."})
@bp.output(Sent, status_code=202, description="Queued; its status tells how far it has come.")
@bp.doc(operation_id="sendMessage", summary="Send a message", tags=TAGS)
def send_message(instance_id: str, query: Wait, body: TextToSend) -> tuple[Sent, int]:
    """Send a message

    Answers 202 at once, with the queued message. With ?wait=SECONDS it waits until WhatsApp has
    accepted or refused the message, and answers 200 then. The header Idempotency-Key makes a
    repeated request harmless: the same key gives the same message.
    """
    with transaction():
        message = messaging.queue_text(
            instances.get_for(caller(), instance_id),
            to=body.to,
            text=body.text,
            source=FROM_API,
            country=current_settings().default_country,
            idempotency_key=_idempotency_key(),
        )
    settled = query.wait > 0 and _settled_within(message, query.wait)
    return Sent(message=message_shown(message)), 200 if settled else 202


@bp.get("/instances/<instance_id>/messages/<message_id>")
@bp.output(Message, description="The message.")
@bp.doc(operation_id="getMessage", summary="Show a message", tags=TAGS)
def show_message(instance_id: str, message_id: str) -> Message:
    """Show a message

    With how far it has come.
    """
    return message_shown(_found(instance_id, message_id))


@bp.post("/instances/<instance_id>/messages/<message_id>/resend")
@bp.output(Sent, status_code=202, description="The new message, queued.")
@bp.doc(operation_id="resendMessage", summary="Send an unconfirmed message again", tags=TAGS)
def resend_message(instance_id: str, message_id: str) -> Sent:
    """Send an unconfirmed message again

    As a new message; the old one stays, marked as sent again, and the person may get both.
    """
    with transaction():
        message = _found(instance_id, message_id)
        again = messaging.resend(message, source=FROM_API, actor=caller())
    return Sent(message=message_shown(again))


@bp.post("/instances/<instance_id>/messages/<message_id>/dismiss")
@bp.output(Message, description="The message, settled.")
@bp.doc(operation_id="dismissMessage", summary="Settle an unconfirmed message", tags=TAGS)
def dismiss_message(instance_id: str, message_id: str) -> Message:
    """Settle an unconfirmed message

    It stays as it is and asks nothing more. A receipt that comes later still counts.
    """
    with transaction():
        message = _found(instance_id, message_id)
        messaging.dismiss(message, actor=caller())
    return message_shown(message)


@bp.post("/instances/<instance_id>/messages/<message_id>/retry")
@bp.output(Sent, status_code=202, description="The same message, queued again.")
@bp.doc(operation_id="retryMessage", summary="Try a failed message again", tags=TAGS)
def retry_message(instance_id: str, message_id: str) -> Sent:
    """Try a failed message again"""
    with transaction():
        message = _found(instance_id, message_id)
        messaging.retry(message)
    return Sent(message=message_shown(message))


def _found(instance_id: str, message_id: str) -> models.Message:
    return messaging.get_for(instances.get_for(caller(), instance_id), message_id)


def message_shown(message: models.Message) -> Message:
    """`message` as the API shows it."""
    return Message.model_validate(
        {
            "id": message.id,
            "instanceId": message.instance_id,
            "chatId": message.chat.jid,
            "direction": message.direction,
            "source": message.source,
            "type": message.kind,
            "body": message.body,
            "status": message.status,
            "failure": message.failure,
            "settled": message.settled,
            "resentAs": message.resent_as_id,
            "whatsappId": message.wa_id,
            "createdAt": iso(message.created_at),
            "timestamp": iso(message.shown_at),
            "sentAt": iso(message.sent_at) if message.sent_at else None,
            "deliveredAt": iso(message.delivered_at) if message.delivered_at else None,
            "readAt": iso(message.read_at) if message.read_at else None,
        }
    )


def _settled_within(message: models.Message, seconds: int) -> bool:
    def settled() -> bool:
        return message.status not in UNDER_WAY

    return wait_for(settled, topic=topics.chat(message.chat_id), seconds=seconds)


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 0 < len(key) <= KEY_LENGTH or not key.isascii() or not key.isprintable():
        message = N_("An Idempotency-Key has 1 to %(count)d Latin letters, digits or signs.")
        raise Invalid(
            message, field="Idempotency-Key", code="bad_idempotency_key", count=KEY_LENGTH
        )
    return key
