"""How far a message of ours has come, and in a group with whom."""

from __future__ import annotations

from flask import g
from flask_login import login_required
from werkzeug.wrappers import Response

from app import topics
from app.core.errors import NotFound
from app.core.states import MessageStatus
from app.core.texts import N_
from app.models import Message
from app.models.message import OUTGOING
from app.services import chats, messaging, receipts
from app.services.receipts import Receipt
from app.ui.answers import question
from app.ui.blueprint import bp
from app.ui.conversation import CHAT
from app.ui.instances import owned
from app.ui.polling import BRISK, polled
from app.ui.seen_faces import faces_of

_STAGES = (MessageStatus.PLAYED, MessageStatus.READ, MessageStatus.DELIVERED, None)


def _topics(instance_id: str, chat_id: str, message_id: str) -> list[str]:
    return [topics.receipts(chat_id), topics.chat(chat_id)]


@bp.get(f"{CHAT}/messages/<message_id>/info")
@polled(_topics)
@login_required
def show_message_info(instance_id: str, chat_id: str, message_id: str) -> Response:
    """Who has read a message, who has only got it, and who not yet."""
    instance = owned(instance_id)
    chat = chats.get_for(instance, chat_id)
    message = messaging.get_for(instance, message_id)
    if not has_info(message) or message.chat_id != chat.id:
        raise NotFound(N_("There is no such message."), code="message_not_found")
    people = receipts.of(message)
    return question(
        "chat/_info.html",
        "chat/info.html",
        instance=instance,
        chat=chat,
        message=message,
        stages=_staged(people),
        faces=faces_of(chat, [(one.phone, one.lid) for one in people]),
        version=g.version,
        every=BRISK,
    )


def has_info(message: Message) -> bool:
    """Whether it is a message of ours that has left."""
    is_one = message.direction == OUTGOING and not message.is_amendment
    return is_one and bool(message.wa_id) and message.deleted_at is None


def _staged(people: list[Receipt]) -> list[tuple[MessageStatus | None, list[Receipt]]]:
    """The people by how far it has come with them, the furthest first; no stage without anybody."""
    found = [(stage, [one for one in people if one.stage is stage]) for stage in _STAGES]
    return [(stage, those) for stage, those in found if those]
