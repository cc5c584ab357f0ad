"""The chat page: a list of conversations on the left, the chosen one on the right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import current_app, g, request, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app import topics
from app.core.errors import AppError
from app.i18n import words_of
from app.models import Chat, Instance, Message
from app.models.message import FROM_UI
from app.services import chats, messaging
from app.transaction import transaction
from app.ui.answers import page, respond, see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.instances import owned
from app.ui.polling import BRISK, FAST, fresh_version_of, polled, version_of

PAGE_LENGTH = 50
_MESSAGE = "/ui/instances/<instance_id>/chat/<chat_id>/messages/<message_id>"


def _list_topics(instance_id: str, **_: str) -> list[str]:
    return [topics.chats(instance_id), topics.instance(instance_id)]


def _conversation_topics(instance_id: str, chat_id: str) -> list[str]:
    return [topics.chat(chat_id), topics.instance(instance_id)]


@bp.get("/ui/instances/<instance_id>/chat")
@login_required
def show_chats(instance_id: str) -> Response:
    """The list of chats, none of them open."""
    return _chat_page(owned(instance_id))


@bp.post("/ui/instances/<instance_id>/chat")
@login_required
def open_chat(instance_id: str) -> Response:
    """Opens the chat with a number that was typed."""
    instance, to = owned(instance_id), request.form.get("to", "")
    try:
        with transaction():
            chat = chats.with_address(
                instance, to, country=current_app.config["SETTINGS"].default_country
            )
    except AppError as error:
        problem = words_of(error)
        return _chat_page(instance, status=error.status, to=to, to_problem=problem)
    return see_other(_page_of(instance, chat))


@bp.get("/ui/instances/<instance_id>/chat/list")
@polled(_list_topics)
@login_required
def chat_list(instance_id: str) -> Response:
    """The list of chats alone, for its poll."""
    instance = owned(instance_id)
    return respond(
        "chat/_list.html",
        page=url_for("ui.show_chats", instance_id=instance_id),
        list_version=g.version,
        open_id=request.args.get("open", ""),
        **_list_context(instance),
    )


@bp.get("/ui/instances/<instance_id>/chat/<chat_id>")
@login_required
def show_chat(instance_id: str, chat_id: str) -> Response:
    """The list, and one conversation open."""
    instance = owned(instance_id)
    return _chat_page(instance, chats.get_for(instance, chat_id))


@bp.get("/ui/instances/<instance_id>/chat/<chat_id>/messages")
@polled(_conversation_topics)
@login_required
def conversation(instance_id: str, chat_id: str) -> Response:
    """The messages alone: from `from` on for the poll, with earlier ones for `before`."""
    instance = owned(instance_id)
    return _conversation(instance, chats.get_for(instance, chat_id))


@bp.post("/ui/instances/<instance_id>/chat/<chat_id>/messages")
@login_required
def send_message(instance_id: str, chat_id: str) -> Response:
    """Queues a text; it is shown at once and goes out when the connection allows."""
    instance = owned(instance_id)
    chat, text = chats.get_for(instance, chat_id), request.form.get("text", "")
    try:
        with transaction():
            messaging.queue_text_in(instance, chat, text=text, source=FROM_UI)
    except AppError as error:
        if wants_fragment():
            raise
        problem = words_of(error)
        return _chat_page(instance, chat, status=error.status, text=text, text_problem=problem)
    g.version = version_of(*_conversation_topics(instance_id, chat_id))
    return _conversation(instance, chat)


@bp.post(f"{_MESSAGE}/resend")
@login_required
def resend_message(instance_id: str, chat_id: str, message_id: str) -> Response:
    """Sends an unconfirmed message again, as a new one."""

    def act(message: Message) -> None:
        messaging.resend(message, source=FROM_UI, actor=current_user)

    return _decide(instance_id, chat_id, message_id, act)


@bp.post(f"{_MESSAGE}/dismiss")
@login_required
def dismiss_message(instance_id: str, chat_id: str, message_id: str) -> Response:
    """Leaves an unconfirmed message as it is."""

    def act(message: Message) -> None:
        messaging.dismiss(message, actor=current_user)

    return _decide(instance_id, chat_id, message_id, act)


@bp.post(f"{_MESSAGE}/retry")
@login_required
def retry_message(instance_id: str, chat_id: str, message_id: str) -> Response:
    """Queues a failed message again."""
    return _decide(instance_id, chat_id, message_id, messaging.retry)


def _decide(
    instance_id: str, chat_id: str, message_id: str, act: Callable[[Message], None]
) -> Response:
    instance = owned(instance_id)
    chat = chats.get_for(instance, chat_id)
    with transaction():
        act(messaging.get_for(instance, message_id))
    g.version = version_of(*_conversation_topics(instance_id, chat_id))
    return _conversation(instance, chat)


def _chat_page(
    instance: Instance, chat: Chat | None = None, *, status: int = 200, **context: Any
) -> Response:
    """The whole page. What is typed stays: `to`, `text`, and the problems with them."""
    context["list_version"] = fresh_version_of(*_list_topics(instance.id))
    context["open_id"] = chat.id if chat else ""
    if chat is not None:
        context["version"] = fresh_version_of(*_conversation_topics(instance.id, chat.id))
        context |= _conversation_context(instance, chat)
    return page("chat/show.html", status=status, **(context | _list_context(instance)))


def _conversation(instance: Instance, chat: Chat) -> Response:
    return respond(
        "chat/_messages.html",
        page=_page_of(instance, chat),
        version=g.version,
        **_conversation_context(instance, chat),
    )


def _conversation_context(instance: Instance, chat: Chat) -> dict[str, Any]:
    """Opening a chat reads it, and so does every poll that brings something new."""
    if chat.unread:
        with transaction():
            chats.mark_read(chat)
    messages, earlier = _messages(chat)
    return {
        "instance": instance,
        "chat": chat,
        "messages": messages,
        "earlier": earlier,
        "messages_every": FAST,
    }


def _messages(chat: Chat) -> tuple[list[Message], bool]:
    """What is shown of the chat, and whether there is more before it."""
    anchor = request.args.get("from")
    if before := request.args.get("before"):
        page_before = chats.history(chat, before=before, limit=PAGE_LENGTH)
        anchor = page_before[0].id if page_before else before
    messages = chats.since(chat, anchor) if anchor else chats.history(chat, limit=PAGE_LENGTH)
    earlier = bool(messages) and bool(chats.history(chat, before=messages[0].id, limit=1))
    return messages, earlier


def _list_context(instance: Instance) -> dict[str, Any]:
    return {"instance": instance, "chats": chats.all_of(instance), "list_every": BRISK}


def _page_of(instance: Instance, chat: Chat) -> str:
    return url_for("ui.show_chat", instance_id=instance.id, chat_id=chat.id)
