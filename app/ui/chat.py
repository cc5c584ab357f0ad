"""The chat page: a list of conversations on the left, the chosen one on the right."""

from __future__ import annotations

from typing import Any

from flask import flash, g, request, url_for
from flask_babel import gettext
from flask_login import login_required
from werkzeug.wrappers import Response

from app import topics
from app.core.errors import AppError
from app.core.searching import excerpt
from app.i18n import words_of
from app.models import Chat, Instance
from app.services import chat_list, chat_search, chats
from app.services.chat_list import Place
from app.ui import starting
from app.ui.answers import page, respond, see_other
from app.ui.blueprint import bp
from app.ui.bubbles import Since
from app.ui.conversation import opened
from app.ui.instances import owned
from app.ui.polling import BRISK, fresh_version_of, polled
from app.ui.seen_faces import senders_of, wish_for_faces

PAGE_LENGTH = 30
UNREAD, ARCHIVE = "unread", "archive"
NEWS_LENGTH = 100
"""Chats in one answer to a poll; the next poll brings what is left."""
_LIST = "/ui/instances/<instance_id>/chat"


def _topics(instance_id: str, **_: str) -> list[str]:
    return [topics.chats(instance_id), topics.instance(instance_id)]


@bp.get(_LIST)
@login_required
def show_chats(instance_id: str) -> Response:
    """The list of chats, none of them open."""
    return chat_page(owned(instance_id))


@bp.post(_LIST)
@login_required
def open_chat(instance_id: str) -> Response:
    """Opens the chat with a number that was typed."""
    instance, to = owned(instance_id), request.form.get("to", "")
    try:
        chat_id, checked = starting.start(instance, to)
    except AppError as error:
        problem = words_of(error)
        return chat_page(owned(instance_id), status=error.status, to=to, to_problem=problem)
    if not checked:
        flash(gettext("It was not checked whether this number is on WhatsApp."))
    return see_other(url_for("ui.show_chat", instance_id=instance_id, chat_id=chat_id))


@bp.get(f"{_LIST}/news")
@polled(_topics)
@login_required
def chats_news(instance_id: str) -> Response:
    """The chats in which something is new since the page looked last."""
    instance = owned(instance_id)
    asked, since, version = Since.of(request.args.get("since", "")), Since.now(), g.version
    news = chat_list.changed(instance, since=asked.at, behind=asked.behind, limit=NEWS_LENGTH)
    if news.more:  # the next poll asks on from here, whatever the counter says
        last = news.chats[-1]
        since, version = Since(last.changed_at, last.id), ""
    answer = respond(
        "chat/_list_news.html",
        page=_page_of(instance_id),
        instance=instance,
        open_id=request.args.get("open", ""),
        shows=_shows(),
        lines=news.chats,
        list_version=version,
        list_since=since,
        list_every=BRISK,
    )
    wish_for_faces(instance, news.chats)
    return answer


@bp.get(f"{_LIST}/part")
@login_required
def chats_part(instance_id: str) -> Response:
    """More of the list: it comes while somebody scrolls down."""
    instance = owned(instance_id)
    part = _part(instance)
    answer = respond(
        "chat/_list_part.html",
        page=_page_of(instance_id),
        instance=instance,
        open_id=request.args.get("open", ""),
        **part,
    )
    wish_for_faces(instance, part["list_part"].chats)
    return answer


@bp.get(f"{_LIST}/search")
@login_required
def search_chats(instance_id: str) -> Response:
    """Chats and messages that fit what is typed."""
    instance = owned(instance_id)
    asked = request.args.get("q", "")
    return respond(
        "chat/_found.html",
        page=url_for("ui.show_chats", instance_id=instance_id, q=asked),
        instance=instance,
        **_found(instance),
    )


@bp.get(f"{_LIST}/<chat_id>")
@login_required
def show_chat(instance_id: str, chat_id: str) -> Response:
    """The list, and one conversation open: at its end, or at the message that was asked for."""
    instance = owned(instance_id)
    return chat_page(instance, chats.get_for(instance, chat_id))


def chat_page(
    instance: Instance, chat: Chat | None = None, *, status: int = 200, **context: Any
) -> Response:
    """The whole page. What is typed stays: `to`, `text`, and the problems with them."""
    context |= {
        "instance": instance,
        "open_id": chat.id if chat else "",
        "list_version": fresh_version_of(*_topics(instance.id)),  # before anything else is read
        "list_since": Since.now(),
        "list_every": BRISK,
    }
    if chat is not None:
        context |= opened(instance, chat)
    context |= _part(instance) | _found(instance)
    answer = page("chat/show.html", status=status, **context)
    shown = ([chat] if chat else []) + context["list_part"].chats
    people = senders_of(context["part"].messages) if chat else []
    wish_for_faces(instance, shown, group=chat, people=people, faces=context.get("faces"))
    return answer


def _part(instance: Instance) -> dict[str, Any]:
    shows = _shows()
    part = chat_list.part_of(
        instance,
        unread=shows == UNREAD,
        archived=shows == ARCHIVE,
        behind=Place.read(request.args.get("behind", "")),
        limit=PAGE_LENGTH,
    )
    return {"list_part": part, "shows": shows}


def _shows() -> str:
    """Which chats are asked for; empty for all that are not in the archive."""
    asked = request.args.get("show", "")
    return asked if asked in (UNREAD, ARCHIVE) else ""


def _found(instance: Instance) -> dict[str, Any]:
    asked = request.args.get("q", "").strip()
    found = chat_search.find(instance, asked) if asked else None
    return {"asked": asked, "found": found, "excerpt": excerpt}


def _page_of(instance_id: str) -> str:
    return url_for("ui.show_chats", instance_id=instance_id)
