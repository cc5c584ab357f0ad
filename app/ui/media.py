"""Files of messages on the pages: shown, saved, asked for again."""

from __future__ import annotations

from flask import make_response, request, url_for
from flask_babel import gettext
from flask_login import login_required
from werkzeug.wrappers import Response

from app.extensions import db
from app.models import Media, Message
from app.security.files import file_of, thumbnail_of
from app.services import chats, media, media_links
from app.transaction import transaction
from app.ui.answers import see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.conversation import acted
from app.ui.instances import owned

_ASK_AGAIN_SECONDS = 5
_MEDIA = "/ui/instances/<instance_id>/media/<media_id>"


@bp.get(_MEDIA)
@login_required
def show_media(instance_id: str, media_id: str) -> Response:
    """The file itself; with ?download it is saved, whatever it is."""
    return file_of(_found(instance_id, media_id), download="download" in request.args)


@bp.get(f"{_MEDIA}/thumbnail")
@login_required
def show_thumbnail(instance_id: str, media_id: str) -> Response:
    """The small copy of an image."""
    return thumbnail_of(_found(instance_id, media_id))


@bp.get(f"{media_links.PATH}/<token>")
def show_linked_media(token: str) -> Response:
    """The file that a webhook was told of. Whoever has the link gets it, saved, never in place;
    while it is on its way from WhatsApp they are told when to ask again."""
    row = media_links.media_of(token)
    if row.is_stored or row.due_at is None:
        return file_of(row, download=True)
    response = make_response(str(gettext("The file is on its way from WhatsApp.")), 503)
    response.headers["Retry-After"] = str(_ASK_AGAIN_SECONDS)
    response.mimetype = "text/plain"
    return response


@bp.post(f"{_MEDIA}/fetch")
@login_required
def fetch_media(instance_id: str, media_id: str) -> Response:
    """Has the file fetched from WhatsApp, now."""
    row = _found(instance_id, media_id)
    with transaction():
        media.ask_for(row)
    message = db.session.get_one(Message, row.message_id)
    instance = owned(instance_id)
    chat = chats.get_for(instance, message.chat_id)
    if wants_fragment():
        return acted(instance, chat)
    place = url_for("ui.show_chat", instance_id=instance_id, chat_id=chat.id, at=message.id)
    return see_other(place)


def _found(instance_id: str, media_id: str) -> Media:
    return media.get_for(owned(instance_id), media_id)
