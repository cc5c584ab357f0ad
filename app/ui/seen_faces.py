"""Whose profile pictures a page shows, and which of them it wishes for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.config import current_settings
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, Message
from app.models.message import INCOMING
from app.services import profile_pictures
from app.services.contact_lists import Line
from app.services.people_names import Who
from app.services.profile_pictures import Faces
from app.transaction import transaction


def faces_of(chat: Chat, people: Iterable[Who]) -> Faces:
    """The pictures of people of a group, as far as they are known; of nobody elsewhere."""
    if not chat.is_group or not current_settings().profile_pictures:
        return Faces()
    return profile_pictures.faces_of(chat.account_id, people)


def faces_of_contacts(instance: Instance, lines: Sequence[Line]) -> Faces:
    """The pictures of contacts, as far as they are known."""
    if not current_settings().profile_pictures:
        return Faces()
    chats = [line.chat for line in lines if line.chat is not None]
    return profile_pictures.faces_of(instance.account_id, _people_of(lines), chats=chats)


def wish_for_faces_of_contacts(instance: Instance, lines: Iterable[Line], faces: Faces) -> None:
    """Somebody looks at these contacts: see wish_for_faces."""
    account_id = instance.account_id
    if not current_settings().profile_pictures:
        return
    unknown = profile_pictures.unknown_people(instance, account_id, _people_of(lines), faces)
    if unknown:
        with transaction() as session:
            profile_pictures.want_people(session.get_one(LinkedAccount, account_id), unknown)


def _people_of(lines: Iterable[Line]) -> list[Who]:
    return [(line.person.phone, line.person.lid) for line in lines]


def senders_of(messages: Sequence[Message]) -> list[Who]:
    """Who wrote these messages, the latest first."""
    wrote = (one for one in reversed(messages) if one.direction == INCOMING)
    return list(dict.fromkeys((one.sender_phone, one.sender_lid) for one in wrote))


def wish_for_faces(
    instance: Instance,
    shown: Iterable[Chat],
    *,
    group: Chat | None = None,
    people: Iterable[Who] = (),
    faces: Faces | None = None,
) -> None:
    """Somebody looks at these chats, and at these people of a group: what is not known of their
    pictures is wished for. To be called when the page is drawn, as a transaction forgets what was
    read; it writes nothing where there is nothing to wish for."""
    if not current_settings().profile_pictures:
        return
    unknown = profile_pictures.unknown_of(instance, shown)
    strangers: list[Who] = []
    if group is not None and faces is not None:
        strangers = unknown_people(instance, group, people, faces)
    wish(instance.id, unknown, group.id if group is not None else "", strangers)


def unknown_people(
    instance: Instance, chat: Chat, people: Iterable[Who], faces: Faces
) -> list[Who]:
    """Those of a group's people whose pictures are to be asked for."""
    if not chat.is_group or not current_settings().profile_pictures:
        return []
    return profile_pictures.unknown_people(instance, chat.account_id, people, faces)


def wish(instance_id: str, chat_ids: list[str], group_id: str, people: list[Who]) -> None:
    """Writes down, in a transaction of its own, that somebody looks at these chats, and at these
    people of a group."""
    if not (chat_ids or people):
        return
    with transaction():
        if chat_ids:
            profile_pictures.want(instance_id, chat_ids)
        if people:
            group = db.session.get_one(Chat, group_id)
            account = db.session.get_one(LinkedAccount, group.account_id)
            profile_pictures.want_people(account, people, seen_in=group)
