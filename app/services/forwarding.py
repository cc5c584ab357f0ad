"""Messages that are passed on to other chats, as they are: text, file, place, cards or poll."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.details import said_in
from app.core.errors import Conflict, Invalid
from app.core.media import MediaState
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Instance, Message
from app.models.message import TEXT
from app.services import media, messaging

CHATS_MAX = 5
"""WhatsApp's own limit of chats at once."""
_COUNTED = 127


def may_forward(message: Message) -> bool:
    """Whether there is something that can be passed on."""
    if message.deleted_at is not None or message.is_amendment or message.is_note:
        return False
    if message.media is not None:
        return message.media.state == MediaState.STORED
    return bool(message.details) or (message.kind == TEXT and bool(message.body))


def forward(
    message: Message, to: Sequence[Chat], *, source: str, key: str | None = None
) -> list[Message]:
    """Queues the message for each of these chats; the same `key` again queues nothing twice.

    Raises Invalid (to) for none or too many chats, Conflict for what cannot be passed on, and for
    a chat that nobody here may write in.
    """
    if not 1 <= len(to) <= CHATS_MAX:
        text = N_("Choose %(low)d to %(high)d chats.")
        raise Invalid(text, field="to", code="bad_chats", low=1, high=CHATS_MAX)
    if not may_forward(message):
        text = N_("This message cannot be forwarded: there is nothing here to pass on.")
        raise Conflict(text, code="not_forwardable")
    instance = db.session.get_one(Instance, message.instance_id)
    return [_to(instance, message, chat, source, key) for chat in to]


def _to(instance: Instance, message: Message, chat: Chat, source: str, key: str | None) -> Message:
    messaging.require_linked(instance, chat)
    return messaging.queue_once(
        instance,
        chat,
        message.body,
        source,
        f"{key}-{chat.id}" if key else None,
        file=media.again(message.media) if message.media else None,
        said=said_in(message.details) if message.details else None,
        forwarded=min(message.forwarded + 1, _COUNTED),
    )
