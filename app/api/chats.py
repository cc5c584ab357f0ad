"""Chats: listed, read, and kept as somebody wants them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import caller
from app.api.message_shapes import Message, message_shown
from app.api.pages import PageQuery
from app.config import current_settings
from app.core.errors import Invalid
from app.core.events import iso
from app.core.texts import N_
from app.services import chat_list, chat_manners, chats, conversation, instances
from app.services.chat_list import Place
from app.transaction import transaction

TAGS = ["Chats"]
_CHATS = "/instances/<instance_id>/chats"
_CHAT = f"{_CHATS}/<chat_id>"


class ChatQuery(PageQuery):
    """Which chats, and which page of them."""

    archived: bool | None = Field(
        default=None, description="true: those in the archive; false: the others; else all."
    )
    unread: bool = Field(default=False, description="true: unread and marked ones alone.")


class MessageQuery(Body):
    """Which messages of a chat."""

    limit: int = Field(default=50, ge=1, le=200, description="How many at most.")
    before: str | None = Field(
        default=None, max_length=64, description="The nextBefore of the page before."
    )


class Chat(Answer):
    """A conversation with one person or one group."""

    id: str = Field(examples=["79161234567@s.whatsapp.net"])
    name: str = Field(description="The best name there is; the number where there is none.")
    is_group: bool
    last_message_at: Moment | None = Field(description="null: there is no message yet.")
    last_text: str = Field(description="The beginning of the newest message's text.")
    unread: int = Field(description="How many messages nobody here has read.")
    marked_unread: bool = Field(description="Somebody left a mark, whatever was read.")
    archived: bool
    pinned: bool
    muted_until: Moment | None = Field(
        description="null: not muted; 2999-01-01T00:00:00.000Z: for good."
    )
    phone_trouble: str | None = Field(
        description="Why the phone does not know how the chat is kept here: app_state_refused, "
        "app_state_not_taken, app_state_unsupported or another code. null: it knows, or is told "
        "as soon as the instance is connected."
    )


class ChatList(Answer):
    """A page of chats."""

    items: list[Chat]
    next_cursor: str | None = Field(description="Ask with it for the next page; null at the end.")


class MessageList(Answer):
    """A page of a chat's messages, the newest first."""

    items: list[Message]
    next_before: str | None = Field(description="Ask with it for older ones; null at the end.")


class ChatManners(Body):
    """How the chat is to be kept; what is not named stays as it is."""

    archived: bool | None = None
    pinned: bool | None = Field(default=None, description="At most 3 chats can be pinned.")
    muted_until: datetime | None = Field(
        default=None,
        description="ISO 8601 with a time zone, from 2999-01-01 on for good; null: not muted.",
    )
    unread: bool | None = Field(
        default=None, description="true: leaves a mark; false: nothing is unread any more."
    )


@bp.get(_CHATS)
@bp.input(ChatQuery, location="query", arg_name="query")
@bp.output(ChatList, description="Those that are pinned first, then by the newest message.")
@bp.doc(operation_id="listChats", summary="List chats", tags=TAGS)
def list_chats(instance_id: str, query: ChatQuery) -> ChatList:
    """List chats

    Of the account that is linked now, page by page.
    """
    instance = instances.get_for(caller(), instance_id)
    part = chat_list.part_of(
        instance,
        unread=query.unread,
        archived=query.archived,
        behind=_place(query.cursor) if query.cursor else None,
        limit=query.limit,
    )
    cursor = str(Place.of(part.chats[-1])) if part.more else None
    return ChatList(items=list(map(_shown, part.chats)), next_cursor=cursor)


@bp.get(f"{_CHAT}/messages")
@bp.input(MessageQuery, location="query", arg_name="query")
@bp.output(MessageList, description="The messages, the newest first.")
@bp.doc(operation_id="listMessages", summary="List the messages of a chat", tags=TAGS)
def list_messages(instance_id: str, chat_id: str, query: MessageQuery) -> MessageList:
    """List the messages of a chat

    Asking for them leaves them unread.
    """
    instance = instances.get_for(caller(), instance_id)
    chat = _found(instance, chat_id)
    if query.before is None:
        part = conversation.newest(chat, limit=query.limit)
    else:
        if not conversation.holds(chat, query.before):
            raise _no_such_page("before")
        part = conversation.before(chat, query.before, limit=query.limit)
    items = [message_shown(message) for message in reversed(part.messages)]
    return MessageList(items=items, next_before=items[-1].id if part.earlier else None)


@bp.patch(_CHAT)
@bp.output(Chat, description="The chat as it is now.")
@takes(ChatManners, example={"pinned": True, "unread": True})
@bp.doc(operation_id="updateChat", summary="Archive, pin, mute or mark a chat", tags=TAGS)
def update_chat(instance_id: str, chat_id: str, body: ChatManners) -> Chat:
    """Archive, pin, mute or mark a chat

    Here at once, and on the phone as soon as the instance is connected: phoneTrouble tells where
    WhatsApp did not take it. What is changed on the phone holds here some seconds later, but for
    the mark. A message that arrives takes a chat out of the archive here unless it is muted.
    Archiving unpins.
    """
    with transaction():
        chat = _found(instances.get_for(caller(), instance_id), chat_id)
        _keep(chat, body)
    return _shown(chat)


def _keep(chat: models.Chat, body: ChatManners) -> None:
    if body.archived and body.pinned:
        text = N_("A chat in the archive cannot be pinned.")
        raise Invalid(text, field="pinned", code="archived_and_pinned")
    if body.archived is not None:
        (chat_manners.archive if body.archived else chat_manners.unarchive)(chat)
    if body.pinned is not None:
        (chat_manners.pin if body.pinned else chat_manners.unpin)(chat)
    if body.unread is not None:
        (chat_manners.mark_unread if body.unread else chat_manners.mark_read)(chat)
    if body.muted_until is not None:
        chat_manners.mute(chat, _with_zone(body.muted_until))
    elif "muted_until" in body.model_fields_set:
        chat_manners.unmute(chat)


def _with_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        message = N_("Write the time with its time zone, like 2026-12-24T10:00:00Z.")
        raise Invalid(message, field="mutedUntil", code="muted_until_without_zone")
    return moment


def _found(instance: models.Instance, chat_id: str) -> models.Chat:
    return chats.addressed(instance, chat_id, country=current_settings().default_country)


def _place(cursor: str) -> Place:
    place = Place.read(cursor)
    if place is None:
        raise _no_such_page("cursor")
    return place


def _no_such_page(field: str) -> Invalid:
    return Invalid(N_("There is no such page."), field=field, code="bad_cursor")


def _shown(chat: models.Chat) -> Chat:
    return Chat.model_validate(
        {
            "id": chat.jid,
            "name": chat.shown_name,
            "isGroup": chat.is_group,
            "lastMessageAt": iso(chat.last_at) if chat.last_kind else None,
            "lastText": chat.last_text,
            "unread": chat.unread,
            "markedUnread": chat.marked_unread,
            "archived": chat.archived_at is not None,
            "pinned": chat.pinned_at is not None,
            "mutedUntil": iso(chat.muted_until) if chat.muted_until and chat.is_muted else None,
            "phoneTrouble": chat.phone_trouble,
        }
    )
