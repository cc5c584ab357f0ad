"""Chats: what a program says about one, besides sending."""

from __future__ import annotations

from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, takes
from app.api.identity import caller
from app.config import current_settings
from app.services import chat_states, chats, instances, reading
from app.transaction import again_when_beaten, transaction

TAGS = ["Chats"]
_CHAT = "/instances/<instance_id>/chats/<chat_id>"


class ReadChat(Answer):
    """A chat that was marked as read."""

    chat_id: str = Field(description="Its JID.", examples=["79161234567@s.whatsapp.net"])
    receipts: int = Field(description="Of how many messages WhatsApp is told.")


@bp.post(f"{_CHAT}/read")
@bp.output(ReadChat, description="Nothing in the chat is unread; WhatsApp is told in a moment.")
@bp.doc(operation_id="markChatRead", summary="Mark a chat as read", tags=TAGS)
@again_when_beaten
def mark_chat_read(instance_id: str, chat_id: str) -> ReadChat:
    """Mark a chat as read

    Here, and on WhatsApp whatever readReceipts says: of the messages that are unread here, up to
    500, else of the newest one. While the instance is not connected WhatsApp is told later.
    """
    with transaction():
        instance, chat = _found(instance_id, chat_id)
        told = reading.asked(instance, chat)
    return ReadChat(chat_id=chat.jid, receipts=told)


class Typing(Body):
    """Whether somebody types."""

    typing: bool


class ShownTyping(Answer):
    """Whether it goes to WhatsApp."""

    told: bool = Field(
        description="false while the instance is not connected, is not shown as online "
        "(presence), or may not write in the chat."
    )


@bp.post(f"{_CHAT}/typing")
@bp.output(ShownTyping, description="Passed on, if it can be; WhatsApp does not answer.")
@takes(Typing, example={"typing": True})
@bp.doc(operation_id="showTyping", summary="Show that somebody types", tags=TAGS)
def show_typing(instance_id: str, chat_id: str, body: Typing) -> ShownTyping:
    """Show that somebody types

    People see it for some 25 seconds, until a message comes, or until it is taken back. Told at
    most every 4 seconds; what comes sooner is dropped.
    """
    instance, chat = _found(instance_id, chat_id)
    return ShownTyping(told=chat_states.types(instance, chat, composing=body.typing))


def _found(instance_id: str, chat_id: str) -> tuple[models.Instance, models.Chat]:
    instance = instances.get_for(caller(), instance_id)
    country = current_settings().default_country
    return instance, chats.named(instance, chat_id, country=country)
