"""Profile pictures as pages show them."""

from __future__ import annotations

from flask import Flask, request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from app.config import current_settings
from app.models import Chat, ProfilePicture
from app.security.files import picture_of
from app.services import chats, group_wishes, groups, profile_pictures
from app.services.profile_pictures import MOST_WISHES
from app.ui.answers import fragment
from app.ui.blueprint import bp
from app.ui.conversation import CHAT
from app.ui.instances import owned
from app.ui.seen_faces import faces_of, unknown_people, wish

_MARK_LENGTH = 8


def register(app: Flask) -> None:
    """Adds the filters to the templates of `app`."""
    app.jinja_env.filters.update(chat_face=chat_face, face=face)


@bp.get(f"{CHAT}/picture")
@login_required
def show_picture(instance_id: str, chat_id: str) -> Response:
    """The profile picture of a chat."""
    return picture_of(profile_pictures.stored_of(chats.get_for(owned(instance_id), chat_id)))


@bp.get("/ui/instances/<instance_id>/faces/<picture_id>")
@login_required
def show_face(instance_id: str, picture_id: str) -> Response:
    """The profile picture of somebody in a group."""
    return picture_of(profile_pictures.get_for(owned(instance_id), picture_id))


@bp.get(f"{CHAT}/group/faces")
@login_required
def show_member_faces(instance_id: str, chat_id: str) -> Response:
    """The pictures of members that somebody has scrolled to; asks again while some are to come."""
    instance = owned(instance_id)
    chat = group_wishes.group_of(instance, chat_id)
    members = groups.some_of(chat, request.args.getlist("key")[:MOST_WISHES])
    people = [(one.phone, one.lid) for one in members]
    faces = faces_of(chat, people)
    unknown = unknown_people(instance, chat, people, faces)
    answer = fragment(
        "chat/_member_faces.html",
        instance=instance,
        chat=chat,
        members=members,
        faces=faces,
        some_to_come=bool(unknown) or profile_pictures.awaits_any(people, faces),
    )
    wish(instance.id, [], chat.id, unknown)
    return answer


def chat_face(chat: Chat) -> str | None:
    """The address of a chat's picture; None where none is here."""
    return face(chat.picture if current_settings().profile_pictures else None)


def face(row: ProfilePicture | None) -> str | None:
    """The address of somebody's picture, another one for each picture; None where none is here."""
    if row is None or row.storage_key is None:
        return None
    mark = row.storage_key[-_MARK_LENGTH:]
    instance_id = row.instance_id
    if row.chat_id is not None:
        return url_for("ui.show_picture", instance_id=instance_id, chat_id=row.chat_id, v=mark)
    return url_for("ui.show_face", instance_id=instance_id, picture_id=row.id, v=mark)
