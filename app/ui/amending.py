"""What is done with one message of a conversation: reactions, edits, deletions."""

from __future__ import annotations

from collections.abc import Callable

from flask import make_response, request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from app.core.errors import AppError, Conflict, Invalid
from app.i18n import words_of
from app.models import Message
from app.models.message import FROM_UI
from app.services import amending, chats, forwarding, messaging
from app.transaction import transaction
from app.ui.answers import question, see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.conversation import CHAT
from app.ui.instances import owned
from app.ui.message_info import has_info

EMOJI = ("👍", "❤️", "😂", "😮", "😢", "🙏")
"""Those that phones offer first."""
_MESSAGE = f"{CHAT}/messages/<message_id>"


@bp.get(f"{_MESSAGE}/acts")
@login_required
def show_acts(instance_id: str, chat_id: str, message_id: str) -> Response:
    """What can be done with a message."""
    return _acts(instance_id, chat_id, message_id)


@bp.post(f"{_MESSAGE}/reaction")
@login_required
def react_to_message(instance_id: str, chat_id: str, message_id: str) -> Response:
    """Queues a reaction, one of those that are offered or another; an empty one takes it back."""
    emoji = request.form.get("emoji", request.form.get("other", ""))

    def act(message: Message) -> None:
        amending.react(message, emoji, source=FROM_UI)

    return _done(instance_id, chat_id, message_id, act)


@bp.post(f"{_MESSAGE}/edit")
@login_required
def edit_message(instance_id: str, chat_id: str, message_id: str) -> Response:
    """Queues another text for a message of ours."""

    def act(message: Message) -> None:
        amending.edit(message, request.form.get("text", ""), source=FROM_UI)

    return _done(instance_id, chat_id, message_id, act)


@bp.post(f"{_MESSAGE}/delete")
@login_required
def delete_message(instance_id: str, chat_id: str, message_id: str) -> Response:
    """Queues the deletion of a message of ours for everybody."""

    def act(message: Message) -> None:
        amending.remove(message, source=FROM_UI)

    return _done(instance_id, chat_id, message_id, act)


def _done(
    instance_id: str, chat_id: str, message_id: str, act: Callable[[Message], None]
) -> Response:
    instance = owned(instance_id)
    chats.get_for(instance, chat_id)
    try:
        with transaction():
            act(messaging.get_for(instance, message_id))
    except (Invalid, Conflict) as error:
        return _acts(instance_id, chat_id, message_id, error)
    if not wants_fragment():
        return see_other(url_for("ui.show_chat", instance_id=instance_id, chat_id=chat_id))
    response = make_response("")
    response.headers["HX-Trigger-After-Swap"] = "answered, chat-changed"
    return response


def _acts(
    instance_id: str, chat_id: str, message_id: str, error: AppError | None = None
) -> Response:
    instance = owned(instance_id)
    chat = chats.get_for(instance, chat_id)
    message = messaging.get_for(instance, message_id)
    return question(
        "chat/_acts.html",
        "chat/acts.html",
        status=error.status if error else 200,
        instance=instance,
        chat=chat,
        message=message,
        emoji=EMOJI,
        own=next((one.emoji for one in message.reactions if one.from_me), ""),
        text=request.form.get("text", message.body),
        may_edit=amending.may_edit(message),
        may_forward=forwarding.may_forward(message),
        may_delete=amending.may_delete(message),
        has_info=has_info(message),
        problem=words_of(error) if error else "",
    )
