"""How somebody keeps a chat: archived, pinned, muted, marked unread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import make_response, request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from app.core.errors import AppError, Conflict, Invalid
from app.core.texts import N_
from app.i18n import words_of
from app.models import Chat
from app.services import chat_manners, chats
from app.services.chat_manners import Quiet
from app.transaction import transaction
from app.ui.answers import fragment, question, see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.conversation import CHAT
from app.ui.instances import owned

_MANNERS = f"{CHAT}/manners"
_TELL_LIST = "HX-Trigger-After-Swap"


def _mute(quiet: Quiet, chat: Chat) -> None:
    chat_manners.mute(chat, quiet.until)


_ACTS: dict[str, Callable[[Chat], None]] = {
    "archive": chat_manners.archive,
    "unarchive": chat_manners.unarchive,
    "pin": chat_manners.pin,
    "unpin": chat_manners.unpin,
    "unmute": chat_manners.unmute,
    "unread": chat_manners.mark_unread,
    "read": chat_manners.mark_read,
    **{f"mute-{quiet}": partial(_mute, quiet) for quiet in Quiet},
}


@bp.get(_MANNERS)
@login_required
def show_manners(instance_id: str, chat_id: str) -> Response:
    """Asks what is to be done with a chat of the list."""
    return _ask(instance_id, chat_id)


@bp.post(_MANNERS)
@login_required
def change_manners(instance_id: str, chat_id: str) -> Response:
    """Does it. Asked for in the list, the answer closes the question; in the conversation, it is
    the menu as it is now. Who marks the chat unread leaves it: it is not read while it is open."""
    act, in_list = request.form.get("act", ""), "in_list" in request.form
    try:
        _do(instance_id, chat_id, act)
    except (Conflict, Invalid) as error:
        if in_list:
            return _ask(instance_id, chat_id, error)
        raise
    leaves = act == "unread"
    place = _place(instance_id, "" if in_list or leaves else chat_id)
    if not wants_fragment():
        return see_other(place)
    if in_list:
        return _told("answered, chats-changed")
    return _gone_to(place) if leaves else _menu(instance_id, chat_id)


def _do(instance_id: str, chat_id: str, act: str) -> None:
    with transaction():
        chat = chats.get_for(owned(instance_id), chat_id)
        if act not in _ACTS:
            error = N_("This cannot be done with a chat.")
            raise Invalid(error, field="act", code="bad_act")
        _ACTS[act](chat)


def _told(news: str) -> Response:
    response = make_response("")
    response.headers[_TELL_LIST] = news
    return response


def _gone_to(place: str) -> Response:
    response = make_response("")
    response.headers["HX-Redirect"] = place
    return response


def _menu(instance_id: str, chat_id: str) -> Response:
    instance = owned(instance_id)
    chat = chats.get_for(instance, chat_id)
    response = fragment("chat/_manners.html", instance=instance, chat=chat)
    response.headers[_TELL_LIST] = "chats-changed"
    return response


def _place(instance_id: str, chat_id: str) -> str:
    if chat_id:
        return url_for("ui.show_chat", instance_id=instance_id, chat_id=chat_id)
    show = request.form.get("show") or None
    return url_for("ui.show_chats", instance_id=instance_id, show=show)


def _ask(instance_id: str, chat_id: str, error: AppError | None = None) -> Response:
    instance = owned(instance_id)
    return question(
        "chat/_manners_asked.html",
        "chat/manners_asked.html",
        status=error.status if error else 200,
        instance=instance,
        chat=chats.get_for(instance, chat_id),
        show=request.values.get("show", ""),
        problem=words_of(error) if error else "",
    )
