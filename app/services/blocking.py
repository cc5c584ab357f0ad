"""Blocking people: wished for by a page or the API, done once by the host that holds the session,
and known of every chat from WhatsApp's own list."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import or_, select

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict
from app.core.groups import WishedAct
from app.core.phones import LID_SERVER, lid_jid, phone_jid
from app.core.states import InstanceState
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, GroupWish, Instance, LinkedAccount
from app.models.chat import PERSON
from app.services import chats, group_wishes, messaging


def wish(instance: Instance, chat: Chat, *, blocked: bool) -> GroupWish:
    """A wish that the person of this chat is blocked, or not any more. Raises NotFound for a group,
    Conflict while the instance is not connected, or where another number is linked."""
    if chat.is_group:
        raise chats.no_such_chat()
    messaging.require_linked(instance, chat)
    if instance.instance_state is not InstanceState.CONNECTED:
        text = N_("People can be blocked and unblocked only while the instance is connected.")
        raise Conflict(text, code="not_connected")
    act = WishedAct.BLOCK if blocked else WishedAct.UNBLOCK
    jid = lid_jid(chat.lid) if chat.lid else phone_jid(str(chat.phone))
    return group_wishes.write(instance, act, people=[jid])


def done(account: LinkedAccount, *, phone: str | None, lid: str | None, blocked: bool) -> None:
    """WhatsApp has done it for this person."""
    _set(chats.person(account, phone=phone, lid=lid), blocked)
    db.session.flush()


def learn(account: LinkedAccount, jids: Iterable[str]) -> None:
    """Brings the chats up to date with WhatsApp's list of all who are blocked."""
    parts = [jid.partition("@") for jid in jids]
    lids = {user for user, _, server in parts if server == LID_SERVER}
    phones = {user for user, _, server in parts if server != LID_SERVER}
    known = or_(Chat.blocked_at.is_not(None), Chat.lid.in_(lids), Chat.phone.in_(phones))
    query = select(Chat).where(Chat.account_id == account.id, Chat.kind == PERSON, known)
    for chat in db.session.scalars(query):
        if chat.lid in lids or chat.phone in phones:
            _set(chat, True)
        elif chat.lid or not lids:  # else it may be one of the LIDs
            _set(chat, False)
    db.session.flush()


def _set(chat: Chat, blocked: bool) -> None:
    if blocked == (chat.blocked_at is not None):
        return
    chat.blocked_at = utcnow() if blocked else None
    bell.changed(topics.chats(chat.instance_id), topics.chat(chat.id))
