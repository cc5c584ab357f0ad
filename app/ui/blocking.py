"""Blocking the person of a chat, after a question, and unblocking. Whoever holds the session does
it; the page waits for what becomes of it."""

from __future__ import annotations

from flask import flash, make_response, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from app.core.errors import AppError
from app.i18n import words_of
from app.models import Chat, GroupWish
from app.services import blocking, chats
from app.services.wish_waiting import fulfilled
from app.ui.answers import question, see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.conversation import CHAT
from app.ui.instances import owned


@bp.get(f"{CHAT}/block")
@login_required
def confirm_blocking(instance_id: str, chat_id: str) -> Response:
    """Asks before somebody is blocked."""
    return _ask(instance_id, chat_id)


@bp.post(f"{CHAT}/block")
@login_required
def block_person(instance_id: str, chat_id: str) -> Response:
    """Blocks the person of the chat, and opens it."""
    try:
        _change(instance_id, chat_id, blocked=True)
    except AppError as error:
        return _ask(instance_id, chat_id, error)
    return _open(instance_id, chat_id)


@bp.post(f"{CHAT}/unblock")
@login_required
def unblock_person(instance_id: str, chat_id: str) -> Response:
    """Hears from the person again."""
    _person(instance_id, chat_id)
    try:
        _change(instance_id, chat_id, blocked=False)
    except AppError as error:
        flash(words_of(error))
    return _open(instance_id, chat_id)


def _change(instance_id: str, chat_id: str, *, blocked: bool) -> None:
    def wish() -> GroupWish:
        instance = owned(instance_id)
        return blocking.wish(instance, chats.get_for(instance, chat_id), blocked=blocked)

    fulfilled(wish)


def _person(instance_id: str, chat_id: str) -> Chat:
    chat = chats.get_for(owned(instance_id), chat_id)
    if chat.is_group:
        raise chats.no_such_chat()
    return chat


def _ask(instance_id: str, chat_id: str, error: AppError | None = None) -> Response:
    return question(
        "chat/_block.html",
        "chat/block.html",
        status=error.status if error else 200,
        instance=owned(instance_id),
        chat=_person(instance_id, chat_id),
        problem=words_of(error) if error else "",
    )


def _open(instance_id: str, chat_id: str) -> Response:
    place = url_for("ui.show_chat", instance_id=instance_id, chat_id=chat_id)
    if not wants_fragment():
        return see_other(place)
    response = make_response("")
    response.headers["HX-Redirect"] = place
    return response
