"""Why a phone does not know how a chat is kept here, in words."""

from __future__ import annotations

from flask_babel import gettext

from app.core.texts import N_
from app.models import Chat

_WHY = {
    "app_state_unsupported": N_("this version of the engine cannot tell the phone"),
    "app_state_refused": N_("WhatsApp refused it"),
    "app_state_keys_missing": N_("the phone has not sent its keys yet"),
}
_NOT_TAKEN = N_("WhatsApp did not take it")


def phone_trouble(chat: Chat) -> str:
    """What to say of it; empty where the phone knows, or is told soon."""
    if chat.phone_trouble is None:
        return ""
    why = gettext(_WHY.get(chat.phone_trouble, _NOT_TAKEN))
    return str(gettext("The phone does not know how this chat is kept here: %(why)s.", why=why))
