"""Chats of an instance's linked account, and the messages in them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, or_, select

from app import bell, topics
from app.clock import utcnow
from app.core.chat_settings import Aspect
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.phones import GROUP_SERVER, LID_SERVER, normalize_phone, split_jid
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, Message
from app.models.chat import GROUP, PERSON
from app.models.message import TEXT
from app.services import chat_wishes, counting, naming

PREVIEW_LENGTH = 200
NAME_LENGTH = 100


def get_for(instance: Instance, chat_id: str) -> Chat:
    """The chat, if it is the instance's. Raises NotFound otherwise."""
    chat = db.session.get(Chat, chat_id)
    if chat is None or chat.instance_id != instance.id:
        raise no_such_chat()
    return chat


def named(instance: Instance, name: str, *, country: str) -> Chat:
    """The chat of this id, JID or phone number; none is made. Raises NotFound."""
    if name.startswith("cht_"):
        return get_for(instance, name)
    try:
        user, server = split_jid(name) if "@" in name else (None, "")
        user = user or normalize_phone(name, country=country)
    except Invalid as error:
        raise no_such_chat() from error
    column = {GROUP_SERVER: Chat.group_id, LID_SERVER: Chat.lid}.get(server, Chat.phone)
    query = select(Chat).where(Chat.account_id == instance.account_id, column == user)
    chat = db.session.scalar(query)
    if chat is None:
        raise no_such_chat()
    return chat


def no_such_chat() -> NotFound:
    """What is raised for a chat that is not there, or not theirs who ask."""
    return NotFound(N_("There is no such chat."), code="chat_not_found")


def require_may_write(chat: Chat) -> None:
    """Raises Conflict for somebody who is blocked, and for a group that the account is not in, or
    where only admins write."""
    if chat.may_write:
        return
    if chat.blocked_at is not None:
        raise Conflict(N_("You have blocked this person."), code="chat_blocked")
    if chat.our_role is None:
        raise Conflict(N_("You are not in this group."), code="not_in_group")
    raise Conflict(N_("Only admins may write in this group."), code="only_admins_write")


def addressed(instance: Instance, address: str, *, country: str) -> Chat:
    """The chat of the instance that has this id of ours, JID or number. Raises NotFound where there
    is none: unlike with_address, none is made."""
    if address.startswith("cht_"):
        return get_for(instance, address)
    try:
        if "@" in address:
            user, server = split_jid(address)
        else:
            user, server = normalize_phone(address, country=country), ""
    except Invalid:
        raise no_such_chat() from None
    column = {GROUP_SERVER: Chat.group_id, LID_SERVER: Chat.lid}.get(server, Chat.phone)
    query = select(Chat).where(Chat.account_id == instance.account_id, column == user)
    chat = db.session.scalar(query)
    if chat is None:
        raise no_such_chat()
    return chat


def account_of(instance: Instance) -> LinkedAccount:
    """The linked account. Raises Conflict while no phone was ever linked."""
    if instance.account is None:
        raise Conflict(N_("Link a phone to this instance first."), code="not_linked")
    return instance.account


def with_address(instance: Instance, address: str, *, country: str) -> Chat:
    """The chat with `address` (a phone number in any notation, or a JID), made if it is new.

    Raises Invalid for what is neither, Conflict while no phone was ever linked.
    """
    account = account_of(instance)
    if "@" not in address:
        return person(account, phone=normalize_phone(address, country=country))
    user, server = split_jid(address)
    if server == GROUP_SERVER:
        return group(account, user)
    return person(account, lid=user) if server == LID_SERVER else person(account, phone=user)


def person(
    account: LinkedAccount, *, phone: str | None = None, lid: str | None = None, name: str = ""
) -> Chat:
    """The one chat with a person known by number, by LID or by both; made if it is new.

    What was unknown of the person is added to the chat. Two chats that turn out to be one
    person's are joined.
    """
    query = _to_change(_with_person(account, phone, lid).order_by(Chat.id))
    found = list(db.session.scalars(query))
    if not found:
        chat = _new(account, kind=PERSON, phone=phone, lid=lid, name=name[:NAME_LENGTH])
        naming.name_chats([chat])
        return chat
    chat = found[0]
    for other in found[1:]:
        _join(other, into=chat)
    name = name[:NAME_LENGTH]
    learned = (phone and not chat.phone) or (lid and not chat.lid)
    if learned or (name and name != chat.name):
        chat.phone, chat.lid = chat.phone or phone, chat.lid or lid
        chat.name = name or chat.name
        db.session.flush()
        if learned:
            naming.name_chats([chat])
        bell.changed(topics.chats(chat.instance_id), topics.chat(chat.id))
    return chat


def name_person(account: LinkedAccount, *, phone: str | None, lid: str | None, name: str) -> None:
    """Names a person whose chat has no name yet; makes no chat."""
    if not phone and not lid:
        return
    for chat in db.session.scalars(_with_person(account, phone, lid).where(Chat.name == "")):
        chat.name = name[:NAME_LENGTH]
        bell.changed(topics.chats(chat.instance_id), topics.chat(chat.id))


def group(account: LinkedAccount, group_id: str, *, name: str = "") -> Chat:
    """The chat of a group; made if it is new, and named if its name was unknown."""
    query = select(Chat).where(Chat.account_id == account.id, Chat.group_id == group_id)
    chat = db.session.scalar(_to_change(query))
    if chat is None:
        return _new(account, kind=GROUP, group_id=group_id, name=name[:NAME_LENGTH])
    chat.name = chat.name or name[:NAME_LENGTH]
    return chat


def touch(chat: Chat, *, text: str, at: datetime, unread: int = 0, kind: str = TEXT) -> None:
    """Brings the chat's line in the list up to date with a message of `at`."""
    if at >= chat.last_at or not chat.last_kind:
        chat.last_at = max(at, chat.last_at) if chat.last_kind else at
        chat.last_kind, chat.last_text = kind, text[:PREVIEW_LENGTH]
    chat.unread += unread
    if unread and chat.archived_at is not None and not chat.is_muted:
        chat.archived_at = None
        chat_wishes.forget(chat, Aspect.ARCHIVED)
    bell.changed(topics.chat(chat.id))
    tell_lists(chat)


def count_unread(chat: Chat) -> None:
    """One more message is unread, as the phone told when it was linked: that is no news, so the
    chat stays in the archive."""
    chat.unread += 1
    tell_lists(chat)


def correct(message: Message) -> None:
    """Brings the chat's line up to date where `message`, its last one, says something else now."""
    chat = message.chat
    if message.shown_at >= chat.last_at:
        chat.last_kind, chat.last_text = message.line_kind, message.line_text[:PREVIEW_LENGTH]
    tell_lists(chat)


def mark_read(chat: Chat) -> None:
    """Forgets the unread count, and that the chat was marked unread. Tells WhatsApp nothing:
    services/reading does, where it is to."""
    if chat.unread or chat.marked_unread:
        chat.unread, chat.marked_unread = 0, False
        tell_lists(chat)


def tell_lists(chat: Chat) -> None:
    """Says that the chat's line has news: in the list of chats, and in its instance's line."""
    owner_id = db.session.get_one(Instance, chat.instance_id).owner_id
    bell.changed(topics.chats(chat.instance_id), topics.instances_of(owner_id))


def _with_person(account: LinkedAccount, phone: str | None, lid: str | None) -> Select[Chat]:
    known = [Chat.phone == phone] if phone else []
    known += [Chat.lid == lid] if lid else []
    return select(Chat).where(Chat.account_id == account.id, or_(*known))


def _to_change(query: Select[Chat]) -> Select[Chat]:
    """Nobody else changes these chats until the transaction ends: what is counted up or joined
    here was read here. (SQLite has no such lock, and a writing transaction is alone there.)"""
    return query.with_for_update(key_share=True).execution_options(populate_existing=True)


def _join_manners(other: Chat, into: Chat) -> None:
    """What somebody wanted of either chat holds for the one they become."""
    if not (into.archived_at and other.archived_at):
        into.archived_at = None
        into.pinned_at = into.pinned_at or other.pinned_at
    into.marked_unread = into.marked_unread or other.marked_unread
    until = [at for at in (into.muted_until, other.muted_until) if at]
    into.muted_until = max(until, default=None)


def _new(account: LinkedAccount, **values: str | None) -> Chat:
    now = utcnow()
    chat = Chat(
        id=new_id("cht", now),
        instance_id=account.instance_id,
        account_id=account.id,
        created_at=now,
        last_at=now,
        last_text="",
        unread=0,
        **values,
    )
    db.session.add(chat)
    db.session.flush()
    bell.changed(topics.chats(chat.instance_id))
    return chat


def _join(other: Chat, *, into: Chat) -> None:
    """Moves all of `other` into `into`, which may then take over its number or LID."""
    for message in db.session.scalars(select(Message).where(Message.chat_id == other.id)):
        message.chat_id = into.id
    into.unread += other.unread
    _join_manners(other, into)
    chat_wishes.move(other, into)
    counting.join_chats(other, into)
    if other.last_kind and (other.last_at >= into.last_at or not into.last_kind):
        into.last_at = other.last_at
        into.last_kind, into.last_text = other.last_kind, other.last_text
    into.blocked_at = into.blocked_at or other.blocked_at
    phone, lid, name = other.phone, other.lid, other.name
    db.session.flush()
    db.session.delete(other)
    db.session.flush()
    into.phone, into.lid = into.phone or phone, into.lid or lid
    into.name = into.name or name
    db.session.flush()
    naming.name_chats([into])
