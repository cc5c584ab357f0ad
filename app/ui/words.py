"""States, statuses, reasons and the journal in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import format_datetime, gettext

from app.core.phones import show_phone
from app.core.reasons import REASONS
from app.core.states import InstanceState, MessageStatus
from app.core.texts import N_
from app.models import Activity, Instance
from app.models.message import DISMISSED, RESENT

_S, _M = InstanceState, MessageStatus


@dataclass(frozen=True, slots=True)
class Shown:
    """How a state looks: its word, an icon of the sprite, and a tone of the palette."""

    word: str
    icon: str
    tone: str


STATES = {
    _S.CREATED: Shown(N_("Not linked"), "link-off", "idle"),
    _S.PAIRING: Shown(N_("Waiting for the scan"), "qrcode", "attention"),
    _S.CONNECTING: Shown(N_("Connecting"), "loader", "idle"),
    _S.CONNECTED: Shown(N_("Connected"), "circle-check", "alive"),
    _S.DISCONNECTED: Shown(N_("No connection"), "plug-connected-x", "attention"),
    _S.LOGGED_OUT: Shown(N_("Unlinked on the phone"), "device-mobile-off", "lost"),
    _S.STOPPED: Shown(N_("Stopped"), "player-pause", "idle"),
    _S.FAILED: Shown(N_("Not working"), "alert-triangle", "lost"),
}

STATUSES = {
    _M.QUEUED: Shown(N_("Queued"), "clock", "idle"),
    _M.SENDING: Shown(N_("Sending"), "send", "idle"),
    _M.SENT: Shown(N_("Sent"), "check", "idle"),
    _M.DELIVERED: Shown(N_("Delivered"), "checks", "idle"),
    _M.READ: Shown(N_("Read"), "checks", "alive"),
    _M.PLAYED: Shown(N_("Played"), "checks", "alive"),
    _M.FAILED: Shown(N_("Failed"), "alert-circle", "lost"),
    _M.UNCONFIRMED: Shown(N_("Unconfirmed"), "help-circle", "attention"),
    _M.CANCELLED: Shown(N_("Cancelled"), "ban", "idle"),
    _M.EXPIRED: Shown(N_("Expired"), "clock-off", "attention"),
}

# By the slugs of app/engine/errors.py; a number at the end is WhatsApp's own.
FAILURES = {
    "bad_address": N_("this is not an address that can be written to"),
    "lookup_failed": N_("WhatsApp did not say how to reach this person"),
    "not_on_whatsapp": N_("this number is not on WhatsApp"),
    "server_error": N_("WhatsApp refused the message (code %(code)s)"),
}

KINDS = {
    "image": N_("Image"),
    "video": N_("Video"),
    "audio": N_("Audio"),
    "voice": N_("Voice message"),
    "document": N_("Document"),
    "sticker": N_("Sticker"),
    "location": N_("Location"),
    "contact": N_("Contact card"),
    "poll": N_("Poll"),
}

_SETTLED = {
    RESENT: N_("It was sent again as a new message"),
    DISMISSED: N_("Left as it is"),
}
_SOME_FAILURE = N_("the message could not be sent")
_SOME_KIND = N_("This kind of message is not shown yet")
_WORD_IS_THE_REASON = frozenset({_S.LOGGED_OUT, _S.FAILED})

JOURNAL = {
    "instance:settings:created": N_("Instance created"),
    "instance:settings:changed": N_("Settings changed"),
    "instance:phone:linked": N_("Phone %(phone)s linked"),
    "instance:phone:other": N_("The code was made for %(asked)s, but %(phone)s was linked"),
    "session:event:set_aside": N_("A received event could not be read; it was set aside"),
    "webhook:endpoint:disabled": N_("Webhook switched off: its address answered “gone”"),
    "webhook:endpoint:saved": N_("Webhook changed"),
    "webhook:endpoint:deleted": N_("Webhook removed"),
    "webhook:secret:replaced": N_("Webhook secret replaced"),
    "instance:session:reconnected": N_("Reconnect asked for"),
    "instance:session:signed_out": N_("Log-out asked for"),
    "message:unconfirmed:resent": N_("Unconfirmed message sent again"),
    "message:unconfirmed:dismissed": N_("Unconfirmed message left as it is"),
}


class _Filled(dict[str, Any]):
    """Placeholders that are missing show as dots, never as an error."""

    def __missing__(self, key: str) -> str:
        return "…"


def fill(msgid: str, detail: Mapping[str, Any]) -> str:
    """`msgid` translated, its placeholders filled from `detail` as far as that goes."""
    text: str = gettext(msgid)
    return text % _Filled({name: _shown(name, value) for name, value in detail.items()})


def reason_sentence(instance: Instance) -> str:
    """Why the instance is in its state; empty where there is nothing to say."""
    reason = REASONS.get(instance.reason or "")
    return fill(reason.sentence, instance.reason_detail) if reason else ""


def reason_hint(instance: Instance) -> str:
    """What the person can do about it; empty where there is nothing to do."""
    reason = REASONS.get(instance.reason or "")
    return fill(reason.hint, instance.reason_detail) if reason else ""


def state_word(instance: Instance) -> str:
    """The state in words: for a state that is a problem, the problem."""
    if instance.instance_state in _WORD_IS_THE_REASON:
        return reason_sentence(instance) or gettext(STATES[instance.instance_state].word)
    return gettext(STATES[instance.instance_state].word)


def status_words(status: MessageStatus, failure: str | None) -> str:
    """How far a message came, with the reason where it did not."""
    status = MessageStatus(status)
    if status is _M.FAILED:
        return gettext("Failed: %(reason)s", reason=_failure_words(failure or ""))
    if status is _M.UNCONFIRMED:
        return gettext("It may have arrived: the connection broke before WhatsApp answered")
    return gettext(STATUSES[status].word)


def settled_words(settled: str | None) -> str:
    """What was decided about an unconfirmed message; empty while nobody has."""
    return gettext(_SETTLED[settled]) if settled else ""


def _failure_words(failure: str) -> str:
    slug, _, code = failure.rpartition("_")
    if code.isdigit() and slug in FAILURES:
        return fill(FAILURES[slug], {"code": code})
    return gettext(FAILURES.get(failure, _SOME_FAILURE))


def kind_words(kind: str) -> str:
    """What stands for a message without a text."""
    return gettext(KINDS.get(kind, _SOME_KIND))


def journal_sentence(line: Activity) -> str:
    """One line of the journal in words."""
    if line.kind == "instance:state:changed":
        word = gettext(STATES[InstanceState(line.detail["to"])].word)
        reason = REASONS.get(line.detail.get("reason") or "")
        return f"{word}: {fill(reason.sentence, line.detail)}" if reason else word
    return fill(JOURNAL.get(line.kind, line.kind), line.detail)


def _shown(name: str, value: object) -> object:
    """Numbers and moments (kept as ISO text) as people read them."""
    if name == "phone":
        return show_phone(str(value))
    if not isinstance(value, str) or "T" not in value:
        return value
    try:
        return format_datetime(datetime.fromisoformat(value), "short")
    except ValueError:
        return value
