"""Who types: told to WhatsApp while somebody writes here, and known for some seconds where
somebody writes there. Nothing of it is stored; Redis alone knows it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import false, or_, select

from app import bell, topics
from app.clock import utcnow
from app.core.chat_states import Composing, Signal
from app.core.phones import lid_jid
from app.core.presence import Presence
from app.core.states import InstanceState
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount
from app.transaction import after_commit

SHOWN_SECONDS = 15
"""How long somebody is shown as typing who says nothing more; phones say it again every 10 s."""


def types(instance: Instance, chat: Chat, *, composing: bool) -> bool:
    """Somebody here types in the chat, or does not any more; whether the session is told. It is not
    where WhatsApp would show it to nobody."""
    if not _is_shown(instance, chat) or not chat.may_write:
        return False
    what = Signal.COMPOSING if composing else Signal.PAUSED
    bell.hint(instance.id, what, _address_of(chat))
    return True


def looks(instance: Instance, chat: Chat) -> None:
    """Somebody here has the chat open: WhatsApp is to tell when the person types. It tells of
    groups without being asked."""
    if not chat.is_group and _is_shown(instance, chat):
        bell.hint(instance.id, Signal.FOLLOW, _address_of(chat))


def heard(
    account: LinkedAccount,
    state: Composing | None,
    at: datetime,
    *,
    phone: str | None = None,
    lid: str | None = None,
    group_id: str | None = None,
) -> None:
    """What WhatsApp told of somebody in a chat; None: nothing any more. What is old by now, or of a
    chat that is not known, is passed over."""
    if utcnow() - at > timedelta(seconds=SHOWN_SECONDS):
        return
    named = ((Chat.phone, phone), (Chat.lid, lid), (Chat.group_id, group_id))
    known = [column == value for column, value in named if value]
    query = select(Chat.id).where(Chat.account_id == account.id, or_(false(), *known))
    if chat_id := db.session.scalar(query.limit(1)):
        _keep(chat_id, state)
        bell.changed(topics.chat(chat_id))


def over(chat: Chat) -> None:
    """Somebody's message came, so that it is typed no more."""
    _keep(chat.id, None)


def composing_in(chat: Chat) -> Composing | None:
    """What somebody does in the chat now."""
    told = bell.remembered(_key(chat.id))
    return Composing(told) if told in set(Composing) else None


def _keep(chat_id: str, state: Composing | None) -> None:
    key = _key(chat_id)
    after_commit(lambda: bell.remember(key, state, seconds=SHOWN_SECONDS), key=(key, state))


def _key(chat_id: str) -> str:
    return f"composing:{chat_id}"


def _is_shown(instance: Instance, chat: Chat) -> bool:
    return (
        instance.presence == Presence.ONLINE
        and instance.instance_state is InstanceState.CONNECTED
        and chat.account_id == instance.account_id
    )


def _address_of(chat: Chat) -> str:
    return lid_jid(chat.lid) if chat.lid else chat.jid
