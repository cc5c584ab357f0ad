"""Who types: told to WhatsApp while somebody writes here. Nothing of it is stored."""

from __future__ import annotations

from app import bell
from app.core.chat_states import Signal
from app.core.phones import lid_jid
from app.core.presence import Presence
from app.core.states import InstanceState
from app.models import Chat, Instance


def types(instance: Instance, chat: Chat, *, composing: bool) -> bool:
    """Somebody here types in the chat, or does not any more; whether the session is told. It is not
    where WhatsApp would show it to nobody."""
    if not _is_shown(instance, chat) or not chat.may_write:
        return False
    what = Signal.COMPOSING if composing else Signal.PAUSED
    bell.hint(instance.id, what, _address_of(chat))
    return True


def _is_shown(instance: Instance, chat: Chat) -> bool:
    return (
        instance.presence == Presence.ONLINE
        and instance.instance_state is InstanceState.CONNECTED
        and chat.account_id == instance.account_id
    )


def _address_of(chat: Chat) -> str:
    return lid_jid(chat.lid) if chat.lid else chat.jid
