"""What is done in a conversation: sending, and deciding about what was not sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from flask import request
from flask_babel import to_utc
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.core.errors import AppError, Invalid
from app.core.texts import N_
from app.i18n import words_of
from app.models import Message
from app.models.message import FROM_UI
from app.services import chats, messaging
from app.services.timing import Timing
from app.transaction import transaction
from app.ui.answers import wants_fragment
from app.ui.blueprint import bp
from app.ui.bubbles import KEY_OF_PAGE
from app.ui.chat import chat_page
from app.ui.conversation import CHAT, acted
from app.ui.instances import owned

_MESSAGE = f"{CHAT}/messages/<message_id>"
_KEY = re.compile(r"[0-9a-f]{32}")


@bp.post(f"{CHAT}/messages")
@login_required
def send_message(instance_id: str, chat_id: str) -> Response:
    """Queues a text; it is shown at once and goes out when the connection allows."""
    instance = owned(instance_id)
    chat, text = chats.get_for(instance, chat_id), request.form.get("text", "")
    try:
        with transaction():
            messaging.queue_text_in(
                instance,
                chat,
                text=text,
                source=FROM_UI,
                idempotency_key=key_of_page(),
                timing=_timing(),
                reply_to=request.form.get("reply_to"),
            )
    except AppError as error:
        if wants_fragment():
            raise
        problem = words_of(error)
        return chat_page(instance, chat, status=error.status, text=text, text_problem=problem)
    return acted(instance, chat)


def _timing() -> Timing:
    """When to send, as it was chosen beside the field: in the reader's own time."""
    later, good_for = request.form.get("send_at", ""), request.form.get("ttl", "")
    try:
        send_at = to_utc(datetime.fromisoformat(later)).replace(tzinfo=UTC) if later else None
        return Timing(send_at, int(good_for) if good_for else None)
    except ValueError as error:
        raise Invalid(N_("This is not a time."), field="send_at", code="bad_time") from error


def key_of_page() -> str | None:
    """What the browser calls this message, so that one that is sent twice is one message. Raises
    Invalid."""
    key = request.form.get("key", "")
    if key and not _KEY.fullmatch(key):
        raise Invalid(N_("The page is not up to date: load it again."), code="bad_key")
    return f"{KEY_OF_PAGE}{key}" if key else None


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
    return acted(instance, chat)
