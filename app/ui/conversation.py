"""One conversation: its messages part by part, what is new in it, and what is done in it."""

from __future__ import annotations

from typing import Any

from flask import g, request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from app import topics
from app.core.errors import AppError
from app.models import Chat, Instance, Message
from app.services import chat_states, chats, conversation, groups, quotes, reading
from app.services.conversation import Part
from app.services.people_names import names_in
from app.transaction import transaction
from app.ui.answers import respond
from app.ui.blueprint import bp
from app.ui.bubbles import Since, bubbles
from app.ui.instances import owned
from app.ui.polling import FAST, fresh_version_of, polled, version_of
from app.ui.seen_faces import faces_of, senders_of, wish_for_faces

PAGE_LENGTH = 40
NEWS_LENGTH = 200
"""Messages in one answer to a poll; the next poll brings what is left."""
CHAT = "/ui/instances/<instance_id>/chat/<chat_id>"


def _topics(instance_id: str, chat_id: str) -> list[str]:
    return [topics.chat(chat_id), topics.instance(instance_id)]


def opened(instance: Instance, chat: Chat) -> dict[str, Any]:
    """What the templates need of a chat that somebody opens, which reads it."""
    version = fresh_version_of(*_topics(instance.id, chat.id))
    since, unread_from = Since.now(), conversation.first_unread(chat)
    _read(instance, chat, opened=True)
    chat_states.looks(instance, chat)
    part = _asked_part(chat, unread_from)
    return {
        "chat": chat,
        "part": part,
        "bubbles": bubbles(part.messages, unread_from=unread_from),
        "names": names_in(chat, part.messages),
        "faces": faces_of(chat, senders_of(part.messages)),
        "members": groups.count_of(chat) if chat.is_group else 0,
        "composing": chat_states.composing_in(chat),
        "target": request.args.get("at") or None,
        "reply": _answered(chat),
        "version": version,
        "since": since,
        "news": [],
        "news_every": FAST,
    }


def _asked_part(chat: Chat, unread_from: str | None) -> Part:
    """Where the conversation is opened: at a message, before or after one, where the unread ones
    begin, or at its end."""
    given = request.args
    if "before" in given or "after" in given:
        return _beside(chat)
    end = conversation.newest(chat, limit=PAGE_LENGTH)
    place = given.get("at") or unread_from
    if place is None or any(message.id == place for message in end.messages):
        return end
    return conversation.around(chat, place, limit=PAGE_LENGTH)


def _beside(chat: Chat) -> Part:
    if "after" in request.args:
        return conversation.after(chat, request.args["after"], limit=PAGE_LENGTH)
    return conversation.before(chat, request.args.get("before", ""), limit=PAGE_LENGTH)


def _answered(chat: Chat) -> Message | None:
    """The message that somebody began to answer without a script; none for one that cannot be."""
    try:
        return quotes.original_for(chat, request.args.get("reply"))
    except AppError:
        return None


def _read(instance: Instance, chat: Chat, *, opened: bool = False) -> None:
    """What arrives is read while the chat is open; a mark goes only with the opening."""
    if chat.unread or (opened and chat.marked_unread):
        with transaction():
            reading.opened(instance, chat)


@bp.get(f"{CHAT}/messages")
@polled(_topics)
@login_required
def conversation_news(instance_id: str, chat_id: str) -> Response:
    """What is new or changed since the page looked last."""
    instance = owned(instance_id)
    chat = chats.get_for(instance, chat_id)
    _read(instance, chat)
    chat_states.looks(instance, chat)  # another connection may stand since
    return _news(instance, chat)


@bp.get(f"{CHAT}/messages/part")
@login_required
def conversation_part(instance_id: str, chat_id: str) -> Response:
    """Messages before or after one that is shown: they come while somebody scrolls."""
    instance = owned(instance_id)
    chat = chats.get_for(instance, chat_id)
    part = _beside(chat)
    people = senders_of(part.messages)
    faces = faces_of(chat, people)
    answer = respond(
        "chat/_part.html",
        page=url_for("ui.show_chat", instance_id=instance_id, chat_id=chat_id),
        instance=instance,
        chat=chat,
        part=part,
        bubbles=bubbles(part.messages),
        names=names_in(chat, part.messages),
        faces=faces,
        upwards="after" not in request.args,
    )
    wish_for_faces(instance, [], group=chat, people=people, faces=faces)
    return answer


def acted(instance: Instance, chat: Chat) -> Response:
    """The answer to an act in the chat: what it changed, and what else is new."""
    g.version = version_of(*_topics(instance.id, chat.id))
    return _news(instance, chat)


def _news(instance: Instance, chat: Chat) -> Response:
    asked, since, version = Since.of(request.values.get("since", "")), Since.now(), g.version
    news = conversation.changed(chat, since=asked.at, behind=asked.behind, limit=NEWS_LENGTH)
    if news.more:  # the next poll asks on from here, whatever the counter says
        last = news.messages[-1]
        since, version = Since(last.changed_at, last.id), ""
    people = senders_of(news.messages)
    faces = faces_of(chat, people)
    answer = respond(
        "chat/_news.html",
        page=url_for("ui.show_chat", instance_id=instance.id, chat_id=chat.id),
        instance=instance,
        chat=chat,
        news=bubbles(news.messages),
        names=names_in(chat, news.messages),
        faces=faces,
        members=groups.count_of(chat) if chat.is_group else 0,
        composing=chat_states.composing_in(chat),
        out_of_band=True,  # what the conversation is called may be news, too
        version=version,
        since=since,
        news_every=FAST,
    )
    wish_for_faces(instance, [], group=chat, people=people, faces=faces)
    return answer
