"""States, statuses, reasons and the journal in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import format_datetime, gettext

from app.clock import utcnow
from app.core.events import Subscription
from app.core.journal import SENTENCES, STATE_CHANGED, Group
from app.core.media import MediaState
from app.core.phones import show_phone
from app.core.reasons import REASONS
from app.core.states import InstanceState, MessageStatus
from app.core.texts import N_
from app.models import Activity, Instance, Media
from app.models.message import DISMISSED, RESENT
from app.services.contact_duplicates import Likeness
from app.services.contact_lists import Order
from app.services.media import KEPT_NO_LONGER
from app.services.overview import Sort
from app.services.queue import Wait

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
    _M.READ: Shown(N_("Read"), "checks", "told"),
    _M.PLAYED: Shown(N_("Played"), "player-play", "told"),
    _M.FAILED: Shown(N_("Failed"), "alert-circle", "lost"),
    _M.UNCONFIRMED: Shown(N_("Unconfirmed"), "help-circle", "attention"),
    _M.CANCELLED: Shown(N_("Cancelled"), "ban", "idle"),
    _M.EXPIRED: Shown(N_("Expired"), "clock-off", "attention"),
}

# By the slugs of app/engine/errors.py; a number at the end is WhatsApp's own.
FAILURES = {
    "bad_address": N_("this is not an address that can be written to"),
    "lookup_failed": N_("WhatsApp did not say how to reach this person"),
    "file_missing": N_("the file is not on this server any more"),
    "gif_unreadable": N_("no GIF can be made of this file: it is damaged, or plays nothing"),
    "gif_too_many_pixels": N_("no GIF can be made of this file: it has more than 16 megapixels"),
    "gif_too_long": N_("a GIF may play for at most a minute"),
    "gif_too_large": N_("the GIF that was made is larger than WhatsApp takes"),
    "upload_failed": N_("WhatsApp did not take the file"),
    "not_on_whatsapp": N_("this number is not on WhatsApp"),
    "too_late": N_("WhatsApp takes this change no more"),
    "not_in_group": N_("you are not in this group"),
    "group_refused": N_("WhatsApp does not take messages from this account in this group"),
    "server_error": N_("WhatsApp refused the message (code %(code)s)"),
    # What became known of WhatsApp's numbers: 463 is given to numbers that may not begin chats.
    "server_error_401": N_("WhatsApp does not let this account write here"),
    "server_error_403": N_("WhatsApp has restricted this account: open WhatsApp on the phone"),
    "server_error_463": N_(
        "this number cannot start this chat yet: wait until this person writes first, or a day"
    ),
}

_MEDIA_STATES = {
    MediaState.WAITING: N_("Waits to be downloaded from WhatsApp"),
    MediaState.FETCHING: N_("Is being downloaded from WhatsApp"),
    MediaState.EXPIRED: N_(
        "WhatsApp does not have this file any more. If the phone still has it, forward it to this"
        " chat from there."
    ),
    MediaState.STORED: "",
    MediaState.MAKING: N_("Is being prepared for sending"),
}
_KEPT_NO_LONGER = N_("This server keeps files for a limited time, and this one is older.")
_NOT_ASKED_FOR = N_("Not downloaded yet")
_MEDIA_FAILURES = {
    "not_genuine": N_("The file did not arrive intact, so it was not kept."),
    "storage_unreachable": N_("The storage of files could not be reached."),
    "no_room": N_("There is no room left on the server's disk."),
    **dict.fromkeys(
        ("gif_unreadable", "gif_too_many_pixels", "gif_too_long", "gif_too_large", "file_missing"),
        N_("No GIF was made of this file."),
    ),
    "not_told": N_("WhatsApp did not say where this file is. Open it on the phone."),
}
_SOME_MEDIA_FAILURE = N_("WhatsApp did not give the file.")

_SETTLED = {
    RESENT: N_("It was sent again as a new message"),
    DISMISSED: N_("Left as it is"),
}
_SOME_FAILURE = N_("the message could not be sent")
_WORD_IS_THE_REASON = frozenset({_S.PAIRING, _S.LOGGED_OUT, _S.FAILED})

SUBSCRIPTIONS = {
    Subscription.RECEIVED: N_("Received messages"),
    Subscription.SENT: N_("Sent messages"),
    Subscription.DELIVERY: N_("Delivery status"),
    Subscription.READ: N_("Read status"),
    Subscription.FAILED: N_("Messages that failed"),
    Subscription.UNCONFIRMED: N_("Unconfirmed messages"),
    Subscription.EDITED: N_("Edited messages"),
    Subscription.DELETED: N_("Deleted messages"),
    Subscription.REACTION: N_("Reactions"),
    Subscription.GROUPS: N_("Changes in groups"),
    Subscription.VOTE: N_("Votes in polls"),
    Subscription.CONNECTION: N_("Connection status"),
    Subscription.QR_CODES: N_("New QR codes"),
    Subscription.CALLS: N_("Calls"),
    Subscription.CONTACTS: N_("Imports of contacts"),
    Subscription.WEBHOOKS: N_("Webhooks switched off by themselves"),
    Subscription.LIMITS: N_("Limits that are reached"),
    Subscription.NOTICES: N_("Notices: something needs you, or is over"),
}

GROUPS = {
    Group.CONNECTION: N_("Connection"),
    Group.LINKING: N_("Linking"),
    Group.MESSAGES: N_("Messages"),
    Group.SETTINGS: N_("Settings"),
    Group.WEBHOOKS: N_("Webhooks"),
    Group.CONTACTS: N_("Contacts"),
    Group.SIGN_INS: N_("Sign-ins"),
    Group.ACCOUNT: N_("Account"),
    Group.PEOPLE: N_("People"),
}
WAITS = {
    Wait.TURN: N_("Waits for its turn: messages go out one by one"),
    Wait.CONNECTION: N_("Waits for the connection"),
    Wait.TIME: N_("Waits for its time"),
    Wait.PAUSE: N_("The queue is paused"),
    Wait.LINK: N_("Waits until a phone is linked"),
    Wait.FILE: N_("Waits for its file, which is being prepared"),
    Wait.OTHER_NUMBER: N_("Its number is no longer linked here: it will not be sent"),
}
SORTS = {
    Sort.NAME: N_("Name"),
    Sort.ACTIVITY: N_("Last activity"),
    Sort.STATE: N_("State"),
    Sort.UNREAD: N_("Unread"),
}
ORDERS = {
    Order.NAME: N_("Name, from A to Z"),
    Order.NAME_REVERSED: N_("Name, from Z to A"),
    Order.NEWEST: N_("Newest first"),
    Order.LAST_MESSAGE: N_("Last message"),
}
ENCODINGS = {
    "utf-8": N_("UTF-8"),
    "utf-16-le": N_("UTF-16 (“Unicode text” of Excel)"),
    "utf-16-be": N_("UTF-16, big-endian"),
    "windows-1251": N_("Windows-1251 (Cyrillic)"),
}
DELIMITERS = {";": N_("Semicolon"), ",": N_("Comma"), "\t": N_("Tab")}
LIKENESSES = {
    Likeness.SAME_PERSON: N_("One person by number and by WhatsApp id"),
    Likeness.SAME_NUMBER: N_("One number in two notations"),
    Likeness.SAME_NAME: N_("The same name"),
}
LIKENESS_REASONS = {
    Likeness.SAME_PERSON: N_("WhatsApp says that both are the same account."),
    Likeness.SAME_NUMBER: N_(
        "The numbers differ by a digit that is written or left out in this country."
    ),
    Likeness.SAME_NAME: N_("The numbers differ: these may be namesakes. Merge only whom you know."),
}
CONTACT_FIELDS = {
    "name": N_("Name"),
    "phone": N_("Number"),
    "tags": N_("Tags"),
    "note": N_("Note"),
}
PROBLEM_REMEMBERED = timedelta(days=1)
"""A trouble that is over is told for this long."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The last trouble of an instance in one line."""

    sentence: str
    since: datetime
    until: datetime | None  # None while it lasts


class _Filled(dict[str, Any]):
    """Placeholders that are missing show as dots, never as an error."""

    def __missing__(self, key: str) -> str:
        return "…"


def subscriptions(chosen: Iterable[str]) -> str:
    """What a webhook is told of, as a list in words."""
    return ", ".join(gettext(word) for choice, word in SUBSCRIPTIONS.items() if choice in chosen)


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


def problem_of(instance: Instance) -> Problem | None:
    """The trouble that lasts, or the last one of the day; None where there was none."""
    reason = REASONS.get(instance.problem or "")
    if reason is None or instance.problem_since is None:
        return None
    until = instance.problem_until
    if until is not None and utcnow() - until > PROBLEM_REMEMBERED:
        return None
    sentence = fill(reason.sentence, instance.problem_detail or {})
    return Problem(sentence, instance.problem_since, until)


def state_word(instance: Instance) -> str:
    """The state in words: the problem, or what is waited for, where that says more."""
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


def stage_words(stage: MessageStatus | None) -> str:
    """How far a message has come with somebody; None: not to their phone yet."""
    return gettext(STATUSES[stage].word) if stage else gettext("Not delivered yet")


def settled_words(settled: str | None) -> str:
    """What was decided about an unconfirmed message; empty while nobody has."""
    return gettext(_SETTLED[settled]) if settled else ""


def _failure_words(failure: str) -> str:
    slug, _, code = failure.rpartition("_")
    if failure not in FAILURES and code.isdigit() and slug in FAILURES:
        return fill(FAILURES[slug], {"code": code})
    return gettext(FAILURES.get(failure, _SOME_FAILURE))


def media_words(media: Media) -> str:
    """Why a file is not here; empty where it is."""
    if media.failure == KEPT_NO_LONGER and media.due_at is None:
        return gettext(_KEPT_NO_LONGER)
    if media.state == MediaState.WAITING and media.due_at is None:
        return gettext(_NOT_ASKED_FOR)
    if media.state == MediaState.FAILED:
        return gettext(_MEDIA_FAILURES.get(media.failure or "", _SOME_MEDIA_FAILURE))
    return gettext(_MEDIA_STATES[MediaState(media.state)])


def journal_sentence(line: Activity) -> str:
    """One line of the journal in words."""
    if line.kind == STATE_CHANGED:
        word = gettext(STATES[InstanceState(line.detail["to"])].word)
        reason = REASONS.get(line.detail.get("reason") or "")
        if reason is None:
            return word
        sentence = fill(reason.sentence, line.detail)
        return sentence if line.detail["to"] == _S.PAIRING else f"{word}: {sentence}"
    return fill(SENTENCES.get(line.kind, line.kind), line.detail)


def journal_actor(line: Activity) -> str:
    """Who did it: a person, a program of theirs, or the system by itself."""
    if line.user is None:
        return str(gettext("System"))
    name = line.user.name or line.user.email
    if line.via is None:
        return name
    return str(gettext("%(name)s, by API", name=name))


def journal_place(line: Activity) -> Instance | None:
    """The instance to name beside a line of a person's journal."""
    instance = line.instance
    return instance if instance is not None and instance.deleted_at is None else None


def _shown(name: str, value: object) -> object:
    """Numbers and moments (kept as ISO text) as people read them."""
    if name in {"phone", "asked"}:
        return show_phone(str(value)).replace(" ", "\u00a0")
    if not isinstance(value, str) or "T" not in value:
        return value
    try:
        return format_datetime(datetime.fromisoformat(value), "short")
    except ValueError:
        return value
