"""Passing a message on: the chats to choose from, and the act."""

from __future__ import annotations

import secrets

from flask import make_response, request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from app.core.errors import AppError, Conflict, Invalid
from app.extensions import db
from app.i18n import words_of
from app.models import Chat, Instance
from app.models.message import FROM_UI
from app.services import chat_list, chat_search, chats, forwarding, messaging
from app.transaction import transaction
from app.ui.answers import fragment, question, see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.conversation import CHAT
from app.ui.instances import owned
from app.ui.sending import key_of_page

_FORWARD = f"{CHAT}/messages/<message_id>/forward"
OFFERED = 20


@bp.get(_FORWARD)
@login_required
def choose_chats(instance_id: str, chat_id: str, message_id: str) -> Response:
    """Asks where to."""
    return _ask(instance_id, chat_id, message_id)


@bp.get(f"{_FORWARD}/chats")
@login_required
def find_chats(instance_id: str, chat_id: str, message_id: str) -> Response:
    """Chats that fit what is typed; those chosen stay."""
    instance = owned(instance_id)
    chats.get_for(instance, chat_id)
    chosen = request.args.getlist("to")
    return fragment("chat/_forward_chats.html", found=_found(instance, chosen), chosen=chosen)


@bp.post(_FORWARD)
@login_required
def forward_message(instance_id: str, chat_id: str, message_id: str) -> Response:
    """Queues the message for the chosen chats."""
    instance = owned(instance_id)
    chats.get_for(instance, chat_id)
    to = request.form.getlist("to")
    try:
        with transaction():
            message = messaging.get_for(instance, message_id)
            chosen = [chats.get_for(instance, one) for one in to]
            forwarding.forward(message, chosen, source=FROM_UI, key=key_of_page())
    except (Invalid, Conflict) as error:
        return _ask(instance_id, chat_id, message_id, error)
    # Where it went is seen best in the chat it went to.
    place = url_for("ui.show_chat", instance_id=instance_id, chat_id=to[0])
    if not wants_fragment():
        return see_other(place)
    response = make_response("")
    if len(to) == 1:
        response.headers["HX-Redirect"] = place
    else:
        response.headers["HX-Trigger-After-Swap"] = "answered, chat-changed"
    return response


def _ask(
    instance_id: str, chat_id: str, message_id: str, error: AppError | None = None
) -> Response:
    instance = owned(instance_id)
    chat = chats.get_for(instance, chat_id)
    chosen = request.values.getlist("to")
    return question(
        "chat/_forward.html",
        "chat/forward.html",
        status=error.status if error else 200,
        instance=instance,
        chat=chat,
        message=messaging.get_for(instance, message_id),
        found=_found(instance, chosen),
        chosen=chosen,
        asked=request.values.get("q", ""),
        key=request.form.get("key") or secrets.token_hex(16),
        problem=words_of(error) if error else "",
    )


def _found(instance: Instance, chosen: list[str]) -> list[Chat]:
    """Those chosen, then those that fit, the newest first; only where something may be written."""
    asked = request.values.get("q", "").strip()
    if asked:
        fitting = chat_search.find(instance, asked).chats
    else:
        fitting = chat_list.part_of(instance, unread=False, behind=None, limit=OFFERED).chats
    kept = [chat for one in chosen if (chat := db.session.get(Chat, one))]
    ours = [chat for chat in kept if chat.instance_id == instance.id]
    every = {chat.id: chat for chat in (*ours, *fitting)}
    writable = (c for c in every.values() if c.may_write and c.account_id == instance.account_id)
    return list(writable)[: OFFERED + len(ours)]
