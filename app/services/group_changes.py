"""What happens in groups: members come and go, names change. Each change is made to what is known,
noted in the conversation, and told to webhooks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import bell, topics
from app.clock import utcnow
from app.core.events import Event, iso
from app.core.groups import ADMIN, MEMBER, GroupNote
from app.core.ids import new_id
from app.core.states import MessageStatus
from app.extensions import db
from app.models import Chat, LinkedAccount, Message
from app.models.message import SYSTEM
from app.services import chats, groups, outbox
from app.services.people_names import Names, Who, is_us, names_of

TEXT_LENGTH = 500


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What one notice of WhatsApp says about a group; None and () mean unchanged."""

    group_id: str
    by: Who
    at: datetime
    joined: Sequence[Who] = ()
    left: Sequence[Who] = ()
    promoted: Sequence[Who] = ()
    demoted: Sequence[Who] = ()
    by_link: bool = False
    name: str | None = None
    description: str | None = None
    only_admins_write: bool | None = None
    has_picture: bool | None = None  # of one that is new, or is gone
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class _Note:
    """One thing that happened: to `people`, or to what `text` says now."""

    kind: GroupNote
    people: Sequence[Who] = ()
    text: str = ""


def apply(account: LinkedAccount, change: GroupChange) -> Chat:
    """Makes the change, notes it and tells it. The same notice again changes nothing."""
    chat = chats.group(account, change.group_id)
    chat.name = (change.name or chat.name)[: chats.NAME_LENGTH]
    if change.description is not None:
        chat.description = change.description[: groups.DESCRIPTION_LENGTH]
    if change.only_admins_write is not None:
        chat.only_admins_write = change.only_admins_write
    groups.tell(chat)
    names = names_of(chat, [*_people(change), change.by])  # while they are members still
    _change_members(account, chat, change)
    for note in _notes(change):
        _write(account, chat, change, note, names)
    return chat


def _change_members(account: LinkedAccount, chat: Chat, change: GroupChange) -> None:
    for who in change.joined:
        groups.put(chat, who)
    for who in change.promoted:
        groups.put(chat, who, ADMIN)
    for who in change.demoted:
        groups.put(chat, who)
    for who in change.left:
        groups.take_out(chat, who)
    roles = ((change.joined, MEMBER), (change.promoted, ADMIN), (change.demoted, MEMBER))
    for people, role in roles:
        if any(is_us(account, who) for who in people):
            chat.our_role = role
    if change.deleted or any(is_us(account, who) for who in change.left):
        groups.leave(chat)


def _people(change: GroupChange) -> list[Who]:
    return [*change.joined, *change.left, *change.promoted, *change.demoted]


def _notes(change: GroupChange) -> list[_Note]:
    """In the order in which they are read. Who takes nobody but themselves out has left."""
    by_themselves = [who for who in change.left if _same(who, change.by)]
    removed = [who for who in change.left if who not in by_themselves]
    came = GroupNote.JOINED if change.by_link else GroupNote.ADDED
    found = [
        _Note(came, change.joined),
        _Note(GroupNote.LEFT, by_themselves),
        _Note(GroupNote.REMOVED, removed),
        _Note(GroupNote.PROMOTED, change.promoted),
        _Note(GroupNote.DEMOTED, change.demoted),
    ]
    notes = [note for note in found if note.people]
    if change.name:
        notes.append(_Note(GroupNote.RENAMED, text=change.name))
    if change.description is not None:
        notes.append(_Note(GroupNote.DESCRIBED, text=change.description))
    if change.only_admins_write is not None:
        writes = GroupNote.ADMINS_WRITE if change.only_admins_write else GroupNote.ALL_WRITE
        notes.append(_Note(writes))
    if change.has_picture is not None:
        pictured = GroupNote.PICTURE_CHANGED if change.has_picture else GroupNote.PICTURE_REMOVED
        notes.append(_Note(pictured))
    if change.deleted:
        notes.append(_Note(GroupNote.DELETED))
    return notes


def _write(
    account: LinkedAccount, chat: Chat, change: GroupChange, note: _Note, names: Names
) -> None:
    """A line in the conversation and an event; nothing for one that is there already."""
    key = _key(chat, change, note)
    query = select(Message.id).where(
        Message.instance_id == chat.instance_id, Message.idempotency_key == key
    )
    if db.session.scalar(query) is not None:
        return
    by = _with_number(change.by, names)
    people = [_with_number(who, names) for who in note.people]
    text = ", ".join(names.of(*who) for who in people) or note.text
    message = Message(
        id=new_id("msg", utcnow()),
        instance_id=chat.instance_id,
        account_id=chat.account_id,
        chat_id=chat.id,
        direction=SYSTEM,
        kind=note.kind.value,
        body=text[:TEXT_LENGTH],
        details={"note": {"by": list(by), "people": [list(who) for who in people]}},
        idempotency_key=key,
        status=MessageStatus.RECEIVED,
        created_at=utcnow(),
        shown_at=max(change.at, chat.last_at) if _close(change.at, chat.last_at) else change.at,
    )
    db.session.add(message)
    db.session.flush()
    chats.touch(chat, text=message.body, kind=message.kind, at=message.shown_at)
    outbox.emit(
        chat.instance_id, Event.GROUP_UPDATED, _payload(chat, change, note, by, people, names)
    )
    bell.changed(topics.chat(chat.id))


def _payload(
    chat: Chat, change: GroupChange, note: _Note, by: Who, people: Sequence[Who], names: Names
) -> dict[str, Any]:
    return {
        "chatId": chat.jid,
        "groupName": chat.name,
        "change": note.kind.value.removeprefix("group_"),
        "by": _jid(by) if any(by) else None,
        "byName": names.of(*by) or None,
        "participants": [_jid(who) for who in people],
        "text": note.text or None,
        "timestamp": iso(change.at),
    }


def _key(chat: Chat, change: GroupChange, note: _Note) -> str:
    """The same for the same notice, which may be read twice."""
    said = [chat.id, note.kind, change.at.isoformat(), change.by, list(note.people), note.text]
    return "note-" + hashlib.sha256(repr(said).encode()).hexdigest()[:40]


def _close(at: datetime, last: datetime) -> bool:
    """Whether both are of one second: WhatsApp tells no more, and order must be kept."""
    return 0 <= (last - at).total_seconds() < 1


def _same(one: Who, other: Who) -> bool:
    return any(a and a == b for a, b in zip(one, other, strict=True))


def _with_number(who: Who, names: Names) -> Who:
    """WhatsApp names people by LID; the group may know their numbers."""
    phone, lid = who
    return phone or names.numbers.get(lid or ""), lid


def _jid(who: Who) -> str:
    phone, lid = who
    return f"{phone}@s.whatsapp.net" if phone else f"{lid}@lid"
