"""Profile pictures on the pages: shown where they are here, wished for where they are not."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from app.config import current_settings
from app.models import Chat, Instance
from app.security.files import picture_of
from app.services import chats, profile_pictures
from app.transaction import transaction
from app.ui.blueprint import bp
from app.ui.conversation import CHAT
from app.ui.instances import owned

_MARK_LENGTH = 8


def register(app: Flask) -> None:
    """Adds the filter to the templates of `app`."""
    app.jinja_env.filters.update(chat_face=chat_face)


@bp.get(f"{CHAT}/picture")
@login_required
def show_picture(instance_id: str, chat_id: str) -> Response:
    """The profile picture of a chat."""
    return picture_of(profile_pictures.stored_of(chats.get_for(owned(instance_id), chat_id)))


def chat_face(chat: Chat) -> str | None:
    """The address of a chat's picture, another one for each picture; None where none is here."""
    row = chat.picture if current_settings().profile_pictures else None
    if row is None or row.storage_key is None:
        return None
    mark = row.storage_key[-_MARK_LENGTH:]
    return url_for("ui.show_picture", instance_id=chat.instance_id, chat_id=chat.id, v=mark)


def wish_for_faces(instance: Instance, shown: Iterable[Chat]) -> None:
    """Somebody looks at these chats: what is not known of their pictures is wished for. To be
    called when the page is drawn, as a transaction forgets what was read; it writes nothing where
    there is nothing to wish for."""
    if not current_settings().profile_pictures:
        return
    unknown, instance_id = profile_pictures.unknown_of(instance, shown), instance.id
    if unknown:
        with transaction():
            profile_pictures.want(instance_id, unknown)
