"""Messages: sent, and how far they have come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from flask import request
from pydantic import Field

from app import models, topics
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, checked_form, takes, takes_form_too
from app.api.given_files import FileGiven, opened
from app.api.identity import caller
from app.api.message_shapes import Message, MessageInFull, message_in_full, message_shown
from app.config import current_settings
from app.core import details
from app.core.details import Place, Said
from app.core.errors import Invalid
from app.core.media import MediaKind
from app.core.states import MessageStatus
from app.core.texts import N_
from app.models.message import FROM_API
from app.security.uploads import send, send_opened
from app.services import chats, instances, messaging, timing, uploads
from app.services.media import NewFile
from app.transaction import transaction
from app.waiting import LONGEST, wait_for

TAGS = ["Messages"]
KEY_LENGTH = 255
UNDER_WAY = frozenset({MessageStatus.QUEUED, MessageStatus.SENDING})


class LocationToSend(Body):
    """A point on the map."""

    latitude: float = Field(description="In degrees, -90 to 90.", examples=[55.7539])
    longitude: float = Field(description="In degrees, -180 to 180.", examples=[37.6208])
    name: str = ""
    address: str = ""


class CardToSend(Body):
    """Somebody's contact card."""

    name: str = Field(examples=["Anna Smirnova"])
    phones: list[str] = Field(description="In any notation, 1 to 10.", examples=[["+79161234567"]])


class PollToSend(Body):
    """A question with answers to choose from."""

    question: str = Field(description="1 to 255 characters.")
    options: list[str] = Field(description="2 to 12 answers of 1 to 100 characters.")
    choices: int = Field(default=1, description="How many may be chosen; 0 for any number.")


class MessageToSend(Body):
    """What to send, and to whom: one of text, file, location, contacts and poll."""

    to: str = Field(
        max_length=100,
        description="A phone number in any notation, or a WhatsApp id "
        "(…@s.whatsapp.net, …@lid, …@g.us).",
    )
    text: str | None = Field(default=None, description="1 to 65536 characters.")
    file: FileGiven | None = None
    caption: str = Field(default="", description="Of a file, up to 1024 characters.")
    type: Literal["voice", "sticker", "gif", "document"] | None = Field(
        default=None, description="As what the file is sent; else its bytes decide."
    )
    location: LocationToSend | None = None
    contacts: list[CardToSend] | None = Field(default=None, description="1 to 50 contact cards.")
    poll: PollToSend | None = None
    send_at: datetime | None = Field(
        default=None,
        description="Not before this moment (ISO 8601 with a time zone), up to a year ahead.",
    )
    ttl: int | None = Field(
        default=None,
        description="Seconds it is good for, from when it is due: 1 to 2592000. What could not be "
        "sent until then is expired.",
    )
    reply_to: str | None = Field(
        default=None,
        max_length=64,
        description="The id, ours or WhatsApp's, of the message of this chat that it answers.",
    )

    @property
    def said(self) -> Said | None:
        """What it says besides a text; None for a text. Raises Invalid for several at once."""
        given = [
            one
            for one in (self.text, self.file, self.location, self.contacts, self.poll)
            if one is not None
        ]
        if len(given) > 1:
            message = N_(
                "Send one thing at a time: a text, a file, a location, contacts or a poll."
            )
            raise Invalid(message, code="several_contents")
        if self.location:
            return Place(**self.location.model_dump())
        if self.poll:
            return details.Poll(self.poll.question, tuple(self.poll.options), self.poll.choices)
        if self.contacts is None:
            return None
        return [details.Card(card.name, tuple(card.phones)) for card in self.contacts]


class FileToSend(Body):
    """A file and whom to send it to; the file itself is the part `file`."""

    to: str = Field(max_length=100)
    caption: str = ""
    type: Literal["voice", "sticker", "gif", "document"] | None = None
    voice: bool = False
    send_at: datetime | None = None
    ttl: int | None = None
    reply_to: str | None = Field(default=None, max_length=64)

    @property
    def wanted(self) -> MediaKind | None:
        """As what the file is to be sent; None where its bytes decide."""
        if self.type:
            return MediaKind(self.type)
        return MediaKind.VOICE if self.voice else None


class Wait(Body):
    """How long to wait for the outcome."""

    wait: int = Field(
        default=0, ge=0, le=LONGEST, description="Seconds to wait for the outcome, up to 30."
    )


class Sent(Answer):
    """The message that was queued, or is sent by now."""

    message: Message


def send_file(instance_id: str, query: Wait) -> tuple[Sent, int]:
    """The same for a form with a file."""
    instance_id = instances.get_for(caller(), instance_id).id
    form, key = checked_form(FileToSend), _idempotency_key()
    queue = _queuing(instance_id, form, form.wanted, key)
    message = send(request.files.get("file"), queue, wanted=form.wanted)
    return answer_for(message, query)


def _queuing(
    instance_id: str, asked: FileToSend | MessageToSend, wanted: MediaKind | None, key: str | None
) -> Callable[[NewFile], models.Message]:
    """What makes a message of a file, by what was asked for. Checked are, before the work of
    fetching and converting, the caption and that a phone was linked."""
    if wanted is not None:
        uploads.checked_caption(asked.caption, wanted)
    when = timing.Timing(_with_zone(asked.send_at), asked.ttl)

    def queue(file: NewFile) -> models.Message:
        return uploads.queue_file(
            instances.get_for(caller(), instance_id),
            file,
            to=asked.to,
            caption=asked.caption,
            source=FROM_API,
            country=current_settings().default_country,
            idempotency_key=key,
            timing=when,
            reply_to=asked.reply_to,
        )

    return queue


@bp.post("/instances/<instance_id>/send")
@bp.input(Wait, location="query", arg_name="query")
@bp.output(Sent, status_code=202, description="Queued; its status tells how far it has come.")
@takes_form_too(send_file)
@takes(MessageToSend, example={"to": "+7 916 123-45-67", "text": "Your order is ready."})
@bp.doc(operation_id="sendMessage", summary="Send a message", tags=TAGS)
def send_message(instance_id: str, query: Wait, body: MessageToSend) -> tuple[Sent, int]:
    """Send a message

    Answers 202 at once, with the queued message. With ?wait=SECONDS it waits until WhatsApp has
    accepted or refused the message, and answers 200 then. The header Idempotency-Key makes a
    repeated request harmless: the same key gives the same message. In place of a text there may be
    a location, contacts or a poll. A file is sent as multipart/form-data with the parts to, file
    and, if wanted, caption. Its bytes decide as what it is sent, unless type says it: voice for any
    audio, sticker for any picture, gif for an animated GIF or a short video, document for anything.
    Or file of the JSON names its url, or has its bytes as base64.
    """
    key = _idempotency_key()
    if body.file is not None and body.said is None:
        return answer_for(_send_given(instance_id, body, body.file, key), query)
    with transaction():
        message = queued(instances.get_for(caller(), instance_id), body, key)
    return answer_for(message, query)


def queued(instance: models.Instance, body: MessageToSend, key: str | None) -> models.Message:
    """What `body` says, queued; for all but a file. Raises what the services raise."""
    how: dict[str, Any] = {
        "to": body.to,
        "source": FROM_API,
        "country": current_settings().default_country,
        "idempotency_key": key,
        "timing": timing.Timing(_with_zone(body.send_at), body.ttl),
        "reply_to": body.reply_to,
    }
    if (said := body.said) is not None:
        return messaging.queue_details(instance, said, **how)
    return messaging.queue_text(instance, text=body.text or "", **how)


def _send_given(
    instance_id: str, body: MessageToSend, given: FileGiven, key: str | None
) -> models.Message:
    instance = instances.get_for(caller(), instance_id)
    chats.account_of(instance)  # before anything is fetched
    wanted = MediaKind(body.type) if body.type else None
    queue = _queuing(instance.id, body, wanted, key)
    return send_opened(opened(given), queue, wanted)


def answer_for(message: models.Message, query: Wait) -> tuple[Sent, int]:
    """The message that was queued; with its outcome, where that was waited for."""
    settled = query.wait > 0 and _settled_within(message, query.wait)
    return Sent(message=message_shown(message)), 200 if settled else 202


@bp.get("/instances/<instance_id>/messages/<message_id>")
@bp.output(MessageInFull, description="The message.")
@bp.doc(operation_id="getMessage", summary="Show a message", tags=TAGS)
def show_message(instance_id: str, message_id: str) -> MessageInFull:
    """Show a message

    With how far it has come, and of one sent to a group with whom.
    """
    return message_in_full(_found(instance_id, message_id))


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


def _settled_within(message: models.Message, seconds: int) -> bool:
    def settled() -> bool:
        return message.status not in UNDER_WAY

    return wait_for(settled, topic=topics.chat(message.chat_id), seconds=seconds)


def _with_zone(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        message = N_("Write the time with its time zone, like 2026-12-24T10:00:00Z.")
        raise Invalid(message, field="sendAt", code="send_at_without_zone")
    return moment


def _idempotency_key() -> str | None:
    return checked_key(request.headers.get("Idempotency-Key"))


def checked_key(key: str | None, field: str = "Idempotency-Key") -> str | None:
    """`key` itself. Raises Invalid (`field`)."""
    if key is None:
        return None
    if not 0 < len(key) <= KEY_LENGTH or not key.isascii() or not key.isprintable():
        message = N_("An Idempotency-Key has 1 to %(count)d Latin letters, digits or signs.")
        raise Invalid(message, field=field, code="bad_idempotency_key", count=KEY_LENGTH)
    return key
