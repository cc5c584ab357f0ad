"""Files that are sent from a conversation, and what is spoken in it."""

from __future__ import annotations

from typing import Any

from flask import make_response, render_template, request, url_for
from flask_login import login_required
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.core.errors import AppError
from app.core.media import MediaKind, clean_name
from app.i18n import words_of
from app.models import Message
from app.models.message import FROM_UI
from app.security.uploads import send
from app.services import chats, uploads
from app.services.media import NewFile
from app.ui.answers import see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.chat import chat_page
from app.ui.conversation import CHAT, acted
from app.ui.instances import owned
from app.ui.sending import key_of_page

PATH = f"{CHAT}/files"


@bp.post(PATH)
@login_required
def send_files(instance_id: str, chat_id: str) -> Response:
    """Queues each file as a message of its own, in order; the caption goes with the first."""
    instance = owned(instance_id)
    chat = chats.get_for(instance, chat_id)
    given: list[FileStorage | None] = [*request.files.getlist("file")]
    caption, problems = request.form.get("caption", ""), []
    for number, file in enumerate(given or [None]):
        try:
            text = "" if number else caption
            _send(instance_id, chat_id, file, text, is_first=not number, wanted=_wanted())
        except AppError as error:
            problems.append((clean_name(file.filename or "") if file else "", error))
    if not problems:
        return _done(instance_id, chat_id)
    if wants_fragment():
        return _refused(problems[0][1])
    told = [f"{name}: {words_of(error)}" if name else words_of(error) for name, error in problems]
    context: dict[str, Any] = {
        "caption": caption,
        "file_problems": told,
        "sent_as": request.form.get("as"),
    }
    return chat_page(instance, chat, status=problems[0][1].status, **context)


@bp.post(f"{CHAT}/voice")
@login_required
def send_voice(instance_id: str, chat_id: str) -> Response:
    """Queues a recording as a voice message. Only a script can record one, so it alone asks."""
    chats.get_for(owned(instance_id), chat_id)
    try:
        _send(instance_id, chat_id, request.files.get("file"), wanted=MediaKind.VOICE)
    except AppError as error:
        return _refused(error)
    return _done(instance_id, chat_id)


def _send(
    instance_id: str,
    chat_id: str,
    file: FileStorage | None,
    caption: str = "",
    *,
    is_first: bool = True,
    wanted: MediaKind | None = None,
) -> None:
    def queue(new: NewFile) -> Message:
        instance = owned(instance_id)
        chat = chats.get_for(instance, chat_id)
        return uploads.queue_file_in(
            instance,
            chat,
            new,
            caption=caption,
            source=FROM_UI,
            idempotency_key=key_of_page(),
            reply_to=request.form.get("reply_to") if is_first else None,
        )

    send(file, queue, wanted=wanted)


def _wanted() -> MediaKind | None:
    """As what the files are to be sent; None where their bytes decide."""
    chosen = request.form.get("as", "")
    if chosen not in uploads.WANTED:
        return None
    return MediaKind(chosen)


def _done(instance_id: str, chat_id: str) -> Response:
    if wants_fragment():
        instance = owned(instance_id)
        return acted(instance, chats.get_for(instance, chat_id))
    return see_other(url_for("ui.show_chat", instance_id=instance_id, chat_id=chat_id))


def _refused(error: AppError) -> Response:
    """For the script that sends one file at a time: the sentence goes beside that file."""
    body = render_template("errors/_alert.html", status=error.status, sentence=words_of(error))
    return make_response(body, error.status)
